# SPDX-License-Identifier: Apache-2.0
"""Full feature phase over a real socket (RFC 7143, 11.3 to 11.19)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lundock.helper.target import keys
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.pdu import NO_TAG, Op, Pdu
from lundock.helper.target.server import Server
from support import procs
from support.raw import RawInitiator

NAME = "iqn.2026-01.example:disk"
READ_64K = bytes([0x28, 0, 0, 0, 0, 0, 0, 0, 128, 0])
WRITE_64K = bytes([0x2A, 0, 0, 0, 0, 0, 0, 0, 128, 0])
READY = bytes(6)


def _server(**target: object) -> Server:
    config = TargetConfig(NAME, (DiskConfig(size=8 << 20),), first_attention=False, **target)  # type: ignore[arg-type]
    return Server(ServerConfig((config,)), record=True)


@pytest.fixture
def server() -> Iterator[Server]:
    with _server() as made:
        yield made


@pytest.fixture
def raw(server: Server) -> Iterator[RawInitiator]:
    with RawInitiator(server.port) as made:
        assert made.login(NAME).login_status == 0
        yield made


def test_read_is_cut_at_the_segment_and_carries_the_status(server: Server, raw: RawInitiator):
    server.units(NAME)[0].disk.write(0, bytes(range(256)) * 256)
    sent = raw.command(bytes([0x28, 0, 0, 0, 0, 0, 0, 1, 0, 0]), read=131072)  # 256 blocks: two segments of 65536
    one, two = raw.receive(), raw.receive()
    assert (one.op, one.itt, one.data_sn, one.offset, len(one.data)) == (Op.DATA_IN, sent.itt, 0, 0, 65536)
    assert (two.data_sn, two.offset, two.final, two.flags & 1, two.status) == (1, 65536, True, 1, 0)
    assert bytes(one.data) == bytes(range(256)) * 256
    assert two.exp_cmd_sn == sent.cmd_sn + 1
    assert two.max_cmd_sn == sent.cmd_sn + 128


def test_write_with_r2t(server: Server, raw: RawInitiator):
    sent = raw.command(WRITE_64K, data=b"i" * 512, write=65536)
    asked = raw.receive()
    assert (asked.op, asked.r2t_sn, asked.offset, asked.desired, asked.itt) == (Op.R2T, 0, 512, 65024, sent.itt)
    for number, offset in enumerate(range(512, 65536, 32512)):
        out = Pdu.make(Op.DATA_OUT, b"s" * 32512, itt=sent.itt, ttt=asked.ttt, data_sn=number, offset=offset)
        out.final = offset + 32512 == 65536
        raw.send(out)
    done = raw.receive()
    assert (done.op, done.status, done.residual) == (Op.SCSI_RESPONSE, 0, 0)
    assert done.stat_sn == asked.stat_sn  # an R2T tells the next StatSN and does not take it
    assert server.units(NAME)[0].disk.read(0, 65536) == b"i" * 512 + b"s" * 65024


def test_unsolicited_data(server: Server, raw: RawInitiator):
    out = Pdu.make(Op.SCSI_COMMAND, b"a" * 512, itt=1, edtl=1024, cmd_sn=1)
    out.flags = 0x20  # W, not F: more unsolicited data comes
    out.bhs[32:42] = bytes([0x2A, 0, 0, 0, 0, 0, 0, 0, 2, 0])
    raw.send(out)
    raw.send(Pdu.make(Op.DATA_OUT, b"b" * 512, itt=1, ttt=NO_TAG, offset=512))
    assert raw.receive().status == 0
    assert server.units(NAME)[0].disk.read(0, 1024) == b"a" * 512 + b"b" * 512


def test_more_unsolicited_data_than_agreed():
    with _server(parameters={"FirstBurstLength": "512"}) as server, RawInitiator(server.port) as raw:
        raw.login(NAME)
        raw.command(WRITE_64K, data=bytes(1024), write=65536)
        got = raw.receive()
        assert (got.status, bytes(got.data[4:5])[0] & 15, bytes(got.data[14:16])) == (2, 0xB, b"\x0c\x0d")


def test_immediate_data_against_the_agreement():
    with _server(parameters={"ImmediateData": "No"}) as server, RawInitiator(server.port) as raw:
        raw.login(NAME)
        raw.command(WRITE_64K, data=bytes(512), write=65536)
        assert bytes(raw.receive().data[14:16]) == b"\x0c\x0c"


def test_commands_wait_for_their_turn(raw: RawInitiator):
    second = Pdu.make(Op.SCSI_COMMAND, itt=2, cmd_sn=2)
    first = Pdu.make(Op.SCSI_COMMAND, itt=1, cmd_sn=1)
    raw.send(second)
    raw.send(first)
    assert [raw.receive().itt, raw.receive().itt] == [1, 2]


def test_outside_of_the_window_is_ignored(raw: RawInitiator):
    raw.send(Pdu.make(Op.SCSI_COMMAND, itt=9, cmd_sn=1 + 128))
    raw.command(READY)
    assert raw.receive().itt == 1


def test_ping_and_pong(server: Server, raw: RawInitiator):
    raw.numbered(Op.NOP_OUT, b"are you there", ttt=NO_TAG)
    got = raw.receive()
    assert (got.op, bytes(got.data), got.ttt) == (Op.NOP_IN, b"are you there", NO_TAG)
    server.connections[0].send_nop_in(ttt=77, lun=1 << 48)
    asked = raw.receive()
    assert (asked.itt, asked.ttt, asked.stat_sn) == (NO_TAG, 77, got.stat_sn + 1)


def test_logout_closes(server: Server, raw: RawInitiator):
    raw.numbered(Op.LOGOUT_REQUEST)
    got = raw.receive()
    assert (got.op, got.response) == (Op.LOGOUT_RESPONSE, 0)
    assert raw.closed()
    procs.wait_for("the session's end", lambda: not server.sessions)


def test_task_management(raw: RawInitiator):
    write = raw.command(WRITE_64K, write=65536)
    asked = raw.receive()
    raw.numbered(Op.TASK_REQUEST, flags=0x81, ref_tag=write.itt)
    assert (raw.receive().response, asked.op) == (0, Op.R2T)
    raw.numbered(Op.TASK_REQUEST, flags=0x81, ref_tag=write.itt)
    assert raw.receive().response == 1  # it is gone
    raw.numbered(Op.TASK_REQUEST, flags=0x85)
    assert raw.receive().response == 0
    raw.command(READY)
    assert bytes(raw.receive().data[14:16]) == b"\x29\x03"
    raw.numbered(Op.TASK_REQUEST, flags=0x88)
    assert raw.receive().response == 5


def test_residuals(raw: RawInitiator):
    raw.command(READ_64K, read=65536 + 100)
    got = raw.receive()
    assert (len(got.data), got.flags & 0x06, got.residual) == (65536, 0x02, 100)
    raw.command(READ_64K, read=1024)
    got = raw.receive()
    assert (len(got.data), got.flags & 0x06, got.residual) == (1024, 0x04, 65536 - 1024)


def test_a_write_of_less_than_its_cdb_says_is_written_to_its_last_byte(raw: RawInitiator, server: Server):
    """11.4.5.1: the residual counts what was not transferred; so all that was must be there."""
    raw.command(WRITE_64K, data=b"a" * 700)
    got = raw.receive()
    assert (got.op, got.status, got.flags & 0x06, got.residual) == (Op.SCSI_RESPONSE, 0, 0x04, 65536 - 700)
    assert server.units(NAME)[0].disk.read(0, 1024) == b"a" * 700 + bytes(324)
    raw.command(WRITE_64K, data=b"b" * 100, write=65536 + 512)  # more than its CDB says: 512 bytes are not asked for
    asked = raw.receive()
    assert (asked.op, asked.offset, asked.desired) == (Op.R2T, 100, 65536 - 100)


def test_a_list_that_is_cut_short_is_refused(raw: RawInitiator, server: Server):
    server.units(NAME)[0].disk.write(0, b"x" * 1024)
    write_same = bytes([0x41, 0, 0, 0, 0, 0, 0, 0, 2, 0])
    unmap = bytes([0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0])
    verify = bytes([0x2F, 0x02, 0, 0, 0, 0, 0, 0, 2, 0])
    for cdb, size, whole in ((write_same, 100, 512), (write_same, 0, 512), (unmap, 10, 24), (verify, 600, 1024)):
        raw.command(cdb, data=b"x" * size)
        got = raw.receive()
        assert (bytes(got.data[4:5]), bytes(got.data[14:16])) == (b"\x05", b"\x0e\x03")
        assert (got.flags & 0x06, got.residual) == (0x04, whole - size)
    assert server.units(NAME)[0].disk.read(0, 1024) == b"x" * 1024


def test_rejects(raw: RawInitiator):
    raw.send(Pdu.make(0x1C))
    got = raw.receive()
    assert (got.op, got.reason, len(got.data)) == (Op.REJECT, 5, 48)
    raw.send(Pdu.make(Op.DATA_OUT, itt=1234))  # of no task: dropped
    raw.command(READY)
    assert raw.receive().op == Op.SCSI_RESPONSE


def test_discovery_over_several_pdus():
    targets = tuple(TargetConfig(f"iqn.2026-01.example:{'t' * 100}.{n}") for n in range(40))
    with Server(ServerConfig(targets), record=True) as server, RawInitiator(server.port) as raw:
        raw.login(None, MaxRecvDataSegmentLength="512")
        got = raw.text(SendTargets="All")
        text, pdus = bytes(got.data), 1
        while not got.final:
            assert got.go_on
            assert len(got.data) <= 512
            raw.numbered(Op.TEXT_REQUEST, ttt=got.ttt)
            got = raw.receive()
            text += bytes(got.data)
            pdus += 1
        pairs = keys.parse(text)
        assert pdus > 10
        assert [value for key, value in pairs if key == "TargetName"] == [target.name for target in targets]
        assert {value for key, value in pairs if key == "TargetAddress"} == {f"{server.address},1"}


def test_discovery_sessions_do_nothing_else(server: Server):
    with RawInitiator(server.port) as raw:
        raw.login(None)
        raw.command(READY)
        assert raw.receive().op == Op.REJECT


def test_send_targets_in_a_normal_session(raw: RawInitiator):
    assert keys.parse(bytes(raw.text(SendTargets="").data))[0] == ("TargetName", NAME)
    assert keys.parse(bytes(raw.text(SendTargets="All").data)) == [("SendTargets", "Reject")]


def test_digests():
    with _server() as server, RawInitiator(server.port) as raw:
        raw.login(NAME, HeaderDigest="CRC32C", DataDigest="CRC32C")
        raw.header_digest = raw.data_digest = True
        raw.command(READ_64K, read=65536)
        assert len(raw.receive().data) == 65536
        raw.data_digest = False
        out = raw.command(WRITE_64K, data=bytes(512), write=65536)
        raw.sock.sendall(b"\0\0\0\0")  # where the digest belongs
        raw.data_digest = True
        got = raw.receive()
        assert (got.op, got.reason) == (Op.REJECT, 2)
        assert bytes(got.data)[16:20] == out.bhs[16:20]


def test_stop_and_start_keep_port_and_contents(server: Server, raw: RawInitiator):
    port = server.port
    server.units(NAME)[0].disk.write(0, b"kept")
    server.stop(reset=True)
    assert raw.closed()
    server.start()
    with RawInitiator(port) as again:
        again.login(NAME)
        again.command(READ_64K, read=4)
        assert bytes(again.receive().data) == b"kept"


def test_disks_come_and_go(server: Server, raw: RawInitiator):
    server.add_disk(NAME, DiskConfig(size=1 << 20, lun=5))
    raw.command(READY)
    assert bytes(raw.receive().data[14:16]) == b"\x3f\x0e"
    raw.command(bytes([0x25, *[0] * 9]), lun=5, read=8)
    assert len(raw.receive().data) == 8
    server.remove_disk(NAME, 5)
    raw.command(READY, lun=5)
    assert bytes(raw.receive().data[14:16]) == b"\x25\x00"


def test_disk_on_a_file(tmp_path: Path):
    file = tmp_path / "disk"
    file.write_bytes(b"f" * (1 << 20))
    config = TargetConfig(NAME, (DiskConfig(file=file),), first_attention=False)
    with Server(ServerConfig((config,))) as server, RawInitiator(server.port) as raw:
        raw.login(NAME)
        raw.command(WRITE_64K, data=b"n" * 65536)
        assert raw.receive().status == 0
    assert file.read_bytes()[65535:65537] == b"nf"
