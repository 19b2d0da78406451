# SPDX-License-Identifier: Apache-2.0
"""The Settings page as data: fields in groups, from the table of settings and the record's own members. No Qt, no bus.

A field's value is what the bus has for it (lists as tuples). `changes` turns what was edited into Target.Update's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...helper.api.errors import Problem
from ...helper.api.settings import Setting, table
from .. import text
from ..client.objects import Target
from ..client.operations import parse_portal, portals_text
from ..words import mark, tr

#: When a target may be connected, as far as the service knows it (Target.Startup).
STARTUPS = ("manual", "login")


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the page. `kind`: text, bool, int, size (bytes), choice; `choices`: values with their words."""

    name: str
    label: str
    help: str
    kind: str
    default: Any
    choices: tuple[tuple[Any, str], ...] = ()
    low: int = 0
    high: int = 0
    unit: str = ""
    special: str = ""
    setting: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under a heading. `more`: shown when somebody asks for them."""

    title: str
    fields: tuple[Field, ...]
    more: bool = False


_LABELS: Mapping[str, str] = {
    "header_digest": mark("Headers"),
    "data_digest": mark("Data"),
    "max_connections": mark("Connections"),
    "initial_r2t": mark("Wait before sending"),
    "immediate_data": mark("Data with the command"),
    "max_recv_data_segment_length": mark("Largest piece received"),
    "max_burst_length": mark("Longest sequence"),
    "first_burst_length": mark("Sent unasked at most"),
    "default_time2wait": mark("Pause before reconnecting"),
    "default_time2retain": mark("Kept by the target"),
    "max_outstanding_r2t": mark("Pieces asked for at once"),
    "data_pdu_in_order": mark("Data in order"),
    "data_sequence_in_order": mark("Sequences in order"),
    "error_recovery_level": mark("Repaired without a login"),
    "task_reporting": mark("When commands are aborted"),
    "chap_algorithms": mark("Algorithms"),
    "refuse_short_secrets": mark("Refuse short secrets"),
    "connect_timeout": mark("Network connection"),
    "login_timeout": mark("Whole login"),
    "max_redirects": mark("Sent on at most"),
    "logout_timeout": mark("Logout"),
    "ping_interval": mark("Ask when idle"),
    "ping_timeout": mark("Give up after"),
    "command_timeout": mark("One command"),
    "abort_timeout": mark("Aborting a command"),
    "reset_timeout": mark("Resetting a disk"),
    "command_retries": mark("Sent again at once"),
    "command_timeouts": mark("Too late at most"),
    "leave_timeout": mark("Finishing when asked to leave"),
    "busy_first_delay": mark("First pause when busy"),
    "busy_last_delay": mark("Longest pause when busy"),
    "queue_full_delay": mark("One more at once after"),
    "look_first_delay": mark("First pause when not ready"),
    "look_delay": mark("Longest pause when not ready"),
    "look_interval": mark("Look for changes"),
    "reconnect_first_delay": mark("First pause when away"),
    "reconnect_delay": mark("Longest pause when away"),
    "steady_time": mark("A good connection lasts"),
    "recovery_timeout": mark("Wait for a lost target"),
    "queue_depth": mark("Commands at once"),
    "memory_limit": mark("Memory"),
    "read_only": mark("Read only"),
    "attach_method": mark("Attach disks as"),
    "startup_disks": mark("Its disks"),
}
_STARTUP_DISKS: Mapping[str, str] = {
    "nothing": mark("leave them alone"),
    "attach": mark("attach them"),
    "mount": mark("attach and mount them"),
}
_SPECIAL: Mapping[str, str] = {
    "recovery_timeout": mark("for ever"),
    "ping_interval": mark("never"),
    "look_interval": mark("never"),
}
#: Which settings stand where; what is in none of them stands at the end, under “Agreed at login”.
_GROUPS: Sequence[tuple[str, tuple[str, ...], bool]] = (
    (mark("When it connects by itself"), ("startup_disks",), False),
    (mark("Protection"), ("read_only",), False),
    (mark("Checksums"), ("header_digest", "data_digest"), False),
    (mark("When the target is away"), ("recovery_timeout", "ping_interval", "ping_timeout"), False),
    (mark("Data path"), ("attach_method", "queue_depth", "memory_limit", "look_interval"), False),
    (
        mark("Deadlines"),
        (
            "connect_timeout",
            "login_timeout",
            "max_redirects",
            "logout_timeout",
            "leave_timeout",
            "command_timeout",
            "command_timeouts",
            "command_retries",
            "abort_timeout",
            "reset_timeout",
        ),
        True,
    ),
    (
        mark("Pauses"),
        (
            "default_time2wait",
            "reconnect_first_delay",
            "reconnect_delay",
            "steady_time",
            "look_first_delay",
            "look_delay",
            "queue_full_delay",
            "busy_first_delay",
            "busy_last_delay",
        ),
        True,
    ),
    (mark("Signing in"), ("chap_algorithms", "refuse_short_secrets"), True),
)


def groups(methods: Sequence[Mapping[str, Any]] = ()) -> tuple[Group, ...]:
    """Return the whole page; `methods` is Manager.AttachMethods. What has one value only is not on it."""
    known = {name: setting for name, setting in table().items() if setting.free}
    found = [Group(tr("This target"), _record_fields())]
    placed: set[str] = set()
    for title, names, more in _GROUPS:
        placed.update(names)
        found.append(Group(tr(title), tuple(_field(known[n], methods) for n in names if n in known), more))
    rest = tuple(_field(setting, methods) for name, setting in known.items() if name not in placed)
    found.append(Group(tr("Agreed at login"), rest, more=True))
    return tuple(found)


def _record_fields() -> tuple[Field, ...]:
    fields = [
        Field("alias", tr("Name"), tr("What you call it; empty is what it calls itself."), "text", ""),
        Field("portals", tr("Addresses"), tr("Where it is reached, the preferred one first."), "text", ""),
        Field("interface", tr("Network interface"), tr("Go through this one only; empty is any."), "text", ""),
        Field("startup", tr("Connect"), tr("When the target is connected."), "choice", "manual", startups()),
        Field(
            "sign_in", tr("Sign-in"), tr("How this computer and the target prove who they are."), "choice", "none",
            (("none", tr("none")), ("chap", tr("name and secret")), ("mutual", tr("both sides prove themselves"))),
        ),
        Field("chap_name", tr("Name to sign in with"), tr("Empty is this computer's iSCSI name."), "text", ""),
        Field("target_chap_name", tr("The target's name"), tr("It proves itself with this; empty is any."), "text", ""),
    ]  # fmt: skip
    return tuple(_own(field) for field in fields if len(field.choices) != 1)


def _own(field: Field) -> Field:
    values = {name: getattr(field, name) for name in Field.__slots__}
    return Field(**{**values, "setting": False})


def startups() -> tuple[tuple[str, str], ...]:
    """Return when a target may be connected, with words."""
    return tuple((word, text.startup(word)) for word in STARTUPS)


def _field(setting: Setting, methods: Sequence[Mapping[str, Any]]) -> Field:
    label = tr(_LABELS[setting.name]) if setting.name in _LABELS else setting.name.replace("_", " ").capitalize()
    kind = {"list": "choice"}.get(setting.type, setting.type)
    return Field(
        name=setting.name,
        label=label,
        help=tr(setting.help),
        kind="size" if setting.unit == "B" else kind,
        default=setting.default,
        choices=_choices(setting, methods),
        low=setting.low,
        high=setting.high,
        unit=setting.unit,
        special=tr(_SPECIAL[setting.name]) if setting.name in _SPECIAL else "",
    )


def _choices(setting: Setting, methods: Sequence[Mapping[str, Any]]) -> tuple[tuple[Any, str], ...]:
    if setting.name in {"header_digest", "data_digest"}:
        return (
            (("None",), tr("never")),
            (("None", "CRC32C"), tr("when the target wants them")),
            (("CRC32C", "None"), tr("when the target can")),
            (("CRC32C",), tr("always")),
        )
    if setting.name == "chap_algorithms":
        return tuple((setting.choices[:n], ", ".join(setting.choices[:n])) for n in range(len(setting.choices), 0, -1))
    if setting.name == "attach_method":
        here = {str(m.get("name", "")): bool(m.get("available", True)) for m in methods}
        return tuple((c, _method_words(c, there=here.get(c, True))) for c in setting.choices)
    words = _STARTUP_DISKS if setting.name == "startup_disks" else {}
    return tuple((choice, tr(words[choice]) if choice in words else choice) for choice in setting.choices)


def _method_words(method: str, *, there: bool) -> str:
    if method == "auto":
        return tr("the best way that this computer has")
    return method if there else tr("{method} (not on this computer)").format(method=method)


def value_of(target: Target, field: Field) -> Any:
    """Return a field's value in the record."""
    if field.name == "portals":
        return portals_text(target.portals)
    if not field.setting:
        return getattr(target, field.name)
    value = target.settings.get(field.name, field.default)
    return tuple(value) if isinstance(value, list | tuple) else value


def changes(target: Target, edited: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Target.Update is to be told; empty when nothing is different. Raises Problem("AddressInvalid")."""
    fields = {field.name: field for group in groups() for field in group.fields}
    found: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for name, value in edited.items():
        field = fields[name]
        if value == value_of(target, field):
            continue
        if field.setting:
            system_wide = str(target.settings_origin.get(name, "")).startswith("/")
            settings[name] = "" if value == field.default and not system_wide else value
        elif name == "portals":
            found[name] = parse_portals(str(value))
        else:
            found[name.replace("_", "-")] = value
    return found | ({"settings": settings} if settings else {})


def parse_portals(words: str) -> list[dict[str, Any]]:
    """Return addresses that stand with commas between them. Raises Problem("AddressInvalid")."""
    portals = [parse_portal(part) for part in words.split(",") if part.strip()]
    if not portals:
        raise Problem("AddressInvalid", address=words.strip())
    return portals
