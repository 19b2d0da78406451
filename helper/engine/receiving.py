# SPDX-License-Identifier: Apache-2.0
"""One system call of receiving: where the connection wants the next bytes, in our memory or in a pipe."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection
    from .pipes import Pipe


#: Of a large payload that is on its way at least so much is waited for: a wake-up for each segment costs more than
#: the copying. Less than the smaller one is not worth a system call.
_MOST, _LEAST = 256 * 1024, 32 * 1024


class LowWater:
    """SO_RCVLOWAT of a connection's socket: poll wakes us when so many bytes are there, and not before (socket(7))."""

    def __init__(self, sock: socket.socket | None) -> None:
        self._sock = sock
        self._now = 1
        #: Whether more than a byte is waited for.
        self.raised = False

    def expect(self, missing: int) -> None:
        """`missing` bytes are sure to come, if anything does."""
        self._set(min(missing, _MOST) if missing >= _LEAST else 1)

    def relax(self) -> None:
        """Be woken by the next byte: on a slow link it is a sign of life."""
        self._set(1)

    def _set(self, size: int) -> None:
        if size != self._now and self._sock is not None and self._sock.fileno() >= 0:
            self._now = size
            self.raised = size > 1
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)


def receive(sock: socket.socket, connection: Connection, now: float) -> bool:
    """Receive once, and have the connection take it in; whether there may be more at once.

    Raises BlockingIOError when nothing is there, EOFError at the end, OSError, and what `connection.received` raises.
    """
    if connection.pipe is not None:
        return _splice(sock, connection, connection.pipe, now)
    buffers = connection.next_read()
    if len(buffers) == 1:
        room = len(buffers[0])
        n = sock.recv_into(buffers[0])
    else:
        room = sum(map(len, buffers))
        n = sock.recvmsg_into(buffers)[0]
    if not n:
        raise EOFError
    connection.received(n, now)
    return n == room or connection.pipe is not None


def _splice(sock: socket.socket, connection: Connection, pipe: Pipe, now: float) -> bool:
    try:
        n = pipe.take(sock, connection.splicing)
    except BlockingIOError:
        sock.recv(1, socket.MSG_PEEK)  # raises, unless it is the pipe that is full
        connection.unsplice()
        return True
    if not n:
        raise EOFError
    connection.spliced(n, now)
    return True
