# SPDX-License-Identifier: Apache-2.0
"""The login machine against answers written byte by byte from RFC 7143, 11.13."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lundock.helper.api.errors import Problem
from lundock.helper.engine.login import ChapSecrets, Login, LoginConfig, LoginResult, Secret
from lundock.helper.engine.login.machine import MAX_EXCHANGES, MAX_TEXT
from support.pdus import Request, login_response, split, target_pdu, text_of

NAME = "iqn.2026-01.example.client:one"
TARGET = "iqn.2026-01.example.storage:disk"
ISID = bytes.fromhex("8012345600ff")
#: A target's answers to everything that is offered, none of them our value or the default.
ANSWERS = {
    "HeaderDigest": "CRC32C",
    "DataDigest": "None",
    "MaxConnections": "1",
    "InitialR2T": "Yes",
    "ImmediateData": "No",
    "MaxRecvDataSegmentLength": "65536",
    "MaxBurstLength": "524288",
    "FirstBurstLength": "131072",
    "DefaultTime2Wait": "11",
    "DefaultTime2Retain": "0",
    "MaxOutstandingR2T": "3",
    "DataPDUInOrder": "Yes",
    "DataSequenceInOrder": "Yes",
    "ErrorRecoveryLevel": "0",
}


def config(**more: object) -> LoginConfig:
    values: dict[str, object] = {"target_name": TARGET, "isid": ISID, "address": "192.0.2.5", "cmd_sn": 77}
    return LoginConfig(NAME, "a client", **(values | more))  # type: ignore[arg-type]


def asked(login: Login) -> Request:
    """Take the one request that is there to be sent (6.3: never more than one)."""
    found = split(login.to_send())
    assert len(found) == 1
    return found[0]


def answered(login: Login, *args: object, **kwargs: object) -> None:
    """Answer the next request."""
    login.feed(login_response(asked(login), *args, **kwargs), 0.0)  # type: ignore[arg-type]


def problem(run: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        run()
    return caught.value


def through_security(**more: object) -> Login:
    """Return a login that is about to send its operational keys."""
    login = Login(config(**more), 0.0)
    answered(login, {"TargetPortalGroupTag": "5", "AuthMethod": "None"})
    return login


def finished(login: Login) -> LoginResult:
    assert login.done
    assert login.result is not None
    return login.result


# ---- the first request -------------------------------------------------------------------------------------------


def test_first_request() -> None:
    """6.3, 11.12, 13.4, 13.5: who we are and what we want, with all numbers where they belong."""
    request = asked(Login(config(), 0.0))
    assert request.opcode == 0x03
    assert request.immediate
    assert (request.t, request.c, request.csg, request.nsg) == (True, False, 0, 1)
    assert request.header[2:4] == b"\0\0"  # both versions
    assert (request.isid, request.tsih, request.cid) == (ISID, 0, 0)
    assert request.itt != 0xFFFFFFFF
    assert (request.cmd_sn, request.exp_stat_sn) == (77, 0)
    assert request.header[22:24] == bytes(2)
    assert request.header[32:48] == bytes(16)
    assert request.pairs == [
        ("InitiatorName", NAME),
        ("InitiatorAlias", "a client"),
        ("TargetName", TARGET),
        ("SessionType", "Normal"),
        ("AuthMethod", "None"),
    ]


def test_discovery_names_no_target() -> None:
    """13.21: SessionType is offered in the first request; 13.4: no target need be named."""
    keys = asked(Login(config(session_type="Discovery", target_name=""), 0.0)).keys
    assert keys["SessionType"] == "Discovery"
    assert "TargetName" not in keys


def test_what_is_constant_stays_so() -> None:
    """11.12.5 to 11.12.8: ISID, TSIH, CID, CmdSN and the task tag are the same in all requests."""
    login = Login(config(cid=9), 0.0)
    first = asked(login)
    login.feed(login_response(first, {"AuthMethod": "None"}, stat_sn=0xFFFFFFFF), 0.0)
    second = asked(login)
    assert (second.isid, second.tsih, second.cid, second.cmd_sn, second.itt) == (ISID, 0, 9, 77, first.itt)
    assert second.exp_stat_sn == 0  # 0xffffffff + 1
    assert (second.csg, second.nsg, second.t) == (1, 3, True)


UNUSABLE = {
    "initiator_name": "",
    "initiator_alias": "an alias\0AuthMethod=None",
    "target_name": "",
    "chap_name": "x" * 256,
    "isid": bytes(5),
    "stages": (0, 2, 3),
    "session_type": "Normal\0",
    "sign_in": "CHAP",
}


@pytest.mark.parametrize(("name", "value"), UNUSABLE.items())
def test_unusable_configuration(name: str, value: object) -> None:
    """6.1: a null would end the value and begin another key."""
    values = {"initiator_name": NAME, "target_name": TARGET} | {name: value}
    found = problem(lambda: Login(LoginConfig(**values), 0.0))  # type: ignore[arg-type]
    assert (found.code, found.attrs["argument"]) == ("InvalidArgument", name)


def test_names_that_are_not_utf8_are_an_invalid_argument() -> None:
    """A surrogate, as the command line gives it, was an unnamed error."""
    found = problem(lambda: Login(config(sign_in="chap", chap_name="caf\udce9"), 0.0))
    assert (found.code, found.attrs["argument"]) == ("InvalidArgument", "chap_name")


@pytest.mark.parametrize("sign_in", ["chap", "mutual"])
def test_no_way_around_signing_in(sign_in: str) -> None:
    """Without the security stage nobody would prove anything."""
    secrets = ChapSecrets(Secret("the client's secret"), Secret("the target's own one"))
    found = problem(lambda: Login(config(sign_in=sign_in, secrets=secrets, stages=(1, 3)), 0.0))
    assert found.attrs["argument"] == "stages"


# ---- stages ------------------------------------------------------------------------------------------------------


def test_security_then_operational() -> None:
    login = through_security()
    request = asked(login)
    login.feed(login_response(request, ANSWERS, tsih=0x1234, stat_sn=1, exp_cmd_sn=77, max_cmd_sn=99), 0.0)
    result = finished(login)
    assert (result.tsih, result.isid, result.portal_group) == (0x1234, ISID, 5)
    assert (result.cmd_sn, result.exp_stat_sn, result.exp_cmd_sn, result.max_cmd_sn) == (77, 2, 77, 99)
    found = result.parameters
    assert (found.header_digest, found.data_digest) == (True, False)
    assert (found.initial_r2t, found.immediate_data) == (True, False)
    assert (found.max_send, found.max_recv) == (65536, 262144)
    assert (found.max_burst_length, found.first_burst_length) == (524288, 131072)
    assert (found.default_time2wait, found.default_time2retain, found.max_outstanding_r2t) == (11, 0, 3)


def test_security_to_full_feature() -> None:
    """6.3: 0 to 3; nothing was negotiated, so everything has its default, ours too."""
    login = Login(config(stages=(0, 3)), 0.0)
    first = asked(login)
    assert first.nsg == 3
    login.feed(login_response(first, {"AuthMethod": "None"}), 0.0)
    assert finished(login).parameters.max_recv == 8192
    assert finished(login).parameters.initial_r2t


def test_target_selects_an_earlier_stage_than_asked_for() -> None:
    """6.3: NSG must not exceed what was asked for, and may be less."""
    login = Login(config(stages=(0, 3)), 0.0)
    answered(login, {"AuthMethod": "None"}, nsg=1)
    request = asked(login)
    assert (request.csg, request.nsg, request.t) == (1, 3, True)
    login.feed(login_response(request, ANSWERS), 0.0)
    assert finished(login).parameters.max_send == 65536


def test_operational_only() -> None:
    """6.3: 1 to 3; the names come with the parameters."""
    login = Login(config(stages=(1, 3)), 0.0)
    request = asked(login)
    assert (request.csg, request.nsg) == (1, 3)
    assert request.keys["InitiatorName"] == NAME
    assert request.keys["MaxBurstLength"] == "1048576"
    login.feed(login_response(request, ANSWERS), 0.0)
    finished(login)


def test_target_that_skips_security() -> None:
    """6.3.1: ready to skip security, it answers with its portal group tag alone."""
    login = Login(config(), 0.0)
    answered(login, {"TargetPortalGroupTag": "0"})
    answered(login, ANSWERS)
    assert finished(login).portal_group == 0


def test_keeps_asking_for_the_transition() -> None:
    """6.3.3: while the target answers with T 0, empty requests with T 1 follow."""
    login = through_security()
    answered(login, {}, t=False)
    for _ in range(6):  # 6.2: at least six exchanges
        request = asked(login)
        assert request.t
        assert request.data == b""
        login.feed(login_response(request, t=False), 0.0)
    answered(login, ANSWERS)
    finished(login)


def test_target_that_never_finishes() -> None:
    login = through_security()

    def for_ever() -> None:
        for _ in range(MAX_EXCHANGES + 1):
            answered(login, {}, t=False)

    assert problem(for_ever).code == "ProtocolError"


# ---- texts of several PDUs ---------------------------------------------------------------------------------------


def test_answer_in_pieces() -> None:
    """6.2: C 1 is answered with an empty request; the joined text counts, wherever it was cut."""
    login = through_security()
    raw = text_of(ANSWERS)
    request = asked(login)
    for at in range(0, len(raw) - 7, 7):
        login.feed(login_response(request, raw[at : at + 7], t=False, c=True), 0.0)
        request = asked(login)
        assert (request.t, request.c, request.data) == (False, False, b"")
    last = (len(raw) - 1) // 7 * 7
    login.feed(login_response(request, raw[last:], t=False), 0.0)
    answered(login)
    assert finished(login).parameters.max_send == 65536


def test_our_text_in_pieces() -> None:
    """11.12.2, 6.2: more than 8192 bytes go in several requests, C 1 and T 0 but in the last."""
    login = through_security()
    many = {f"X-com.example.key-{i:04}": "1" for i in range(600)}
    answered(login, ANSWERS | many, t=False)
    sent = b""
    while (request := asked(login)).c:
        assert not request.t
        assert len(request.data) == 8192
        sent += request.data
        login.feed(login_response(request, t=False), 0.0)
    assert request.t
    sent += request.data
    assert sent == text_of(dict.fromkeys(many, "NotUnderstood"))
    login.feed(login_response(request), 0.0)
    finished(login)


def test_answer_in_the_middle_of_our_text() -> None:
    login = through_security()
    answered(login, {f"X-com.example.key-{i:04}": "1" for i in range(600)}, t=False)
    assert problem(lambda: answered(login, {"X-com.example.more": "1"}, t=False)).code == "ProtocolError"


def test_text_without_end() -> None:
    """6.1: bounded, whatever the target says about more to come."""
    login = through_security()

    def for_ever() -> None:
        for _ in range(MAX_TEXT // 8192 + 1):
            answered(login, b"X-a=" + b"b" * 8188, t=False, c=True)

    found = problem(for_ever)
    assert (found.code, found.attrs["limit"]) == ("TextTooLong", 65536)


# ---- what a target must not do -----------------------------------------------------------------------------------

WRONG_HEADERS = {
    "another task tag": {"itt": 5},
    "another isid": {"isid": bytes(6)},
    "another stage": {"csg": 1, "nsg": 3},
    "T and C": {"t": True, "c": True},
    "back to security": {"nsg": 0},
    "reserved stage": {"nsg": 2},
    "further than asked for": {"nsg": 3},
}


@pytest.mark.parametrize("wrong", WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_wrong_header(wrong: dict[str, object]) -> None:
    login = Login(config(), 0.0)
    assert problem(lambda: answered(login, {"AuthMethod": "None"}, **wrong)).code == "ProtocolError"


def test_transition_without_being_asked() -> None:
    """11.13.6: T must not be 1 when it was 0 in the request."""
    login = through_security()
    answered(login, b"X-a=", t=False, c=True)
    assert problem(lambda: answered(login, b"1\0", t=True, nsg=3)).code == "ProtocolError"


def test_stat_sn_goes_back() -> None:
    """11.13.4: a response that came before comes again."""
    login = Login(config(), 0.0)
    answered(login, {"AuthMethod": "None"}, stat_sn=8)
    assert problem(lambda: answered(login, ANSWERS, stat_sn=8)).code == "ProtocolError"


def test_no_session_handle() -> None:
    """11.13.3: the final response has a TSIH that is not 0."""
    login = through_security()
    assert problem(lambda: answered(login, ANSWERS, tsih=0)).code == "ProtocolError"


def test_another_session_handle() -> None:
    login = Login(config(tsih=7, stages=(1, 3)), 0.0)
    assert problem(lambda: answered(login, {}, tsih=8)).code == "ProtocolError"


def test_another_connection_offers_only_what_is_its_own() -> None:
    """13: keys with use LO are for the leading connection."""
    keys = asked(Login(config(tsih=7, stages=(1, 3)), 0.0)).keys
    assert {"HeaderDigest", "DataDigest", "MaxRecvDataSegmentLength"} <= set(keys)
    assert not {"MaxBurstLength", "InitialR2T", "MaxConnections", "ErrorRecoveryLevel"} & set(keys)


def test_other_pdu_during_login() -> None:
    """6.3, 4.2.4: only login responses."""
    login = Login(config(), 0.0)
    answered(login, {"AuthMethod": "None"})
    assert problem(lambda: login.feed(target_pdu(0x20, w16=0xFFFFFFFF, w20=0xFFFFFFFF), 0.0)).code == "ProtocolError"


def test_unknown_pdu_during_login() -> None:
    login = Login(config(), 0.0)
    answered(login, {"AuthMethod": "None"})
    assert problem(lambda: login.feed(target_pdu(0x2F), 0.0)).code == "ProtocolError"


def test_reject() -> None:
    login = Login(config(), 0.0)
    found = problem(lambda: login.feed(target_pdu(0x3F, b2=0x0B, w16=0xFFFFFFFF, data=bytes(48)), 0.0))
    assert found.code == "ProtocolError"
    assert "0x0b" in str(found.attrs["detail"])


def test_said_twice() -> None:
    """6.3: an attempt to declare again is detected, in one text and over several."""
    login = Login(config(), 0.0)
    twice = [("TargetPortalGroupTag", "1"), ("TargetPortalGroupTag", "1")]
    assert problem(lambda: answered(login, twice)).attrs["key"] == "TargetPortalGroupTag"
    login = through_security()
    answered(login, {"MaxBurstLength": "8192"}, t=False)
    found = problem(lambda: answered(login, {"MaxBurstLength": "4096"}, t=False))
    assert (found.code, found.attrs["key"]) == ("NegotiationFailed", "MaxBurstLength")


@pytest.mark.parametrize("key", ["InitiatorName", "TargetName", "SessionType", "SendTargets", "InitiatorAlias"])
def test_our_keys_out_of_its_mouth(key: str) -> None:
    """13.4, 13.5, 13.7, 13.21; 6.2: NotUnderstood is no answer to a key of the RFC."""
    login = Login(config(), 0.0)
    assert problem(lambda: answered(login, {key: "NotUnderstood"})).attrs["key"] == key


def test_operational_key_in_the_security_stage() -> None:
    login = Login(config(), 0.0)
    found = problem(lambda: answered(login, {"AuthMethod": "None", "MaxBurstLength": "8192"}))
    assert (found.code, found.attrs["key"]) == ("NegotiationFailed", "MaxBurstLength")


@pytest.mark.parametrize("raw", [b"AuthMethod=None", b"AuthMethod\0", b"=1\0", b"X-\xff=1\0", b"1X=2\0"])
def test_unreadable_text(raw: bytes) -> None:
    login = Login(config(), 0.0)
    assert problem(lambda: answered(login, raw)).code == "ProtocolError"


@pytest.mark.parametrize("text", [b"AuthMethod=None\0\0\0\0", b"\0AuthMethod=None\0"])
def test_nulls_too_many(text: bytes) -> None:
    login = Login(config(), 0.0)
    answered(login, text)
    assert asked(login).csg == 1


def test_version() -> None:
    """11.13.2: a target that has no version 0."""
    assert problem(lambda: answered(Login(config(), 0.0), version_active=1)).code == "UnsupportedVersion"


# ---- portal group and alias --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "said", "good"), [(3, "3", True), (-1, "9", True), (0, "0x0", True), (3, "4", False)]
)
def test_portal_group(wanted: int, said: str, *, good: bool) -> None:
    """13.9, 6.3.1: compared with what discovery said; 0 is a tag as any other."""
    login = Login(config(portal_group=wanted), 0.0)

    def run() -> None:
        answered(login, {"TargetPortalGroupTag": said})

    if good:
        run()
    else:
        assert problem(run).attrs["key"] == "TargetPortalGroupTag"


@pytest.mark.parametrize("said", ["65536", "-1", "", "one"])
def test_portal_group_that_is_none(said: str) -> None:
    login = Login(config(), 0.0)
    assert problem(lambda: answered(login, {"TargetPortalGroupTag": said})).code == "NegotiationFailed"


def test_alias() -> None:
    """13.6, in any stage, of any language."""
    login = through_security()
    answered(login, ANSWERS | {"TargetAlias": "Tante Ännes Platte"})
    assert finished(login).target_alias == "Tante Ännes Platte"


def test_node_architecture_is_passed_over() -> None:
    """13.26.2: neither depended on nor answered NotUnderstood."""
    login = through_security()
    answered(login, {"X#NodeArchitecture": "Example/1.0"}, t=False)
    assert asked(login).data == b""


# ---- refusals (11.13.5) ------------------------------------------------------------------------------------------

STATUS = {
    0x0200: "LoginInitiatorError",
    0x0201: "AuthenticationRequired",  # we did not sign in, so that is what it means
    0x0202: "AuthorizationFailed",
    0x0203: "TargetNotFound",
    0x0204: "TargetRemoved",
    0x0205: "UnsupportedVersion",
    0x0206: "TooManyConnections",
    0x0207: "MissingParameter",
    0x0208: "CannotIncludeInSession",
    0x0209: "SessionTypeNotSupported",
    0x020A: "SessionDoesNotExist",
    0x020B: "InvalidDuringLogin",
    0x0300: "TargetError",
    0x0301: "ServiceUnavailable",
    0x0302: "OutOfResources",
    0x0103: "UnknownLoginStatus",
    0x02FE: "UnknownLoginStatus",
    0x0303: "UnknownLoginStatus",
    0x0900: "UnknownLoginStatus",
}


@pytest.mark.parametrize(("status", "code"), STATUS.items(), ids=[f"{s:04x}" for s in STATUS])
def test_status(status: int, code: str) -> None:
    """The rest of such a response may be anything: tag, ISID, stage (11.13.5)."""
    login = Login(config(), 0.0)
    found = problem(lambda: answered(login, status=status, itt=0, isid=bytes(6), csg=3))
    assert found.code == code
    assert (found.attrs["status"], found.attrs["target"]) == (f"{status:04x}", TARGET)
    assert found.attrs["initiator_name"] == NAME


REDIRECTS = [
    (0x0101, "192.0.2.9:3261", ("192.0.2.9", 3261, False)),
    (0x0102, "192.0.2.9", ("192.0.2.9", 3260, True)),
    (0x0101, "[2001:db8::7]:860", ("2001:db8::7", 860, False)),
    (0x0101, "[2001:db8::7]", ("2001:db8::7", 3260, False)),
    (0x0102, "nas.example.com:3260", ("nas.example.com", 3260, True)),
    (0x0102, "192.0.2.9:3261,4", ("192.0.2.9", 3261, True)),
]


@pytest.mark.parametrize(("status", "address", "expected"), REDIRECTS)
def test_redirect(status: int, address: str, expected: tuple[str, int, bool]) -> None:
    """11.13.5, 13.8: before security is through as well."""
    login = Login(config(), 0.0)
    answered(login, {"TargetAddress": address}, status=status, t=False)
    assert login.done
    assert login.result is None
    assert login.redirect is not None
    assert (login.redirect.address, login.redirect.port, login.redirect.permanent) == expected
    assert login.next_deadline() is None


def test_redirect_after_security() -> None:
    """11.13.5: MUST be accepted then."""
    login = through_security()
    answered(login, [("TargetAddress", "?"), ("TargetAddress", "192.0.2.1:1")], status=0x0101, t=False)
    assert login.redirect is not None
    assert login.redirect.address == "192.0.2.1"


@pytest.mark.parametrize("text", [{}, {"TargetAddress": ""}, {"TargetAddress": "[::1"}, b"TargetAddress=192.0.2.1"])
def test_redirect_to_nowhere(text: dict[str, str]) -> None:
    assert problem(lambda: answered(Login(config(), 0.0), text, status=0x0101)).code == "ProtocolError"


# ---- who is no target --------------------------------------------------------------------------------------------

GREETINGS = {
    "ssh": b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
    "http": b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n",
    "smtp": b"220 mail.example.com ESMTP Postfix\r\n",
    "tls alert": b"\x15\x03\x01\x00\x02\x02\x0a",
    "mysql": b"\x4a\x00\x00\x00\x0a8.0.36\0",
    "nbd": b"NBDMAGICIHAVEOPT\x00\x03",
}


@pytest.mark.parametrize("greeting", GREETINGS.values(), ids=GREETINGS)
@pytest.mark.parametrize("size", [1, 1000])
def test_not_iscsi(greeting: bytes, size: int) -> None:
    login = Login(config(), 0.0)
    found = problem(lambda: login.feed(greeting[:size], 0.0))
    assert (found.code, found.attrs["address"]) == ("NotIscsi", "192.0.2.5")


def test_greeting_that_begins_like_a_login_response() -> None:
    """“#” is 23h."""
    login = Login(config(), 0.0)
    assert (
        problem(lambda: login.feed(b"# hello, this is a service of another kind altogether\n", 0.0)).code == "NotIscsi"
    )
    login = Login(config(), 0.0)
    login.feed(b"# hello\n", 0.0)
    assert problem(lambda: login.eof(0.0)).code == "NotIscsi"


def test_first_answer_is_to_somebody_else() -> None:
    login = Login(config(), 0.0)
    assert problem(lambda: answered(login, itt=1, isid=b"abcdef")).code == "NotIscsi"


def test_a_length_that_no_login_has() -> None:
    login = Login(config(), 0.0)
    header = login_response(asked(login))[:5] + b"\xff\xff\xff" + bytes(40)
    assert problem(lambda: login.feed(header, 0.0)).code == "NotIscsi"


def test_a_length_that_no_login_has_later() -> None:
    login = through_security()
    header = login_response(asked(login))[:5] + b"\x01\x00\x01" + bytes(40)
    assert problem(lambda: login.feed(header, 0.0)).code == "ProtocolError"


def test_closes_at_once() -> None:
    """Nothing was said, so nothing is known but that."""
    assert problem(lambda: Login(config(), 0.0).eof(0.0)).code == "ConnectionLost"


def test_closes_in_the_middle() -> None:
    login = through_security()
    login.feed(login_response(asked(login), ANSWERS)[:60], 0.0)
    assert problem(lambda: login.eof(0.0)).code == "ConnectionLost"


def test_silence() -> None:
    login = Login(config(settings={"login_timeout": 4}), 100.0)
    assert login.next_deadline() == 104.0
    login.on_timer(103.9)
    answered(login, {"AuthMethod": "None"})
    assert login.next_deadline() == 104.0  # for the whole login
    found = problem(lambda: login.on_timer(104.0))
    assert (found.code, found.attrs["seconds"], found.attrs["what"]) == ("Timeout", 4, "login")


def test_after_the_end() -> None:
    login = through_security()
    login.feed(login_response(asked(login), ANSWERS) + b"what comes behind", 0.0)
    assert finished(login).leftover == b"what comes behind"
    assert login.next_deadline() is None
    assert login.to_send() == b""
    login.on_timer(1e9)
    login.eof(1e9)
    with pytest.raises(ValueError, match="over"):
        login.feed(b"more", 0.0)


# ---- in any pieces, whatever they are ----------------------------------------------------------------------------


def fixed(count: int) -> bytes:
    """No chance, so that two logins send the same."""
    return b"\x11" * count


def outcome(stream: bytes, cuts: list[int]) -> object:
    """Feed `stream` cut at `cuts`; return everything that is to be seen from outside."""
    login = Login(config(), 0.0, random=fixed)
    sent = b""
    bounds = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    rest = b""
    try:
        for start, end in itertools.pairwise(bounds):
            if login.done:
                rest += stream[start:end]
            else:
                login.feed(stream[start:end], 0.0)
            sent += login.to_send()
    except Problem as found:
        return sent + login.to_send(), found.code, found.attrs
    if login.result is None:
        return sent, login.done, login.redirect
    result = login.result
    return sent, result.parameters, result.tsih, result.leftover + rest


def conversation() -> bytes:
    login = Login(config(), 0.0, random=fixed)
    stream = b""
    for number, text in enumerate(({"AuthMethod": "None", "TargetAlias": "x"}, ANSWERS)):
        piece = login_response(asked(login), text, stat_sn=number)
        stream += piece
        login.feed(piece, 0.0)
    return stream + b"and more"


CONVERSATION = conversation()


@given(cuts=st.lists(st.integers(0, 2000), max_size=12))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    assert outcome(CONVERSATION, cuts) == outcome(CONVERSATION, [])


def test_byte_by_byte() -> None:
    assert outcome(CONVERSATION, list(range(len(CONVERSATION)))) == outcome(CONVERSATION, [])


@settings(max_examples=300, deadline=None)
@given(
    at=st.integers(0, len(CONVERSATION) - 1), byte=st.integers(0, 255), cuts=st.lists(st.integers(0, 2000), max_size=3)
)
def test_one_byte_changed(at: int, byte: int, cuts: list[int]) -> None:
    """A Problem, or a login; the same one however it came in."""
    changed = CONVERSATION[:at] + bytes((byte,)) + CONVERSATION[at + 1 :]
    assert outcome(changed, cuts) == outcome(changed, [])


@settings(max_examples=200, deadline=None)
@given(text=st.binary(max_size=200), second=st.binary(max_size=200), flags=st.integers(0, 255))
def test_any_text(text: bytes, second: bytes, flags: int) -> None:
    """Whatever stands in the texts, only Problems come out."""
    login = Login(config(), 0.0)
    try:
        answered(login, text + b"\0")
        request = asked(login)
        raw = bytearray(login_response(request, second + b"\0"))
        raw[1] = flags
        login.feed(bytes(raw), 0.0)
    except Problem:
        pass


KEYS = st.sampled_from([*ANSWERS, "TargetAlias", "TargetAddress", "IFMarker", "CHAP_A", "AuthMethod", "TaskReporting"])
VALUES = st.one_of(
    st.sampled_from(["Yes", "No", "None", "CRC32C", "Reject", "Irrelevant", "NotUnderstood", "0", "1", "0x200"]),
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=30),
    st.integers(0, 2**70).map(str),
)


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(st.tuples(st.lists(st.tuples(KEYS, VALUES), max_size=5), st.booleans()), max_size=5))
def test_any_negotiation(texts: list[tuple[list[tuple[str, str]], bool]]) -> None:
    login = through_security()
    try:
        for pairs, transit in texts:
            answered(login, pairs, t=transit, nsg=3 if transit else 0)
            if login.done:
                break
    except Problem:
        return
    if login.result is not None:
        found = login.result.parameters
        assert 512 <= found.first_burst_length <= found.max_burst_length <= 1048576
        assert found.error_recovery_level == 0
        assert found.max_connections == 1
