# SPDX-License-Identifier: Apache-2.0
"""The parts of a desktop that a tray icon and notifications need, on a private session bus.

A StatusNotifierWatcher that is a host as well, a notification server, and the portal that tells whether the desktop
is dark.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

if sys.version_info < (3, 15):
    from dbus_next import Message, MessageType, Variant
    from dbus_next.aio import MessageBus
else:
    from dbus_fast import Message, MessageType, Variant
    from dbus_fast.aio import MessageBus

ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
NOTIFICATIONS = "org.freedesktop.Notifications"
PORTAL = "org.freedesktop.portal.Settings"
PORTAL_PATH = "/org/freedesktop/portal/desktop"
#: The portal's setting, and its values.
SCHEME = ("org.freedesktop.appearance", "color-scheme")
LIGHT, DARK = 2, 1
_WATCHER = {
    "RegisteredStatusNotifierItems": Variant("as", []),
    "IsStatusNotifierHostRegistered": Variant("b", True),
    "ProtocolVersion": Variant("i", 0),
}


class Desktop:
    """Serves them; `items` are the tray icons' programs, `shown` the notifications."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.items: list[str] = []
        self.shown: list[dict[str, Any]] = []
        self.scheme = LIGHT
        bus.add_message_handler(self._handle)

    @classmethod
    async def serve(cls, address: str) -> Desktop:
        """Serve them on the bus at this address."""
        self = cls(await MessageBus(bus_address=address).connect())
        await self.bus.request_name("org.kde.StatusNotifierWatcher")
        await self.bus.request_name(NOTIFICATIONS)
        await self.bus.request_name("org.freedesktop.portal.Desktop")
        return self

    def close(self) -> None:
        """Leave."""
        self.bus.disconnect()

    def _handle(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        answer = {
            "RegisterStatusNotifierItem": self._register,
            "RegisterStatusNotifierHost": lambda _message: ("", []),
            "Get": lambda message: ("v", [_WATCHER.get(message.body[1], Variant("u", 2))]),  # else a portal's version
            "GetAll": lambda _message: ("a{sv}", [_WATCHER]),
            "GetCapabilities": lambda _message: ("as", [["actions", "body", "body-markup"]]),
            "Notify": self._notify,
            "CloseNotification": lambda _message: ("", []),
            "ReadAll": lambda _message: ("a{sa{sv}}", [{SCHEME[0]: {SCHEME[1]: Variant("u", self.scheme)}}]),
            "Read": lambda _message: ("v", [Variant("v", Variant("u", self.scheme))]),
            "ReadOne": lambda _message: ("v", [Variant("u", self.scheme)]),
        }.get(message.member)
        if answer is None:
            return None
        signature, body = answer(message)
        return Message.new_method_return(message, signature, body)

    def _register(self, message: Message) -> tuple[str, list[Any]]:
        self.items.append(message.sender)
        return "", []

    def _notify(self, message: Message) -> tuple[str, list[Any]]:
        _app, old, _icon, summary, body, actions, hints, _time = message.body
        number = old or len(self.shown) + 1
        told = {"id": number, "old": old, "summary": summary, "body": body, "actions": actions, "hints": hints}
        self.shown.append(told)
        return "u", [number]

    async def turn(self, scheme: int) -> None:
        """Make the desktop DARK or LIGHT, and tell its programs."""
        self.scheme = scheme
        told = [*SCHEME, Variant("u", scheme)]
        await self.bus.send(Message.new_signal(PORTAL_PATH, PORTAL, "SettingChanged", "ssv", told))

    async def act(self, number: int, token: str) -> None:
        """Act upon a notification."""
        signal = Message.new_signal(
            "/org/freedesktop/Notifications", NOTIFICATIONS, "ActionInvoked", "us", [number, token]
        )
        await self.bus.send(signal)

    async def call(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> list[Any]:
        """Call the tray icon's program."""
        reply = await self.bus.call(
            Message(destination=self.items[-1], path=path, interface=interface, member=member, signature=signature,
                    body=list(body))
        )  # fmt: skip
        assert reply is not None
        assert reply.message_type is MessageType.METHOD_RETURN, reply.body
        return list(reply.body)

    async def item(self, name: str) -> Any:
        """Return a property of the tray icon."""
        (found,) = await self.call("/StatusNotifierItem", "org.freedesktop.DBus.Properties", "Get", "ss", ITEM, name)
        return found.value

    async def menu(self) -> dict[str, int]:
        """Return the menu's lines, each with its number."""
        path = await self.item("Menu")
        _revision, layout = await self.call(path, MENU, "GetLayout", "iias", 0, -1, [])
        lines = [child.value for child in layout[2]]
        return {line[1]["label"].value: line[0] for line in lines if "label" in line[1]}

    async def choose(self, words: str) -> None:
        """Click a line of the menu."""
        path = await self.item("Menu")
        number = (await self.menu())[words]
        await self.call(path, MENU, "Event", "isvu", number, "clicked", Variant("s", ""), 0)


async def eventually(check: Any, seconds: float = 20) -> Any:
    """Wait until what `check` returns (or its coroutine) is true, and return it."""
    async with asyncio.timeout(seconds):
        while True:
            found = check()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.05)
