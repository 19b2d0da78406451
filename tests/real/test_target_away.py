# SPDX-License-Identifier: Apache-2.0
"""Ejecting and logging out while the target is silent or gone: what has nothing pending goes at once, nothing that was
written is given up in silence, and what has to go by force goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from lundock.helper import disks
from lundock.helper.api.errors import Problem
from lundock.helper.supervisor import WorkerSession
from support import need, procs
from support.supervised import Recorder, disk, no_step, program, spec, supervisor
from support.tgtd import LunSpec, Tgtd, TgtTarget

from tools import traces

#: Loss is noticed within about two seconds, and everything else has to be quick, too.
QUICK = {"ping_interval": 1, "ping_timeout": 1, "logout_timeout": 1, "recovery_timeout": 600}
#: Whatever takes longer than this has waited for the target.
SOON = 20.0
DATA = os.urandom(1 << 20)

pytestmark = pytest.mark.usefixtures("_device")


@pytest.fixture
def _device() -> None:
    need.root()
    need.fuse()
    need.loop()


@pytest.fixture
def target(own_tgtd: Tgtd, target_name: str) -> TgtTarget:
    return own_tgtd.add_target(target_name, [LunSpec(64 << 20)])


class Away:
    """A way of being away, and of coming back."""

    def __init__(self, tgtd: Tgtd, how: str) -> None:
        self._tgtd = tgtd
        self._how = how

    def go(self) -> None:
        if self._how == "killed":
            self._tgtd.stop()
        else:
            os.kill(self._tgtd.pid, signal.SIGSTOP)

    def come_back(self) -> None:
        if self._how == "killed":
            self._tgtd.start()
        else:
            os.kill(self._tgtd.pid, signal.SIGCONT)


@pytest.fixture(params=["killed", "silent"])
def away(request: pytest.FixtureRequest, own_tgtd: Tgtd) -> Iterator[Away]:
    yield Away(own_tgtd, request.param)
    if request.param == "silent":
        os.kill(own_tgtd.pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def attached(
    target: TgtTarget, method: str = "fuse", **settings: int
) -> AsyncIterator[tuple[WorkerSession, Recorder, Path]]:
    """Give a session with its disk attached; what is left of it at the end is ended."""
    async with supervisor() as (boss, run_dir):
        recorder = Recorder()
        session = await boss.open_session(spec(target, settings={**QUICK, **settings}), recorder, no_step)
        made = await session.attach(disk(session), method, False, no_step)
        yield session, recorder, Path(made.device)
        await session.abort()
        await boss.close()
        assert [one.name for one in run_dir.iterdir() if one.name != "disks"] == []
        assert list((run_dir / "disks").iterdir()) == []


def write(device: Path, data: bytes, *, flush: bool) -> None:
    """Write past the page cache; without `flush` the target may still hold it in its cache.

    Whole blocks only: dd flushes behind what it cannot write past the page cache.
    """
    words = [
        "dd",
        "of=" + str(device),
        "bs=64k",
        "iflag=fullblock",
        "oflag=direct",
        "conv=notrunc" + (",fsync" if flush else ""),
    ]
    done = procs.try_run(*words, input=data.decode("latin-1"), encoding="latin-1")
    assert done.returncode == 0, done.stderr


async def lost(recorder: Recorder, session: WorkerSession) -> None:
    await recorder.until(lambda: session.state == "lost")


def is_free(device: Path) -> bool:
    """Whether the loop device has no file, or by now one of somebody else's (a forced one's has no path any more)."""
    try:
        file = Path(f"/sys/block/{device.name}/loop/backing_file").read_text()
    except OSError:
        return True
    return file.startswith("/tmp/") and not file.startswith(f"/tmp/{traces.PREFIX}")


def run(coroutine: object) -> None:
    asyncio.run(coroutine)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["fuse", "file"])
def test_a_disk_with_nothing_pending_is_ejected_at_once(target: TgtTarget, away: Away, method: str) -> None:
    async def body() -> None:
        async with attached(target, method) as (session, recorder, device):
            await asyncio.to_thread(write, device, DATA, flush=True)
            away.go()
            await lost(recorder, session)
            steps: list[str] = []
            async with asyncio.timeout(SOON):
                await session.eject(disk(session), steps.append)
                assert (session.attached, steps) == ({}, ["detach"])
                assert is_free(device)
                await session.logout()
            assert recorder.ends == [None]

    run(body())


def test_a_silence_that_nobody_noticed_yet_holds_up_nothing_either(target: TgtTarget, own_tgtd: Tgtd) -> None:
    async def body() -> None:
        async with attached(target, ping_interval=3600) as (session, _, device):
            await asyncio.to_thread(write, device, DATA, flush=True)
            os.kill(own_tgtd.pid, signal.SIGSTOP)
            try:
                async with asyncio.timeout(SOON):
                    await session.eject(disk(session), no_step)
                    assert session.state == "connected"
                    await session.logout()
            finally:
                os.kill(own_tgtd.pid, signal.SIGCONT)

    run(body())


@pytest.mark.parametrize("method", ["fuse", "file"])
def test_what_is_not_flushed_is_not_given_up(target: TgtTarget, away: Away, method: str) -> None:
    async def body() -> None:
        async with attached(target, method) as (session, recorder, device):
            await asyncio.to_thread(write, device, DATA, flush=False)
            away.go()
            await lost(recorder, session)
            for what in (session.eject(disk(session), no_step), session.logout()):
                with pytest.raises(Problem) as caught:
                    async with asyncio.timeout(SOON):
                        await what
                assert caught.value.code == "DataPending"
                assert (disk(session) in session.attached, session.state) == (True, "lost")
            away.come_back()
            await recorder.until(lambda: session.state == "connected")
            steps: list[str] = []
            await session.eject(disk(session), steps.append)
            assert steps == ["flush", "detach"]
            assert target.luns[0].file.read_bytes()[: len(DATA)] == DATA

    run(body())


def test_an_eject_that_waits_for_the_target_is_told_when_it_is_lost(target: TgtTarget, own_tgtd: Tgtd) -> None:
    async def body() -> None:
        async with attached(target) as (session, recorder, device):
            await asyncio.to_thread(write, device, DATA, flush=False)
            os.kill(own_tgtd.pid, signal.SIGSTOP)
            with pytest.raises(Problem) as caught:
                async with asyncio.timeout(SOON):
                    await session.eject(disk(session), no_step)  # its flush gets no answer
            assert caught.value.code == "DataPending"
            os.kill(own_tgtd.pid, signal.SIGCONT)
            await recorder.until(lambda: session.state == "connected")
            async with asyncio.timeout(SOON):
                while disk(session) in session.attached:
                    with contextlib.suppress(Problem):  # the flush from before still has the device for a moment
                        await session.eject(disk(session), no_step)

    run(body())


@contextlib.asynccontextmanager
async def writer(device: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program that writes a block again and again, and tells the errno that it ends with."""
    code = (
        "import mmap, os, sys\n"
        "fd = os.open(sys.argv[1], os.O_WRONLY | os.O_DIRECT)\n"
        "block = mmap.mmap(-1, 4096)\n"
        "try:\n"
        "    while True:\n"
        "        os.pwrite(fd, block, 0)\n"
        "        sys.stdout.write('.')\n"
        "        sys.stdout.flush()\n"
        "except OSError as error:\n"
        "    sys.stdout.write(str(error.errno))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(device), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readexactly(1) == b"."
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def last_words(process: asyncio.subprocess.Process) -> int:
    """Return the errno that the writer got."""
    out, _ = await process.communicate()
    return int(out.decode().strip("."))


def test_a_disk_in_use_of_a_target_that_is_away_goes_by_force(target: TgtTarget, away: Away) -> None:
    async def body() -> None:
        async with attached(target) as (session, recorder, device), writer(device) as process:
            away.go()
            await lost(recorder, session)
            with pytest.raises(Problem) as caught:
                await session.eject(disk(session), no_step)
            assert caught.value.code == "DataPending"
            async with asyncio.timeout(SOON):
                await session.eject(disk(session), no_step, force=True)
                assert session.attached == {}
                assert await last_words(process) == errno.EIO
                await asyncio.to_thread(procs.wait_for, "the loop device", lambda: is_free(device))
                await session.logout()

    run(body())


def test_a_mounted_file_system_of_a_target_that_is_away_goes_by_force(
    target: TgtTarget, away: Away, tmp_path: Path
) -> None:
    need.program("mkfs.ext4")
    place = tmp_path / "m"
    place.mkdir()

    async def body() -> None:
        async with attached(target) as (session, recorder, device):
            await program("mkfs.ext4", "-q", device)
            await program("mount", device, place)
            away.go()
            await lost(recorder, session)
            async with asyncio.timeout(SOON):
                await session.logout(force=True)
            assert recorder.ends == [None]
            with pytest.raises(OSError, match="Input/output error"):
                (place / "new").write_bytes(DATA)
            # whoever mounted it unmounts it; that was the last user of the device
            await program("umount", place)
            await asyncio.to_thread(procs.wait_for, "the loop device", lambda: is_free(device))

    run(body())


def test_force_is_orderly_where_that_is_possible(target: TgtTarget) -> None:
    async def body() -> None:
        async with attached(target) as (session, _, device):
            await asyncio.to_thread(write, device, DATA, flush=False)
            await session.eject(disk(session), no_step, force=True)
            assert session.statistics()[1][disk(session)]["flushes"] != 0
            assert target.luns[0].file.read_bytes()[: len(DATA)] == DATA

    run(body())


@pytest.mark.parametrize("method", ["fuse", "file"])
def test_a_worker_that_says_nothing_is_passed_over_by_the_abort(
    target: TgtTarget, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fusectl's abort: who waits for the FUSE file gets an error, though its server neither answers nor goes."""
    monkeypatch.setattr(disks, "ASK_SECONDS", 0.5)
    monkeypatch.setattr(disks, "FORCE_PATIENCE", 0.5)

    async def body() -> None:
        async with attached(target, method) as (session, _, device), writer(device) as process:
            assert session._process is not None
            worker = session._process.pid
            os.kill(worker, signal.SIGSTOP)
            try:
                async with asyncio.timeout(SOON):
                    await session.eject(disk(session), no_step, force=True)
                    assert await last_words(process) in {errno.EIO, errno.ECONNABORTED}
                    await asyncio.to_thread(procs.wait_for, "the loop device", lambda: is_free(device))
                assert session.attached == {}
            finally:
                os.kill(worker, signal.SIGCONT)
            await session.rescan()
            await session.logout()

    run(body())
