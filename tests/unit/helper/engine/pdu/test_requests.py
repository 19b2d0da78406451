# SPDX-License-Identifier: Apache-2.0
"""Headers of requests byte by byte against the pictures of RFC 7143, chapter 11."""

from __future__ import annotations

import pytest
from lundock.helper.engine import pdu

LUN = 0x0123456789ABCDEF
ITT, TTT, CMD, STAT = 0x11223344, 0x55667788, 0xA1A2A3A4, 0xB1B2B3B4


def words(header: bytes) -> list[int]:
    return [int.from_bytes(header[at : at + 4], "big") for at in range(0, 48, 4)]


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
    stays = pdu.login_request(isid=bytes(6), tsih=0, itt=0, cid=0, cmd_sn=0, exp_stat_sn=0, stage=1)
    assert stays[1] == 1 << 2


def test_snack() -> None:
    """11.16."""
    header = pdu.snack_request(2, lun=LUN, tag=TTT, exp_stat_sn=STAT, begin=3, count=0)
    assert header[:4] == bytes((0x10, 0x82, 0, 0))
    assert words(header)[1:] == [0, 0x01234567, 0x89ABCDEF, 0xFFFFFFFF, TTT, 0, STAT, 0, 0, 3, 0]
