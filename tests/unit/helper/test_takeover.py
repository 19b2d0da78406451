# SPDX-License-Identifier: Apache-2.0
"""The service and the sessions that an earlier one left running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from lundock.helper.store import Store
from lundock.helper.supervision import Attached, Portal, SessionSpec
from support.service_bench import NAME, Bench, FakeSession, run

SPEC = SessionSpec("target-1", NAME, (Portal("192.0.2.1", 3261),), "iqn.2026-01.org.example:me", bytes(6))


async def add(bench: Bench) -> None:
    await bench.add()


def again(folder: Path, left: FakeSession, steps: Callable[[Bench], Awaitable[None]]) -> None:
    """Start the service anew with a session that is there already."""

    async def whole() -> None:
        store = await Store.open(folder)
        bench = Bench(store)
        bench.supervisor.left.append(left)
        try:
            await bench.service.start()
            await steps(bench)
        finally:
            await bench.service.stop(log_out=False)
            await store.close()

    asyncio.run(whole())


def test_a_session_goes_on(tmp_path: Path) -> None:
    run(tmp_path, add)
    left = FakeSession(SPEC, None)
    left.attached["0001000000000000"] = Attached("/dev/loop7", "fuse", "why")

    async def steps(bench: Bench) -> None:
        target = bench.service.targets[1]
        assert (target.state, bench.lun(target).attached) == ("connected", left.attached["0001000000000000"])
        assert ("added", "sessions/1") in bench.told.log
        assert ("added", "sessions/1/luns/0001000000000000") in bench.told.log
        await bench.timeline()
        assert await bench.kinds() == []
        left.state, left.last_error = "lost", "ConnectionLost"
        left.observer.changed(left)
        await bench.timeline()
        assert await bench.kinds() == ["lost"]

    again(tmp_path, left, steps)
    assert left.log == []  # and is left alone at the end, as it has a disk


def test_a_session_without_disks_is_logged_out_at_the_end(tmp_path: Path) -> None:
    run(tmp_path, add)
    left = FakeSession(SPEC, None)

    async def steps(_bench: Bench) -> None:
        pass

    async def look(bench: Bench) -> None:
        assert await bench.kinds() == ["disconnected"]

    again(tmp_path, left, steps)
    assert left.log == [("logout",)]
    run(tmp_path, look)


def test_a_session_that_was_lost_meanwhile_is_lost(tmp_path: Path) -> None:
    run(tmp_path, add)
    left = FakeSession(SPEC, None)
    left.state = "lost"

    async def steps(bench: Bench) -> None:
        assert bench.service.targets[1].state == "lost"
        left.state = "connected"
        left.observer.changed(left)
        await bench.timeline()
        assert await bench.kinds() == ["restored"]

    again(tmp_path, left, steps)


def test_a_session_that_has_ended_meanwhile_is_told(tmp_path: Path) -> None:
    run(tmp_path, add)
    left = FakeSession(SPEC, None)
    left.state, left.last_error = "ended", "EngineDied"

    async def steps(bench: Bench) -> None:
        target = bench.service.targets[1]
        assert (target.state, target.last_error, bench.service.sessions) == ("disconnected", "EngineDied", {})
        await bench.timeline()
        (event,) = bench.told.events
        assert (event.kind, dict(event.detail)) == ("disconnected", {"error": "EngineDied"})

    again(tmp_path, left, steps)


def test_a_session_of_no_record_is_nobody_s(tmp_path: Path) -> None:
    left = FakeSession(SPEC, None)

    async def steps(bench: Bench) -> None:
        assert left.observer is None
        assert bench.service.sessions == {}

    again(tmp_path, left, steps)
