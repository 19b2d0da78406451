# SPDX-License-Identifier: Apache-2.0
"""Errors that come over a bus, from the service, from others and from the bus itself."""

from __future__ import annotations

from typing import Any

from .errors import ERROR_PREFIX, Problem, from_wire

DBUS = "org.freedesktop.DBus"
DBUS_PATH = "/org/freedesktop/DBus"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"


class BusError(Exception):
    """An error that another service than ours answered with: its D-Bus name and its text."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)
        self.name = name
        self.text = text


_UNAVAILABLE = frozenset(f"{DBUS}.Error.{e}" for e in ("ServiceUnknown", "NameHasNoOwner", "NoReply", "Disconnected"))
_STANDARD = {
    f"{DBUS}.Error.AccessDenied": "NotAuthorized",
    f"{DBUS}.Error.LimitsExceeded": "Busy",  # too many of our calls wait, says the bus
    f"{DBUS}.Error.UnknownObject": "NotFound",
    f"{DBUS}.Error.UnknownInterface": "NotFound",
    f"{DBUS}.Error.UnknownMethod": "NotFound",
}


def received(name: str, values: tuple[Any, ...]) -> Problem | BusError:
    """Return what an error that came as an answer is here."""
    if name.startswith(ERROR_PREFIX):
        return from_wire(name.removeprefix(ERROR_PREFIX), values[1] if len(values) > 1 else {})
    return BusError(name, str(values[0]) if values else "")


def unforeseen(error: BusError, path: str) -> Problem:
    """Return the Problem for an error of the bus itself, or of whoever answers in our service's place."""
    if error.name in _UNAVAILABLE or ".Spawn." in error.name:
        return Problem("HelperUnavailable")
    if error.name in _STANDARD:
        return Problem(_STANDARD[error.name], what=path)
    return Problem("Internal", log_id=error.name)
