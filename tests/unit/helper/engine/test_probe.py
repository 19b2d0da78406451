# SPDX-License-Identifier: Apache-2.0
"""Tried logins against answers written byte by byte from RFC 7143."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine.login import ChapSecrets, LoginConfig, Secret
from lundock.helper.engine.probe import Probe
from support.pdus import Request, login_response, split, target_pdu

ME = "iqn.2026-01.example.client:one"
TARGET = "iqn.2026-01.example.storage:disk"


class Told:
    def __init__(self) -> None:
        self.stages: list[tuple[str, dict[str, str]]] = []

    def __call__(self, name: str, attrs: Mapping[str, str]) -> None:
        self.stages.append((name, dict(attrs)))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.stages if name]


def probe(told: Told, *, asking: bool = False, **more: object) -> Probe:
    config = LoginConfig(ME, "a client", TARGET, **more)  # type: ignore[arg-type]
    return Probe(config, 0.0, told, asking=asking)


def asked(machine: Probe) -> Request:
    (found,) = split(machine.to_send())
    return found


def answered(machine: Probe, *args: object, **kwargs: object) -> Request:
    request = asked(machine)
    machine.feed(login_response(request, *args, **kwargs), 0.0)  # type: ignore[arg-type]
    return request


@pytest.mark.parametrize(
    ("answer", "t", "expected"),
    [
        ({"AuthMethod": "None"}, True, "none"),
        ({"AuthMethod": "None"}, False, "none"),
        ({"AuthMethod": "CHAP"}, False, "chap"),
        ({"TargetAlias": "shelf", "AuthMethod": "CHAP", "X-com.example.odd": "1"}, False, "chap"),
        ({"TargetPortalGroupTag": "3"}, True, "none"),  # 6.3: a target may go on without choosing
    ],
)
def test_asking_ends_with_the_targets_choice(answer: dict[str, str], t: bool, expected: str) -> None:
    told = Told()
    machine = probe(told, asking=True)
    request = answered(machine, answer, t=t)
    assert request.keys["AuthMethod"] == "None,CHAP"  # None first: CHAP is for those who insist
    assert machine.done
    assert ("sign-in", {"method": expected}) in told.stages
    assert machine.to_send() == b""  # nothing is said that would make a session
    assert machine.next_deadline() is None


def test_a_refusal_for_want_of_signing_in_is_an_answer_too() -> None:
    told = Told()
    machine = probe(told, asking=True)
    answered(machine, status=0x0201)
    assert machine.done
    assert told.stages[-1] == ("sign-in", {"method": "chap"})


@pytest.mark.parametrize(
    ("answer", "more", "code"),
    [
        ({"AuthMethod": "Reject"}, {"t": False}, "AuthenticationMethodRefused"),
        ({"AuthMethod": "KRB5"}, {"t": False}, "NegotiationFailed"),
        ({}, {"t": False}, "NegotiationFailed"),
        ({"AuthMethod": "CHAP", "CHAP_A": "5"}, {"t": False}, "NegotiationFailed"),
        ({}, {"status": 0x0203}, "TargetNotFound"),
        ({}, {"status": 0x0202}, "AuthorizationFailed"),
    ],
)
def test_asking_without_an_answer_is_a_problem(answer: dict[str, str], more: dict[str, object], code: str) -> None:
    machine = probe(Told(), asking=True)
    with pytest.raises(Problem) as caught:
        answered(machine, answer, **more)
    assert caught.value.code == code


def test_what_a_target_says_it_is_made_of_is_told_nobody() -> None:
    """9.4: X#NodeArchitecture is for administrators, if it is noted at all."""
    told = Told()
    machine = probe(told)
    answered(machine, {"AuthMethod": "None", "TargetAlias": "shelf", "X#NodeArchitecture": "Example/1.0"})
    answered(machine, {})
    assert "shelf" in repr(told.stages)
    assert "Example" not in repr(told.stages)


def test_a_whole_login_tells_its_stages_and_logs_out() -> None:
    told = Told()
    machine = probe(told)
    answered(machine, {"AuthMethod": "None", "TargetAlias": "shelf"})
    answered(machine, {})
    assert told.names == ["security", "operational", "full-feature", "logout"]
    assert ("", {"AuthMethod": "None", "TargetAlias": "shelf"}) in told.stages
    logout = asked(machine)
    assert logout.opcode == 0x06
    assert not machine.done
    assert machine.next_deadline() is not None
    machine.feed(target_pdu(0x26, w16=logout.itt, w20=0, w24=logout.exp_stat_sn), 1.0)
    assert machine.done


def test_chap_tells_its_steps_and_no_secret() -> None:
    told = Told()
    secrets = ChapSecrets(Secret("a long secret here"))
    machine = probe(told, sign_in="chap", chap_name="alice", secrets=secrets)
    answered(machine, {"AuthMethod": "CHAP"}, t=False)
    answered(machine, {"CHAP_A": "5", "CHAP_I": "7", "CHAP_C": "0x" + "42" * 16}, t=False)
    with pytest.raises(Problem) as caught:
        answered(machine, status=0x0201)
    assert caught.value.code == "AuthenticationFailed"
    assert told.names == ["security", "challenge", "proof"]
    said = repr(told.stages)
    assert "alice" not in said
    assert "4242" not in said


def test_silence_ends_in_time() -> None:
    machine = probe(Told(), settings={"login_timeout": 3})
    deadline = machine.next_deadline()
    assert deadline == 3.0
    with pytest.raises(Problem) as caught:
        machine.on_timer(3.0)
    assert caught.value.code == "Timeout"


def test_after_the_login_nothing_is_a_failure_any_more() -> None:
    for end in ("eof", "timer", "noise"):
        machine = probe(Told(), settings={"logout_timeout": 3})
        answered(machine, {"AuthMethod": "None"})
        answered(machine, {})
        if end == "eof":
            machine.eof(1.0)
        elif end == "timer":
            machine.on_timer(3.0)
        else:
            machine.feed(b"\xff" * 48, 1.0)
        assert machine.done


def test_a_target_that_hangs_up_before_the_end_is_a_failure() -> None:
    machine = probe(Told())
    answered(machine, {"AuthMethod": "None"})
    with pytest.raises(Problem) as caught:
        machine.eof(1.0)
    assert caught.value.code == "ConnectionLost"


def test_a_logout_has_its_time_and_what_comes_after_the_end_is_nothing() -> None:
    machine = probe(Told(), settings={"logout_timeout": 3})
    answered(machine, {"AuthMethod": "None"})
    answered(machine, {})
    machine.on_timer(2.9)
    assert not machine.done
    machine.on_timer(machine.next_deadline() or 0.0)
    assert machine.done
    machine.feed(b"anything", 4.0)
    assert machine.next_deadline() is None


def test_a_redirect_is_followed_by_who_runs_it() -> None:
    machine = probe(Told(), asking=True)
    answered(machine, {"TargetAddress": "192.0.2.9:3261"}, status=0x0101)
    assert machine.done
    assert machine.redirect is not None
    assert (machine.redirect.address, machine.redirect.port) == ("192.0.2.9", 3261)
