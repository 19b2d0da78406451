# SPDX-License-Identifier: Apache-2.0
"""What the kernel would do with a packet: its route (rtnetlink(7)), and the state of the interface (netdevice(7))."""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import os
import socket
import struct
from dataclasses import dataclass

from .api.errors import Problem

#: linux/netlink.h, linux/rtnetlink.h.
_HEADER = struct.Struct("=IHHII")
_ROUTE = struct.Struct("=BBBBBBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_ERRNO = struct.Struct("=i")
_GETROUTE, _NEWROUTE, _ERROR, _REQUEST = 26, 24, 2, 1
#: What the kernel says of routes that are not there, "unreachable", "prohibit" and "blackhole".
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL})
_DST, _OIF, _GATEWAY, _PREFSRC = 1, 4, 5, 7
#: net/if.h, linux/sockios.h.
_GET_FLAGS, _GET_MTU = 0x8913, 0x8921
_UP, _RUNNING = 0x1, 0x40
_PIECE = 65536


@dataclass(frozen=True, slots=True)
class Route:
    """How a number is reached; `gateway` is empty when it is on the link."""

    interface: str
    source: str
    gateway: str


@dataclass(frozen=True, slots=True)
class Link:
    """The state of an interface. `up`: switched on; `carrier`: there is something at the other end."""

    up: bool
    carrier: bool
    mtu: int


def route(number: str, interface: str = "") -> Route:
    """Return the way to a number. Raises Problem: NetworkUnreachable, InterfaceNotFound; NotSupported where the system
    cannot be asked, which says nothing of the way (some containers).
    """
    untrusted, _, zone = number.partition("%")
    address = ipaddress.ip_address(untrusted)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    attributes = _attribute(_DST, address.packed)
    if interface or zone:
        attributes += _attribute(_OIF, struct.pack("=i", _index(interface or zone)))
    body = _ROUTE.pack(family, len(address.packed) * 8, 0, 0, 0, 0, 0, 0, 0) + attributes
    message = _HEADER.pack(_HEADER.size + len(body), _GETROUTE, _REQUEST, 1, 0) + body
    found = _read(_ask(message), number)
    if _OIF not in found:
        raise Problem("NetworkUnreachable", address=number)
    return Route(_name(struct.unpack("=i", found[_OIF])[0]), _number(found.get(_PREFSRC)), _number(found.get(_GATEWAY)))


def _ask(message: bytes) -> bytes:
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as sock:
            sock.settimeout(1.0)  # the kernel answers within the call
            sock.sendto(message, (0, 0))
            return sock.recv(_PIECE)
    except OSError as error:
        raise _cannot(error.errno or 0) from None


def _cannot(number: int) -> Problem:
    return Problem("NotSupported", what="asking for a route", detail=os.strerror(number) if number else "No answer.")


def link(interface: str) -> Link:
    """Return an interface's state. Raises Problem("InterfaceNotFound")."""
    request = struct.pack("16s16x", interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            flags = struct.unpack_from("=H", fcntl.ioctl(sock, _GET_FLAGS, request), 16)[0]
            mtu = struct.unpack_from("=i", fcntl.ioctl(sock, _GET_MTU, request), 16)[0]
        except OSError:
            raise Problem("InterfaceNotFound", interface=interface) from None
    return Link(bool(flags & _UP), bool(flags & _RUNNING), mtu)


def _attribute(kind: int, data: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(data), kind) + data + bytes(-len(data) % 4)


def _index(interface: str) -> int:
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        raise Problem("InterfaceNotFound", interface=interface) from None


def _name(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return ""


def _number(packed: bytes | None) -> str:
    return str(ipaddress.ip_address(packed)) if packed else ""


def _read(answer: bytes, address: str) -> dict[int, bytes]:
    """Return the attributes of a route. Raises Problem("NetworkUnreachable") when there is none."""
    length, kind, _, _, _ = _HEADER.unpack_from(answer)
    if kind == _ERROR:
        error = -_ERRNO.unpack_from(answer, _HEADER.size)[0]
        raise Problem("NetworkUnreachable", address=address) if error in _NO_WAY else _cannot(error)
    if kind != _NEWROUTE:
        raise _cannot(0)
    found: dict[int, bytes] = {}
    at = _HEADER.size + _ROUTE.size
    while at + _ATTRIBUTE.size <= min(length, len(answer)):
        size, name = _ATTRIBUTE.unpack_from(answer, at)
        if size < _ATTRIBUTE.size:
            break
        found[name] = answer[at + _ATTRIBUTE.size : at + size]
        at += (size + 3) // 4 * 4
    return found
