# SPDX-License-Identifier: Apache-2.0
"""The store's file, and what is done with it. One thread does it all; callers await."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from ..api.errors import Problem
from . import records, rows
from .records import Seen, transaction
from .rows import Event, Initiator, PortalRecord, TargetRecord
from .schema import MIGRATIONS, VERSION

log = logging.getLogger(__name__)

FILE = "lundock.db"
#: Of the timeline the newest are kept.
MAX_EVENTS = 10_000
NAME_PREFIX = "iqn.2026-01.io.github.lundock:"

P = ParamSpec("P")
R = TypeVar("R")


class Store:
    """Everything that is saved. `damaged` is where a damaged file was put aside when this one was opened, else None."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._thread = ThreadPoolExecutor(1, "store")
        self._database: sqlite3.Connection
        self.damaged: Path | None = None

    @classmethod
    async def open(cls, folder: Path) -> Store:
        """Open the store in `folder`, which is made when missing; a damaged file is put aside and a new one begun.

        Raises Problem("NotSupported") when a newer version wrote the file.
        """
        store = cls(folder)
        try:
            await asyncio.get_running_loop().run_in_executor(store._thread, store._open)
        except BaseException:
            store._thread.shutdown(wait=False)
            raise
        return store

    async def close(self) -> None:
        """Close it."""
        await self._run(sqlite3.Connection.close)
        self._thread.shutdown()

    async def _run(self, work: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        try:
            # shielded: what was begun is finished, whoever stops waiting for it
            return await asyncio.shield(
                loop.run_in_executor(self._thread, lambda: work(self._database, *args, **kwargs))
            )
        except sqlite3.OperationalError as error:
            log.error("the store: %s", error)  # noqa: TRY400 - it is SQLite's, not ours
            raise Problem("StoreFailed", detail=error.sqlite_errorname) from None

    # ---- records -----------------------------------------------------------------------------------------------------

    async def targets(self) -> list[TargetRecord]:
        """Return every record."""
        return await self._run(records.targets)

    async def add_target(self, record: TargetRecord) -> TargetRecord:
        """Save a new record and return it with its id. Raises Problem("AlreadyExists")."""
        return await self._run(records.add_target, record)

    async def update_target(self, record: TargetRecord) -> None:
        """Save a changed record; all of it or nothing."""
        await self._run(records.update_target, record)

    async def remove_target(self, number: int) -> None:
        """Forget a record."""
        await self._run(records.remove_target, number)

    async def portals(self) -> list[PortalRecord]:
        """Return every discovery address that is kept."""
        return await self._run(records.portals)

    async def add_portal(self, record: PortalRecord) -> PortalRecord:
        """Save a new one and return it with its id. Raises Problem("AlreadyExists")."""
        return await self._run(records.add_portal, record)

    async def update_portal(self, record: PortalRecord) -> None:
        """Save a changed one. Raises Problem("AlreadyExists")."""
        await self._run(records.update_portal, record)

    async def remove_portal(self, number: int) -> None:
        """Forget one; the targets that it named stay, without a source."""
        await self._run(records.remove_portal, number)

    async def seen(self, seen: Seen) -> list[TargetRecord]:
        """Save what a look at a portal showed, all or nothing; returns the new targets with their ids."""
        return await self._run(records.save_seen, seen)

    # ---- this computer -----------------------------------------------------------------------------------------------

    async def initiator(self, machine: str) -> Initiator:
        """Return this computer's iSCSI name; it is made, for this machine, when there is none yet."""
        return await self._run(_initiator, machine)

    async def set_initiator_name(self, name: str, machine: str) -> str:
        """Save another name, or make one for an empty one, for this machine; returns it."""
        name = name or _new_name()
        await self._run(_set_options, {"initiator-name": name, "machine": machine})
        return name

    async def set_initiator_alias(self, alias: str) -> None:
        """Save another alias; empty: none."""
        await self._run(_set_options, {"initiator-alias": alias})

    # ---- the timeline ------------------------------------------------------------------------------------------------

    async def add_event(self, kind: str, target: str, detail: Mapping[str, str | int]) -> Event:
        """Save an event that happens now."""
        return await self._run(_add_event, time.time_ns() // 1000, kind, target, detail)

    async def events(self, since: int, limit: int) -> list[Event]:
        """Return the newest `limit` events with a number above `since`, in order."""
        return await self._run(_events, since, limit)

    # ---- opening (in the thread) -------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._database = _connect(self._path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_CORRUPT:
                raise
            log.error("the store is damaged: %s", error)  # noqa: TRY400 - it is SQLite's, not ours
            self.damaged = _put_aside(self._path)
            self._database = _connect(self._path)


def _connect(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
    try:
        database.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF"):
            database.execute(f"PRAGMA {pragma}")
        _check(database)
        _migrate(database)
        records.targets(database)  # what cannot be read now cannot be read later
    except BaseException:
        database.close()
        raise
    return database


def _check(database: sqlite3.Connection) -> None:
    result = database.execute("PRAGMA quick_check").fetchone()[0]
    if result != "ok":
        raise sqlite3.DatabaseError(result)


def _migrate(database: sqlite3.Connection) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise Problem("NotSupported", what="the saved targets", detail="A newer version of Lundock wrote them.")
    for number in range(version, VERSION):
        with transaction(database):
            for statement in MIGRATIONS[number].split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number + 1}")


def _put_aside(path: Path) -> Path:
    """Rename the file and what belongs to it; return the new name."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}-{secrets.token_hex(2)}")
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    return aside


def _option(database: sqlite3.Connection, name: str) -> str:
    row = database.execute("SELECT value FROM options WHERE name = ?", (name,)).fetchone()
    return str(row["value"]) if row else ""


def _set_options(database: sqlite3.Connection, values: Mapping[str, str]) -> None:
    with transaction(database):
        database.executemany("INSERT OR REPLACE INTO options VALUES (?, ?)", values.items())


def _new_name() -> str:
    return NAME_PREFIX + secrets.token_hex(6)


def _initiator(database: sqlite3.Connection, machine: str) -> Initiator:
    if not _option(database, "initiator-name"):
        _set_options(database, {"initiator-name": _new_name(), "machine": machine})
    elif not _option(database, "machine"):  # an earlier version made the name, or the machine had no id then
        _set_options(database, {"machine": machine})
    name, alias = _option(database, "initiator-name"), _option(database, "initiator-alias")
    return Initiator(name, alias, _option(database, "machine"))


def _add_event(
    database: sqlite3.Connection, now: int, kind: str, target: str, detail: Mapping[str, str | int]
) -> Event:
    with transaction(database):
        cursor = database.execute(
            "INSERT INTO events (time, kind, target, detail) VALUES (?, ?, ?, ?)",
            (now, kind, target, json.dumps(dict(detail))),
        )
        number = cursor.lastrowid or 0
        database.execute("DELETE FROM events WHERE id <= ?", (number - MAX_EVENTS,))
    return Event(number, now, kind, target, dict(detail))


def _events(database: sqlite3.Connection, since: int, limit: int) -> list[Event]:
    found = database.execute(
        "SELECT * FROM events WHERE id > ? ORDER BY id DESC LIMIT ?", (min(since, 2**63 - 1), limit)
    ).fetchall()
    return [rows.event(row) for row in reversed(found)]
