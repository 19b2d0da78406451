# SPDX-License-Identifier: Apache-2.0
"""Headers of responses against the pictures of RFC 7143, chapter 11."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.api.errors import Problem
from lundock.helper.engine import pdu
from support.pdus import target_pdu

LUN = 0x0123456789ABCDEF
ITT, TTT, CMD, STAT = 0x11223344, 0x55667788, 0xA1A2A3A4, 0xB1B2B3B4


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
