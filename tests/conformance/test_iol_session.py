# SPDX-License-Identifier: Apache-2.0
"""Rows 7, 14, 15, 17 and 20: loss and recovery, logout, NOPs, async messages; rejects (7, 11.9, 11.14 to 11.19)."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable

import pytest
from conformance.harness import BLOCK, ISID, NO_TAG, Lab
from lundock.helper.target.commands import bad_digest
from lundock.helper.target.pdu import Op, Pdu
from lundock.helper.target.script import Close, Cut, Raw, Step

MakeLab = Callable[..., Lab]

DATA = b"\x17\x71" * BLOCK
_SERIAL = 1 << 32
_ISID = int.from_bytes(ISID, "big")
LUN = 5 << 48
#: A write waits for an R2T, which has no StatSN of its own: holding one leaves no gap.
SOLICITED = {"immediate_data": False, "initial_r2t": True}


def ops(lab: Lab, *, sent: bool) -> list[int]:
    return [seen.pdu.op for seen in lab.server.wire if seen.sent is sent]


def pings(lab: Lab) -> list[Pdu]:
    return [pdu for pdu in lab.received(Op.NOP_OUT) if pdu.itt != NO_TAG]


def hold(pdu: Pdu) -> Iterable[Step]:
    return []


# -- 7: loss -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
def test_iol_7_1_dropped_connection_is_recovered_as_a_session(make_lab: MakeLab, reset: bool):
    """7.14 c, 6.3.5: level 2's logout "for recovery" and TASK REASSIGN are not used: a new session of the same ISID."""
    lab = make_lab().up()
    lab.play.when_sending(Op.SCSI_RESPONSE, lambda pdu: [Close(reset=reset)], nth=1)
    call = lab.write(0, DATA)
    lab.finish(call)
    first, again = (pdu for pdu in lab.received(Op.SCSI_COMMAND) if pdu.cdb[0] == 0x8A)
    assert first.cdb == again.cdb
    login = lab.logins()[0]
    assert (login.isid, login.tsih) == (_ISID, 0)
    assert not lab.received(Op.LOGOUT_REQUEST)
    assert not lab.received(Op.TASK_REQUEST)
    lab.until(lambda: lab.host.states[-2:] == ["lost", "connected"])
    assert lab.on_disk(0, len(DATA)) == DATA


@pytest.mark.parametrize("at", [1, 47, 48, 49, 48 + BLOCK - 1])
def test_connection_that_ends_within_a_pdu(make_lab: MakeLab, at: int):
    """7.14: nothing of a PDU that did not come whole is used."""
    lab = make_lab().up()
    lab.fill(0, DATA[:BLOCK])
    lab.play.when_sending(Op.DATA_IN, lambda pdu: [Cut(pdu, at, reset=bool(at % 2))], nth=1)
    call = lab.read(0)
    lab.finish(call)
    assert call.data == DATA[:BLOCK]


def test_everything_unanswered_is_sent_again_in_order(make_lab: MakeLab):
    """7.15: all outstanding commands are issued anew; no later write overtakes an earlier one to the same blocks."""
    lab = make_lab(settings={"queue_depth": 16}).up()
    lab.play.when_sending(Op.SCSI_RESPONSE, lambda pdu: [Close()], nth=2)
    calls = [lab.write(0, bytes([i]) * BLOCK) for i in range(6)]
    lab.finish(*calls)
    here = max(seen.connection for seen in lab.server.wire)
    passed = [seen.pdu for seen in lab.server.wire if seen.connection == here and not seen.sent]
    again = [pdu for pdu in passed if pdu.op == Op.SCSI_COMMAND and pdu.cdb[0] == 0x8A]
    assert [bytes(pdu.data)[:1] for pdu in again] == [bytes([i]) for i in range(1, 6)]
    assert lab.on_disk(0, BLOCK) == bytes([5]) * BLOCK


def test_time2wait_before_the_next_attempt(make_lab: MakeLab):
    """7.5.1, 13.15: after a dropped connection at least DefaultTime2Wait, the larger of 7 and 30 seconds, goes by."""
    lab = make_lab(settings={"default_time2wait": 7}, parameters={"DefaultTime2Wait": "30"}).up()
    assert lab.host.agreed["DefaultTime2Wait"] == 30
    asked = len(lab.host.asked)
    lab.peer.close()
    lab.until_state("lost")
    lab.clock.jump(25)
    lab.turn()
    assert len(lab.host.asked) == asked
    lab.later(6, lambda: len(lab.host.asked) > asked)
    lab.until_state("connected")


def test_sessions_that_break_at_once_are_not_made_without_end(make_lab: MakeLab):
    """7.15: a target that logs us in and closes at the first command is not asked hundreds of times a second."""
    lab = make_lab().up()

    def close(pdu: Pdu) -> Pdu | None:
        lab.peer.close()
        return None

    lab.play.when_receiving(Op.SCSI_COMMAND, close)
    lab.write(0, DATA)
    lab.until_state("lost")
    before = len(lab.host.asked)
    lab.turn(100)
    assert len(lab.host.asked) - before < 10
    done: list[object] = []
    lab.engine.logout(done.append)
    assert done == [None], "nobody waits for the back-off"


def test_unknown_opcode(make_lab: MakeLab):
    """11.2.1.2, 7.7: an opcode that no target has: the connection is closed, the session recovered."""
    lab = make_lab().up()
    lab.play.when_sending(Op.SCSI_RESPONSE, lambda pdu: [Raw(Pdu.make(0x2F, itt=pdu.itt).pack()), pdu], nth=1)
    lab.finish(lab.write(0, DATA))
    assert lab.logins()


def test_opcode_of_an_initiator(make_lab: MakeLab):
    """11.2.1.2: nor one that only an initiator sends."""
    lab = make_lab().up()
    lab.play.when_sending(Op.SCSI_RESPONSE, lambda pdu: [Raw(Pdu.make(Op.SCSI_COMMAND).pack()), pdu], nth=1)
    lab.finish(lab.write(0, DATA))
    assert lab.logins()


@pytest.mark.parametrize("op", [Op.TEXT_RESPONSE, Op.LOGIN_RESPONSE, Op.TASK_RESPONSE, Op.LOGOUT_RESPONSE])
def test_answers_to_what_was_not_asked(make_lab: MakeLab, op: int):
    """4.2.5.3: an answer without its request; a login response after the login (6.3)."""
    lab = make_lab().up()
    lab.play.when_sending(Op.SCSI_RESPONSE, lambda pdu: [Pdu.make(op, itt=0x1234, stat_sn=pdu.stat_sn), pdu], nth=1)
    lab.finish(lab.write(0, DATA))
    assert lab.logins()


# -- 14, 20: async messages -----------------------------------------------------------------------------------------
def test_iol_14_1_logout_after_async_event_1(make_lab: MakeLab):
    """11.9.1, 1: logout, of the connection or the session (it is the only one), nothing before it; then back again."""
    lab = make_lab().up()
    lab.peer.send_async(1, parameters=(0, 0, 9))
    logout = lab.await_received(Op.LOGOUT_REQUEST)[0]
    assert logout.flags & 0x7F in (0, 1)
    after = [seen.pdu.op for seen in lab.server.wire if not seen.sent]
    assert after[0] == Op.LOGOUT_REQUEST
    lab.until(lambda: lab.host.states[-2:] == ["lost", "connected"])


def test_times_of_a_logout_response_are_ignored(make_lab: MakeLab):
    """11.15.3, 11.15.4: below level 2, after a logout that went well."""
    lab = make_lab().up()

    def later(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.time2wait, pdu.time2retain = 3000, 3600
        return [pdu]

    lab.play.when_sending(Op.LOGOUT_RESPONSE, later)
    lab.peer.send_async(1, parameters=(0, 0, 9))
    lab.until(lambda: lab.host.states[-2:] == ["lost", "connected"])


def test_iol_20_1_no_new_commands_after_the_target_asked_for_logout(make_lab: MakeLab):
    """11.9.1, 1: what is on its way may end; what is asked for meanwhile waits for the next session."""
    lab = make_lab(settings=SOLICITED).up()
    held: list[Pdu] = []

    def keep(pdu: Pdu) -> Iterable[Step]:
        held.append(pdu)
        return []

    lab.play.when_sending(Op.R2T, keep, nth=1)
    one = lab.write(0, DATA)
    lab.until(lambda: held)
    lab.peer.send_async(1, parameters=(0, 0, 20))
    lab.settle()
    two = lab.write(8, DATA)
    lab.settle()
    assert [pdu.op for pdu in lab.received() if pdu.op != Op.NOP_OUT] == [Op.SCSI_COMMAND]
    lab.say_again(held[0])
    lab.finish(one, two)
    wire = [pdu for pdu in lab.received() if pdu.op in (Op.SCSI_COMMAND, Op.LOGOUT_REQUEST, Op.LOGIN_REQUEST)]
    assert [pdu.op for pdu in wire[:3]] == [Op.SCSI_COMMAND, Op.LOGOUT_REQUEST, Op.LOGIN_REQUEST]


def test_iol_20_1_logout_within_parameter3(make_lab: MakeLab):
    """11.9.1, 1: MUST log out no later than Parameter3 seconds, though a command is still on its way."""
    lab = make_lab(settings=SOLICITED).up()
    lab.play.when_sending(Op.R2T, hold, nth=1)
    call = lab.write(0, DATA)
    lab.await_received(Op.SCSI_COMMAND)
    lab.peer.send_async(1, parameters=(0, 0, 2))
    lab.settle()
    assert not lab.received(Op.LOGOUT_REQUEST)
    lab.clock.jump(2)
    lab.await_received(Op.LOGOUT_REQUEST)
    lab.finish(call)
    kinds = [pdu.op for pdu in lab.received() if pdu.op in (Op.SCSI_COMMAND, Op.LOGOUT_REQUEST, Op.LOGIN_REQUEST)]
    assert kinds[:3] == [Op.SCSI_COMMAND, Op.LOGOUT_REQUEST, Op.LOGIN_REQUEST]
    assert lab.on_disk(0, len(DATA)) == DATA


def test_logout_at_once_where_parameter3_is_0(make_lab: MakeLab):
    """11.9.1, 1: no time at all, though a command is still on its way."""
    lab = make_lab(settings=SOLICITED).up()
    lab.play.when_sending(Op.R2T, hold, nth=1)
    call = lab.write(0, DATA)
    lab.await_received(Op.SCSI_COMMAND)
    lab.peer.send_async(1, parameters=(0, 0, 0))
    lab.await_received(Op.LOGOUT_REQUEST)
    lab.finish(call)


@pytest.mark.parametrize("event", [2, 3])
def test_iol_20_2_and_3_target_drops_the_connection(make_lab: MakeLab, event: int):
    """Rows 20.2 and 20.3; 11.9.1: at once without logout; back after Time2Wait (Parameter2), not before."""
    lab = make_lab().up()
    asked = len(lab.host.asked)
    lab.peer.send_async(event, parameters=(0, 40, 60))
    lab.until_state("lost")
    lab.clock.jump(35)
    lab.turn()
    assert len(lab.host.asked) == asked
    lab.later(6, lambda: len(lab.host.asked) > asked)
    lab.until_state("connected")
    assert not lab.received(Op.LOGOUT_REQUEST)
    assert lab.logins()[0].isid == _ISID


def test_iol_20_4_target_asks_for_negotiation(make_lab: MakeLab):
    """11.9.1, 4: a Text Request, or a logout, within Parameter3."""
    lab = make_lab().up()
    lab.peer.send_async(4, parameters=(0, 0, 9))
    lab.until(lambda: lab.received(Op.LOGOUT_REQUEST) or lab.received(Op.TEXT_REQUEST))
    lab.finish(lab.write(0, DATA))


def test_async_event_0_carries_sense(make_lab: MakeLab):
    """11.9.1, 0: a SCSI asynchronous event, its sense data behind SenseLength; told; StatSN acknowledged."""
    lab = make_lab().up()
    found = bytes.fromhex("700006000000000a") + bytes(4) + b"\x3f\x0e" + bytes(4)
    lab.peer.send_async(0, data=len(found).to_bytes(2, "big") + found)
    lab.until(lambda: "luns-changed" in lab.host.kinds())
    stat_sn = lab.sent(Op.ASYNC)[0].stat_sn
    lab.settle()
    assert lab.received(Op.NOP_OUT)[-1].exp_stat_sn == (stat_sn + 1) % _SERIAL


@pytest.mark.parametrize("event", [5, 6, 0x80, 248, 255])
def test_async_events_that_mean_nothing_here(make_lab: MakeLab, event: int):
    """11.9.1: 5 is FastAbort's, which is not negotiated; 248 to 255 are vendors': the session goes on."""
    lab = make_lab().up()
    lab.peer.send_async(event, code=0x4D, parameters=(1, 2, 3), data=b"\0\0abc")
    lab.settle()
    lab.finish(lab.write(0, DATA))
    assert not lab.logins()


# -- 15: NOPs ------------------------------------------------------------------------------------------------------
def test_iol_15_1_ping_of_the_target_is_answered(make_lab: MakeLab):
    """11.18: TTT and LUN copied, ITT ffffffff, immediate, F, CmdSN not advanced."""
    lab = make_lab(disk={"lun": 5}).up()
    lab.peer.send_nop_in(ttt=0x0ABC, lun=LUN)
    answer = lab.await_received(Op.NOP_OUT)[0]
    assert answer.bhs[0] == 0x40
    assert answer.flags == 0x80
    assert (answer.ttt, answer.lun, answer.itt) == (0x0ABC, LUN, NO_TAG)
    lab.finish(lab.read(0, lun=5))
    assert lab.received(Op.SCSI_COMMAND)[0].cmd_sn == answer.cmd_sn


def test_iol_15_1_ping_with_data_is_answered_without(make_lab: MakeLab):
    """11.18.3, 11.19: the target's data need not be returned; ours has no data in an answer."""
    lab = make_lab().up()
    lab.peer.send_nop_in(ttt=0x0ABD, data=b"x" * 333)
    answer = lab.await_received(Op.NOP_OUT)[0]
    assert answer.ttt == 0x0ABD
    assert len(answer.data) <= 333


def test_iol_15_2_ping_of_an_idle_target(make_lab: MakeLab):
    """11.18: ITT valid, TTT ffffffff; ping data of ours, another each time; the answer is taken."""
    lab = make_lab(settings={"ping_interval": 30, "ping_timeout": 20}).up()
    lab.later(31, lambda: lab.received(Op.NOP_OUT))
    ping = lab.received(Op.NOP_OUT)[0]
    assert ping.itt != NO_TAG
    assert ping.ttt == NO_TAG
    assert ping.flags == 0x80
    assert ping.data
    lab.await_sent(Op.NOP_IN)
    assert bytes(lab.sent(Op.NOP_IN)[0].data) == bytes(ping.data)
    lab.settle()
    lab.finish(lab.read(0))
    lab.later(31, lambda: len(pings(lab)) == 2)
    assert bytes(pings(lab)[1].data) != bytes(ping.data)
    lab.settle()
    assert not lab.logins()


@pytest.mark.parametrize(
    ("change", "good"),
    [(lambda data: data[:5], True), (lambda data: b"", True), (lambda data: data[:-1] + b"?", False),
     (lambda data: data + b"?", False)],
)  # fmt: skip
def test_iol_15_2_data_of_a_ping_is_compared(make_lab: MakeLab, change: Callable[[bytes], bytes], good: bool):
    """11.19: the target duplicates it, as far as its own MaxRecvDataSegmentLength goes; other data is damage."""
    lab = make_lab(settings={"ping_interval": 30, "ping_timeout": 20}).up()

    def changed(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.data = change(bytes(pdu.data))
        return [pdu]

    lab.play.when_sending(Op.NOP_IN, changed, nth=1)
    lab.later(31, lambda: lab.sent(Op.NOP_IN))
    lab.finish(lab.read(0))
    assert bool(lab.logins()) is not good


def test_iol_15_2_ping_without_answer_ends_the_connection(make_lab: MakeLab):
    """7.14: a failing ping: the connection is given up, the session recovered."""
    lab = make_lab(settings={"ping_interval": 30, "ping_timeout": 20}).up()
    lab.play.when_sending(Op.NOP_IN, lab.unsent)
    lab.later(31, lambda: lab.received(Op.NOP_OUT))
    lab.later(21, lambda: lab.host.states[-2:] == ["lost", "connected"])
    assert lab.host.problems[-1].code == "Timeout"


def test_any_pdu_counts_as_a_sign_of_life(make_lab: MakeLab):
    """7.14: a busy link is not killed because the ping's own answer is late."""
    lab = make_lab(settings={"ping_interval": 30, "ping_timeout": 20}).up()
    lab.play.when_sending(Op.NOP_IN, lab.unsent)
    lab.later(31, lambda: lab.received(Op.NOP_OUT))
    for _ in range(4):
        lab.clock.jump(15)
        lab.finish(lab.read(0))
    assert not lab.logins()


def test_iol_15_3_exp_stat_sn_is_confirmed(make_lab: MakeLab):
    """11.18: an answer to a ping carries the ExpStatSN of now."""
    lab = make_lab().up()
    lab.finish(lab.write(0, DATA))
    stat_sn = lab.sent(Op.SCSI_RESPONSE)[0].stat_sn
    lab.settle()
    assert lab.received(Op.NOP_OUT)[-1].exp_stat_sn == (stat_sn + 1) % _SERIAL


def test_informational_nop_in_is_not_answered(make_lab: MakeLab):
    """11.19.1: both tags ffffffff: only the numbers are taken."""
    lab = make_lab().up()
    lab.peer.send_nop_in()
    lab.settle()
    assert len(lab.received(Op.NOP_OUT)) == 1


def test_nop_in_with_both_tags(make_lab: MakeLab):
    """7.7: the example of a format error: a NOP-In with a valid ITT and a valid TTT: session recovery."""
    lab = make_lab().up()
    lab.peer.send(Pdu.make(Op.NOP_IN, itt=0x123, ttt=0x456))
    lab.until(lambda: lab.logins() or lab.received(Op.NOP_OUT))
    assert lab.logins()


# -- 17: logout ----------------------------------------------------------------------------------------------------
def test_iol_17_1_clean_logout(make_lab: MakeLab):
    """11.14: reason 0, F, DSL 0, a valid ITT; nothing after it; the response is waited for before TCP is closed."""
    lab = make_lab().up()
    peer = lab.peer
    over: list[object] = []
    assert lab.engine is not None
    lab.engine.logout(over.append)
    lab.until(lambda: over)
    assert over == [None]
    assert lab.received()[-1].op == Op.LOGOUT_REQUEST
    logout = lab.received()[-1]
    assert (logout.flags, logout.data_length, logout.ahs) == (0x80, 0, b"")
    assert logout.itt != NO_TAG
    assert lab.sent()[-1].op == Op.LOGOUT_RESPONSE
    assert lab.sent()[-1].itt == logout.itt
    assert lab.host.state == "ended"
    peer.thread.join(10)
    assert not peer.thread.is_alive()


def test_iol_17_1_logout_without_answer_ends_too(make_lab: MakeLab):
    """11.14: a target that does not answer is left after `logout_timeout`."""
    lab = make_lab(settings={"logout_timeout": 40}).up()
    lab.play.when_receiving(Op.LOGOUT_REQUEST, lambda pdu: None)
    over: list[object] = []
    assert lab.engine is not None
    lab.engine.logout(over.append)
    lab.await_received(Op.LOGOUT_REQUEST)
    lab.turn()
    assert not over
    lab.later(41, lambda: over)


@pytest.mark.parametrize("asked", [False, True], ids=["by-us", "by-the-target"])
def test_iol_17_1_nothing_is_asked_behind_a_logout(make_lab: MakeLab, asked: bool):
    """11.14: no new request after a Logout Request: no ping, no abort of what is late, until its time is over."""
    settings = {**SOLICITED, "logout_timeout": 90, "ping_interval": 30, "ping_timeout": 20, "command_timeout": 20}
    lab = make_lab(settings=settings).up()
    lab.play.when_sending(Op.R2T, hold, nth=1)
    lab.play.when_receiving(Op.LOGOUT_REQUEST, lambda pdu: None)
    call = lab.write(0, DATA)
    lab.await_received(Op.SCSI_COMMAND)
    assert lab.engine is not None
    if asked:
        lab.peer.send_async(1, parameters=(0, 0, 0))
    else:
        lab.engine.logout(lambda _problem: None)
    lab.await_received(Op.LOGOUT_REQUEST)
    for _ in range(4):
        lab.clock.jump(21)
        lab.turn(3)
    assert [pdu.op for pdu in lab.received()] == [Op.SCSI_COMMAND, Op.LOGOUT_REQUEST]
    lab.later(21, lambda: call.over or lab.logins())


@pytest.mark.parametrize("response", [1, 2, 3])
def test_iol_17_1_logout_that_is_refused_ends_too(make_lab: MakeLab, response: int):
    """11.15.1: CID not found, recovery not supported, cleanup failed: the connection ends all the same."""
    lab = make_lab().up()

    def refused(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.response = response
        return [pdu]

    lab.play.when_sending(Op.LOGOUT_RESPONSE, refused)
    over: list[object] = []
    assert lab.engine is not None
    lab.engine.logout(over.append)
    lab.until(lambda: over)


def damaged(lab: Lab) -> Callable[[Pdu], Pdu | None]:
    """A rule: what was received is taken for damaged."""

    def throw_away(pdu: Pdu) -> Pdu | None:
        bad_digest(lab.peer, pdu)
        return None

    return throw_away


# -- rejects -------------------------------------------------------------------------------------------------------
REASONS = [0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C]


@pytest.mark.parametrize("reason", REASONS)
def test_rejected_command(make_lab: MakeLab, reason: int):
    """11.17.1, 7.3: whatever the reason, the session is recovered, which leaves no gap in CmdSN; then it is done."""
    lab = make_lab().up()
    rejected: list[Pdu] = []

    def reject(pdu: Pdu) -> Pdu | None:
        rejected.append(pdu)
        lab.peer.reject(pdu, reason)
        return None

    lab.play.when_receiving(Op.SCSI_COMMAND, reject, nth=1)
    lab.finish(lab.write(0, DATA))
    assert lab.logins()
    assert lab.sent(Op.REJECT)[0].reason == reason
    assert lab.on_disk(0, len(DATA)) == DATA


def test_command_that_is_always_rejected_fails(make_lab: MakeLab):
    """11.17: no endless loop: after a few sessions it is an error."""
    lab = make_lab().up()

    def reject(pdu: Pdu) -> Pdu | None:
        if pdu.cdb[0] == 0x8A:
            lab.peer.reject(pdu, 0x09)
            return None
        return pdu

    lab.play.when_receiving(Op.SCSI_COMMAND, reject)
    assert lab.errors(lab.write(0, DATA)) == [errno.EIO]
    lab.until_state("connected")


def test_rejected_data_is_followed_by_the_answer_of_its_task(make_lab: MakeLab):
    """7.3, 7.8: a target that throws a Data-Out away rejects it and ends the task with 0B/47/05: it is issued anew."""
    lab = make_lab(settings=SOLICITED).up()
    lab.play.when_receiving(Op.DATA_OUT, damaged(lab), nth=1)
    lab.finish(lab.write(0, DATA))
    assert lab.sent(Op.REJECT)[0].reason == 0x02
    first, second = lab.received(Op.SCSI_COMMAND)
    assert (first.cdb, first.itt == second.itt) == (second.cdb, False)
    assert lab.on_disk(0, len(DATA)) == DATA
    assert not lab.logins()


def test_rejected_ping_does_no_harm(make_lab: MakeLab):
    """11.17.1, 06: an immediate request may be rejected for lack of room: the answer is a sign of life as well."""
    lab = make_lab(settings={"ping_interval": 30}).up()

    def reject(pdu: Pdu) -> Pdu | None:
        lab.peer.reject(pdu, 0x06)
        return None

    lab.play.when_receiving(Op.NOP_OUT, reject, nth=1)
    lab.later(31, lambda: lab.sent(Op.REJECT))
    lab.finish(lab.write(0, DATA))
    assert not lab.logins()
