# SPDX-License-Identifier: Apache-2.0
"""What a new supervisor makes of what an old one left: whole, half, hung, nobody's. (The process's end: see
test_helper_restart.py.)
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from lundock.helper import keeping, worker_process
from lundock.helper.api.errors import Problem
from lundock.helper.supervisor import Supervisor, WorkerSession
from support import need
from support.supervised import Recorder, disk, no_step, spec, supervisor
from support.tgtd import LunSpec, Tgtd, TgtTarget

from tools import traces


@pytest.fixture
def target(tgtd: Tgtd, target_name: str) -> TgtTarget:
    need.root()
    need.fuse()
    need.loop()
    return tgtd.add_target(target_name, [LunSpec(16 << 20)], chap=("alice", "secret-of-alice"))


@asynccontextmanager
async def left(target: TgtTarget) -> AsyncIterator[tuple[Supervisor, Path, WorkerSession]]:
    """Give a new supervisor, its run folder, and the session that an old one has let go of, with its disk attached."""
    async with supervisor() as (old, run_dir):
        session = await old.open_session(spec(target), Recorder(), no_step)
        await session.attach(disk(session), "fuse", False, no_step)
        await old.close()
        assert old.sessions == []
        boss = Supervisor(run_dir, old._nursery)
        try:
            yield boss, run_dir, session
        finally:
            if not boss.sessions:
                await boss.adopt(lambda _session: Recorder())
            for one in boss.sessions:
                await one.logout()
            await boss.close()
        assert [one.name for one in run_dir.iterdir() if one.name != "disks"] == []
        assert list(traces.loops([run_dir])) == []


def worker(session: WorkerSession) -> int:
    assert session._process is not None
    return session._process.pid


def test_a_session_is_as_it_was(target: TgtTarget) -> None:
    async def body() -> None:
        async with left(target) as (boss, _, before):
            recorder = Recorder()
            before_disks = [one.address for one in before.luns]
            (session,) = await boss.adopt(lambda _session: recorder)
            assert worker(session) == worker(before)
            for name in ("luns", "since", "connections", "portal", "parameters", "reconnects", "attached"):
                assert getattr(session, name) == getattr(before, name), name
            assert session.state == "connected"
            assert set(session.statistics()[1]) == set(before_disks)
            await session.rescan()
            assert recorder.kinds == []

    asyncio.run(body())


def test_a_late_answer_to_the_old_helper_is_not_taken_for_one_to_the_new(target: TgtTarget) -> None:
    """Both count their requests from 1."""

    async def body() -> None:
        async with left(target) as (boss, _, _before):
            for _ in range(3):
                (session,) = await boss.adopt(lambda _session: Recorder())
                asking = [asyncio.create_task(session.rescan()) for _ in range(5)]
                await asyncio.sleep(0)
                await boss.close()
                for one in await asyncio.gather(*asking, return_exceptions=True):
                    assert isinstance(one, Problem)
                boss._sessions.clear()
            (session,) = await boss.adopt(lambda _session: Recorder())
            with pytest.raises(Problem) as caught:
                await session.attach("0055000000000000", "fuse", False, no_step)
            assert caught.value.code == "NoSuchLun"
            await session.rescan()

    asyncio.run(body())


def test_a_worker_that_does_not_answer_is_left_alone(target: TgtTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be in the middle of writing for somebody: it is neither ended nor robbed of its session."""
    monkeypatch.setattr(worker_process, "HAND_OVER_SECONDS", 0.3)
    monkeypatch.setattr(worker_process, "HELLO_SECONDS", 0.3)

    async def body() -> None:
        async with left(target) as (boss, run_dir, before):
            os.kill(worker(before), signal.SIGSTOP)
            try:
                assert await boss.adopt(lambda _session: Recorder()) == []
                assert boss.sessions == []
                assert len(keeping.load_all(run_dir)) == 1
                with pytest.raises(Problem) as caught:
                    await boss.open_session(spec(target), Recorder(), no_step)
                assert caught.value.code == "AlreadyConnected"
            finally:
                os.kill(worker(before), signal.SIGCONT)
            (session,) = await boss.adopt(lambda _session: Recorder())  # as the next helper would
            assert session.attached == before.attached

    asyncio.run(body())


def test_a_session_that_nobody_knows_is_left_alone(target: TgtTarget) -> None:
    async def body() -> None:
        async with left(target) as (boss, run_dir, before):
            assert await boss.adopt(lambda _session: None) == []
            assert len(keeping.load_all(run_dir)) == 1
            (session,) = await boss.adopt(lambda _session: Recorder())
            assert worker(session) == worker(before)

    asyncio.run(body())


def test_what_was_half_made_is_taken_away(target: TgtTarget) -> None:
    async def body() -> None:
        async with left(target) as (boss, run_dir, _):
            (kept,) = keeping.load_all(run_dir)
            disks = tuple(dataclasses.replace(one, ready=False, device="", connection=0) for one in kept.disks)
            keeping.save(run_dir, dataclasses.replace(kept, disks=disks))
            recorder = Recorder()
            (session,) = await boss.adopt(lambda _session: recorder)
            assert (session.state, session.attached) == ("connected", {})
            assert recorder.kinds == ["detached"]
            assert list(traces.loops([run_dir])) == list(traces.mounts([run_dir])) == []
            await session.attach(disk(session), "fuse", False, no_step)

    asyncio.run(body())


def test_another_process_with_the_worker_s_number(target: TgtTarget) -> None:
    """The file is older than the process of that number: nothing is done to it, and the session counts as ended."""

    async def body() -> None:
        async with left(target) as (boss, run_dir, before):
            (kept,) = keeping.load_all(run_dir)
            os.kill(worker(before), signal.SIGKILL)
            keeping.save(run_dir, dataclasses.replace(kept, pid=os.getpid(), started=1))
            (session,) = await boss.adopt(lambda _session: Recorder())
            assert (session.state, session.last_error) == ("ended", "EngineDied")
            assert list(traces.loops([run_dir])) == list(traces.mounts([run_dir])) == []

    asyncio.run(body())
