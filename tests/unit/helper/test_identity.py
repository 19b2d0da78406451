# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.identity import MACHINE_CHANGED, Identity, machine_mark
from lundock.helper.store import Store


def with_identity(folder: Path, machine: str, steps: Callable[[Identity], Awaitable[None]]) -> None:
    async def whole() -> None:
        store = await Store.open(folder)
        try:
            identity = Identity(store, machine)
            await identity.start()
            await steps(identity)
        finally:
            await store.close()

    asyncio.run(whole())


def test_a_name_for_one_machine(tmp_path: Path) -> None:
    names: list[str] = []

    async def same(identity: Identity) -> None:
        names.append(identity.name)
        assert identity.warning == ""

    async def cloned(identity: Identity) -> None:
        names.append(identity.name)
        assert identity.warning == MACHINE_CHANGED
        await identity.set_name("")
        assert identity.warning == ""
        assert identity.name != names[0]
        names.append(identity.name)

    with_identity(tmp_path, "one", same)
    with_identity(tmp_path, "one", same)
    with_identity(tmp_path, "two", cloned)
    with_identity(tmp_path, "two", same)
    assert names[0] == names[1] == names[2] != names[3] == names[4]


def test_the_name_may_be_said_to_be_right(tmp_path: Path) -> None:
    async def first(identity: Identity) -> None:
        await identity.set_name("iqn.2026-01.org.example:me")

    async def moved(identity: Identity) -> None:
        assert identity.warning == MACHINE_CHANGED
        await identity.set_name(identity.name)

    async def after(identity: Identity) -> None:
        assert (identity.warning, identity.name) == ("", "iqn.2026-01.org.example:me")

    with_identity(tmp_path, "one", first)
    with_identity(tmp_path, "two", moved)
    with_identity(tmp_path, "two", after)


def test_a_machine_without_a_number_is_not_doubted(tmp_path: Path) -> None:
    async def fine(identity: Identity) -> None:
        assert identity.warning == ""

    for machine in ("", "one", "", "one"):
        with_identity(tmp_path, machine, fine)


def test_the_alias(tmp_path: Path) -> None:
    async def first(identity: Identity) -> None:
        assert identity.alias == socket.gethostname()
        await identity.set_alias("the workstation")
        with pytest.raises(Problem):
            await identity.set_alias("x" * 256)

    async def second(identity: Identity) -> None:
        assert identity.alias == "the workstation"
        await identity.set_alias("")
        assert identity.alias == socket.gethostname()

    with_identity(tmp_path, "", first)
    with_identity(tmp_path, "", second)
    with_identity(tmp_path, "", first)


def test_the_mark_does_not_tell_the_number(tmp_path: Path) -> None:
    file = tmp_path / "machine-id"
    assert machine_mark(file) == ""
    for nothing in ("", "uninitialized\n"):
        file.write_text(nothing)
        assert machine_mark(file) == ""
    number = "0123456789abcdef" * 2
    file.write_text(number + "\n")
    mark = machine_mark(file)
    assert len(mark) == 32
    assert mark != number
    assert mark == machine_mark(file)


def test_an_alias_that_could_not_be_sent_keeps_nobody_from_connecting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def saved_by_an_earlier_version(identity: Identity) -> None:
        await identity._store.set_initiator_alias("my\u2028desk")

    async def after(identity: Identity) -> None:
        assert identity.alias == "desk"
        monkeypatch.setattr(socket, "gethostname", lambda: "de\nsk")
        await identity.set_alias("")
        assert identity.alias == ""

    monkeypatch.setattr(socket, "gethostname", lambda: "desk")
    with_identity(tmp_path, "one", saved_by_an_earlier_version)
    with_identity(tmp_path, "one", after)
