# SPDX-License-Identifier: Apache-2.0
"""Rows 16.4 and 16.5: what is done about a command's status and sense (RFC 7143, 11.4; 10.2; SAM-5, SPC-4)."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable

import pytest
from conformance.harness import BLOCK, Lab
from lundock.helper.target import sense
from lundock.helper.target.pdu import Op, Pdu
from lundock.helper.target.script import Step
from lundock.helper.target.sense import Result, Sense

MakeLab = Callable[..., Lab]

READ_16, WRITE_16 = 0x88, 0x8A
DATA = b"\x5a\xa5" * BLOCK
#: RFC 7143, 11.4.7.2.
CRC_ERROR = Sense(0xB, 0x47, 0x05)
SNACK_REJECTED = Sense(0xB, 0x11, 0x13)
UNEXPECTED_DATA = Sense(0xB, 0x0C, 0x0C)
NOT_ENOUGH_DATA = Sense(0xB, 0x0C, 0x0D)


def fails_once(lab: Lab, result: Result, opcode: int = WRITE_16) -> None:
    lab.play.when_executing(opcode, result, nth=1)


def of_opcode(lab: Lab, opcode: int) -> list[Pdu]:
    return [pdu for pdu in lab.received(Op.SCSI_COMMAND) if pdu.cdb[0] == opcode]


def check_new_command(lab: Lab, opcode: int, *, numbered_anew: bool = True) -> None:
    """Two commands of one meaning: a new tag and a new number each (7.2.1 is for retries, which these are not)."""
    first, second = of_opcode(lab, opcode)
    assert first.cdb == second.cdb
    assert first.itt != second.itt
    assert first.cmd_sn != second.cmd_sn or not numbered_anew  # numbers of another session may be the same


def test_iol_16_4_1_crc_error_is_tried_again(make_lab: MakeLab):
    """11.4.7.2, 0B/47/05: data was damaged on its way to the target: the write is done once more, from the start."""
    lab = make_lab().up()
    fails_once(lab, Result.check(CRC_ERROR))
    lab.finish(lab.write(0, DATA))
    check_new_command(lab, WRITE_16)
    assert lab.on_disk(0, len(DATA)) == DATA
    assert not lab.logins()


def test_iol_16_4_2_snack_rejected_is_a_new_command(make_lab: MakeLab):
    """11.4.7.2, 0B/11/13: a new command, not a retry."""
    lab = make_lab().up()
    lab.fill(0, DATA)
    fails_once(lab, Result.check(SNACK_REJECTED), READ_16)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    check_new_command(lab, READ_16)
    assert call.data == DATA


@pytest.mark.parametrize("found", [UNEXPECTED_DATA, NOT_ENOUGH_DATA])
def test_iol_16_4_3_and_4_wrong_amount_of_unsolicited_data(make_lab: MakeLab, found: Sense):
    """Rows 16.4.3 and 16.4.4: the same would be answered the same: an error, told, and the session goes on."""
    lab = make_lab().up()
    fails_once(lab, Result.check(found))
    assert lab.errors(lab.write(0, DATA)) == [errno.EIO]
    assert len(of_opcode(lab, WRITE_16)) == 1
    assert "protocol-error" in lab.host.kinds()
    lab.finish(lab.write(0, DATA))
    assert not lab.logins()


@pytest.mark.parametrize("status", [0x08, 0x28], ids=["busy", "task-set-full"])
def test_iol_16_4_5_busy_is_issued_again_later(make_lab: MakeLab, status: int):
    """SAM-5, 5.3.1: BUSY and TASK SET FULL: again, after a while, as a new command."""
    lab = make_lab().up()
    for _ in range(3):  # each answers the first that is left to it
        lab.play.when_executing(WRITE_16, Result(status=status), nth=1)
    lab.finish_later(lab.write(0, DATA))
    found = of_opcode(lab, WRITE_16)
    assert len(found) == 4
    assert len({pdu.itt for pdu in found}) == 4
    assert not lab.logins()


def test_iol_16_4_5_busy_is_issued_again_as_soon_as_its_pause_is_over(make_lab: MakeLab):
    """And not when the session is looked after the next time, up to a second later."""
    lab = make_lab(settings={"busy_first_delay": 300}).up()
    fails_once(lab, Result(status=0x08))
    call = lab.write(0, DATA)
    lab.await_sent(Op.SCSI_RESPONSE)
    lab.settle()
    lab.clock.jump(0.301)
    lab.turn(1)
    assert lab.engine is not None
    assert lab.engine.session.next_deadline() is None
    lab.finish(call)


def test_iol_16_4_5_busy_for_ever_ends(make_lab: MakeLab):
    """7.11: nothing is tried beyond the command's time."""
    lab = make_lab(settings={"command_timeout": 200}).up()
    lab.play.when_executing(WRITE_16, Result(status=0x08))
    call = lab.write(0, DATA)
    while not call.over:
        lab.settle()
        lab.clock.jump(20)
    assert call.error == errno.EIO
    assert len(of_opcode(lab, WRITE_16)) > 5


def test_iol_16_4_6_reservation_conflict_reaches_the_caller(make_lab: MakeLab):
    """SAM-5, 5.3.1: as what it is, not tried again."""
    lab = make_lab().up()
    fails_once(lab, Result(status=0x18))
    assert lab.errors(lab.write(0, DATA)) == [errno.EBADE]
    assert len(of_opcode(lab, WRITE_16)) == 1
    assert "reservation-conflict" in lab.host.kinds()


def test_iol_16_5_max_cmd_sn_of_a_scsi_response(make_lab: MakeLab):
    """11.4.11: the response closes the window: what is asked then waits for the next PDU that opens it."""
    lab = make_lab(target={"queue_depth": 1}).up()
    lab.play.window = lambda session, _proposed: (session.exp_cmd_sn - 1) % (1 << 32)
    lab.finish(lab.write(0, DATA))
    response = lab.sent(Op.SCSI_RESPONSE)[0]
    assert response.max_cmd_sn == (response.exp_cmd_sn - 1) % (1 << 32)
    call = lab.write(8, DATA)
    lab.settle()
    assert len(lab.received(Op.SCSI_COMMAND)) == 1
    lab.play.window = None
    lab.peer.send_nop_in()
    lab.finish(call)


def test_sense_comes_with_the_status(make_lab: MakeLab):
    """10.2, 11.4.7: SenseLength and sense data behind it: what the caller is told comes from there."""
    lab = make_lab().up()
    lab.play.when_executing(READ_16, Result.check(Sense(0x3, 0x11, 0x00, 7)), nth=1)
    assert lab.errors(lab.read(7)) == [errno.EIO]
    kinds = dict(lab.host.events)
    assert "medium-error" in kinds
    assert kinds["io-error"]["code"] == "MediumError"
    assert kinds["io-error"]["lba"] == 7


def test_thin_unit_out_of_space(make_lab: MakeLab):
    """SBC-3, 4.7.3.6: DATA PROTECT, SPACE ALLOCATION FAILED: ENOSPC."""
    lab = make_lab().up()
    fails_once(lab, Result.check(Sense(0x7, 0x27, 0x07)))
    assert lab.errors(lab.write(0, DATA)) == [errno.ENOSPC]


def test_write_protected(make_lab: MakeLab):
    lab = make_lab().up()
    fails_once(lab, Result.check(sense.WRITE_PROTECTED))
    assert lab.errors(lab.write(0, DATA)) == [errno.EROFS]


def test_unit_attention_is_told_and_the_command_done(make_lab: MakeLab):
    """11.14.5, 06/47/7F after a session was lost, and others: the command was not executed: again, at once."""
    lab = make_lab().up()
    fails_once(lab, Result.check(Sense(0x6, 0x47, 0x7F)))
    lab.finish(lab.write(0, DATA))
    check_new_command(lab, WRITE_16)
    assert "cleared" in lab.host.kinds()


def test_sense_longer_than_its_length_says_and_response_data_behind(make_lab: MakeLab):
    """11.4.7: SenseLength counts; what lies behind is iSCSI's response data."""
    lab = make_lab().up()

    def longer(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.data = bytes(pdu.data) + b"\x70\0\x06" + bytes(40)
        return [pdu]

    lab.play.when_sending(Op.SCSI_RESPONSE, longer, nth=1)
    fails_once(lab, Result.check(Sense(0x7, 0x27, 0x07)))
    assert lab.errors(lab.write(0, DATA)) == [errno.ENOSPC]


def test_target_failure_leaves_status_without_meaning(make_lab: MakeLab):
    """11.4.3: Response 01: Status and flags are not looked at: GOOD is no success; the command is tried again."""
    lab = make_lab().up()

    def broken(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.response, pdu.status, pdu.flags, pdu.residual = 0x01, 0x00, 0x82, 17
        return [pdu]

    lab.play.when_sending(Op.SCSI_RESPONSE, broken, nth=1)
    lab.finish_later(lab.write(0, DATA))
    check_new_command(lab, WRITE_16)


@pytest.mark.parametrize("response", [0x02, 0x7F])
def test_reserved_response_code(make_lab: MakeLab, response: int):
    """11, 7.7: a reserved code value is a protocol error: the session is recovered, the command issued anew."""
    lab = make_lab().up()

    def reserved(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.response = response
        return [pdu]

    lab.play.when_sending(Op.SCSI_RESPONSE, reserved, nth=1)
    lab.finish(lab.write(0, DATA))
    assert lab.logins()
    check_new_command(lab, WRITE_16, numbered_anew=False)


@pytest.mark.parametrize("opcode", [WRITE_16, READ_16])
def test_check_condition_without_sense(make_lab: MakeLab, opcode: int):
    """7.7: CHECK CONDITION with an empty data segment is a format error; above all it is no success."""
    lab = make_lab().up()
    lab.play.when_executing(opcode, Result(status=2), nth=1)
    call = lab.write(0, DATA) if opcode == WRITE_16 else lab.read(0, len(DATA))
    lab.errors(call)
    assert call.error or lab.logins(), "taken for success"


def test_check_condition_without_sense_recovers_the_session(make_lab: MakeLab):
    """7.7: the example of a format error: the connections are closed, the session recovered."""
    lab = make_lab().up()
    lab.play.when_executing(WRITE_16, Result(status=2), nth=1)
    lab.finish(lab.write(0, DATA))
    assert lab.logins()
