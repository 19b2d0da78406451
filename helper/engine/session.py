# SPDX-License-Identifier: Apache-2.0
"""A session in full feature phase: task slots, command numbering and window, retries, loss and replay (RFC 7143,
4.2.2, 7).

No socket and no clock: a Connection brings what was received, `now` is handed in, and what is to be sent stands in the
connection's queue. Fronts call `read`, `write` and `command`; every task ends with a call to its owner, whatever
happens to connections in between. When a method raises Problem the connection is of no use any more: call `lost`.

Commands of a unit go out in the order in which they were asked for, except for what is retried. After a loss everything
that was not answered waits in `Unit.held` in that order, until `unit_ready` says that the same unit is there again.
"""

from __future__ import annotations

import errno
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, cast

from ..api.errors import Problem
from ..api.settings import Value
from ..api.statistics import DISK, Writer, bucket
from . import pdu
from .aborting import MAX_TIMEOUTS
from .buffers import Buffer, Pool
from .connection import COMMAND_16
from .options import number
from .scsi import cdb as cdbs
from .scsi import sense as senses
from .scsi.disk import ScsiRequest, ScsiResult
from .task import INDEX_MASK, MAX_SLOTS, OTHER, READ_16, TAG_MASK, TAG_STEP, WRITE_16, Task, Unit
from .upkeep import Upkeep

if TYPE_CHECKING:
    from .connection import Connection
    from .task import PipeOwner

_M = 0xFFFFFFFF
_READ = pdu.FINAL | pdu.READ | pdu.Attribute.SIMPLE
_WRITE = pdu.WRITE | pdu.Attribute.SIMPLE
_NEITHER = pdu.FINAL | pdu.Attribute.SIMPLE

#: Slots for scans and the like, beside those of the queue depth.
SPARE_SLOTS = 16
#: How often a command is sent again at once (unit attention, aborted command) before it fails.
MAX_RETRIES = 5
#: Back-off of busy units: seconds, doubled each time.
FIRST_DELAY, LAST_DELAY = 0.008, 32.0

_READS, _READ_BYTES, _WRITES, _WRITE_BYTES, _FLUSHES, _DISCARDS, _ERRORS, _RETRIES, _IN_FLIGHT = range(len(DISK))
_COUNTED = {0x35: _FLUSHES, 0x91: _FLUSHES, 0x42: _DISCARDS, 0x93: _DISCARDS}


class Upward(Protocol):
    """Who drives the session."""

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        """Something a person may want to know."""

    def look_again(self, unit: Unit, kind: str) -> None:
        """The unit says that something about it changed."""

    def unit_reset(self, unit: Unit) -> None:
        """All commands of the unit are over; they wait until it was looked at: `Session.unit_ready`."""

    def leave(self, within: float, problem: Problem) -> None:
        """The target wants us to log out within so many seconds (11.9.1): do, and come back."""


class ScsiCall:
    """Owner of one command whose result is wanted as it is: scans. Not retried, not replayed."""

    def __init__(self, finished: Callable[[ScsiResult | Problem], None], room: bytearray) -> None:
        self.finished = finished
        self.room = room

    def read_ready(self, task: Task, view: memoryview, start: int, end: int) -> None:
        """Never called: its reads have a place of their own."""

    def done(self, task: Task, error: int) -> None:
        """It ended well, or the session did."""
        if error:
            self.finished(Problem("ConnectionLost", address=""))
        else:
            self.finished(ScsiResult(0, bytes(self.room[: max(task.got, 0)])))


class Session:
    """Tasks, numbers and units of one session; at most one connection at a time."""

    def __init__(self, settings: Mapping[str, Value], upward: Upward, statistics: Writer) -> None:
        depth = number(settings, "queue_depth")
        self.depth = depth
        self.upward = upward
        self.statistics = statistics
        self.pool = Pool()
        self.units: dict[int, Unit] = {}
        self.connection: Connection | None = None
        self.now = 0.0
        #: Slots by index. Indexes without a slot have one that is never on the wire, so that any tag can be looked up.
        self.nobody = Task(MAX_SLOTS - 1)
        self.free = [Task(i) for i in range(depth)]
        self._spare = [Task(i) for i in range(depth, depth + SPARE_SLOTS)]
        self.slots = [*self.free, *self._spare]
        self.tasks = [*self.slots, *([self.nobody] * (MAX_SLOTS - len(self.slots)))]
        #: Commands that wait for the target's window.
        self.waiting: deque[Task] = deque()
        #: What is retried later: (when, order, task).
        self._later: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self.cmd_sn = 0
        self._exp_cmd_sn = 0
        self._max_cmd_sn = 0
        #: How many more commands the target takes now.
        self._credit = 0
        self._quiet = False  # no new commands: a logout is on its way
        self.command_timeout = number(settings, "command_timeout")
        self.upkeep = Upkeep(self, settings)

    # -- units -------------------------------------------------------------------------------------------------
    def unit(self, lun: int) -> Unit:
        """Return the unit with this LUN field."""
        found = self.units.get(lun)
        if found is None:
            found = self.units[lun] = Unit(lun, self.statistics.disk(lun))
        return found

    def unit_ready(self, unit: Unit) -> None:
        """The unit was found to be the same: what waits for it goes out, in order."""
        unit.refused = 0
        unit.ready = True
        self.waiting.extend(unit.held)
        unit.held.clear()
        self._pump()

    def refuse(self, unit: Unit, error: int) -> None:
        """Answer what waits for the unit, and what will be asked, with an errno."""
        unit.refused = error
        held, unit.held = unit.held, deque()
        for task in held:
            self._finish(task, error)

    def hold(self, lun: int) -> None:
        """No new commands for this unit: what waits for the window waits for the unit."""
        unit = self.units.get(lun)
        if unit is not None:
            unit.ready = False
            waiting = list(self.waiting)
            self.waiting.clear()
            self.waiting.extend(task for task in waiting if task.unit is not unit)
            unit.held.extendleft(task for task in reversed(waiting) if task.unit is unit)

    def after_reset(self, lun: int, again: list[Task]) -> None:
        """The unit was reset: these were not done, and come before what was held."""
        unit = self.units.get(lun)
        if unit is not None:
            unit.held.extendleft(reversed(again))
            if unit.refused:
                self.refuse(unit, unit.refused)
            self.upward.unit_reset(unit)

    # -- asking ------------------------------------------------------------------------------------------------
    def read(self, unit: Unit, owner: object, cookie: int, lba: int, blocks: int, length: int) -> None:
        """Read; a slot must be free. The owner is shown the data with `read_ready`."""
        task = self.free.pop()
        task.unit = unit
        task.owner = owner  # type: ignore[assignment]
        task.cookie = cookie
        task.flags = _READ
        task.opcode = READ_16
        task.cdb1 = 0
        task.lba = lba
        task.blocks = blocks
        task.length = length
        task.started = self.now
        task.attempts = task.timeouts = 0
        connection = self.connection
        if connection is None or self._credit <= 0 or not unit.ready or self.waiting or not connection.plain:
            self._start(task)
            return
        # What Connection.put_command does, without the call: it is a fifth of what a small read costs.
        unit.in_flight += 1
        self._credit -= 1
        task.cmd_sn = cmd_sn = self.cmd_sn
        self.cmd_sn = (cmd_sn + 1) & _M
        task.got = task.data_sn = 0
        task.itt = itt = (~task.itt + TAG_STEP) & TAG_MASK
        out = connection.out
        at = out.at
        if at + 64 > len(out.headers):
            out.reserve(64)
            at = out.at
        COMMAND_16.pack_into(
            out.headers, at, 1, _READ, 0, 0, unit.lun, itt, length, cmd_sn, connection.exp_stat_sn,
            READ_16, 0, lba, blocks, 0, 0,
        )  # fmt: skip
        out.at = at + 48
        connection.pdus_sent += 1

    def read_into(self, unit: Unit, owner: object, cookie: int, lba: int, blocks: int, dest: memoryview) -> None:
        """Read into the owner's own place; a slot must be free. The owner is told with `done`."""
        task = self.free.pop()
        task.unit = unit
        task.owner = owner  # type: ignore[assignment]
        task.cookie = cookie
        task.flags = _READ
        task.opcode = READ_16
        task.cdb1 = 0
        task.lba = lba
        task.blocks = blocks
        task.length = len(dest)
        task.dest = dest
        task.started = self.now
        task.attempts = task.timeouts = 0
        self._start(task)

    def write(
        self, unit: Unit, owner: object, cookie: int, lba: int, blocks: int, data: memoryview | bytes, pooled: Buffer
        | None, *, fua: bool = False,
    ) -> None:  # fmt: skip
        """Write; a slot must be free. `data` stays as it is until the owner is told; `pooled` is released then."""
        task = self.free.pop()
        task.unit = unit
        task.owner = owner  # type: ignore[assignment]
        task.cookie = cookie
        task.flags = _WRITE
        task.opcode = WRITE_16
        task.cdb1 = 0x08 if fua else 0
        task.lba = lba
        task.blocks = blocks
        task.length = len(data)
        task.data = data
        task.pooled = pooled
        task.started = self.now
        task.attempts = task.timeouts = 0
        connection = self.connection
        if connection is None or self._credit <= 0 or not unit.ready or self.waiting:
            self._start(task)
            return
        unit.in_flight += 1
        self._credit -= 1
        task.sent_at = self.now
        cmd_sn = self.cmd_sn
        self.cmd_sn = (cmd_sn + 1) & _M
        connection.put_command(task, cmd_sn)

    def command(self, unit: Unit, owner: object, cookie: int, cdb: bytes, data: bytes | None = None) -> None:
        """Send another command, with data to send or without data; a slot must be free."""
        task = self.free.pop()
        task.unit = unit
        task.owner = owner  # type: ignore[assignment]
        task.cookie = cookie
        task.flags = _WRITE if data else _NEITHER
        task.opcode = OTHER
        task.cdb = cdb
        task.length = len(data) if data else 0
        task.data = data or None
        task.started = self.now
        task.attempts = task.timeouts = 0
        self._start(task)

    def scsi(self, request: ScsiRequest, finished: Callable[[ScsiResult | Problem], None]) -> None:
        """Send a scan's command, past what waits; `finished` gets the result as it is, or why there is none."""
        if not self._spare or self.connection is None:
            raise Problem("Busy")
        task = self._spare.pop()
        room = bytearray(request.read_length)
        task.unit = Unit(request.lun)
        task.owner = ScsiCall(finished, room)
        task.once = True
        task.flags = _READ if request.read_length else _WRITE if request.data else _NEITHER
        task.opcode = OTHER
        task.cdb = request.cdb
        task.length = request.read_length or len(request.data)
        task.data = request.data or None
        task.dest = memoryview(room) if room else None
        task.started = self.now
        task.attempts = task.timeouts = 0
        self.waiting.appendleft(task)
        self._pump()

    def _start(self, task: Task) -> None:
        unit = task.unit
        unit.in_flight += 1
        if unit.refused:
            self._finish(task, unit.refused)
        elif not unit.ready:
            unit.held.append(task)
        else:
            self.waiting.append(task)
            self._pump()

    def _pump(self) -> None:
        """Send what waits, as far as the window goes (4.2.2.1)."""
        waiting, connection = self.waiting, self.connection
        if connection is None or self._quiet:
            return
        while waiting and self._credit > 0:
            task = waiting.popleft()
            task.sent_at = self.now
            self._credit -= 1
            cmd_sn = self.cmd_sn
            self.cmd_sn = (cmd_sn + 1) & _M
            connection.put_command(task, cmd_sn)

    def window(self, exp_cmd_sn: int, max_cmd_sn: int) -> None:
        """Take a PDU's ExpCmdSN and MaxCmdSN: serial numbers that only move forward (4.2.2.1)."""
        if pdu.sn_lt(max_cmd_sn, pdu.sn_add(exp_cmd_sn, -1)):
            return
        if pdu.sn_lt(self._exp_cmd_sn, exp_cmd_sn):
            self._exp_cmd_sn = exp_cmd_sn
        if pdu.sn_lt(self._max_cmd_sn, max_cmd_sn):
            self._max_cmd_sn = max_cmd_sn
        self._set_credit()
        if self.waiting:
            self._pump()

    def _set_credit(self) -> None:
        self._credit = 0 if self._quiet else max(0, pdu.sn_diff(self._max_cmd_sn, self.cmd_sn) + 1)

    # -- answers (called by the connection) --------------------------------------------------------------------
    def make_room(self, task: Task) -> memoryview:
        """Give a read its place: its data does not come in one piece."""
        task.pooled = self.pool.get(task.length)
        task.dest = task.pooled.payload(task.length)
        pipe, task.pipe = task.pipe, None
        if pipe is not None:
            pipe.copy(task.dest)
        return task.dest

    def stale(self, itt: int) -> Task:
        """Return a task that takes no notice, if the tag is an aborted task's; else the target broke the rules."""
        if itt in self.upkeep.aborting.over:
            return self.nobody
        raise Problem("ProtocolError", detail="It answered something that was not asked.")

    def count(
        self, unit: Unit, started: float, now: float, reads: int, read_bytes: int, writes: int, write_bytes: int
    ) -> None:  # fmt: skip
        """Add a run of finished reads and writes to the unit's counters: same unit, started in the same round."""
        unit.in_flight -= reads + writes
        to = unit.counters
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
        counters[_IN_FLIGHT] = max(unit.in_flight, 0)

    def written(self, task: Task) -> None:
        """End a command without data from the target that went well; reads and writes were counted."""
        if task.pooled is not None:
            self._let_go(task)
        if not task.opcode:
            self._finish(task, 0)
            return
        task.data = None
        task.owner.done(task, 0)
        self.free.append(task)

    def ended(
        self, task: Task, response: int, status: int, flags: int, residual: int, text: bytes, now: float
    ) -> None:  # fmt: skip
        """End, or send again, any other task: with residuals, sense data, or a read in several pieces (11.4)."""
        if status == senses.Status.CHECK_CONDITION and not text and response == pdu.Response.COMPLETED:
            task.timeouts += 1  # it is not tried for ever
            raise Problem("ProtocolError", detail="It sent CHECK CONDITION without sense data.")  # 7.7
        received = task.got
        task.itt = ~task.itt
        if response != pdu.Response.COMPLETED:
            self._retry_later(task, "IoError", now)  # 11.4.3: status and flags mean nothing
            return
        sense = pdu.split_sense(text)[0] if text else b""
        owner = task.owner
        if isinstance(owner, ScsiCall):
            if status:
                owner.finished(ScsiResult(status, bytes(owner.room[: max(received, 0)]), sense))
                self._free(task)
            else:
                self._finish(task, 0)
            return
        if status:
            self._failed(task, status, sense, now)
            return
        short = bool(flags & (pdu.OVERFLOW | pdu.UNDERFLOW)) or (task.flags & pdu.READ and received != task.length)
        if short and task.opcode:
            self.fail(task, errno.EIO, "ScsiError", {"detail": f"residual {residual}"})
        elif task.opcode == READ_16:
            self.count(task.unit, task.started, now, 1, task.length, 0, 0)
            self._show(task)
        elif task.opcode:
            self.count(task.unit, task.started, now, 0, 0, 1, task.length)
            self._finish(task, 0, counted=True)
        else:
            self._finish(task, 0)

    def _show(self, task: Task) -> None:
        """Hand a read in `pooled`, or in the owner's own place, to its owner."""
        pooled, pipe = task.pooled, task.pipe
        if pipe is not None:
            task.pipe = None
            cast("PipeOwner", task.owner).piped(task, pipe)
            self._free(task)
            return
        if pooled is None:
            self._finish(task, 0, counted=True)
            return
        start = len(pooled.view) - pooled.size
        task.owner.read_ready(task, pooled.view, start, start + task.length)
        self._free(task, keep_data=True)

    def _failed(self, task: Task, status: int, sense: bytes, now: float) -> None:
        """Do what the table says about this status and sense data."""
        verdict = senses.classify(status, sense)
        attrs: dict[str, str | int] = {"lun": f"{task.unit.lun:016x}", "sense": str(verdict.sense)}
        if task.opcode == OTHER and verdict.event == "unsupported":
            self._finish(task, errno.EOPNOTSUPP)  # its owner knows another way
            return
        if verdict.event:
            self.report(task.unit, verdict)
        match verdict.action:
            case senses.Action.SUCCESS:
                self._succeeded_with_sense(task, now)
            case senses.Action.RETRY_NOW if task.attempts < MAX_RETRIES:
                self.again(task)
            case senses.Action.RETRY_LATER:
                self._retry_later(task, verdict.code or "IoError", now)
            case _:
                code = verdict.code or "ScsiError"
                if verdict.sense.information is not None:
                    attrs["lba"] = verdict.sense.information
                self.fail(task, ERRNO.get(code, errno.EIO), code, attrs)

    def report(self, unit: Unit, verdict: senses.Verdict) -> None:
        """Tell what a unit says, but not each time that it is busy."""
        if verdict.action is not senses.Action.RETRY_LATER:
            self.upward.event(verdict.event, {"lun": f"{unit.lun:016x}", "sense": str(verdict.sense)})
            self.upward.look_again(unit, verdict.event)

    def _succeeded_with_sense(self, task: Task, now: float) -> None:
        if task.opcode == READ_16 and task.got != task.length:
            self.fail(task, errno.EIO, "ScsiError", {"detail": "short read"})
        elif task.opcode == READ_16:
            self.count(task.unit, task.started, now, 1, task.length, 0, 0)
            self._show(task)
        else:
            self._finish(task, 0)

    def again(self, task: Task) -> None:
        """Send a task again, behind what waits."""
        task.attempts += 1
        self._count_one(task.unit, _RETRIES)
        task.off_wire()
        if task.unit.ready:
            self.waiting.append(task)
            self._pump()
        else:
            task.unit.held.append(task)

    def _retry_later(self, task: Task, code: str, now: float) -> None:
        delay = min(FIRST_DELAY * (1 << min(task.attempts, 20)), LAST_DELAY)
        if now + delay > task.started + self.command_timeout:
            self.fail(task, errno.EIO, code, {})
            return
        task.attempts += 1
        self._count_one(task.unit, _RETRIES)
        task.off_wire()
        heapq.heappush(self._later, (now + delay, next(self._order), task))

    def fail(self, task: Task, error: int, code: str, attrs: dict[str, str | int]) -> None:
        """End a task with an error that somebody may want to know about."""
        lba = task.lba if task.opcode else 0
        self.upward.event("io-error", {"code": code, "lun": f"{task.unit.lun:016x}", "lba": lba, **attrs})
        self._finish(task, error)

    def _finish(self, task: Task, error: int, *, counted: bool = False) -> None:
        """Tell the owner, and free the slot."""
        unit = task.unit
        if not counted:
            unit.in_flight -= 1
        if error:
            self._count_one(unit, _ERRORS)
        elif task.opcode == OTHER and task.cdb[0] in _COUNTED:
            self._count_one(unit, _COUNTED[task.cdb[0]])
        self._let_go(task)
        task.owner.done(task, error)
        self._free(task)

    def _let_go(self, task: Task) -> None:
        """Give a pooled buffer back; one that may still lie in the send queue is only forgotten."""
        pooled, task.pooled = task.pooled, None
        if pooled is not None and (task.data is None or self.connection is None or self.connection.out.empty):
            pooled.release()

    def _free(self, task: Task, *, keep_data: bool = False) -> None:
        if task.pooled is not None and keep_data:
            task.pooled.release()  # its owner did not take it
        task.pooled = None
        task.data = task.dest = None
        task.pieces = None
        if task.pipe is not None:
            task.drop_pipe()
        index = (task.itt if task.itt >= 0 else ~task.itt) & INDEX_MASK
        (self.free if index < self.depth else self._spare).append(task)

    def _count_one(self, unit: Unit, which: int) -> None:
        if unit.counters is not None:
            unit.counters.counters[which] += 1

    # -- time --------------------------------------------------------------------------------------------------
    def next_deadline(self) -> float | None:
        """When `on_timer` wants to be called because something is retried; beside that, once a second is enough."""
        return self._later[0][0] if self._later else None

    def on_timer(self, now: float) -> None:
        """Retry what is due, and let Upkeep look around; raises Problem("Timeout")."""
        self.now = now
        while self._later and self._later[0][0] <= now:
            task = heapq.heappop(self._later)[2]
            (self.waiting if task.unit.ready else task.unit.held).append(task)
        self._pump()
        if self.connection is not None:
            self.upkeep.on_timer(now)

    # -- connections -------------------------------------------------------------------------------------------
    def connected(self, connection: Connection, numbers: tuple[int, int, int], now: float) -> None:
        """Go on with a new connection; `numbers`: next CmdSN, ExpCmdSN, MaxCmdSN. Units wait for `unit_ready`."""
        self.connection = connection
        self.cmd_sn, self._exp_cmd_sn, self._max_cmd_sn = numbers
        self._quiet = False
        self.now = now
        self._set_credit()
        self.upkeep.alive(now)

    def lost(self) -> None:
        """The connection is gone: everything unanswered waits, in the order of its numbers; scans fail."""
        first = self.cmd_sn
        sent = [task for task in self.slots if task.itt >= 0]
        sent += [task for _, _, task in self._later]
        sent.sort(key=lambda task: pdu.sn_diff(task.cmd_sn, first))
        everything = [*sent, *self.waiting]
        self._later.clear()
        self.waiting.clear()
        self.upkeep.forget()
        self.connection = None
        self._credit = 0
        for unit in self.units.values():
            unit.ready = False
        before: dict[int, list[Task]] = {}
        for task in everything:
            task.off_wire()
            if task.flags & pdu.READ and task.pooled is not None:
                task.pooled.release()
                task.pooled = task.dest = None
            if self._must_fail(task):
                self._finish(task, errno.EIO)
            else:
                before.setdefault(id(task.unit), []).append(task)
        for unit in self.units.values():
            unit.held.extendleft(reversed(before.get(id(unit), ())))
            if unit.refused:
                self.refuse(unit, unit.refused)

    def _must_fail(self, task: Task) -> bool:
        if task.once or task.timeouts >= MAX_TIMEOUTS:
            return True
        return task.opcode == OTHER and task.cdb[0] in cdbs.NEVER_REPLAYED

    @property
    def busy(self) -> bool:
        """Whether commands are on the wire."""
        return any(task.itt >= 0 for task in self.slots)

    def quiet(self) -> None:
        """Send no more commands: a logout comes."""
        self._quiet = True
        self._credit = 0


#: What the one who asked for blocks is told; everything else is EIO.
ERRNO = {"NoSpace": errno.ENOSPC, "WriteProtected": errno.EROFS, "ReservationConflict": errno.EBADE}
