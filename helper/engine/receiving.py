# SPDX-License-Identifier: Apache-2.0
"""One system call of receiving: where the connection wants the next bytes, in our memory or in a pipe."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection
    from .pipes import Pipe


def receive(sock: socket.socket, connection: Connection, now: float) -> bool:
    """Receive once, and have the connection take it in; whether there may be more at once.

    Raises BlockingIOError when nothing is there, EOFError at the end, OSError, and what `connection.received` raises.
    """
    if connection.pipe is not None:
        return _splice(sock, connection, connection.pipe, now)
    buffers = connection.next_read()
    n = sock.recv_into(buffers[0]) if len(buffers) == 1 else sock.recvmsg_into(buffers)[0]
    if not n:
        raise EOFError
    connection.received(n, now)
    return connection.pipe is not None or n == sum(map(len, buffers))


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
