# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib

import pytest
from lundock.helper.target.chap import Account, Chap, ChapFailed, binary

ALICE = Account("alice", "secret-of-alice")
DISK = Account("disk", "secret-of-disk")
DIGESTS = {"5": "md5", "6": "sha1", "7": "sha256", "8": "sha3_256"}


def _answer(asked: dict[str, str], secret: str) -> str:
    data = bytes([int(asked["CHAP_I"])]) + secret.encode() + bytes.fromhex(asked["CHAP_C"][2:])
    return "0x" + hashlib.new(DIGESTS[asked["CHAP_A"]], data).hexdigest()


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_right_and_wrong_secret(algorithm: str):
    for secret, good in (("secret-of-alice", True), ("secret-of-alicf", False)):
        chap = Chap(ALICE, None, (8, 7, 6, 5))
        asked = dict(chap.step({"CHAP_A": algorithm}))
        assert asked["CHAP_A"] == algorithm
        answer = {"CHAP_N": "alice", "CHAP_R": _answer(asked, secret)}
        if good:
            assert chap.step(answer) == []
        else:
            with pytest.raises(ChapFailed):
                chap.step(answer)
        assert chap.done is good


def test_their_preference_counts():
    assert dict(Chap(ALICE, None, (5, 8)).step({"CHAP_A": "99,8,5"}))["CHAP_A"] == "8"
    with pytest.raises(ChapFailed):
        Chap(ALICE, None, (5,)).step({"CHAP_A": "7"})


def test_wrong_name():
    chap = Chap(ALICE, None, (5,))
    asked = dict(chap.step({"CHAP_A": "5"}))
    with pytest.raises(ChapFailed):
        chap.step({"CHAP_N": "bob", "CHAP_R": _answer(asked, "secret-of-alice")})


def test_mutual():
    chap = Chap(ALICE, DISK, (7,))
    asked = dict(chap.step({"CHAP_A": "7"}))
    theirs = {"CHAP_A": "7", "CHAP_I": "9", "CHAP_C": "0b" + base64.b64encode(b"c" * 16).decode()}
    proof = dict(chap.step({"CHAP_N": "alice", "CHAP_R": _answer(asked, "secret-of-alice"), **theirs}))
    assert proof["CHAP_N"] == "disk"
    assert proof["CHAP_R"] == "0x" + hashlib.sha256(b"\x09secret-of-disk" + b"c" * 16).hexdigest()


@pytest.mark.parametrize("challenge", ["ours", "0x" + "00" * 1025])
def test_bad_challenges_are_refused(challenge: str):
    # RFC 7143, 9.2.1: a reflected challenge; 12.1.3: at most 1024 bytes
    chap = Chap(ALICE, DISK, (5,))
    asked = dict(chap.step({"CHAP_A": "5"}))
    sent = asked["CHAP_C"] if challenge == "ours" else challenge
    answer = {"CHAP_N": "alice", "CHAP_R": _answer(asked, "secret-of-alice"), "CHAP_I": "1", "CHAP_C": sent}
    with pytest.raises(ChapFailed):
        chap.step(answer)


def test_binary():
    assert binary("0x1") == b"\x01"
    assert binary("0X0aFF") == b"\x0a\xff"
    assert binary("0bAQI=") == b"\x01\x02"
    for bad in ("12", "0xzz", "0b!"):
        with pytest.raises(ChapFailed):
            binary(bad)


def test_secrets_are_not_printed():
    assert "secret" not in repr(ALICE)
