# SPDX-License-Identifier: Apache-2.0
"""Targets that connect by themselves, with the real store and a supervisor that plays the targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lundock.helper.api.errors import Problem, catalogue
from lundock.helper.jobs import Caller
from lundock.helper.startup import worth_trying
from lundock.helper.supervision import Secrets
from support.service_bench import ALICE, NAME, SECRET, Agent, Bench, run


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lundock.helper.startup.FIRST_DELAY", 0.01)
    monkeypatch.setattr("lundock.helper.startup.MAX_DELAY", 0.05)


def attempts(bench: Bench) -> int:
    return len(bench.supervisor.specs)


async def settle(bench: Bench, count: int) -> None:
    """Wait for so many attempts."""
    await bench.until(lambda: attempts(bench) >= count)


def test_it_connects_when_the_service_starts(tmp_path: Path) -> None:
    async def first(bench: Bench) -> None:
        target = await bench.add(startup="login")
        await bench.until(lambda: target.state == "connected")
        assert bench.service.in_use

    async def second(bench: Bench) -> None:
        (target,) = bench.service.targets.values()
        await bench.until(lambda: target.state == "connected")
        await bench.timeline()
        assert [event.kind for event in bench.told.events] == ["connected"]

    run(tmp_path, first)
    run(tmp_path, second)


def test_one_that_cannot_be_reached_is_tried_until_it_can(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        bench.supervisor.problem = Problem("HostUnreachable", address="192.0.2.1")
        target = await bench.add(startup="login")
        await settle(bench, 4)
        await bench.timeline()
        assert (await bench.kinds()).count("refused") == 1  # not once an attempt
        bench.supervisor.problem = None
        await bench.until(lambda: target.state == "connected")

    run(tmp_path, steps)


def test_one_that_refuses_us_is_left_alone_until_something_changes(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        bench.supervisor.problem = Problem("AuthorizationFailed", initiator_name="x")
        target = await bench.add(startup="login")
        await bench.until(lambda: target.last_error == "AuthorizationFailed")
        bench.service.startup.network_changed()  # has nothing to do with it
        # a second one that is tried again and again: in that time the first would have been, too
        bench.supervisor.problem = Problem("HostUnreachable", address="192.0.2.1")
        other = await bench.service.add_target(ALICE, NAME + "2", [{"address": "192.0.2.2"}], {"startup": "login"})
        await bench.until(lambda: sum(spec.target_name == other.record.name for spec in bench.supervisor.specs) > 4)
        assert sum(spec.target_name == NAME for spec in bench.supervisor.specs) == 1
        bench.supervisor.problem = None
        await bench.service.update_target(target, {"chap-name": "other"})
        await bench.until(lambda: target.state == "connected")

    run(tmp_path, steps)


def test_what_a_person_disconnects_stays_so(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add(startup="login")
        await bench.until(lambda: target.state == "connected")
        await bench.done(bench.service.logout(ALICE, target))
        other = await bench.service.add_target(ALICE, NAME + "2", [{"address": "192.0.2.2"}], {"startup": "login"})
        await bench.until(lambda: other.state == "connected")
        bench.service.startup.network_changed()
        assert (target.state, attempts(bench)) == ("disconnected", 2)
        # connected on request, it is kept again
        session = await bench.connect(target)
        session.observer.ended(session, Problem("ConnectionLost", address="192.0.2.1"))
        await bench.until(lambda: target.state == "connected" and attempts(bench) == 4)

    run(tmp_path, steps)


def test_one_that_is_lost_comes_back(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        target = await bench.add(startup="login")
        await bench.until(lambda: target.state == "connected")
        session = bench.supervisor.sessions[0]
        session.observer.ended(session, Problem("ConnectionLost", address="192.0.2.1"))
        await bench.until(lambda: target.state == "connected")
        assert len(bench.supervisor.sessions) == 2

    run(tmp_path, steps)


def test_its_owners_agent_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lundock.helper.startup.MAX_DELAY", 3600.0)

    async def steps(bench: Bench) -> None:
        bench.supervisor.wanted = SECRET
        target = await bench.add(startup="login", sign_in="chap", chap_name="me")
        await bench.until(lambda: target.last_error == "SecretsUnavailable")
        assert attempts(bench) == 0
        bench.service.agents.register(Caller(":1.8", ALICE.uid + 1), Agent(Secrets(SECRET)))
        agent = Agent(Secrets(SECRET))
        bench.service.agents.register(Caller(":1.9", ALICE.uid), agent)
        await bench.until(lambda: target.state == "connected")
        assert [asked["background"] for asked in agent.asked] == [True]

    run(tmp_path, steps)


@pytest.mark.parametrize("how", ["update", "remove"])
def test_it_can_be_left(tmp_path: Path, how: str) -> None:
    async def steps(bench: Bench) -> None:
        bench.supervisor.problem = Problem("HostUnreachable", address="192.0.2.1")
        target = await bench.add(startup="login")
        await settle(bench, 1)
        await bench.until(lambda: target.state == "disconnected")
        if how == "update":
            await bench.service.update_target(target, {"startup": "manual"})
        else:
            await bench.service.remove_target(target)
        assert not bench.service.startup.any

    run(tmp_path, steps)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("HostUnreachable", "ConnectionRefused", "NameNotFound", "ServiceUnavailable", "TargetNotFound"), True),
        (("AuthenticationFailed", "AuthorizationFailed", "SecretReused", "TargetRemoved", "NotIscsi"), False),
    ],
)
def test_what_is_worth_another_attempt(codes: tuple[str, ...], expected: bool) -> None:
    assert {worth_trying(code) for code in codes} == {expected}


def test_every_error_has_an_answer() -> None:
    assert {type(worth_trying(code)) for code in catalogue()} == {bool}


def test_another_startup_is_refused(tmp_path: Path) -> None:
    async def steps(bench: Bench) -> None:
        wrong: Any
        for wrong in ("boot", "", "Login"):
            with pytest.raises(Problem) as refused:
                await bench.add(startup=wrong)
            assert refused.value.code == "InvalidArgument"

    run(tmp_path, steps)
