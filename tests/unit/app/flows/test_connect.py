# SPDX-License-Identifier: Apache-2.0
"""“Connect to a target” without Qt and without a bus: every branch."""

from __future__ import annotations

import pytest
from lundock.app.client.operations import Found, Secrets, SignIn
from lundock.app.flows import connect
from lundock.app.flows.connect import Connect, Discover, Flow, Step
from lundock.helper.api.errors import Problem

PORTAL = {"address": "192.0.2.5", "port": 3260, "portal-group": 1}
ONE = Found("iqn.2026-01.a:one", (PORTAL,))
TWO = Found("iqn.2026-01.a:two", (PORTAL,))


def looking() -> Flow:
    return connect.submit_address(Flow(), " nas.local ")


def choosing() -> Flow:
    return connect.found(looking(), [TWO, ONE])


def signing_in() -> Flow:
    return connect.failed(connect.choose(choosing(), TWO), Problem("AuthenticationRequired"))


def test_an_address_is_looked_at() -> None:
    flow = looking()
    assert flow.step is Step.LOOKING
    assert flow.effect == Discover("nas.local", SignIn(), None)


def test_what_is_no_address_is_said_and_stays_typed() -> None:
    flow = connect.submit_address(Flow(), "nas local")
    assert (flow.step, flow.address, flow.effect) == (Step.ADDRESS, "nas local", None)
    assert flow.problem is not None
    assert flow.problem.code == "AddressInvalid"


def test_a_target_typed_by_name_is_connected_without_looking() -> None:
    flow = connect.submit_address(Flow(), "nas.local:3261", "iqn.2026-01.a:x")
    assert flow.step is Step.CONNECTING
    assert isinstance(flow.effect, Connect)
    assert (flow.effect.name, flow.effect.portals[0]["port"]) == ("iqn.2026-01.a:x", 3261)
    assert connect.failed(flow, Problem("TargetNotFound")).step is Step.ADDRESS


def test_what_was_found_is_ordered_and_the_first_one_chosen() -> None:
    flow = choosing()
    assert flow.step is Step.CHOOSE
    assert flow.found == (ONE, TWO)
    assert flow.chosen == ONE


def test_an_address_that_offers_nothing_says_so() -> None:
    flow = connect.found(looking(), [])
    assert flow.step is Step.ADDRESS
    assert flow.problem is not None


def test_what_comes_too_late_changes_nothing() -> None:
    back = connect.back(looking())
    assert connect.found(back, [ONE]) == back


def test_a_target_is_tried_without_signing_in_first() -> None:
    flow = connect.choose(choosing(), TWO)
    assert flow.step is Step.CONNECTING
    assert flow.effect == Connect(TWO.name, TWO.portals, SignIn(), None, keep=True, attach=True)
    assert connect.connected(flow, ["/l/0"]).step is Step.DONE


def test_who_must_sign_in_is_asked_without_an_error() -> None:
    flow = signing_in()
    assert flow.step is Step.SIGN_IN
    assert flow.problem is None
    assert flow.sign_in.method == "chap"


def test_a_wrong_secret_leads_back_with_what_was_typed() -> None:
    flow = connect.sign_in(signing_in(), SignIn("chap", "me"), Secrets("wrong"), keep=False)
    assert flow.step is Step.CONNECTING
    assert isinstance(flow.effect, Connect)
    assert (flow.effect.secrets, flow.effect.keep) == (Secrets("wrong"), False)
    again = connect.failed(flow, Problem("AuthenticationFailed"))
    assert again.step is Step.SIGN_IN
    assert again.sign_in.chap_name == "me"
    assert again.problem is not None


@pytest.mark.parametrize(
    ("how", "secrets", "code"),
    [
        (SignIn("chap"), Secrets(), "SecretsUnavailable"),
        (SignIn("mutual"), Secrets("same", "same"), "SecretReused"),
    ],
)
def test_secrets_that_cannot_work_are_not_sent(how: SignIn, secrets: Secrets, code: str) -> None:
    flow = connect.sign_in(signing_in(), how, secrets, keep=True)
    assert (flow.step, flow.effect) == (Step.SIGN_IN, None)
    assert flow.problem is not None
    assert flow.problem.code == code


def test_a_device_that_asks_already_when_looked_at() -> None:
    flow = connect.failed(looking(), Problem("AuthenticationRequired"))
    assert flow.step is Step.SIGN_IN
    flow = connect.sign_in(flow, SignIn("chap", "me"), Secrets("s"), keep=True)
    assert flow.step is Step.LOOKING
    assert flow.effect == Discover("nas.local", SignIn("chap", "me"), Secrets("s"))
    flow = connect.choose(connect.found(flow, [ONE]), ONE)
    assert isinstance(flow.effect, Connect)
    assert flow.effect.sign_in.method == "none", "discovery's sign-in is not the session's"


@pytest.mark.parametrize(
    ("start", "step"), [("looking", Step.ADDRESS), ("connecting", Step.CHOOSE)]
)  # fmt: skip
def test_failures_lead_to_where_they_can_be_mended(start: str, step: Step) -> None:
    flow = looking() if start == "looking" else connect.choose(choosing(), ONE)
    after = connect.failed(flow, Problem("ConnectionRefused", address="nas", port=3260))
    assert after.step is step
    assert after.problem is not None
    assert after.address == "nas.local"


def test_cancelling_is_no_error() -> None:
    after = connect.failed(looking(), Problem("Cancelled"))
    assert (after.step, after.problem) == (Step.ADDRESS, None)


def test_going_back_keeps_what_was_typed() -> None:
    flow = connect.back(signing_in())
    assert flow.step is Step.CHOOSE
    assert flow.chosen == TWO
    flow = connect.back(flow)
    assert (flow.step, flow.address) == (Step.ADDRESS, "nas.local")
    assert connect.back(flow).step is Step.ADDRESS


def test_the_secrets_are_gone_at_the_end() -> None:
    flow = connect.sign_in(signing_in(), SignIn("chap", "me"), Secrets("s"), keep=True)
    assert connect.connected(flow, []).secrets == Secrets()


def test_found_targets_are_readable() -> None:
    assert connect.describe(ONE) == ("one", "iqn.2026-01.a:one · 192.0.2.5")
