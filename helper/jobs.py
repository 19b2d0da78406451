# SPDX-License-Identifier: Apache-2.0
"""Jobs: work that takes a while, with steps, an end that can still be read for a time, and cancelling."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .api.errors import Problem, describe
from .api.faults import internal

log = logging.getLogger(__name__)

#: Seconds that a job is kept after its end.
KEEP = 30.0
#: Many that ended one after the other are forgotten in one go: no more often than this.
_PAUSE = 1.0
#: A caller has no more jobs than this running.
MAX_RUNNING = 32
#: Nor a user: one who comes back with one connection after the other gets no more.
MAX_OF_USER = 256
#: Of a user's jobs that have ended, the newest are kept: so many, or fewer when they found much.
MAX_ENDED = 256

#: Kinds that go on when who started them has left: half an eject helps nobody.
_SURVIVE = frozenset({"logout", "eject"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `key` is one connection of theirs (opaque), `uid` their user id."""

    key: str
    uid: int


@dataclass(slots=True, eq=False)
class Job:
    """A piece of work. `objects` and the references in `details` are of the service's form (service.Ref)."""

    number: int
    kind: str
    objects: tuple[str, ...]
    caller: Caller
    step: str = ""
    finished: bool = False
    problem: Problem | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    task: asyncio.Task[Mapping[str, Any]] | None = None
    keep: bool = False  # goes on when its caller has left

    def cancel(self) -> None:
        """Stop it at the next safe place; one that has ended stays as it is."""
        if self.task is not None and not self.finished:
            self.task.cancel()


class JobListener(Protocol):
    """Who is told about jobs."""

    def job_added(self, job: Job) -> None:
        """It begins."""

    def job_changed(self, job: Job) -> None:
        """It is at another step."""

    def job_completed(self, job: Job) -> None:
        """It has ended."""

    def job_removed(self, job: Job) -> None:
        """It is forgotten."""


Work = Callable[[Job], Coroutine[Any, Any, Mapping[str, Any]]]


class Jobs:
    """The jobs there are, by number."""

    def __init__(self, listener: JobListener, keep: float = KEEP) -> None:
        self._listener = listener
        self._keep = keep
        self._numbers = itertools.count(1)
        #: When those that have ended did, in this order.
        self._ends: dict[int, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.all: dict[int, Job] = {}

    def start(self, kind: str, objects: tuple[str, ...], caller: Caller, work: Work) -> Job:
        """Begin `work(job)`, which returns the details. Raises Problem("Busy")."""
        running = [job.caller for job in self.all.values() if not job.finished]
        of_caller = sum(other.key == caller.key for other in running)
        of_user = sum(other.uid == caller.uid for other in running)
        if of_caller >= MAX_RUNNING or of_user >= MAX_OF_USER:
            raise Problem("Busy")
        job = Job(next(self._numbers), kind, objects, caller)
        self.all[job.number] = job
        self._listener.job_added(job)
        job.task = asyncio.get_running_loop().create_task(work(job), name=f"job {job.number} {kind}")
        job.task.add_done_callback(lambda task: self._ended(job, task))
        return job

    def step(self, job: Job, step: str) -> None:
        """Say what is being done now."""
        if job.step != step and not job.finished:
            job.step = step
            self._listener.job_changed(job)

    def caller_left(self, key: str) -> None:
        """Cancel what this caller started and would want no more."""
        for job in self.all.values():
            if job.caller.key == key and job.kind not in _SURVIVE and not job.keep:
                job.cancel()

    async def close(self) -> None:
        """Cancel everything that runs and wait for it."""
        running = [job for job in self.all.values() if not job.finished]
        for job in running:
            job.cancel()
        await asyncio.gather(*(job.task for job in running if job.task), return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()

    def _ended(self, job: Job, task: asyncio.Task[Mapping[str, Any]]) -> None:
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            job.problem = Problem("Cancelled")
        elif isinstance(error, Problem):
            job.problem = error
        elif error is not None:
            job.problem = internal(error)
        job.details = task.result() if job.problem is None else _explain(job.problem)
        job.finished = True
        log.info("job %d %s: %s", job.number, job.kind, job.problem.code if job.problem else "done")
        self._listener.job_completed(job)
        self._forget_later(job)

    def _forget_later(self, job: Job) -> None:
        loop = asyncio.get_running_loop()
        self._ends[job.number] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._keep, self._forget_old)
        ended = [self.all[number] for number in self._ends if self.all[number].caller.uid == job.caller.uid]
        size = 0
        for one in reversed(ended):
            size += _size(one)
            if size > MAX_ENDED and one is not job:
                self._forget(one)

    def _forget_old(self) -> None:
        """Forget those that ended long enough ago, and come back for the next."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for number in [number for number, ended in self._ends.items() if ended + self._keep <= now]:
            self._forget(self.all[number])
        self._timer = None
        if self._ends:
            due = min(self._ends.values()) + self._keep
            self._timer = loop.call_at(max(due, now + _PAUSE), self._forget_old)

    def _forget(self, job: Job) -> None:
        del self._ends[job.number]
        del self.all[job.number]
        self._listener.job_removed(job)


def _size(job: Job) -> int:
    """Return how many jobs that found little are as large as this one."""
    return 1 + sum(len(found) for found in job.details.values() if isinstance(found, list)) // 64


def _explain(problem: Problem) -> dict[str, str | int]:
    texts = describe(problem.code, problem.attrs)
    return {**problem.attrs, "summary": texts.summary, "meaning": texts.meaning, "action": texts.action}
