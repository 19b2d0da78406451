# SPDX-License-Identifier: Apache-2.0
"""The helper's client: one connection, the mirror of its objects, calls, and jobs until their end. Pure asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

from ...helper.api.bus import DBUS, OBJECT_MANAGER, PROPERTIES, BusError, Connection, Signal
from ...helper.api.errors import Problem
from ...helper.api.names import BUS_NAME, JOB, MANAGER, ROOT_PATH
from .errors import to_problem
from .link import Where, has_helper, open_bus
from .mirror import Link, Mirror, Snapshot
from .objects import Job

#: How long a cancelled job may take to say that it has ended.
CANCEL_PATIENCE = 10.0
#: Ends of jobs that are kept for those who have yet to learn their path.
MAX_ENDED = 256

Step = Callable[[Job], None]
Event = Callable[[Mapping[str, Any]], None]


def no_step(_job: Job) -> None:
    """Ignore a job's progress."""


class Client:
    """A client of the helper. Use it inside one event loop::

        async with Client(Where("auto")) as client:
            found = await operations.discover(client, "nas.local")

    `on_change` is called after every change of the mirror, `on_event` with each new entry of the timeline.
    """

    def __init__(
        self, where: Where, *, on_change: Callable[[], None] | None = None, on_event: Event | None = None
    ) -> None:
        self._where = where
        self._on_change = on_change or (lambda: None)
        self._on_event = on_event or (lambda _event: None)
        self._connection: Connection | None = None
        self._mirror = Mirror()
        self._link = Link.CONNECTING
        self._bus = ""
        self._waiting: dict[str, _Waiter] = {}
        self._ended: dict[str, tuple[bool, str, Mapping[str, Any]]] = {}
        self._refresh: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._orphans: set[asyncio.Future[Any]] = set()
        self._notes: list[list[Signal]] = []

    async def __aenter__(self) -> Self:
        await self.open(start=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self, *, start: bool) -> None:
        """Connect and fetch the tree. With `start` it is an error when no helper answers."""
        self._connection, self._bus = await open_bus(self._where)
        self._closing = asyncio.ensure_future(self._watch_end(self._connection))
        await self._connection.subscribe(self._signal, sender=BUS_NAME, namespace=ROOT_PATH)
        await self._connection.subscribe(
            self._owner_changed, sender=DBUS, interface=DBUS, member="NameOwnerChanged", args=(BUS_NAME,)
        )
        if not start and not await has_helper(self._connection):
            self._set_link(Link.NO_HELPER)
            return
        try:
            await self._fetch()
        except Problem:
            if start:
                raise
            self._set_link(Link.NO_HELPER)

    async def close(self) -> None:
        """Leave the bus; jobs go on."""
        for task in (self._refresh, self._closing):
            if task is not None:
                task.cancel()
        self._fail_jobs(Problem("HelperUnavailable"))
        if self._connection is not None:
            self._connection.close()

    def listen(self, on_event: Event) -> None:
        """Have the timeline's new entries from now on."""
        self._on_event = on_event

    async def wait_closed(self) -> None:
        """Return when the bus is gone."""
        await self.connection.wait_closed()

    @property
    def snapshot(self) -> Snapshot:
        """Everything known at this moment."""
        return self._mirror.snapshot(self._link, bus=self._bus)

    @property
    def snapshot_ready(self) -> bool:
        """Whether the helper answers."""
        return self._link is Link.READY

    @property
    def connection(self) -> Connection:
        """The connection; Problem("HelperUnavailable") when there is none."""
        if self._connection is None:
            raise Problem("HelperUnavailable")
        return self._connection

    async def call(self, path: str, interface: str, method: str, *args: Any) -> Any:
        """Call a method of the contract; polkit may ask the person. Raises the Problem that it answers with."""
        return await self.connection.call(path, interface, method, *args, interactive=True)

    async def job(
        self, path: str, interface: str, method: str, *args: Any, on_step: Step = no_step
    ) -> Mapping[str, Any]:
        """Call a method that returns a job, and wait for the job's end; returns its details.

        `on_step` sees the job whenever it changed. Raises the Problem of the call or of the job. Cancelling the waiting
        task cancels the job, and waits until it has ended.
        """
        call = asyncio.ensure_future(self.call(path, interface, method, *args))
        try:
            job = str(await asyncio.shield(call))
        except asyncio.CancelledError:
            # The call is on its way: a job that comes of it is nobody's, and is stopped as soon as it is known.
            self._orphans.add(call)
            call.add_done_callback(self._stop_orphan)
            raise
        return await self.run(job, on_step)

    def _stop_orphan(self, call: asyncio.Future[Any]) -> None:
        self._orphans.discard(call)
        if not call.cancelled() and call.exception() is None and not self.connection.closed:
            stopping = asyncio.ensure_future(self._cancel_job(str(call.result())))
            self._orphans.add(stopping)
            stopping.add_done_callback(self._orphans.discard)

    async def run(self, job: str, on_step: Step = no_step) -> Mapping[str, Any]:
        """Wait for the end of a job that is known by its path; otherwise as `job`."""
        waiter = self._waiting[job] = _Waiter(asyncio.get_running_loop().create_future(), on_step)
        try:
            if not self._take_ended(job):
                await self._look_at(job)
            return await asyncio.shield(waiter.future)
        except asyncio.CancelledError:
            with contextlib.suppress(TimeoutError, Problem):
                async with asyncio.timeout(CANCEL_PATIENCE):
                    await self._cancel_job(job)
                    await waiter.future
            raise
        finally:
            self._waiting.pop(job, None)

    async def _cancel_job(self, job: str) -> None:
        with contextlib.suppress(Problem):
            await self.call(job, JOB, "Cancel", {})

    async def _look_at(self, job: str) -> None:
        """Fetch a job's properties once: it may have ended before we knew its path."""
        try:
            with self._noting() as noted:
                properties = await self.connection.get_all(job, JOB)
        except Problem as problem:
            self._end(job, success=False, problem=problem, details={})
            return
        self._mirror.added(job, {JOB: properties})
        self._repeat(noted)
        self._job_changed(job)

    # ---- what comes from the bus

    async def _fetch(self) -> None:
        with self._noting() as noted:
            objects = dict(await self.connection.get_managed_objects())
            if MANAGER not in objects.get(ROOT_PATH, {}):
                objects[ROOT_PATH] = {MANAGER: await self.connection.get_all(ROOT_PATH, MANAGER)}
        self._mirror.replace(objects)
        self._repeat(noted)
        self._set_link(Link.READY)

    @contextlib.contextmanager
    def _noting(self) -> Iterator[list[Signal]]:
        """Note the signals that come while an answer is awaited.

        A signal that came after the answer may have been handled before who waits for the answer goes on: without being
        handled once more it would be undone by the answer, which is older.
        """
        noted: list[Signal] = []
        self._notes.append(noted)
        try:
            yield noted
        finally:
            self._notes = [other for other in self._notes if other is not noted]

    def _repeat(self, noted: Iterable[Signal]) -> None:
        for signal in noted:
            handler = self._MIRRORED.get(signal.member)
            if handler is not None:
                with contextlib.suppress(TypeError, ValueError, AttributeError):
                    handler(self._mirror, signal)

    def _signal(self, signal: Signal) -> None:
        for noted in self._notes:
            noted.append(signal)
        handler = self._SIGNALS.get((signal.interface, signal.member))
        if handler is None:
            return
        try:
            handler(self, signal.path, *signal.args)
        except (TypeError, ValueError, AttributeError):
            return  # a signal of another form than the contract's: not ours to mend, and nothing to lose
        self._on_change()

    def _added(self, _path: str, path: str, interfaces: Mapping[str, Mapping[str, Any]]) -> None:
        self._mirror.added(path, interfaces)
        if JOB in interfaces:
            self._job_changed(path)

    def _removed(self, _path: str, path: str, interfaces: list[str]) -> None:
        self._mirror.removed(path, interfaces)

    def _changed(self, path: str, interface: str, values: Mapping[str, Any], _gone: list[str]) -> None:
        self._mirror.changed(path, interface, values)
        if interface == JOB:
            self._job_changed(path)

    def _completed(self, path: str, success: bool, error: str, details: Mapping[str, Any]) -> None:
        problem = None if success else to_problem(error, details)
        if path in self._waiting:
            self._end(path, success=success, problem=problem, details=details)
        else:
            self._ended[path] = (success, error, details)
            while len(self._ended) > MAX_ENDED:
                self._ended.pop(next(iter(self._ended)))

    def _event(self, _path: str, event: Mapping[str, Any]) -> None:
        self._on_event(event)

    def _owner_changed(self, signal: Signal) -> None:
        self._fail_jobs(Problem("HelperUnavailable"))
        if self._refresh is not None:
            self._refresh.cancel()
            self._refresh = None
        if not signal.args[2]:
            self._set_link(Link.NO_HELPER)
        self._refresh = asyncio.ensure_future(self.look_again())

    async def look_again(self) -> None:
        """Look for the helper: a call starts it where the bus can."""
        try:
            if await has_helper(self.connection):
                await self._fetch()
        except (Problem, BusError):
            self._set_link(Link.NO_HELPER)

    async def _watch_end(self, connection: Connection) -> None:
        await connection.wait_closed()
        self._fail_jobs(Problem("HelperUnavailable"))
        self._set_link(Link.NO_BUS)

    #: What changes the mirror, and how.
    _MIRRORED: ClassVar[Mapping[str, Callable[[Mirror, Signal], None]]] = {
        "InterfacesAdded": lambda mirror, signal: mirror.added(signal.args[0], signal.args[1]),
        "InterfacesRemoved": lambda mirror, signal: mirror.removed(signal.args[0], signal.args[1]),
        "PropertiesChanged": lambda mirror, signal: mirror.changed(signal.path, signal.args[0], signal.args[1]),
    }

    _SIGNALS: ClassVar[Mapping[tuple[str, str], Callable[..., None]]] = {
        (OBJECT_MANAGER, "InterfacesAdded"): _added,
        (OBJECT_MANAGER, "InterfacesRemoved"): _removed,
        (PROPERTIES, "PropertiesChanged"): _changed,
        (JOB, "Completed"): _completed,
        (MANAGER, "Event"): _event,
    }

    # ---- jobs

    def _take_ended(self, job: str) -> bool:
        ended = self._ended.pop(job, None)
        if ended is None:
            return False
        success, error, details = ended
        self._end(job, success=success, problem=None if success else to_problem(error, details), details=details)
        return True

    def _job_changed(self, path: str) -> None:
        waiter = self._waiting.get(path)
        job = self._mirror.get(path, JOB)
        if waiter is None or job is None:
            return
        waiter.on_step(job)
        if job.finished:
            problem = to_problem(job.error, job.details) if job.error else None
            self._end(path, success=not job.error, problem=problem, details=job.details)

    def _end(self, path: str, *, success: bool, problem: Problem | None, details: Mapping[str, Any]) -> None:
        waiter = self._waiting.get(path)
        if waiter is None or waiter.future.done():
            return
        if success:
            waiter.future.set_result(details)
        else:
            waiter.future.set_exception(problem or Problem("Internal", log_id="job"))

    def _fail_jobs(self, problem: Problem) -> None:
        for path in list(self._waiting):
            self._end(path, success=False, problem=problem, details={})

    def _set_link(self, link: Link) -> None:
        self._link = link
        self._on_change()


class _Waiter:
    """Who waits for a job."""

    def __init__(self, future: asyncio.Future[Mapping[str, Any]], on_step: Step) -> None:
        self.future = future
        self.on_step = on_step
        # Looked at here, so that a failure nobody waits for any more is not reported as forgotten.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
