# SPDX-License-Identifier: Apache-2.0
"""“Connect to a target” without Qt and without a bus: every branch."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lundock.app.client.connecting import Options
from lundock.app.client.operations import Found, Secrets, SignIn
from lundock.app.flows import connect
from lundock.app.flows.connect import Connect, Discover, Flow, Probe, Step
from lundock.helper.api.errors import Problem

PORTAL = {"address": "192.0.2.5", "port": 3260, "portal-group": 1}
ONE = Found("iqn.2026-01.a:one", (PORTAL,))
TWO = Found("iqn.2026-01.a:two", (PORTAL,))


def looking() -> Flow:
    return connect.submit_address(Flow(), " nas.local ")


def choosing() -> Flow:
    return connect.found(looking(), [TWO, ONE])


def asking() -> Flow:
    return connect.choose(choosing(), TWO)


def signing_in() -> Flow:
    return connect.probed(asking(), "chap")


def optional() -> Flow:
    return connect.sign_in(signing_in(), SignIn("chap", "me"), Secrets("s"), keep=True)


def connecting() -> Flow:
    return connect.set_options(optional(), Options())


def test_an_address_is_looked_at() -> None:
    flow = looking()
    assert flow.step is Step.LOOKING
    assert flow.effect == Discover("nas.local", SignIn(), None)


def test_what_is_no_address_is_said_and_stays_typed() -> None:
    flow = connect.submit_address(Flow(), "nas local")
    assert (flow.step, flow.address, flow.effect) == (Step.ADDRESS, "nas local", None)
    assert flow.problem is not None
    assert flow.problem.code == "AddressInvalid"


def test_a_target_typed_by_name_is_asked_without_looking() -> None:
    flow = connect.submit_address(Flow(), "nas.local:3261", "iqn.2026-01.a:x")
    assert flow.step is Step.ASKING
    assert isinstance(flow.effect, Probe)
    assert (flow.effect.name, flow.effect.portals[0]["port"]) == ("iqn.2026-01.a:x", 3261)
    assert connect.failed(flow, Problem("TargetNotFound")).step is Step.ADDRESS
    assert connect.back(connect.probed(flow, "none")).step is Step.ADDRESS


def test_a_pasted_link_is_taken_apart() -> None:
    flow = connect.submit_address(Flow(), "iscsi://anna@nas.local:3261")
    assert (flow.step, flow.address, flow.sign_in.chap_name) == (Step.LOOKING, "nas.local:3261", "anna")
    flow = connect.submit_address(Flow(), "iscsi://nas.local/iqn.2026-01.a:x/0")
    assert flow.step is Step.ASKING
    assert isinstance(flow.effect, Probe)
    assert flow.effect.name == "iqn.2026-01.a:x"


def test_a_link_with_a_password_is_refused_and_not_kept() -> None:
    flow = connect.submit_address(Flow(), "iscsi://anna%hunter2hunter2@nas.local")
    assert (flow.step, flow.effect) == (Step.ADDRESS, None)
    assert flow.problem is not None
    assert "hunter2" not in repr(flow)


def test_what_was_found_is_ordered_and_the_first_one_chosen() -> None:
    flow = choosing()
    assert flow.step is Step.CHOOSE
    assert flow.found == (ONE, TWO)
    assert flow.chosen == ONE


def test_ways_that_answer_stand_first() -> None:
    away, there = PORTAL | {"reachable": False}, PORTAL | {"address": "192.0.2.6", "reachable": True}
    flow = connect.found(
        looking(), [Found(ONE.name, (away,)), Found(TWO.name, (away, there)), Found("iqn.2026-01.a:z", (PORTAL,))]
    )
    assert [target.name for target in flow.found] == [TWO.name, "iqn.2026-01.a:z", ONE.name]
    assert flow.found[0].portals == (there, away)
    assert connect.describe(flow.found[0])[1] == f"192.0.2.6 · does not answer: 192.0.2.5 · {TWO.name}"
    assert connect.describe(flow.found[2])[1] == f"does not answer: 192.0.2.5 · {ONE.name}"
    assert [connect.answers(target) for target in flow.found] == [True, True, False]


def test_what_was_chosen_before_is_chosen_again() -> None:
    again = connect.submit_address(connect.back(connect.back(asking())), "nas.local")
    assert connect.found(again, [ONE, TWO]).chosen == TWO


def test_an_address_that_offers_nothing_says_so() -> None:
    flow = connect.found(looking(), [], "iqn.2026-01.org.example:me")
    assert flow.step is Step.ADDRESS
    assert flow.problem is not None
    assert (flow.problem.code, flow.problem.attrs["initiator_name"]) == ("NoTargets", "iqn.2026-01.org.example:me")


def test_each_step_knows_what_it_is_about() -> None:
    assert connect.subject_of(looking()) == "nas.local"
    assert connect.subject_of(asking()) == connect.describe(TWO)[0]
    asked = connect.failed(looking(), Problem("AuthenticationRequired"))
    assert (asked.step, connect.subject_of(asked)) == (Step.SIGN_IN, "nas.local")


def test_what_comes_too_late_changes_nothing() -> None:
    back = connect.back(looking())
    assert connect.found(back, [ONE]) == back
    gone = connect.back(asking())
    assert connect.probed(gone, "chap") == gone


def test_a_target_is_asked_which_sign_in_it_wants() -> None:
    flow = asking()
    assert flow.step is Step.ASKING
    assert flow.effect == Probe(TWO.name, TWO.portals)
    assert connect.probed(flow, "chap").step is Step.SIGN_IN
    assert connect.probed(flow, "none").step is Step.OPTIONS


def test_who_need_not_sign_in_never_sees_the_form() -> None:
    flow = connect.set_options(connect.probed(asking(), "none"), Options(attach=False))
    assert flow.step is Step.CONNECTING
    assert isinstance(flow.effect, Connect)
    assert (flow.effect.sign_in.method, flow.effect.secrets) == ("none", None)
    assert flow.effect.options == Options(attach=False)
    assert connect.back(connect.probed(asking(), "none")).step is Step.CHOOSE


def test_the_form_begins_with_what_is_saved() -> None:
    assert connect.probed(asking(), "chap", SignIn("mutual", "me", "them")).sign_in == SignIn("mutual", "me", "them")
    assert connect.probed(asking(), "chap", SignIn()).sign_in == SignIn("chap")
    typed = replace(asking(), sign_in=SignIn("chap", "typed"))
    assert connect.probed(typed, "chap", SignIn("mutual", "saved")).sign_in.chap_name == "typed"


def test_a_wrong_secret_leads_back_with_what_was_typed() -> None:
    flow = connect.sign_in(signing_in(), SignIn("chap", "me"), Secrets("wrong"), keep=False)
    assert flow.step is Step.OPTIONS
    flow = connect.set_options(flow, Options(read_only=True))
    assert isinstance(flow.effect, Connect)
    assert (flow.effect.secrets, flow.effect.keep) == (Secrets("wrong"), False)
    again = connect.failed(flow, Problem("AuthenticationFailed"))
    assert again.step is Step.SIGN_IN
    assert again.sign_in.chap_name == "me"
    assert again.options.read_only
    assert again.problem is not None


def test_a_target_that_asks_only_at_the_login_is_answered_without_an_error() -> None:
    flow = connect.set_options(connect.probed(asking(), "none"), Options())
    flow = connect.failed(flow, Problem("AuthenticationRequired"))
    assert (flow.step, flow.problem, flow.sign_in.method) == (Step.SIGN_IN, None, "chap")


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
    assert (flow.step, flow.problem) == (Step.SIGN_IN, None)
    assert connect.back(flow).step is Step.ADDRESS
    flow = connect.sign_in(flow, SignIn("chap", "me"), Secrets("s"), keep=True)
    assert flow.step is Step.LOOKING
    assert flow.effect == Discover("nas.local", SignIn("chap", "me"), Secrets("s"))
    refused = connect.failed(flow, Problem("AuthenticationFailed"))
    assert (refused.step, refused.for_discovery, refused.sign_in.chap_name) == (Step.SIGN_IN, True, "me")
    flow = connect.choose(connect.found(flow, [ONE]), ONE)
    assert flow.sign_in.method == "none", "discovery's sign-in is not the session's"


@pytest.mark.parametrize(
    ("flow", "step"),
    [(looking(), Step.ADDRESS), (asking(), Step.CHOOSE), (connecting(), Step.OPTIONS), (optional(), Step.OPTIONS)],
    ids=["looking", "asking", "connecting", "late"],
)
def test_failures_lead_to_where_they_can_be_mended(flow: Flow, step: Step) -> None:
    after = connect.failed(flow, Problem("ConnectionRefused", address="nas", port=3260))
    assert after.step is step
    assert after.problem is not None
    assert after.effect is None
    assert after.address == "nas.local"


@pytest.mark.parametrize("flow", [looking(), asking(), connecting()], ids=["looking", "asking", "connecting"])
def test_cancelling_is_no_error(flow: Flow) -> None:
    after = connect.failed(flow, Problem("Cancelled"))
    assert after.problem is None
    assert after.step is connect.back(flow).step


def test_going_back_keeps_what_was_typed() -> None:
    steps = []
    flow = connecting()
    for _ in range(6):
        flow = connect.back(flow)
        steps.append(flow.step)
        assert (flow.chosen, flow.address, flow.sign_in.chap_name) == (TWO, "nas.local", "me")
    assert steps == [Step.OPTIONS, Step.SIGN_IN, Step.CHOOSE, Step.ADDRESS, Step.ADDRESS, Step.ADDRESS]


def test_a_target_that_is_not_listed_is_typed() -> None:
    flow = connect.by_name(choosing())
    assert (flow.step, flow.address) == (Step.ADDRESS, "nas.local")


def test_the_secrets_are_gone_at_the_end() -> None:
    done = connect.connected(connecting(), ["/l/0"])
    assert (done.step, done.secrets, done.connected) == (Step.DONE, Secrets(), ("/l/0",))


def test_found_targets_are_readable() -> None:
    assert connect.describe(ONE) == ("one", "192.0.2.5 · iqn.2026-01.a:one")
