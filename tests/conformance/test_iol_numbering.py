# SPDX-License-Identifier: Apache-2.0
"""Rows 1 to 5: command numbering, immediate delivery, the window, retries, status numbering (RFC 7143, 4.2.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from conformance.harness import BLOCK, CMD_SN, ISID, Lab, numbered
from lundock.helper.target.pdu import NO_TAG, Op, Pdu

MakeLab = Callable[..., Lab]
_SERIAL = 1 << 32


def closed(session, proposed: int) -> int:
    """MaxCmdSN of a closed window (4.2.2.1): ExpCmdSN - 1."""
    return (session.exp_cmd_sn - 1) % _SERIAL


def drop(pdu: Pdu) -> Iterable[Pdu]:
    return []


def test_iol_1_1_cmd_sn_rises_by_one(make_lab: MakeLab):
    """4.2.2.1: by one for each non-immediate command, from the login's CmdSN on, and past the end of 32 bits."""
    lab = make_lab()
    lab.start()
    lab.until_state("connected")
    found = [pdu.cmd_sn for pdu in numbered(lab.received())]
    assert len(found) > 8, "enough to wrap"
    assert found == [(CMD_SN + i) % _SERIAL for i in range(len(found))]


def test_iol_1_1_commands_go_out_in_the_order_of_their_numbers(make_lab: MakeLab):
    """4.2.2.1: increasing order of CmdSN on the connection, whatever they are."""
    lab = make_lab(settings={"queue_depth": 64}).up()
    calls = [lab.write(8 * i, bytes([i]) * BLOCK) if i % 3 else lab.read(8 * i) for i in range(30)]
    lab.finish(*calls)
    found = [pdu.cmd_sn for pdu in numbered(lab.received())]
    assert found == [(found[0] + i) % _SERIAL for i in range(30)]


def test_iol_2_1_immediate_requests_do_not_advance_cmd_sn(make_lab: MakeLab):
    """4.2.2.1: an immediate request carries the current CmdSN; the next command carries the same number."""
    lab = make_lab().up()
    lab.finish(lab.read(0))
    before = lab.received(Op.SCSI_COMMAND)[-1].cmd_sn
    lab.settle()
    lab.settle()
    lab.finish(lab.read(1))
    answers, after = lab.received(Op.NOP_OUT), lab.received(Op.SCSI_COMMAND)[-1].cmd_sn
    assert [pdu.immediate for pdu in answers] == [True, True]
    assert {pdu.cmd_sn for pdu in answers} == {(before + 1) % _SERIAL}
    assert after == (before + 1) % _SERIAL


def test_iol_2_1_commands_are_not_immediate(make_lab: MakeLab):
    """10.6: what changes the state of a device is sent non-immediate; so is every other command."""
    lab = make_lab()
    lab.start()
    lab.until_state("connected")
    assert lab.received(Op.SCSI_COMMAND)
    assert not any(pdu.immediate for pdu in lab.received(Op.SCSI_COMMAND))


def test_iol_2_2_immediate_task_management_does_not_advance_cmd_sn(make_lab: MakeLab):
    """4.2.2.1: as 2.1, for a task management request."""
    lab = make_lab(settings={"command_timeout": 3, "immediate_data": False, "initial_r2t": True}).up()
    lab.play.when_sending(Op.R2T, drop, nth=1)
    call = lab.write(0, b"w" * BLOCK)
    command = lab.await_received(Op.SCSI_COMMAND)[0]
    lab.later(4, lambda: lab.received(Op.TASK_REQUEST))
    request = lab.received(Op.TASK_REQUEST)[0]
    assert request.immediate
    assert request.cmd_sn == (command.cmd_sn + 1) % _SERIAL
    lab.finish(call)
    again = lab.received(Op.SCSI_COMMAND)[1]
    assert again.cmd_sn == request.cmd_sn


def test_iol_3_1_closed_window_lets_only_immediate_requests_out(make_lab: MakeLab):
    """4.2.2.1: nothing but immediate PDUs goes out until a PDU of the target opens the window."""
    lab = make_lab(target={"queue_depth": 1}).up()
    lab.play.window = closed
    lab.finish(lab.read(0))
    lab.server.wire.clear()
    call = lab.read(2)
    lab.settle()
    lab.settle()
    assert [pdu.op for pdu in lab.received()] == [Op.NOP_OUT, Op.NOP_OUT]
    assert not call.over
    lab.play.window = None
    lab.peer.send_nop_in()
    lab.finish(call)
    assert len(lab.received(Op.SCSI_COMMAND)) == 1


@pytest.mark.parametrize("depth", [8, 40, 1000])
def test_iol_3_2_large_window_is_used(make_lab: MakeLab, depth: int):
    """4.2.2.1: as many commands as the window takes are on their way before the first answer."""
    lab = make_lab(settings={"queue_depth": depth}, target={"queue_depth": depth + 7}).up()
    held: list[Pdu] = []

    def hold(pdu: Pdu) -> Iterable[Pdu]:
        held.append(pdu)
        return [] if len(held) < depth else list(held)

    lab.play.when_sending(Op.DATA_IN, hold)
    lab.finish(*[lab.read(i) for i in range(depth)])
    passed = [(seen.sent, seen.pdu.op) for seen in lab.server.wire]
    assert passed[:depth] == [(False, Op.SCSI_COMMAND)] * depth


def test_iol_3_2_no_command_beyond_the_window(make_lab: MakeLab):
    """4.2.2.1: CmdSN never exceeds MaxCmdSN, when more is asked for than the window takes."""
    lab = make_lab(settings={"queue_depth": 64}, target={"queue_depth": 5}).up()
    lab.finish(*[lab.read(i) for i in range(40)])
    top = None
    for seen in lab.server.wire:
        if seen.sent:
            top = seen.pdu.max_cmd_sn
        elif top is not None:
            assert (top - seen.pdu.cmd_sn) % _SERIAL < 1 << 31
    assert top is not None


def test_iol_3_3_window_of_one_serialises(make_lab: MakeLab):
    """4.2.2.1: MaxCmdSN = ExpCmdSN: each command waits for the answer to the last."""
    lab = make_lab(settings={"queue_depth": 16}, target={"queue_depth": 1}).up()
    lab.finish(*[lab.read(i) for i in range(6)])
    assert [seen.sent for seen in lab.server.wire] == [False, True] * 6


@pytest.mark.parametrize("below", [2, 1 << 30])
def test_window_that_goes_back_is_ignored(make_lab: MakeLab, below: int):
    """4.2.2.1: a MaxCmdSN below ExpCmdSN - 1 is ignored, and ExpCmdSN with it."""
    lab = make_lab(target={"queue_depth": 9}).up()

    def backwards(pdu: Pdu) -> Iterable[Pdu]:
        pdu = pdu.copy()
        pdu.max_cmd_sn = (pdu.exp_cmd_sn - below) % _SERIAL
        return [pdu]

    lab.play.when_sending(Op.DATA_IN, backwards)
    lab.finish(lab.read(0))
    lab.finish(lab.read(1))
    assert len(lab.received(Op.SCSI_COMMAND)) == 2, "the window of the login still holds"


def test_smaller_max_cmd_sn_does_not_shrink_the_window(make_lab: MakeLab):
    """4.2.2.1: a MaxCmdSN that is not greater than the local one is ignored."""
    lab = make_lab(target={"queue_depth": 12}).up()

    def smaller(pdu: Pdu) -> Iterable[Pdu]:
        pdu = pdu.copy()
        pdu.max_cmd_sn = pdu.exp_cmd_sn
        return [pdu]

    lab.play.when_sending(Op.DATA_IN, smaller, nth=1)
    lab.finish(lab.read(0))
    lab.server.wire.clear()
    held: list[Pdu] = []

    def hold(pdu: Pdu) -> Iterable[Pdu]:
        held.append(pdu)
        return [] if len(held) < 5 else list(held)

    lab.play.when_sending(Op.DATA_IN, hold)
    lab.finish(*[lab.read(i) for i in range(5)])
    assert [seen.sent for seen in lab.server.wire][:5] == [False] * 5


def test_exp_cmd_sn_ahead_of_what_was_sent_is_tolerated(make_lab: MakeLab):
    """There are targets that count an immediate request: the session goes on."""
    lab = make_lab().up()

    def ahead(pdu: Pdu) -> Iterable[Pdu]:
        pdu = pdu.copy()
        pdu.exp_cmd_sn = (pdu.exp_cmd_sn + 1) % _SERIAL
        return [pdu]

    lab.play.when_sending(Op.DATA_IN, ahead)
    lab.finish(*[lab.read(i) for i in range(4)])
    lab.settle()
    assert lab.host.states == ["connecting", "connected"]
    found = [pdu.cmd_sn for pdu in numbered(lab.received())]
    assert found == [(found[0] + i) % _SERIAL for i in range(4)]


def test_iol_4_1_nothing_is_retried_on_the_same_connection(make_lab: MakeLab):
    """7.2.1 is for level 1 and above; here a command whose answer is lost is aborted, and its number not used again."""
    lab = make_lab(settings={"command_timeout": 2}).up()
    lab.play.when_sending(Op.DATA_IN, lab.unsent, nth=1)
    call = lab.read(3)
    first = lab.await_received(Op.SCSI_COMMAND)[0]
    lab.later(3, lambda: lab.received(Op.TASK_REQUEST))
    lab.finish(call)
    commands = [pdu for pdu in lab.received(Op.SCSI_COMMAND) if pdu.cdb == first.cdb]
    same = [seen for seen in lab.server.wire if not seen.sent and seen.pdu.op == Op.SCSI_COMMAND]
    assert len(commands) == 2
    assert commands[1].itt != first.itt
    numbers = [(seen.connection, seen.pdu.cmd_sn) for seen in same]
    assert len(set(numbers)) == len(numbers), "each number once on a connection"


def test_iol_5_1_large_gap_of_stat_sn_leads_to_recovery(make_lab: MakeLab):
    """4.2.2.2: beyond a constant of ours below 2**31 the session is recovered; the command is then answered."""
    lab = make_lab().up()
    lab.fill(5, b"5" * BLOCK)

    def jump(pdu: Pdu) -> Iterable[Pdu]:
        pdu = pdu.copy()
        pdu.stat_sn = (pdu.stat_sn + 100_000) % _SERIAL
        return [pdu]

    lab.play.when_sending(Op.DATA_IN, jump, nth=1)
    call = lab.read(5)
    lab.finish(call)
    assert call.data == b"5" * BLOCK
    assert len(lab.logins()) > 0
    assert lab.logins()[0].isid == int.from_bytes(ISID, "big")
    assert lab.logins()[0].tsih == 0, "session reinstatement (6.3.5)"


def test_iol_5_1_small_gap_of_stat_sn_leads_to_recovery(make_lab: MakeLab):
    """7.9: a StatSN that implies missing responses MUST be addressed; at level 0 by recovering the session."""
    lab = make_lab().up()

    def jump(pdu: Pdu) -> Iterable[Pdu]:
        pdu = pdu.copy()
        pdu.stat_sn = (pdu.stat_sn + 3) % _SERIAL
        return [pdu]

    lab.play.when_sending(Op.DATA_IN, jump, nth=1)
    lab.finish(lab.read(5))
    lab.settle()
    assert lab.logins()


def test_exp_stat_sn_acknowledges_each_status(make_lab: MakeLab):
    """4.2.2.2: ExpStatSN is one more than the last StatSN that was received."""
    lab = make_lab().up()
    lab.finish(lab.read(0))
    lab.finish(lab.write(1, b"1" * BLOCK))
    lab.finish(lab.read(2))
    expected = None
    for seen in lab.server.wire:
        if seen.sent:
            expected = (seen.pdu.stat_sn + 1) % _SERIAL
        elif expected is not None:
            assert seen.pdu.exp_stat_sn == expected


def test_tags_are_unique_and_never_the_reserved_one(make_lab: MakeLab):
    """11.2.1.8, 4.2.5.3: Initiator Task Tags of what is outstanding differ, session-wide; ffffffff is no tag."""
    lab = make_lab(settings={"queue_depth": 32}).up()
    lab.finish(*[lab.read(i) for i in range(32)])
    lab.finish(*[lab.write(i, b"x" * BLOCK) for i in range(32)])
    open_tags: set[int] = set()
    for seen in lab.server.wire:
        tag = seen.pdu.itt
        assert tag != NO_TAG
        if not seen.sent and seen.pdu.op == Op.SCSI_COMMAND:
            assert tag not in open_tags
            open_tags.add(tag)
        elif seen.sent:
            open_tags.discard(tag)
    assert not open_tags
