# SPDX-License-Identifier: Apache-2.0
"""A client in a thread of its own, with its own loop: the window's thread never waits for the bus.

Everything it says comes through the callbacks of `Listener`, in this thread; who needs them elsewhere hands them on.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from ...helper.api.errors import Problem
from ...helper.api.faults import internal
from . import operations
from .agent import Ask, SecretAgent
from .client import Client
from .link import Where
from .mirror import Link, Snapshot

T = TypeVar("T")
Done = Callable[[Any, Problem | None], None]

#: Changes are told together, at most this often (seconds).
GATHER = 0.03
#: Pauses between attempts to reach a bus that is away.
RETRY = (0.5, 1.0, 2.0, 5.0)
#: Seconds between two looks at the statistics while somebody watches: 2 a second; and while only the tray does.
LOOK = 0.5
SLOW_LOOK = 5.0


class Listener(Protocol):
    """Who is told; called in the bus thread."""

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Something changed."""

    def on_event(self, event: Mapping[str, Any]) -> None:
        """The timeline has a new entry."""

    def on_statistics(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        """A look at the counters, while they are watched."""


class Work:
    """Something that was submitted; `cancel` stops it, and its job with it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """Stop it; from any thread. It still ends through its callback, with Problem("Cancelled")."""
        with contextlib.suppress(RuntimeError):  # the thread has ended, and all work with it
            self._loop.call_soon_threadsafe(self._cancel)

    def started(self, task: asyncio.Task[None]) -> None:
        """Take the task, in the bus thread."""
        self._task = task
        if self._cancelled:
            task.cancel()

    def _cancel(self) -> None:
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()


async def _end_tasks() -> None:
    """Cancel everything that still runs, and wait until it has ended."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=2)


class BusThread:
    """The bus's thread: keeps a client, connects again by itself, runs what is submitted."""

    def __init__(self, where: Where, listener: Listener, ask: Ask | None = None) -> None:
        self._where = where
        self._listener = listener
        self._ask = ask
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="bus", daemon=True)
        self._client: Client | None = None
        self._last = Snapshot()
        self._gathering = False
        self._stop = asyncio.Event()
        self._watching = asyncio.Event()
        self._paced = asyncio.Event()
        self._every = LOOK
        self._agent: SecretAgent | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the bus and end the thread; jobs of the helper go on."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(5)

    def submit(self, work: Callable[[Client], Awaitable[T]], done: Done) -> Work:
        """Run `work(client)` in the thread; `done(result, None)` or `done(None, problem)` is called there at last."""
        return self._submit(lambda: work(self._present()), done)

    def submit_alone(self, work: Callable[[], Awaitable[T]], done: Done) -> Work:
        """As `submit`, for work that needs no helper: other services on a bus."""
        return self._submit(work, done)

    def _submit(self, work: Callable[[], Awaitable[T]], done: Done) -> Work:
        handle = Work(self._loop)
        try:
            self._loop.call_soon_threadsafe(self._begin, handle, work, done)
        except RuntimeError:  # the thread has ended
            done(None, Problem("Cancelled"))
        return handle

    def watch_statistics(self, every: float) -> None:
        """Look at the counters every so many seconds; 0 stops it."""
        self.call_soon(self._watch, every)

    def retry(self) -> None:
        """Look for the helper now."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._retry)

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function in the bus thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *args)

    # ---- in the thread

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._run())
        finally:
            self._loop.run_until_complete(_end_tasks())
            self._loop.close()

    async def _run(self) -> None:
        statistics = asyncio.ensure_future(self._look_at_statistics())
        stopped = asyncio.ensure_future(self._stop.wait())
        keeper = asyncio.ensure_future(self._keep_connected())
        await asyncio.wait({stopped, keeper}, return_when=asyncio.FIRST_COMPLETED)
        for task in (keeper, statistics):
            task.cancel()
        if self._client is not None:
            await self._client.close()

    async def _keep_connected(self) -> None:
        attempt = 0
        while True:
            client = Client(self._where, on_change=self._changed, on_event=self._listener.on_event)
            try:
                await client.open(start=False)
            except Problem:
                await client.close()
                self._tell(dataclasses.replace(self._last, link=Link.NO_BUS))
                await asyncio.sleep(RETRY[min(attempt, len(RETRY) - 1)])
                attempt += 1
                continue
            attempt = 0
            self._client = client
            self._agent = SecretAgent(client, self._ask) if self._ask is not None else None
            self._changed()
            await client.wait_closed()
            self._client = None
            await client.close()

    def _changed(self) -> None:
        if not self._gathering:
            self._gathering = True
            self._loop.call_later(GATHER, self._gathered)

    def _gathered(self) -> None:
        self._gathering = False
        if self._client is None:
            return
        snapshot = self._client.snapshot
        if not snapshot.ready and not snapshot.targets and self._last.targets:
            snapshot = dataclasses.replace(self._last, link=snapshot.link)
        if snapshot.ready and not self._last.ready and self._agent is not None:
            self._keep(self._agent.register())
        self._tell(snapshot)

    def _tell(self, snapshot: Snapshot) -> None:
        self._last = snapshot
        self._listener.on_snapshot(snapshot)

    def _begin(self, handle: Work, work: Callable[[], Awaitable[Any]], done: Done) -> None:
        handle.started(self._keep(self._do(work, done)))

    def _keep(self, coroutine: Any) -> asyncio.Task[Any]:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _do(self, work: Callable[[], Awaitable[Any]], done: Done) -> None:
        result, problem = None, None
        try:
            result = await work()
        except Problem as known:
            problem = known
        except asyncio.CancelledError:
            done(None, Problem("Cancelled"))
            raise
        except Exception as error:  # noqa: BLE001 - nothing may be lost silently: it is logged, and shown as Internal
            problem = internal(error)
        self._gathered()  # what came of it is told before its end is
        done(result, problem)

    def _present(self) -> Client:
        if self._client is None:
            raise Problem("HelperUnavailable")
        return self._client

    def _retry(self) -> None:
        if self._client is not None:
            self._keep(self._client.look_again())

    async def _look_at_statistics(self) -> None:
        while True:
            await self._watching.wait()
            client = self._client
            if client is not None and client.snapshot_ready:
                with contextlib.suppress(Problem):
                    self._listener.on_statistics(await operations.statistics(client))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._paced.wait()
            self._paced.clear()

    def _watch(self, every: float) -> None:
        self._every = every or self._every
        if every:
            self._watching.set()
        else:
            self._watching.clear()
        self._paced.set()
