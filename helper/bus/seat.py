# SPDX-License-Identifier: Apache-2.0
"""Who sits before this computer, as logind knows it."""

from __future__ import annotations

import logging
from typing import Any

from ..api.bus import PROPERTIES, BusError, Connection
from ..api.errors import Problem

log = logging.getLogger(__name__)

LOGIN = "org.freedesktop.login1"
LOGIN_PATH = "/org/freedesktop/login1"
SEAT = "seat0"
_PATIENCE = 5.0


async def active_user(connection: Connection) -> int | None:
    """Return the user whose session is in front at the first seat; None when there is none, or no logind."""

    async def ask(path: str, interface: str, member: str, signature: str, *args: str) -> Any:
        (found,) = await connection.call_raw(LOGIN, path, interface, member, signature, args, timeout=_PATIENCE)
        return found

    try:
        seat = await ask(LOGIN_PATH, f"{LOGIN}.Manager", "GetSeat", "s", SEAT)
        _, session = await ask(seat, PROPERTIES, "Get", "ss", f"{LOGIN}.Seat", "ActiveSession")
        if session == "/":
            return None
        user, _ = await ask(session, PROPERTIES, "Get", "ss", f"{LOGIN}.Session", "User")
    except (BusError, Problem, TypeError, ValueError) as error:
        log.debug("logind does not say who is at the seat: %s", error)
        return None
    return int(user)
