# SPDX-License-Identifier: Apache-2.0
"""TCP connections for the workers: to numbers only, so that a reconnect waits for no name server.

Of several addresses the next is tried when one failed or has not answered for `STAGGER` seconds (RFC 8305); the first
that connects is taken. The helper reads no byte from these sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Sequence

from .api.errors import Problem

STAGGER = 0.25
#: What the kernel does about a peer that is silent, besides the session's own pings: look after 30 s, give up after 60.
_KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)

_CODES = {
    errno.ECONNREFUSED: "ConnectionRefused",
    errno.EHOSTUNREACH: "HostUnreachable",
    errno.EHOSTDOWN: "HostUnreachable",
    errno.ENETUNREACH: "NetworkUnreachable",
    errno.ENETDOWN: "NetworkUnreachable",
    errno.EADDRNOTAVAIL: "NetworkUnreachable",
    errno.EAFNOSUPPORT: "NetworkUnreachable",
    errno.EACCES: "NetworkUnreachable",  # what a firewall on this computer answers
    errno.EPERM: "NetworkUnreachable",
    errno.ETIMEDOUT: "ConnectionTimeout",
    errno.ECONNRESET: "ConnectionLost",
    errno.ECONNABORTED: "ConnectionLost",
    errno.EINVAL: "AddressInvalid",  # a link-local number without its zone
}


async def connect(
    addresses: Sequence[str], port: int, *, interface: str = "", seconds: float = 10.0, shown: str = ""
) -> socket.socket:
    """Return a connected, non-blocking socket to the first of these numeric addresses that answers.

    Raises Problem: ConnectionRefused, HostUnreachable, NetworkUnreachable, ConnectionTimeout, InterfaceNotFound; with
    several addresses that of the first. `shown` is what the error calls the host.
    """
    shown = shown or addresses[0]
    tasks: list[asyncio.Task[socket.socket]] = []
    try:
        async with asyncio.timeout(seconds):
            return await _race(addresses, port, interface, shown, tasks)
    except TimeoutError:
        raise Problem("ConnectionTimeout", address=shown, port=port, seconds=int(seconds)) from None
    finally:
        await _clear_away(tasks)


async def _race(
    addresses: Sequence[str], port: int, interface: str, shown: str, tasks: list[asyncio.Task[socket.socket]]
) -> socket.socket:
    for address in addresses:
        tasks.append(asyncio.create_task(_connect_one(address, port, interface, shown)))
        await asyncio.wait(tasks, timeout=STAGGER, return_when=asyncio.FIRST_COMPLETED)
        if (found := _take(tasks)) is not None:
            return found
    while any(not task.done() for task in tasks):
        await asyncio.wait([t for t in tasks if not t.done()], return_when=asyncio.FIRST_COMPLETED)
        if (found := _take(tasks)) is not None:
            return found
    return tasks[0].result()  # raises


def _take(tasks: list[asyncio.Task[socket.socket]]) -> socket.socket | None:
    for task in tasks:
        if task.done() and not task.cancelled() and task.exception() is None:
            tasks.remove(task)
            return task.result()
    return None


async def _clear_away(tasks: list[asyncio.Task[socket.socket]]) -> None:
    """Stop what is still connecting, close what connected too late."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, socket.socket):
            result.close()


async def _connect_one(address: str, port: int, interface: str, shown: str) -> socket.socket:
    family, where = _numeric(address, port)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if interface:
            _bind_to(sock, interface)
        for level, name, value in _KEEPALIVE:
            with contextlib.suppress(OSError):
                sock.setsockopt(level, name, value)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except OSError as error:
        sock.close()
        raise _problem(error, shown, port) from None
    except BaseException:
        sock.close()
        raise
    return sock


def _numeric(address: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]:
    try:
        row = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
    except (OSError, UnicodeError):
        raise Problem("AddressInvalid", address=address) from None
    return row[0], row[4]  # type: ignore[return-value]  # AF_INET and AF_INET6 only


def _bind_to(sock: socket.socket, interface: str) -> None:
    """Let everything of this socket go through one interface (SO_BINDTODEVICE; since Linux 5.7 without rights)."""
    name = interface.encode()
    if len(name) > 15 or b"\0" in name:
        raise Problem("InterfaceNotFound", interface=interface)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise Problem("InterfaceNotFound", interface=interface) from None
        raise


def _problem(error: OSError, address: str, port: int) -> Problem:
    code = _CODES.get(error.errno or 0, "HostUnreachable")
    return Problem(code, address=address, port=port, seconds=0)
