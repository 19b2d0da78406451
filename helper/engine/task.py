# SPDX-License-Identifier: Apache-2.0
"""What is on its way: task slots, used again and again, and the logical units that they belong to."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from ..api.errors import Problem
from ..api.statistics import DISK, DiskWriter, bucket
from .buffers import Buffer
from .extents import Extents
from .pipes import Pipe
from .scsi.disk import LunInfo

#: A tag is the slot's index in its low bits and, above, a number that changes with each use: an answer to what is over
#: is never taken for an answer to what is new.
INDEX_BITS = 12
INDEX_MASK = (1 << INDEX_BITS) - 1
MAX_SLOTS = 1 << INDEX_BITS
TAG_STEP = 1 << INDEX_BITS
#: Tags of tasks stay below this; above are pings, task management and logout.
TAG_LIMIT = 1 << 30
TAG_MASK = TAG_LIMIT - 1

READ_16 = 0x88
WRITE_16 = 0x8A
#: Any other command: its CDB stands in `cdb`.
OTHER = 0

_READS, _READ_BYTES, _WRITES, _WRITE_BYTES = map(DISK.index, ("reads", "read-bytes", "writes", "write-bytes"))
_IN_FLIGHT = DISK.index("in-flight")


class Owner(Protocol):
    """Who asked for a task. The slot belongs to somebody else as soon as the call returns."""

    def read_ready(self, task: Task, view: memoryview, start: int, end: int) -> None:
        """A read is complete, its bytes are view[start:end]; 16 bytes before them may be overwritten.

        They stay until the session reads from its socket again. If `task.pooled` is not None they lie in it: who
        takes it (and sets it to None) has them for as long as needed.
        """

    def reads_ready(self, tasks: list[Task], view: memoryview, starts: Sequence[int]) -> None:
        """Several reads at once, as `read_ready`: the bytes of each are `task.length` from its start on, and none is
        in `pooled`. The slots are used again when the call returns.
        """

    def done(self, task: Task, error: int) -> None:
        """Everything else that ended: with an errno, or 0."""

    def writes_done(self, tasks: list[Task]) -> None:
        """Several writes at once that went well, as `done`. The slots are used again when the call returns."""


class PipeOwner(Owner, Protocol):
    """An owner of reads that can be spliced."""

    def pipe(self, task: Task) -> Pipe | None:
        """Return a pipe for the task's data, with the answer's header in it; None when it is to be copied."""

    def piped(self, task: Task, pipe: Pipe) -> None:
        """A read is complete, and lies in the pipe, which is the owner's now."""


class Task:
    """One slot. `itt` is negative while nothing is on the wire for it.

    `flags` and `opcode`/`cdb1`/`lba`/`blocks` or `cdb` make the command, so that it can be sent again; `length` is the
    Expected Data Transfer Length. `data` is what a write sends, `dest` where a read goes: the owner's, or in
    `pooled`, or None as long as the receive buffer does. `got` counts its bytes (-1: nothing is read), `data_sn` its
    PDUs. `solicited` counts what R2Ts asked for. `once`: a scan's, which is neither retried nor replayed. `run`: what
    it was asked for with, as long as all of it can be answered at once.
    """

    __slots__ = (
        "attempts",
        "blocks",
        "cdb",
        "cdb1",
        "cmd_sn",
        "cookie",
        "data",
        "data_sn",
        "dest",
        "flags",
        "got",
        "itt",
        "lba",
        "length",
        "once",
        "opcode",
        "owner",
        "pieces",
        "pipe",
        "pooled",
        "r2t_sn",
        "run",
        "sent_at",
        "solicited",
        "started",
        "timeouts",
        "unit",
    )

    def __init__(self, index: int) -> None:
        self.itt = ~index
        self.unit: Unit = _NOWHERE
        self.owner: Owner = _NOBODY
        self.cookie = 0
        self.flags = 0
        self.opcode = OTHER
        self.cdb1 = 0
        self.lba = 0
        self.blocks = 0
        self.cdb = b""
        self.length = 0
        self.data: memoryview | bytes | None = None
        self.dest: memoryview | None = None
        self.pooled: Buffer | None = None
        self.pipe: Pipe | None = None
        self.got = 0
        self.pieces: Extents | None = None
        self.data_sn = 0
        self.cmd_sn = 0
        self.r2t_sn = 0
        self.solicited = 0
        self.started = 0.0
        self.sent_at = 0.0
        self.attempts = 0
        self.timeouts = 0
        self.once = False
        self.run = NO_RUN

    def next_tag(self) -> int:
        """Give it a new tag, positive: it goes on the wire."""
        itt = self.itt if self.itt >= 0 else ~self.itt
        self.itt = itt = (itt + TAG_STEP) & TAG_MASK
        return itt

    def off_wire(self) -> None:
        """Nothing is outstanding for it any more; what was received so far is void."""
        if self.itt >= 0:
            self.itt = ~self.itt
        self.got = 0
        self.data_sn = 0
        self.r2t_sn = 0
        self.solicited = 0
        self.pieces = None
        self.run = NO_RUN
        self.drop_pipe()

    def drop_pipe(self) -> None:
        """Forget what came for it into a pipe, if anything did."""
        pipe, self.pipe = self.pipe, None
        if pipe is not None:
            pipe.discard()


class Run:
    """Reads, or writes, of `length` bytes each that were asked for at once; an answer to one of them brings `brings`
    bytes.
    """

    __slots__ = ("brings", "length", "owner", "started", "unit")

    def __init__(self, unit: Unit, owner: object, length: int, brings: int, started: float) -> None:
        self.unit = unit
        self.owner: Owner = owner  # type: ignore[assignment]
        self.length = length
        self.brings = brings
        self.started = started


class Unit:
    """A logical unit as the session sees it.

    `ready`: commands go out; else they wait in `held`, in the order in which they were asked for. `refused`: an errno
    that everything is answered with (another disk stands there, or the time to wait is over); `changed`: another disk
    stands there; `protected`: it refused a write and was looked at because of that.
    """

    def __init__(self, lun: int, counters: DiskWriter | None = None) -> None:
        self.lun = lun
        self.info: LunInfo | None = None
        self.ready = False
        self.refused = 0
        self.changed = False
        self.protected = False
        self.held: deque[Task] = deque()
        self.counters = counters
        self.in_flight = 0

    @property
    def known(self) -> LunInfo:
        """What a scan found; raises Problem("NoSuchLun") when none did."""
        if self.info is None:
            raise Problem("NoSuchLun", lun=f"{self.lun:016x}")
        return self.info

    def count(self, started: float, now: float, reads: int, read_bytes: int, writes: int, write_bytes: int) -> None:
        """Count finished reads and writes that were started in the same round."""
        self.in_flight -= reads + writes
        to = self.counters
        if to is None:
            return
        counters = to.counters
        index = bucket(now - started)
        if reads:
            counters[_READS] += reads
            counters[_READ_BYTES] += read_bytes
            to.reads[index] += reads
        if writes:
            counters[_WRITES] += writes
            counters[_WRITE_BYTES] += write_bytes
            to.writes[index] += writes
        counters[_IN_FLIGHT] = max(self.in_flight, 0)

    def count_in_flight(self) -> None:
        """Show how many commands are not answered yet."""
        if self.counters is not None:
            self.counters.counters[_IN_FLIGHT] = max(self.in_flight, 0)


class _Nobody:
    """Owner of slots that nobody uses: it is told nothing."""

    def read_ready(self, _task: Task, _view: memoryview, _start: int, _end: int) -> None:
        """Nothing to do."""

    def reads_ready(self, _tasks: list[Task], _view: memoryview, _starts: Sequence[int]) -> None:
        """Nothing to do."""

    def done(self, _task: Task, _error: int) -> None:
        """Nothing to do."""

    def writes_done(self, _tasks: list[Task]) -> None:
        """Nothing to do."""


_NOBODY = _Nobody()
_NOWHERE = Unit(0)
#: What a task has that was asked for alone, or that cannot be answered at once any more.
NO_RUN = Run(_NOWHERE, _NOBODY, 0, -1, 0.0)
