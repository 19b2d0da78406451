# SPDX-License-Identifier: Apache-2.0
"""The tables. Each migration leads from one version (PRAGMA user_version) to the next; they are only ever added to."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE options (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE targets (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        alias TEXT NOT NULL,
        startup TEXT NOT NULL,
        owner INTEGER NOT NULL,
        interface TEXT NOT NULL,
        sign_in TEXT NOT NULL,
        chap_name TEXT NOT NULL,
        target_chap_name TEXT NOT NULL
    ) STRICT;
    CREATE TABLE portals (
        target INTEGER NOT NULL REFERENCES targets (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        address TEXT NOT NULL,
        port INTEGER NOT NULL,
        portal_group INTEGER NOT NULL,
        PRIMARY KEY (target, position)
    ) STRICT;
    CREATE TABLE settings (
        target INTEGER NOT NULL REFERENCES targets (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (target, name)
    ) STRICT;
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        kind TEXT NOT NULL,
        target TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE discovery (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        address TEXT NOT NULL,
        method TEXT NOT NULL,
        interval INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        interface TEXT NOT NULL,
        sign_in TEXT NOT NULL,
        chap_name TEXT NOT NULL,
        target_chap_name TEXT NOT NULL,
        last_result TEXT NOT NULL,
        last_look INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        UNIQUE (address, interface)
    ) STRICT;
    ALTER TABLE targets ADD COLUMN source INTEGER REFERENCES discovery (id) ON DELETE SET NULL;
    ALTER TABLE targets ADD COLUMN vanished INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX targets_source ON targets (source);
    """,
)
VERSION = len(MIGRATIONS)
