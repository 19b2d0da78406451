# SPDX-License-Identifier: Apache-2.0
"""Rows 10, 11.1.2 and 13: Data-In, its status, order and gaps; residuals; digests (7.8, 7.9, 11.4.5, 11.7, 13.1)."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from conformance.harness import BLOCK, NO_TAG, READ, Lab
from lundock.helper.target.pdu import Op, Pdu
from lundock.helper.target.script import Raw, Send, Step, Wait

MakeLab = Callable[..., Lab]

OURS = {"max_recv_data_segment_length": 1024, "max_burst_length": 4096}
DATA = bytes(reversed(range(256))) * 12  # 6 blocks, 3 segments
#: Flags of Data-In: F, A, O, U, S.
F, A, S = 0x80, 0x40, 0x01


def make(make_lab: MakeLab, *, settings: dict[str, Any] | None = None, **theirs: str) -> Lab:
    lab = make_lab(settings={**OURS, **(settings or {})}, parameters=theirs).up()
    lab.fill(0, DATA)
    return lab


def changed(**fields: int | bool) -> Callable[[Pdu], Iterable[Step]]:
    """A rule that sends the PDU with these fields instead."""

    def change(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        for name, value in fields.items():
            setattr(pdu, name, value)
        return [pdu]

    return change


def without_status(pdu: Pdu) -> Iterable[Step]:
    """Turn the status in the last Data-In into a SCSI Response of its own (11.7.3)."""
    if not pdu.flags & S:
        return [pdu]
    alone = pdu.copy()
    alone.flags, alone.status, alone.residual = F, 0, 0
    alone.stat_sn = 0
    response = Pdu.make(Op.SCSI_RESPONSE, itt=pdu.itt, data_sn=pdu.data_sn + 1)
    response.stat_sn, response.exp_cmd_sn, response.max_cmd_sn = pdu.stat_sn, pdu.exp_cmd_sn, pdu.max_cmd_sn
    response.residual, response.flags = pdu.residual, F | pdu.flags & 0x06
    return [alone, response]


def test_iol_10_1_status_in_the_last_data_in(make_lab: MakeLab):
    """11.7.3: S with F: the command is over without a SCSI Response, and its StatSN is acknowledged."""
    lab = make(make_lab)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert call.data == DATA
    assert [pdu.flags & S for pdu in lab.sent(Op.DATA_IN)] == [0, 0, S]
    assert not lab.sent(Op.SCSI_RESPONSE)
    stat_sn = lab.sent(Op.DATA_IN)[-1].stat_sn
    lab.finish(lab.read(0))
    assert lab.received(Op.SCSI_COMMAND)[-1].exp_stat_sn == (stat_sn + 1) % (1 << 32)


def test_iol_10_1_status_apart(make_lab: MakeLab):
    """11.7.3: a target that sends no status in Data-In is as good."""
    lab = make(make_lab)
    lab.play.when_sending(Op.DATA_IN, without_status)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert call.data == DATA
    assert len(lab.sent(Op.SCSI_RESPONSE)) == 1


def test_iol_10_1_many_reads_interleaved(make_lab: MakeLab):
    """4.2.5.1: Data-In PDUs of several commands, mixed: each goes to its own by the Initiator Task Tag."""
    lab = make(make_lab)
    other = bytes(x ^ 0x5A for x in DATA)
    lab.fill(50, other)
    held: list[Pdu] = []

    def mix(pdu: Pdu) -> Iterable[Step]:
        held.append(pdu)
        return [] if len(held) < 6 else [held[i] for i in (3, 0, 4, 1, 2, 5)]

    lab.play.when_sending(Op.DATA_IN, mix)
    one, two = lab.read(0, len(DATA)), lab.read(50, len(DATA))
    lab.finish(one, two)
    assert (one.data, two.data) == (DATA, other)


def test_iol_10_2_a_bit_is_ignored_at_level_0(make_lab: MakeLab):
    """11.7.2: A asks for a DataACK SNACK at level 1 and above only; refused cleanly: no SNACK, nothing lost."""
    lab = make(make_lab)
    lab.play.when_sending(Op.DATA_IN, changed(flags=A, ttt=0x77, lun=0), nth=1)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    lab.settle()
    assert call.data == DATA
    assert not lab.received(Op.SNACK)
    assert not lab.logins()


def test_iol_11_1_2_data_in_of_length_0_is_accepted(make_lab: MakeLab):
    """11.7.7: also as the one that carries the status."""
    lab = make(make_lab)

    def with_empty(pdu: Pdu) -> Iterable[Step]:
        empty = Pdu.make(Op.DATA_IN, itt=pdu.itt, ttt=NO_TAG, data_sn=0, offset=0)
        empty.exp_cmd_sn, empty.max_cmd_sn, empty.final = pdu.exp_cmd_sn, pdu.max_cmd_sn, False
        first = pdu.copy()
        first.data_sn = 1
        first.flags, first.status = 0, 0
        last = pdu.copy()
        last.data, last.offset, last.data_sn = b"", len(pdu.data), 2
        return [empty, first, last]

    lab.play.when_sending(Op.DATA_IN, with_empty)
    call = lab.read(0, BLOCK)
    lab.finish(call)
    assert [len(pdu.data) for pdu in lab.sent(Op.DATA_IN)] == [0, BLOCK, 0]
    assert call.data == DATA[:BLOCK]


def test_data_in_out_of_order_where_that_was_agreed(make_lab: MakeLab):
    """13.18: DataPDUInOrder=No: the Buffer Offset says where data belongs."""
    lab = make(make_lab, settings={"data_pdu_in_order": False, "data_sequence_in_order": False}, DataPDUInOrder="No")
    lab.play.data_ins = lambda pieces: [*pieces[1:], *pieces[:1]]
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert [pdu.offset for pdu in lab.sent(Op.DATA_IN)] == [1024, 2048, 0]
    assert call.data == DATA


def test_data_in_out_of_order_and_in_pieces(make_lab: MakeLab):
    """13.18: as before, and TCP cuts a PDU in two: it is looked at once."""
    lab = make(make_lab, settings={"data_pdu_in_order": False, "data_sequence_in_order": False}, DataPDUInOrder="No")
    lab.play.data_ins = lambda pieces: [*pieces[1:], *pieces[:1]]

    def cut(pdu: Pdu) -> Iterable[Step]:
        raw = pdu.pack()
        return [Raw(raw[:100]), Wait(0.05), Raw(raw[100:])]

    lab.play.when_sending(Op.DATA_IN, cut, nth=2)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert call.data == DATA
    assert not lab.logins()


def test_sequences_out_of_order_where_that_was_agreed(make_lab: MakeLab):
    """13.19: DataSequenceInOrder=No: bursts in any order."""
    settings = {"data_sequence_in_order": False, "max_burst_length": 2048}
    lab = make(make_lab, settings=settings, DataSequenceInOrder="No", MaxBurstLength="1024")
    lab.play.data_ins = lambda pieces: [*pieces[2:], *pieces[:2]]
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert call.data == DATA


def test_data_in_out_of_order_where_it_was_not_agreed(make_lab: MakeLab):
    """13.18: with DataPDUInOrder=Yes it is an error, and nothing of it is delivered."""
    lab = make(make_lab)
    seen: list[int] = []

    def shuffled(pieces):
        seen.append(1)
        return [pieces[1], pieces[0], pieces[2]] if len(seen) == 1 else pieces

    lab.play.data_ins = shuffled
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert lab.logins()
    assert call.data == DATA


@pytest.mark.parametrize("number", [1, 2])
def test_iol_13_1_gap_in_data_sn_recovers_the_session(make_lab: MakeLab, number: int):
    """7.9, 7.8: at level 0 without a SNACK: a new login, the command again, the data whole."""
    lab = make(make_lab)
    lab.play.when_sending(Op.DATA_IN, lambda pdu: [], nth=number)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert call.data == DATA
    assert lab.logins()
    assert lab.logins()[0].tsih == 0
    assert not lab.received(Op.SNACK)


def test_iol_13_1_gap_where_any_order_was_agreed(make_lab: MakeLab):
    """7.9: what is missing is not delivered, and no SNACK is sent."""
    lab = make(make_lab, settings={"data_pdu_in_order": False, "data_sequence_in_order": False}, DataPDUInOrder="No")
    lab.play.when_sending(Op.DATA_IN, lambda pdu: [], nth=2)
    call = lab.read(0, len(DATA))
    lab.errors(call)
    assert call.error or call.data == DATA
    assert not lab.received(Op.SNACK)


def test_data_sn_out_of_order_recovers_the_session(make_lab: MakeLab):
    """7.9: an out-of-order DataSN MUST be addressed, though the offsets fit."""
    lab = make(make_lab)
    lab.play.when_sending(Op.DATA_IN, changed(data_sn=5), nth=2)
    lab.finish(lab.read(0, len(DATA)))
    assert lab.logins()


def test_exp_data_sn_that_implies_missing_data(make_lab: MakeLab):
    """7.9, 11.4.8: a SCSI Response that names more Data-In PDUs than came MUST be addressed."""
    lab = make(make_lab)

    def more(pdu: Pdu) -> Iterable[Step]:
        data, *response = without_status(pdu)
        for one in response:
            one.data_sn += 2  # type: ignore[union-attr]
        return [data, *response]

    lab.play.when_sending(Op.DATA_IN, more, nth=1)
    lab.finish(lab.read(0, BLOCK))
    assert lab.logins()


def test_duplicate_data_in_is_discarded(make_lab: MakeLab):
    """7.9: duplicate DataSNs MUST be discarded."""
    lab = make(make_lab)
    lab.play.when_sending(Op.DATA_IN, lambda pdu: [pdu, pdu], nth=1)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert call.data == DATA
    assert not lab.logins()


def test_duplicate_data_in_where_any_order_was_agreed(make_lab: MakeLab):
    """7.9: discarded as well; the first bytes that came stay."""
    lab = make(make_lab, settings={"data_pdu_in_order": False, "data_sequence_in_order": False}, DataPDUInOrder="No")
    lab.play.data_ins = lambda pieces: [*pieces[1:], *pieces[:1]]

    def twice(pdu: Pdu) -> Iterable[Step]:
        again = pdu.copy()
        again.data = b"\xee" * len(pdu.data)
        return [pdu, again]

    lab.play.when_sending(Op.DATA_IN, twice, nth=1)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert call.data == DATA
    assert not lab.logins()


def test_duplicate_with_the_status_is_not_lost(make_lab: MakeLab):
    """7.9, 11.7.3: the same data once more, now with the status: nothing waits for ever."""
    lab = make(make_lab)

    def first_without(pdu: Pdu) -> Iterable[Step]:
        first = pdu.copy()
        first.flags, first.status = F, 0
        return [first, pdu]

    lab.play.when_sending(Op.DATA_IN, first_without, nth=3)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert call.data == DATA


def test_iol_13_2_no_data_ack_at_level_0(make_lab: MakeLab):
    """11.7.2: with A in every Data-In there is still no SNACK."""
    lab = make(make_lab)

    def asks(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.flags |= A
        pdu.ttt = 0x99
        return [pdu]

    lab.play.when_sending(Op.DATA_IN, asks)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    lab.settle()
    assert call.data == DATA
    assert not lab.received(Op.SNACK)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"offset": 1 << 20}, id="behind-the-end"),
        pytest.param({"itt": 0x0BAD0BAD}, id="unknown-task"),
    ],
)
def test_data_in_that_does_not_fit_its_task(make_lab: MakeLab, fields: dict[str, int]):
    """4.2.5.3: nothing is written anywhere; session recovery, and the read again."""
    lab = make(make_lab)
    lab.play.when_sending(Op.DATA_IN, changed(**fields), nth=2)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert lab.logins()
    assert call.data == DATA


def test_data_in_for_a_write(make_lab: MakeLab):
    """4.2.5.3: data for a command that reads none."""
    lab = make(make_lab)

    def instead(pdu: Pdu) -> Iterable[Step]:
        return [Pdu.make(Op.DATA_IN, b"x" * BLOCK, itt=pdu.itt, ttt=NO_TAG), pdu]

    lab.play.when_sending(Op.SCSI_RESPONSE, instead, nth=1)
    lab.finish(lab.write(0, DATA))
    assert lab.logins()


def test_data_in_longer_than_we_take(make_lab: MakeLab):
    """13.12: a segment above our MaxRecvDataSegmentLength is refused before it is taken."""
    lab = make(make_lab)

    def joined(pieces):
        return pieces if lab.logins() else [(0, 1028), (1028, len(DATA) - 1028)]

    lab.play.data_ins = joined
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert lab.logins()
    assert call.data == DATA


def test_status_without_final_bit(make_lab: MakeLab):
    """11.7.3, 7.7: S=1 wants F=1: a format error."""
    lab = make(make_lab)
    lab.play.when_sending(Op.DATA_IN, changed(flags=S), nth=3)
    lab.finish(lab.read(0, len(DATA)))
    assert lab.logins()


@pytest.mark.parametrize("status", [0x02, 0x18])
def test_an_error_in_a_data_in_is_no_success(make_lab: MakeLab, status: int):
    """11.7.3: an error MUST come in a SCSI Response; one that does not is no success, whatever data came with it."""
    lab = make(make_lab)
    lab.play.when_sending(Op.DATA_IN, changed(status=status), nth=3)
    call = lab.read(0, len(DATA))
    lab.until(lambda: call.over)
    assert call.error or (lab.logins() and call.data == DATA)


@pytest.mark.parametrize("apart", [False, True])
def test_underflow_is_not_success(make_lab: MakeLab, apart: bool):
    """11.4.5: U on a read: fewer bytes than were asked for: an error, not a short success."""
    lab = make(make_lab)

    def short(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.data = bytes(pdu.data)[:-BLOCK]
        pdu.flags |= 0x02
        pdu.residual = BLOCK
        return list(without_status(pdu)) if apart else [pdu]

    lab.play.when_sending(Op.DATA_IN, short, nth=3)
    call = lab.read(0, len(DATA))
    assert lab.errors(call) == [errno.EIO]
    assert not lab.logins()


def test_short_data_without_a_flag_is_not_success(make_lab: MakeLab):
    """11.4.5: the data says more than the flags."""
    lab = make(make_lab)

    def short(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.data = bytes(pdu.data)[:-BLOCK]
        return [pdu]

    lab.play.when_sending(Op.DATA_IN, short, nth=3)
    call = lab.read(0, len(DATA))
    lab.errors(call)
    assert call.error or call.data == DATA


@pytest.mark.parametrize("residual", [1, 7 * BLOCK])
def test_overflow_is_an_error(make_lab: MakeLab, residual: int):
    """11.4.5: O: the device had more: the command was not what we meant."""
    lab = make(make_lab)
    lab.play.when_sending(Op.DATA_IN, changed(flags=F | S | 0x04, residual=residual), nth=3)
    assert lab.errors(lab.read(0, len(DATA))) == [errno.EIO]


def test_residual_count_without_a_flag_is_ignored(make_lab: MakeLab):
    """11.4.5.1: the count is valid only with O or U."""
    lab = make(make_lab)
    lab.play.when_sending(Op.DATA_IN, changed(residual=BLOCK), nth=3)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert call.data == DATA


def test_underflow_of_a_write_is_an_error(make_lab: MakeLab):
    """11.4.5: the device took less than was to be written."""
    lab = make(make_lab)
    lab.play.when_sending(Op.SCSI_RESPONSE, changed(flags=F | 0x02, residual=BLOCK), nth=1)
    assert lab.errors(lab.write(0, DATA)) == [errno.EIO]


# -- digests -------------------------------------------------------------------------------------------------------
DIGESTS = [("CRC32C", "None"), ("None", "CRC32C"), ("CRC32C", "CRC32C")]


def digesting(make_lab: MakeLab, header: str = "CRC32C", data: str = "CRC32C", **disk: int) -> Lab:
    settings = {**OURS, "header_digest": (header,), "data_digest": (data,)}
    lab = make_lab(settings=settings, disk=disk).up()
    assert (lab.host.agreed["HeaderDigest"], lab.host.agreed["DataDigest"]) == (header, data)
    return lab


@pytest.mark.parametrize(("header", "data"), DIGESTS)
def test_digests_are_on_every_pdu(make_lab: MakeLab, header: str, data: str):
    """13.1: once agreed, in full feature phase on every PDU: the target checks each, rejects none, and answers."""
    lab = digesting(make_lab, header, data)
    lab.finish(lab.write(0, DATA), lab.write(20, DATA * 4))
    call = lab.read(20, len(DATA) * 4)
    lab.finish(call)
    lab.settle()
    assert call.data == DATA * 4
    assert not lab.sent(Op.REJECT)
    assert not lab.logins()


@pytest.mark.parametrize("where", ["bad_header", "bad_data"])
def test_damaged_data_is_never_delivered(make_lab: MakeLab, where: str):
    """7.8: a digest that does not fit: the PDU is discarded, at level 0 the session recovered, the read done again."""
    lab = digesting(make_lab)
    lab.fill(0, DATA)

    def damage(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.data = b"\xee" * len(pdu.data)
        return [Send(pdu, **{where: True})]

    lab.play.when_sending(Op.DATA_IN, damage, nth=2)
    call = lab.read(0, len(DATA))
    lab.finish(call)
    assert call.data == DATA
    assert lab.logins()
    assert lab.host.problems[-1].code == "DigestError"
    assert lab.host.problems[-1].attrs["where"] == where.removeprefix("bad_")
    assert not lab.received(Op.SNACK)


def test_damaged_header_of_a_response(make_lab: MakeLab):
    """7.8: a header digest error closes the connection: its lengths are not to be trusted."""
    lab = digesting(make_lab)
    lab.play.when_sending(Op.SCSI_RESPONSE, lambda pdu: [Send(pdu, bad_header=True)], nth=1)
    lab.finish(lab.write(0, DATA))
    assert lab.host.problems[-1].attrs["where"] == "header"
    assert lab.on_disk(0, len(DATA)) == DATA


def test_damaged_sense_data(make_lab: MakeLab):
    """7.8: a data digest error in a response that is no data PDU: not used either."""
    lab = digesting(make_lab)

    def failing(pdu: Pdu) -> Iterable[Step]:
        pdu = pdu.copy()
        pdu.status = 2
        pdu.data = (18).to_bytes(2, "big") + bytes.fromhex("700003000000000a") + bytes(4) + b"\x11\0" + bytes(4)
        return [Send(pdu, bad_data=True)]

    lab.play.when_sending(Op.SCSI_RESPONSE, failing, nth=1)
    lab.finish(lab.write(0, DATA))
    assert lab.host.problems[-1].code == "DigestError"


def test_no_digests_where_the_target_wants_none(make_lab: MakeLab):
    """13.1: None was agreed: not a byte more."""
    parameters = {"HeaderDigest": "None", "DataDigest": "None"}
    lab = make_lab(settings={"header_digest": ("CRC32C", "None")}, parameters=parameters).up()
    lab.finish(lab.write(0, DATA))
    assert lab.host.agreed["HeaderDigest"] == "None"


def test_read_flags(make_lab: MakeLab):
    """11.3.1: a read says R and F, never W."""
    lab = make(make_lab)
    lab.finish(lab.read(0))
    assert lab.received(Op.SCSI_COMMAND)[0].flags & 0xE0 == F | READ
