# SPDX-License-Identifier: Apache-2.0
"""That a script's misbehaviour really goes out on the wire."""

import time
from collections.abc import Iterator

import pytest
from lundock.helper.target import pdu as pdus
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.pdu import Op, Pdu
from lundock.helper.target.script import Close, Cut, Pieces, Raw, Rules, Script, Send, Wait
from lundock.helper.target.sense import TASK_SET_FULL, Result
from lundock.helper.target.server import Server
from support.raw import RawInitiator

NAME = "iqn.2026-01.example:disk"
READY = bytes(6)


def _server(script: Script) -> Server:
    target = TargetConfig(NAME, (DiskConfig(size=1 << 20),), first_attention=False)
    return Server(ServerConfig((target,)), script=script, record=True)


@pytest.fixture
def rules() -> Rules:
    return Rules()


@pytest.fixture
def raw(rules: Rules) -> Iterator[RawInitiator]:
    with _server(rules) as server, RawInitiator(server.port) as made:
        made.login(NAME)
        made.server = server  # type: ignore[attr-defined]
        yield made


def test_drop_and_duplicate(rules: Rules, raw: RawInitiator):
    rules.when_sending(Op.SCSI_RESPONSE, lambda pdu: [], nth=1)
    rules.when_sending(Op.SCSI_RESPONSE, lambda pdu: [pdu, pdu], nth=2)
    raw.command(READY)
    raw.command(READY)
    assert [raw.receive().itt, raw.receive().itt] == [2, 2]


def test_alter_delay_and_raw_bytes(rules: Rules, raw: RawInitiator):
    def later(pdu: Pdu):
        changed = pdu.copy()
        changed.status = 0x08
        return [Wait(0.05), changed, Raw(Pdu.make(Op.NOP_IN, itt=0xFFFFFFFF).pack())]

    rules.when_sending(Op.SCSI_RESPONSE, later)
    begin = time.monotonic()
    raw.command(READY)
    assert raw.receive().status == 0x08
    assert time.monotonic() - begin >= 0.05
    assert raw.receive().op == Op.NOP_IN


def test_hold_and_reorder(rules: Rules, raw: RawInitiator):
    held: list[Pdu] = []

    def hold(pdu: Pdu):
        held.append(pdu)
        return [] if len(held) < 2 else reversed(held)

    rules.when_sending(Op.SCSI_RESPONSE, hold)
    raw.command(READY)
    raw.command(READY)
    assert [raw.receive().itt, raw.receive().itt] == [2, 1]


@pytest.mark.parametrize("reset", [False, True])
def test_close_instead(rules: Rules, raw: RawInitiator, reset: bool):
    rules.when_sending(Op.SCSI_RESPONSE, lambda pdu: [Close(reset=reset)])
    raw.command(READY)
    if reset:
        with pytest.raises(ConnectionResetError):
            raw.sock.recv(1)
    else:
        assert raw.sock.recv(1) == b""


def test_cut_in_the_middle(rules: Rules, raw: RawInitiator):
    rules.when_sending(Op.SCSI_RESPONSE, lambda pdu: [Cut(pdu, 10)])
    raw.command(READY)
    got = b""
    while piece := raw.sock.recv(100):
        got += piece
    assert len(got) == 10


def test_cut_after_so_many_bytes(raw: RawInitiator):
    raw.server.connections[0].cut_after(48 + 7)  # type: ignore[attr-defined]
    raw.command(READY)
    raw.command(READY)
    assert raw.receive().op == Op.SCSI_RESPONSE
    with pytest.raises(pdus.Disconnected):
        raw.receive()


def test_lost_on_arrival(rules: Rules, raw: RawInitiator):
    rules.when_receiving(Op.NOP_OUT, lambda pdu: None)
    raw.send(Pdu.make(Op.NOP_OUT, itt=5, immediate=True))
    raw.command(READY)
    assert raw.receive().op == Op.SCSI_RESPONSE


def test_results_of_ones_own(rules: Rules, raw: RawInitiator):
    rules.when_executing(0x00, Result(TASK_SET_FULL), nth=1)
    raw.command(READY)
    raw.command(READY)
    assert [raw.receive().status, raw.receive().status] == [TASK_SET_FULL, 0]


def test_wrong_digests(rules: Rules):
    rules.when_sending(Op.NOP_IN, lambda pdu: [Send(pdu, bad_data=True)])
    with _server(rules) as server, RawInitiator(server.port) as raw:
        raw.login(NAME, HeaderDigest="CRC32C", DataDigest="CRC32C")
        raw.header_digest = raw.data_digest = True
        server.connections[0].send_nop_in(data=b"data")
        with pytest.raises(pdus.BadDigest):
            raw.receive()


def test_async_messages(raw: RawInitiator):
    raw.server.connections[0].send_async(1, parameters=(0, 0, 9))  # type: ignore[attr-defined]
    got = raw.receive()
    assert (got.op, got.async_event, got.parameter3) == (Op.ASYNC, 1, 9)


class Backwards(Script):
    """R2Ts and Data-In from the end to the beginning, and a window of one."""

    def plan_r2t(self, connection: object, pieces: Pieces) -> Pieces:
        return [(offset + half, length // 2) for offset, length in pieces for half in (length // 2, 0)]

    def plan_data_in(self, connection: object, pieces: Pieces) -> Pieces:
        return list(reversed(pieces))

    def max_cmd_sn(self, session: object, proposed: int) -> int:
        return proposed - 127


def test_plans_and_window():
    with _server(Backwards()) as server, RawInitiator(server.port) as raw:
        raw.login(NAME, ImmediateData="No", InitialR2T="Yes", MaxRecvDataSegmentLength="512")
        sent = raw.command(bytes([0x2A, 0, 0, 0, 0, 0, 0, 0, 2, 0]), write=1024)
        asked = [raw.receive(), raw.receive()]
        assert [pdu.offset for pdu in asked] == [512, 0]
        for pdu, letter in zip(asked, (b"b", b"a"), strict=True):
            raw.send(Pdu.make(Op.DATA_OUT, letter * 512, itt=sent.itt, ttt=pdu.ttt, offset=pdu.offset))
        done = raw.receive()
        assert done.max_cmd_sn == done.exp_cmd_sn
        raw.command(bytes([0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0]), read=1024)
        got = [raw.receive(), raw.receive()]
        assert [(pdu.offset, bytes(pdu.data[:1])) for pdu in got] == [(512, b"b"), (0, b"a")]


def test_the_record(raw: RawInitiator):
    raw.command(READY)
    raw.receive()
    wire = raw.server.wire  # type: ignore[attr-defined]
    assert wire.wait(lambda seen: seen.sent(Op.SCSI_RESPONSE))
    assert [pdu.op for pdu in wire.received()] == [Op.LOGIN_REQUEST, Op.SCSI_COMMAND]
    wire.clear()
    assert not list(wire)
