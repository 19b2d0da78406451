# SPDX-License-Identifier: Apache-2.0
"""Names to numbers, in a short-lived child without rights: what name servers answer is parsed there.

`resolve` answers numbers at once, so that a reconnect with kept addresses waits for nobody.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from typing import TYPE_CHECKING

from .api import control
from .api.errors import Problem
from .engine.names import parse_portal

if TYPE_CHECKING:
    from .nursery import Nursery

__all__ = ["is_numeric", "parse_portal", "resolve", "serve"]

MAX_ADDRESSES = 16
MAX_NAME = 255
RESOLVE_SECONDS = 10.0


def is_numeric(address: str) -> bool:
    """Whether it is an IP number, for IPv6 also with a zone (fe80::1%eth0)."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


async def resolve(nursery: Nursery, host: str, seconds: float = RESOLVE_SECONDS) -> tuple[str, ...]:
    """Return the addresses of a host, numbers, in the system's order of preference (RFC 6724), 1 to 16.

    Raises Problem: AddressInvalid, NameNotFound, Timeout.
    """
    import asyncio

    if is_numeric(host):
        return (host,)
    if parse_portal(host).address != host:
        raise Problem("AddressInvalid", address=host)
    ours, theirs = control.pair()
    child = None
    try:
        with theirs:
            child = await nursery.spawn("resolver", [theirs.fileno()])
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(ours, host.encode())
        async with asyncio.timeout(seconds):
            untrusted = await loop.sock_recv(ours, control.MAX_MESSAGE)
    except TimeoutError:
        raise Problem("Timeout", what=f"the address of {host}", seconds=int(seconds)) from None
    except OSError:
        untrusted = b""
    finally:
        ours.close()
        if child is not None:
            child.kill()
    return _check(untrusted, host)


def _check(untrusted: bytes, host: str) -> tuple[str, ...]:
    """Return the addresses that a child sent, when they are some."""
    try:
        found = json.loads(untrusted) if len(untrusted) < 8192 else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not 0 < len(found) <= MAX_ADDRESSES:
        raise Problem("NameNotFound", address=host)
    if not all(isinstance(one, str) and len(one) < 64 and is_numeric(one) for one in found):
        raise Problem("NameNotFound", address=host)
    return tuple(dict.fromkeys(found))


def serve(descriptor: int) -> None:
    """Answer one question; runs in the child."""
    with socket.socket(fileno=descriptor) as sock:
        sock.setblocking(True)
        host = sock.recv(MAX_NAME).decode()
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            rows = []
        addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))[:MAX_ADDRESSES]
        sock.sendall(json.dumps(addresses).encode())
