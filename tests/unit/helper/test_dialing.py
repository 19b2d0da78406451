# SPDX-License-Identifier: Apache-2.0
"""Where a worker wants to go comes from a target, or from a worker that was taken over."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from lundock.helper import dialing
from lundock.helper.api.control import Message
from lundock.helper.api.errors import Problem
from lundock.helper.dialing import MAX_LEARNT, Answerer, Dialer
from lundock.helper.supervision import Portal
from lundock.helper.worker_process import LeftWorker

NUMBERS = {"nas.example": ("192.0.2.1", "192.0.2.2")}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], str]]:
    """Where connections went, and by what name."""
    found: list[tuple[tuple[str, ...], str]] = []

    async def connect(numbers: Sequence[str], _port: int, *, shown: str, **_options: Any) -> socket.socket:
        found.append((tuple(numbers), shown))
        return socket.socket()

    async def resolve(_nursery: object, host: str) -> tuple[str, ...]:
        return NUMBERS.get(host, (host,))

    monkeypatch.setattr("lundock.helper.connector.connect", connect)
    monkeypatch.setattr("lundock.helper.resolver.resolve", resolve)
    return found


def test_a_target_that_names_ever_new_addresses_does_not_push_out_our_own(
    asked: list[tuple[tuple[str, ...], str]],
) -> None:
    async def main() -> None:
        dialer = Dialer(cast("Any", None), "", 1.0)
        assert await dialer.numeric([Portal("nas.example", 3260)]) == (Portal("192.0.2.1", 3260, -1),)
        for number in range(1000):
            (await dialer.connect(f"198.51.{number // 256}.{number % 256}", 3260)).close()
        assert len(dialer.known) <= MAX_LEARNT + 4
        assert len(dialer._names) <= MAX_LEARNT + 4
        (await dialer.connect("192.0.2.1", 3260)).close()
        assert asked[-1] == (("192.0.2.1", "192.0.2.2"), "nas.example")

    asyncio.run(main())


def test_one_way_to_one_of_the_numbers_is_enough(
    asked: list[tuple[tuple[str, ...], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[tuple[str, str]] = []

    def route(number: str, interface: str) -> None:
        ways.append((number, interface))
        if number != "192.0.2.2":
            raise Problem("NetworkUnreachable", address=number)

    def cannot_be_asked(_number: str, _interface: str) -> None:
        raise Problem("NotSupported", what="asking", detail="")

    monkeypatch.setattr("lundock.helper.routes.route", route)

    async def main() -> None:
        dialer = Dialer(cast("Any", None), "eth7", 1.0)
        dialer.find_way(await dialer.numeric([Portal("nas.example", 3260), Portal("192.0.2.9", 3260)]))
        assert ways == [("192.0.2.1", "eth7"), ("192.0.2.2", "eth7")]
        with pytest.raises(Problem) as none:
            dialer.find_way(await dialer.numeric([Portal("192.0.2.9", 3260), Portal("192.0.2.10", 3260)]))
        assert none.value.attrs == {"address": "192.0.2.9"}, "the first one's"
        monkeypatch.setattr("lundock.helper.routes.route", cannot_be_asked)
        dialer.find_way(await dialer.numeric([Portal("192.0.2.9", 3260)]))  # connecting will tell

    asyncio.run(main())
    assert asked == [], "nothing was connected"


class Process:
    """A worker that wants connections."""

    def __init__(self) -> None:
        self.got = 0

    async def request(self, _kind: str, _fields: dict[str, Any], _descriptors: dict[str, int]) -> None:
        self.got += 1


def test_a_worker_that_wants_connections_without_end_waits_for_them(
    asked: list[tuple[tuple[str, ...], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "WANTED", (3, 0))
    monkeypatch.setattr(dialing, "PAUSE", 3600)

    async def main() -> None:
        process = Process()
        answerer = Answerer(Dialer(cast("Any", None), "", 1.0), lambda _sock: None)
        portal = {"address": "192.0.2.9", "port": 3260, "portal_group": 1}
        for number in range(20):
            answerer.wanted(cast("Any", process), Message("want_connection", {"request": number + 1, "portal": portal}))
            for _ in range(20):
                await asyncio.sleep(0)
        answerer.stop()
        assert process.got == len(asked) == 3

    asyncio.run(main())


def test_a_left_worker_that_takes_no_connections_any_more_is_still_there(tmp_path: Path) -> None:
    """A login of ours would take its session, and with it the disk under somebody's file system."""

    async def main() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(tmp_path / "x.sock"))
            listener.listen(0)
            waiting = LeftWorker(tmp_path / "x.sock")
            left = LeftWorker(tmp_path / "x.sock")
            assert await waiting.find()
            assert await left.find()
            assert not await left.send_away()
            waiting._channel.close()  # type: ignore[union-attr]

    asyncio.run(main())
