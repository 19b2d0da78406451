# SPDX-License-Identifier: Apache-2.0
"""AuthMethod and CHAP (RFC 7143, 12.1.3, 9.2.1): a target that computes with hashlib alone."""

from __future__ import annotations

import base64
import hashlib
import itertools

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine.login import ChapSecrets, Login, LoginConfig, Secret
from support.pdus import Request, login_response, split

NAME = "iqn.2026-01.example.client:one"
OURS = b"the client's secret"
THEIRS = b"the target's own one"
HASHES = {5: "md5", 6: "sha1", 7: "sha256", 8: "sha3_256"}
NUMBERS = {"MD5": "5", "SHA-1": "6", "SHA-256": "7", "SHA3-256": "8"}
CHALLENGE = bytes(range(1, 24))
IDENTIFIER = 207


def chap(algorithm: int, identifier: int, secret: bytes, challenge: bytes) -> bytes:
    """RFC 1994, 4.1."""
    return hashlib.new(HASHES[algorithm], bytes((identifier,)) + secret + challenge).digest()


def hexa(value: bytes) -> str:
    return "0x" + value.hex()


def base(value: bytes) -> str:
    return "0b" + base64.b64encode(value).decode()


def binary(value: str) -> bytes:
    return bytes.fromhex(value[2:]) if value.startswith("0x") else base64.b64decode(value[2:])


def login_of(sign_in: str = "chap", **more: object) -> Login:
    secrets = ChapSecrets(Secret(OURS), Secret(THEIRS) if sign_in == "mutual" else None)
    values = {"target_name": "iqn.2026-01.example:t", "sign_in": sign_in, "chap_name": "alice", "secrets": secrets}
    return Login(LoginConfig(NAME, **(values | more)), 0.0)  # type: ignore[arg-type]


def asked(login: Login) -> Request:
    found = split(login.to_send())
    assert len(found) == 1
    return found[0]


def answered(login: Login, *args: object, **kwargs: object) -> Request:
    request = asked(login)
    login.feed(login_response(request, *args, **kwargs), 0.0)  # type: ignore[arg-type]
    return request


def to_challenge(login: Login) -> None:
    """Bring a login to the point where it has sent CHAP_A."""
    answered(login, {"AuthMethod": "CHAP"})


def to_proof(login: Login, algorithm: int = 5, **keys: str) -> Request:
    """Bring a login to the point where it has sent CHAP_R, and return that request."""
    to_challenge(login)
    text = {"CHAP_A": str(algorithm), "CHAP_I": str(IDENTIFIER), "CHAP_C": hexa(CHALLENGE)}
    answered(login, text | keys)
    return asked(login)


def code_of(login: Login, *args: object, **kwargs: object) -> str:
    with pytest.raises(Problem) as caught:
        answered(login, *args, **kwargs)
    shown = str(caught.value.attrs) + repr(caught.value)
    assert OURS.decode() not in shown
    assert THEIRS.decode() not in shown
    return caught.value.code


# ---- the steps ---------------------------------------------------------------------------------------------------


def test_offers_nothing_but_chap() -> None:
    """None must not silently do where a person asked for signing in."""
    request = asked(login_of())
    assert request.keys["AuthMethod"] == "CHAP"
    assert (request.t, request.csg) == (False, 0)


def test_algorithms_in_the_order_of_the_setting() -> None:
    """12.1.3: in order of preference."""
    for order in itertools.permutations(NUMBERS, 3):
        login = login_of(settings={"chap_algorithms": order})
        to_challenge(login)
        request = asked(login)
        assert request.pairs == [("CHAP_A", ",".join(NUMBERS[name] for name in order))]
        assert not request.t


def test_default_has_all_four() -> None:
    """12.1.3: MD5 is always among them unless a policy takes it out."""
    login = login_of()
    to_challenge(login)
    assert asked(login).keys["CHAP_A"] == "8,7,6,5"


@pytest.mark.parametrize("form", [hexa, base])
@pytest.mark.parametrize("algorithm", HASHES)
def test_one_way(algorithm: int, form: object) -> None:
    login = login_of()
    request = to_proof(login, algorithm, CHAP_C=form(CHALLENGE))  # type: ignore[operator]
    assert set(request.keys) == {"CHAP_N", "CHAP_R"}
    assert request.keys["CHAP_N"] == "alice"
    assert binary(request.keys["CHAP_R"]) == chap(algorithm, IDENTIFIER, OURS, CHALLENGE)
    assert (request.t, request.csg, request.nsg) == (True, 0, 1)
    login.feed(login_response(request), 0.0)
    assert asked(login).csg == 1


@pytest.mark.parametrize("form", [hexa, base])
@pytest.mark.parametrize("algorithm", HASHES)
def test_mutual(algorithm: int, form: object) -> None:
    login = login_of("mutual")
    request = to_proof(login, algorithm)
    assert set(request.keys) == {"CHAP_N", "CHAP_R", "CHAP_I", "CHAP_C"}
    ours = binary(request.keys["CHAP_C"])
    assert ours != CHALLENGE  # 9.2.1: never the target's own
    assert 1 <= len(ours) <= 1024
    proof = chap(algorithm, int(request.keys["CHAP_I"]), THEIRS, ours)
    login.feed(login_response(request, {"CHAP_N": "storage", "CHAP_R": form(proof)}), 0.0)  # type: ignore[operator]
    answered(login)
    assert login.done
    assert login.result is not None
    assert not login.result.short_secret


def test_name_is_ours_when_none_is_set() -> None:
    """9.2: CHAP_N may differ from the iSCSI name, and is it where nothing was said."""
    assert to_proof(login_of(chap_name="")).keys["CHAP_N"] == NAME


def test_target_goes_on_later() -> None:
    """6.3.3: T 0 after the proof; empty requests follow."""
    login = login_of()
    login.feed(login_response(to_proof(login), t=False), 0.0)
    request = answered(login)
    assert (request.t, request.data) == (True, b"")


def test_answer_in_pieces() -> None:
    login = login_of()
    to_challenge(login)
    text = f"CHAP_A=5\0CHAP_I={IDENTIFIER}\0CHAP_C={hexa(CHALLENGE)}\0".encode()
    answered(login, text[:30], c=True)
    assert answered(login, text[30:]).data == b""
    assert binary(asked(login).keys["CHAP_R"]) == chap(5, IDENTIFIER, OURS, CHALLENGE)


@pytest.mark.parametrize("challenge", [b"\x01", bytes(1024)])
def test_lengths_of_a_challenge(challenge: bytes) -> None:
    """12.1.3: up to 1024 bytes."""
    request = to_proof(login_of(), CHAP_C=hexa(challenge))
    assert binary(request.keys["CHAP_R"]) == chap(5, IDENTIFIER, OURS, challenge)


def test_hex_of_an_odd_number_of_digits() -> None:
    """6.1: n digits are (n + 1) / 2 bytes; capital letters too."""
    request = to_proof(login_of(), CHAP_C="0XABC", CHAP_I="0x0")
    assert binary(request.keys["CHAP_R"]) == chap(5, 0, OURS, b"\x0a\xbc")


# ---- wrong steps (9.2: abort the connection) ---------------------------------------------------------------------

WRONG_CHALLENGES = {
    "algorithm not offered": ({"CHAP_A": "4"}, "NegotiationFailed"),
    "list of algorithms": ({"CHAP_A": "7,5"}, "NegotiationFailed"),
    "algorithms refused": ({"CHAP_A": "Reject"}, "AuthenticationMethodRefused"),
    "identifier too large": ({"CHAP_I": "256"}, "NegotiationFailed"),
    "identifier no number": ({"CHAP_I": "one"}, "NegotiationFailed"),
    "empty challenge": ({"CHAP_C": "0x"}, "NegotiationFailed"),
    "decimal challenge": ({"CHAP_C": "123456"}, "NegotiationFailed"),
    "challenge too long": ({"CHAP_C": hexa(bytes(1025))}, "NegotiationFailed"),
    "challenge not base64": ({"CHAP_C": "0b!!!!"}, "NegotiationFailed"),
    "challenge not ASCII": ({"CHAP_C": "0bäöü"}, "NegotiationFailed"),
    "a response too": ({"CHAP_R": "0x00"}, "NegotiationFailed"),
    "another method's key": ({"SRP_s": "0x00"}, "NegotiationFailed"),
}


@pytest.mark.parametrize(("keys", "code"), WRONG_CHALLENGES.values(), ids=WRONG_CHALLENGES)
def test_wrong_challenge(keys: dict[str, str], code: str) -> None:
    login = login_of()
    to_challenge(login)
    text = {"CHAP_A": "5", "CHAP_I": "1", "CHAP_C": "0x00"} | keys
    assert code_of(login, text) == code


@pytest.mark.parametrize("missing", ["CHAP_A", "CHAP_I", "CHAP_C"])
def test_missing_key(missing: str) -> None:
    login = login_of()
    to_challenge(login)
    text = {"CHAP_A": "5", "CHAP_I": "1", "CHAP_C": "0x00"}
    del text[missing]
    assert code_of(login, text) == "NegotiationFailed"


@pytest.mark.parametrize("sign_in", ["chap", "mutual"])
@pytest.mark.parametrize("method", [None, "None", "Reject", "KRB5"])
def test_target_that_will_not_do_chap(sign_in: str, method: str | None) -> None:
    code = code_of(login_of(sign_in), {"AuthMethod": method} if method else {})
    if method == "KRB5":
        assert code == "NegotiationFailed"  # 6.2.1: a value that was not offered
    elif method == "Reject" or sign_in == "chap":
        assert code == "AuthenticationMethodRefused"
    else:
        assert code == "TargetNotAuthenticated"


@pytest.mark.parametrize("method", ["CHAP", "KRB5", "Reject"])
def test_target_that_wants_signing_in(method: str) -> None:
    login = Login(LoginConfig(NAME, target_name="iqn.2026-01.example:t"), 0.0)
    assert code_of(login, {"AuthMethod": method}, t=False) == "AuthenticationRequired"


def test_method_nobody_knows() -> None:
    login = Login(LoginConfig(NAME, target_name="iqn.2026-01.example:t"), 0.0)
    assert code_of(login, {"AuthMethod": "Z-com.example.x"}) == "NegotiationFailed"


def test_chap_keys_without_chap() -> None:
    login = Login(LoginConfig(NAME, target_name="iqn.2026-01.example:t"), 0.0)
    assert code_of(login, {"CHAP_A": "5"}) == "NegotiationFailed"


def test_refusal_before_anything_was_shown() -> None:
    """0201 to AuthMethod=CHAP: no name and no secret has been seen, so they are not what is wrong."""
    assert code_of(login_of(), {}, status=0x0201) == "AuthenticationMethodRefused"


def test_refusal_of_the_proof() -> None:
    login = login_of()
    request = to_proof(login)
    with pytest.raises(Problem) as caught:
        login.feed(login_response(request, status=0x0201), 0.0)
    assert caught.value.code == "AuthenticationFailed"
    assert login.fallback is None


def test_target_that_cannot_do_what_it_selected() -> None:
    """What tgtd 1.0.85 does with SHA-256: “initiator error”. The next login offers what is left."""
    login = login_of("mutual", settings={"header_digest": ("CRC32C",)})
    request = to_proof(login, 7)
    with pytest.raises(Problem) as caught:
        login.feed(login_response(request, status=0x0200), 0.0)
    assert caught.value.code == "LoginInitiatorError"
    assert login.fallback is not None
    assert login.fallback.settings == {"header_digest": ("CRC32C",), "chap_algorithms": ("SHA-1", "MD5")}
    again = Login(login.fallback, 0.0)
    to_challenge(again)
    assert asked(again).keys["CHAP_A"] == "6,5"


def test_nothing_is_left_after_md5() -> None:
    login = login_of()
    with pytest.raises(Problem):
        login.feed(login_response(to_proof(login, 5), status=0x0200), 0.0)
    assert login.fallback is None


def test_target_that_hangs_up_on_an_offer_of_none() -> None:
    """What Linux's own target does where it must have CHAP. Asked in another way it says so."""
    login = login_of("none", secrets=None)
    assert asked(login).keys["AuthMethod"] == "None"
    with pytest.raises(Problem) as caught:
        login.eof(0.0)
    assert caught.value.code == "ConnectionLost"
    assert login.fallback is not None
    again = Login(login.fallback, 0.0)
    request = asked(again)
    assert request.keys["AuthMethod"] == "None,CHAP"
    with pytest.raises(Problem) as caught:
        again.feed(login_response(request, {"AuthMethod": "CHAP"}, t=False), 0.0)
    assert caught.value.code == "AuthenticationRequired"
    assert again.fallback is None
    third = Login(login.fallback, 0.0)
    with pytest.raises(Problem):
        third.eof(0.0)
    assert third.fallback is None, "nobody is asked for ever"


def test_hanging_up_later_is_no_hint() -> None:
    login = login_of("none", secrets=None)
    login.feed(login_response(asked(login), {"AuthMethod": "None"}), 0.0)
    with pytest.raises(Problem):
        login.eof(0.0)
    assert login.fallback is None


def test_asked_for_its_method_a_target_may_go_without() -> None:
    login = login_of("none", secrets=None, ask_method=True)
    login.feed(login_response(asked(login), {"AuthMethod": "None"}), 0.0)
    assert asked(login).csg == 1


# ---- the target's proof ------------------------------------------------------------------------------------------


def proof_of(request: Request, algorithm: int, secret: bytes) -> str:
    return hexa(chap(algorithm, int(request.keys["CHAP_I"]), secret, binary(request.keys["CHAP_C"])))


def verdict(request: Request, login: Login, text: dict[str, str], **more: bool) -> str:
    with pytest.raises(Problem) as caught:
        login.feed(login_response(request, text, **more), 0.0)  # type: ignore[arg-type]
    return caught.value.code


@pytest.mark.parametrize("transit", [True, False])
@pytest.mark.parametrize("given", [set(), {"CHAP_N"}, {"CHAP_R"}])
def test_missing_proof(given: set[str], *, transit: bool) -> None:
    """12.1.3: the target MUST answer with both."""
    login = login_of("mutual")
    request = to_proof(login)
    text = {"CHAP_N": "storage", "CHAP_R": proof_of(request, 5, THEIRS)}
    given_text = {key: text[key] for key in given}
    assert verdict(request, login, given_text, t=transit) == "TargetNotAuthenticated"


@pytest.mark.parametrize("secret", [b"guessed", OURS])
def test_wrong_proof(secret: bytes) -> None:
    """9.2.1: with our own secret it is a failure too, whatever else would hold."""
    login = login_of("mutual")
    request = to_proof(login, 8)
    text = {"CHAP_N": "storage", "CHAP_R": proof_of(request, 8, secret)}
    assert verdict(request, login, text) == "TargetNotAuthenticated"


def test_our_answer_mirrored() -> None:
    login = login_of("mutual")
    request = to_proof(login)
    assert verdict(request, login, {"CHAP_N": "x", "CHAP_R": request.keys["CHAP_R"]}) == "TargetNotAuthenticated"


def test_our_challenge_on_another_connection() -> None:
    """9.2.1, the example: what we asked on one connection comes back as a question on the next."""
    asked_before = to_proof(login_of("mutual")).keys["CHAP_C"]
    login = login_of()
    to_challenge(login)
    text = {"CHAP_A": "5", "CHAP_I": "1", "CHAP_C": asked_before}
    assert code_of(login, text) == "TargetNotAuthenticated"


def test_target_of_another_name() -> None:
    """9.2: the relation of name and identity is verified where it is set."""
    login = login_of("mutual", target_chap_name="storage")
    request = to_proof(login)
    text = {"CHAP_N": "another", "CHAP_R": proof_of(request, 5, THEIRS)}
    assert verdict(request, login, text) == "TargetNotAuthenticated"


@pytest.mark.parametrize("value", ["0x", "0xzz", "", hexa(bytes(1025))])
def test_unreadable_proof(value: str) -> None:
    login = login_of("mutual")
    request = to_proof(login)
    assert verdict(request, login, {"CHAP_N": "x", "CHAP_R": value}) == "NegotiationFailed"


def test_proof_that_nobody_asked_for() -> None:
    login = login_of()
    assert verdict(to_proof(login), login, {"CHAP_N": "x", "CHAP_R": "0x00"}) == "NegotiationFailed"


# ---- secrets -----------------------------------------------------------------------------------------------------


def test_same_secret_both_ways() -> None:
    """9.2.1: MUST NOT; seen before anything is sent."""
    with pytest.raises(Problem) as caught:
        login_of("mutual", secrets=ChapSecrets(Secret(OURS), Secret(OURS)))
    assert caught.value.code == "SecretReused"


@pytest.mark.parametrize("secrets", [None, ChapSecrets(Secret(b""))])
def test_no_secret(secrets: ChapSecrets | None) -> None:
    with pytest.raises(Problem) as caught:
        login_of(secrets=secrets)
    assert caught.value.code == "SecretsUnavailable"


def test_no_secret_of_the_target() -> None:
    with pytest.raises(Problem) as caught:
        login_of("mutual", secrets=ChapSecrets(Secret(OURS)))
    assert caught.value.code == "SecretsUnavailable"


SHORT = b"elevenbytes"


@pytest.mark.parametrize(
    "secrets", [ChapSecrets(Secret(SHORT), Secret(THEIRS)), ChapSecrets(Secret(OURS), Secret(SHORT))]
)
def test_short_secret_refused(secrets: ChapSecrets) -> None:
    """9.2.1: less than 96 bits, in either direction."""
    with pytest.raises(Problem) as caught:
        login_of("mutual", secrets=secrets, settings={"refuse_short_secrets": True})
    assert caught.value.code == "SecretTooShort"


def test_short_secret_warned_of() -> None:
    login = login_of(secrets=ChapSecrets(Secret(SHORT)))
    login.feed(login_response(to_proof(login)), 0.0)
    answered(login)
    assert login.result is not None
    assert login.result.short_secret


def test_twelve_bytes_are_enough() -> None:
    login = login_of(secrets=ChapSecrets(Secret(SHORT + b"!")), settings={"refuse_short_secrets": True})
    login.feed(login_response(to_proof(login)), 0.0)
    answered(login)
    assert login.result is not None
    assert not login.result.short_secret


def test_no_algorithm_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer whose OpenSSL has none of what the policy allows."""
    monkeypatch.setattr("lundock.helper.engine.chap.available", lambda names: ())
    with pytest.raises(Problem) as caught:
        login_of()
    assert caught.value.code == "AuthenticationMethodRefused"
