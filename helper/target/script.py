# SPDX-License-Identifier: Apache-2.0
"""Misbehaviour on purpose: a `Script` is asked at each step and may do anything else instead.

    rules = Rules()
    rules.when_sending(Op.DATA_IN, lambda pdu: [], nth=3)                    # the third Data-In is lost
    rules.when_sending(Op.SCSI_RESPONSE, lambda pdu: [pdu, pdu])             # every response comes twice
    rules.when_sending(Op.DATA_IN, lambda pdu: [Send(pdu, bad_data=True)], nth=1)
    rules.when_sending(Op.R2T, lambda pdu: [Close(reset=True)], nth=2)
    server = Server(config, script=rules, record=True)

What passed on the wire is in `Server.wire`, as it was sent, after the script.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .pdu import Pdu
from .sense import Result

if TYPE_CHECKING:
    from .connection import Connection
    from .session import Session


@dataclass(frozen=True, slots=True)
class Send:
    """Send a PDU, with wrong digests where asked (if digests are on)."""

    pdu: Pdu
    bad_header: bool = False
    bad_data: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """Send bytes that need not be a PDU."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Send nothing on this connection for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection: with FIN, or with RST."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """Send the first `at` bytes of a PDU, then close."""

    pdu: Pdu
    at: int
    reset: bool = False


Step = Pdu | Send | Raw | Wait | Close | Cut
Pieces = list[tuple[int, int]]


class Script:
    """What may be altered. This one alters nothing; override what you need.

    Called in the connections' threads: two connections may call at once.
    """

    def connected(self, connection: Connection) -> None:
        """A TCP connection was accepted; it may be closed here."""

    def received(self, connection: Connection, pdu: Pdu) -> Pdu | None:
        """Return what the target shall believe to have received; None: nothing."""
        return pdu

    def sending(self, connection: Connection, pdu: Pdu) -> Iterable[Step]:
        """Return what is done instead of sending this PDU; its numbers have been set."""
        return (pdu,)

    def execute(self, connection: Connection, lun: int, cdb: bytes, data: bytes | bytearray) -> Result | None:
        """Return how a SCSI command ends, or None to have it executed. `lun` is the 8-byte field."""
        return None

    def plan_r2t(self, connection: Connection, pieces: Pieces) -> Pieces:
        """Return the (offset, length) of the R2Ts of one command, in the order in which they are to be sent."""
        return pieces

    def plan_data_in(self, connection: Connection, pieces: Pieces) -> Pieces:
        """Return the (offset, length) of the Data-In PDUs of one command, in the order in which they are to be sent."""
        return pieces

    def max_cmd_sn(self, session: Session, proposed: int) -> int:
        """Return the MaxCmdSN to tell."""
        return proposed


Action = Callable[[Pdu], Iterable[Step]]


@dataclass
class _Rule:
    op: int
    action: Action
    nth: int | None
    seen: int = 0

    def fits(self, op: int) -> bool:
        if op != self.op:
            return False
        self.seen += 1
        return self.nth is None or self.seen == self.nth


class Rules(Script):
    """A script made of rules: for the nth PDU of a kind (counted from 1, over all connections), or for each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sending: list[_Rule] = []
        self._receiving: list[_Rule] = []
        self._results: list[tuple[int, int | None, Result, list[int]]] = []

    def when_sending(self, op: int, action: Action, *, nth: int | None = None) -> None:
        """Do what `action` returns instead of sending it."""
        self._sending.append(_Rule(op, action, nth))

    def when_receiving(self, op: int, action: Callable[[Pdu], Pdu | None], *, nth: int | None = None) -> None:
        """Believe what `action` returns instead."""

        def as_steps(pdu: Pdu) -> Iterable[Step]:
            changed = action(pdu)
            return () if changed is None else (changed,)

        self._receiving.append(_Rule(op, as_steps, nth))

    def when_executing(self, opcode: int, result: Result, *, nth: int | None = None) -> None:
        """End the command with this operation code so."""
        self._results.append((opcode, nth, result, [0]))

    def received(self, connection: Connection, pdu: Pdu) -> Pdu | None:
        """See Script."""
        steps = list(self._apply(self._receiving, pdu))
        return steps[0] if steps and isinstance(steps[0], Pdu) else None

    def sending(self, connection: Connection, pdu: Pdu) -> Iterable[Step]:
        """See Script."""
        return self._apply(self._sending, pdu)

    def _apply(self, rules: list[_Rule], pdu: Pdu) -> Iterable[Step]:
        with self._lock:
            fitting = [rule for rule in rules if rule.fits(pdu.op)]
        return fitting[0].action(pdu) if fitting else (pdu,)

    def execute(self, connection: Connection, lun: int, cdb: bytes, data: bytes | bytearray) -> Result | None:
        """See Script."""
        with self._lock:
            for opcode, nth, result, seen in self._results:
                if cdb[0] == opcode:
                    seen[0] += 1
                    if nth is None or seen[0] == nth:
                        return result
        return None


@dataclass(frozen=True, slots=True)
class Seen:
    """A PDU that passed: `sent` by the target or received by it, on which connection, and when (CLOCK_MONOTONIC)."""

    sent: bool
    connection: int
    pdu: Pdu
    time: float


@dataclass
class Wire:
    """Everything that passed, in order; for tests to read and to wait on."""

    enabled: bool
    _seen: list[Seen] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, connection: int, pdu: Pdu, *, sent: bool) -> None:
        """Note a PDU."""
        if self.enabled:
            with self._changed:
                self._seen.append(Seen(sent, connection, pdu.copy(), time.monotonic()))
                self._changed.notify_all()

    def __iter__(self) -> Iterator[Seen]:
        with self._changed:
            return iter(list(self._seen))

    def received(self, op: int | None = None) -> list[Pdu]:
        """Return what the initiator sent."""
        return [seen.pdu for seen in self if not seen.sent and op in {None, seen.pdu.op}]

    def sent(self, op: int | None = None) -> list[Pdu]:
        """Return what the target sent."""
        return [seen.pdu for seen in self if seen.sent and op in {None, seen.pdu.op}]

    def wait(self, check: Callable[[Wire], object], patience: float = 10.0) -> bool:
        """Wait until `check(self)` is true; returns whether it came to be."""
        deadline = time.monotonic() + patience
        with self._changed:
            while not check(self):
                if not self._changed.wait(deadline - time.monotonic()):
                    return bool(check(self))
        return True

    def clear(self) -> None:
        """Forget what passed so far."""
        with self._changed:
            self._seen.clear()
