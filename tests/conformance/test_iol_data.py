# SPDX-License-Identifier: Apache-2.0
"""Rows 6, 8, 9, 11, 12 and 16.1 to 16.3: data of writes, unsolicited and asked for (4.2.5.2, 11.3, 11.7, 11.8).

What the two sides want differs, so that the result shows who took which value: FirstBurstLength 2560 (ours) and 3072,
MaxBurstLength 6144 and 4096 (the target's), MaxRecvDataSegmentLength of the target 1024.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import pytest
from conformance.harness import BLOCK, NO_TAG, READ, WRITE, Lab, numbered
from lundock.helper.target.pdu import Op, Pdu

MakeLab = Callable[..., Lab]
#: ImmediateData and InitialR2T: ours, theirs; then what was agreed.
Case = tuple[bool, str, bool, str, bool, bool]

SEGMENT, FIRST_BURST, MAX_BURST = 1024, 2560, 4096
OURS = {"first_burst_length": FIRST_BURST, "max_burst_length": 6144, "max_recv_data_segment_length": 2048}
THEIRS = {"FirstBurstLength": "3072", "MaxBurstLength": "4096", "MaxRecvDataSegmentLength": "1024"}
DATA = bytes(range(256)) * 40  # 20 blocks
UNITS = len(DATA) // BLOCK

#: ImmediateData (AND) and InitialR2T (OR), as each side wants them; the result.
COMBINATIONS = [
    pytest.param((True, "Yes", False, "No", True, False), id="immediate-unsolicited"),
    pytest.param((True, "Yes", True, "No", True, True), id="immediate-r2t"),
    pytest.param((True, "Yes", False, "Yes", True, True), id="immediate-r2t-of-target"),
    pytest.param((True, "No", False, "No", False, False), id="unsolicited"),
    pytest.param((False, "Yes", False, "No", False, False), id="unsolicited-by-us"),
    pytest.param((False, "Yes", True, "No", False, True), id="solicited"),
    pytest.param((True, "No", False, "Yes", False, True), id="solicited-by-target"),
]


def make(make_lab: MakeLab, *, settings: dict | None = None, **theirs: str) -> Lab:
    return make_lab(settings={**OURS, **(settings or {})}, parameters={**THEIRS, **theirs}).up()


def solicited_only(make_lab: MakeLab, **theirs: str) -> Lab:
    return make(make_lab, settings={"immediate_data": False, "initial_r2t": True}, **theirs)


def unsolicited(pdus: Iterable[Pdu]) -> list[Pdu]:
    return [pdu for pdu in pdus if pdu.ttt == NO_TAG]


def sequences(lab: Lab) -> list[tuple[Pdu, list[Pdu]]]:
    """Each R2T with the Data-Out PDUs that carry its tag."""
    outs = lab.received(Op.DATA_OUT)
    return [(r2t, [out for out in outs if (out.itt, out.ttt) == (r2t.itt, r2t.ttt)]) for r2t in lab.sent(Op.R2T)]


def check_sequence(outs: list[Pdu], offset: int, length: int) -> None:
    """One sequence (11.7): DataSN from 0, offsets without gaps, F on the last only, segments within the limit."""
    assert [out.data_sn for out in outs] == list(range(len(outs)))
    assert [out.final for out in outs] == [False] * (len(outs) - 1) + [True]
    for out in outs:
        assert out.offset == offset
        assert 0 < len(out.data) <= SEGMENT
        offset += len(out.data)
        length -= len(out.data)
    assert length == 0


def test_iol_6_1_data_sn_starts_at_zero_for_each_r2t(make_lab: MakeLab):
    """4.2.2.4, 11.7.5: and in the unsolicited sequence."""
    lab = make(make_lab)
    lab.finish(lab.write(0, DATA))
    found = sequences(lab)
    assert len(found) == 2
    for _, outs in found:
        assert [out.data_sn for out in outs] == list(range(len(outs)))
        assert len(outs) > 1
    first = unsolicited(lab.received(Op.DATA_OUT))
    assert [out.data_sn for out in first] == list(range(len(first)))


def test_iol_8_1_unsolicited_data_stays_within_first_burst_length(make_lab: MakeLab):
    """13.14: immediate and unsolicited data together; exactly FirstBurstLength of a longer write (4.2.5.2)."""
    lab = make(make_lab)
    lab.finish(lab.write(0, DATA))
    command = lab.received(Op.SCSI_COMMAND)[0]
    total = len(command.data) + sum(len(out.data) for out in unsolicited(lab.received(Op.DATA_OUT)))
    assert total == FIRST_BURST
    assert lab.on_disk(0, len(DATA)) == DATA


def test_iol_8_1_first_burst_of_the_target(make_lab: MakeLab):
    """13.14: the minimum holds, whosever it is."""
    lab = make(make_lab, settings={"first_burst_length": 4096, "max_burst_length": 8192}, FirstBurstLength="1536")
    lab.finish(lab.write(0, DATA))
    command = lab.received(Op.SCSI_COMMAND)[0]
    total = len(command.data) + sum(len(out.data) for out in unsolicited(lab.received(Op.DATA_OUT)))
    assert total == 1536


@pytest.mark.parametrize(("ours", "theirs"), [((False, True), ("Yes", "No")), ((True, False), ("No", "Yes"))])
def test_iol_8_2_no_unsolicited_data(make_lab: MakeLab, ours: tuple[bool, bool], theirs: tuple[str, str]):
    """13.10, 13.11: InitialR2T=Yes and ImmediateData=No: not a byte goes unasked."""
    settings = {"immediate_data": ours[0], "initial_r2t": ours[1]}
    lab = make(make_lab, settings=settings, ImmediateData=theirs[0], InitialR2T=theirs[1])
    lab.finish(lab.write(0, DATA))
    command = lab.received(Op.SCSI_COMMAND)[0]
    assert not command.data
    assert command.final
    assert not unsolicited(lab.received(Op.DATA_OUT))


def test_iol_8_3_data_out_unsolicited_stays_within_first_burst_length(make_lab: MakeLab):
    """13.14, with ImmediateData=No: Data-Out PDUs alone."""
    lab = make(make_lab, ImmediateData="No")
    lab.finish(lab.write(0, DATA))
    command = lab.received(Op.SCSI_COMMAND)[0]
    assert not command.data
    check_sequence(unsolicited(lab.received(Op.DATA_OUT)), 0, FIRST_BURST)


def test_iol_9_1_target_transfer_tag_is_echoed(make_lab: MakeLab):
    """11.7.4, 11.8.5: TTT and LUN of the R2T stand in each Data-Out that answers it; ffffffff when unasked."""
    lab = make_lab(settings=OURS, parameters={**THEIRS, "MaxOutstandingR2T": "3"}, disk={"lun": 3}).up()
    lab.finish(lab.write(0, DATA, lun=3))
    for r2t, outs in sequences(lab):
        assert outs
        assert {(out.itt, out.lun) for out in outs} == {(r2t.itt, 3 << 48)}
    known = {r2t.ttt for r2t in lab.sent(Op.R2T)} | {NO_TAG}
    assert {out.ttt for out in lab.received(Op.DATA_OUT)} == known


def test_iol_11_1_1_data_out_within_the_segment_length_of_the_target(make_lab: MakeLab):
    """13.12: MaxRecvDataSegmentLength as the target declared it, in commands and in Data-Out, asked for or not."""
    lab = make(make_lab)
    lab.finish(lab.write(0, DATA), lab.write(64, DATA))
    sizes = [len(pdu.data) for pdu in lab.received()]
    assert max(sizes) == SEGMENT
    assert len(sizes) > 2 * len(DATA) / SEGMENT


def test_iol_11_2_1_final_bit_on_the_last_unsolicited(make_lab: MakeLab):
    """11.7.1, 11.3.1: F on the last of the unsolicited data, not on the command that it follows."""
    lab = make(make_lab)
    lab.finish(lab.write(0, DATA))
    assert not lab.received(Op.SCSI_COMMAND)[0].final
    outs = unsolicited(lab.received(Op.DATA_OUT))
    assert [out.final for out in outs] == [False] * (len(outs) - 1) + [True]
    assert len(outs) > 1


def test_iol_11_2_2_final_bit_on_the_last_solicited(make_lab: MakeLab):
    """11.7.1: F on the last Data-Out of each R2T's sequence."""
    lab = solicited_only(make_lab)
    lab.finish(lab.write(0, DATA))
    for _, outs in sequences(lab):
        assert [out.final for out in outs] == [False] * (len(outs) - 1) + [True]
        assert len(outs) > 1


def test_iol_11_3_data_sn_of_each_data_out(make_lab: MakeLab):
    """11.7.5: by one within a sequence."""
    lab = solicited_only(make_lab)
    lab.finish(lab.write(0, DATA))
    assert [out.data_sn for out in lab.received(Op.DATA_OUT)] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]


def test_iol_11_4_buffer_offset_of_each_data_out(make_lab: MakeLab):
    """11.7.6: where the data stands in the command's, behind what went immediately."""
    lab = make(make_lab)
    lab.finish(lab.write(0, DATA))
    command = lab.received(Op.SCSI_COMMAND)[0]
    offset = len(command.data)
    assert bytes(command.data) == DATA[:offset]
    for out in lab.received(Op.DATA_OUT):
        assert out.offset == offset
        assert bytes(out.data) == DATA[offset : offset + len(out.data)]
        offset += len(out.data)
    assert offset == len(DATA)


def test_data_out_is_whole_words_but_for_the_last(make_lab: MakeLab):
    """11.7.7: where the target's limit is none: segments SHOULD be filled to a multiple of 4 unless F is set."""
    lab = make(make_lab, settings={"first_burst_length": 2561}, MaxRecvDataSegmentLength="1027")
    lab.finish(lab.write(0, DATA))
    outs = lab.received(Op.DATA_OUT)
    assert {len(out.data) for out in outs if not out.final} == {1024}
    assert sum(len(out.data) for out in outs) + len(lab.received(Op.SCSI_COMMAND)[0].data) == len(DATA)
    assert lab.on_disk(0, len(DATA)) == DATA


def test_iol_12_1_r2t_answered_by_one_data_out(make_lab: MakeLab):
    """11.8: tag, offset, length and F, where one PDU is enough."""
    lab = solicited_only(make_lab, MaxRecvDataSegmentLength="8192", MaxBurstLength="2048")
    lab.finish(lab.write(0, DATA[:4096]))
    found = sequences(lab)
    assert [(r2t.offset, r2t.desired) for r2t, _ in found] == [(0, 2048), (2048, 2048)]
    for r2t, outs in found:
        assert [(out.offset, len(out.data), out.final, out.data_sn) for out in outs] == [(r2t.offset, 2048, True, 0)]


def test_iol_12_2_r2t_answered_by_several_data_out(make_lab: MakeLab):
    """11.8: all that it asks for, in order, and no more than MaxBurstLength."""
    lab = solicited_only(make_lab)
    lab.finish(lab.write(0, DATA))
    found = sequences(lab)
    assert [(r2t.offset, r2t.desired) for r2t, _ in found] == [(0, 4096), (4096, 4096), (8192, 2048)]
    for r2t, outs in found:
        check_sequence(outs, r2t.offset, r2t.desired)
    assert lab.on_disk(0, len(DATA)) == DATA


def test_iol_12_2_r2t_for_a_length_that_is_no_multiple_of_anything(make_lab: MakeLab):
    """11.8.4: an R2T may ask for any part."""
    lab = solicited_only(make_lab)
    lab.play.r2ts = lambda _pieces: [(0, 1), (1, 1025), (1026, 4096), (5122, len(DATA) - 5122 - 2048), (8192, 2048)]
    lab.finish(lab.write(0, DATA))
    for r2t, outs in sequences(lab):
        check_sequence(outs, r2t.offset, r2t.desired)
    assert lab.on_disk(0, len(DATA)) == DATA


def test_iol_12_3_r2ts_out_of_order(make_lab: MakeLab):
    """13.19: DataSequenceInOrder=No: sequences in the order of their R2Ts, wherever they lie."""
    lab = make(
        make_lab,
        settings={"immediate_data": False, "initial_r2t": True, "data_sequence_in_order": False},
        DataSequenceInOrder="No", MaxOutstandingR2T="3",
    )  # fmt: skip
    lab.play.r2ts = lambda pieces: [pieces[1], pieces[2], pieces[0]]
    lab.finish(lab.write(0, DATA))
    assert [r2t.offset for r2t in lab.sent(Op.R2T)] == [4096, 8192, 0]
    order = [out.ttt for out in lab.received(Op.DATA_OUT)]
    assert list(dict.fromkeys(order)) == [r2t.ttt for r2t in lab.sent(Op.R2T)]
    for r2t, outs in sequences(lab):
        check_sequence(outs, r2t.offset, r2t.desired)
    assert lab.on_disk(0, len(DATA)) == DATA


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([(6144, 4096), (0, 2048), (2048, 4096)], id="out-of-order"),
        pytest.param([(0, 4096), (4096, 4096), (4096, 4096), (8192, 2048)], id="asked-again"),
        pytest.param([(0, 4096), (2048, 4096), (1024, 1024), (6144, 4096), (0, 4096)], id="overlapping"),
    ],
)
def test_r2ts_that_break_the_order_are_honoured(make_lab: MakeLab, pieces: list[tuple[int, int]]):
    """11.8, 13.19: with DataSequenceInOrder=Yes that is wrong of the target, unless it recovers what it lost; 4.2.5.2:
    each is honoured all the same, and no account is kept of what was transferred.
    """
    lab = solicited_only(make_lab, MaxOutstandingR2T="2")
    lab.play.r2ts = lambda _pieces: pieces
    lab.finish(lab.write(0, DATA))
    found = sequences(lab)
    assert [(r2t.offset, r2t.desired) for r2t, _ in found] == pieces
    for r2t, outs in found:
        check_sequence(outs, r2t.offset, r2t.desired)
        assert b"".join(bytes(out.data) for out in outs) == DATA[r2t.offset : r2t.offset + r2t.desired]
    assert not lab.logins()
    assert lab.on_disk(0, len(DATA)) == DATA


def test_iol_12_4_r2ts_of_several_commands_interleaved(make_lab: MakeLab):
    """4.2.5.2: each R2T is answered for its own command."""
    lab = solicited_only(make_lab, MaxOutstandingR2T="3")
    held: list[Pdu] = []

    def interleave(pdu: Pdu) -> Iterable[Pdu]:
        held.append(pdu)
        return [] if len(held) < 6 else [held[i] for i in (3, 0, 4, 1, 2, 5)]

    lab.play.when_sending(Op.R2T, interleave)
    other = bytes(reversed(DATA))
    lab.finish(lab.write(0, DATA), lab.write(100, other))
    tags = [r2t.ttt for r2t in lab.sent(Op.R2T)]
    assert list(dict.fromkeys(out.ttt for out in lab.received(Op.DATA_OUT))) == tags
    for r2t, outs in sequences(lab):
        check_sequence(outs, r2t.offset, r2t.desired)
    assert lab.on_disk(0, len(DATA)) == DATA
    assert lab.on_disk(100, len(other)) == other


def test_several_r2ts_at_once(make_lab: MakeLab):
    """13.17: MaxOutstandingR2T above 1: R2Ts of one command are answered in the order in which they came (4.2.5.2)."""
    lab = make(
        make_lab,
        settings={"immediate_data": False, "initial_r2t": True, "max_outstanding_r2t": 7},
        MaxOutstandingR2T="5", MaxBurstLength="1024",
    )  # fmt: skip
    lab.finish(lab.write(0, DATA))
    assert lab.host.agreed["MaxOutstandingR2T"] == 5
    passed = [seen.pdu.op for seen in lab.server.wire][:6]
    assert passed == [Op.SCSI_COMMAND, *[Op.R2T] * 5]
    assert [out.ttt for out in lab.received(Op.DATA_OUT)] == [r2t.ttt for r2t in lab.sent(Op.R2T)]


def test_unsolicited_data_keeps_the_order_of_the_commands(make_lab: MakeLab):
    """4.2.5.2: the unsolicited Data-Out of one command precede those of the next."""
    lab = make(make_lab)
    lab.finish(*[lab.write(32 * i, DATA) for i in range(5)])
    commands = [pdu.itt for pdu in lab.received(Op.SCSI_COMMAND)]
    outs = [pdu.itt for pdu in unsolicited(lab.received(Op.DATA_OUT))]
    assert list(dict.fromkeys(outs)) == commands
    assert outs == sorted(outs, key=commands.index)


def test_iol_16_1_1_command_with_immediate_data(make_lab: MakeLab):
    """11.3: opcode, W, lengths, LUN, tags, numbers, CDB."""
    lab = make(make_lab)
    lab.finish(lab.write(7, DATA[:BLOCK], fua=True))
    command = lab.received(Op.SCSI_COMMAND)[0]
    assert command.bhs[0] == 0x01
    assert command.flags == 0x80 | WRITE | 0x01  # F: no more unsolicited data; attribute SIMPLE
    assert command.bhs[2:4] == b"\0\0"
    assert (command.ahs, command.data_length, command.edtl) == (b"", BLOCK, BLOCK)
    assert command.lun == 0
    assert command.cdb == bytes.fromhex("8a08 0000000000000007 00000001 0000")
    assert bytes(command.data) == DATA[:BLOCK]


def test_iol_16_1_2_command_without_immediate_data(make_lab: MakeLab):
    """11.3: as before, and nothing in the data segment; a read, and a command without data."""
    lab = solicited_only(make_lab)
    lab.finish(lab.write(7, DATA[:BLOCK]), lab.read(0x123, 2 * BLOCK), lab.command(b"\x35"))
    write, read, flush = lab.received(Op.SCSI_COMMAND)
    assert (write.flags, write.data_length, write.edtl) == (0x80 | WRITE | 0x01, 0, BLOCK)
    assert (read.flags, read.data_length, read.edtl) == (0x80 | READ | 0x01, 0, 2 * BLOCK)
    assert read.cdb == bytes.fromhex("8800 0000000000000123 00000002 0000")
    assert (flush.flags, flush.data_length, flush.edtl) == (0x81, 0, 0)


@pytest.mark.parametrize("case", COMBINATIONS)
@pytest.mark.parametrize("length", [BLOCK, 2 * SEGMENT, FIRST_BURST, len(DATA)])
def test_iol_16_2_combinations_of_immediate_data_and_initial_r2t(make_lab: MakeLab, case: Case, length: int):
    """Rows 16.2.1 to 16.2.4, 16.3.1: length and F of the command, of the unsolicited data, and the rest by R2T."""
    our_imm, their_imm, our_r2t, their_r2t, immediate, r2t = case
    settings = {"immediate_data": our_imm, "initial_r2t": our_r2t}
    lab = make(make_lab, settings=settings, ImmediateData=their_imm, InitialR2T=their_r2t)
    assert (lab.host.agreed["ImmediateData"], lab.host.agreed["InitialR2T"]) == (immediate, r2t)
    lab.finish(lab.write(0, DATA[:length]))
    command = lab.received(Op.SCSI_COMMAND)[0]
    at_once = min(length, SEGMENT, FIRST_BURST) if immediate else 0
    unasked = 0 if r2t else min(length, FIRST_BURST) - at_once
    assert command.edtl == length
    assert len(command.data) == at_once
    assert command.final == (unasked == 0)
    found = unsolicited(lab.received(Op.DATA_OUT))
    if unasked:
        check_sequence(found, at_once, unasked)
    else:
        assert not found
    asked = sum(request.desired for request, _ in sequences(lab))
    assert at_once + unasked + asked == length
    assert lab.on_disk(0, length) == DATA[:length]


def test_iol_16_6_expected_data_transfer_length(make_lab: MakeLab):
    """11.3.4: what the command moves, in bytes; 0 and neither R nor W where it moves nothing."""
    lab = make(make_lab)
    lab.finish(lab.write(0, DATA), lab.read(3, 5 * BLOCK), lab.command(b"\x35"))
    found = [(pdu.flags & (READ | WRITE), pdu.edtl) for pdu in lab.received(Op.SCSI_COMMAND)]
    assert found == [(WRITE, len(DATA)), (READ, 5 * BLOCK), (0, 0)]


def test_every_command_says_how_much_it_moves(make_lab: MakeLab):
    """11.3.1, 11.3.4: in the scan too: R, W and the length agree, F or W is set."""
    lab = make_lab()
    lab.start()
    lab.until_state("connected")
    for pdu in lab.received(Op.SCSI_COMMAND):
        moves = pdu.flags & (READ | WRITE)
        assert moves != READ | WRITE
        assert bool(moves) == bool(pdu.edtl)
        assert pdu.final or pdu.flags & WRITE
        assert not pdu.ahs
    assert numbered(lab.received())


def bad_r2t(**fields: int) -> Callable[[Pdu], Iterable[Pdu]]:
    def change(pdu: Pdu) -> Iterable[Pdu]:
        pdu = pdu.copy()
        for name, value in fields.items():
            setattr(pdu, name, value)
        return [pdu]

    return change


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"lun": 1 << 48}, id="lun"),
        pytest.param({"desired": 0}, id="nothing"),
        pytest.param({"desired": MAX_BURST + 1}, id="above-max-burst"),
        pytest.param({"offset": len(DATA)}, id="behind-the-end"),
        pytest.param({"ttt": NO_TAG}, id="no-tag"),
        pytest.param({"itt": 0x0BAD0BAD}, id="unknown-task"),
        pytest.param({"r2t_sn": 2}, id="r2tsn-gap"),
    ],
)
def test_r2t_that_does_not_fit_its_task(make_lab: MakeLab, fields: dict[str, int]):
    """4.2.5.3, 7.7, 7.9: nothing is sent for it; the session is recovered and the write done once more."""
    lab = solicited_only(make_lab)
    lab.play.when_sending(Op.R2T, bad_r2t(**fields), nth=1)
    lab.finish(lab.write(0, DATA))
    wrong = lab.sent(Op.R2T)[0]
    first = [seen.pdu for seen in lab.server.wire if not seen.sent and seen.pdu.op == Op.DATA_OUT]
    assert all((out.itt, out.ttt) != (wrong.itt, wrong.ttt) for out in first)
    assert lab.logins()
    assert lab.on_disk(0, len(DATA)) == DATA


def test_r2t_for_a_read(make_lab: MakeLab):
    """4.2.5.3: a command that sends no data is asked for some."""
    lab = solicited_only(make_lab)
    lab.fill(9, b"9" * BLOCK)

    def instead(pdu: Pdu) -> Iterable[Pdu]:
        return [Pdu.make(Op.R2T, itt=pdu.itt, ttt=5, offset=0, desired=BLOCK, stat_sn=pdu.stat_sn)]

    lab.play.when_sending(Op.DATA_IN, instead, nth=1)
    call = lab.read(9)
    lab.finish(call)
    assert not lab.received(Op.DATA_OUT)
    assert lab.logins()
    assert call.data == b"9" * BLOCK


def test_duplicate_r2t_is_discarded(make_lab: MakeLab):
    """7.9: duplicate R2TSNs MUST be discarded."""
    lab = solicited_only(make_lab)
    lab.play.when_sending(Op.R2T, lambda pdu: [pdu, pdu], nth=2)
    lab.finish(lab.write(0, DATA))
    assert sum(len(out.data) for out in lab.received(Op.DATA_OUT)) == len(DATA)
    assert not lab.logins()


def test_a_target_that_answers_what_it_does_not_take(make_lab: MakeLab):
    """Tags can be guessed. What waits to be sent stays bounded by the session's memory and what is on its way."""
    settings = {"memory_limit": 16 << 20, "queue_depth": 4, "first_burst_length": 1 << 20, "initial_r2t": False}
    parameters = {"FirstBurstLength": "1048576", "InitialR2T": "No", "MaxBurstLength": "1048576"}
    lab = make_lab(settings=settings, parameters=parameters).up()
    assert lab.engine is not None
    session, taken = lab.engine.session, threading.Event()
    lab.play.when_receiving(Op.SCSI_COMMAND, lambda pdu: pdu if taken.wait(30) else None, nth=1)
    data = bytes(1 << 20)
    calls, most, number = [], 0, session.cmd_sn
    for _ in range(50):
        if session.free:
            calls.append(lab.write(0, data))
        lab.turn(1)
        for task in session.slots:
            if task.itt >= 0:
                number += 1
                answer = Pdu.make(Op.SCSI_RESPONSE, itt=task.itt)
                lab.peer.send(answer, numbers=(number, number + 3))
        lab.turn(1)
        assert session.connection is not None
        most = max(most, session.connection.out.waiting)
    assert 16 << 20 < most <= 20 << 20
    assert sum(call.over for call in calls) < len(calls) < 50
    taken.set()
