# SPDX-License-Identifier: Apache-2.0
"""The desktop's notifications (org.freedesktop.Notifications on the session bus), with actions. Asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape

from ...helper.api.bus import BusError, Connection, Signal
from ...helper.api.errors import Problem
from ...helper.api.names import APP_ID
from ...helper.api.values import Typed

_NAME = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
#: Milliseconds; -1: as long as the desktop thinks is right.
_AS_USUAL = -1
_LOW, _NORMAL = 0, 1


@dataclass(frozen=True, slots=True)
class Notification:
    """What is said. `key`: a later one with the same key takes its place. `actions`: token to words."""

    key: str
    summary: str
    body: str = ""
    actions: Mapping[str, str] = field(default_factory=dict)
    urgent: bool = False


class Notifier:
    """Shows notifications where there is a server for them; `on_action(key, token)` when one is acted upon."""

    def __init__(self, on_action: Callable[[str, str], None], bus: str = "session") -> None:
        self._on_action = on_action
        self._bus = bus
        self._connection: Connection | None = None
        self._shown: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._markup = False

    async def show(self, what: Notification) -> bool:
        """Show it; False where nobody shows notifications."""
        async with self._lock:
            try:
                connection = await self._connected()
                actions = [word for pair in what.actions.items() for word in pair]
                hints = {"desktop-entry": APP_ID, "urgency": _urgency(urgent=what.urgent), "category": "device"}
                # Names come from targets: they are never markup.
                body = escape(what.body, quote=False) if self._markup else what.body
                (number,) = await connection.call_raw(
                    _NAME, _PATH, _NAME, "Notify", "susssasa{sv}i",
                    ("Lundock", self._shown.get(what.key, 0), APP_ID, what.summary, body, actions, hints, _AS_USUAL),
                )  # fmt: skip
            except (Problem, BusError, OSError):
                return False
            self._shown[what.key] = int(number)
            return True

    async def withdraw(self, key: str) -> None:
        """Take a notification back that is not true any more."""
        number = self._shown.pop(key, 0)
        if number and self._connection is not None and not self._connection.closed:
            try:
                await self._connection.call_raw(_NAME, _PATH, _NAME, "CloseNotification", "u", (number,))
            except (Problem, BusError):
                return

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._shown.clear()
            self._connection = await Connection.open(self._bus)
            await self._connection.subscribe(self._signal, sender=_NAME, interface=_NAME)
            (abilities,) = await self._connection.call_raw(_NAME, _PATH, _NAME, "GetCapabilities")
            self._markup = "body-markup" in abilities
        return self._connection

    def _signal(self, signal: Signal) -> None:
        if not signal.args or not isinstance(signal.args[0], int):
            return
        key = next((key for key, number in self._shown.items() if number == signal.args[0]), "")
        if not key:
            return
        if signal.member == "ActionInvoked" and len(signal.args) > 1:
            self._on_action(key, str(signal.args[1]))
        elif signal.member == "NotificationClosed":
            self._shown.pop(key, None)

    def close(self) -> None:
        """Leave the bus."""
        if self._connection is not None:
            self._connection.close()


def _urgency(*, urgent: bool) -> Typed:
    return Typed("y", _NORMAL if urgent else _LOW)
