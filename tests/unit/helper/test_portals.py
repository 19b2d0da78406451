# SPDX-License-Identifier: Apache-2.0
"""Kept addresses with the real store, and a supervisor that plays the targets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.jobs import Caller
from lundock.helper.portals import MAX_KEPT
from lundock.helper.supervision import FoundTarget, Portal, Secrets
from lundock.helper.things import KeptPortal, Target
from support.service_bench import ALICE, NAME, SECRET, Agent, Bench, memfd, run

ADDRESS = "nas.example:3260"


def found(*names: str, address: str = "192.0.2.1") -> list[FoundTarget]:
    return [FoundTarget(f"{NAME}-{name}", (Portal(address, 3260, 1),)) for name in names]


async def keep(bench: Bench, **options: Any) -> KeptPortal:
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return await bench.service.portals.add(ALICE, ADDRESS, named)


async def look(bench: Bench, portal: KeptPortal) -> dict[str, Any]:
    return await bench.done(bench.service.portals.refresh(ALICE, portal, None))


def by_name(bench: Bench) -> dict[str, Target]:
    return {t.record.name.removeprefix(NAME + "-"): t for t in bench.service.targets.values()}


def test_what_is_named_is_saved_marked_and_comes_back(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        portal = await keep(bench, interface="eth0")
        bench.supervisor.found = found("one", "two")
        assert await look(bench, portal) == {"found": ["targets/1", "targets/2"], "new": ["targets/1", "targets/2"]}
        one = by_name(bench)["one"]
        assert (one.record.source, one.record.owner, one.record.interface) == (portal.record.id, ALICE.uid, "eth0")
        bench.supervisor.found = found("two", "three", address="192.0.2.7")
        details = await look(bench, portal)
        assert details == {"found": ["targets/2", "targets/3"], "new": ["targets/3"]}
        targets = by_name(bench)
        assert [targets[name].record.vanished for name in ("one", "two", "three")] == [True, False, False]
        assert targets["two"].record.portals == (Portal("192.0.2.7", 3260, 1),)
        assert targets["one"].record.portals == (Portal("192.0.2.1", 3260, 1),)
        bench.supervisor.found = found("one", "two", "three")
        await look(bench, portal)
        assert not one.record.vanished
        await bench.timeline()
        told = [(e.kind, e.target.removeprefix(NAME + "-")) for e in bench.told.events]
        assert told == [
            ("target-found", "one"), ("target-found", "two"),
            ("target-vanished", "one"), ("target-found", "three"), ("target-returned", "one"),
        ]  # fmt: skip
        assert all(event.detail == {"address": ADDRESS} for event in bench.told.events)

    async def after(bench: Bench) -> None:
        (portal,) = bench.service.portals.all.values()
        assert (portal.record.last_result, portal.record.last_seen > 0) == ("", True)
        assert {t.record.source for t in bench.service.targets.values()} == {portal.record.id}

    run(tmp_path, steps)
    run(tmp_path, after)


def test_what_a_person_saved_is_left_alone(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        mine = await bench.service.add_target(ALICE, f"{NAME}-mine", [{"address": "192.0.2.9"}], {})
        portal = await keep(bench)
        bench.supervisor.found = found("mine", "theirs")
        details = await look(bench, portal)
        assert details == {"found": [mine.ref, "targets/2"], "new": ["targets/2"]}
        assert (mine.record.portals, mine.record.source) == ((Portal("192.0.2.9"),), 0)
        theirs = by_name(bench)["theirs"]
        await bench.service.update_target(theirs, {"portals": [{"address": "192.0.2.10"}]})
        assert theirs.record.source == 0
        bench.supervisor.found = found("other")
        await look(bench, portal)
        assert not mine.record.vanished
        assert not theirs.record.vanished
        assert theirs.record.portals == (Portal("192.0.2.10"),)

    run(tmp_path, steps)


def test_another_change_leaves_the_source(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        portal = await keep(bench)
        bench.supervisor.found = found("one")
        await look(bench, portal)
        one = by_name(bench)["one"]
        await bench.service.update_target(one, {"alias": "shelf", "settings": {"queue_depth": 7}})
        bench.supervisor.found = found("one", address="192.0.2.8")
        await look(bench, portal)
        assert (one.record.alias, dict(one.record.settings)) == ("shelf", {"queue_depth": 7})
        assert one.record.portals == (Portal("192.0.2.8", 3260, 1),)

    run(tmp_path, steps)


def test_what_cannot_be_used_is_passed_over(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        portal = await keep(bench)
        bench.supervisor.found = [
            FoundTarget("no name at all", (Portal("192.0.2.1"),)),
            FoundTarget(NAME + "-nowhere", (Portal("no host at all"), Portal("1.2.3"))),
            FoundTarget(NAME + "-many", tuple(Portal("192.0.2.1", port) for port in range(1, 65))),
        ]
        await look(bench, portal)
        assert set(by_name(bench)) == {"many"}
        assert len(by_name(bench)["many"].record.portals) == 16
        bench.service.max_targets = 3
        bench.supervisor.found = found("a", "b", "c", "d")
        await look(bench, portal)
        assert len(bench.service.targets) == 3

    run(tmp_path, steps)


def test_a_look_that_fails_changes_no_target(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        portal = await keep(bench)
        bench.supervisor.found = found("one")
        await look(bench, portal)
        bench.supervisor.problem = Problem("HostUnreachable", address=ADDRESS)
        for _ in range(3):
            job = bench.service.portals.refresh(ALICE, portal, None)
            assert (await bench.fails(job)).code == "HostUnreachable"
        assert (portal.record.last_result, portal.record.last_look > portal.record.last_seen) == (
            "HostUnreachable",
            True,
        )
        assert portal.facts == {"address": ADDRESS}
        assert not by_name(bench)["one"].record.vanished
        await bench.timeline()
        failed = [event.detail for event in bench.told.events if event.kind == "discovery-failed"]
        assert failed == [{"address": ADDRESS, "error": "HostUnreachable"}]  # not once a look
        bench.supervisor.problem = None
        await look(bench, portal)
        assert (portal.record.last_result, portal.facts) == ("", {})

    run(tmp_path, steps)


def test_it_is_looked_at_again_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lundock.helper.checks.MIN_INTERVAL", 1)

    async def steps(bench: Bench) -> None:
        portal = await keep(bench)
        assert bench.supervisor.specs == []
        bench.supervisor.found = found("one")
        await look(bench, portal)
        # the last look was long ago: the next is due at once
        portal.record = replace(portal.record, last_look=1)
        await bench.service.portals.update(portal, {"interval": 3600})
        await bench.until(lambda: len(bench.supervisor.specs) == 2)
        await bench.until(lambda: portal.record.last_look > 1)
        bench.supervisor.problem = Problem("NetworkUnreachable", address=ADDRESS)
        portal.record = replace(portal.record, last_look=1)
        portal.changed.set()
        await bench.until(lambda: portal.record.last_result == "NetworkUnreachable")
        assert len(bench.supervisor.specs) == 3
        bench.supervisor.problem = None
        bench.service.portals.network_changed()
        await bench.until(lambda: portal.record.last_result == "")
        seen = portal.record.last_seen
        bench.service.portals.network_changed()  # nothing kept us from looking: no reason to hurry
        await bench.service.portals.update(portal, {"interval": 0})
        assert (portal.record.last_seen, len(bench.supervisor.specs)) == (seen, 4)

    run(tmp_path, steps)


def test_nobody_is_asked_in_the_background_who_does_not_know(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        bench.supervisor.wanted = SECRET
        agent = Agent(Secrets(SECRET), Secrets(SECRET))
        bench.service.agents.register(Caller(":1.9", ALICE.uid), agent)
        portal = await keep(bench, sign_in="chap", chap_name="me")
        await look(bench, portal)
        portal.record = replace(portal.record, last_look=1)
        await bench.service.portals.update(portal, {"interval": 3600})
        await bench.until(lambda: portal.record.last_look > 1)
        first, second = agent.asked
        assert (first["target"], first["scope"], first.get("background")) == (portal.ref, "discovery", None)
        assert second["background"] is True
        await bench.done(bench.service.portals.refresh(ALICE, portal, memfd(secret=SECRET)))
        assert len(agent.asked) == 2

    run(tmp_path, steps)


@pytest.mark.parametrize("with_targets", [False, True])
def test_forgetting_one(tmp_path: Path, with_targets: bool) -> None:
    async def steps(bench: Bench) -> None:
        portal = await keep(bench)
        bench.supervisor.found = found("one", "two")
        await look(bench, portal)
        bench.supervisor.found = found("two")
        await look(bench, portal)
        two = by_name(bench)["two"]
        await bench.connect(two)
        await bench.service.portals.remove(portal, with_targets=with_targets)
        assert set(by_name(bench)) == ({"two"} if with_targets else {"one", "two"})
        assert {(t.record.source, t.record.vanished) for t in bench.service.targets.values()} == {(0, False)}
        with pytest.raises(Problem) as gone:
            await bench.service.portals.remove(portal, with_targets=False)
        assert gone.value.code == "NotFound"
        assert (await bench.fails(bench.service.portals.refresh(ALICE, portal, None))).code == "NotFound"
        await asyncio.sleep(0)
        assert portal.task is not None
        assert portal.task.done()
        assert ("removed", portal.ref) in bench.told.log

    run(tmp_path, steps)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"interval": 4}, "InvalidArgument"),
        ({"interval": 31 * 86400}, "InvalidArgument"),
        ({"sign-in": "kerberos"}, "InvalidArgument"),
        ({"interface": "a/b"}, "InvalidArgument"),
        ({"interface": "eth1"}, "AlreadyExists"),
    ],
)
def test_a_wrong_change_changes_nothing(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    async def steps(bench: Bench) -> None:
        await keep(bench, interface="eth1")
        portal = await keep(bench)
        before = portal.record
        with pytest.raises(Problem) as refused:
            await bench.service.portals.update(portal, changes)
        assert (refused.value.code, portal.record) == (code, before)

    run(tmp_path, steps)


def test_there_is_room_for_some(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        for number in range(MAX_KEPT):
            await bench.service.portals.add(ALICE, f"nas{number}.example", {})
        for address, code in (("one-more.example", "NotSupported"), ("no host at all", "NotSupported")):
            with pytest.raises(Problem) as refused:
                await bench.service.portals.add(ALICE, address, {})
            assert refused.value.code == code

    run(tmp_path, steps)


def test_who_changes_or_forgets_one_does_not_wait_for_a_look_at_it(tmp_path: Path) -> None:
    """It may wait for a person's secret agent, or for an address that does not answer."""

    async def steps(bench: Bench) -> None:
        portal = await keep(bench)
        bench.supervisor.silent = True
        look = bench.service.portals.refresh(ALICE, portal, None)
        await bench.until(lambda: bench.supervisor.specs)
        async with asyncio.timeout(10):
            await bench.service.portals.update(portal, {"interface": "eth1"})
            assert (await bench.service.store.portals())[0].interface == "eth1"
            await bench.service.portals.remove(portal, with_targets=True)
        assert (await bench.service.store.portals(), bench.service.portals.all) == ([], {})
        look.cancel()
        assert (await bench.fails(look)).code == "Cancelled"

    run(tmp_path, steps)


@pytest.mark.parametrize("goes_well", [True, False])
def test_what_a_look_finds_at_one_that_was_forgotten_is_nobodys(tmp_path: Path, goes_well: bool) -> None:
    async def steps(bench: Bench) -> None:
        portal = await keep(bench)
        answer = asyncio.Event()

        async def discover(*_args: Any) -> list[FoundTarget]:
            await answer.wait()
            if not goes_well:
                raise Problem("HostUnreachable", address=ADDRESS)
            return found("one")

        bench.supervisor.discover = discover  # type: ignore[method-assign]
        job = bench.service.portals.refresh(ALICE, portal, None)
        await asyncio.sleep(0)
        await bench.service.portals.remove(portal, with_targets=True)
        answer.set()
        assert (await bench.fails(job)).code == "NotFound"
        assert (bench.service.targets, await bench.service.store.targets()) == ({}, [])

    run(tmp_path, steps)
