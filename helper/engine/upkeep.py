# SPDX-License-Identifier: Apache-2.0
"""What keeps a session in order beside its commands: pings, logout, what the target says unasked.

No socket and no clock, as in session.py, whose other half it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..api.errors import Problem
from ..api.settings import Value
from . import pdu
from .aborting import Aborting
from .options import number
from .scsi import sense as senses
from .task import INDEX_MASK, TAG_LIMIT, Unit

if TYPE_CHECKING:
    from .connection import Connection
    from .session import Session

_LATER = 0.05

Answered = Callable[[pdu.AnyResponse, bytes], None]

#: As many answers to a target's pings may wait to be sent.
MAX_ANSWERS = 1024
#: Behind the number of a ping: every bit once 0 and once 1, so that a stuck one shows.
_PING_PATTERN = b"\x55\xaa\x00\xff\x33\xcc\x0f\xf0"


class TargetDrops(Problem):
    """The target says that it drops the connection (11.9.1, events 2 and 3): come back after `time2wait` seconds."""

    def __init__(self, time2wait: int) -> None:
        super().__init__("ConnectionLost", address="")
        self.time2wait = time2wait


class Upkeep:
    """Requests with tags above TAG_LIMIT, and the target's own messages, of one session."""

    def __init__(self, session: Session, settings: Mapping[str, Value]) -> None:
        self._session = session
        self._ping_interval = number(settings, "ping_interval")
        self._ping_timeout = number(settings, "ping_timeout")
        self._tags = itertools.count()
        self._pings = itertools.count(1)
        self._asked: dict[int, Answered] = {}
        self.aborting = Aborting(session, settings, self._ask)
        self._ping_sent = 0.0
        self._last_life = 0.0
        self._leaving = False  # a Logout Request was sent
        # The CmdSN that the first of the waiting commands will have, and since when it has waited with it.
        self._stuck_at = -1
        self._stuck_since = 0.0

    def forget(self) -> None:
        """The connection is gone, and with it everything that was asked on it."""
        self._stuck_at = -1
        self._leaving = False
        self._asked.clear()
        self.aborting.forget()

    def on_timer(self, now: float) -> None:
        """Abort what takes too long, ask an idle target for a sign of life; raises Problem("Timeout").

        Nothing of it behind a Logout Request (11.14): who sent that has a time limit for it.
        """
        if self._leaving:
            return
        self.aborting.on_timer(now)
        self._check_window(now)
        self._check_life(now)

    @property
    def idle(self) -> bool:
        """Nothing is asked of the target but, perhaps, a sign of life."""
        return len(self._asked) <= bool(self._ping_sent) and not self.aborting.busy

    def peace(self, now: float) -> float:
        """Return for how many seconds an idle session needs no look."""
        if not self._ping_interval:
            return float("inf")
        if self._ping_sent:
            too_late = max(self._ping_sent, self._last_life) + self._ping_timeout
            # answered at once, as a rule: a little later, and the next look finds the next ping due
            return min(max(too_late - now, 0.001), self._ping_interval + _LATER)
        return max(self._last_life + self._ping_interval - now, 0.001)

    def rare(self, message: pdu.AnyResponse, data: bytes) -> None:
        """Take any PDU but Data-In, SCSI Response and R2T."""
        connection = self._session.connection
        if connection is None:
            return
        match message:
            case pdu.NopIn(itt=itt, ttt=ttt) if pdu.NO_TAG not in (itt, ttt):  # 7.7
                raise Problem("ProtocolError", detail="It asked for a sign of life and answered one at once.")
            case pdu.NopIn(ttt=ttt) if ttt != pdu.NO_TAG:  # 11.18: the target asks for a sign of life
                header = pdu.nop_out(
                    ttt=ttt,
                    lun=message.lun,
                    cmd_sn=self._session.cmd_sn,
                    exp_stat_sn=connection.exp_stat_sn,
                    data_length=0,
                )
                self._answer(connection, header)
            case pdu.NopIn(itt=pdu.NO_TAG):
                pass  # informational: the window was taken
            case pdu.NopIn() | pdu.TaskManagementResponse() | pdu.LogoutResponse():
                connection.note_status(message.stat_sn)
                asked = self._asked.pop(message.itt, None)
                if asked is None:
                    self._session.stale(message.itt)
                else:
                    asked(message, data)
            case pdu.AsyncMessage():
                connection.note_status(message.stat_sn)
                self._async_message(message, data)
            case pdu.Reject():
                connection.note_status(message.stat_sn)
                self._rejected(message, data)
            case _:
                raise Problem("ProtocolError", detail=f"It sent a message of kind {message.opcode:#04x} unasked.")

    def _answer(self, connection: Connection, header: bytes) -> None:
        """Queue an answer to a ping; a target that pings and does not take the answers is not answered without end."""
        if connection.answers.add(1) > MAX_ANSWERS:
            raise Problem("ProtocolError", detail="It asks for signs of life, and does not take them.")
        connection.put(header)

    def _async_message(self, message: pdu.AsyncMessage, data: bytes) -> None:
        """11.9.1."""
        wait, code = message.parameter2, message.event
        match code:
            case pdu.AsyncEvent.SCSI:
                verdict = senses.classify(senses.Status.CHECK_CONDITION, pdu.split_sense(data)[0])
                if verdict.event:
                    self._session.outcomes.report(self._session.units.get(message.lun) or Unit(message.lun), verdict)
            case pdu.AsyncEvent.LOGOUT_REQUEST | pdu.AsyncEvent.NEGOTIATION_REQUEST:
                self._session.upward.leave(message.parameter3, Problem("ConnectionLost", address=""))
            case pdu.AsyncEvent.CONNECTION_DROP | pdu.AsyncEvent.SESSION_DROP:
                raise TargetDrops(wait)
            case _:
                self._session.upward.event("async-message", {"event": code, "vendor-code": message.vendor_code})

    def _rejected(self, message: pdu.Reject, data: bytes) -> None:
        """11.17, 7.3. A rejected command leaves a gap, which a new session plugs; what keeps being refused fails."""
        opcode = data[0] & pdu.OPCODE_MASK if data else -1
        itt = int.from_bytes(data[16:20], "big") if len(data) >= 20 else pdu.NO_TAG
        if opcode in (pdu.Opcode.NOP_OUT, pdu.Opcode.SNACK):
            self._asked.pop(itt, None)
            return
        if opcode == pdu.Opcode.DATA_OUT:
            return  # 7.3: a response, or another R2T, tells what becomes of the task
        asked = self._asked.get(itt) if opcode == pdu.Opcode.TASK_MANAGEMENT else None
        if asked is not None:
            del self._asked[itt]
            asked(message, data)
            return
        task = self._session.tasks[itt & INDEX_MASK]
        if itt < TAG_LIMIT and task.itt == itt:
            task.timeouts += 1
        raise Problem(
            "ProtocolError", detail=f"It rejected a message of kind {opcode:#04x}, reason {message.reason:#04x}."
        )

    def alive(self, now: float) -> None:
        """Something was received, or the target took something that had been waiting to be sent."""
        self._last_life = now
        self._ping_sent = 0.0

    def _check_life(self, now: float) -> None:
        if not self._ping_interval:
            return
        if self._ping_sent:
            if now - max(self._ping_sent, self._last_life) >= self._ping_timeout:
                raise Problem("Timeout", what="ping", seconds=self._ping_timeout)
        elif now - self._last_life >= self._ping_interval:
            self._ping_sent = now
            self._ping()

    def _ping(self) -> None:
        """11.18: ping data, another each time, which the answer has to bring back."""
        data = next(self._pings).to_bytes(8, "big") + _PING_PATTERN

        def make(tag: int, cmd_sn: int, exp_stat_sn: int) -> bytes:
            return pdu.nop_out(itt=tag, cmd_sn=cmd_sn, exp_stat_sn=exp_stat_sn, data_length=len(data))

        def answered(_message: pdu.AnyResponse, returned: bytes) -> None:
            if not data.startswith(returned):  # 11.19; none at all is let pass: there are targets that do that
                raise Problem("ProtocolError", detail="It answered a sign of life with other data.")

        self._ask(answered, make, data)

    def _ask(self, answered: Answered, make: Callable[[int, int, int], bytes], data: bytes = b"") -> None:
        connection = self._session.connection
        if connection is None:
            return
        tag = TAG_LIMIT | (next(self._tags) & (TAG_LIMIT - 1))
        self._asked[tag] = answered
        connection.put(make(tag, self._session.cmd_sn, connection.exp_stat_sn), data)

    def _check_window(self, now: float) -> None:
        """A window that stays shut (4.2.2.1) keeps commands from being sent, so that there is nothing to abort. What
        waits because of `Session.limit` waits for commands on the wire, which have their own time.
        """
        session = self._session
        if not session.waiting or session.limit or session.cmd_sn != self._stuck_at:
            self._stuck_at, self._stuck_since = session.cmd_sn if session.waiting else -1, now
        elif now - self._stuck_since >= session.command_timeout:
            lun = f"{session.waiting[0].unit.lun:016x}"
            session.upward.event("command-timeout", {"lun": lun, "seconds": session.command_timeout})
            raise Problem("Timeout", what="command", seconds=session.command_timeout)

    def log_out(self, answered: Callable[[pdu.LogoutResponse], None]) -> None:
        """Queue a Logout Request that closes the session (11.14)."""
        self._session.quiet()
        self._leaving = True

        def make(tag: int, cmd_sn: int, exp_stat_sn: int) -> bytes:
            return pdu.logout_request(pdu.LogoutReason.CLOSE_SESSION, itt=tag, cmd_sn=cmd_sn, exp_stat_sn=exp_stat_sn)

        self._ask(lambda message, _data: answered(message) if isinstance(message, pdu.LogoutResponse) else None, make)
