# SPDX-License-Identifier: Apache-2.0
"""Work that nobody waits for, and the timeline, which is written by it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from .allowance import Allowance
from .api.errors import Problem
from .listener import Listener
from .store import Event, Store

log = logging.getLogger(__name__)

R = TypeVar("R")

MAX_EVENT_LIMIT = 10_000
#: More entries than this do not wait to be saved: they are in the log only.
MAX_PENDING = 1000


class Background:
    """Tasks that end with the service at the latest; what one raises is logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("in the background", exc_info=task.exception())

    async def stop(self) -> None:
        """Cancel what still runs, and wait for it."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


_whole: set[asyncio.Future[Any]] = set()


async def to_the_end(work: Coroutine[Any, Any, R]) -> R:
    """Do it to its end, whoever stops waiting for it: what is saved and what is known are to be the same."""
    task = asyncio.get_running_loop().create_task(work)
    _whole.add(task)
    task.add_done_callback(_done)
    return await asyncio.shield(task)


def _done(task: asyncio.Future[Any]) -> None:
    _whole.discard(task)
    if not task.cancelled():
        task.exception()  # seen; nobody may wait for it any more


def error_detail(problem: Problem | None) -> dict[str, str | int]:
    """Return what an entry of the timeline says of a problem: its name, and what its sentence needs."""
    return {} if problem is None else {**problem.attrs, "error": problem.code}


class Timeline:
    """What happened, in order; told when it is saved."""

    def __init__(self, store: Store, listener: Listener, background: Background) -> None:
        self._store = store
        self._listener = listener
        self._background = background
        self._order = asyncio.Lock()
        self._pending: set[asyncio.Task[None]] = set()

    def note(self, kind: str, target: str, detail: Mapping[str, str | int]) -> None:
        """Add an entry."""
        log.info("event %s %s %s", kind, target, dict(detail))
        if len(self._pending) >= MAX_PENDING:
            log.error("the timeline cannot be written as fast as things happen")
            return
        task = self._background.spawn(self._note(kind, target, detail))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _note(self, kind: str, target: str, detail: Mapping[str, str | int]) -> None:
        async with self._order:
            self._listener.event(await self._store.add_event(kind, target, detail))

    async def written(self, seconds: float) -> None:
        """Wait until everything that was noted is saved, but not longer."""
        if self._pending:
            await asyncio.wait(self._pending, timeout=seconds)

    async def events(self, since: int, limit: int) -> list[Event]:
        """Return the newest entries after number `since`."""
        return await self._store.events(since, min(limit, MAX_EVENT_LIMIT))


class Notes:
    """A session's entries. Its target or its worker can bring them about without end: so many are noted at once, and
    then one in so many seconds, with the count of those of its kind before it that were not (`untold`).
    """

    BURST = 50
    INTERVAL = 5.0
    #: A worker may think of ever new kinds.
    MAX_KINDS = 64

    def __init__(self, timeline: Timeline, target: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeline = timeline
        self._target = target
        self._allowance = Allowance(self.BURST, 1 / self.INTERVAL, clock)
        self._untold: Counter[str] = Counter()

    def note(self, kind: str, detail: Mapping[str, str | int]) -> None:
        """Add an entry, or count it."""
        if not self._allowance.take():
            if kind in self._untold or len(self._untold) < self.MAX_KINDS:
                self._untold[kind] += 1
            return
        if untold := self._untold.pop(kind, 0):
            detail = {**detail, "untold": untold + int(detail.get("untold", 0))}
        self._timeline.note(kind, self._target, detail)
