# SPDX-License-Identifier: Apache-2.0
"""The records, killed 200 times in the middle of writes: what was answered is there, nothing is half there."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lundock.helper.store import PortalRecord, Store, TargetRecord
from support import procs

KILLS = 200

#: Forks a writer for each line (a folder) and tells when it has ended. The writer says "ok" after each answer.
WRITERS = """
import asyncio, json, os, sys
from dataclasses import replace
from pathlib import Path
from lundock.helper.api.settings import table
from lundock.helper.store import PortalRecord, Seen, Store, TargetRecord
from lundock.helper.supervision import Portal

table()

def say(**words):
    os.write(1, json.dumps(words).encode() + b"\\n")

def record(name, rev, number=0):
    # everything about it tells the same revision
    portals = tuple(Portal(f"192.0.2.{n + 1}", 1000 + rev) for n in range(rev % 4 + 1))
    settings = {"queue_depth": rev + 1, "command_timeout": rev + 1}
    return TargetRecord(number, name, portals, 1000, alias=f"rev-{rev}", chap_name=f"rev-{rev}", settings=settings)

async def write(folder, tag):
    store = await Store.open(Path(folder))
    say(begun=os.getpid(), damaged=str(store.damaged or ""))
    portal = await store.add_portal(PortalRecord(0, f"nas-{tag}.example", 1000))
    say(ok="portal", name=portal.address)
    for number in range(1000):
        name = f"iqn.2026-01.org.example:{tag}-{number}"
        if number % 3 == 2:
            portal = replace(portal, last_look=number, last_seen=number)
            twin = record(name + "-twin", 0)
            await store.seen(Seen(portal, (record(name, 0), twin)))
            say(ok="seen", name=name)
            continue
        target = await store.add_target(record(name, 0))
        say(ok="rev", name=name, rev=0)
        for rev in range(1, 4):
            await store.update_target(record(name, rev, target.id))
            say(ok="rev", name=name, rev=rev)
        event = await store.add_event("written", name, {"rev": 3})
        say(ok="event", id=event.id)
        if number % 2:
            await store.remove_target(target.id)
            say(ok="gone", name=name)

for line in sys.stdin:
    folder, tag = line.split()
    child = os.fork()
    if not child:
        try:
            asyncio.run(write(folder, tag))
        finally:
            os._exit(1)
    os.waitpid(child, 0)
    say(ended=child)
"""


class Model:
    """What was answered."""

    def __init__(self) -> None:
        self.revs: dict[str, int] = {}
        self.gone: set[str] = set()
        self.seen: set[str] = set()
        self.events: set[int] = set()
        self.portals: set[str] = set()

    def answered(self, words: dict[str, object]) -> None:
        kind, name = words["ok"], str(words.get("name"))
        if kind == "rev":
            self.revs[name] = int(str(words["rev"]))
        elif kind == "gone":
            self.gone.add(name)
            del self.revs[name]
        elif kind == "seen":
            self.seen.add(name)
        elif kind == "portal":
            self.portals.add(name)
        else:
            self.events.add(int(str(words["id"])))

    def check(self, targets: list[TargetRecord], portals: list[PortalRecord], events: set[int]) -> None:
        """Everything that was answered is there; what was not is there whole, or not at all."""
        stored = {target.name: target for target in targets}
        assert len(stored) == len(targets)
        unknown = 0
        for name, target in stored.items():
            rev = whole(target)
            if name in self.revs:
                assert rev in (self.revs[name], self.revs[name] + 1), name
                unknown += rev != self.revs[name]
            elif name.removesuffix("-twin") not in self.seen:
                unknown += not name.endswith("-twin")
                assert name not in self.gone
                assert rev == 0
        missing = [name for name in self.revs if name not in stored]
        assert unknown + len(missing) <= 1, missing  # the one thing that was being done
        for name in self.seen | {n for n in stored if n.endswith("-twin")}:
            base = name.removesuffix("-twin")
            assert base in stored
            assert f"{base}-twin" in stored
        assert self.events <= events
        assert self.portals <= {portal.address for portal in portals}


def whole(target: TargetRecord) -> int:
    """Return the revision that everything about a target tells."""
    rev = int(target.alias.removeprefix("rev-"))
    assert target.chap_name == f"rev-{rev}"
    assert [(p.address, p.port) for p in target.portals] == [
        (f"192.0.2.{n + 1}", 1000 + rev) for n in range(rev % 4 + 1)
    ]
    assert target.settings == {"queue_depth": rev + 1, "command_timeout": rev + 1}
    return rev


@pytest.fixture
def writers() -> Iterator[subprocess.Popen[str]]:
    process = procs.start(
        [sys.executable, "-c", WRITERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    yield process
    procs.stop(process)


def _write_and_kill(writers: subprocess.Popen[str], folder: Path, tag: str, answers: int, model: Model) -> None:
    assert writers.stdin is not None
    assert writers.stdout is not None
    writers.stdin.write(f"{folder} {tag}\n")
    writers.stdin.flush()
    pid, heard = 0, 0
    for line in writers.stdout:
        words = json.loads(line)
        if "ended" in words:
            return
        if "begun" in words:
            assert words["damaged"] == ""
            pid = words["begun"]
        else:
            model.answered(words)
            heard += 1
        if heard == answers:
            os.kill(pid, signal.SIGKILL)
    raise AssertionError("the writers ended")


async def _read(folder: Path) -> tuple[list[TargetRecord], list[PortalRecord], set[int]]:
    store = await Store.open(folder)
    try:
        assert store.damaged is None
        events = {event.id for event in await store.events(0, 10_000)}
        return await store.targets(), await store.portals(), events
    finally:
        await store.close()


def test_nothing_that_was_answered_is_lost(writers: subprocess.Popen[str], tmp_path: Path) -> None:
    chance = random.Random(7143)
    for number in range(KILLS):
        if number % 20 == 0:  # a new file now and then: the records do not grow without end
            folder, model = tmp_path / str(number), Model()
        _write_and_kill(writers, folder, f"k{number}", chance.randrange(0, 12), model)
        if number % 5 != 4:
            continue  # mostly the next writer opens what a killed one left
        targets, portals, events = asyncio.run(_read(folder))
        # each of the five that were killed may have had one thing under way
        _check_each(model, targets, portals, events, tags=[f"k{n}" for n in range(number - number % 20, number + 1)])


def _check_each(
    model: Model, targets: list[TargetRecord], portals: list[PortalRecord], events: set[int], tags: list[str]
) -> None:
    for tag in tags:
        part = Model()
        mark = f":{tag}-"
        part.revs = {name: rev for name, rev in model.revs.items() if mark in name}
        part.gone = {name for name in model.gone if mark in name}
        part.seen = {name for name in model.seen if mark in name}
        part.check([target for target in targets if mark in target.name], portals, events)
    assert model.events <= events
    assert model.portals <= {portal.address for portal in portals}
    assert model.seen | set(model.revs), "nothing was written"
