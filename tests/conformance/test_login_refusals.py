# SPDX-License-Identifier: Apache-2.0
"""Login on the wire: every status of 11.13.5, redirects, sessions that take each other's place (6.3.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
from conformance.harness import BLOCK, ISID, TARGET, Hand, Lab
from lundock.helper.engine.names import Portal
from lundock.helper.target.chap import Account
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.pdu import Op, Pdu
from lundock.helper.target.script import Step
from lundock.helper.target.server import Server
from support.pdus import Request, login_response

MakeLab = Callable[..., Lab]
MakeHand = Callable[..., Hand]

#: 11.13.5, the whole table, and details that it does not have.
STATUS = {
    0x0200: "LoginInitiatorError", 0x0201: "AuthenticationRequired", 0x0202: "AuthorizationFailed",
    0x0203: "TargetNotFound", 0x0204: "TargetRemoved", 0x0205: "UnsupportedVersion", 0x0206: "TooManyConnections",
    0x0207: "MissingParameter", 0x0208: "CannotIncludeInSession", 0x0209: "SessionTypeNotSupported",
    0x020A: "SessionDoesNotExist", 0x020B: "InvalidDuringLogin", 0x0300: "TargetError", 0x0301: "ServiceUnavailable",
    0x0302: "OutOfResources", 0x0103: "UnknownLoginStatus", 0x02FF: "UnknownLoginStatus",
    0x0303: "UnknownLoginStatus", 0x0400: "UnknownLoginStatus",
}  # fmt: skip


def refusing(status: int) -> Callable[[Pdu], Iterable[Step]]:
    def change(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.login_status, pdu.flags, pdu.data = status, 0, b""
        # 11.13.5: the numbers are only valid with class 0
        pdu.stat_sn, pdu.exp_cmd_sn, pdu.max_cmd_sn = 0xDEAD, 0xBEEF, 0xCAFE
        return [pdu]

    return change


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("status", STATUS, ids=[f"{status:04x}" for status in STATUS])
def test_each_status_is_an_error_of_its_own(make_lab: MakeLab, status: int, nth: int):
    """11.13.5: with the first response or a later one; the TCP connection is closed, nothing is tried by itself."""
    lab = make_lab()
    lab.play.when_sending(Op.LOGIN_RESPONSE, refusing(status), nth=nth)
    problem = lab.refused()
    assert problem.code == STATUS[status]
    assert problem.attrs["status"] == f"{status:04x}"
    assert len(lab.logins()) == nth
    assert len(lab.host.asked) == 1
    lab.until(lambda: not lab.server.connections)


def test_errors_are_all_different():
    known = [code for status, code in STATUS.items() if code != "UnknownLoginStatus"]
    assert len(known) == len(set(known)) == 15


@pytest.mark.parametrize("status", [0x0300, 0x0301, 0x0302])
def test_target_errors_are_tried_again_later(make_lab: MakeLab, status: int):
    """11.13.5, class 3: "may retry the same Login Request later": a lost session goes on trying."""
    lab = make_lab().up()
    for nth in (1, 2):
        lab.play.when_sending(Op.LOGIN_RESPONSE, refusing(status), nth=nth)
    lab.peer.close()
    call = None
    for _ in range(30):
        lab.turn(3)
        if lab.host.states.count("connected") == 2:
            call = lab.read(0)
            break
        lab.clock.jump(5)
    assert call is not None
    lab.finish(call)


# -- redirects -----------------------------------------------------------------------------------------------------
@pytest.fixture
def elsewhere() -> Iterator[Callable[..., Server]]:
    """Start more targets of the same name."""
    servers: list[Server] = []

    def start(host: str = "127.0.0.1", **target: object) -> Server:
        config = TargetConfig(TARGET, (DiskConfig(size=1 << 20),), **{"first_attention": False, **target})  # type: ignore[arg-type]
        servers.append(Server(ServerConfig((config,), listen=((host, 0),)), record=True))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
        server.close()


@pytest.mark.parametrize("permanent", [False, True], ids=["temporarily", "permanently"])
@pytest.mark.parametrize(
    ("host", "written"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("127.0.0.1", "localhost")]
)
def test_redirect(make_lab: MakeLab, elsewhere: Callable[..., Server], host: str, written: str, permanent: bool):
    """11.13.5, 0101 and 0102; 13.8: to IPv4, to IPv6 in brackets, to a name; the old connection is closed."""
    other = elsewhere(host)
    address = f"{written}:{other.port}"
    lab = make_lab(target={"redirect": address, "redirect_permanent": permanent})
    lab.start()
    lab.until_state("connected")
    assert [portal.address for portal in lab.host.asked] == ["127.0.0.1", written.strip("[]")]
    assert lab.host.asked[1].port == other.port
    assert other.wire.received(Op.SCSI_COMMAND)
    assert other.wire.received(Op.LOGIN_REQUEST)[0].isid == int.from_bytes(ISID, "big")
    assert lab.sent(Op.LOGIN_RESPONSE)[-1].login_status == (0x0102 if permanent else 0x0101)
    lab.until(lambda: not lab.server.connections)
    assert ("moved" if permanent else "redirected", {"address": address}) in lab.host.events


def test_redirect_twice(make_lab: MakeLab, elsewhere: Callable[..., Server]):
    """A chain of two."""
    last = elsewhere()
    middle = elsewhere(redirect=last.address)
    lab = make_lab(target={"redirect": middle.address})
    lab.start()
    lab.until_state("connected")
    assert [portal.port for portal in lab.host.asked] == [lab.server.port, middle.port, last.port]


@pytest.mark.parametrize("permanent", [False, True], ids=["temporarily", "permanently"])
def test_after_a_redirect(make_lab: MakeLab, elsewhere: Callable[..., Server], permanent: bool):
    """11.13.5: where a target moved for good is where it is asked after a loss; else it may be back."""
    other = elsewhere()
    lab = make_lab(target={"redirect": other.address, "redirect_permanent": permanent})
    lab.start()
    lab.until_state("connected")
    other.connections[-1].close()
    lab.until(lambda: lab.host.states[-2:] == ["lost", "connected"])
    here = [lab.server.port, other.port]
    assert [portal.port for portal in lab.host.asked] == [*here, *(here[1:] if permanent else here)]


def test_a_place_to_which_a_target_moved_and_which_fails_is_forgotten(
    make_lab: MakeLab, elsewhere: Callable[..., Server]
):
    """11.13.5: the address that we were given is asked again before the target is given up."""
    other, third = elsewhere(), elsewhere()
    lab = make_lab(target={"redirect": other.address, "redirect_permanent": True})
    lab.start()
    lab.until_state("connected")
    lab.server.change_target(TARGET, redirect=third.address)
    other.stop()
    lab.until_state("lost")
    lab.clock.jump(1)
    lab.until_state("connected")
    assert [portal.port for portal in lab.host.asked][-3:] == [other.port, lab.server.port, third.port]


def test_redirect_to_itself(make_hand: MakeHand):
    """A loop of one."""
    hand = make_hand()
    pdu = hand.pdu()
    text = {"TargetAddress": str(hand.portal)}
    hand.send(login_response(Request(bytes(pdu.bhs), bytes(pdu.data)), text, status=0x0101))
    assert hand.ended().code == "LoginRedirectLoop"


def test_redirect_in_circles(make_lab: MakeLab, elsewhere: Callable[..., Server]):
    """A loop of two ends after a few rounds."""
    other = elsewhere()
    lab = make_lab()
    lab.server.start()
    other.change_target(TARGET, redirect=lab.server.address)
    lab.server.change_target(TARGET, redirect=other.address)
    assert lab.refused().code == "LoginRedirectLoop"
    assert len(lab.host.asked) < 10


@pytest.mark.parametrize("text", [{}, {"TargetAddress": "::1:3260"}, {"TargetAlias": "x"}, b"TargetAddress=1.2.3.4"])
def test_redirect_to_nowhere(make_hand: MakeHand, text: dict[str, str] | bytes):
    """11.13.5: one or more TargetAddress MUST be there."""
    hand = make_hand()
    pdu = hand.pdu()
    hand.send(login_response(Request(bytes(pdu.bhs), bytes(pdu.data)), text, status=0x0101))
    assert hand.ended().code == "ProtocolError"
    hand.closed()


def test_redirect_with_several_addresses_and_a_group(make_hand: MakeHand):
    """13.8: the tag MUST be omitted; a target that says it, and an address that cannot be read, do no harm."""
    hand = make_hand()
    pdu = hand.pdu()
    text = [("TargetAddress", "[::banana]:1"), ("TargetAddress", "192.0.2.9:99,7"), ("TargetAddress", "192.0.2.10")]
    hand.host.hold = True
    hand.send(login_response(Request(bytes(pdu.bhs), bytes(pdu.data)), text, status=0x0101))
    hand.until(lambda: len(hand.host.asked) == 2)
    assert hand.host.asked[1] == Portal("192.0.2.9", 99)


def test_redirect_after_security(make_lab: MakeLab, elsewhere: Callable[..., Server]):
    """11.13.5: MUST be accepted after the security negotiation."""
    other = elsewhere()
    lab = make_lab()

    def moved(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.login_status, pdu.flags = 0x0101, 0
        pdu.data = f"TargetAddress={other.address}\0".encode()
        return [pdu]

    lab.play.when_sending(Op.LOGIN_RESPONSE, moved, nth=2)
    lab.start()
    lab.until_state("connected")
    assert other.wire.received(Op.SCSI_COMMAND)


def test_redirect_before_security(make_lab: MakeLab, elsewhere: Callable[..., Server]):
    """11.13.5: SHOULD be accepted before it; the other one then has to be signed in to."""
    account = Account("me", "a-secret-of-mine")
    other = elsewhere(chap=account)
    lab = make_lab(target={"redirect": other.address, "chap": account})
    assert lab.refused().code == "AuthenticationRequired"
    assert other.wire.received(Op.LOGIN_REQUEST)


def test_redirect_when_coming_back(make_lab: MakeLab, elsewhere: Callable[..., Server]):
    """11.13.5: a lost session is redirected too; it looks first where it was configured."""
    lab = make_lab().up()
    other = elsewhere()
    lab.server.change_target(TARGET, redirect=other.address)
    lab.peer.close()
    lab.until(lambda: lab.host.asked[-1].port == other.port)
    assert lab.host.asked[-2] == lab.portal


# -- reinstatement, several sessions ---------------------------------------------------------------------------------
def test_session_reinstatement(make_lab: MakeLab):
    """6.3.5: after a failure the same ISID with TSIH 0: the target's old session ends, and its tasks with it."""
    lab = make_lab().up()
    first = lab.server.sessions[0]
    lab.play.when_sending(Op.SCSI_RESPONSE, lambda pdu: [], nth=1)
    call = lab.write(0, b"r" * BLOCK)
    lab.await_received(Op.SCSI_COMMAND)
    assert lab.engine is not None
    lab.host.hold = True
    lab.peer._sock.shutdown(1)  # the target's side stays open: its session lives on
    lab.until_state("lost")
    lab.host.hold = False
    lab.host.answer(lab.portal)
    lab.finish(call)
    assert lab.server.sessions != [first]
    assert len(lab.server.sessions) == 1
    assert lab.logins()[0].tsih == 0


def test_no_second_connection(make_lab: MakeLab):
    """13.2: we offer MaxConnections=1, whatever the target could do: refused cleanly: one connection, CID the same."""
    lab = make_lab(parameters={"MaxConnections": "8"})
    lab.start()
    lab.until_state("connected")
    assert b"MaxConnections=1\0" in bytes(lab.logins()[1].data)
    assert lab.host.agreed["MaxConnections"] == 1
    assert len(lab.host.asked) == 1
    assert {pdu.tsih for pdu in lab.logins()} == {0}


def test_no_level_above_0(make_lab: MakeLab):
    """7.1.5, 13.20: we offer ErrorRecoveryLevel=0, whatever the target could do."""
    lab = make_lab(parameters={"ErrorRecoveryLevel": "2"})
    lab.start()
    lab.until_state("connected")
    assert b"ErrorRecoveryLevel=0\0" in bytes(lab.logins()[1].data)
    assert lab.host.agreed["ErrorRecoveryLevel"] == 0
