# SPDX-License-Identifier: Apache-2.0
"""Targets and portals in the store's tables. Called in the store's thread."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..api.errors import Problem
from . import rows
from .rows import COLUMNS, PORTAL_COLUMNS, PortalRecord, TargetRecord

_TARGET_COLUMNS = (*COLUMNS, "source", "vanished")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a portal showed: the portal's record after it, targets that are new, and those that changed."""

    portal: PortalRecord
    new: tuple[TargetRecord, ...] = ()
    changed: tuple[TargetRecord, ...] = ()


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Do all of the block, or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # where the disk is full SQLite has ended it itself
            database.execute("ROLLBACK")
        raise


def targets(database: sqlite3.Connection) -> list[TargetRecord]:
    """Return every target."""

    def of(table: str, number: int) -> list[sqlite3.Row]:
        return database.execute(f"SELECT * FROM {table} WHERE target = ? ORDER BY 2", (number,)).fetchall()  # noqa: S608

    found = database.execute("SELECT * FROM targets ORDER BY id").fetchall()
    return [rows.record(row, of("portals", row["id"]), of("settings", row["id"])) for row in found]


def add_target(database: sqlite3.Connection, record: TargetRecord) -> TargetRecord:
    """Save a target and return it with its id. Raises Problem("AlreadyExists")."""
    with transaction(database):
        return _insert_target(database, record)


def update_target(database: sqlite3.Connection, record: TargetRecord) -> None:
    """Save a changed target."""
    with transaction(database):
        _change_target(database, record)


def remove_target(database: sqlite3.Connection, number: int) -> None:
    """Forget a target."""
    with transaction(database):
        database.execute("DELETE FROM targets WHERE id = ?", (number,))


def portals(database: sqlite3.Connection) -> list[PortalRecord]:
    """Return every portal."""
    return [rows.portal(row) for row in database.execute("SELECT * FROM discovery ORDER BY id")]


def add_portal(database: sqlite3.Connection, record: PortalRecord) -> PortalRecord:
    """Save a portal and return it with its id. Raises Problem("AlreadyExists")."""
    with transaction(database):
        return replace(record, id=_insert(database, "discovery", PORTAL_COLUMNS, _values(record), record.address))


def update_portal(database: sqlite3.Connection, record: PortalRecord) -> None:
    """Save a changed portal. Raises Problem("AlreadyExists")."""
    with transaction(database):
        _change_portal(database, record)


def remove_portal(database: sqlite3.Connection, number: int) -> None:
    """Forget a portal; its targets stay, and nobody says of them any more that they vanished."""
    with transaction(database):
        database.execute("UPDATE targets SET vanished = 0 WHERE source = ?", (number,))
        database.execute("DELETE FROM discovery WHERE id = ?", (number,))


def save_seen(database: sqlite3.Connection, seen: Seen) -> list[TargetRecord]:
    """Save what a look showed; returns the new targets with their ids."""
    with transaction(database):
        _change_portal(database, seen.portal)
        for record in seen.changed:
            _change_target(database, record)
        return [_insert_target(database, record) for record in seen.new]


def _insert(database: sqlite3.Connection, table: str, columns: Sequence[str], values: Sequence[Any], what: str) -> int:
    marks = ", ".join("?" * len(columns))
    try:
        cursor = database.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 - our own names
            values,
        )
    except sqlite3.IntegrityError:
        raise Problem("AlreadyExists", what=what) from None
    return cursor.lastrowid or 0


def _insert_target(database: sqlite3.Connection, record: TargetRecord) -> TargetRecord:
    number = _insert(database, "targets", _TARGET_COLUMNS, _target_values(record), record.name)
    stored = replace(record, id=number)
    _add_parts(database, stored)
    return stored


def _target_values(record: TargetRecord) -> list[Any]:
    return [*(getattr(record, column) for column in COLUMNS), record.source or None, int(record.vanished)]


def _add_parts(database: sqlite3.Connection, record: TargetRecord) -> None:
    database.executemany(
        "INSERT INTO portals VALUES (?, ?, ?, ?, ?)",
        [(record.id, n, p.address, p.port, p.portal_group) for n, p in enumerate(record.portals)],
    )
    database.executemany(
        "INSERT INTO settings VALUES (?, ?, ?)",
        [(record.id, name, json.dumps(value)) for name, value in record.settings.items()],
    )


def _change_target(database: sqlite3.Connection, record: TargetRecord) -> None:
    _set(database, "targets", _TARGET_COLUMNS, _target_values(record), record.id)
    database.execute("DELETE FROM portals WHERE target = ?", (record.id,))
    database.execute("DELETE FROM settings WHERE target = ?", (record.id,))
    _add_parts(database, record)


def _values(record: PortalRecord) -> list[Any]:
    return [getattr(record, column) for column in PORTAL_COLUMNS]


def _change_portal(database: sqlite3.Connection, record: PortalRecord) -> None:
    try:
        _set(database, "discovery", PORTAL_COLUMNS, _values(record), record.id)
    except sqlite3.IntegrityError:
        raise Problem("AlreadyExists", what=record.address) from None


def _set(database: sqlite3.Connection, table: str, columns: Sequence[str], values: Sequence[Any], number: int) -> None:
    sets = ", ".join(f"{column} = ?" for column in columns)
    database.execute(f"UPDATE {table} SET {sets} WHERE id = ?", [*values, number])  # noqa: S608 - our own names
