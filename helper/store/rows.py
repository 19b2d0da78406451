# SPDX-License-Identifier: Apache-2.0
"""The records that the store keeps, and their form in its tables."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..api.errors import Problem
from ..api.settings import Value, check_all
from ..supervision import Portal

log = logging.getLogger(__name__)

#: The columns of a target that are its record's fields under the same name.
COLUMNS = ("name", "alias", "startup", "owner", "interface", "sign_in", "chap_name", "target_chap_name")
#: The columns of a portal that are its record's fields under the same name.
PORTAL_COLUMNS = (
    "address", "method", "interval", "owner", "interface", "sign_in", "chap_name", "target_chap_name",
    "last_result", "last_look", "last_seen",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """A saved target. `settings` are those that were set for it; `id` is 0 until it is stored.

    `source` is the id of the portal that keeps it up to date, 0 when a person saved it; `vanished`: that portal does
    not name it any more.
    """

    id: int
    name: str
    portals: tuple[Portal, ...]
    owner: int
    alias: str = ""
    startup: str = "manual"
    interface: str = ""
    sign_in: str = "none"
    chap_name: str = ""
    target_chap_name: str = ""
    settings: Mapping[str, Value] = field(default_factory=dict)
    source: int = 0
    vanished: bool = False


@dataclass(frozen=True, slots=True)
class PortalRecord:
    """A discovery address that is kept. Times in microseconds since 1970, 0: never.

    `interval`: seconds from look to look, 0: only when asked; `last_result`: an error's code, empty when it went well;
    `last_look`: the last attempt, `last_seen`: the last that went well.
    """

    id: int
    address: str
    owner: int
    method: str = "sendtargets"
    interval: int = 0
    interface: str = ""
    sign_in: str = "none"
    chap_name: str = ""
    target_chap_name: str = ""
    last_result: str = ""
    last_look: int = 0
    last_seen: int = 0


@dataclass(frozen=True, slots=True)
class Initiator:
    """This computer's iSCSI name, its alias (empty: none), and the mark of the machine that the name was made for."""

    name: str
    alias: str
    machine: str


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the timeline; `time` in microseconds since 1970, `target` is a target's name or empty."""

    id: int
    time: int
    kind: str
    target: str
    detail: Mapping[str, str | int]


def record(row: sqlite3.Row, portals: list[sqlite3.Row], settings: list[sqlite3.Row]) -> TargetRecord:
    """Build a record from its rows."""
    fields: dict[str, Any] = {name: row[name] for name in COLUMNS}
    return TargetRecord(
        id=row["id"],
        portals=tuple(Portal(p["address"], p["port"], p["portal_group"]) for p in portals),
        settings=_settings(row["name"], settings),
        source=row["source"] or 0,
        vanished=bool(row["vanished"]),
        **fields,
    )


def portal(row: sqlite3.Row) -> PortalRecord:
    """Build a portal's record from its row."""
    fields: dict[str, Any] = {name: row[name] for name in PORTAL_COLUMNS}
    return PortalRecord(id=row["id"], **fields)


def _settings(name: str, rows: list[sqlite3.Row]) -> dict[str, Value]:
    """Read the settings; one that this version does not know, or not with this value, is left at its default."""
    found: dict[str, Value] = {}
    for row in rows:
        try:
            found |= check_all({row["name"]: json.loads(row["value"])})
        except (Problem, ValueError):
            log.warning("target %s: the setting %s is not usable and stays at its default", name, row["name"])
    return found


def event(row: sqlite3.Row) -> Event:
    """Build an event from its row."""
    return Event(row["id"], row["time"], row["kind"], row["target"], json.loads(row["detail"]))
