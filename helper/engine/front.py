# SPDX-License-Identifier: Apache-2.0
"""What all fronts share: byte ranges to SCSI commands, shares of memory and slots, requests of many commands.

A front has the fast case in its own loop (one aligned request, one command) and leaves the rest to the jobs here:
requests that are too large for one command, discards and zeroing within the unit's limits, flushes of units that know
only the old command, and the reads and writes of users that do not keep to blocks.

Nothing is taken from a front's user that its share does not allow, so that a user who does not read his answers, or a
unit that does not answer, holds up nobody but himself.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

from ..api.errors import Problem
from .buffers import PAYLOAD_AT, Buffer
from .pipes import Pipe, Pipes
from .scsi import cdb as cdbs
from .session import Session
from .task import Task, Unit

#: No command moves more than this, whatever the unit allows: several are faster than one.
MAX_PIECE = 1 << 20
#: A discard of more than this is cut: a loop device holds back what comes behind it.
MAX_DISCARD = 1 << 30
#: More requests that take several commands are not begun at once.
MAX_JOBS = 16
MAX_EXTENT_BLOCKS = 0xFFFFFFFF
_ZEROS = memoryview(bytes(MAX_PIECE))


class Driver(Protocol):
    """What a front needs of the engine."""

    session: Session
    #: For answers that are spliced.
    pipes: Pipes
    #: Fronts with answers to send when the round's commands are handled.
    dirty: list[Front]
    #: Fronts that want to go on when slots or memory are free again.
    blocked: list[Front]

    def wake(self) -> None:
        """Flush and resume at the end of this round."""

    def watch(self, fd: int, events: int) -> None:
        """Change what poll looks for."""

    def lend(self, front: Front, total: int) -> bool:
        """Raise `front.max_held` to `total`, beyond its share; False when it has to wait for other fronts."""

    def front_over(self, front: Front, problem: Problem | None) -> None:
        """The front's user left (None), or broke the rules."""


class OneByOne(ABC):
    """An Owner that is told of several as of each."""

    @abstractmethod
    def read_ready(self, task: Task, view: memoryview, start: int, end: int) -> None:
        """As in Owner."""

    @abstractmethod
    def done(self, task: Task, error: int) -> None:
        """As in Owner."""

    def reads_ready(self, tasks: list[Task], view: memoryview, starts: Sequence[int]) -> None:
        """As in Owner."""
        for task, start in zip(tasks, starts, strict=True):
            self.read_ready(task, view, start, start + task.length)

    def writes_done(self, tasks: list[Task]) -> None:
        """As in Owner."""
        for task in tasks:
            self.done(task, 0)


class Front(OneByOne):
    """One user of one unit. Subclasses speak his protocol.

    `fixed` and `patient` as in memory.Borrower.
    """

    fixed = 0
    patient = False

    def __init__(self, driver: Driver, number: int, unit: Unit, *, read_only: bool) -> None:
        info = unit.known
        self.driver = driver
        self.session = driver.session
        self.number = number
        self.unit = unit
        self.read_only = read_only or info.read_only
        self.block_size = info.block_size
        self.shift = info.block_size.bit_length() - 1
        self.mask = info.block_size - 1
        self.piece = _piece(info.max_transfer_blocks, info.block_size)
        #: Commands and bytes on their way for this front, and bytes of answers that are not read; what it may have.
        self.used = 0
        self.held = 0
        self.kept = 0
        self.max_used = 1
        self.max_held = 0
        self.jobs: list[Job] = []
        self._pumping = False
        self.is_blocked = False
        self.is_dirty = False
        self.closing: Callable[[], None] | None = None

    @property
    def size(self) -> int:
        """The unit's size as of now, in bytes."""
        return self.unit.known.size

    @property
    def unwritten(self) -> bool:
        """Whether something may have been written that was not flushed since."""
        return not self.read_only

    # -- to be provided ----------------------------------------------------------------------------------------
    @abstractmethod
    def go_on(self) -> None:
        """Take more from the user; called when there may be room."""

    def flush(self) -> None:
        """Send the answers that were put together."""

    def flush_begins(self) -> int:
        """Return a mark that `flushed` is called with when the flush that begins now went well."""
        return 0

    def flushed(self, mark: int) -> None:
        """What was answered before the flush with this mark began is on the medium."""

    @abstractmethod
    def job_done(self, job: Job) -> None:
        """Answer a request that was a job."""

    def pipe(self, task: Task) -> Pipe | None:
        """As PipeOwner: who does not know better has everything copied."""
        _ = task
        return None

    @abstractmethod
    def close(self) -> None:
        """Close the descriptor; what is still on its way is answered to nobody."""

    @abstractmethod
    def fileno(self) -> int:
        """The descriptor that is polled; -1 when there is none (any more)."""

    # -- room --------------------------------------------------------------------------------------------------
    def has_room(self) -> bool:
        """Whether one more command may start."""
        return self.used < self.max_used and bool(self.session.free)

    def may_hold(self, length: int) -> bool:
        """Whether `length` bytes more may be on their way."""
        total = self.held + self.kept + length
        return total <= self.max_held or self.driver.lend(self, total)

    def block(self) -> None:
        """Be called again (`resume`) after something has ended."""
        if not self.is_blocked:
            self.is_blocked = True
            self.driver.blocked.append(self)

    def resume(self) -> None:
        """Go on with what was held up."""
        self.is_blocked = False
        self.pump()
        self.go_on()

    def touch(self) -> None:
        """Have `flush` called at the end of what is being handled."""
        if not self.is_dirty:
            self.is_dirty = True
            self.driver.dirty.append(self)

    # -- jobs --------------------------------------------------------------------------------------------------
    def start(self, job: Job) -> None:
        """Begin a job: its commands go out as there is room."""
        self.held += job.length
        self.jobs.append(job)
        self.pump()

    def pump(self) -> None:
        """Send commands of the jobs, oldest first; those that wait for their own commands hold up no others."""
        if not self.jobs or self._pumping:
            return
        self._pumping = True
        try:
            # One that ends at once may have others begun, whose turn comes at the end, or the front closed.
            for job in self.jobs:
                job.pump()
        finally:
            self._pumping = False
        self.jobs = [job for job in self.jobs if not job.over]
        if not all(job.waits for job in self.jobs):
            self.block()

    def ended(self, job: Job) -> None:
        """A job's last command ended."""
        self.held -= job.length
        if job.mark >= 0 and not job.error:
            self.flushed(job.mark)
        if job.then is None:
            self.job_done(job)
        pooled, job.pooled = job.pooled, None
        if pooled is not None and (job.at or not self.session.sending):
            pooled.release()
        if job.then is not None:
            job.then()
        elif self.closing is not None:
            self.check_idle()

    @property
    def idle(self) -> bool:
        """Whether everything that was asked for is answered."""
        return not self.used and all(job.over for job in self.jobs)

    def check_idle(self) -> None:
        """When closing: say so as soon as nothing is on its way."""
        if self.closing is not None and self.idle:
            closing, self.closing = self.closing, None
            closing()

    # -- the kinds of jobs -------------------------------------------------------------------------------------
    def read_job(self, cookie: int, offset: int, length: int) -> None:
        """Read any range: widened to whole blocks, in several commands where it is large."""
        start = offset & ~self.mask
        end = (offset + length + self.mask) & ~self.mask
        job = Job(self, cookie, length)
        job.pooled = self.session.pool.get(end - start)
        job.at = PAYLOAD_AT + offset - start
        dest = job.pooled.payload(end - start)

        def pieces() -> Iterator[Callable[[], None]]:
            for at in range(0, end - start, self.piece):
                part = dest[at : at + self.piece]
                lba, blocks = (start + at) >> self.shift, len(part) >> self.shift
                yield partial(self.session.read_into, self.unit, job, 0, lba, blocks, part)

        job.pieces = pieces()
        self.start(job)

    def write_job(
        self, cookie: int, offset: int, data: memoryview | bytes, pooled: Buffer | None, *, fua: bool
    ) -> None:
        """Write whole blocks in several commands; `pooled` is released at the end."""
        job = Job(self, cookie, len(data))
        job.pooled = pooled

        def pieces() -> Iterator[Callable[[], None]]:
            for at in range(0, len(data), self.piece):
                part = data[at : at + self.piece]
                lba, blocks = (offset + at) >> self.shift, len(part) >> self.shift
                yield partial(self.session.write, self.unit, job, 0, lba, blocks, part, None, fua=fua)

        job.pieces = pieces()
        self.start(job)

    def flush_job(self, cookie: int, then: Callable[[], None] | None = None) -> None:
        """SYNCHRONIZE CACHE: (16), or (10) where that is not known; a unit that knows neither has no cache to write
        out.

        With `then` it is our own, and nobody is answered.
        """
        job = Job(self, cookie, 0)
        job.then = then
        job.mark = self.flush_begins()

        def pieces() -> Iterator[Callable[[], None]]:
            for cdb in (cdbs.synchronize_cache16(), cdbs.synchronize_cache10()):
                yield partial(self.session.command, self.unit, job, 0, cdb)
                yield WAIT
                if job.error != errno.EOPNOTSUPP:
                    return
                job.error = 0

        job.pieces = pieces()
        self.start(job)

    def discard_job(self, cookie: int, offset: int, length: int) -> None:
        """UNMAP what lies wholly in the range (SBC-3, 5.28): advice, so that what is not aligned may be left."""
        info = self.unit.known
        job = Job(self, cookie, 0)
        step = max(info.unmap_granularity, 1)
        first = _up((offset + self.mask) >> self.shift, step, info.unmap_alignment)
        last = _down((offset + length) >> self.shift, step, info.unmap_alignment)
        limit = min(info.max_unmap_blocks or MAX_EXTENT_BLOCKS, MAX_DISCARD >> self.shift)
        limit = max(limit - limit % step, step)

        def pieces() -> Iterator[Callable[[], None]]:
            for lba in range(first, last, limit):
                data = cdbs.unmap_data([(lba, min(limit, last - lba))])
                cdb = cdbs.unmap(len(data))
                yield partial(self.session.command, self.unit, job, 0, cdb, data)

        job.pieces = pieces()
        self.start(job)

    def zero_job(self, cookie: int, offset: int, length: int, *, unmap: bool, fua: bool = False) -> None:
        """Make whole blocks read as zeros: WRITE SAME, with the right to unmap them; else written zeros."""
        info = self.unit.known
        job = Job(self, cookie, 0)
        job.changes = True
        unmap = unmap and info.write_same_unmap
        first, last = offset >> self.shift, (offset + length) >> self.shift
        limit = min(info.max_write_same_blocks or MAX_EXTENT_BLOCKS, MAX_DISCARD >> self.shift)
        block = bytes(self.block_size)

        def pieces() -> Iterator[Callable[[], None]]:
            lba = first
            while lba < last and (unmap or info.write_same):
                count = min(limit, last - lba)
                cdb = cdbs.write_same16(lba, count, unmap=unmap)
                yield partial(self.session.command, self.unit, job, 0, cdb, block)
                yield WAIT
                if job.error:
                    break
                lba += count
            if job.error == errno.EOPNOTSUPP:
                job.error = 0
            while lba < last and not job.error:
                count = min(self.piece >> self.shift, last - lba)
                data = _ZEROS[: count << self.shift]
                yield partial(self.session.write, self.unit, job, 0, lba, count, data, None, fua=fua)
                lba += count

        job.pieces = pieces()
        self.start(job)

    def patch_job(self, cookie: int, offset: int, data: memoryview | bytes, pooled: Buffer | None) -> None:
        """Write a range that does not keep to blocks: read its first and last block, put the edges of the data into
        them, and write those and what lies between.

        The caller sees to it that no other write is on its way.
        """
        size, end = self.block_size, offset + len(data)
        first, last = offset & ~self.mask, (end - 1) & ~self.mask
        job = Job(self, cookie, len(data))
        job.pooled = pooled
        edges = {at: memoryview(bytearray(size)) for at in sorted({first, last})}
        middle, behind = min(first + size, end), max(last, first + size)

        def pieces() -> Iterator[Callable[[], None]]:
            for at, room in edges.items():
                yield partial(self.session.read_into, self.unit, job, 0, at >> self.shift, 1, room)
            yield WAIT
            if job.error:
                return
            edges[first][offset - first : middle - first] = data[: middle - offset]
            if last > first:
                edges[last][: end - last] = data[last - offset :]
            for at, room in edges.items():
                yield partial(self.session.write, self.unit, job, 0, at >> self.shift, 1, room, None)
            for at in range(first + size, behind, self.piece):
                part = data[at - offset : min(at + self.piece, behind) - offset]
                blocks = len(part) >> self.shift
                yield partial(self.session.write, self.unit, job, 0, at >> self.shift, blocks, part, None)

        job.pieces = pieces()
        self.start(job)


def WAIT() -> None:  # noqa: N802 - a mark between pieces, not called
    """What a job yields to go on only when everything so far has ended."""


class Job(OneByOne):
    """A request that takes several commands. `pieces` yields calls that start one each, or WAIT."""

    __slots__ = (
        "_ended", "_pumping", "_running", "_waits", "at", "changes", "cookie", "error", "front", "length", "mark",
        "over", "pieces", "pooled", "then",
    )  # fmt: skip

    def __init__(self, front: Front, cookie: int, length: int) -> None:
        self.front = front
        self.cookie = cookie
        self.length = length
        self.pooled: Buffer | None = None
        #: Where the payload of a read begins in `pooled.view`.
        self.at = 0
        self.error = 0
        #: It zeroes.
        self.changes = False
        #: Of a flush: what `Front.flush_begins` returned.
        self.mark = -1
        self.pieces: Iterator[Callable[[], None]] = iter(())
        #: Called at the end of a job of our own, in place of an answer.
        self.then: Callable[[], None] | None = None
        #: All of it has been started.
        self.over = False
        self._running = 0
        self._ended = False
        self._waits = False
        self._pumping = False

    @property
    def waits(self) -> bool:
        """Whether it goes on when a command of its own has ended, and not before: then `done` has it pumped."""
        return self._waits and self._running > 0

    def pump(self) -> None:
        """Start what there is room for."""
        front = self.front
        while not self.over:
            if (self._waits and self._running) or not front.has_room():
                return
            self._waits = False
            piece = next(self.pieces, None)
            if piece is WAIT:
                self._waits = True
            elif piece is None or self.error:
                self.over = True
            else:
                self._running += 1
                front.used += 1
                self._pumping = True  # it may end at once
                piece()
                self._pumping = False
        self._check()

    def read_ready(self, task: Task, view: memoryview, start: int, end: int) -> None:
        """Never called: a job's reads have their place."""

    def done(self, task: Task, error: int) -> None:
        """One of its commands ended."""
        _ = task
        self._running -= 1
        self.front.used -= 1
        self.error = self.error or error
        if self.over:
            self._check()
        elif not self._pumping:
            self.front.block()

    def _check(self) -> None:
        if not self._running and not self._ended:
            self._ended = True
            self.front.ended(self)


def _piece(max_transfer_blocks: int, block_size: int) -> int:
    most = max_transfer_blocks * block_size
    return min(most, MAX_PIECE) if most else MAX_PIECE


def _up(lba: int, step: int, alignment: int) -> int:
    return lba + (alignment - lba) % step


def _down(lba: int, step: int, alignment: int) -> int:
    return max(lba - (lba - alignment) % step, 0)
