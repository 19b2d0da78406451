# SPDX-License-Identifier: Apache-2.0
"""A service that is killed, or stopped and started again, finds its sessions and disks; who writes notices nothing."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lundock.app.client import operations
from lundock.app.client.client import Client
from lundock.app.client.link import Where
from lundock.app.client.operations import Secrets, SignIn
from lundock.helper import keeping
from lundock.helper.api.errors import Problem
from support import need, procs
from support.buses import session_bus
from support.helper import HelperProcess
from support.supervised import program
from support.tgtd import LunSpec, Tgtd, TgtTarget

from tools import traces

MIB = 1 << 20
ALICE = ("alice", "secret-of-alice")


@pytest.fixture
def target(own_tgtd: Tgtd, target_name: str) -> TgtTarget:
    need.root()
    need.fuse()
    need.loop()
    return own_tgtd.add_target(target_name, [LunSpec(64 * MIB)], chap=ALICE)


@pytest.fixture
def keeper(tmp_path: Path, own_tgtd: Tgtd) -> Iterator[HelperProcess]:
    """A helper as it is started by systemd: what has disks attached is left alone at its end. (Which is before that of
    the target: without one, a disk with something still to write is not taken away.)
    """
    with session_bus() as bus, tempfile.TemporaryDirectory(prefix=traces.PREFIX) as run_dir:
        arguments = ("--stop-policy", "keep")
        helper = HelperProcess(bus, tmp_path / "state", Path(run_dir) / "run", tmp_path / "helper.log", arguments)
        helper.start()
        try:
            yield helper
        finally:
            helper.stop()
            helper.arguments = ("--stop-policy", "logout")  # what a test that failed has left behind
            helper.start()
            helper.stop()
        assert "Traceback" not in helper.log(), helper.log()


def crash(helper: HelperProcess) -> None:
    helper.kill()


def stop(helper: HelperProcess) -> None:
    assert helper.stop() == 0


ends = pytest.mark.parametrize("end", [crash, stop])


@dataclass
class Disk:
    """An attached disk, and its worker."""

    target: str
    lun: str
    device: str
    worker: int


def run(steps: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(steps(), 120))  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def client_of(helper: HelperProcess) -> AsyncIterator[Client]:
    async with Client(Where("address", helper.bus)) as client:
        yield client


def worker_of(helper: HelperProcess) -> int:
    (kept,) = keeping.load_all(helper.run_dir)
    return kept.pid


async def connected(helper: HelperProcess, made: TgtTarget, method: str = "fuse") -> Disk:
    """Save, connect and attach, as a person would."""
    async with client_of(helper) as client:
        portal = operations.parse_portal(made.portal)
        sign_in = SignIn("chap", chap_name=ALICE[0])
        target = await operations.add_target(client, made.name, [portal], sign_in=sign_in)
        _, luns = await operations.login(client, target, secrets=Secrets(ALICE[1], ""))
        disks = [lun for lun in luns if (await operations.wait_for(client, lun)).kind == "disk"]
        attached = await operations.attach(client, disks[0], method=method)
        return Disk(target, disks[0].rpartition("/")[2], attached.device, worker_of(helper))


async def there(client: Client, disk: Disk) -> str:
    """Return the object of a disk that is attached as before."""
    (lun,) = [path for path, one in client.snapshot.luns.items() if path.endswith(disk.lun)]
    seen = client.snapshot.luns[lun]
    assert (seen.device, seen.size) == (disk.device, 64 * MIB)
    assert client.snapshot.targets[disk.target].state == "connected"
    return lun


def nothing_left(helper: HelperProcess, disk: Disk) -> None:
    assert [one.name for one in helper.run_dir.iterdir() if one.name != "disks"] == []
    assert list((helper.run_dir / "disks").iterdir()) == []
    assert list(traces.loops([helper.run_dir])) == []
    procs.wait_for("the worker's end", lambda: not alive(disk.worker))


def alive(pid: int) -> bool:
    """Whether there is such a process that is not a zombie (whose parent may be a container's first process)."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@ends
def test_writing_goes_on_while_the_service_is_away(
    keeper: HelperProcess, target: TgtTarget, tmp_path: Path, end: Callable[[HelperProcess], None]
) -> None:
    need.program("fio")
    need.program("mkfs.ext4")
    place = tmp_path / "m"
    place.mkdir()
    fio = f"fio --name=x --filename={place}/f --size=24M --bs=4k --direct=1 --ioengine=libaio --iodepth=16".split()
    fio += ["--verify=crc32c", "--verify_state_save=0"]

    async def steps() -> None:
        disk = await connected(keeper, target)
        await program("mkfs.ext4", "-q", disk.device)
        await program("mount", disk.device, place)
        writing = asyncio.create_task(program(*fio, "--rw=randwrite", "--do_verify=0", "--rate_iops=1500"))
        try:
            await asyncio.to_thread(procs.wait_for, "fio's file", (place / "f").exists)
            for _ in range(2):
                end(keeper)
                keeper.start()
                async with client_of(keeper) as client:
                    lun = await there(client, disk)
                    assert worker_of(keeper) == disk.worker
                    before = (await operations.statistics(client))[lun]["writes"]
                    while (await operations.statistics(client))[lun]["writes"] == before and not writing.done():
                        await asyncio.sleep(0.01)
                    with pytest.raises(Problem) as busy:
                        await operations.eject(client, lun)
                    assert busy.value.code == "DeviceBusy"
            await writing
            await program(*fio, "--rw=randread")
        finally:
            writing.cancel()
            await program("umount", place)
        async with client_of(keeper) as client:
            await operations.eject(client, await there(client, disk))
            await operations.logout(client, disk.target)
            assert not client.snapshot.luns
        nothing_left(keeper, disk)

    run(steps)


@ends
def test_a_worker_that_dies_later_is_replaced_with_what_it_handed_over(
    keeper: HelperProcess, target: TgtTarget, end: Callable[[HelperProcess], None]
) -> None:
    """The descriptors of the disk and of the secrets came back from the worker: another one goes on with them."""

    async def steps() -> None:
        disk = await connected(keeper, target)
        end(keeper)
        keeper.start()
        async with client_of(keeper) as client:
            lun = await there(client, disk)
            data = os.urandom(MIB)
            await asyncio.to_thread(Path(disk.device).write_bytes, data)
            # Counted a moment after it was answered: a worker that is killed between has not counted it.
            while not (written := (await operations.statistics(client))[lun]["write-bytes"]):
                await asyncio.sleep(0.01)
            os.kill(disk.worker, signal.SIGKILL)
            assert await asyncio.to_thread(read_past_cache, disk.device, MIB) == data
            while worker_of(keeper) == disk.worker or client.snapshot.targets[disk.target].state != "connected":
                await asyncio.sleep(0.01)
            assert (await operations.statistics(client))[lun]["write-bytes"] >= written
            await operations.logout(client, disk.target)
        nothing_left(keeper, disk)

    run(steps)


def read_past_cache(device: str, size: int) -> bytes:
    number = os.open(device, os.O_RDONLY | os.O_DIRECT)
    try:
        with mmap.mmap(-1, size) as room:
            assert os.readv(number, [room]) == size
            return room[:]
    finally:
        os.close(number)


def test_a_target_that_comes_back_while_the_service_is_away(
    keeper: HelperProcess, target: TgtTarget, own_tgtd: Tgtd
) -> None:
    """The connection is lost with nobody there to make a new one: the next service does."""

    async def steps() -> None:
        disk = await connected(keeper, target)
        keeper.kill()
        own_tgtd.restart()
        data = os.urandom(MIB)
        writing = asyncio.create_task(asyncio.to_thread(write_past_cache, disk.device, data))
        keeper.start()
        await writing
        async with client_of(keeper) as client:
            while client.snapshot.targets[disk.target].state != "connected":
                await asyncio.sleep(0.01)
            await operations.eject(client, await there(client, disk))
            assert target.luns[0].file.read_bytes()[:MIB] == data
            await operations.logout(client, disk.target)
        nothing_left(keeper, disk)

    run(steps)


def write_past_cache(device: str, data: bytes) -> None:
    words = ["dd", f"of={device}", "bs=64k", "iflag=fullblock", "oflag=direct", "conv=notrunc,fsync"]
    done = procs.try_run(*words, input=data.decode("latin-1"), encoding="latin-1")
    assert done.returncode == 0, done.stderr


def test_a_worker_that_dies_while_the_service_is_away(keeper: HelperProcess, target: TgtTarget) -> None:
    """Its disk is gone, for nobody had its descriptor: what is left of it is taken away, and the person is told."""

    async def steps() -> None:
        disk = await connected(keeper, target)
        keeper.kill()
        os.kill(disk.worker, signal.SIGKILL)
        keeper.start()
        async with client_of(keeper) as client:
            seen = client.snapshot.targets[disk.target]
            assert (seen.state, seen.last_error) == ("disconnected", "EngineDied")
            assert not client.snapshot.luns
            nothing_left(keeper, disk)
            _, luns = await operations.login(client, disk.target, secrets=Secrets(ALICE[1], ""))
            assert luns
            await operations.logout(client, disk.target)

    run(steps)


def test_a_session_without_disks_is_found_again_too(keeper: HelperProcess, target: TgtTarget) -> None:
    async def steps() -> None:
        disk = await connected(keeper, target)
        async with client_of(keeper) as client:
            await operations.eject(client, await there(client, disk))
        keeper.kill()
        keeper.start()
        async with client_of(keeper) as client:
            assert client.snapshot.targets[disk.target].state == "connected"
            assert worker_of(keeper) == disk.worker
        assert keeper.stop() == 0  # and at an orderly end nobody needs it
        nothing_left(keeper, disk)
        keeper.start()

    run(steps)


def test_a_disk_that_was_taken_away_meanwhile(keeper: HelperProcess, target: TgtTarget) -> None:
    async def steps() -> None:
        disk = await connected(keeper, target)
        keeper.kill()
        await program("losetup", "-d", disk.device)
        keeper.start()
        async with client_of(keeper) as client:
            (lun,) = [path for path in client.snapshot.luns if path.endswith(disk.lun)]
            assert client.snapshot.luns[lun].device == ""
            kinds = [event["kind"] for event in await operations.events(client)]
            assert "detached" in kinds
            attached = await operations.attach(client, lun, method="fuse")
            assert attached.device
            await operations.logout(client, disk.target)
        nothing_left(keeper, disk)

    run(steps)


def test_told_to_log_out_it_leaves_nothing(keeper: HelperProcess, target: TgtTarget) -> None:
    keeper.stop()
    keeper.arguments = ("--stop-policy", "logout")
    keeper.start()

    async def steps() -> None:
        disk = await connected(keeper, target)
        assert keeper.stop() == 0
        nothing_left(keeper, disk)

    run(steps)


def test_what_is_kept_is_nobody_else_s_to_read_and_holds_no_secret(keeper: HelperProcess, target: TgtTarget) -> None:
    async def steps() -> None:
        disk = await connected(keeper, target)
        (file,) = keeper.run_dir.glob("*.session")
        assert file.stat().st_mode & 0o777 == 0o600
        text = file.read_text()
        assert target.name in text
        assert ALICE[1] not in text
        async with client_of(keeper) as client:
            await operations.logout(client, disk.target)
        nothing_left(keeper, disk)

    run(steps)
