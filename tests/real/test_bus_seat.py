# SPDX-License-Identifier: Apache-2.0
"""Who is at the seat. logind itself needs a machine that systemd started: its part is played, on a real bus."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lundock.helper.api.bus import DBUS, BusError, Connection, Incoming, Reply
from lundock.helper.api.values import ObjectPath, Typed
from lundock.helper.bus import seat

SESSION = ObjectPath("/org/freedesktop/login1/session/c1")


def logind(session: Any) -> Any:
    async def handle(incoming: Incoming) -> Reply:
        match incoming.member, incoming.decode():
            case "GetSeat", ("seat0",):
                return Reply(["o"], [ObjectPath("/org/freedesktop/login1/seat/seat0")])
            case "Get", ("org.freedesktop.login1.Seat", "ActiveSession"):
                return Reply(["v"], [Typed("(so)", session)])
            case "Get", ("org.freedesktop.login1.Session", "User"):
                return Reply(["v"], [Typed("(uo)", (54321, ObjectPath("/org/freedesktop/login1/user/_54321")))])
        raise BusError(f"{DBUS}.Error.UnknownMethod", "no")

    return handle


@pytest.mark.parametrize(
    ("session", "user"), [(("c1", SESSION), 54321), (("", ObjectPath("/")), None), (None, None)]
)  # fmt: skip
def test_the_active_session_s_user(bus: str, session: Any, user: int | None) -> None:
    async def steps() -> None:
        ours, theirs = await Connection.open(bus), await Connection.open(bus)
        if session is not None:
            theirs.serve(logind(session))
            await theirs.request_name(seat.LOGIN)
        assert await seat.active_user(ours) == user
        ours.close()
        theirs.close()

    asyncio.run(steps())
