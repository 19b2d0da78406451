# SPDX-License-Identifier: Apache-2.0
"""The steps, one after the other, through the same D-Bus interface that the window uses."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from lundock.app.client import operations
from lundock.app.client.client import Client
from lundock.app.client.link import Where
from lundock.app.client.objects import Lun
from lundock.app.client.operations import Attached, Secrets, SignIn
from lundock.helper.api.bus import Connection
from lundock.helper.api.errors import Problem
from lundock.helper.api.names import BUS_NAME

from .. import traces
from . import contents, rates
from .filesystem import mounted
from .pictures import draw
from .report import Failed, Report, size_text
from .scene import CHAP_NAME, TARGET_NAME, Scene

NOISE_SIZE = 64 << 20
NOISE_NAME = "new-64-MiB.bin"
PATIENCE = 20.0


async def run(scene: Scene, report: Report, pictures: Path, watch: float) -> None:
    """Do everything once; Failed or Problem when something is not as it has to be."""
    await wait_for_helper(scene)
    async with Client(Where("address", scene.bus)) as client:
        await _Demo(client, scene, report).run(pictures, watch)


async def wait_for_helper(scene: Scene) -> None:
    """Return when the helper answers on the bus; Failed when it has ended."""
    connection = await Connection.open(scene.bus)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await connection.name_owner(BUS_NAME):
                if scene.helper.poll() is not None:
                    raise Failed(f"the helper ended with {scene.helper.returncode}:\n{scene.log()}")
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise Failed(f"the helper does not answer:\n{scene.log()}") from None
    finally:
        connection.close()


class _Demo:
    def __init__(self, client: Client, scene: Scene, report: Report) -> None:
        self.client = client
        self.scene = scene
        self.report = report
        self.target = ""

    async def run(self, pictures: Path, watch: float) -> None:
        """The whole job."""
        await self.discover()
        lun = await self.sign_in()
        attached = await self.attach(lun)
        with mounted(Path(attached.device), self.scene.folder / "mnt") as how:
            place = self.scene.folder / "mnt"
            self.read_files(place, how)
            digest = await self.write(place / NOISE_NAME, lun)
            await self.draw(pictures, place, watch)
        await self.eject(lun, attached)
        await self.log_out()
        await self.come_back(digest)
        await operations.remove_target(self.client, self.target)

    async def discover(self) -> None:
        """Ask the address, and save what it offers."""
        with self.report.step(f"Discover what {self.scene.address} offers"):
            found = await operations.discover(self.client, self.scene.address)
            self.report.check([one.name for one in found] == [TARGET_NAME], f"it offers {found}")
            self.report.say(f"found {found[0].name} at {operations.portals_text(found[0].portals)}")
            account = SignIn("chap", chap_name=CHAP_NAME)
            self.target = await operations.add_target(self.client, found[0].name, found[0].portals, sign_in=account)

    async def sign_in(self) -> str:
        """Sign in: with a wrong secret, which has to be refused, and with the right one. Returns the disk."""
        with self.report.step(f"Sign in with CHAP as “{CHAP_NAME}”"):
            try:
                await operations.login(self.client, self.target, secrets=Secrets("not-the-secret-of-this-disk"))
            except Problem as problem:
                self.report.check(problem.code == "AuthenticationFailed", f"a wrong secret led to {problem.code}")
                self.report.say(f"a wrong secret: {problem}")
            else:
                raise Failed("a wrong secret was accepted")
            path = await self.log_in()
        with self.report.step("See the disk"):
            lun = self.seen(path)
            self.report.check(lun.size == contents.DISK_SIZE, f"the disk has {lun.size} bytes")
            self.report.check(lun.kind == "disk" and not lun.read_only, "it is no disk that can be written")
            self.report.say(f"{lun.title}, {size_text(lun.size)}, blocks of {lun.block_size}, serial {lun.serial}")
        return path

    async def log_in(self) -> str:
        """Sign in with the right secret; returns the disk's path."""
        _, luns = await operations.login(self.client, self.target, secrets=Secrets(self.scene.secret))
        self.report.check(len(luns) == 1, f"the target shows {len(luns)} disks instead of one")
        self.report.check([*traces.connections(self.scene.port)], "there is no connection to the target")
        await operations.wait_for(self.client, luns[0])
        self.report.say("signed in; the target shows one disk")
        return luns[0]

    def seen(self, path: str) -> Lun:
        """Return the disk as the bus shows it now."""
        return self.client.snapshot.luns[path]

    async def attach(self, path: str) -> Attached:
        """Make the disk a device, or a file."""
        with self.report.step("Attach the disk"):
            attached = await operations.attach(self.client, path)
            self.report.check(Path(attached.device).exists(), f"there is no {attached.device}")
            self.report.say(f"{attached.device} ({attached.method}: {attached.reason})")
        return attached

    def read_files(self, place: Path, how: str) -> None:
        """Compare every file's checksum."""
        with self.report.step(f"Mount it with {how} and read the files"):
            for name, wanted in self.scene.sums.items():
                file = place / name
                self.report.check(file.is_file(), f"{name} is missing")
                self.report.check(contents.checksum(file) == wanted, f"{name} is not what was put on the disk")
                self.report.say(f"{size_text(file.stat().st_size):>8}  {wanted[:16]}…  {name}")

    async def write(self, file: Path, lun: str) -> str:
        """Write 64 MiB and watch; returns their checksum."""
        with self.report.step(f"Write {size_text(NOISE_SIZE)}, with live rates"):
            watch = rates.Watch(self.client, lun, self.report)
            digest = await watch.during(contents.write_noise(file, NOISE_SIZE))
            written = watch.total("write-bytes")
            self.report.check(written >= NOISE_SIZE, f"only {written} bytes have gone to the target")
            self.report.say(f"{size_text(written)} have gone to the target; checksum {digest[:16]}…")
        return digest

    async def draw(self, folder: Path, place: Path, watch: float) -> None:
        """Draw the window's pages while the disk is used."""
        with self.report.step("Draw the window"):
            files = await draw(self.scene, folder, place, watch)
            self.report.check(files, "no picture was drawn")
            for file in files:
                self.report.check(file.stat().st_size > 0, f"{file} is empty")
                self.report.say(os.path.relpath(file))

    async def eject(self, lun: str, attached: Attached) -> None:
        """Take the device away, and see that it is gone."""
        with self.report.step("Unmount and eject"):
            await operations.eject(self.client, lun)
            run_dir = self.scene.folder / "run"
            left = [*traces.mounts([run_dir]), *traces.loops([run_dir])]
            self.report.check(not left, f"after the eject there is still {left}")
            self.report.say(f"{attached.device} is gone")

    async def log_out(self) -> None:
        """End the session, and see that it is gone."""
        with self.report.step("Log out"):
            await operations.logout(self.client, self.target)
            await self._until("the session is still there", lambda: not self.client.snapshot.sessions)
            await self._until("a connection is still up", lambda: not [*traces.connections(self.scene.port)])
            self.report.say("the session and its connection are gone")

    async def come_back(self, digest: str) -> None:
        """A new session sees what the first one wrote."""
        with self.report.step(f"Log in again and compare the {size_text(NOISE_SIZE)}"):
            lun = await self.log_in()
            attached = await operations.attach(self.client, lun)
            with mounted(Path(attached.device), self.scene.folder / "mnt"):
                file = self.scene.folder / "mnt" / NOISE_NAME
                self.report.check(contents.checksum(file) == digest, f"{file.name} has changed")
            self.report.say(f"the same: {digest[:16]}…")
        await self.eject(lun, attached)
        await self.log_out()

    async def _until(self, problem: str, good: Callable[[], bool]) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not good():
            if asyncio.get_running_loop().time() > deadline:
                raise Failed(problem)
            await asyncio.sleep(0.02)
