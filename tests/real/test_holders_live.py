# SPDX-License-Identifier: Apache-2.0
"""Who has a disk is told without being asked: mounts at once, the rest at the next look."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from lundock.app.client import operations
from lundock.app.client.client import Client
from lundock.app.client.link import Where
from lundock.helper import watching
from lundock.helper.supervisor import WorkerSession
from support import need
from support.helper import HelperProcess
from support.supervised import Recorder, disk, no_step, program, spec, supervisor
from support.tgtd import LunSpec, Tgtd, TgtTarget

from tools import traces


@pytest.fixture
def target(tgtd: Tgtd, target_name: str) -> TgtTarget:
    need.root()
    need.fuse()
    need.loop()
    need.program("mkfs.ext4")
    return tgtd.add_target(target_name, [LunSpec(64 << 20)])


@contextlib.asynccontextmanager
async def attached(target: TgtTarget) -> AsyncIterator[tuple[WorkerSession, Recorder, str]]:
    """Give a session with its disk attached and formatted."""
    async with supervisor() as (boss, _):
        recorder = Recorder()
        session = await boss.open_session(spec(target), recorder, no_step)
        made = await session.attach(disk(session), "fuse", False, no_step)
        await program("mkfs.ext4", "-q", made.device)
        yield session, recorder, made.device
        await session.logout()
        await boss.close()


def kinds(recorder: Recorder) -> set[tuple[str, str]]:
    return {(one.kind, one.name) for one in recorder.holders[-1]} if recorder.holders else set()


def test_a_mount_and_its_end_are_told_at_once(
    target: TgtTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_INTERVAL", 3600.0)  # what is told below was told by the kernel
    place = tmp_path / "m"
    place.mkdir()

    async def body() -> None:
        async with attached(target) as (_, recorder, device):
            await program("mount", device, place)
            await recorder.until(lambda: ("mount", str(place)) in kinds(recorder))
            await program("umount", place)
            await recorder.until(lambda: recorder.holders[-1] == ())

    asyncio.run(body())


def test_a_program_that_opens_the_device_is_seen(target: TgtTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_INTERVAL", 0.2)

    async def body() -> None:
        async with attached(target) as (_, recorder, device):
            reader = await asyncio.create_subprocess_exec("sleep", "60", stdin=Path(device).open("rb"))  # noqa: ASYNC230, SIM115
            await recorder.until(lambda: ("process", "sleep") in kinds(recorder))
            reader.kill()
            await reader.wait()
            await recorder.until(lambda: ("process", "sleep") not in kinds(recorder))

    asyncio.run(body())


def test_a_mount_in_another_namespace_is_seen(target: TgtTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_INTERVAL", 0.2)
    unshare = need.program("unshare")

    async def body(place: str) -> None:
        async with attached(target) as (_, recorder, device):
            script = 'mount "$1" "$2" && exec sleep 60'
            words = [unshare, "-m", "--propagation", "private", "sh", "-c", script, "sh", device, place]
            other = await asyncio.create_subprocess_exec(*words)
            await recorder.until(lambda: ("mount", place) in kinds(recorder))
            assert place not in Path("/proc/self/mountinfo").read_text()
            other.kill()
            await other.wait()
            await recorder.until(lambda: recorder.holders[-1] == ())

    with tempfile.TemporaryDirectory(prefix=traces.PREFIX) as place:
        asyncio.run(body(place))


def test_nothing_is_looked_at_when_nothing_is_attached(target: TgtTarget) -> None:
    async def body() -> None:
        async with supervisor() as (boss, _):
            session = await boss.open_session(spec(target), Recorder(), no_step)
            boss._watch.look_soon()
            assert boss._watch._task is None
            await session.attach(disk(session), "fuse", False, no_step)
            task = boss._watch._task
            assert task is not None
            await session.eject(disk(session), no_step)
            await asyncio.wait_for(task, 30)
            assert boss._watch._task is None
            await session.logout()

    asyncio.run(body())


def test_the_bus_tells_it(helper: HelperProcess, target: TgtTarget, tmp_path: Path) -> None:
    place = tmp_path / "m"
    place.mkdir()
    told = asyncio.Event()

    async def until(check: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not check():
                told.clear()
                await told.wait()

    async def body() -> None:
        async with Client(Where("address", helper.bus), on_change=told.set) as client:
            path = await operations.add_target(client, target.name, [operations.parse_portal(target.portal)])
            _, luns = await operations.login(client, path)
            (lun,) = [one for one in luns if (await operations.wait_for(client, one)).kind == "disk"]
            made = await operations.attach(client, lun)
            await program("mkfs.ext4", "-q", made.device)
            await program("mount", made.device, place)
            try:
                await until(lambda: client.snapshot.luns[lun].mounts == (str(place),))
            finally:
                await program("umount", place)
            await until(lambda: not client.snapshot.luns[lun].holders)
            await operations.logout(client, path)

    asyncio.run(body())
