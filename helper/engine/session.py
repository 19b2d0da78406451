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
import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from crc32c import crc32c

from ..api.errors import Problem
from ..api.settings import Value
from ..api.statistics import Writer
from . import pdu
from .buffers import Buffer, Pool
from .options import number
from .outbound import COMMAND_16, DIGEST
from .outcomes import Outcomes, ScsiCall
from .scsi import cdb as cdbs
from .scsi.disk import ScsiRequest, ScsiResult
from .task import MAX_SLOTS, NO_RUN, OTHER, READ_16, TAG_MASK, TAG_STEP, WRITE_16, Task, Unit
from .upkeep import Upkeep

if TYPE_CHECKING:
    from .connection import Connection

_M, _HALF = 0xFFFFFFFF, 1 << 31
_READ = pdu.FINAL | pdu.READ | pdu.Attribute.SIMPLE
_WRITE = pdu.WRITE | pdu.Attribute.SIMPLE
_WHOLE_WRITE = _WRITE | pdu.FINAL
_NEITHER = pdu.FINAL | pdu.Attribute.SIMPLE

#: Slots for scans and the like, beside those of the queue depth.
SPARE_SLOTS = 16


class Upward(Protocol):
    """Who drives the session."""

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        """Something a person may want to know."""

    def look_again(self, unit: Unit, kind: str) -> None:
        """The unit says that something about it changed."""

    def unit_reset(self, unit: Unit) -> None:
        """All commands of the unit are over; they wait until it was looked at: `Session.unit_ready`."""

    def timer_wanted(self, when: float) -> None:
        """`Session.on_timer` has something to do then."""

    def leave(self, within: float, problem: Problem) -> None:
        """The target wants us to log out within so many seconds (11.9.1): do, and come back."""


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
        self.spare = [Task(i) for i in range(depth, depth + SPARE_SLOTS)]
        self.slots = [*self.free, *self.spare]
        self.tasks = [*self.slots, *([self.nobody] * (MAX_SLOTS - len(self.slots)))]
        #: Commands that wait for the target's window.
        self.waiting: deque[Task] = deque()
        self.cmd_sn = 0
        self._exp_cmd_sn = 0
        self._max_cmd_sn = 0
        #: How many more commands the target takes now.
        self.credit = 0
        self._quiet = False  # no new commands: a logout is on its way
        self._full = False  # no new commands: too much waits to be sent
        #: How much may wait to be sent.
        self.most_unsent = number(settings, "memory_limit")
        #: How many commands may be on the wire, after the target said that it had too many; 0: as many as it takes.
        self.limit = 0
        self._limited_at = 0.0
        #: Between two changes of the limit.
        self._limit_step = number(settings, "queue_full_delay")
        self.command_timeout = number(settings, "command_timeout")
        #: How often a command may time out, over all connections, before it fails.
        self.most_timeouts = number(settings, "command_timeouts")
        self.upkeep = Upkeep(self, settings)
        self.outcomes = Outcomes(self, settings)

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
        self.pump()

    def refuse(self, unit: Unit, error: int) -> None:
        """Answer what waits for the unit, and what will be asked, with an errno."""
        unit.refused = error
        held, unit.held = unit.held, deque()
        for task in held:
            self.outcomes.finish(task, error)

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
        task.run = NO_RUN
        connection = self.connection
        if connection is None or self.credit <= 0 or not unit.ready or self.waiting or not connection.plain:
            self._start(task)
            return
        # What Connection.put_command does, without the call: it is a fifth of what a small read costs.
        unit.in_flight += 1
        self.credit -= 1
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
        task.run = NO_RUN
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
        task.run = NO_RUN
        connection = self.connection
        if connection is None or self.credit <= 0 or not unit.ready or self.waiting:
            self._start(task)
            return
        unit.in_flight += 1
        self.credit -= 1
        task.sent_at = self.now
        cmd_sn = self.cmd_sn
        self.cmd_sn = (cmd_sn + 1) & _M
        length = task.length
        if length > connection.whole or length & 3:
            connection.put_command(task, cmd_sn)
            return
        # The same without the calls, for what goes with the command as it is.
        task.cmd_sn = cmd_sn
        task.got, task.r2t_sn, task.solicited = -1, 0, length
        task.itt = itt = (~task.itt + TAG_STEP) & TAG_MASK
        out = connection.out
        at = out.at
        if at + 64 > len(out.headers):
            out.reserve(64)
            at = out.at
        COMMAND_16.pack_into(
            out.headers, at, 1, _WHOLE_WRITE, 0, length, unit.lun, itt, length, cmd_sn, connection.exp_stat_sn,
            WRITE_16, task.cdb1, lba, blocks, 0, 0,
        )  # fmt: skip
        at += 48
        if connection.header_digest:
            DIGEST.pack_into(out.headers, at, crc32c(out.view[at - 48 : at]))
            at += 4
        out.at = at
        out.add(data)
        if connection.data_digest:
            DIGEST.pack_into(out.headers, at, crc32c(data))
            out.at = at + 4
        connection.pdus_sent += 1

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
        task.run = NO_RUN
        self._start(task)

    def scsi(self, request: ScsiRequest, finished: Callable[[ScsiResult | Problem], None]) -> None:
        """Send a scan's command, past what waits; `finished` gets the result as it is, or why there is none."""
        if not self.spare or self.connection is None:
            raise Problem("Busy")
        task = self.spare.pop()
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
        task.run = NO_RUN
        self.waiting.appendleft(task)
        self.pump()

    def _start(self, task: Task) -> None:
        unit = task.unit
        unit.in_flight += 1
        if unit.refused:
            self.outcomes.finish(task, unit.refused)
        elif not unit.ready:
            unit.held.append(task)
        else:
            self.waiting.append(task)
            self.pump()

    def pump(self) -> None:
        """Send what waits, as far as the window goes (4.2.2.1)."""
        waiting, connection = self.waiting, self.connection
        if connection is None or self._quiet:
            return
        while waiting and self.credit > 0:
            task = waiting.popleft()
            task.sent_at = self.now
            self.credit -= 1
            cmd_sn = self.cmd_sn
            self.cmd_sn = (cmd_sn + 1) & _M
            connection.put_command(task, cmd_sn)

    def window(self, exp_cmd_sn: int, max_cmd_sn: int) -> None:
        """Take a PDU's ExpCmdSN and MaxCmdSN: serial numbers that only move forward (4.2.2.1)."""
        if exp_cmd_sn == self._exp_cmd_sn and max_cmd_sn == self._max_cmd_sn and not self.limit:
            return
        # pdu.sn_lt and sn_add without the calls: this is done once for each receive.
        if (max_cmd_sn - exp_cmd_sn + 1) & _M > _HALF:
            return
        if 0 < (exp_cmd_sn - self._exp_cmd_sn) & _M < _HALF:
            self._exp_cmd_sn = exp_cmd_sn
        if 0 < (max_cmd_sn - self._max_cmd_sn) & _M < _HALF:
            self._max_cmd_sn = max_cmd_sn
        self._set_credit()
        if self.waiting:
            self.pump()

    @property
    def last_window(self) -> tuple[int, int]:
        """ExpCmdSN and MaxCmdSN as they stand."""
        return self._exp_cmd_sn, self._max_cmd_sn

    def _set_credit(self) -> None:
        credit = 0 if self._quiet or self._full else pdu.sn_diff(self._max_cmd_sn, self.cmd_sn) + 1
        if self.limit:
            credit = min(credit, self.limit - self._on_wire)
        self.credit = max(0, credit)

    @property
    def _on_wire(self) -> int:
        return sum(task.itt >= 0 for task in self.slots)

    # -- a full queue (SAM-5, 5.3.1) ---------------------------------------------------------------------------
    def too_many(self, unit: Unit, now: float) -> None:
        """TASK SET FULL: half as many commands at once from now on; more of it soon after is the same."""
        if self.limit and now < self._limited_at + self._limit_step:
            return
        told, self.limit = self.limit, max(1, self._on_wire // 2)
        self._limited_at = now
        self._set_credit()
        if not told:
            self.upward.event("queue-full", {"lun": f"{unit.lun:016x}", "commands": self.limit})

    def _try_more(self, now: float) -> None:
        """One more command at once for each `queue_full_delay` in which the target did not complain."""
        if self.limit and now >= self._limited_at + self._limit_step:
            self.limit = self.limit + 1 if self.limit < self.depth else 0
            self._limited_at = now
            self._set_credit()

    # -- answers (called by the connection) --------------------------------------------------------------------
    def make_room(self, task: Task) -> memoryview:
        """Give a read its place: its data does not come in one piece."""
        task.run = NO_RUN
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

    # -- time --------------------------------------------------------------------------------------------------
    def next_deadline(self) -> float | None:
        """When `on_timer` wants to be called because something is retried (Upward.timer_wanted tells when that is new);
        beside that, once a second is enough.
        """
        return self.outcomes.next_deadline()

    @property
    def idle(self) -> bool:
        """No command is on its way, waits or is to be retried."""
        return self.unused and self.upkeep.idle

    @property
    def unused(self) -> bool:
        """Every slot is free."""
        return len(self.free) + len(self.spare) == len(self.slots)

    def on_timer(self, now: float) -> None:
        """Retry what is due, and let Upkeep look around; raises Problem("Timeout")."""
        self.now = now
        for task in self.outcomes.due(now):
            (self.waiting if task.unit.ready else task.unit.held).append(task)
        self._try_more(now)
        self.pump()
        for unit in self.units.values():  # of what hangs, nothing else tells
            unit.count_in_flight()
        if self.connection is not None:
            self.upkeep.on_timer(now)

    # -- connections -------------------------------------------------------------------------------------------
    def connected(self, connection: Connection, numbers: tuple[int, int, int], now: float) -> None:
        """Go on with a new connection; `numbers`: next CmdSN, ExpCmdSN, MaxCmdSN. Units wait for `unit_ready`."""
        self.connection = connection
        self.cmd_sn, self._exp_cmd_sn, self._max_cmd_sn = numbers
        self._quiet = self._full = False
        self.limit = 0
        self.now = now
        self._set_credit()
        self.upkeep.alive(now)

    def lost(self) -> None:
        """The connection is gone: everything unanswered waits, in the order of its numbers; scans fail."""
        first = self.cmd_sn
        sent = [task for task in self.slots if task.itt >= 0]
        sent += self.outcomes.due(math.inf)
        sent.sort(key=lambda task: pdu.sn_diff(task.cmd_sn, first))
        everything = [*sent, *self.waiting]
        self.waiting.clear()
        self.upkeep.forget()
        self.connection = None
        self.credit = 0
        for unit in self.units.values():
            unit.ready = False
        before: dict[int, list[Task]] = {}
        for task in everything:
            task.off_wire()
            if task.flags & pdu.READ and task.pooled is not None:
                task.pooled.release()
                task.pooled = task.dest = None
            if self._must_fail(task):
                self.outcomes.finish(task, errno.EIO)
            else:
                before.setdefault(id(task.unit), []).append(task)
        for unit in self.units.values():
            unit.held.extendleft(reversed(before.get(id(unit), ())))
            if unit.refused:
                self.refuse(unit, unit.refused)

    def _must_fail(self, task: Task) -> bool:
        if task.once or task.timeouts >= self.most_timeouts:
            return True
        return task.opcode == OTHER and task.cdb[0] in cdbs.NEVER_REPLAYED

    def unsent(self, waiting: int) -> None:
        """So many bytes wait to be sent. A target may answer what it has not taken, which frees slots and memory of
        fronts but not the queue: no new commands while it is full.
        """
        full = waiting > self.most_unsent
        if full is not self._full:
            self._full = full
            self._set_credit()
            self.pump()

    @property
    def sending(self) -> bool:
        """Whether something waits to be sent: memory that was written from may lie in the queue, answered or not."""
        return self.connection is not None and not self.connection.out.empty

    @property
    def busy(self) -> bool:
        """Whether commands are on the wire."""
        return any(task.itt >= 0 for task in self.slots)

    def quiet(self) -> None:
        """Send no more commands: a logout comes."""
        self._quiet = True
        self.credit = 0
