# SPDX-License-Identifier: Apache-2.0
"""The socket of a session in full feature phase: what comes is taken in, and what a round brought together is sent."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Protocol

from ..api.errors import Problem
from .loop import FEW, MANY, READ, WRITE, Loop
from .receiving import LowWater, receive

if TYPE_CHECKING:
    from .fronts import Fronts
    from .session import Session

#: Receives of one round, so that no socket keeps the others waiting.
_RECEIVES = 16
#: As many commands on their way are few.
_FEW = 2


class LineUser(Protocol):
    """Who drives the session."""

    def line_broke(self, problem: Problem) -> None:
        """The connection is of no use any more; `close` is yours to call."""

    def line_woke(self) -> None:
        """Something is sent, out of a doze."""

    def line_answered(self) -> None:
        """Something came into a doze."""


class Line:
    """One socket at a time; `fronts` are to be given before the first."""

    fronts: Fronts

    def __init__(self, session: Session, loop: Loop, page: memoryview[int], user: LineUser) -> None:
        """`page`: the session's counters."""
        self._session = session
        self._loop = loop
        self._page = page
        self._user = user
        self._sock: socket.socket | None = None
        self._low_water = LowWater(None)
        self._watching = READ
        self._counted = (0, 0, 0, 0)
        #: Why it is to be given up, as soon as what was received is handled.
        self.broken: Problem | None = None
        #: Nothing is asked of the session: tell when something is sent, and when something comes.
        self.dozing = False
        self.dozed = False

    @property
    def is_open(self) -> bool:
        """Whether there is a socket."""
        return self._sock is not None

    def open(self, sock: socket.socket) -> None:
        """Take the socket of a connection that begins."""
        self._sock = sock
        self._low_water = LowWater(sock)
        self._watching = READ
        self._counted = (0, 0, 0, 0)
        self._loop.register(sock.fileno(), READ, self._ready)

    def close(self) -> None:
        """Leave the loop, and close the socket."""
        self.broken = None
        sock, self._sock = self._sock, None
        if sock is not None:
            self._count()
            self._loop.unregister(sock.fileno())
            sock.close()

    def tick(self) -> None:
        """What is to be done once in a while: bring the counters up to date, and wait for less at once."""
        self._low_water.relax()
        self._count()

    def _ready(self, events: int) -> None:
        self._session.now = self._loop.now
        try:
            if events & WRITE:
                self.send()
            if events & ~WRITE:
                self._receive()
        except Problem as problem:
            self._user.line_broke(problem)
        except OSError:
            self._user.line_broke(lost())
        self.fronts.wake()

    def send_all(self) -> None:
        """The end of a round: send what it has brought together."""
        session = self._session
        waiting = session.depth - len(session.free)
        if not waiting or session.connection is None or self._low_water.raised:
            self._loop.expects = 0
        else:
            self._loop.expects = FEW if waiting <= _FEW else MANY
        try:
            self.send()
        except OSError:
            self._user.line_broke(lost())

    def _receive(self) -> None:
        """The data path: one large receive, everything in it, the answers; again while there is more."""
        session, fronts = self._session, self.fronts
        sock, connection = self._sock, session.connection
        if sock is None or connection is None:
            return
        now = self._loop.now
        for _ in range(_RECEIVES):
            try:
                more = receive(sock, connection, now)
            except BlockingIOError:
                break
            except EOFError:
                raise lost() from None
            session.upkeep.alive(now)
            if fronts.dirty:
                fronts.flush()  # before the buffer is used again
            if self.broken is not None:
                broken, self.broken = self.broken, None
                raise broken
            if connection is not session.connection:
                return
            if not more:
                break
        if self.dozed:
            self._user.line_answered()
        if connection.rest or connection.splicing or self._low_water.raised:
            self._low_water.expect(connection.missing)

    def send(self) -> None:
        """Send what the socket takes, and look for room when that was not all. Raises OSError when it is broken."""
        session = self._session
        connection, sock = session.connection, self._sock
        if connection is None or sock is None:
            return
        out = connection.out
        if out.empty:
            return
        if self.dozing:
            self._user.line_woke()
        before = out.waiting
        sent_all = out.flush(sock)
        if before and out.waiting != before:
            session.upkeep.alive(self._loop.now)
        if before or not sent_all:
            session.unsent(out.waiting)
        events = READ if sent_all else READ | WRITE
        if events != self._watching:
            self._watching = events
            self._loop.modify(sock.fileno(), events)

    def _count(self) -> None:
        """Bring the session's page up to date."""
        connection = self._session.connection
        if connection is None:
            return
        now = (connection.bytes_received, connection.out.sent, connection.pdus_received, connection.pdus_sent)
        for index, (value, before) in enumerate(zip(now, self._counted, strict=True)):
            self._page[index] += value - before
        self._counted = now


def lost() -> Problem:
    """Return what is said of a connection that broke; where it went to, its driver knows."""
    return Problem("ConnectionLost", address="")
