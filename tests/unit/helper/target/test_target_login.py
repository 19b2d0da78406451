# SPDX-License-Identifier: Apache-2.0
"""The login phase over a real socket, said PDU by PDU (RFC 7143, 6.3, 11.12, 11.13)."""

from collections.abc import Iterator

import pytest
from lundock.helper.target import keys
from lundock.helper.target.chap import Account
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.pdu import Disconnected, Op, Pdu
from lundock.helper.target.server import Server
from support.raw import INITIATOR, ISID, RawInitiator

PLAIN = "iqn.2026-01.example:plain"
DISK = (DiskConfig(size=1 << 20),)


@pytest.fixture
def server() -> Iterator[Server]:
    targets = (
        TargetConfig(PLAIN, DISK, alias="Plain", portal_group=7),
        TargetConfig("iqn.2026-01.example:chap", DISK, chap=Account("alice", "secret-of-alice")),
        TargetConfig("iqn.2026-01.example:closed", DISK, initiators=("iqn.2026-01.example:other",)),
        TargetConfig("iqn.2026-01.example:moved", redirect="[2001:db8::5]:3261", redirect_permanent=True),
        TargetConfig("iqn.2026-01.example:two", DISK, parameters={"MaxConnections": "2"}),
    )
    with Server(ServerConfig(targets), record=True) as made:
        yield made


def test_one_exchange(server: Server):
    with RawInitiator(server.port) as raw:
        got = raw.login(PLAIN)
        said = dict(keys.parse(bytes(got.data)))
        assert (got.login_status, got.stages, got.final) == (0, (1, 3), True)
        assert got.tsih
        assert said["TargetPortalGroupTag"] == "7"
        assert said["TargetAlias"] == "Plain"
        assert said["MaxBurstLength"] == "131072"
        assert said["InitialR2T"] == "No"
        session = server.sessions[0]
        assert (session.initiator, session.isid, session.agreed.their_mrdsl) == (INITIATOR, ISID, 65536)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("iqn.2026-01.example:nowhere", 0x0203),
        ("iqn.2026-01.example:closed", 0x0202),
        ("iqn.2026-01.example:chap", 0x0201),
        ("iqn.2026-01.example:moved", 0x0102),
    ],
)
def test_refused(server: Server, target: str, status: int):
    with RawInitiator(server.port) as raw:
        got = raw.login(target)
        assert got.login_status == status
        assert raw.closed()
    if status == 0x0102:
        assert keys.parse(bytes(got.data)) == [("TargetAddress", "[2001:db8::5]:3261")]


def _request(text: bytes, flags: int, **fields: int) -> Pdu:
    out = Pdu.make(Op.LOGIN_REQUEST, text, immediate=True, isid=ISID, **fields)
    out.flags = flags
    return out


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (_request(b"", 0x87), 0x0207),  # no InitiatorName
        (_request(keys.pack([("InitiatorName", "x")]), 0x87), 0x0207),  # no TargetName
        (_request(keys.pack([("InitiatorName", "x"), ("SessionType", "Odd")]), 0x87), 0x0209),
        (_request(b"InitiatorName", 0x87), 0x0200),  # no NUL
        (_request(b"", 0x87, version_min=1), 0x0205),
        (_request(keys.pack([("InitiatorName", "x"), ("TargetName", PLAIN)]), 0x84), 0x0200),  # back to stage 0
        (_request(keys.pack([("InitiatorName", "x"), ("TargetName", PLAIN)]), 0x87, tsih=999), 0x020A),
        (
            _request(keys.pack([("InitiatorName", "x"), ("TargetName", PLAIN), *[("MaxBurstLength", "512")] * 2]), 7),
            0x0200,
        ),
    ],
)
def test_wrong_requests(server: Server, request_: Pdu, status: int):
    with RawInitiator(server.port) as raw:
        raw.send(request_)
        assert raw.receive().login_status == status
        assert raw.closed()


def test_anything_but_a_login_ends_it(server: Server):
    with RawInitiator(server.port) as raw:
        raw.send(Pdu.make(Op.NOP_OUT))
        with pytest.raises(Disconnected):
            raw.receive()


def test_text_in_pieces(server: Server):
    text = keys.pack([("InitiatorName", INITIATOR), ("TargetName", PLAIN), ("MaxBurstLength", "4096")])
    with RawInitiator(server.port) as raw:
        raw.send(_request(text[:30], 0x44))  # C, stage 1
        got = raw.receive()
        assert (got.final, len(got.data)) == (False, 0)
        raw.send(_request(text[30:], 0x87))
        assert ("MaxBurstLength", "4096") in keys.parse(bytes(raw.receive().data))


def test_security_stage_without_chap(server: Server):
    who = [("InitiatorName", INITIATOR), ("TargetName", PLAIN), ("AuthMethod", "CHAP,None")]
    with RawInitiator(server.port) as raw:
        raw.send(_request(keys.pack(who), 0x81))
        got = raw.receive()
        assert got.stages == (0, 1)
        assert ("AuthMethod", "None") in keys.parse(bytes(got.data))
        raw.send(_request(b"", 0x87))
        assert raw.receive().tsih


def test_chap_is_not_negotiated_away(server: Server):
    who = [("InitiatorName", INITIATOR), ("TargetName", "iqn.2026-01.example:chap"), ("AuthMethod", "None")]
    with RawInitiator(server.port) as raw:
        raw.send(_request(keys.pack(who), 0x81))
        assert raw.receive().login_status == 0x0201


def test_reinstatement(server: Server):
    with RawInitiator(server.port) as first, RawInitiator(server.port) as second:
        first.login(PLAIN)
        second.login(PLAIN)
        assert first.closed()
        assert len(server.sessions) == 1


def test_second_connection(server: Server):
    target = "iqn.2026-01.example:two"
    with RawInitiator(server.port) as one, RawInitiator(server.port) as two, RawInitiator(server.port) as three:
        tsih = one.login(target, MaxConnections="2").tsih
        assert two.login(target, tsih=tsih, cid=1).tsih == tsih
        assert three.login(target, tsih=tsih, cid=2).login_status == 0x0206
        assert len(server.sessions[0].connections) == 2
    with RawInitiator(server.port) as again:
        assert again.login(target).login_status == 0


def test_connection_reinstatement(server: Server):
    with RawInitiator(server.port) as one, RawInitiator(server.port) as two:
        tsih = one.login(PLAIN).tsih
        assert two.login(PLAIN, tsih=tsih).tsih == tsih
        assert one.closed()
        assert len(server.sessions) == 1
