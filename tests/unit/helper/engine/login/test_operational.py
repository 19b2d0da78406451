# SPDX-License-Identifier: Apache-2.0
"""The operational stage by itself: who answers what (RFC 7143, 6.2, 6.3, 13.25)."""

from __future__ import annotations

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine.login import LoginConfig
from lundock.helper.engine.login.operational import Operational

NAME = "iqn.2026-01.example.client:one"


def stage(session_type: str = "Normal", **settings: object) -> Operational:
    return Operational(LoginConfig(NAME, session_type=session_type, settings=settings))  # type: ignore[arg-type]


def answers(to: dict[str, str], *, session_type: str = "Normal", transit: bool = False) -> dict[str, str]:
    step = stage(session_type).answer(to, transit=transit)
    assert step.transit
    return dict(step.pairs)


def test_obsolete_keys_are_rejected() -> None:
    """13.25: Reject, never NotUnderstood."""
    names = ("IFMarker", "OFMarker", "IFMarkInt", "OFMarkInt")
    assert answers(dict.fromkeys(names, "No")) == dict.fromkeys(names, "Reject")


def test_unknown_keys_are_not_understood() -> None:
    """6.2, 13.22."""
    unknown = {"X-com.example.a": "1", "SomethingNew": "2"}
    assert answers(unknown) == dict.fromkeys(unknown, "NotUnderstood")


@pytest.mark.parametrize("value", ["NotUnderstood", "Reject", "Irrelevant"])
def test_no_answer_to_an_answer(value: str) -> None:
    """What nobody may propose is no proposal."""
    assert answers({"X-com.example.a": value}) == {}


def test_unknown_keys_at_the_end_are_passed_over() -> None:
    assert answers({"X-com.example.a": "1"}, transit=True) == {}


def test_what_the_target_offers_is_answered() -> None:
    assert answers({"TaskReporting": "FastAbort,RFC3720", "iSCSIProtocolLevel": "2"}) == {
        "TaskReporting": "RFC3720",
        "iSCSIProtocolLevel": "1",
    }


def test_irrelevant_in_discovery() -> None:
    """13: Irrelevant when SessionType=Discovery; 7.4.1: recovery level 0."""
    offered = {"MaxBurstLength": "8192", "InitialR2T": "No", "TaskReporting": "RFC3720", "ErrorRecoveryLevel": "2"}
    expected = dict.fromkeys(offered, "Irrelevant") | {"ErrorRecoveryLevel": "0"}
    assert answers(offered, session_type="Discovery") == expected


@pytest.mark.parametrize(("key", "value"), [("TaskReporting", "RFC3720"), ("IFMarker", "No"), ("AuthMethod", "None")])
def test_offers_that_come_too_late(key: str, value: str) -> None:
    """6.3: with T 1 a target must not submit what wants an answer; security keys have had their stage."""
    with pytest.raises(Problem) as caught:
        stage().answer({key: value}, transit=True)
    assert (caught.value.code, caught.value.attrs["key"]) == ("NegotiationFailed", key)


@pytest.mark.parametrize("value", ["Reject", "NotUnderstood", "Irrelevant"])
def test_answer_to_what_was_not_offered(value: str) -> None:
    with pytest.raises(Problem) as caught:
        stage().answer({"TaskReporting": value}, transit=False)
    assert caught.value.attrs["key"] == "TaskReporting"


def test_answer_that_does_not_follow() -> None:
    with pytest.raises(Problem) as caught:
        stage(max_burst_length=65536).answer({"MaxBurstLength": "131072"}, transit=True)
    assert caught.value.attrs["key"] == "MaxBurstLength"
    assert "131072" in str(caught.value.attrs["detail"])


def test_what_is_not_answered_keeps_its_default() -> None:
    """6.2: all negotiations are explicit."""
    found = stage(max_burst_length=1048576, max_recv_data_segment_length=4096)
    found.start()
    found.answer({}, transit=True)
    found.finish()
    assert found.parameters.max_burst_length == 262144
    assert found.parameters.initial_r2t
    assert found.parameters.max_send == 8192
    assert found.parameters.max_recv == 4096


def test_booleans_that_need_no_answer() -> None:
    """6.2.2: AND with No and OR with Yes are decided by who proposes them; the default of ImmediateData is Yes."""
    found = stage(immediate_data=False, initial_r2t=True)
    found.start()
    found.answer({}, transit=True)
    found.finish()
    assert not found.parameters.immediate_data
    assert found.parameters.initial_r2t


def test_booleans_that_need_an_answer() -> None:
    """6.2.2: the others are not decided by the proposal: without an answer the default holds."""
    found = stage(immediate_data=True, initial_r2t=False)
    found.start()
    found.answer({}, transit=True)
    found.finish()
    assert found.parameters.immediate_data
    assert found.parameters.initial_r2t
