# SPDX-License-Identifier: Apache-2.0
"""From the bus thread to the window's: everything arrives as a Qt signal, in the window's thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from ...helper.api.errors import Problem
from ..client.agent import Question
from ..client.client import Client
from ..client.link import Where
from ..client.mirror import Snapshot
from ..client.objects import Job
from ..client.operations import Secrets
from ..client.thread import LOOK, SLOW_LOOK, BusThread, Done, Work
from ..secrets import Keyring
from .rates import Rates

T = TypeVar("T")
Success = Callable[[Any], None]
Failure = Callable[[Problem], None]


class Bus(QObject):
    """The helper as the window sees it. Its signals come in the thread that made it.

    `run` is the one way to ask for something: nothing in it waits.
    """

    changed = Signal(object)  # Snapshot
    happened = Signal(object)  # Mapping: an entry of the timeline
    figures = Signal()  # `rates` has a new look
    asked = Signal(object, object)  # Question, Future[Secrets]: to be answered by set_result or set_exception

    _told = Signal(object)
    _event = Signal(object)
    _counted = Signal(object)
    _call = Signal(object)

    def __init__(self, where: Where, *, keyring: Keyring | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.snapshot_now = Snapshot()
        self.rates = Rates()
        self.keyring = keyring or Keyring()
        self._new: set[str] = set()
        self._watchers = 0
        self._kept = False
        self._stopped = False
        self._told.connect(self._take_snapshot, Qt.ConnectionType.QueuedConnection)
        self._event.connect(self.happened, Qt.ConnectionType.QueuedConnection)
        self._counted.connect(self._take_counted, Qt.ConnectionType.QueuedConnection)
        self._call.connect(self._take_call, Qt.ConnectionType.QueuedConnection)
        self._thread = BusThread(where, self, self._ask)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the bus; connections stay."""
        self._stopped = True
        self._thread.stop()

    def run(
        self,
        work: Callable[[Client], Awaitable[T]],
        success: Callable[[T], None] | None = None,
        failure: Failure | None = None,
    ) -> Work:
        """Do `work(client)` in the bus thread; then `success(result)` or `failure(problem)` in this one."""
        return self._thread.submit(work, self._done(success, failure))

    def _done(self, success: Callable[[Any], None] | None, failure: Failure | None) -> Done:
        def done(result: Any, problem: Problem | None) -> None:
            if problem is None and success is not None:
                self._call.emit(lambda: success(result))
            elif problem is not None and failure is not None:
                self._call.emit(lambda: failure(problem))

        return done

    def run_alone(
        self,
        work: Callable[[], Awaitable[T]],
        success: Callable[[T], None] | None = None,
        failure: Failure | None = None,
    ) -> Work:
        """As `run`, for work that needs no helper."""
        return self._thread.submit_alone(work, self._done(success, failure))

    def steps(self, function: Callable[[Job], None]) -> Callable[[Job], None]:
        """Return a Client.run `on_step` that calls `function` in this thread."""
        return lambda job: self._call.emit(lambda: function(job))

    @property
    def shown(self) -> Snapshot:
        """What is known, without the targets that are just being set up."""
        return self.snapshot_now.without(self._new)

    def set_up(self, name: str) -> None:
        """Leave a target out of what is shown: whether it stays will be seen."""
        self._new.add(name)

    def settled(self, names: Collection[str]) -> None:
        """Show these targets again, when they are there."""
        self._new.difference_update(names)
        if names and not self._stopped:
            self.changed.emit(self.snapshot_now)

    def watch(self, on: bool) -> None:
        """Count who wants live figures; the counters are only looked at while somebody does."""
        self._watchers += 1 if on else -1
        self._pace()

    def keep_watch(self, on: bool) -> None:
        """Have the counters looked at now and then even while nobody wants live figures: for the tray."""
        self._kept = on
        self._pace()

    def _pace(self) -> None:
        self._thread.watch_statistics(LOOK if self._watchers > 0 else SLOW_LOOK if self._kept else 0)

    def retry(self) -> None:
        """Look for the helper now."""
        self._thread.retry()

    def later(self, future: Future[T], success: Callable[[T], None], failure: Failure) -> None:
        """Call back in this thread when a future of another thread is done; it fails with Problem only."""

        def done(ended: Future[T]) -> None:
            error = ended.exception()
            if error is None:
                self._call.emit(lambda: success(ended.result()))
            elif isinstance(error, Problem):
                self._call.emit(lambda: failure(error))

        future.add_done_callback(done)

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in this thread, from any."""
        self._call.emit(function)

    # ---- Listener: called in the bus thread

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Something changed."""
        self._told.emit(snapshot)

    def on_event(self, event: Mapping[str, Any]) -> None:
        """The timeline has a new entry."""
        self._event.emit(dict(event))

    def on_statistics(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        """A look at the counters."""
        self._counted.emit((time.monotonic(), values))

    async def _ask(self, question: Question) -> Secrets:
        """Answer the helper from the keyring, else ask the person."""
        if not question.retry:
            kept = await self._from_keyring(question)
            if kept is not None:
                return kept
        if question.background:
            raise Problem("NotFound", what="secret")
        answer: Future[Secrets] = Future()
        self._call.emit(lambda: self.asked.emit(question, answer))
        return await asyncio.wrap_future(answer)

    async def _from_keyring(self, question: Question) -> Secrets | None:
        try:
            kept = await asyncio.wrap_future(self.keyring.get(question.target))
        except Problem:
            return None
        enough = kept is not None and kept.secret and (kept.target_secret or not question.mutual)
        return kept if enough else None

    # ---- in this thread

    @Slot(object)
    def _take_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot_now = snapshot
        self.changed.emit(snapshot)

    @Slot(object)
    def _take_counted(self, look: tuple[float, Mapping[str, Mapping[str, Any]]]) -> None:
        self.rates.take(look[1], look[0])
        self.figures.emit()

    @Slot(object)
    def _take_call(self, function: Callable[[], None]) -> None:
        if not self._stopped:
            function()
