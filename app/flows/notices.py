# SPDX-License-Identifier: Apache-2.0
"""What is worth a notification: an entry of the timeline in, a notification out. No Qt, no bus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import text
from ..client.mirror import Snapshot
from ..client.notifications import Notification
from ..client.objects import Target, short_name
from ..words import tr

#: Tokens of actions.
OPEN, SIGN_IN, CONNECT = "default", "sign-in", "connect"


def title_of(snapshot: Snapshot, name: str) -> str:
    """Return what a person calls the target with this iSCSI name."""
    target = target_of(snapshot, name)
    return target.title if target is not None else short_name(name)


def target_of(snapshot: Snapshot, name: str) -> Target | None:
    """Return the target with this iSCSI name."""
    return next((target for target in snapshot.targets.values() if target.name == name), None)


def notification(event: Mapping[str, Any], snapshot: Snapshot) -> Notification | None:
    """Return what is to be said about an entry of the timeline; None for most."""
    name, kind = str(event.get("target", "")), str(event.get("kind", ""))
    detail = event.get("detail", {})
    values: Mapping[str, Any] = detail if isinstance(detail, Mapping) else {}
    make = _MAKERS.get(kind)
    return make(name, title_of(snapshot, name), values) if make is not None else None


def needs_secret(name: str, title: str) -> Notification:
    """Return the notification that a target waits for its secret."""
    words = tr("“{target}” needs its secret").format(target=title)
    return Notification(f"secret {name}", words, "", {OPEN: tr("Open"), SIGN_IN: tr("Sign in …")}, urgent=True)


def _lost(name: str, title: str, _values: Mapping[str, Any]) -> Notification:
    words = tr("The connection to “{target}” was lost").format(target=title)
    body = tr("Reading and writing waits until it is back.")
    return Notification(name, words, body, {OPEN: tr("Open")}, urgent=True)


def _restored(name: str, title: str, _values: Mapping[str, Any]) -> Notification:
    words = tr("“{target}” is back").format(target=title)
    return Notification(name, words, tr("Nothing was lost."), {OPEN: tr("Open")})


def _ended(name: str, title: str, values: Mapping[str, Any]) -> Notification | None:
    if not values.get("error"):
        return None  # somebody wanted it
    words = tr("“{target}” was disconnected").format(target=title)
    return Notification(name, words, text.detail(values), {OPEN: tr("Open"), CONNECT: tr("Connect again")}, urgent=True)


def _ejected(name: str, title: str, _values: Mapping[str, Any]) -> Notification:
    words = tr("A disk of “{target}” was ejected").format(target=title)
    return Notification(name, words, tr("You may unplug it."), {OPEN: tr("Open")})


def _resized(name: str, title: str, values: Mapping[str, Any]) -> Notification:
    size = values.get("new-size", values.get("size"))
    words = tr("A disk of “{target}” changed its size").format(target=title)
    body = tr("It has {size} now.").format(size=text.size_both(size)) if isinstance(size, int) else ""
    return Notification(f"size {name}", words, body, {OPEN: tr("Open")})


def _refused_identity(name: str, title: str, _values: Mapping[str, Any]) -> Notification:
    words = tr("“{target}” shows another disk than before").format(target=title)
    body = tr("It was not attached, to protect both.")
    return Notification(f"identity {name}", words, body, {OPEN: tr("Open")}, urgent=True)


_MAKERS = {
    "lost": _lost,
    "restored": _restored,
    "disconnected": _ended,
    "ejected": _ejected,
    "resized": _resized,
    "capacity-changed": _resized,
    "identity-changed": _refused_identity,
}
