# SPDX-License-Identifier: Apache-2.0
"""Login on the wire: stages, texts in pieces, negotiation, closes and silence (6.1 to 6.3, 7.12, 11.12, 11.13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from conformance.harness import BLOCK, CMD_SN, INITIATOR, ISID, TARGET, Hand, Lab
from lundock.helper.api.errors import Problem
from lundock.helper.target import keys
from lundock.helper.target.pdu import NO_TAG, Op, Pdu
from lundock.helper.target.script import Close, Cut, Raw, Step, Wait
from support.pdus import Request, login_response, target_pdu

MakeLab = Callable[..., Lab]
MakeHand = Callable[..., Hand]

_ISID = int.from_bytes(ISID, "big")
OPERATIONAL = {
    "InitialR2T": "Yes", "ImmediateData": "Yes", "MaxRecvDataSegmentLength": "2048", "MaxBurstLength": "4096",
    "FirstBurstLength": "1024", "DefaultTime2Wait": "3", "DefaultTime2Retain": "0", "MaxOutstandingR2T": "1",
    "DataPDUInOrder": "Yes", "DataSequenceInOrder": "Yes", "ErrorRecoveryLevel": "0", "HeaderDigest": "None",
    "DataDigest": "None", "MaxConnections": "1",
}  # fmt: skip


def said(pdu: Pdu) -> dict[str, str]:
    pairs = keys.parse(bytes(pdu.data))
    assert len(dict(pairs)) == len(pairs), "no key twice"
    return dict(pairs)


def stages(pdus: Iterable[Pdu]) -> list[tuple[bool, int, int]]:
    """T, CSG and NSG (0 without T)."""
    return [(pdu.final, pdu.stages[0], pdu.stages[1] if pdu.final else 0) for pdu in pdus]


def request_of(pdu: Pdu) -> Request:
    return Request(bytes(pdu.bhs), bytes(pdu.data))


def answer(hand: Hand, text: Any = b"", **how: Any) -> Pdu:
    """Take a login request and answer it; returns the request."""
    pdu = hand.pdu()
    assert pdu.op == Op.LOGIN_REQUEST
    hand.send(login_response(request_of(pdu), text, **how))
    return pdu


# -- stage paths ---------------------------------------------------------------------------------------------------
def test_path_0_1_3(make_lab: MakeLab):
    """6.3: security, operational, full feature."""
    lab = make_lab()
    lab.start()
    lab.until_state("connected")
    assert stages(lab.logins()) == [(True, 0, 1), (True, 1, 3)]


def test_path_1_3(make_lab: MakeLab):
    """6.3.1: without the security stage."""
    lab = make_lab(login={"stages": (1, 3)})
    lab.start()
    lab.until_state("connected")
    assert stages(lab.logins()) == [(True, 1, 3)]
    first = said(lab.logins()[0])
    assert "AuthMethod" not in first
    assert first["InitiatorName"] == INITIATOR


def test_path_0_3(make_lab: MakeLab):
    """6.3: from security straight to full feature: every parameter has its default (13)."""
    lab = make_lab(login={"stages": (0, 3)})
    lab.start()
    lab.until_state("connected")
    assert stages(lab.logins()) == [(True, 0, 3)]
    assert lab.host.agreed["MaxBurstLength"] == 262144
    assert lab.host.agreed["FirstBurstLength"] == 65536
    assert lab.host.agreed["InitialR2T"] is True
    assert lab.host.agreed["TargetMaxRecvDataSegmentLength"] == 8192


def test_target_selects_an_earlier_stage(make_hand: MakeHand):
    """6.3: NSG of the target may be less than asked for: then that stage is gone through."""
    hand = make_hand(stages=(0, 3))
    request = answer(hand, {"AuthMethod": "None"}, nsg=1)
    assert request.stages == (0, 3)
    second = hand.pdu()
    assert second.stages == (1, 3)


def test_t_is_asked_for_until_it_is_granted(make_hand: MakeHand):
    """6.3.3: T=0 in the answer: the next request asks again, with nothing in it."""
    hand = make_hand(stages=(1, 3))
    answer(hand, {**OPERATIONAL, "TargetPortalGroupTag": "1"}, t=False)
    for _ in range(3):
        empty = answer(hand, t=False)
        assert (empty.final, empty.stages, bytes(empty.data)) == (True, (1, 3), b"")


# -- what every request carries ------------------------------------------------------------------------------------
def test_first_request_says_who_and_what(make_lab: MakeLab):
    """6.3, 12, 13.4, 13.5, 13.21: InitiatorName, TargetName, SessionType in the first; never again in the login."""
    lab = make_lab(login={"initiator_alias": "a client"})
    lab.start()
    lab.until_state("connected")
    first, second = lab.logins()
    found = said(first)
    assert found["InitiatorName"] == INITIATOR
    assert found["TargetName"] == TARGET
    assert found["SessionType"] == "Normal"
    assert found["InitiatorAlias"] == "a client"
    assert set(found) == {"InitiatorName", "TargetName", "SessionType", "InitiatorAlias", "AuthMethod"}, "12: no other"
    assert not set(found) & set(said(second))


def test_login_follows_the_connection_at_once(make_lab: MakeLab):
    """4.2.4: the first PDU of a connection, and login requests only until the last login response."""
    lab = make_lab()
    lab.start()
    lab.until_state("connected")
    passed = [(seen.sent, seen.pdu.op) for seen in lab.server.wire]
    login = [(False, Op.LOGIN_REQUEST), (True, Op.LOGIN_RESPONSE)]
    assert passed[:4] == login + login
    assert Op.LOGIN_REQUEST not in {op for _, op in passed[4:]}


def test_header_is_constant(make_hand: MakeHand):
    """11.12.4 to 11.12.8: versions 0, ISID, TSIH 0, CID, ITT, CmdSN, the immediate bit: in every request the same."""
    hand = make_hand(cid=0x1234)
    seen = [answer(hand, {"TargetPortalGroupTag": "1", "AuthMethod": "None"}, stat_sn=0xFFFFFFFF)]
    seen.append(answer(hand, OPERATIONAL, t=False, stat_sn=0))
    seen.append(answer(hand, stat_sn=1))
    for pdu in seen:
        assert pdu.bhs[0] == 0x43
        assert (pdu.version, pdu.version_min) == (0, 0)
        assert (pdu.isid, pdu.tsih, pdu.cid) == (_ISID, 0, 0x1234)
        assert pdu.cmd_sn == CMD_SN
    assert len({pdu.itt for pdu in seen}) == 1
    assert [pdu.exp_stat_sn for pdu in seen[1:]] == [0, 1], "11.12.9, and past the end of 32 bits"


def test_first_command_has_the_number_of_the_login(make_lab: MakeLab):
    """11.12.8, example: the first non-immediate command carries the login's CmdSN."""
    lab = make_lab(login={"cmd_sn": 123})
    lab.start()
    lab.until_state("connected")
    assert {pdu.cmd_sn for pdu in lab.logins()} == {123}
    assert lab.received(Op.SCSI_COMMAND)[0].cmd_sn == 123


def test_isid_is_stable(make_lab: MakeLab):
    """10.1.1, 4.4.3: the same ISID for each session to this portal group; type 10b, "random", as it was given."""
    lab = make_lab().up()
    lab.peer.close()
    lab.until(lambda: lab.host.states.count("connected") == 2)
    assert {pdu.isid for pdu in lab.logins()} == {_ISID}


def test_one_login_request_at_a_time(make_lab: MakeLab):
    """6.3: never two outstanding."""
    lab = make_lab()
    lab.start()
    lab.until_state("connected")
    order = [seen.sent for seen in lab.server.wire if seen.pdu.op in (Op.LOGIN_REQUEST, Op.LOGIN_RESPONSE)]
    assert order == [False, True] * (len(order) // 2)


# -- texts in pieces (6.2, 11.12.2, 11.13.7) ----------------------------------------------------------------------
QUESTIONS = [f"X-com.example.{'q' * 40}.{number:03d}" for number in range(300)]


def asked_much(hand: Hand) -> None:
    """The target proposes so much that the answers do not fit into one segment of 8192 bytes."""
    text = {**OPERATIONAL, "TargetPortalGroupTag": "1", **dict.fromkeys(QUESTIONS, "1")}
    answer(hand, text, t=False)


def test_our_text_in_pieces(make_hand: MakeHand):
    """C=1 has T=0; no segment above 8192 (6.3: the default length during login); the joined text is what was meant."""
    hand = make_hand(stages=(1, 3))
    asked_much(hand)
    pieces = [answer(hand) for _ in range(3)]
    assert [(pdu.go_on, pdu.final) for pdu in pieces] == [(True, False), (True, False), (False, True)]
    assert [len(pdu.data) for pdu in pieces[:2]] == [8192, 8192]
    text = b"".join(bytes(pdu.data) for pdu in pieces)
    assert keys.parse(text) == [(key, "NotUnderstood") for key in QUESTIONS]
    hand.until(lambda: hand.host.agreed)


def test_one_piece_at_a_time(make_hand: MakeHand):
    """6.2, 6.3: the next piece waits for the empty response to the one before."""
    hand = make_hand(stages=(1, 3))
    asked_much(hand)
    first = hand.pdu()
    assert first.go_on
    hand.turn()
    assert hand.quiet()
    hand.send(login_response(request_of(first)))
    assert hand.pdu().go_on


@pytest.mark.parametrize("size", [1, 7, 100])
def test_text_of_the_target_in_pieces(make_hand: MakeHand, size: int):
    """C=1: an empty request each time, T=0; the text is read when it is whole, a value cut anywhere."""
    hand = make_hand(stages=(1, 3))
    text = keys.pack({**OPERATIONAL, "TargetAlias": "Plätze", "TargetPortalGroupTag": "1"}.items())
    pieces = [text[at : at + size] for at in range(0, len(text), size)][:200]
    rest = text[size * len(pieces) :]
    answer(hand, pieces[0], t=False, c=True)
    for piece in pieces[1:]:
        empty = answer(hand, piece, t=False, c=True)
        assert (empty.final, empty.go_on, bytes(empty.data)) == (False, False, b"")
    answer(hand, rest, t=False)
    last = answer(hand)
    assert last.final
    hand.until(lambda: hand.host.agreed)
    assert hand.host.agreed["FirstBurstLength"] == 1024


def test_answer_before_our_text_is_whole(make_hand: MakeHand):
    """6.2: a response to C=1 has no data."""
    hand = make_hand(stages=(1, 3))
    asked_much(hand)
    assert answer(hand, {"TargetAlias": "too early"}).go_on
    assert hand.ended().code == "ProtocolError"
    hand.closed()


def test_c_and_t_together(make_hand: MakeHand):
    """11.13.7: C=1 MUST have T=0."""
    hand = make_hand()
    answer(hand, {"AuthMethod": "None"}, t=True, c=True, nsg=1)
    assert hand.ended().code == "ProtocolError"
    hand.closed()


def test_text_without_end(make_hand: MakeHand):
    """6.1: 64 KiB are taken; who sends more is left, and no memory is given to it."""
    hand = make_hand(stages=(1, 3))
    for _ in range(30):
        pdu = hand.pdu()
        hand.send(login_response(request_of(pdu), b"a" * 8192, t=False, c=True))
        hand.turn(2)
        if hand.host.state == "ended":
            break
    assert hand.ended().code == "TextTooLong"
    hand.closed()


def test_8192_bytes_of_text_and_more(make_hand: MakeHand):
    """6.1: at least 8192 bytes of key text are taken."""
    hand = make_hand(stages=(1, 3))
    answer(hand, {**OPERATIONAL, "TargetPortalGroupTag": "1", "X-com.example.long": "z" * 9000}, t=False)
    assert said(hand.pdu()) == {"X-com.example.long": "NotUnderstood"}


# -- what the target may not do ------------------------------------------------------------------------------------
WRONG_HEADERS: Mapping[str, Mapping[str, Any]] = {
    "another-tag": {"itt": 0x4242},
    "another-isid": {"isid": b"\x80\0\0\0\0\1"},
    "another-stage": {"csg": 1},
    "stage-2": {"t": True, "nsg": 2},
    "back-to-itself": {"t": True, "nsg": 0},
    "beyond-what-was-asked": {"t": True, "nsg": 3},
    "version": {"version_active": 1},
}


@pytest.mark.parametrize("name", WRONG_HEADERS)
def test_wrong_login_response(make_hand: MakeHand, name: str):
    """6.3, 11.13: each ends the login and the connection; nothing of it is used."""
    hand = make_hand()
    answer(hand, {"AuthMethod": "None"}, t=False)
    answer(hand, **WRONG_HEADERS[name])
    assert hand.ended().code == ("UnsupportedVersion" if name == "version" else "ProtocolError")
    hand.closed()


def test_transition_that_was_not_asked_for(make_hand: MakeHand):
    """11.13.6: T=1 in the answer to T=0."""
    hand = make_hand(stages=(1, 3))
    asked_much(hand)
    request = answer(hand, t=True, nsg=3)
    assert not request.final
    assert hand.ended().code == "ProtocolError"
    hand.closed()


def test_session_without_a_handle(make_hand: MakeHand):
    """11.13.3: the final response of a new session carries a TSIH other than 0."""
    hand = make_hand(stages=(1, 3))
    answer(hand, OPERATIONAL, tsih=0)
    assert hand.ended().code == "ProtocolError"
    hand.closed()


@pytest.mark.parametrize("opcode", [0x20, 0x21, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3F])
def test_other_pdus_during_login(make_hand: MakeHand, opcode: int):
    """4.2.4, 6.3: anything but a Login Response: the connection ends."""
    hand = make_hand()
    answer(hand, {"AuthMethod": "None"}, t=False)
    hand.pdu()
    hand.send(target_pdu(opcode, w16=NO_TAG))
    assert hand.ended().code == "ProtocolError"
    hand.closed()


SAID: Mapping[str, tuple[Any, str]] = {
    "not-offered": ({**OPERATIONAL, "HeaderDigest": "CRC64"}, "HeaderDigest"),
    "above-what-was-proposed": ({**OPERATIONAL, "MaxBurstLength": "1048577"}, "MaxBurstLength"),
    "below-the-range": ({**OPERATIONAL, "FirstBurstLength": "511"}, "FirstBurstLength"),
    "above-the-range": ({**OPERATIONAL, "MaxRecvDataSegmentLength": "16777216"}, "MaxRecvDataSegmentLength"),
    "no-number": ({**OPERATIONAL, "MaxOutstandingR2T": "many"}, "MaxOutstandingR2T"),
    "no-boolean": ({**OPERATIONAL, "ImmediateData": "yes"}, "ImmediateData"),
    "against-the-function": ({**OPERATIONAL, "DataPDUInOrder": "No"}, "DataPDUInOrder"),
    "time-below-ours": ({**OPERATIONAL, "DefaultTime2Wait": "1"}, "DefaultTime2Wait"),
    "level-above-ours": ({**OPERATIONAL, "ErrorRecoveryLevel": "2"}, "ErrorRecoveryLevel"),
    "more-connections-than-ours": ({**OPERATIONAL, "MaxConnections": "4"}, "MaxConnections"),
    "not-understood": ({**OPERATIONAL, "MaxBurstLength": "NotUnderstood"}, "MaxBurstLength"),
    "twice": ([*OPERATIONAL.items(), ("MaxBurstLength", "4096")], "MaxBurstLength"),
    "group-twice": (
        [*OPERATIONAL.items(), ("TargetPortalGroupTag", "1"), ("TargetPortalGroupTag", "1")], "TargetPortalGroupTag",
    ),
    "only-an-initiator-says": ({**OPERATIONAL, "InitiatorName": "iqn.2026-01.example:x"}, "InitiatorName"),
    "key-of-security": ({**OPERATIONAL, "CHAP_A": "5"}, "CHAP_A"),
    "question-with-t": ({**OPERATIONAL, "TaskReporting": "FastAbort"}, "TaskReporting"),
    "proposes-reject": ({**OPERATIONAL, "TaskReporting": "Reject"}, "TaskReporting"),
    "group-of-17-bits": ({**OPERATIONAL, "TargetPortalGroupTag": "65536"}, "TargetPortalGroupTag"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_negotiation_that_fails(make_hand: MakeHand, name: str):
    """6.2, 7.12, 13: the login ends, and with it the connection; the error names the key."""
    hand = make_hand(stages=(1, 3), settings={"default_time2wait": 2})
    text, key = SAID[name]
    answer(hand, text)
    problem = hand.ended()
    assert (problem.code, problem.attrs["key"]) == ("NegotiationFailed", key)
    hand.closed()
    assert not hand.host.agreed


def test_renegotiation_in_a_later_response(make_hand: MakeHand):
    """6.3: a key said twice in the login, in two responses: the initiator drops the connection."""
    hand = make_hand(stages=(1, 3))
    answer(hand, {**OPERATIONAL, "TargetPortalGroupTag": "1"}, t=False)
    answer(hand, {"MaxBurstLength": "2048"}, t=False)
    assert hand.ended().attrs["key"] == "MaxBurstLength"
    hand.closed()


@pytest.mark.parametrize(
    "text",
    [b"MaxBurstLength=4096", b"MaxBurstLength\0", b"=5\0", b"Max\xffBurst=1\0", b"M" * 64 + b"=1\0"],
    ids=["no-null", "no-equals", "no-key", "not-utf-8", "key-of-64"],
)
def test_text_that_cannot_be_read(make_hand: MakeHand, text: bytes):
    """6.1: key=value, each with its null; key names of at most 63 characters."""
    hand = make_hand(stages=(1, 3))
    answer(hand, text)
    assert hand.ended().code == "ProtocolError"
    hand.closed()


# -- what the target may do ----------------------------------------------------------------------------------------
def test_every_value_follows_its_result_function(make_hand: MakeHand):
    """13.2 to 13.20: minimum, maximum, AND, OR, each side's own segment length; no value is ours or the default."""
    settings = {"max_burst_length": 16384, "first_burst_length": 8192, "max_recv_data_segment_length": 4096}
    hand = make_hand(stages=(1, 3), settings={**settings, "default_time2wait": 1, "initial_r2t": False})
    request = answer(hand, {**OPERATIONAL, "TargetPortalGroupTag": "0"})
    offered = said(request)
    assert offered["MaxBurstLength"] == "16384"
    assert offered["MaxConnections"] == "1"
    assert offered["ErrorRecoveryLevel"] == "0"
    hand.until(lambda: hand.host.agreed)
    expected = {
        "MaxBurstLength": 4096, "FirstBurstLength": 1024, "DefaultTime2Wait": 3, "DefaultTime2Retain": 0,
        "InitialR2T": True, "ImmediateData": True, "MaxRecvDataSegmentLength": 4096,
        "TargetMaxRecvDataSegmentLength": 2048, "MaxOutstandingR2T": 1, "ErrorRecoveryLevel": 0, "MaxConnections": 1,
    }  # fmt: skip
    assert {key: hand.host.agreed[key] for key in expected} == expected


def test_reject_and_irrelevant_leave_the_default(make_hand: MakeHand):
    """6.2: Reject and Irrelevant are answers: what was before holds."""
    hand = make_hand(stages=(1, 3), settings={"max_burst_length": 16384, "max_outstanding_r2t": 9})
    answer(hand, {**OPERATIONAL, "MaxBurstLength": "Reject", "MaxOutstandingR2T": "Irrelevant"})
    hand.until(lambda: hand.host.agreed)
    assert hand.host.agreed["MaxBurstLength"] == 262144
    assert hand.host.agreed["MaxOutstandingR2T"] == 1


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("immediate_data", "ImmediateData", False),
        ("initial_r2t", "InitialR2T", True),
        ("data_pdu_in_order", "DataPDUInOrder", True),
    ],
)
def test_booleans_that_need_no_answer(make_hand: MakeHand, setting: str, key: str, value: bool):
    """6.2.2: AND with No and OR with Yes are decided by the proposal; the answer is OPTIONAL."""
    hand = make_hand(stages=(1, 3), settings={setting: value})
    text = {name: what for name, what in OPERATIONAL.items() if name != key}
    request = answer(hand, text)
    assert said(request)[key] == ("Yes" if value else "No")
    hand.until(lambda: hand.host.agreed)
    assert hand.host.agreed[key] is value


def test_keys_that_the_target_proposes(make_hand: MakeHand):
    """6.2, 6.2.1, 13.25: each is answered: known ones by their function, obsolete ones Reject, others NotUnderstood."""
    hand = make_hand(stages=(1, 3))
    proposed = {
        "TaskReporting": "FastAbort,ResponseFence,RFC3720", "iSCSIProtocolLevel": "2", "IFMarker": "Yes",
        "OFMarkInt": "1~99", "X-com.example.colour": "blue", "X#NodeArchitecture": "Box/1.0",
    }  # fmt: skip
    answer(hand, {**OPERATIONAL, "TargetPortalGroupTag": "1", **proposed}, t=False)
    found = said(hand.pdu())
    assert found.pop("IFMarker") in ("Reject", "No")
    assert found == {
        "TaskReporting": "ResponseFence", "iSCSIProtocolLevel": "1", "OFMarkInt": "Reject",
        "X-com.example.colour": "NotUnderstood",
    }  # fmt: skip


def test_node_architecture_is_never_sent(make_lab: MakeLab):
    """9.4, 13.26: nothing is told about our own system."""
    lab = make_lab()
    lab.start()
    lab.until_state("connected")
    assert not any(b"X#" in bytes(pdu.data) for pdu in lab.logins())


def test_every_setting_is_offered(make_lab: MakeLab):
    """13: each negotiable key once, as the settings say."""
    settings = {
        "header_digest": ("CRC32C", "None"), "data_digest": ("None",), "initial_r2t": True, "immediate_data": False,
        "max_recv_data_segment_length": 4444, "max_burst_length": 33333, "first_burst_length": 22222,
        "default_time2wait": 4, "default_time2retain": 5, "max_outstanding_r2t": 6, "data_pdu_in_order": False,
        "data_sequence_in_order": False, "max_connections": 1, "error_recovery_level": 0,
        "task_reporting": "ResponseFence",
    }  # fmt: skip
    lab = make_lab(settings=settings)
    lab.start()
    lab.until_state("connected")
    assert said(lab.logins()[1]) == {
        "HeaderDigest": "CRC32C,None", "DataDigest": "None", "InitialR2T": "Yes", "ImmediateData": "No",
        "MaxRecvDataSegmentLength": "4444", "MaxBurstLength": "33333", "FirstBurstLength": "22222",
        "DefaultTime2Wait": "4", "DefaultTime2Retain": "5", "MaxOutstandingR2T": "6", "DataPDUInOrder": "No",
        "DataSequenceInOrder": "No", "MaxConnections": "1", "ErrorRecoveryLevel": "0",
        "TaskReporting": "ResponseFence,RFC3720",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answered", "agreed"),
    [("ResponseFence", "ResponseFence"), ("RFC3720", "RFC3720"), ("NotUnderstood", "RFC3720"), (None, "RFC3720")],
)
def test_task_reporting(make_hand: MakeHand, answered: str | None, agreed: str):
    """13.23; 4.2.2.3.4: a target that knows RFC 3720 only answers NotUnderstood, and its reporting is that RFC's."""
    hand = make_hand(stages=(1, 3), settings={"task_reporting": "ResponseFence"})
    request = answer(hand, {**OPERATIONAL, **({"TaskReporting": answered} if answered else {})})
    assert said(request)["TaskReporting"] == "ResponseFence,RFC3720"
    hand.until(lambda: hand.host.agreed)
    assert hand.host.agreed["TaskReporting"] == agreed


def test_fast_abort_is_never_agreed_on(make_hand: MakeHand):
    """13.23, 4.2.3.4: what follows from it is not done here: neither asked for nor accepted."""
    hand = make_hand(stages=(1, 3), settings={"task_reporting": "ResponseFence"})
    answer(hand, {**OPERATIONAL, "TaskReporting": "FastAbort"})
    assert hand.ended().attrs["key"] == "TaskReporting"
    hand.closed()


@pytest.mark.parametrize(("wanted", "code"), [(-1, ""), (1, ""), (2, "NegotiationFailed")])
def test_portal_group(make_lab: MakeLab, wanted: int, code: str):
    """6.3.1, 13.9: the group that answers is the one that was meant, where that is known."""
    lab = make_lab(login={"portal_group": wanted})
    if code:
        assert lab.refused().code == code
    else:
        lab.start()
        lab.until_state("connected")


def test_portal_group_0(make_lab: MakeLab):
    """13.9: zero is a legal value."""
    lab = make_lab(login={"portal_group": 0}, target={"portal_group": 0})
    lab.start()
    lab.until_state("connected")


# -- ends and silence ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@pytest.mark.parametrize("nth", [None, 2], ids=["first", "second"])
def test_target_closes_in_place_of_an_answer(make_lab: MakeLab, nth: int | None, reset: bool):
    """7.12: a close at each step: its error, at once; to the first request it may be asked once more (Linux's target
    hangs up on an offer of None alone).
    """
    lab = make_lab()
    lab.play.when_sending(Op.LOGIN_RESPONSE, lambda pdu: [Close(reset=reset)], nth=nth)
    assert lab.refused().code == "ConnectionLost"
    assert len(lab.host.asked) <= 2


@pytest.mark.parametrize("at", [1, 47, 48, 60])
def test_target_closes_within_an_answer(make_lab: MakeLab, at: int):
    lab = make_lab()
    lab.play.when_sending(Op.LOGIN_RESPONSE, lambda pdu: [Cut(pdu, at)], nth=2)
    assert lab.refused().code == "ConnectionLost"


def test_target_closes_before_anything(make_hand: MakeHand):
    hand = make_hand()
    hand.until(lambda: hand.peers)
    hand.peers[0].close()
    assert hand.ended().code == "ConnectionLost"


def test_target_that_never_finishes(make_hand: MakeHand):
    """6.2: at least six exchanges are allowed; not endlessly many."""
    hand = make_hand(stages=(1, 3))
    answer(hand, {**OPERATIONAL, "TargetPortalGroupTag": "1"}, t=False)
    count = 0
    while hand.host.state != "ended":
        pdu = hand.pdu()
        hand.send(login_response(request_of(pdu), t=False))
        hand.turn(1)
        count += 1
        assert count < 1000
    assert count > 6
    assert hand.ended().code == "ProtocolError"
    hand.closed()


def test_target_that_says_nothing(make_hand: MakeHand):
    """6.2: `login_timeout` is for the whole login."""
    hand = make_hand(settings={"login_timeout": 33})
    answer(hand, {"AuthMethod": "None"})
    hand.pdu()
    hand.clock.jump(30)
    hand.turn()
    assert hand.host.state == "connecting"
    hand.later(4, lambda: hand.host.state == "ended")
    problem = hand.ended()
    assert (problem.code, problem.attrs["what"]) == ("Timeout", "login")
    hand.closed()


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x46"]
)
def test_something_else_answers(make_hand: MakeHand, greeting: bytes):
    """A server of another kind is known as such."""
    hand = make_hand()
    hand.pdu()
    hand.send(greeting)
    assert hand.ended().code == "NotIscsi"


def test_answer_byte_by_byte(make_lab: MakeLab):
    """Pieces of any size make no difference."""
    lab = make_lab()

    def slowly(pdu: Pdu) -> Iterable[Step]:
        raw = pdu.pack()
        return [step for i in range(0, len(raw), 9) for step in (Raw(raw[i : i + 9]), Wait(0.0001))]

    lab.play.when_sending(Op.LOGIN_RESPONSE, slowly)
    lab.up()
    lab.finish(lab.write(0, b"z" * BLOCK))


def test_what_follows_the_last_response_is_not_lost(make_lab: MakeLab):
    """11.13.6: full feature phase begins right behind the final response: a ping in the same segment is answered."""
    lab = make_lab()

    def with_ping(pdu: Pdu) -> Iterable[Step]:
        ping = Pdu.make(Op.NOP_IN, itt=NO_TAG, ttt=0x99)
        ping.stat_sn, ping.exp_cmd_sn, ping.max_cmd_sn = pdu.stat_sn + 1, pdu.exp_cmd_sn, pdu.max_cmd_sn
        return [Raw(pdu.pack() + ping.pack())]

    lab.play.when_sending(Op.LOGIN_RESPONSE, with_ping, nth=2)
    lab.start()
    lab.until(lambda: any(pdu.ttt == 0x99 for pdu in lab.received(Op.NOP_OUT)))
    lab.until_state("connected")


def test_errors_carry_what_is_needed(make_hand: MakeHand):
    hand = make_hand(stages=(1, 3))
    answer(hand, status=0x0203)
    problem = hand.ended()
    assert isinstance(problem, Problem)
    assert problem.attrs["target"] == TARGET
