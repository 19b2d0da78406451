# SPDX-License-Identifier: Apache-2.0
"""Which bus: the one named, else the system bus where the helper is (or can be started), else the session bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...helper.api.bus import Connection
from ...helper.api.errors import Problem
from ...helper.api.names import BUS_NAME

_DBUS = "org.freedesktop.DBus"
_DBUS_PATH = "/org/freedesktop/DBus"


@dataclass(frozen=True, slots=True)
class Where:
    """Which bus: "system", "session", "address" (then `address` says which), or "auto"."""

    kind: str = "auto"
    address: str = ""


async def has_helper(connection: Connection) -> bool:
    """Whether the helper runs, or would be started by a call."""
    if await connection.name_owner(BUS_NAME):
        return True
    (names,) = await connection.call_raw(_DBUS, _DBUS_PATH, _DBUS, "ListActivatableNames")
    return BUS_NAME in names


async def open_bus(where: Where) -> tuple[Connection, str]:
    """Connect; returns the connection and which bus it is ("system", "session" or the address).

    Raises Problem("HelperUnavailable") when there is no such bus.
    """
    if where.kind != "auto":
        bus = where.address if where.kind == "address" else where.kind
        return await _open(bus), bus
    try:
        system = await _open("system")
    except Problem:
        return await _open("session"), "session"
    if await has_helper(system):
        return system, "system"
    try:
        session = await _open("session")
    except Problem:
        return system, "system"
    if await session.name_owner(BUS_NAME):
        system.close()
        return session, "session"
    session.close()
    return system, "system"


async def _open(bus: str) -> Connection:
    try:
        return await Connection.open(bus)
    except (OSError, ValueError, EOFError) as error:
        raise Problem("HelperUnavailable") from error


def as_paths(values: Any) -> tuple[str, ...]:
    """Return a list of object paths from an answer's details."""
    return tuple(str(value) for value in values) if isinstance(values, list | tuple) else ()
