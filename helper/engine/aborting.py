# SPDX-License-Identifier: Apache-2.0
"""Commands that take too long (RFC 7143, 7.11): ABORT TASK, then LOGICAL UNIT RESET, then the session is recovered.

    command_timeout              ABORT TASK        complete: the command is sent again, or has failed often enough
    refused, or no answer        LOGICAL UNIT RESET        complete: every command of the unit is over, and sent again
    refused, or no answer        Problem("Timeout"): session recovery

Refused is a request by its answer and by a Reject alike; one that is rejected because there are too many immediate
commands (11.17.1) is sent once more with each look around, for as long as its answer may take.

An ABORT TASK that is answered "task does not exist" or "LUN does not exist" leads to session recovery at once: there is
nothing that a reset could end, and an answer is missing.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..api.errors import Problem
from ..api.settings import Value
from . import pdu
from .options import number
from .task import Task

if TYPE_CHECKING:
    from .session import Session

#: How many tags of commands that are over are remembered.
_REMEMBERED = 2048
#: Answers to ABORT TASK (11.6.1) that a LOGICAL UNIT RESET can do nothing about.
_NOT_THERE = frozenset({pdu.FunctionResponse.NO_TASK, pdu.FunctionResponse.NO_LUN})

Make = Callable[[int, int, int], bytes]
Ask = Callable[[Callable[[pdu.AnyResponse, bytes], None], Make], None]


@dataclass(slots=True)
class _Abort:
    """An ABORT TASK without an answer yet."""

    task: Task
    itt: int
    deadline: float
    again: bool = False


@dataclass(slots=True)
class _Reset:
    """A LOGICAL UNIT RESET without an answer yet; commands below `cmd_sn` are its."""

    cmd_sn: int
    deadline: float
    again: bool = False


class Aborting:
    """Looks at the tasks of one session; `ask` queues a request and hands the answer back."""

    def __init__(self, session: Session, settings: Mapping[str, Value], ask: Ask) -> None:
        self._session = session
        command_timeout = number(settings, "command_timeout")
        self._abort_timeout = min(number(settings, "abort_timeout"), command_timeout)
        self._reset_timeout = min(number(settings, "reset_timeout"), command_timeout)
        self._ask = ask
        self._aborts: dict[int, _Abort] = {}  # by the task's tag
        self._resets: dict[int, _Reset] = {}  # by the LUN
        #: Tags of tasks that task management ended lately: what still comes for them is ignored (4.2.3.3).
        self.over: deque[int] = deque(maxlen=_REMEMBERED)
        self._now = 0.0

    def forget(self) -> None:
        """The connection is gone, and with it everything that was asked on it."""
        self._aborts.clear()
        self._resets.clear()
        self.over.clear()

    def on_timer(self, now: float) -> None:
        """Abort what takes too long, and escalate what was not answered; raises Problem("Timeout")."""
        self._now = now
        for abort in list(self._aborts.values()):
            if abort.task.itt != abort.itt:
                del self._aborts[abort.itt]  # answered after all
            elif now >= abort.deadline:
                self._reset(abort.task.unit.lun)
            elif abort.again:
                self._ask_abort(abort)
        for lun, reset in list(self._resets.items()):
            if now >= reset.deadline:
                raise Problem("Timeout", what="abort", seconds=self._reset_timeout)
            if reset.again:
                self._ask_reset(lun, reset.deadline)
        if self._session.unused:
            return
        late = now - self._session.command_timeout
        for task in self._session.slots:
            if task.itt >= 0 and task.started < late and task.sent_at < late and task.itt not in self._aborts:
                self._late(task)

    @property
    def busy(self) -> bool:
        """Something is being aborted or reset."""
        return bool(self._aborts or self._resets)

    def _timeout(self) -> Problem:
        return Problem("Timeout", what="command", seconds=self._session.command_timeout)

    # -- one command -------------------------------------------------------------------------------------------
    def _late(self, task: Task) -> None:
        lun = task.unit.lun
        if lun in self._resets:
            return
        task.timeouts += 1
        self._session.upward.event("command-timeout", {"lun": f"{lun:016x}", "seconds": self._session.command_timeout})
        abort = self._aborts[task.itt] = _Abort(task, task.itt, self._now + self._abort_timeout)
        self._ask_abort(abort)

    def _ask_abort(self, abort: _Abort) -> None:
        abort.again = False
        itt, lun, ref_cmd_sn = abort.itt, abort.task.unit.lun, abort.task.cmd_sn

        def make(tag: int, cmd_sn: int, exp_stat_sn: int) -> bytes:
            return pdu.task_management(
                pdu.Function.ABORT_TASK, lun=lun, itt=tag, referenced=itt, cmd_sn=cmd_sn, ref_cmd_sn=ref_cmd_sn,
                exp_stat_sn=exp_stat_sn,
            )  # fmt: skip

        self._ask(lambda message, _data: self._abort_answered(itt, message), make)

    def _abort_answered(self, itt: int, message: pdu.AnyResponse) -> None:
        """11.6.1. Anything but "complete" leaves the task's fate open."""
        abort = self._aborts.get(itt)
        if abort is None or abort.task.itt != itt:
            return  # its own answer came first, or a reset
        response = _response(message)
        if response in _NOT_THERE:
            raise self._timeout()
        if response == pdu.FunctionResponse.COMPLETE:
            if self._conclude(abort.task):
                self._session.outcomes.again(abort.task)
        elif _too_many(message):
            abort.again = True
        else:
            self._reset(abort.task.unit.lun)

    def _conclude(self, task: Task) -> bool:
        """The target is done with this task; returns whether it is to be sent again."""
        self._aborts.pop(task.itt, None)
        self.over.append(task.itt)
        task.off_wire()
        if task.timeouts < self._session.most_timeouts and not task.once:
            return True
        self._session.outcomes.fail(
            task, errno.EIO, "Timeout", {"what": "command", "seconds": self._session.command_timeout}
        )
        return False

    # -- all of a unit -----------------------------------------------------------------------------------------
    def _reset(self, lun: int) -> None:
        """11.5.1. Until the answer no new command goes to the unit; R2Ts are responded to as always (4.2.3.3)."""
        for abort in self._aborts.values():
            if abort.task.unit.lun == lun:
                abort.deadline, abort.again = float("inf"), False
        if lun in self._resets:
            return
        self._session.hold(lun)
        self._session.upward.event("unit-reset", {"lun": f"{lun:016x}"})
        self._ask_reset(lun, self._now + self._reset_timeout)

    def _ask_reset(self, lun: int, deadline: float) -> None:
        def make(tag: int, cmd_sn: int, exp_stat_sn: int) -> bytes:
            self._resets[lun] = _Reset(cmd_sn, deadline)
            return pdu.task_management(
                pdu.Function.LOGICAL_UNIT_RESET, lun=lun, itt=tag, cmd_sn=cmd_sn, exp_stat_sn=exp_stat_sn
            )

        self._ask(lambda message, _data: self._reset_answered(lun, message), make)

    def _reset_answered(self, lun: int, message: pdu.AnyResponse) -> None:
        """Everything that was sent to the unit before is over, in the order of its numbers (4.2.3.2, 4.2.3.3)."""
        reset = self._resets.get(lun)
        if reset is None:
            return
        if _too_many(message):
            reset.again = True
            return
        del self._resets[lun]
        if _response(message) != pdu.FunctionResponse.COMPLETE:
            raise self._timeout()
        before = [
            task
            for task in self._session.slots
            if task.itt >= 0 and task.unit.lun == lun and pdu.sn_lt(task.cmd_sn, reset.cmd_sn)
        ]
        before.sort(key=lambda task: pdu.sn_diff(task.cmd_sn, reset.cmd_sn))
        again = [task for task in before if self._conclude(task)]
        self._session.after_reset(lun, again)


def _response(message: pdu.AnyResponse) -> int:
    """Return the answer to a task management request; another message is none."""
    return message.response if isinstance(message, pdu.TaskManagementResponse) else pdu.FunctionResponse.REJECTED


def _too_many(message: pdu.AnyResponse) -> bool:
    """Whether a request may be sent again as it is (11.17.1)."""
    return isinstance(message, pdu.Reject) and message.reason == pdu.RejectReason.IMMEDIATE
