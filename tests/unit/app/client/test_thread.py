# SPDX-License-Identifier: Apache-2.0
"""The bus in a thread of its own: what is submitted ends exactly once, with a result or a Problem."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from queue import Queue
from typing import Any

import pytest
from lundock.app.client.client import Client
from lundock.app.client.link import Where
from lundock.app.client.mirror import Link, Snapshot
from lundock.app.client.thread import BusThread
from lundock.helper.api.errors import Problem
from support.fake_helper import RunningFake

PATIENCE = 20


class Told:
    """Keeps what the thread says."""

    def __init__(self) -> None:
        self.snapshots: Queue[Snapshot] = Queue()
        self.statistics: Queue[Mapping[str, Any]] = Queue()
        self.threads: set[str] = set()

    def on_snapshot(self, snapshot: Snapshot) -> None:
        self.threads.add(threading.current_thread().name)
        self.snapshots.put(snapshot)

    def on_event(self, event: Mapping[str, Any]) -> None:
        pass

    def on_statistics(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        self.statistics.put(values)

    def until_ready(self) -> Snapshot:
        while not (found := self.snapshots.get(timeout=PATIENCE)).ready:
            pass
        return found


class Ends:
    """A callback that keeps how work ended."""

    def __init__(self) -> None:
        self.queue: Queue[tuple[Any, Problem | None]] = Queue()

    def __call__(self, result: Any, problem: Problem | None) -> None:
        self.queue.put((result, problem))

    def end(self) -> tuple[Any, str]:
        result, problem = self.queue.get(timeout=PATIENCE)
        assert self.queue.empty(), "once"
        return result, problem.code if problem is not None else ""


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def thread(fake: RunningFake, told: Told) -> Iterator[BusThread]:
    made = BusThread(Where("address", fake.address), told)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def test_work_is_done_there_and_its_end_is_told(thread: BusThread, told: Told, fake: RunningFake) -> None:
    fake.add("backup")
    told.until_ready()

    async def count(client: Client) -> tuple[int, str]:
        await client.connection.flush()
        return len(client.snapshot.targets), threading.current_thread().name

    ends = Ends()
    thread.submit(count, ends)
    assert ends.end() == ((1, "bus"), "")
    assert told.threads == {"bus"}


def test_what_goes_wrong_is_a_problem_whatever_it_is(thread: BusThread, told: Told) -> None:
    told.until_ready()

    async def known(_client: Client) -> None:
        raise Problem("NotConnected", target="x")

    async def unknown(_client: Client) -> None:
        raise ZeroDivisionError

    for work, code in ((known, "NotConnected"), (unknown, "Internal")):
        ends = Ends()
        thread.submit(work, ends)
        assert ends.end() == (None, code)


def test_cancelled_work_ends_as_cancelled_also_at_the_end_of_the_thread(thread: BusThread, told: Told) -> None:
    told.until_ready()
    begun = threading.Event()

    async def for_ever() -> None:
        begun.set()
        await asyncio.sleep(3600)

    first, second, after = Ends(), Ends(), Ends()
    work = thread.submit_alone(for_ever, first)
    assert begun.wait(PATIENCE)
    work.cancel()
    assert first.end() == (None, "Cancelled")
    thread.submit_alone(for_ever, second)
    thread.stop()
    assert second.end() == (None, "Cancelled")
    thread.submit_alone(for_ever, after)
    assert after.end() == (None, "Cancelled")


def test_without_a_bus_it_says_so_and_work_that_needs_the_helper_fails_at_once(told: Told) -> None:
    thread = BusThread(Where("address", "unix:path=/nonexistent/bus"), told)
    thread.start()
    try:
        assert told.snapshots.get(timeout=PATIENCE).link is Link.NO_BUS

        async def work(_client: Client) -> None:
            raise AssertionError

        ends = Ends()
        thread.submit(work, ends)
        assert ends.end() == (None, "HelperUnavailable")
    finally:
        thread.stop()


def test_the_counters_are_looked_at_only_while_somebody_watches(thread: BusThread, told: Told) -> None:
    told.until_ready()
    assert told.statistics.empty()
    thread.watch_statistics(0.01)
    told.statistics.get(timeout=PATIENCE)
    told.statistics.get(timeout=PATIENCE)
