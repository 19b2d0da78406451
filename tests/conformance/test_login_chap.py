# SPDX-License-Identifier: Apache-2.0
"""CHAP on the wire: right and wrong, each direction and algorithm, hex and base64 (9.2.1, 12.1.3; RFC 1994)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from conformance.harness import INITIATOR, Lab
from lundock.helper.api.errors import Problem
from lundock.helper.engine.login import ChapSecrets, Secret
from lundock.helper.target import keys
from lundock.helper.target.chap import ALGORITHMS, Account
from lundock.helper.target.pdu import Op, Pdu
from lundock.helper.target.script import Close, Step

MakeLab = Callable[..., Lab]

OURS, THEIRS = "ours-is-long-enough", "and-theirs-is-too!"
ME, IT = Account("user one", OURS), Account("the target", THEIRS)
NAMES = {5: "MD5", 6: "SHA-1", 7: "SHA-256", 8: "SHA3-256"}
SIZES = {5: 16, 6: 20, 7: 32, 8: 32}


def make(
    make_lab: MakeLab, *, mutual: bool = False, ours: str = OURS, theirs: str = THEIRS, name: str = ME.name,
    settings: dict[str, Any] | None = None, **target: Any,
) -> Lab:  # fmt: skip
    login = {
        "sign_in": "mutual" if mutual else "chap",
        "chap_name": name,
        "secrets": ChapSecrets(Secret(ours), Secret(theirs) if mutual else None),
    }
    fields = {"chap": ME, "mutual": IT if mutual else None, **target}
    return make_lab(login=login, target=fields, settings=settings or {})


def connected(lab: Lab) -> list[dict[str, str]]:
    """Log in; returns the texts of the login requests."""
    lab.start()
    lab.until_state("connected")
    return said(lab)


def said(lab: Lab) -> list[dict[str, str]]:
    return [dict(keys.parse(bytes(pdu.data))) for pdu in lab.logins()]


def changing(**texts: str | None) -> Callable[[Pdu], Iterable[Step]]:
    """A rule: these keys of a login response have other values; None takes them out."""

    def change(pdu: Pdu) -> Iterable[Step]:
        pairs = dict(keys.parse(bytes(pdu.data)))
        pairs.update({key: value for key, value in texts.items() if value is not None})
        for key in [key for key, value in texts.items() if value is None]:
            pairs.pop(key, None)
        pdu = pdu.copy()
        pdu.data = keys.pack(pairs.items())
        return [pdu]

    return change


def closed(lab: Lab) -> Problem:
    """The login fails, and the connection is closed by us."""
    problem = lab.refused()
    lab.until(lambda: not lab.server.connections)
    assert not lab.received(Op.SCSI_COMMAND)
    return problem


# -- right ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mutual", [False, True], ids=["one-way", "mutual"])
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=NAMES.get)
def test_each_algorithm(make_lab: MakeLab, algorithm: int, mutual: bool):
    """12.1.3: AuthMethod, CHAP_A, then N and R (and I and C): the steps in their order, the answer by RFC 1994."""
    lab = make(make_lab, mutual=mutual, algorithms=(algorithm,))
    method, offer, proof = connected(lab)[:3]
    assert method["AuthMethod"] == "CHAP"
    assert set(offer) == {"CHAP_A"}
    assert set(proof) == {"CHAP_N", "CHAP_R", *(("CHAP_I", "CHAP_C") if mutual else ())}
    assert proof["CHAP_N"] == ME.name
    challenge = dict(keys.parse(bytes(lab.sent(Op.LOGIN_RESPONSE)[1].data)))
    assert challenge["CHAP_A"] == str(algorithm)
    made = hashlib.new(ALGORITHMS[algorithm])
    made.update(bytes([int(challenge["CHAP_I"])]) + OURS.encode() + bytes.fromhex(challenge["CHAP_C"][2:]))
    assert bytes.fromhex(proof["CHAP_R"][2:]) == made.digest()
    if mutual:
        assert len(bytes.fromhex(proof["CHAP_C"][2:])) >= 16
        assert 0 <= int(proof["CHAP_I"]) <= 255


def test_all_four_are_offered_the_best_first(make_lab: MakeLab):
    """12.1.3: in order of preference; 5 (MD5) is always among them."""
    assert connected(make(make_lab))[1] == {"CHAP_A": "8,7,6,5"}


def test_policy_can_take_md5_out(make_lab: MakeLab):
    """12.1.3 wants MD5 always: a setting deviates on purpose."""
    settings = {"chap_algorithms": ("SHA3-256", "SHA-256")}
    assert connected(make(make_lab, settings=settings))[1] == {"CHAP_A": "8,7"}


def test_none_is_not_offered_with_chap(make_lab: MakeLab):
    """12.1, 9: who wants signing in is not let in without."""
    lab = make(make_lab)
    lab.play.when_sending(Op.LOGIN_RESPONSE, changing(AuthMethod="None"), nth=1)
    assert closed(lab).code == "AuthenticationMethodRefused"
    assert said(lab)[0]["AuthMethod"] == "CHAP"


@pytest.mark.parametrize("prefix", ["0b", "0B", "0X"])
@pytest.mark.parametrize("mutual", [False, True], ids=["one-way", "mutual"])
def test_base64_and_hex(make_lab: MakeLab, prefix: str, mutual: bool):
    """6.1, 12.1.3: hex and base64, in either case of the prefix, for challenge and response."""
    lab = make(make_lab, mutual=mutual)

    def other_form(pdu: Pdu) -> Iterable[Step]:
        pairs = dict(keys.parse(bytes(pdu.data)))
        for key in ("CHAP_C", "CHAP_R"):
            if key in pairs:
                raw = bytes.fromhex(pairs[key][2:])
                pairs[key] = prefix + (raw.hex().upper() if prefix == "0X" else base64.b64encode(raw).decode())
        pdu = pdu.copy()
        pdu.data = keys.pack(pairs.items())
        return [pdu]

    lab.play.when_sending(Op.LOGIN_RESPONSE, other_form)
    connected(lab)


def test_challenge_of_1024_bytes(make_lab: MakeLab):
    """12.1.3: C of up to 1024 bytes; the answer is made over all of it."""
    lab = make(make_lab, algorithms=(7,))
    challenge = bytes(range(256)) * 4
    lab.play.when_sending(Op.LOGIN_RESPONSE, changing(CHAP_C="0x" + challenge.hex(), CHAP_I="0x7f"), nth=2)
    lab.refused()
    made = hashlib.sha256(b"\x7f" + OURS.encode() + challenge).hexdigest()
    assert said(lab)[2]["CHAP_R"] == "0x" + made


def test_challenges_are_new_and_not_the_targets(make_lab: MakeLab):
    """9.2.1, RFC 1994, 2.3: our challenge is never the target's, and never the same twice."""
    found = []
    for _ in range(3):
        lab = make(make_lab, mutual=True)
        found.append(connected(lab)[2]["CHAP_C"])
        theirs = dict(keys.parse(bytes(lab.sent(Op.LOGIN_RESPONSE)[1].data)))["CHAP_C"]
        assert found[-1] != theirs
    assert len(set(found)) == 3


def test_secrets_are_not_on_the_wire(make_lab: MakeLab):
    """RFC 1994, 2.3."""
    lab = make(make_lab, mutual=True)
    connected(lab)
    passed = b"".join(bytes(seen.pdu.data) for seen in lab.server.wire)
    for secret in (OURS, THEIRS):
        assert secret.encode() not in passed
        assert secret.encode().hex().encode() not in passed


def test_name_is_the_initiators_when_none_is_set(make_lab: MakeLab):
    """9.2: CHAP_N may be another name than the node's; by default it is the node's."""
    lab = make(make_lab, name="", chap=Account(INITIATOR, OURS))
    assert connected(lab)[2]["CHAP_N"] == INITIATOR


def test_name_of_the_target_is_checked_where_it_is_known(make_lab: MakeLab):
    """9.2: whose name it is matters as well as that it knows the secret."""
    lab = make(make_lab, mutual=True)
    lab._login["target_chap_name"] = "another target"
    assert closed(lab).code == "TargetNotAuthenticated"


# -- wrong ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=NAMES.get)
@pytest.mark.parametrize("wrong", ["name", "secret"])
def test_target_refuses_us(make_lab: MakeLab, wrong: str, algorithm: int):
    """12.1.3, 11.13.5: 0201."""
    lab = make(make_lab, algorithms=(algorithm,), **{("name" if wrong == "name" else "ours"): "something else!!"})
    assert closed(lab).code == "AuthenticationFailed"


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=NAMES.get)
def test_target_does_not_know_its_secret(make_lab: MakeLab, algorithm: int):
    """12.1.3: target authentication fails: the initiator closes the connection, before any operational key."""
    lab = make(make_lab, mutual=True, algorithms=(algorithm,), theirs="what it should be")
    assert closed(lab).code == "TargetNotAuthenticated"
    assert len(lab.logins()) == 3


@pytest.mark.parametrize("missing", ["CHAP_N", "CHAP_R"])
def test_target_leaves_its_proof_out(make_lab: MakeLab, missing: str):
    """9.2: missing keys."""
    lab = make(make_lab, mutual=True)
    lab.play.when_sending(Op.LOGIN_RESPONSE, changing(**{missing: None}), nth=3)
    assert closed(lab).code == "TargetNotAuthenticated"


def test_target_goes_on_without_proof(make_lab: MakeLab):
    """9.2.1: T with nothing in it, where a proof was asked for."""
    lab = make(make_lab, mutual=True)

    def goes_on(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.data, pdu.flags = b"", 0x81
        return [pdu]

    lab.play.when_sending(Op.LOGIN_RESPONSE, goes_on, nth=3)
    assert closed(lab).code == "TargetNotAuthenticated"


def test_our_answer_mirrored(make_lab: MakeLab):
    """9.2.1: the answer that we would give ourselves is a failure."""
    lab = make(make_lab, mutual=True)

    def mirrored(pdu: Pdu) -> Iterable[Step]:
        return changing(CHAP_R=said(lab)[2]["CHAP_R"])(pdu)

    lab.play.when_sending(Op.LOGIN_RESPONSE, mirrored, nth=3)
    assert closed(lab).code == "TargetNotAuthenticated"


def test_our_secret_in_the_targets_hands(make_lab: MakeLab):
    """9.2.1: a proof that is made with the initiator's secret, over our challenge."""
    lab = make(make_lab, mutual=True, algorithms=(8,))

    def with_ours(pdu: Pdu) -> Iterable[Step]:
        asked = said(lab)[2]
        made = hashlib.sha3_256(bytes([int(asked["CHAP_I"])]) + OURS.encode() + bytes.fromhex(asked["CHAP_C"][2:]))
        return changing(CHAP_R="0x" + made.hexdigest())(pdu)

    lab.play.when_sending(Op.LOGIN_RESPONSE, with_ours, nth=3)
    assert closed(lab).code == "TargetNotAuthenticated"


def test_our_challenge_sent_back(make_lab: MakeLab):
    """9.2.1: a challenge that we sent on one connection comes back on another: nobody answers it."""
    first = make(make_lab, mutual=True)
    challenge = connected(first)[2]["CHAP_C"]
    lab = make(make_lab, mutual=True)
    lab.play.when_sending(Op.LOGIN_RESPONSE, changing(CHAP_C=challenge), nth=2)
    assert closed(lab).code == "TargetNotAuthenticated"
    assert "CHAP_R" not in said(lab)[-1]


def test_same_secret_both_ways(make_lab: MakeLab):
    """9.2.1: MUST NOT: refused before anything is sent."""
    lab = make(make_lab, mutual=True, theirs=OURS)
    assert lab.refused().code == "SecretReused"
    assert not lab.logins()


@pytest.mark.parametrize("refuse", [False, True])
def test_secret_of_less_than_96_bits(make_lab: MakeLab, refuse: bool):
    """9.2.1: SHOULD NOT go on: warned of, or refused by policy before anything is sent."""
    lab = make(
        make_lab, ours="elevenchars", chap=replace(ME, secret="elevenchars"), settings={"refuse_short_secrets": refuse}
    )
    if refuse:
        assert lab.refused().code == "SecretTooShort"
        assert not lab.logins()
    else:
        connected(lab)
        assert lab.host.kinds().count("short-secret") == 1


WRONG_CHALLENGES: dict[str, tuple[dict[str, str | None], str]] = {
    "algorithm-not-offered": ({"CHAP_A": "9"}, "NegotiationFailed"),
    "algorithm-of-two": ({"CHAP_A": "8,7"}, "NegotiationFailed"),
    "algorithms-refused": ({"CHAP_A": "Reject"}, "AuthenticationMethodRefused"),
    "no-algorithm": ({"CHAP_A": None}, "NegotiationFailed"),
    "no-identifier": ({"CHAP_I": None}, "NegotiationFailed"),
    "no-challenge": ({"CHAP_C": None}, "NegotiationFailed"),
    "identifier-256": ({"CHAP_I": "256"}, "NegotiationFailed"),
    "identifier-negative": ({"CHAP_I": "-1"}, "NegotiationFailed"),
    "challenge-empty": ({"CHAP_C": "0x"}, "NegotiationFailed"),
    "challenge-not-hex": ({"CHAP_C": "0xzz"}, "NegotiationFailed"),
    "challenge-not-base64": ({"CHAP_C": "0b====~"}, "NegotiationFailed"),
    "challenge-of-1025": ({"CHAP_C": "0x" + "ab" * 1025}, "NegotiationFailed"),
    "a-key-of-another-step": ({"CHAP_R": "0xab"}, "NegotiationFailed"),
    "a-key-of-another-method": ({"SRP_s": "0xab"}, "NegotiationFailed"),
}


@pytest.mark.parametrize("name", WRONG_CHALLENGES)
def test_wrong_challenge(make_lab: MakeLab, name: str):
    """9.2: wrong keys or values in a step: the connection is closed, no proof is given."""
    texts, code = WRONG_CHALLENGES[name]
    lab = make(make_lab)
    lab.play.when_sending(Op.LOGIN_RESPONSE, changing(**texts), nth=2)
    assert closed(lab).code == code
    assert all("CHAP_R" not in text for text in said(lab))


@pytest.mark.parametrize(
    ("method", "code"),
    [("None", "AuthenticationMethodRefused"), ("Reject", "AuthenticationMethodRefused"), ("KRB5", "NegotiationFailed")],
)
def test_method_that_was_not_offered(make_lab: MakeLab, method: str, code: str):
    """6.2.1: a value that was not proposed is a protocol error."""
    lab = make(make_lab)
    lab.play.when_sending(Op.LOGIN_RESPONSE, changing(AuthMethod=method), nth=1)
    assert closed(lab).code == code


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_target_closes_at_each_step(make_lab: MakeLab, nth: int):
    """7.12: in place of its first answers, and of the one that would let us in; tried with other algorithms at most."""
    lab = make(make_lab, mutual=True)

    def close(pdu: Pdu) -> Iterable[Step]:
        here = max(seen.connection for seen in lab.server.wire)
        asked = [seen for seen in lab.server.wire if seen.connection == here and not seen.sent]
        return [Close()] if len(asked) == nth else [pdu]

    lab.play.when_sending(Op.LOGIN_RESPONSE, close)
    assert lab.refused().code == "ConnectionLost"
    assert len(lab.host.asked) <= len(ALGORITHMS)
    assert not lab.received(Op.SCSI_COMMAND)


@pytest.mark.parametrize("key", ["CHAP_A", "CHAP_I", "CHAP_C"])
def test_chap_key_repeated(make_lab: MakeLab, key: str):
    """6.3: nothing is said twice."""
    lab = make(make_lab)

    def twice(pdu: Pdu) -> Iterable[Step]:
        pairs = keys.parse(bytes(pdu.data))
        pdu = pdu.copy()
        pdu.data = keys.pack([*pairs, *[pair for pair in pairs if pair[0] == key]])
        return [pdu]

    lab.play.when_sending(Op.LOGIN_RESPONSE, twice, nth=2)
    problem = closed(lab)
    assert (problem.code, problem.attrs["key"]) == ("NegotiationFailed", key)


def test_target_that_wants_signing_in(make_lab: MakeLab):
    """Nobody gave a name: what is missing is said."""
    lab = make_lab(target={"chap": ME})
    assert closed(lab).code == "AuthenticationRequired"


def test_secrets_are_in_no_error(make_lab: MakeLab):
    for how in ({"ours": "wrong-but-secret"}, {"mutual": True, "theirs": "wrong-but-secret"}):
        problem = closed(make(make_lab, **how))
        assert "wrong-but-secret" not in repr(problem) + str(problem) + str(problem.attrs)
        assert OURS not in repr(problem)


def test_target_that_cannot_do_what_it_selected(make_lab: MakeLab):
    """There are targets that select SHA-256 and cannot read its answer: the next algorithm, on a new connection."""
    lab = make(make_lab, algorithms=(7, 5))

    def confused(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.login_status, pdu.flags, pdu.data = 0x0200, 0, b""
        return [pdu]

    lab.play.when_sending(Op.LOGIN_RESPONSE, confused, nth=3)
    texts = connected(lab)
    assert [text["CHAP_A"] for text in texts if "CHAP_A" in text] == ["8,7,6,5", "6,5"]
    assert len(lab.host.asked) == 2


def test_signing_in_again_after_a_loss(make_lab: MakeLab):
    """9.2: each connection of a session signs in as the same, by the same method."""
    lab = make(make_lab, mutual=True).up()
    lab.peer.close()
    lab.until(lambda: lab.host.states.count("connected") == 2)
    texts = said(lab)
    assert texts[0]["AuthMethod"] == "CHAP"
    assert texts[2]["CHAP_N"] == ME.name


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=NAMES.get)
def test_length_of_the_answer(make_lab: MakeLab, algorithm: int):
    """RFC 1994, 4.1: as long as the hash."""
    lab = make(make_lab, algorithms=(algorithm,))
    assert len(bytes.fromhex(connected(lab)[2]["CHAP_R"][2:])) == SIZES[algorithm]


# -- discovery -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mutual", [False, True], ids=["one-way", "mutual"])
@pytest.mark.parametrize("good", [False, True])
def test_discovery_has_an_account_of_its_own(make_lab: MakeLab, mutual: bool, good: bool):
    """12.1: discovery's name and secrets apart from the target's, one way and mutual."""
    server = {"discovery_chap": ME, "discovery_mutual": IT if mutual else None}
    lab = make_lab(server=server, target={"chap": Account("somebody", "else-altogether")})
    secrets = ChapSecrets(Secret(OURS if good else "not-the-right-one"), Secret(THEIRS) if mutual else None)
    lab.discover(sign_in="mutual" if mutual else "chap", chap_name=ME.name, secrets=secrets)
    lab.until_state("ended")
    if good:
        assert len(lab.host.targets) == 1
    else:
        assert lab.host.problem is not None
        assert lab.host.problem.code == "AuthenticationFailed"
