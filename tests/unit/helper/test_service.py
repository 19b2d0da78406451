# SPDX-License-Identifier: Apache-2.0
"""The service with its real store, and a supervisor that plays the targets."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from lundock.helper import background
from lundock.helper.api.errors import Problem
from lundock.helper.api.settings import defaults
from lundock.helper.jobs import Caller
from lundock.helper.signing import MAX_ASKS
from lundock.helper.supervision import Holder, Portal, Secrets, SessionSpec
from support.service_bench import ALICE, NAME, PORTALS, SECRET, Agent, Bench, lun_record, memfd, run


def test_records_outlive_the_service(tmp_path: Path) -> None:
    async def first(bench: Bench) -> None:
        target = await bench.add(alias="shelf", settings={"queue_depth": "7", "read_only": "yes", "ping_interval": 5})
        assert target.record.settings == {"queue_depth": 7, "read_only": True, "ping_interval": 5}
        await bench.service.update_target(
            target, {"settings": {"read_only": "", "ping_interval": ""}, "chap-name": "me"}
        )
        assert target.record.settings == {"queue_depth": 7}

    async def second(bench: Bench) -> None:
        (target,) = bench.service.targets.values()
        assert (target.record.alias, target.record.chap_name, target.record.owner) == ("shelf", "me", 1000)
        assert target.record.settings == {"queue_depth": 7}
        assert bench.told.log == [("added", "targets/1")]

    run(tmp_path, first)
    run(tmp_path, second)


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {"queue_depth": 0}},
        {"settings": {"ping_interval": 3, "max_connections": 0}},
        {"settings": {"no_such": 1}},
        {"alias": "new", "sign-in": "kerberos"},
        {"alias": "new", "portals": []},
        {"startup": "boot"},
        {"interface": "a/b"},
    ],
)
def test_a_wrong_change_changes_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add(alias="old")
        before = target.record
        with pytest.raises(Problem) as refused:
            await bench.service.update_target(target, changes)
        assert refused.value.code == "InvalidArgument"
        assert target.record == before

    run(tmp_path, steps)


def test_login_hands_the_whole_record_over(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add(interface="eth0", sign_in="chap", chap_name="me", settings={"queue_depth": 7})
        bench.supervisor.wanted = SECRET
        details = await bench.done(bench.service.login(ALICE, target, {}, memfd(secret=SECRET)))
        (spec,) = bench.supervisor.specs
        assert (spec.target_name, spec.interface, spec.sign_in, spec.chap_name) == (NAME, "eth0", "chap", "me")
        assert spec.portals == (Portal("192.0.2.1", 3261, -1),)
        assert dict(spec.settings) == {**defaults(), "queue_depth": 7}
        assert spec.initiator_name == bench.service.identity.name
        assert details == {
            "session": "sessions/1",
            "luns": ["sessions/1/luns/0001000000000000", "sessions/1/luns/0002000000000000"],
        }
        assert (target.state, target.alias, target.last_error) == ("connected", "the shelf", "")
        assert bench.service.statistics()["sessions/1"] == {"bytes-sent": 7}
        assert bench.service.statistics()["sessions/1/luns/0002000000000000"] == {"reads": 2}

    run(tmp_path, steps)


def test_one_session_a_target(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add()
        bench.supervisor.silent = True
        slow = bench.service.login(ALICE, target, {}, None)
        assert (await bench.fails(bench.service.login(ALICE, target, {}, None))).code == "AlreadyConnected"
        assert target.state == "connecting"
        with pytest.raises(Problem, match="cannot be forgotten"):
            await bench.service.remove_target(target)
        slow.cancel()
        assert (await bench.fails(slow)).code == "Cancelled"
        assert (target.state, target.last_error) == ("disconnected", "Cancelled")
        bench.supervisor.silent = False
        await bench.connect(target)
        assert (await bench.fails(bench.service.login(ALICE, target, {}, None))).code == "AlreadyConnected"
        with pytest.raises(Problem, match="cannot be forgotten"):
            await bench.service.remove_target(target)

    run(tmp_path, steps)


def test_a_refused_login_is_remembered(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add()
        bench.supervisor.problem = Problem("TargetNotFound", target=NAME)
        assert (await bench.fails(bench.service.login(ALICE, target, {}, None))).code == "TargetNotFound"
        assert (target.state, target.last_error) == ("disconnected", "TargetNotFound")
        assert target.last_error_facts == {"target": NAME}
        await bench.timeline()
        assert [(e.kind, e.detail) for e in bench.told.events] == [
            ("refused", {"error": "TargetNotFound", "target": NAME})
        ]

    run(tmp_path, steps)


def test_an_agent_is_asked_and_may_correct_itself(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        agent = Agent(Secrets("wrong"), Secrets(SECRET))
        bench.service.agents.register(ALICE, agent)
        bench.supervisor.wanted = SECRET
        target = await bench.add(sign_in="chap", chap_name="me")
        await bench.connect(target)
        assert [(a["target"], a["scope"], a["retry"]) for a in agent.asked] == [
            ("targets/1", "session", False), ("targets/1", "session", True),
        ]  # fmt: skip
        assert agent.asked[0]["wants"] == ["secret"]

    run(tmp_path, steps)


def test_an_agent_is_not_asked_for_ever(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        agent = Agent(*[Secrets("wrong")] * 10)
        bench.service.agents.register(ALICE, agent)
        bench.supervisor.wanted = SECRET
        target = await bench.add(sign_in="chap")
        assert (await bench.fails(bench.service.login(ALICE, target, {}, None))).code == "AuthenticationFailed"
        assert len(agent.asked) == MAX_ASKS

    run(tmp_path, steps)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Problem("Cancelled"), "Cancelled"),
        (Problem("NotFound", what="x"), "SecretsUnavailable"),
        (Problem("HelperUnavailable"), "SecretsUnavailable"),
    ],
)
def test_what_an_agent_may_answer(tmp_path: Path, answer: Problem, code: str) -> None:
    async def steps(bench: Bench) -> None:
        bench.service.agents.register(ALICE, Agent(answer))
        target = await bench.add(sign_in="chap")
        assert (await bench.fails(bench.service.login(ALICE, target, {}, None))).code == code

    run(tmp_path, steps)


def test_who_is_asked(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add(sign_in="chap")
        other_user, other_program = Agent(Secrets(SECRET)), Agent(Secrets(SECRET), Secrets(SECRET))
        bench.service.agents.register(Caller(":1.2", 1001), other_user)
        assert (await bench.fails(bench.service.login(ALICE, target, {}, None))).code == "SecretsUnavailable"
        bench.service.agents.register(Caller(":1.3", ALICE.uid), other_program)
        await bench.connect(target)
        assert (len(other_user.asked), len(other_program.asked)) == (0, 1)
        bench.service.caller_left(":1.3")
        await bench.done(bench.service.logout(ALICE, target))
        assert (await bench.fails(bench.service.login(ALICE, target, {}, None))).code == "SecretsUnavailable"

    run(tmp_path, steps)


def test_root_is_helped_by_the_person_at_the_seat(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        root, stranger = Caller(":1.5", 0), Caller(":1.6", ALICE.uid + 1)

        async def at_the_seat() -> int:
            return ALICE.uid

        agent = Agent(Secrets(SECRET))
        bench.service.agents.register(ALICE, agent)
        bench.service.agents.active_user = at_the_seat
        target = await bench.add(sign_in="chap")
        assert (await bench.fails(bench.service.login(stranger, target, {}, None))).code == "SecretsUnavailable"
        await bench.done(bench.service.login(root, target, {}, None))
        assert len(agent.asked) == 1

    run(tmp_path, steps)


def test_mutual_needs_both_secrets(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add(sign_in="mutual")
        problem = await bench.fails(bench.service.login(ALICE, target, {}, memfd(secret=SECRET)))
        assert problem.code == "SecretsUnavailable"
        assert bench.supervisor.specs == []

    run(tmp_path, steps)


def test_which_sign_in_a_target_wants(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add()
        assert await bench.done(bench.service.diagnosis.probe(ALICE, target)) == {"sign-in": "none"}
        bench.supervisor.wanted = SECRET
        assert await bench.done(bench.service.diagnosis.probe(ALICE, target)) == {"sign-in": "chap"}
        assert (target.state, target.last_error) == ("disconnected", "")
        bench.supervisor.problem = Problem("TargetNotFound", target=NAME)
        assert (await bench.fails(bench.service.diagnosis.probe(ALICE, target))).code == "TargetNotFound"
        await bench.service.remove_target(target)
        assert (await bench.fails(bench.service.diagnosis.probe(ALICE, target))).code == "NotFound"

    run(tmp_path, steps)


def test_discovery(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        bench.supervisor.wanted = SECRET
        options = {"sign-in": "chap", "chap-name": "me", "interface": "eth0", "settings": {"connect_timeout": 3}}
        details = await bench.done(
            bench.service.portals.discover(ALICE, " nas.local:3260 ", options, memfd(secret=SECRET))
        )
        portals = [{"address": "192.0.2.1", "port": 3260, "portal-group": 1}]
        assert details == {"targets": [{"name": NAME, "portals": portals}]}
        (request,) = bench.supervisor.specs
        assert (request.address, request.interface, request.chap_name) == ("nas.local:3260", "eth0", "me")
        assert request.settings["connect_timeout"] == 3
        with pytest.raises(Problem, match="not an address"):
            bench.service.portals.discover(ALICE, "  ", {}, None)

    run(tmp_path, steps)


def test_logout_ejects_what_nobody_uses_and_touches_nothing_when_somebody_does(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add()
        session = await bench.connect(target)
        first, second = bench.lun(target, 1), bench.lun(target, 2)
        for lun in (first, second):
            await bench.done(bench.service.luns.attach(ALICE, lun, "auto", read_only=False))
        session.used[second.address] = [Holder("mount", "/media/x"), Holder("process", "bash", 7)]
        problem = await bench.fails(bench.service.logout(ALICE, target))
        assert (problem.code, problem.attrs["holders"]) == ("DeviceBusy", "/media/x (mount), bash (7)")
        assert set(session.attached) == {first.address, second.address}
        session.used.clear()
        await bench.done(bench.service.logout(ALICE, target))
        assert session.log[-3:] == [("eject", first.address), ("eject", second.address), ("logout",)]
        assert (target.state, target.session, bench.service.sessions) == ("disconnected", None, {})
        assert (await bench.fails(bench.service.logout(ALICE, target))).code == "NotConnected"
        assert (
            await bench.fails(bench.service.luns.attach(ALICE, first, "auto", read_only=False))
        ).code == "NotConnected"

    run(tmp_path, steps)


def test_how_a_disk_is_attached(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add(settings={"read_only": True, "attach_method": "file"})
        session = await bench.connect(target)
        lun = bench.lun(target)
        with pytest.raises(Problem, match="method"):
            bench.service.luns.attach(ALICE, lun, "magic", read_only=False)
        problem = await bench.fails(bench.service.luns.attach(ALICE, lun, "nbd", read_only=False))
        assert problem.code == "AttachMethodUnavailable"
        details = await bench.done(bench.service.luns.attach(ALICE, lun, "auto", read_only=False))
        assert details == {"device": "/dev/loop7", "method": "fuse", "reason": "the only one"}
        assert session.log == [("attach", lun.address, "file", True)]
        assert lun.attached is not None

    run(tmp_path, steps)


def test_a_busy_eject_shows_who_has_it(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add()
        session = await bench.connect(target)
        lun = bench.lun(target)
        await bench.done(bench.service.luns.attach(ALICE, lun, "auto", read_only=False))
        session.used[lun.address] = [Holder("mount", "/media/x")]
        assert (await bench.fails(bench.service.luns.eject(ALICE, lun))).code == "DeviceBusy"
        assert lun.holders == (Holder("mount", "/media/x"),)
        session.used.clear()
        await bench.done(bench.service.luns.eject(ALICE, lun))
        assert (lun.holders, lun.attached) == ((), None)

    run(tmp_path, steps)


def test_force_takes_away_what_somebody_uses(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add()
        session = await bench.connect(target)
        first, second = bench.lun(target, 1), bench.lun(target, 2)
        for lun in (first, second):
            await bench.done(bench.service.luns.attach(ALICE, lun, "auto", read_only=False))
            session.used[lun.address] = [Holder("mount", "/media/x")]
        await bench.done(bench.service.luns.eject(ALICE, first, force=True))
        assert first.attached is None
        assert (await bench.fails(bench.service.logout(ALICE, target))).code == "DeviceBusy"
        await bench.done(bench.service.logout(ALICE, target, force=True))
        assert session.log[-2:] == [("eject", second.address), ("logout",)]

    run(tmp_path, steps)


def test_other_disks_after_a_scan(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add()
        await bench.connect(target)
        assert target.session is not None
        kept = bench.lun(target, 1)
        details = await bench.done(bench.service.rescan(ALICE, target.session))
        assert details["luns"] == ["sessions/1/luns/0001000000000000", "sessions/1/luns/0003000000000000"]
        assert bench.lun(target, 1) is kept
        assert kept.record.size == 2 << 20
        assert ("removed", "sessions/1/luns/0002000000000000") in bench.told.log
        assert ("added", "sessions/1/luns/0003000000000000") in bench.told.log
        await bench.timeline()
        assert "resized" in await bench.kinds()

    run(tmp_path, steps)


def test_a_session_that_ends_by_itself(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add()
        session = await bench.connect(target)
        session.state = "lost"
        session.last_problem = Problem("ConnectionLost", address="192.0.2.5:3260")
        session.observer.changed(session)
        session.observer.changed(session)
        assert target.state == "lost"
        assert ("changed", "targets/1") in bench.told.log
        session.observer.ended(session, Problem("TargetRemoved", target=NAME))
        assert (target.state, target.last_error, bench.service.sessions) == ("disconnected", "TargetRemoved", {})
        session.observer.changed(session)  # late words do no harm
        session.observer.luns_changed(session)
        await bench.timeline()
        assert await bench.kinds() == ["connected", "lost", "disconnected"]
        lost, ended = (await bench.service.timeline.events(0, 10))[1:]
        assert lost.detail == {"error": "ConnectionLost", "address": "192.0.2.5:3260"}  # what their sentences need
        assert ended.detail == {"error": "TargetRemoved", "target": NAME}

    run(tmp_path, steps)


def test_the_end_of_the_service_logs_out_but_leaves_alone_what_is_used(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        idle = await bench.add()
        busy = await bench.service.add_target(ALICE, NAME + "2", PORTALS, {})
        await bench.connect(idle)
        session = await bench.connect(busy)
        lun = bench.lun(busy)
        await bench.done(bench.service.luns.attach(ALICE, lun, "auto", read_only=False))
        session.used[lun.address] = [Holder("mount", "/media/x")]
        assert bench.service.in_use

    bench = run(tmp_path, steps)
    assert [session.state for session in bench.supervisor.sessions] == ["ended", "connected"]
    assert bench.supervisor.sessions[1].attached


def test_our_name(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        await bench.service.set_initiator_name("IQN.2026-01.org.example:Me")
        assert bench.service.identity.name == "iqn.2026-01.org.example:me"
        assert ("initiator", "") in bench.told.log

    async def after(bench: Bench) -> None:
        assert bench.service.identity.name == "iqn.2026-01.org.example:me"

    run(tmp_path, steps)
    run(tmp_path, after)


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "lundock.db").write_bytes(b"x" * 5000)

    async def steps(bench: Bench) -> None:
        await bench.timeline()
        assert await bench.kinds() == ["store-damaged"]

    run(tmp_path, steps)


def test_nothing_of_a_secret_is_in_what_is_handed_around() -> None:
    spec = SessionSpec("k", NAME, (), "i", b"", secrets=Secrets(SECRET, "target battery s"))
    assert SECRET not in repr(spec)
    assert "battery" not in repr(dataclasses.replace(spec, key="other"))


def test_a_target_does_not_flood_the_timeline(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        session = await bench.connect(await bench.add())
        for number in range(1000):
            session.observer.event(session, "io-error", {"lba": number})
        await bench.timeline()
        assert 10 < (await bench.kinds()).count("io-error") < 100

    run(tmp_path, steps)


def test_a_target_that_comes_and_goes_without_end_does_not_fill_the_timeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background.Notes, "INTERVAL", 1e9)

    async def steps(bench: Bench) -> None:
        session = await bench.connect(await bench.add())
        for number in range(200):
            session.state = ("lost", "connected")[number % 2]
            session.observer.changed(session)
            session.luns = (lun_record(1, 512 * (number + 1)),)
            session.observer.luns_changed(session)
            session.observer.event(session, "io-error", {"lba": number})
        await bench.timeline()
        assert len(bench.told.events) == 1 + background.Notes.BURST
        assert {event.kind for event in bench.told.events} == {"connected", "lost", "restored", "resized", "io-error"}

    run(tmp_path, steps)


def test_what_was_not_told_is_counted() -> None:
    told: list[dict[str, Any]] = []

    class Timeline:
        def note(self, kind: str, target: str, detail: dict[str, Any]) -> None:
            told.append({"kind": kind, "target": target, **detail})

    now = 0.0
    notes = background.Notes(Timeline(), "disk", lambda: now)  # type: ignore[arg-type]
    for number in range(notes.BURST + 3):
        notes.note("resized", {"number": number})
    now = notes.INTERVAL
    notes.note("restored", {})
    now *= 2
    notes.note("resized", {"untold": 4})
    now *= 2
    notes.note("resized", {})
    assert [one["number"] for one in told[:-3]] == list(range(notes.BURST))
    assert told[-3:] == [
        {"kind": "restored", "target": "disk"},
        {"kind": "resized", "target": "disk", "untold": 7},
        {"kind": "resized", "target": "disk"},
    ]


def test_entries_that_cannot_be_saved_in_time_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "MAX_PENDING", 5)

    async def steps(bench: Bench) -> None:
        for _ in range(20):
            bench.service.note("refused", NAME, {})
        await bench.timeline()
        assert len(bench.told.events) == 5
        bench.service.note("restored", NAME, {})
        await bench.timeline()
        assert bench.told.events[-1].kind == "restored"

    run(tmp_path, steps)


def test_a_target_that_is_being_forgotten_is_not_connected_any_more(tmp_path: Path) -> None:
    """Between the look at its state and the end of the forgetting, the store works, and others are served."""

    async def steps(bench: Bench) -> None:
        target = await bench.add()
        removing = asyncio.create_task(bench.service.remove_target(target))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (await bench.fails(bench.service.login(ALICE, target, {}, None))).code == "NotFound"
        await removing
        assert (bench.service.targets, bench.service.sessions) == ({}, {})

    run(tmp_path, steps)


@pytest.mark.parametrize("rounds", range(6))
def test_what_is_saved_is_what_is_shown_whenever_a_caller_leaves(tmp_path: Path, rounds: int) -> None:
    async def steps(bench: Bench) -> None:
        async def leave(work: Coroutine[Any, Any, object]) -> None:
            task = asyncio.create_task(work)
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            async with bench.service.records:
                shown = {number: target.record for number, target in bench.service.targets.items()}
                assert {record.id: record for record in await bench.service.store.targets()} == shown

        await leave(bench.add())
        target = next(iter(bench.service.targets.values()), None) or await bench.add()
        await leave(bench.service.update_target(target, {"alias": "shelf"}))
        await leave(bench.service.remove_target(target))

    run(tmp_path, steps)


def test_a_scan_that_a_logout_overtakes_says_that_it_is_not_connected(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        session = await bench.connect(await bench.add())

        async def rescan() -> None:
            session.state = "disconnecting"
            raise Problem("EngineDied")

        session.rescan = rescan  # type: ignore[method-assign]
        (shown,) = bench.service.sessions.values()
        assert (await bench.fails(bench.service.rescan(ALICE, shown))).code == "NotConnected"

    run(tmp_path, steps)
