# SPDX-License-Identifier: Apache-2.0
"""Reading the secrets that a caller hands over as a descriptor: bounded, with a deadline, and never blocking.

What the caller still holds is not trusted: another reader may empty the pipe between the poll and the read, the
descriptor may be a file of the caller's own file system that never answers. So what it is is found out without asking
that (foreign.py), a pipe is opened anew (own flags), a socket is read with MSG_DONTWAIT, a memfd lies in memory, and
anything else is refused.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Callable

from .api import foreign
from .api.errors import Problem
from .supervision import MAX_SECRETS, Secrets

#: Seconds for the caller to write everything and close its end.
DEADLINE = 10.0

_KINDS = "It is a pipe, a socket or a memfd, with at most 4096 bytes."


async def read(fd: int, deadline: float = DEADLINE) -> Secrets:
    """Return the secrets that `fd` (which stays the caller's) holds.

    Raises Problem("InvalidArgument") when it is of another kind or form, Problem("Timeout") when its end does not come.
    """
    data = bytearray()
    try:
        await _read(fd, data, deadline)
        return Secrets.parse(bytes(data))
    finally:
        data[:] = bytes(len(data))


async def _read(fd: int, data: bytearray, deadline: float) -> None:
    kind = foreign.kind(fd)
    if not kind or fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
        raise _refused()
    if kind == "memory":
        _read_memory(fd, data)
    elif kind == "socket":
        with socket.socket(fileno=os.dup(fd)) as sock:
            await _until_end(sock.fileno(), lambda n: sock.recv(n, socket.MSG_DONTWAIT), data, deadline)
    else:
        own = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            await _until_end(own, lambda n: os.read(own, n), data, deadline)
        finally:
            os.close(own)


def _refused() -> Problem:
    return Problem("InvalidArgument", argument="secrets", detail=_KINDS)


def _read_memory(fd: int, data: bytearray) -> None:
    try:
        data += os.pread(fd, MAX_SECRETS + 1, 0)
    except OSError:
        raise _refused() from None
    if len(data) > MAX_SECRETS:
        raise _refused()


async def _until_end(fd: int, receive: Callable[[int], bytes], data: bytearray, deadline: float) -> None:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        if done.done():
            return
        try:
            piece = receive(MAX_SECRETS + 1 - len(data))
        except BlockingIOError:
            return
        except OSError:
            done.set_exception(_refused())
            return
        data.extend(piece)
        if len(data) > MAX_SECRETS:
            done.set_exception(_refused())
        elif not piece:
            done.set_result(None)

    loop.add_reader(fd, readable)
    try:
        async with asyncio.timeout(deadline):
            await done
    except TimeoutError:
        raise Problem("Timeout", what="secrets", seconds=int(deadline)) from None
    finally:
        loop.remove_reader(fd)
