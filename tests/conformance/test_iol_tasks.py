# SPDX-License-Identifier: Apache-2.0
"""Row 19: task management (RFC 7143, 4.2.3, 7.11, 11.5, 11.6). What makes the engine use it is a command's timeout."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable

import pytest
from conformance.harness import BLOCK, NO_TAG, Call, Lab, numbered
from lundock.helper.target.pdu import Op, Pdu
from lundock.helper.target.script import Step

MakeLab = Callable[..., Lab]

DATA = b"\x33\xcc" * BLOCK
LUN = 2
_SERIAL = 1 << 32
ABORT_TASK, LOGICAL_UNIT_RESET, TASK_REASSIGN = 1, 5, 8
WRITE_16 = 0x8A
#: A write that waits for its R2T is a task that the target knows, for as long as the script likes.
SETTINGS = {"command_timeout": 20, "immediate_data": False, "initial_r2t": True}


def make(make_lab: MakeLab, **settings: int) -> Lab:
    return make_lab(settings={**SETTINGS, **settings}, disk={"lun": LUN}).up()


def stuck(lab: Lab) -> Call:
    """A write whose first command gets no R2T; returns when the target has it."""
    lab.play.when_sending(Op.R2T, lambda pdu: [], nth=1)
    call = lab.write(0, DATA, lun=LUN)
    lab.await_received(Op.SCSI_COMMAND)
    lab.settle()
    return call


def answering(lab: Lab, response: int) -> None:
    def change(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.response = response
        return [pdu]

    lab.play.when_sending(Op.TASK_RESPONSE, change)


def requests(lab: Lab) -> list[Pdu]:
    return lab.received(Op.TASK_REQUEST)


def test_iol_19_1_cmd_sn_of_task_management(make_lab: MakeLab):
    """4.2.2.1, 11.5: immediate: the current CmdSN, which does not advance."""
    lab = make(make_lab)
    call = stuck(lab)
    command = lab.received(Op.SCSI_COMMAND)[0]
    lab.later(21, lambda: requests(lab))
    request = requests(lab)[0]
    assert request.immediate
    assert request.cmd_sn == (command.cmd_sn + 1) % _SERIAL
    lab.finish(call)
    found = [pdu.cmd_sn for pdu in numbered(lab.received())]
    assert found == [(found[0] + i) % _SERIAL for i in range(len(found))]


def test_iol_19_2_lun_field(make_lab: MakeLab):
    """11.5.3: the LUN of the task, for functions of one task or unit."""
    lab = make(make_lab)
    call = stuck(lab)
    lab.later(21, lambda: requests(lab))
    assert requests(lab)[0].lun == LUN << 48
    lab.finish(call)


def test_iol_19_3_ref_cmd_sn(make_lab: MakeLab):
    """11.5.4, 11.5.5: ABORT TASK names the task's tag and its CmdSN; F, no data, ExpDataSN 0."""
    lab = make(make_lab)
    call = stuck(lab)
    command = lab.received(Op.SCSI_COMMAND)[0]
    lab.later(21, lambda: requests(lab))
    request = requests(lab)[0]
    assert request.flags == 0x80 | ABORT_TASK
    assert (request.ref_tag, request.ref_cmd_sn) == (command.itt, command.cmd_sn)
    assert request.itt not in (command.itt, NO_TAG)
    assert (request.data_length, request.ahs, request.data_sn) == (0, b"", 0)
    lab.finish(call)


def test_aborted_command_is_issued_anew(make_lab: MakeLab):
    """7.11: aborted, never forgotten: after "function complete" a new command, a new tag, a new number."""
    lab = make(make_lab)
    call = stuck(lab)
    lab.later(21, lambda: requests(lab))
    lab.finish(call)
    first, second = lab.received(Op.SCSI_COMMAND)
    assert first.cdb == second.cdb
    assert first.itt != second.itt
    assert first.cmd_sn != second.cmd_sn
    assert lab.sent(Op.TASK_RESPONSE)[0].response == 0
    assert lab.on_disk(0, len(DATA), lun=LUN) == DATA
    assert not lab.logins()
    assert "command-timeout" in lab.host.kinds()


def test_command_that_always_times_out_fails(make_lab: MakeLab):
    """7.11: after some attempts its owner is told."""
    lab = make(make_lab)
    lab.play.when_sending(Op.R2T, lambda pdu: [])
    call = lab.write(0, DATA, lun=LUN)
    for _ in range(40):
        lab.settle()
        if call.over:
            break
        lab.clock.jump(21)
        lab.turn()
    assert lab.errors(call) == [errno.EIO]


@pytest.mark.parametrize("response", [2, 3, 4, 5, 6, 255])
def test_iol_19_abort_that_fails_recovers_the_session(make_lab: MakeLab, response: int):
    """11.6.1: the task's fate is open: what ends it for sure is the end of the session; then it is issued anew."""
    lab = make(make_lab)
    answering(lab, response)
    call = stuck(lab)
    lab.later(21, lambda: requests(lab))
    for _ in range(6):  # escalation may take its own time
        if lab.logins() or call.over:
            break
        lab.clock.jump(16)
        lab.turn()
    lab.finish(call)
    assert lab.logins()
    assert lab.on_disk(0, len(DATA), lun=LUN) == DATA


@pytest.mark.parametrize(("reason", "functions"), [(0x06, [ABORT_TASK] * 2), (0x05, [ABORT_TASK, LOGICAL_UNIT_RESET])])
def test_rejected_abort_is_one_step_of_the_ladder(make_lab: MakeLab, reason: int, functions: list[int]):
    """11.17.1, 7.11: too many immediate requests, sent again; else the unit is reset, the session stays."""
    lab = make(make_lab)

    def reject(pdu: Pdu) -> Pdu | None:
        lab.peer.reject(pdu, reason)
        return None

    lab.play.when_receiving(Op.TASK_REQUEST, reject, nth=1)
    call = stuck(lab)
    lab.later(21, lambda: lab.sent(Op.REJECT))
    lab.settle()
    assert not call.over
    lab.finish_later(call)
    assert [pdu.flags & 0x7F for pdu in requests(lab)] == functions
    assert len({pdu.itt for pdu in requests(lab)}) == 2
    assert lab.on_disk(0, len(DATA), lun=LUN) == DATA
    assert not lab.logins()


def refusing_aborts(lab: Lab) -> None:
    def change(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.response = 5
        return [pdu]

    lab.play.when_sending(Op.TASK_RESPONSE, change, nth=1)


def test_iol_19_4_1_all_tasks_of_the_unit_end_with_its_reset(make_lab: MakeLab):
    """11.5.1, 4.2.3.2: where ABORT TASK is not supported, LOGICAL UNIT RESET; all its tasks are over, and go out again
    in the order of their numbers, with new tags, after a look at the unit; the session goes on.
    """
    lab = make(make_lab)
    refusing_aborts(lab)
    lab.play.when_sending(Op.R2T, lambda pdu: [], nth=1)
    lab.play.when_sending(Op.R2T, lambda pdu: [], nth=2)
    calls = [lab.write(0, DATA, lun=LUN)]
    lab.await_received(Op.SCSI_COMMAND)
    lab.clock.jump(5)
    calls.append(lab.write(0, DATA[::-1], lun=LUN))
    lab.await_received(Op.SCSI_COMMAND, 2)
    lab.later(16, lambda: len(requests(lab)) == 2)
    abort, reset = requests(lab)
    assert abort.flags == 0x80 | ABORT_TASK
    assert (reset.flags, reset.lun, reset.ref_tag, reset.immediate) == (
        0x80 | LOGICAL_UNIT_RESET,
        LUN << 48,
        NO_TAG,
        True,
    )
    lab.finish(*calls)
    commands = [pdu for pdu in lab.received(Op.SCSI_COMMAND) if pdu.cdb[0] == WRITE_16]
    assert len(commands) == 4
    assert len({pdu.itt for pdu in commands}) == 4
    assert lab.on_disk(0, len(DATA), lun=LUN) == DATA[::-1]
    assert not lab.logins()
    assert "unit-reset" in lab.host.kinds()


def test_iol_19_4_2_no_new_tasks_while_a_unit_is_reset(make_lab: MakeLab):
    """4.2.3.3: what is asked for meanwhile goes out after the answer, and after what was there before."""
    lab = make(make_lab)
    refusing_aborts(lab)
    held: list[Pdu] = []

    def keep(pdu: Pdu) -> Iterable[Step]:
        held.append(pdu)
        return lab.unsent(pdu)

    lab.play.when_sending(Op.TASK_RESPONSE, keep, nth=2)
    one = stuck(lab)
    lab.later(21, lambda: held)
    two = lab.write(0, DATA[::-1], lun=LUN)
    lab.settle()
    assert len(lab.received(Op.SCSI_COMMAND)) == 1
    lab.say_again(held[0])
    lab.peer.stat_sn = (held[0].stat_sn + 1) % _SERIAL
    lab.finish(one, two)
    assert lab.on_disk(0, len(DATA), lun=LUN) == DATA[::-1]
    assert not lab.logins()


def test_iol_19_4_3_tasks_are_over_with_the_answer_only(make_lab: MakeLab):
    """4.2.3.3 a, b: until then R2Ts are responded to, and answers are taken."""
    lab = make(make_lab)
    refusing_aborts(lab)
    held: list[Pdu] = []

    def keep(pdu: Pdu) -> Iterable[Step]:
        held.append(pdu)
        return []

    def ignore(pdu: Pdu) -> Pdu | None:
        return None if pdu.flags & 0x7F == LOGICAL_UNIT_RESET else pdu

    lab.play.when_sending(Op.R2T, keep, nth=1)
    lab.play.when_receiving(Op.TASK_REQUEST, ignore)
    call = lab.write(0, DATA, lun=LUN)
    lab.until(lambda: held)
    lab.later(21, lambda: len(requests(lab)) == 2)
    lab.say_again(held[0])
    lab.until(lambda: lab.received(Op.DATA_OUT))
    outs = lab.received(Op.DATA_OUT)
    assert {out.ttt for out in outs} == {held[0].ttt}
    lab.settle()
    assert not call.over
    assert not lab.logins()


def test_abort_of_a_task_that_does_not_exist(make_lab: MakeLab):
    """11.6.1, 1; 7.11: it was answered before: the answer is lost, so that the session is recovered."""
    lab = make_lab(settings={"command_timeout": 20}).up()
    lab.play.when_sending(Op.SCSI_RESPONSE, lab.unsent, nth=1)
    call = lab.write(0, DATA)
    lab.await_received(Op.SCSI_COMMAND)
    lab.later(21, lambda: lab.sent(Op.TASK_RESPONSE))
    assert lab.sent(Op.TASK_RESPONSE)[0].response == 1
    for _ in range(6):
        if lab.logins() or call.over:
            break
        lab.clock.jump(16)
        lab.turn()
    lab.finish(call)


def test_abort_without_answer_recovers_the_session(make_lab: MakeLab):
    """7.11, 7.14: a target that does not answer an abort either."""
    lab = make(make_lab)
    lab.play.when_sending(Op.TASK_RESPONSE, lab.unsent)
    call = stuck(lab)
    lab.later(21, lambda: requests(lab))
    for _ in range(12):
        if lab.logins():
            break
        lab.clock.jump(16)
        lab.turn()
    lab.finish(call)
    assert lab.logins()


def test_answer_that_crosses_the_abort(make_lab: MakeLab):
    """4.2.3.3 b: a response that comes before the task management response is taken as usual."""
    lab = make_lab(settings={"command_timeout": 20}).up()
    held: list[Pdu] = []

    def keep(pdu: Pdu) -> Iterable[Step]:
        held.append(pdu)
        return []

    lab.play.when_sending(Op.SCSI_RESPONSE, keep, nth=1)
    lab.play.when_sending(Op.TASK_RESPONSE, lambda pdu: [held[0], pdu])
    call = lab.write(0, DATA)
    lab.until(lambda: held)
    lab.later(21, lambda: call.over)
    assert call.error == 0
    lab.settle()
    assert len(lab.received(Op.SCSI_COMMAND)) == 1
    assert not lab.logins()


def test_r2t_of_a_task_that_is_being_aborted_is_answered(make_lab: MakeLab):
    """4.2.3.3 a: each TTT is responded to until the task management response."""
    lab = make(make_lab)
    held: list[Pdu] = []

    def keep(pdu: Pdu) -> Iterable[Step]:
        held.append(pdu)
        return []

    lab.play.when_sending(Op.R2T, keep, nth=1)
    lab.play.when_receiving(Op.TASK_REQUEST, lambda pdu: None)
    call = lab.write(0, DATA, lun=LUN)
    lab.until(lambda: held)
    lab.later(21, lambda: requests(lab))
    lab.say_again(held[0])
    lab.finish(call)
    outs = lab.received(Op.DATA_OUT)
    assert sum(len(out.data) for out in outs) == len(DATA)
    assert {out.ttt for out in outs} == {held[0].ttt}


def test_answer_after_the_abort_is_discarded(make_lab: MakeLab):
    """4.2.3.3: after "function complete" the task is over: a late answer belongs to nobody, and ends nothing."""
    lab = make_lab(settings={"command_timeout": 20}).up()
    lab.fill(0, DATA)
    held: list[Pdu] = []

    def keep(pdu: Pdu) -> Iterable[Step]:
        held.append(pdu)
        return lab.unsent(pdu)

    def complete(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.response = 0
        late = held[0].copy()
        late.data, late.stat_sn = b"\xee" * len(late.data), (pdu.stat_sn + 1) % _SERIAL
        lab.peer.stat_sn = (pdu.stat_sn + 2) % _SERIAL
        return [pdu, late]

    lab.play.when_sending(Op.DATA_IN, keep, nth=1)
    lab.play.when_sending(Op.TASK_RESPONSE, complete)
    call = lab.read(0, len(DATA))
    lab.until(lambda: held)
    lab.later(21, lambda: call.over)
    assert call.data == DATA
    assert not lab.logins()


def test_iol_19_5_tasks_are_never_reassigned(make_lab: MakeLab):
    """7.2.2 is for level 2: after a loss there is no TASK REASSIGN; the session is a new one."""
    lab = make(make_lab)
    call = stuck(lab)
    lab.peer.close()
    lab.finish(call)
    assert all(pdu.flags & 0x7F != TASK_REASSIGN for pdu in requests(lab))
    assert lab.logins()[0].tsih == 0
