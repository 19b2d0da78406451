# SPDX-License-Identifier: Apache-2.0
"""Row 18: text requests, which discovery sends (RFC 7143, 6.2, 11.10, 11.11, 13.21, 7.4, appendix C)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from conformance.harness import CMD_SN, NO_TAG, TARGET, Lab
from lundock.helper.engine.names import Portal
from lundock.helper.target.chap import Account
from lundock.helper.target.config import TargetConfig
from lundock.helper.target.pdu import Op, Pdu
from lundock.helper.target.script import Close, Step

MakeLab = Callable[..., Lab]

_SERIAL = 1 << 32
MORE = 60


def many(make_lab: MakeLab, **options: object) -> Lab:
    """A target portal with so many targets that their names take several responses of 1024 bytes."""
    lab = make_lab(**{"settings": {"max_recv_data_segment_length": 1024}, **options})
    for number in range(MORE):
        lab.server.add_target(TargetConfig(f"{TARGET}-{number:03d}"))
    return lab


def found(lab: Lab, **fields: object) -> Lab:
    lab.discover(**fields)
    lab.until_state("ended")
    assert lab.host.problem is None
    return lab


def failed(lab: Lab) -> str:
    lab.discover()
    lab.until_state("ended")
    assert lab.host.problem is not None
    assert not lab.host.targets
    return lab.host.problem.code


def texts(lab: Lab) -> list[Pdu]:
    return lab.received(Op.TEXT_REQUEST)


def test_iol_18_1_format(make_lab: MakeLab):
    """11.10: opcode, F, no C, nothing reserved set; key=value with its null."""
    lab = found(make_lab())
    request = texts(lab)[0]
    assert request.op == Op.TEXT_REQUEST
    assert request.flags == 0x80
    assert request.bhs[2:4] == b"\0\0"
    assert request.bhs[32:48] == bytes(16)
    assert bytes(request.data) == b"SendTargets=All\0"


def test_iol_18_2_tag(make_lab: MakeLab):
    """11.10.3: an Initiator Task Tag that is no other request's, the same for the whole sequence, as is the I bit."""
    lab = found(many(make_lab))
    assert len(texts(lab)) > 3
    assert len({(pdu.itt, pdu.immediate) for pdu in texts(lab)}) == 1
    others = {pdu.itt for pdu in lab.received(Op.LOGOUT_REQUEST)}
    assert texts(lab)[0].itt not in {*others, NO_TAG}


def test_iol_18_3_target_transfer_tag(make_lab: MakeLab):
    """11.10.4, 11.11.4: at first ffffffff, then TTT and LUN of the response before."""
    lab = many(make_lab)

    def with_lun(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        if pdu.ttt != NO_TAG:
            pdu.lun = 0x0001_0203_0405_0607
        return [pdu]

    lab.play.when_sending(Op.TEXT_RESPONSE, with_lun)
    found(lab)
    requests, responses = texts(lab), lab.sent(Op.TEXT_RESPONSE)
    assert (requests[0].ttt, requests[0].lun) == (NO_TAG, 0)
    assert len(requests) == len(responses) > 3
    for before, request in zip(responses, requests[1:], strict=False):
        assert (request.ttt, request.lun) == (before.ttt, before.lun)
        assert not request.data
        assert request.final


def test_iol_18_4_cmd_sn_and_exp_stat_sn(make_lab: MakeLab):
    """4.2.2: each request is numbered and acknowledges the response before."""
    lab = found(many(make_lab))
    requests = texts(lab)
    assert [pdu.cmd_sn for pdu in requests] == [(CMD_SN + i) % _SERIAL for i in range(len(requests))]
    last = None
    for seen in lab.server.wire:
        if seen.sent:
            last = seen.pdu.stat_sn
        elif last is not None:
            assert seen.pdu.exp_stat_sn == (last + 1) % _SERIAL


def test_iol_18_5_a_negotiation_is_never_reset(make_lab: MakeLab):
    """11.10.4: TTT ffffffff restarts at the target; it is used to begin, and never again in a session."""
    lab = found(many(make_lab))
    assert [pdu.ttt for pdu in texts(lab)].count(NO_TAG) == 1


def test_no_text_request_in_a_normal_session(make_lab: MakeLab):
    """Appendix C: SendTargets=All is for discovery sessions."""
    lab = make_lab()
    lab.start()
    lab.until_state("connected")
    assert lab.received(Op.SCSI_COMMAND)
    assert not texts(lab)


def test_one_text_request_at_a_time(make_lab: MakeLab):
    """6.2, 11.10: never two outstanding."""
    lab = found(many(make_lab))
    order = [seen.sent for seen in lab.server.wire if seen.pdu.op in (Op.TEXT_REQUEST, Op.TEXT_RESPONSE)]
    assert order == [False, True] * (len(order) // 2)


def test_long_answer_is_whole(make_lab: MakeLab):
    """Appendix C, 11.10.5: names over any number of PDUs, a pair cut in two by their ends."""
    lab = found(many(make_lab))
    names = {target.name for target in lab.host.targets}
    assert names == {TARGET, *(f"{TARGET}-{number:03d}" for number in range(MORE))}
    assert all(pdu.go_on and not pdu.final for pdu in lab.sent(Op.TEXT_RESPONSE)[:-1])


def test_transfer_tag_of_a_last_response_is_ignored(make_lab: MakeLab):
    """11.10.4: F=1: the TTT means nothing."""
    lab = make_lab()

    def tagged(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.ttt = 0x55
        return [pdu]

    lab.play.when_sending(Op.TEXT_RESPONSE, tagged)
    found(lab)
    assert len(texts(lab)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"final": True, "go_on": True}, id="f-and-c"),
        pytest.param({"final": False, "ttt": NO_TAG}, id="goes-on-without-tag"),
        pytest.param({"itt": 0x0BAD}, id="another-tag"),
        pytest.param({"data": b"TargetName=iqn.2026-01.example:x"}, id="no-null"),
        pytest.param({"data": b"TargetAddress=127.0.0.1,1\0"}, id="address-of-nothing"),
        pytest.param({"data": b"MaxBurstLength=512\0"}, id="key-out-of-place"),
    ],
)
def test_wrong_text_response(make_lab: MakeLab, fields: dict[str, object]):
    """11.11.1, 11.11.2, 7.12, appendix C: the session ends with its error, and nothing of the answer is used."""
    lab = make_lab()

    def change(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        for name, value in fields.items():
            setattr(pdu, name, value)
        return [pdu]

    lab.play.when_sending(Op.TEXT_RESPONSE, change)
    assert failed(lab) == "ProtocolError"


def test_answer_without_end(make_lab: MakeLab):
    """A target that always has more is left."""
    lab = make_lab()

    def more(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.final, pdu.go_on, pdu.ttt = False, True, 0x42
        pdu.data = b"TargetName=iqn.2026-01.example:x\0" * 7000
        lab.peer.text_tag = 0x42
        return [pdu]

    lab.play.when_sending(Op.TEXT_RESPONSE, more)
    assert failed(lab) == "TextTooLong"


def test_rejected_text_request(make_lab: MakeLab):
    """7.12: a Text Request that is answered with Reject: a failure, no endless wait."""
    lab = make_lab()

    def reject(pdu: Pdu) -> Pdu | None:
        lab.peer.reject(pdu, 0x09)
        return None

    lab.play.when_receiving(Op.TEXT_REQUEST, reject)
    assert failed(lab) == "ProtocolError"


def test_text_request_without_answer(make_lab: MakeLab):
    """7.12: a Text Request that times out."""
    lab = make_lab()
    lab.play.when_sending(Op.TEXT_RESPONSE, lambda pdu: [])
    lab.discover()
    lab.until(lambda: texts(lab))
    lab.later(1000, lambda: lab.host.state == "ended")
    assert lab.host.problem is not None
    assert lab.host.problem.code == "Timeout"


def test_target_that_closes_in_the_middle(make_lab: MakeLab):
    lab = many(make_lab)
    lab.play.when_sending(Op.TEXT_RESPONSE, lambda pdu: [pdu, Close()], nth=2)
    assert failed(lab) == "ConnectionLost"


# -- discovery sessions --------------------------------------------------------------------------------------------
def test_discovery_session_sends_nothing_else(make_lab: MakeLab):
    """13.21: login, SendTargets, logout "close the session"; SessionType in the first request, no TargetName."""
    lab = found(make_lab())
    passed = [pdu.op for pdu in lab.received()]
    assert set(passed[: -len(texts(lab)) - 1]) == {Op.LOGIN_REQUEST}
    assert passed[-2:] == [Op.TEXT_REQUEST, Op.LOGOUT_REQUEST]
    assert lab.received()[-1].flags == 0x80
    first = bytes(lab.logins()[0].data)
    assert b"SessionType=Discovery\0" in first
    assert b"TargetName" not in first


def test_discovery_offers_nothing_irrelevant(make_lab: MakeLab):
    """13.2 to 13.23: keys that are irrelevant when SessionType=Discovery are not offered; no level above 0 (7.4.1)."""
    lab = found(make_lab())
    said = b"".join(bytes(pdu.data) for pdu in lab.logins())
    for key in (
        "MaxConnections", "InitialR2T", "ImmediateData", "MaxBurstLength", "FirstBurstLength", "MaxOutstandingR2T",
        "DataPDUInOrder", "DataSequenceInOrder", "TaskReporting",
    ):  # fmt: skip
        assert f"{key}=".encode() not in said
    for part in said.split(b"\0"):
        if part.startswith(b"ErrorRecoveryLevel="):
            assert part == b"ErrorRecoveryLevel=0"


def test_addresses_of_a_target(make_lab: MakeLab):
    """13.8, appendix C: IPv4, IPv6 in brackets, names; the portal group's tag behind the comma; the default port."""
    announce = ("192.0.2.7:3261,3", "[2001:db8::9]:860,3", "[fe80::1],4", "storage.example,5")
    lab = found(make_lab(server={"announce": announce}))
    assert lab.host.targets[0].portals == (
        Portal("192.0.2.7", 3261, 3), Portal("2001:db8::9", 860, 3), Portal("fe80::1", 3260, 4),
        Portal("storage.example", 3260, 5),
    )  # fmt: skip


def test_target_without_address_is_where_it_was_asked(make_lab: MakeLab):
    """Appendix C: no TargetAddress: the address and port of this connection."""
    lab = make_lab()

    def bare(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.data = f"TargetName={TARGET}\0".encode()
        return [pdu]

    lab.play.when_sending(Op.TEXT_RESPONSE, bare)
    found(lab)
    assert [(p.address, p.port) for p in lab.host.targets[0].portals] == [("127.0.0.1", lab.server.port)]


def test_no_target_at_all(make_lab: MakeLab):
    """Appendix C: an empty answer."""
    lab = make_lab()
    lab.server.start()
    lab.server.remove_target(TARGET)
    assert found(lab).host.targets == ()


@pytest.mark.parametrize("opcode", [Op.SCSI_RESPONSE, Op.R2T, Op.DATA_IN, Op.TASK_RESPONSE])
def test_what_has_no_place_in_a_discovery_session(make_lab: MakeLab, opcode: int):
    """7.4.3: nothing of SCSI, which has no place there."""
    lab = make_lab()
    lab.play.when_sending(Op.TEXT_RESPONSE, lambda pdu: [Pdu.make(opcode, itt=1, stat_sn=pdu.stat_sn), pdu])
    assert failed(lab) == "ProtocolError"


def test_ping_in_a_discovery_session(make_lab: MakeLab):
    """7.4.3, 11.18: answered with its tags."""
    lab = make_lab()
    lab.play.when_sending(
        Op.TEXT_RESPONSE, lambda pdu: [Pdu.make(Op.NOP_IN, itt=NO_TAG, ttt=0x71, stat_sn=pdu.stat_sn), pdu]
    )
    found(lab)
    answer = lab.received(Op.NOP_OUT)[0]
    assert (answer.itt, answer.ttt, answer.immediate) == (NO_TAG, 0x71, True)


def test_discovery_has_its_own_account(make_lab: MakeLab):
    """12.1: who asks for targets signs in apart from who uses them."""
    lab = make_lab(server={"discovery_chap": Account("looker", "only-for-looking")})
    assert failed(lab) == "AuthenticationRequired"
