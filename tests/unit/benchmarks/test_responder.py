# SPDX-License-Identifier: Apache-2.0
"""The compiled target: with real initiators, and PDU by PDU where no initiator would say such a thing."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lundock.helper.engine import client
from lundock.helper.target.pdu import NO_TAG, Op, Pdu
from support import need, procs
from support.raw import RawInitiator

Start = Callable[..., Any]
NAME = "iqn.2026-01.io.github.lundock:responder"
MIB = 1 << 20
TEST_UNIT_READY = bytes(16)


def read16(block: int, blocks: int) -> bytes:
    return struct.pack(">BBQIBB", 0x88, 0, block, blocks, 0, 0)


def write16(block: int, blocks: int) -> bytes:
    return struct.pack(">BBQIBB", 0x8A, 0, block, blocks, 0, 0)


def sense_of(response: Pdu) -> tuple[int, int]:
    """Key and additional code, from fixed format behind its length (11.4.7.2)."""
    data = bytes(response.data)
    return data[2 + 2] & 15, data[2 + 12]


def perf(url: str, **words: Any) -> dict[str, Any]:
    options = [word for key, value in words.items() for word in (f"--{key}", value)]
    printed = procs.run(Path(sys.executable).parent / "lundock-iscsi", "perf", url, "--json", "--seconds=0.1", *options)
    found: dict[str, Any] = json.loads(printed)
    return found


# -- real initiators -------------------------------------------------------------------------------------------------


def test_libiscsi_and_we_see_the_same_disk(start_responder: Start):
    one = start_responder("--size", str(64 * MIB), "--luns", "2", "--targets", "2")
    listed = procs.run(need.program("iscsi-ls"), "-s", f"iscsi://127.0.0.1:{one.port}")
    assert f"Target:{NAME} " in listed
    assert f"Target:{NAME}.1 " in listed
    assert listed.count("DIRECT_ACCESS") == 4
    inquiry = procs.run(need.program("iscsi-inq"), one.url)
    assert "Vendor:LUNDOCK" in inquiry
    assert re.search(r"Total size:67108864", procs.run(need.program("iscsi-readcapacity16"), one.url))
    names = {target.name for target in client.discover(f"iscsi://127.0.0.1:{one.port}")}
    assert names == {NAME, f"{NAME}.1"}
    luns = client.scan(one.url)
    assert [(lun.number, lun.size, lun.problem) for lun in luns] == [(0, 64 * MIB, ""), (1, 64 * MIB, "")]
    assert luns[0].serial != luns[1].serial


@pytest.mark.parametrize(
    "options",
    [(), ("--initial-r2t", "--no-immediate", "--max-burst", "70000", "--max-receive", "9000"), ("--block", "4096")],
    ids=["large", "asked-for", "4k"],
)
def test_what_qemu_writes_is_read_back(start_responder: Start, tmp_path: Path, options: tuple[str, ...]):
    need.qemu_iscsi()
    qemu = need.program("qemu-img")
    image = tmp_path / "image"
    image.write_bytes(os.urandom(16 * MIB))
    one = start_responder("--ram", "--size", str(16 * MIB), *options)
    procs.run(qemu, "convert", "-n", "-f", "raw", "-O", "raw", image, one.url)
    assert "identical" in procs.run(qemu, "compare", "-f", "raw", "-F", "raw", image, one.url)


def test_without_a_disk_reads_give_the_same_each_time(start_responder: Start):
    one = start_responder()
    with RawInitiator(one.port) as raw:
        raw.login(NAME)
        raw.command(read16(0, 8), read=4096)
        first = bytes(raw.receive().data)
        raw.command(write16(0, 8), data=bytes(4096))
        assert raw.receive().status == 0
        raw.command(read16(800, 8), read=4096)
        assert bytes(raw.receive().data) == first
        assert len(set(first)) > 200


@pytest.mark.parametrize("query", ["", "?header_digest=crc32c", "?header_digest=crc32c&data_digest=crc32c"])
@pytest.mark.parametrize("write", [False, True])
def test_our_engine_works_with_it(start_responder: Start, query: str, write: bool):
    one = start_responder()
    for size, depth in ((4096, 64), (MIB, 4)):
        assert perf(one.url + query, rw="write" if write else "read", pattern="sequential", size=size, depth=depth)[
            "ios"
        ]


def test_the_program_on_libiscsi_says_what_ours_says(start_responder: Start, tmp_path: Path):
    if not Path("/usr/include/iscsi/iscsi.h").exists():
        need.missing("libiscsi-dev", "libiscsi's header is not there")
    program = tmp_path / "async_rw"
    source = Path(__file__).parents[3] / "benchmarks" / "libiscsi" / "async_rw.c"
    procs.run(need.program("cc"), "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, source, "-liscsi")
    one = start_responder()
    ours = perf(one.url, rw="write", pattern="random", size=8192, depth=3)
    words = ["--rw", "write", "--pattern", "random", "--size", "8192", "--depth", "3", "--seconds", "0.1"]
    for more in ([], ["--header-digest"]):
        theirs = json.loads(procs.run(program, *words, *more, one.url))
        assert theirs.keys() == ours.keys()
        assert {key: theirs[key] for key in ("rw", "pattern", "size", "depth")} == {
            key: ours[key] for key in ("rw", "pattern", "size", "depth")
        }
        assert theirs["ios"]
        assert 0 < theirs["p50_us"] <= theirs["p99_us"]
    refused = procs.try_run(program, *words, one.url.replace("responder", "nobody"))
    assert refused.returncode == 1
    assert "login" in refused.stderr


# -- PDU by PDU ------------------------------------------------------------------------------------------------------


def test_it_ends_with_its_standard_input_and_by_a_signal(start_responder: Start):
    one, other = start_responder(), start_responder()
    assert one.process.stdin is not None
    with RawInitiator(one.port) as raw:
        raw.login(NAME)
        one.process.stdin.close()
        one.process.stdin = None
        assert one.process.wait(procs.PATIENCE) == 0
    other.process.send_signal(signal.SIGTERM)
    assert other.process.wait(procs.PATIENCE) == 0


@pytest.mark.parametrize(
    ("change", "status"),
    [({"TargetName": "iqn.2026-01.org.example:other"}, 0x0203), ({"SessionType": "Normal", "TargetName": NAME}, 0)],
)
def test_login_status(start_responder: Start, change: dict[str, str], status: int):
    with RawInitiator(start_responder().port) as raw:
        response = raw.login(NAME, **change)
        assert response.login_status == status
        if status:
            assert raw.closed()
        else:
            assert response.tsih


def test_negotiation_takes_the_smaller_and_the_stricter(start_responder: Start):
    one = start_responder("--max-burst", "100000", "--first-burst", "50000", "--initial-r2t", "--no-digests")
    with RawInitiator(one.port) as raw:
        answer = raw.login(NAME, HeaderDigest="CRC32C,None", MaxConnections="4", NoSuchKey="1")
        text = bytes(answer.data).decode().split("\0")
    for pair in (
        "HeaderDigest=None", "MaxBurstLength=100000", "FirstBurstLength=50000", "InitialR2T=Yes", "ImmediateData=Yes",
        "MaxOutstandingR2T=4", "MaxConnections=1", "NoSuchKey=NotUnderstood", "TargetPortalGroupTag=1",
        "MaxRecvDataSegmentLength=262144",
    ):  # fmt: skip
        assert pair in text


def test_a_long_read_comes_in_bursts(start_responder: Start):
    """F ends a sequence of MaxBurstLength, status comes with the last PDU (11.7.1, 11.7.3)."""
    with RawInitiator(start_responder("--ram", "--size", str(4 * MIB)).port) as raw:
        raw.login(NAME, MaxRecvDataSegmentLength="8192", MaxBurstLength="20000")
        raw.command(read16(0, 128), read=65536)
        found = []
        while not found or not found[-1].flags & 1:
            found.append(raw.receive())
        assert [len(p.data) for p in found] == [8192, 8192, 3616] * 3 + [5536]
        assert [p.final for p in found] == [False, False, True] * 3 + [True]
        assert [p.data_sn for p in found] == list(range(10))
        assert [p.offset for p in found][:4] == [0, 8192, 16384, 20000]


def test_residuals(start_responder: Start):
    with RawInitiator(start_responder().port) as raw:
        raw.login(NAME)
        raw.command(read16(0, 8), read=8192)
        under = raw.receive()
        assert (len(under.data), under.flags & 6, under.residual) == (4096, 2, 4096)
        raw.command(read16(0, 8), read=1024)
        over = raw.receive()
        assert (len(over.data), over.flags & 6, over.residual) == (1024, 4, 3072)


@pytest.mark.parametrize(
    ("cdb", "lun", "sense"),
    [
        (read16(131072, 1), 0, (5, 0x21)),
        (read16(2**64 - 1, 2), 0, (5, 0x21)),
        (read16(0, 2**32 - 1), 0, (5, 0x24)),
        (read16(0, 1), 7, (5, 0x25)),
        (TEST_UNIT_READY, 7, (5, 0x25)),
        (bytes([0x42]) + bytes(15), 0, (5, 0x20)),
    ],
)
def test_what_it_refuses(start_responder: Start, cdb: bytes, lun: int, sense: tuple[int, int]):
    with RawInitiator(start_responder("--ram", "--size", str(64 * MIB)).port) as raw:
        raw.login(NAME)
        raw.command(cdb, lun=lun, read=512)
        response = raw.receive()
        assert response.status == 2
        assert sense_of(response) == sense


def test_a_refused_write_swallows_its_data(start_responder: Start):
    with RawInitiator(start_responder().port) as raw:
        raw.login(NAME)
        raw.command(write16(2**40, 8), data=bytes(4096))
        assert sense_of(raw.receive()) == (5, 0x21)
        raw.command(TEST_UNIT_READY)
        assert raw.receive().status == 0


def test_a_write_that_is_asked_for(start_responder: Start):
    """R2T as far as MaxOutstandingR2T goes, data in its order, then the status (11.8)."""
    data = os.urandom(8192)
    with RawInitiator(start_responder("--ram", "--size", str(MIB)).port) as raw:
        raw.login(NAME, MaxBurstLength="2048", MaxOutstandingR2T="2", FirstBurstLength="1024")
        sent = raw.command(write16(3, 16), data=data[:1024], write=8192)
        got, waiting = 1024, [raw.receive(), raw.receive()]
        while waiting:
            r2t = waiting.pop(0)
            assert (r2t.bhs[0], r2t.offset, r2t.itt) == (Op.R2T, got, sent.itt)
            length = int.from_bytes(r2t.bhs[44:48], "big")
            out = Pdu.make(Op.DATA_OUT, data[got : got + length], itt=sent.itt, ttt=r2t.ttt, offset=got)
            out.flags = 0x80
            raw.send(out)
            got += length
            if got + sum(int.from_bytes(r.bhs[44:48], "big") for r in waiting) < 8192:
                waiting.append(raw.receive())
        assert raw.receive().status == 0
        raw.command(read16(3, 16), read=8192)
        assert b"".join(bytes(raw.receive().data) for _ in range(4)) == data


def test_nop_text_logout_and_the_unknown(start_responder: Start):
    with RawInitiator(start_responder().port) as raw:
        raw.login(NAME)
        raw.numbered(Op.NOP_OUT, b"ping", ttt=NO_TAG, final=True)
        answer = raw.receive()
        assert (answer.bhs[0], bytes(answer.data)) == (Op.NOP_IN, b"ping")
        raw.numbered(Op.SNACK, final=True)
        assert raw.receive().bhs[0] == Op.REJECT
        raw.numbered(Op.TASK_REQUEST, flags=0x85)
        assert (answer := raw.receive()).bhs[0] == Op.TASK_RESPONSE
        assert answer.response == 0
        raw.numbered(Op.LOGOUT_REQUEST, flags=0x80)
        assert raw.receive().bhs[0] == Op.LOGOUT_RESPONSE
        assert raw.closed()


def _wrong_cmd_sn(raw: RawInitiator) -> None:
    raw.cmd_sn += 1
    raw.command(TEST_UNIT_READY)


def _data_out_for_nothing(raw: RawInitiator) -> None:
    raw.send(Pdu.make(Op.DATA_OUT, b"1234", itt=77, ttt=NO_TAG))


def _too_long(raw: RawInitiator) -> None:
    out = Pdu.make(Op.NOP_OUT, b"", itt=1, ttt=NO_TAG)
    out.keep_lengths = True
    out.data_length = 0xFFFFFF
    raw.send(out)


def _no_login_first(raw: RawInitiator) -> None:
    raw.send(Pdu.make(Op.NOP_OUT, b"", itt=1, ttt=NO_TAG))


def _nonsense(raw: RawInitiator) -> None:
    raw.sock.sendall(b"GET / HTTP/1.1\r\nHost: example.org\r\nAccept: everything\r\n\r\n")


@pytest.mark.parametrize(
    ("say", "login"),
    [
        (_wrong_cmd_sn, True),
        (_data_out_for_nothing, True),
        (_too_long, True),
        (_no_login_first, False),
        (_nonsense, False),
    ],
)
def test_it_hangs_up_on_what_breaks_the_rules(start_responder: Start, say: Callable[..., None], login: bool):
    one = start_responder()
    with RawInitiator(one.port) as raw, RawInitiator(one.port) as other:
        other.login(NAME)
        if login:
            raw.login(NAME, InitiatorName="iqn.2026-01.org.example:rude")
        say(raw)
        assert raw.closed()
        other.command(TEST_UNIT_READY)  # others do not notice
        assert other.receive().status == 0


def test_a_wrong_digest_ends_the_connection(start_responder: Start):
    with RawInitiator(start_responder().port) as raw:
        raw.login(NAME, HeaderDigest="CRC32C", DataDigest="CRC32C")
        raw.header_digest = raw.data_digest = True
        raw.command(write16(0, 8), data=bytes(range(256)) * 16)
        assert raw.receive().status == 0
        out = Pdu.make(Op.SCSI_COMMAND, bytes(512), itt=9, edtl=512, cmd_sn=raw.cmd_sn)
        out.flags = 0xA0
        out.bhs[32:48] = write16(0, 1)
        packed = bytearray(out.pack(header_digest=True, data_digest=True))
        packed[-1] ^= 1
        raw.sock.sendall(packed)
        assert raw.closed()


def test_who_does_not_read_costs_a_bounded_amount(start_responder: Start):
    one = start_responder()
    with RawInitiator(one.port) as greedy, RawInitiator(one.port) as other:
        greedy.login(NAME)
        other.login(NAME, InitiatorName="iqn.2026-01.org.example:patient")
        before = _resident(one)
        for _ in range(100):
            greedy.command(read16(0, 32768), read=16 * MIB)
        for _ in range(20):
            other.command(TEST_UNIT_READY)
            assert other.receive().status == 0
        assert _resident(one) - before < 8 * MIB


def _resident(one: Any) -> int:
    status = Path(f"/proc/{one.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def test_a_login_takes_the_place_of_the_same_session(start_responder: Start):
    """6.3.5: the same name and ISID."""
    one = start_responder()
    with RawInitiator(one.port) as first, RawInitiator(one.port) as second:
        first.login(NAME)
        assert second.login(NAME).login_status == 0
        assert first.closed()
        second.command(TEST_UNIT_READY)
        assert second.receive().status == 0
