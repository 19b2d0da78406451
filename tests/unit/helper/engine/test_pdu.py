# SPDX-License-Identifier: Apache-2.0
"""PDU headers byte by byte against the pictures of RFC 7143, chapter 11; serial numbers against RFC 1982."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.api.errors import Problem
from lundock.helper.engine import pdu
from support.pdus import target_pdu

LUN = 0x0123456789ABCDEF
ITT, TTT, CMD, STAT = 0x11223344, 0x55667788, 0xA1A2A3A4, 0xB1B2B3B4


def words(header: bytes) -> list[int]:
    return [int.from_bytes(header[at : at + 4], "big") for at in range(0, 48, 4)]


def test_opcodes() -> None:
    """11.2.1.2."""
    assert {op.value for op in pdu.Opcode} == {
        *(0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10),
        *(0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3F),
    }


def test_scsi_command() -> None:
    """11.3."""
    cdb = bytes(range(0x80, 0x90))
    header = pdu.scsi_command(
        lun=LUN,
        itt=ITT,
        cdb=cdb,
        expected_length=0x1000,
        cmd_sn=CMD,
        exp_stat_sn=STAT,
        flags=pdu.FINAL | pdu.WRITE,
        data_length=0x123,
    )
    assert header[:4] == bytes((0x01, 0x80 | 0x20 | 1, 0, 0))
    assert words(header)[1:8] == [0x123, 0x01234567, 0x89ABCDEF, ITT, 0x1000, CMD, STAT]
    assert header[32:] == cdb


def test_immediate_read_with_a_short_cdb() -> None:
    header = pdu.scsi_command(
        lun=0,
        itt=1,
        cdb=b"\x12\0\0\0\x24\0",
        expected_length=36,
        cmd_sn=2,
        exp_stat_sn=3,
        flags=pdu.FINAL | pdu.READ,
        attribute=pdu.Attribute.HEAD_OF_QUEUE,
        immediate=True,
    )
    assert header[:2] == bytes((0x41, 0x80 | 0x40 | 3))
    assert header[32:] == b"\x12\0\0\0\x24\0" + bytes(10)


@pytest.mark.parametrize("final", [True, False])
def test_data_out(*, final: bool) -> None:
    """11.7."""
    header = pdu.data_out(
        lun=LUN, itt=ITT, ttt=TTT, exp_stat_sn=STAT, data_sn=7, offset=0x2000, data_length=0x1FFF, final=final
    )
    assert header[:4] == bytes((0x05, 0x80 if final else 0, 0, 0))
    assert words(header)[1:] == [0x1FFF, 0x01234567, 0x89ABCDEF, ITT, TTT, 0, STAT, 0, 7, 0x2000, 0]


def test_unsolicited_data_out() -> None:
    """11.7.4: the reserved tag when no R2T is honoured."""
    header = pdu.data_out(lun=0, itt=1, exp_stat_sn=0, data_sn=0, offset=0, data_length=0, final=True)
    assert words(header)[5] == 0xFFFFFFFF


def test_nop_out() -> None:
    """11.18."""
    header = pdu.nop_out(ttt=TTT, lun=LUN, cmd_sn=CMD, exp_stat_sn=STAT)
    assert header[:4] == bytes((0x40, 0x80, 0, 0))
    assert words(header)[1:] == [0, 0x01234567, 0x89ABCDEF, 0xFFFFFFFF, TTT, CMD, STAT, 0, 0, 0, 0]
    header = pdu.nop_out(itt=ITT, cmd_sn=CMD, exp_stat_sn=STAT, immediate=False, data_length=4)
    assert header[0] == 0x00
    assert words(header)[1:6] == [4, 0, 0, ITT, 0xFFFFFFFF]


@pytest.mark.parametrize(
    ("options", "flags"),
    [({}, 0x80), ({"more": True}, 0x40), ({"final": False}, 0x00), ({"more": True, "final": True}, 0x40)],
)
def test_text_request(options: dict[str, bool], flags: int) -> None:
    """11.10; C 1 has F 0."""
    header = pdu.text_request(itt=ITT, ttt=TTT, lun=LUN, cmd_sn=CMD, exp_stat_sn=STAT, data_length=9, **options)  # type: ignore[arg-type]
    assert header[:4] == bytes((0x04, flags, 0, 0))
    assert words(header)[1:] == [9, 0x01234567, 0x89ABCDEF, ITT, TTT, CMD, STAT, 0, 0, 0, 0]


def test_task_management() -> None:
    """11.5."""
    header = pdu.task_management(
        pdu.Function.ABORT_TASK, lun=LUN, itt=ITT, referenced=TTT, cmd_sn=CMD, ref_cmd_sn=5, exp_stat_sn=STAT
    )
    assert header[:4] == bytes((0x42, 0x81, 0, 0))
    assert words(header)[1:] == [0, 0x01234567, 0x89ABCDEF, ITT, TTT, CMD, STAT, 5, 0, 0, 0]
    header = pdu.task_management(pdu.Function.LOGICAL_UNIT_RESET, lun=0, itt=1, cmd_sn=2, exp_stat_sn=3)
    assert (header[1], words(header)[5]) == (0x85, 0xFFFFFFFF)


def test_logout() -> None:
    """11.14."""
    header = pdu.logout_request(pdu.LogoutReason.CLOSE_CONNECTION, itt=ITT, cid=0x0102, cmd_sn=CMD, exp_stat_sn=STAT)
    assert header[:4] == bytes((0x46, 0x81, 0, 0))
    assert words(header)[1:] == [0, 0, 0, ITT, 0x01020000, CMD, STAT, 0, 0, 0, 0]


def test_login() -> None:
    """11.12."""
    header = pdu.login_request(
        isid=b"\x80abcde",
        tsih=0x0708,
        itt=ITT,
        cid=0x090A,
        cmd_sn=CMD,
        exp_stat_sn=STAT,
        stage=1,
        next_stage=3,
        data_length=0x10,
    )
    assert header[:4] == bytes((0x43, 0x80 | 1 << 2 | 3, 0, 0))
    assert header[8:16] == b"\x80abcde\x07\x08"
    assert words(header)[4:] == [ITT, 0x090A0000, CMD, STAT, 0, 0, 0, 0]
    more = pdu.login_request(
        isid=bytes(6), tsih=0, itt=0, cid=0, cmd_sn=0, exp_stat_sn=0, stage=1, next_stage=3, more=True
    )
    assert more[1] == 0x40 | 1 << 2  # 11.12.2: C 1 has T 0


def test_snack() -> None:
    """11.16."""
    header = pdu.snack_request(2, lun=LUN, tag=TTT, exp_stat_sn=STAT, begin=3, count=0)
    assert header[:4] == bytes((0x10, 0x82, 0, 0))
    assert words(header)[1:] == [0, 0x01234567, 0x89ABCDEF, 0xFFFFFFFF, TTT, 0, STAT, 0, 0, 3, 0]


# ---- responses ---------------------------------------------------------------------------------------------------

COMMON = {"w16": ITT, "w24": STAT, "w28": CMD, "w32": CMD + 9}


def parsed(opcode: int, **fields: int) -> pdu.AnyResponse:
    found = pdu.parse(target_pdu(opcode, **(COMMON | fields))[:48])  # type: ignore[arg-type]
    assert (found.opcode, found.itt, found.stat_sn) == (opcode, ITT, STAT)
    assert (found.exp_cmd_sn, found.max_cmd_sn) == (CMD, CMD + 9)
    return found


def test_scsi_response() -> None:
    """11.4."""
    found = parsed(0x21, b1=0x82, b2=1, b3=0x28, w20=6, w36=4, w40=5, w44=512)
    assert isinstance(found, pdu.ScsiResponse)
    assert (found.response, found.status, found.exp_data_sn, found.bidi_residual, found.residual) == (
        1,
        0x28,
        4,
        5,
        512,
    )
    assert found.flags & pdu.UNDERFLOW
    assert not found.flags & pdu.OVERFLOW
    assert found.ttt == 6


def test_data_in() -> None:
    """11.7."""
    found = parsed(0x25, b1=0xC1, b3=0x08, w8=LUN, w20=TTT, w36=2, w40=0x3000, w44=7)
    assert isinstance(found, pdu.DataIn)
    assert (found.lun, found.ttt, found.status, found.data_sn) == (LUN, TTT, 8, 2)
    assert (found.offset, found.residual, found.final) == (0x3000, 7, True)
    assert found.flags & pdu.ACKNOWLEDGE
    assert found.flags & pdu.STATUS


def test_r2t() -> None:
    """11.8."""
    found = parsed(0x31, w8=LUN, w20=TTT, w36=1, w40=0x4000, w44=0x8000)
    assert isinstance(found, pdu.R2t)
    assert (found.lun, found.ttt, found.r2t_sn, found.offset, found.desired_length) == (LUN, TTT, 1, 0x4000, 0x8000)


def test_login_response() -> None:
    """11.13."""
    found = parsed(0x23, b1=0xC7, b2=3, b3=2, w8=int.from_bytes(b"\x80abcde\x07\x08", "big"), w36=0x020A0000)
    assert isinstance(found, pdu.LoginResponse)
    assert (found.transit, found.more, found.stage, found.next_stage) == (True, True, 1, 3)
    assert (found.version_max, found.version_active, found.status_class, found.status_detail) == (3, 2, 2, 0x0A)
    assert (found.isid, found.tsih) == (b"\x80abcde", 0x0708)


def test_text_response() -> None:
    """11.11."""
    found = parsed(0x24, b1=0x40, w8=LUN, w20=TTT)
    assert isinstance(found, pdu.TextResponse)
    assert (found.final, found.more, found.lun, found.ttt) == (False, True, LUN, TTT)


def test_rare_responses() -> None:
    """11.6, 11.15, 11.9, 11.17, 11.19."""
    tmf = parsed(0x22, b2=255)
    assert isinstance(tmf, pdu.TaskManagementResponse)
    assert tmf.response == pdu.FunctionResponse.REJECTED
    logout = parsed(0x26, b2=2, w40=0x00050014)
    assert isinstance(logout, pdu.LogoutResponse)
    assert (logout.response, logout.time2wait, logout.time2retain) == (2, 5, 20)
    event = parsed(0x32, w36=0x01020003, w40=0x00040005)
    assert isinstance(event, pdu.AsyncMessage)
    assert (event.event, event.vendor_code) == (1, 2)
    assert (event.parameter1, event.parameter2, event.parameter3) == (3, 4, 5)
    reject = parsed(0x3F, b2=4, w36=6)
    assert isinstance(reject, pdu.Reject)
    assert (reject.reason, reject.data_sn) == (4, 6)
    nop = parsed(0x20, w20=TTT)
    assert isinstance(nop, pdu.NopIn)
    assert nop.ttt == TTT


def test_lengths_and_reserved_bits() -> None:
    """11.2.1.5, 11.2.1.6; reserved bits of byte 0 are ignored (11)."""
    header = bytearray(target_pdu(0x20, data=bytes(5))[:48])
    header[0] |= 0xC0
    header[4] = 3
    found = pdu.parse(header)
    assert (found.opcode, found.ahs_length, found.data_length) == (0x20, 12, 5)


@given(st.binary(min_size=48, max_size=48))
def test_any_header(header: bytes) -> None:
    if header[0] & 0x3F not in {op.value for op in pdu.Opcode if op.value >= 0x20}:
        with pytest.raises(Problem):
            pdu.parse(header)
        return
    found = pdu.parse(header)
    assert found.opcode == header[0] & 0x3F
    assert found.data_length == int.from_bytes(header[5:8], "big")


# ---- sense, padding, serial numbers ------------------------------------------------------------------------------


def test_split_sense() -> None:
    """11.4.7."""
    assert pdu.split_sense(b"") == (b"", b"")
    assert pdu.split_sense(b"\0\3abcdef") == (b"abc", b"def")
    assert pdu.split_sense(b"\0\0xy") == (b"", b"xy")


@pytest.mark.parametrize("data", [b"\0", b"\0\1", b"\xff\xffabc"])
def test_split_sense_too_short(data: bytes) -> None:
    with pytest.raises(Problem) as caught:
        pdu.split_sense(data)
    assert caught.value.code == "ProtocolError"


@given(st.integers(0, 1 << 24))
def test_padding(length: int) -> None:
    """11.2: to whole words, 0 to 3 bytes of zeros."""
    assert pdu.padded(length) == length + len(pdu.padding(length))
    assert pdu.padded(length) % 4 == 0
    assert len(pdu.padding(length)) < 4
    assert not any(pdu.padding(length))


SERIAL = [
    # RFC 1982, 3.2: i1 < i2
    (0, 1, True),
    (1, 0, False),
    (0xFFFFFFFF, 0, True),
    (0, 0xFFFFFFFF, False),
    (0, 0x7FFFFFFF, True),
    (0, 0x80000001, False),
    (5, 5, False),
    (0, 0x80000000, False),  # left open by the RFC: neither way
    (0x80000000, 0, False),
]


@pytest.mark.parametrize(("a", "b", "less"), SERIAL)
def test_serial_numbers(a: int, b: int, *, less: bool) -> None:
    assert pdu.sn_lt(a, b) is less
    assert pdu.sn_le(a, b) is (less or a == b)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**31 - 1))
def test_serial_distance(start: int, step: int) -> None:
    later = pdu.sn_add(start, step)
    assert pdu.sn_diff(later, start) == step
    assert pdu.sn_diff(start, later) == -step
    assert pdu.sn_lt(start, later)
    assert not pdu.sn_lt(later, start)
