# SPDX-License-Identifier: Apache-2.0
"""What the bus thread says arrives in Qt's thread, in order, and not after the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

pytest.importorskip("PySide6")

from lundock.app.client.client import Client
from lundock.app.client.link import Where
from lundock.app.model.bridge import Bus
from lundock.helper.api.errors import Problem
from support.fake_helper import RunningFake


@pytest.fixture
def bus(qtbot: Any, fake: RunningFake) -> Iterator[Bus]:
    made = Bus(Where("address", fake.address))
    made.start()
    qtbot.waitUntil(lambda: made.snapshot_now.ready, timeout=10_000)
    yield made
    made.stop()


def test_results_and_problems_come_back_here(qtbot: Any, bus: Bus) -> None:
    here, seen = threading.get_ident(), []

    async def work(_client: Client) -> int:
        assert threading.get_ident() != here
        return 7

    async def fail(_client: Client) -> int:
        raise Problem("NotConnected", target="x")

    bus.run(work, lambda result: seen.append((result, threading.get_ident())))
    bus.run(fail, None, lambda problem: seen.append((problem.code, threading.get_ident())))
    qtbot.waitUntil(lambda: len(seen) == 2, timeout=10_000)
    assert seen == [(7, here), ("NotConnected", here)]


def test_a_target_that_is_being_set_up_is_not_shown_until_it_is_settled(
    qtbot: Any, bus: Bus, fake: RunningFake
) -> None:
    path = fake.add("backup")
    qtbot.waitUntil(lambda: path in bus.snapshot_now.targets, timeout=10_000)
    name = bus.snapshot_now.targets[path].name
    bus.set_up(name)
    assert path not in bus.shown.targets
    with qtbot.waitSignal(bus.changed):
        bus.settled([name])
    assert path in bus.shown.targets


def test_the_figures_come_while_somebody_watches(qtbot: Any, bus: Bus) -> None:
    with qtbot.waitSignal(bus.figures, timeout=10_000):
        bus.watch(on=True)
    bus.watch(on=False)


def test_after_the_end_nothing_is_called_any_more(qtbot: Any, bus: Bus) -> None:
    called: list[int] = []
    late: Future[int] = Future()
    bus.later(late, called.append, lambda _problem: called.append(0))
    bus.call(lambda: called.append(1))
    bus.stop()
    late.set_result(2)
    qtbot.wait(50)
    assert called == []
