# SPDX-License-Identifier: Apache-2.0
"""What becomes of a command that was answered: it ends well or badly, or is sent again, now or later (RFC 7143, 11.4).

No socket and no clock, as in session.py. What the connection's hot loop can end by itself never comes here.
"""

from __future__ import annotations

import errno
import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from ..api.errors import Problem
from ..api.settings import Value
from ..api.statistics import DISK
from . import pdu
from .options import number
from .scsi import sense as senses
from .scsi.disk import ScsiResult
from .task import INDEX_MASK, OTHER, READ_16, Task, Unit

if TYPE_CHECKING:
    from .session import Session
    from .task import Owner, PipeOwner

_FLUSHES, _DISCARDS, _ERRORS, _RETRIES = (DISK.index(name) for name in ("flushes", "discards", "errors", "retries"))
_COUNTED = {0x35: _FLUSHES, 0x91: _FLUSHES, 0x42: _DISCARDS, 0x93: _DISCARDS}
#: What the one who asked for blocks is told; everything else is EIO.
ERRNO = {"NoSpace": errno.ENOSPC, "WriteProtected": errno.EROFS, "ReservationConflict": errno.EBADE}


class ScsiCall:
    """Owner of one command whose result is wanted as it is: scans. Not retried, not replayed."""

    def __init__(self, finished: Callable[[ScsiResult | Problem], None], room: bytearray) -> None:
        self.finished = finished
        self.room = room

    def read_ready(self, task: Task, view: memoryview, start: int, end: int) -> None:
        """Never called: its reads have a place of their own."""

    def reads_ready(self, tasks: list[Task], view: memoryview, starts: Sequence[int]) -> None:
        """Never called, as `read_ready`."""

    def done(self, task: Task, error: int) -> None:
        """It ended well, or the session did."""
        if error:
            self.finished(Problem("ConnectionLost", address=""))
        else:
            self.finished(ScsiResult(0, bytes(self.room[: max(task.got, 0)])))

    def writes_done(self, tasks: list[Task]) -> None:
        """Never called: what it sends is no WRITE of a front."""


class Outcomes:
    """Ends commands, or has them sent again; the other half of a Session as far as answers go."""

    def __init__(self, session: Session, settings: Mapping[str, Value]) -> None:
        self._session = session
        # How often a command is sent again at once (unit attention, aborted command) before it fails.
        self._most_retries = number(settings, "command_retries")
        # Back-off of busy units: seconds, doubled each time.
        self._first_delay = number(settings, "busy_first_delay") / 1000
        self._last_delay = number(settings, "busy_last_delay")
        #: What is retried later: (when, order, task).
        self._later: list[tuple[float, int, Task]] = []
        self._order = itertools.count()

    def next_deadline(self) -> float | None:
        """When something is to be retried."""
        return self._later[0][0] if self._later else None

    def due(self, now: float) -> list[Task]:
        """Take what is to be retried by `now`."""
        found = []
        while self._later and self._later[0][0] <= now:
            found.append(heapq.heappop(self._later)[2])
        return found

    def written(self, owner: Owner, tasks: list[Task]) -> None:
        """End writes of one owner that went well and were counted."""
        for task in tasks:
            if task.pooled is not None:
                self._let_go(task)
            task.data = None
        owner.writes_done(tasks)
        self._session.free.extend(tasks)

    def ended(
        self, task: Task, response: int, status: int, flags: int, residual: int, text: bytes, now: float
    ) -> None:  # fmt: skip
        """End, or send again, any other task: with residuals, sense data, or a read in several pieces (11.4)."""
        sense = self._sense(task, response, status, text)
        received = task.got
        task.itt = ~task.itt
        if response != pdu.Response.COMPLETED:
            self._retry_later(task, "IoError", now)  # 11.4.3: status and flags mean nothing
            return
        owner = task.owner
        if isinstance(owner, ScsiCall):
            if status:
                owner.finished(ScsiResult(status, bytes(owner.room[: max(received, 0)]), sense))
                self._free(task)
            else:
                self.finish(task, 0)
            return
        if status:
            self._failed(task, status, sense, now)
            return
        short = bool(flags & (pdu.OVERFLOW | pdu.UNDERFLOW)) or (task.flags & pdu.READ and received != task.length)
        if short and task.opcode:
            self.fail(task, errno.EIO, "ScsiError", {"detail": f"residual {residual}"})
        elif task.opcode == READ_16:
            task.unit.count(task.started, now, 1, task.length, 0, 0)
            self._show(task)
        elif task.opcode:
            task.unit.count(task.started, now, 0, 0, 1, task.length)
            self.finish(task, 0, counted=True)
        else:
            self.finish(task, 0)

    @staticmethod
    def _sense(task: Task, response: int, status: int, text: bytes) -> bytes:
        """Return the sense data. An answer that breaks the format (7.7) leaves the task its tag: it is asked again, but
        not for ever.
        """
        try:
            return _read_sense(response, status, text)
        except Problem:
            task.timeouts += 1
            raise

    def _show(self, task: Task) -> None:
        """Hand a read in `pooled`, or in the owner's own place, to its owner."""
        pooled, pipe = task.pooled, task.pipe
        if pipe is not None:
            task.pipe = None
            cast("PipeOwner", task.owner).piped(task, pipe)
            self._free(task)
            return
        if pooled is None:
            self.finish(task, 0, counted=True)
            return
        start = len(pooled.view) - pooled.size
        task.owner.read_ready(task, pooled.view, start, start + task.length)
        self._free(task, keep_data=True)

    def _failed(self, task: Task, status: int, sense: bytes, now: float) -> None:
        """Do what the table says about this status and sense data."""
        verdict = senses.classify(status, sense)
        attrs: dict[str, str | int] = {"lun": f"{task.unit.lun:016x}", "sense": str(verdict.sense)}
        if task.opcode == OTHER and verdict.event == "unsupported":
            self.finish(task, errno.EOPNOTSUPP)  # its owner knows another way
            return
        if verdict.event:
            self.report(task.unit, verdict)
        if status == senses.Status.TASK_SET_FULL:
            self._session.too_many(task.unit, now)
        match verdict.action:
            case senses.Action.SUCCESS:
                self._succeeded_with_sense(task, now)
            case senses.Action.RETRY_NOW if task.attempts < self._most_retries:
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
            self._session.upward.event(verdict.event, {"lun": f"{unit.lun:016x}", "sense": str(verdict.sense)})
            self._session.upward.look_again(unit, verdict.event)

    def _succeeded_with_sense(self, task: Task, now: float) -> None:
        if task.opcode == READ_16 and task.got != task.length:
            self.fail(task, errno.EIO, "ScsiError", {"detail": "short read"})
        elif task.opcode == READ_16:
            task.unit.count(task.started, now, 1, task.length, 0, 0)
            self._show(task)
        else:
            self.finish(task, 0)

    def again(self, task: Task) -> None:
        """Send a task again, behind what waits."""
        task.attempts += 1
        self._count_one(task.unit, _RETRIES)
        task.off_wire()
        if task.unit.ready:
            self._session.waiting.append(task)
            self._session.pump()
        else:
            task.unit.held.append(task)

    def _retry_later(self, task: Task, code: str, now: float) -> None:
        delay = min(self._first_delay * (1 << min(task.attempts, 20)), self._last_delay)
        if now + delay > task.started + self._session.command_timeout:
            self.fail(task, errno.EIO, code, {})
            return
        task.attempts += 1
        self._count_one(task.unit, _RETRIES)
        task.off_wire()
        heapq.heappush(self._later, (now + delay, next(self._order), task))
        self._session.upward.timer_wanted(now + delay)

    def fail(self, task: Task, error: int, code: str, attrs: dict[str, str | int]) -> None:
        """End a task with an error that somebody may want to know about."""
        lba = task.lba if task.opcode else 0
        self._session.upward.event("io-error", {"code": code, "lun": f"{task.unit.lun:016x}", "lba": lba, **attrs})
        self.finish(task, error)

    def finish(self, task: Task, error: int, *, counted: bool = False) -> None:
        """Tell the owner, and free the slot."""
        unit = task.unit
        if not counted:
            unit.in_flight -= 1
            unit.count_in_flight()
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
        if pooled is not None and (task.data is None or not self._session.sending):
            pooled.release()

    def _free(self, task: Task, *, keep_data: bool = False) -> None:
        if task.pooled is not None and keep_data:
            task.pooled.release()  # its owner did not take it
        task.pooled = None
        task.data = task.dest = None
        task.pieces = None
        if task.pipe is not None:
            task.drop_pipe()
        session = self._session
        index = (task.itt if task.itt >= 0 else ~task.itt) & INDEX_MASK
        (session.free if index < session.depth else session.spare).append(task)

    def _count_one(self, unit: Unit, which: int) -> None:
        if unit.counters is not None:
            unit.counters.counters[which] += 1


def _read_sense(response: int, status: int, text: bytes) -> bytes:
    """11.4.3, 11.4.7. Raises Problem("ProtocolError")."""
    if pdu.Response.TARGET_FAILURE < response < pdu.Response.VENDOR:
        raise Problem("ProtocolError", detail=f"It sent the reserved response code {response:#04x} (11).")
    if response != pdu.Response.COMPLETED:
        return b""
    if status == senses.Status.CHECK_CONDITION and not text:
        raise Problem("ProtocolError", detail="It sent CHECK CONDITION without sense data (7.7).")
    return pdu.split_sense(text)[0]
