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


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """A saved target. `settings` are those that differ from the defaults; `id` is 0 until it is stored."""

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
        **fields,
    )


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
