# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.store import PortalRecord, Seen, Store, TargetRecord
from lundock.helper.store.database import FILE
from lundock.helper.store.schema import MIGRATIONS, VERSION
from lundock.helper.supervision import Portal

RECORD = TargetRecord(
    id=0,
    name="iqn.2026-01.org.example:a",
    portals=(Portal("192.0.2.1"), Portal("2001:db8::1", 3261, 7)),
    owner=1000,
    alias="Fächer",
    interface="eth0",
    sign_in="mutual",
    chap_name="me",
    target_chap_name="you",
    settings={"queue_depth": 7, "header_digest": ("CRC32C",), "read_only": True},
)


def with_store(folder: Path, steps: Callable[[Store], Awaitable[None]]) -> None:
    async def whole() -> None:
        store = await Store.open(folder)
        try:
            await steps(store)
        finally:
            await store.close()

    asyncio.run(whole())


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    async def write(store: Store) -> None:
        first = await store.add_target(RECORD)
        assert first == replace(RECORD, id=first.id)
        second = await store.add_target(replace(RECORD, name="iqn.2026-01.org.example:b", settings={}))
        await store.update_target(replace(second, alias="other", portals=(Portal("192.0.2.9"),)))

    async def read(store: Store) -> None:
        first, second = await store.targets()
        assert first == replace(RECORD, id=first.id)
        assert (second.alias, second.portals, second.settings) == ("other", (Portal("192.0.2.9"),), {})
        await store.remove_target(first.id)
        assert await store.targets() == [second]

    with_store(tmp_path, write)
    with_store(tmp_path, read)


def test_portals_and_what_they_named(tmp_path: Path) -> None:
    async def write(store: Store) -> None:
        portal = await store.add_portal(PortalRecord(0, "nas.example:3260", 1000, interval=60, sign_in="chap"))
        with pytest.raises(Problem) as refused:
            await store.add_portal(PortalRecord(0, "nas.example:3260", 1001))
        assert refused.value.code == "AlreadyExists"
        other = await store.add_portal(PortalRecord(0, "nas.example:3260", 1001, interface="eth1"))
        with pytest.raises(Problem) as refused:
            await store.update_portal(replace(other, interface=""))
        assert refused.value.code == "AlreadyExists"
        mine = await store.add_target(RECORD)
        looked = replace(portal, last_result="", last_look=7, last_seen=7)
        found = TargetRecord(0, RECORD.name + "-new", (Portal("192.0.2.2"),), 1000, source=portal.id)
        (new,) = await store.seen(Seen(looked, (found,), (replace(mine, alias="changed"),)))
        assert new == replace(found, id=new.id)

    async def read(store: Store) -> None:
        first, second = await store.portals()
        assert (first.last_seen, first.sign_in, first.interval, second.interface) == (7, "chap", 60, "eth1")
        mine, new = await store.targets()
        assert (mine.alias, mine.source, new.source, new.vanished) == ("changed", 0, first.id, False)
        await store.seen(Seen(first, changed=(replace(new, vanished=True),)))
        assert (await store.targets())[1].vanished
        await store.remove_portal(first.id)
        assert [t.source for t in await store.targets()] == [0, 0]
        assert not (await store.targets())[1].vanished
        assert await store.portals() == [second]

    with_store(tmp_path, write)
    with_store(tmp_path, read)


def test_what_a_look_showed_is_saved_whole_or_not_at_all(tmp_path: Path) -> None:
    async def steps(store: Store) -> None:
        portal = await store.add_portal(PortalRecord(0, "nas.example", 1000))
        mine = await store.add_target(RECORD)
        with pytest.raises(Problem) as refused:  # the second new one has a name that is taken
            await store.seen(
                Seen(
                    replace(portal, last_seen=7),
                    (replace(RECORD, name=RECORD.name + "-new", source=portal.id), RECORD),
                    (replace(mine, alias="changed"),),
                )
            )
        assert refused.value.code == "AlreadyExists"
        assert await store.targets() == [mine]
        assert await store.portals() == [portal]

    with_store(tmp_path, steps)


#: A file as each earlier version wrote it.
OLD: dict[int, str] = {
    1: """
    INSERT INTO options VALUES ('initiator-name', 'iqn.2026-01.org.example:old');
    INSERT INTO targets VALUES (7, 'iqn.2026-01.org.example:a', 'shelf', 'manual', 1000, '', 'chap', 'me', '');
    INSERT INTO portals VALUES (7, 0, '192.0.2.1', 3260, -1), (7, 1, '2001:db8::1', 3261, 2);
    INSERT INTO settings VALUES (7, 'queue_depth', '7');
    INSERT INTO events VALUES (3, 1000, 'connected', 'iqn.2026-01.org.example:a', '{"port": 3260}');
    """,
}


@pytest.mark.parametrize("version", range(1, VERSION))
def test_every_older_file_is_taken_over(tmp_path: Path, version: int) -> None:
    database = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    for script in MIGRATIONS[:version]:
        database.executescript(script)
    database.executescript(OLD[version])
    database.execute(f"PRAGMA user_version = {version}")
    database.close()

    async def steps(store: Store) -> None:
        assert store.damaged is None
        (record,) = await store.targets()
        assert (record.id, record.alias, record.chap_name, record.settings) == (7, "shelf", "me", {"queue_depth": 7})
        assert record.portals == (Portal("192.0.2.1"), Portal("2001:db8::1", 3261, 2))
        assert (record.source, record.vanished) == (0, False)
        assert (await store.initiator("")).name == "iqn.2026-01.org.example:old"
        assert [event.id for event in await store.events(0, 10)] == [3]
        assert await store.portals() == []
        portal = await store.add_portal(PortalRecord(0, "nas.example", 1000))
        await store.update_target(replace(record, source=portal.id))
        assert (await store.targets())[0].source == portal.id

    with_store(tmp_path, steps)


def test_numbers_are_never_given_again(tmp_path: Path) -> None:
    async def steps(store: Store) -> None:
        first = await store.add_target(RECORD)
        await store.remove_target(first.id)
        assert (await store.add_target(RECORD)).id > first.id

    with_store(tmp_path, steps)


def test_a_name_is_saved_once(tmp_path: Path) -> None:
    async def steps(store: Store) -> None:
        await store.add_target(RECORD)
        with pytest.raises(Problem) as refused:
            await store.add_target(RECORD)
        assert refused.value.code == "AlreadyExists"
        assert len(await store.targets()) == 1

    with_store(tmp_path, steps)


def test_a_change_is_whole_or_not_at_all(tmp_path: Path) -> None:
    async def steps(store: Store) -> None:
        record = await store.add_target(RECORD)
        broken = replace(record, alias="new", portals=(Portal("192.0.2.1", "no number"),))  # type: ignore[arg-type]
        with pytest.raises(sqlite3.Error):
            await store.update_target(broken)
        assert await store.targets() == [record]

    with_store(tmp_path, steps)


def test_the_name_is_made_once(tmp_path: Path) -> None:
    found: list[str] = []

    async def steps(store: Store) -> None:
        found.append((await store.initiator("m")).name)

    with_store(tmp_path, steps)
    with_store(tmp_path, steps)
    with_store(tmp_path / "other", steps)
    assert found[0] == found[1] != found[2]
    assert found[0].startswith("iqn.2026-01.io.github.lundock:")


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    async def steps(store: Store) -> None:
        await store.add_target(RECORD)
        for file in folder.iterdir():
            assert file.stat().st_mode & 0o077 == 0, file

    folder = tmp_path / "state"
    old = os.umask(0)
    try:
        with_store(folder, steps)
    finally:
        os.umask(old)
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_put_aside(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)

    async def steps(store: Store) -> None:
        assert store.damaged is not None
        assert store.damaged.read_bytes() == damage
        assert await store.targets() == []
        await store.add_target(RECORD)

    async def again(store: Store) -> None:
        assert store.damaged is None
        assert len(await store.targets()) == 1

    with_store(tmp_path, steps)
    with_store(tmp_path, again)


def test_a_page_that_was_overwritten_is_found(tmp_path: Path) -> None:
    async def fill(store: Store) -> None:
        for number in range(200):
            await store.add_target(replace(RECORD, name=f"{RECORD.name}-{number}"))

    with_store(tmp_path, fill)
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * 8192)

    async def steps(store: Store) -> None:
        assert store.damaged is not None

    with_store(tmp_path, steps)


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    async def nothing(store: Store) -> None:
        pass

    with_store(tmp_path, nothing)
    database = sqlite3.connect(tmp_path / FILE)
    database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    with pytest.raises(Problem) as refused:
        with_store(tmp_path, nothing)
    assert refused.value.code == "NotSupported"
    assert sorted(file.name for file in tmp_path.iterdir() if "damaged" in file.name) == []


def test_a_setting_of_another_version_stays_at_its_default(tmp_path: Path) -> None:
    async def add(store: Store) -> None:
        await store.add_target(RECORD)

    with_store(tmp_path, add)
    database = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    database.execute("""INSERT INTO settings VALUES (1, 'from_the_future', '1')""")
    database.execute("""UPDATE settings SET value = '"many"' WHERE name = 'queue_depth'""")
    database.close()

    async def steps(store: Store) -> None:
        (record,) = await store.targets()
        assert record.settings == {"header_digest": ("CRC32C",), "read_only": True}

    with_store(tmp_path, steps)


def test_the_timeline_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lundock.helper.store.database.MAX_EVENTS", 5)

    async def steps(store: Store) -> None:
        for number in range(12):
            await store.add_event("kind", "target", {"number": number})
        assert [event.detail["number"] for event in await store.events(0, 1000)] == [7, 8, 9, 10, 11]
        assert [event.detail["number"] for event in await store.events(0, 2)] == [10, 11]
        last = (await store.events(0, 1))[0].id
        assert await store.events(last, 1000) == []
        assert await store.events(2**64 - 1, 1000) == []

    with_store(tmp_path, steps)


async def add_many(store: Store) -> None:
    for number in range(1000):
        await store.add_target(replace(RECORD, name=f"iqn.2026-01.org.example:{number}"))


def test_a_full_disk_has_a_name_and_changes_nothing(tmp_path: Path) -> None:
    def fill(database: sqlite3.Connection) -> None:
        database.execute("PRAGMA max_page_count = 1")  # SQLite takes the pages that there are

    async def steps(store: Store) -> None:
        saved = await store.add_target(RECORD)
        await store._run(fill)
        with pytest.raises(Problem) as full:
            await add_many(store)
        assert (full.value.code, full.value.attrs) == ("StoreFailed", {"detail": "SQLITE_FULL"})
        assert saved in await store.targets()
        await store._run(lambda database: database.execute("PRAGMA max_page_count = 100000"))
        await store.remove_target(saved.id)
        assert saved not in await store.targets()

    with_store(tmp_path, steps)
