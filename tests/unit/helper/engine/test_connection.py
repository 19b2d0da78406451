# SPDX-License-Identifier: Apache-2.0
"""Bytes to tasks and back: every cut of the stream, digests, the rules of Data-In, R2T and unasked data."""

import errno
import random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lundock.helper.api.errors import Problem
from lundock.helper.api.statistics import bucket
from lundock.helper.engine.extents import most_extents
from support.wire import CHECK, LUN, NO_TAG, Wire, sense

DIGESTS = [{}, {"header_digest": True}, {"data_digest": True}, {"header_digest": True, "data_digest": True}]
NOISE = random.Random(7).randbytes(1 << 20)


def refused(wire, *pdus):
    with pytest.raises(Problem) as caught:
        wire.give(*pdus)
    return caught.value.code


# ---- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digests", DIGESTS)
@pytest.mark.parametrize("chunk", [1, 3, 47, 48, 49, 52, 100, 4096, 5000, 1 << 20])
def test_reads_arrive_whole_however_the_stream_is_cut(chunk, digests):
    wire = Wire(chunk=chunk, **digests)
    for cookie in range(3):
        wire.read(blocks=8, cookie=cookie)
    one, two, three = (pdu.itt for pdu in wire.sent())
    data = [NOISE[4096 * i :][:4096] for i in range(3)]
    wire.give(
        wire.data_in(two, data[1], last=True),
        wire.data_in(one, data[0][:1000]),
        wire.data_in(three, data[2]),
        wire.data_in(one, data[0][1000:], 1000, sn=1, last=True),
        wire.response(three),
    )
    assert wire.asker.ended == [(1, 0, data[1]), (0, 0, data[0]), (2, 0, data[2])]


@pytest.mark.parametrize("digests", DIGESTS)
@pytest.mark.parametrize("chunk", [1009, 16384, 65536, 300000, 1 << 20])
def test_large_reads_go_straight_to_their_place(chunk, digests):
    wire = Wire(chunk=chunk, **digests)
    wire.read(blocks=1024, cookie=1)
    wire.read(blocks=8, cookie=2)
    wire.read(blocks=600, cookie=3)
    large, small, other = (pdu.itt for pdu in wire.sent())
    wire.give(
        wire.data_in(large, NOISE[:262144]),
        wire.data_in(small, NOISE[:4096], last=True),
        wire.data_in(large, NOISE[262144:524288], 262144, sn=1, last=True),
        wire.data_in(other, NOISE[:262144]),
        wire.data_in(other, NOISE[262144:307200], 262144, sn=1, last=True),
    )
    assert wire.asker.ended == [(2, 0, NOISE[:4096]), (1, 0, NOISE[:524288]), (3, 0, NOISE[:307200])]


@pytest.mark.parametrize("digests", DIGESTS)
@pytest.mark.parametrize("missing", range(1, 30))
def test_a_payload_that_ends_where_the_buffer_does(missing, digests):
    """Its pad and its digest have room behind it."""
    wire = Wire(**digests)
    wire.read(blocks=512)
    itt, size = wire.one().itt, 262144 - 32 - missing
    wire.give(wire.data_in(itt, NOISE[:size]), wire.data_in(itt, NOISE[size:262144], size, sn=1, last=True))
    assert wire.asker.ended == [(1, 0, NOISE[:262144])]


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_mixture_of_sizes_and_cuts(data):
    digests = data.draw(st.sampled_from(DIGESTS))
    wire = Wire(chunk=data.draw(st.integers(1, 200_000)), **digests)
    sizes = data.draw(st.lists(st.integers(1, 400), min_size=1, max_size=6))
    for cookie, blocks in enumerate(sizes):
        wire.read(blocks=blocks, cookie=cookie)
    queues = []
    for command, blocks in zip(wire.sent(), sizes, strict=True):
        size, at, pieces = blocks * 512, 0, []
        while at < size:
            step = min(data.draw(st.integers(1, 262144)), size - at)
            pieces.append((command.itt, NOISE[at : at + step], at, len(pieces), at + step == size))
            at += step
        queues.append(pieces)
    stream = []
    while any(queues):
        queue = data.draw(st.sampled_from([q for q in queues if q]))
        itt, part, at, sn, last = queue.pop(0)
        stream.append(wire.data_in(itt, part, at, sn=sn, last=last))
    wire.give(*stream)
    assert sorted(wire.asker.ended) == [(i, 0, NOISE[: blocks * 512]) for i, blocks in enumerate(sizes)]


def test_what_came_with_the_login_is_taken():
    wire = Wire()
    wire.read()
    itt = wire.one().itt
    raw = wire.data_in(itt, NOISE[:4096], last=True)
    buffer = wire.connection._view
    buffer[:100] = raw[:100]
    wire.connection._filled = 100
    wire.connection.received(0, 0.0)
    wire.give(raw[100:])
    assert wire.asker.ended == [(1, 0, NOISE[:4096])]


@pytest.mark.parametrize("chunk", [1 << 20, 48, 50])
def test_an_additional_header_segment_is_skipped(chunk):
    wire = Wire()
    wire.read()
    raw = bytearray(wire.data_in(wire.one().itt, NOISE[:4096], last=True))
    raw[4] = 2
    raw[48:48] = bytes(8)
    wire.give(bytes(raw))
    assert wire.asker.ended == [(1, 0, NOISE[:4096])]


@pytest.mark.parametrize(
    "bad",
    [
        lambda wire, itt: wire.data_in(itt, NOISE[:4096], 512),  # out of order, and over the end
        lambda wire, itt: wire.data_in(itt, NOISE[:512], 512),  # a hole
        lambda wire, itt: wire.data_in(itt, NOISE[:8192]),  # more than was asked for
        lambda wire, itt: wire.data_in(itt, b"", 0xFFFFFFFF),
        lambda wire, itt: wire.data_in(itt ^ 1, NOISE[:512]),  # no such slot is in use
        lambda wire, itt: wire.data_in(itt + 4096, NOISE[:512]),  # a tag that comes later
        lambda wire, itt: wire.data_in(NO_TAG, NOISE[:512]),
        lambda wire, itt: wire.response(itt ^ 1),
        lambda wire, itt: wire.r2t(itt, 0, 512),  # a read sends nothing
        lambda wire, itt: wire.pdu(0x20, 0x80, itt=itt, stat_sn=wire.stat_sn),
    ],
)
def test_what_no_command_asked_for_ends_the_connection(bad):
    wire = Wire()
    wire.read()
    assert refused(wire, bad(wire, wire.one().itt)) == "ProtocolError"
    assert wire.asker.ended == []


def test_more_than_we_take_at_once_is_refused_before_it_is_received():
    wire = Wire(max_recv=8192)
    wire.read(blocks=64)
    header = wire.data_in(wire.one().itt, NOISE[:8196])[:48]
    assert refused(wire, header) == "ProtocolError"


def test_a_long_message_of_another_kind_is_refused():
    wire = Wire(max_recv=1 << 24)
    header = wire.pdu(0x32, 0x80, stat_sn=wire.stat_sn, data=bytes(1 << 19))[:48]
    assert refused(wire, header) == "ProtocolError"


def test_data_for_a_write_is_refused():
    wire = Wire()
    wire.write(NOISE[:4096])
    assert refused(wire, wire.data_in(wire.one().itt, NOISE[:512])) == "ProtocolError"


@pytest.mark.parametrize("fields", [{"flags": 0x02, "residual": 512}, {"flags": 0x04, "residual": 1}, {}])
def test_a_short_read_is_an_error(fields):
    wire = Wire()
    wire.read(blocks=8)
    wire.give(wire.data_in(wire.one().itt, NOISE[:3584], last=True, **fields))
    assert wire.asker.errors == [errno.EIO]


def test_data_in_any_order_where_that_was_agreed():
    wire = Wire(data_pdu_in_order=False)
    wire.read(blocks=8)
    itt = wire.one().itt
    wire.give(
        wire.data_in(itt, NOISE[3000:4096], 3000),
        wire.data_in(itt, NOISE[:1000], sn=1),
        wire.data_in(itt, NOISE[1000:3000], 1000, sn=2, last=True),
    )
    assert wire.asker.ended == [(1, 0, NOISE[:4096])]


def test_in_any_order_there_is_a_limit_to_gaps():
    """The target chooses how small its pieces are; what is remembered of them is bounded by what the read is long."""
    wire = Wire(data_pdu_in_order=False)
    wire.read(blocks=64)
    itt = wire.one().itt
    most = most_extents(32768)
    wire.give(*(wire.data_in(itt, b"x", 2 * n, sn=n) for n in range(most)))
    assert refused(wire, wire.data_in(itt, b"x", 2 * most, sn=most)) == "ProtocolError"


def test_in_any_order_the_smallest_segments_may_come_in_the_worst_one():
    wire = Wire(data_pdu_in_order=False, max_recv=512, window=1)
    wire.read(blocks=2048)
    itt, places = wire.one().itt, [*range(0, 1 << 20, 1024), *range(512, 1 << 20, 1024)]
    wire.give(*(wire.data_in(itt, NOISE[at : at + 512], at, sn=n) for n, at in enumerate(places)), wire.response(itt))
    assert wire.asker.ended == [(1, 0, NOISE)]


def test_in_any_order_a_slot_forgets_the_places_of_its_last_use():
    wire = Wire(settings={"queue_depth": 1}, data_sequence_in_order=False)
    for _ in range(2):
        wire.read(blocks=8)
        wire.give(wire.data_in(wire.one().itt, NOISE[:4096], last=True))
        wire.read(blocks=8)
        itt = wire.one().itt
        wire.give(wire.data_in(itt, NOISE[512:4096], 512), wire.data_in(itt, NOISE[:512], sn=1, last=True))
    assert wire.asker.ended == [(1, 0, NOISE[:4096])] * 4


def test_the_same_data_twice_does_not_count_twice():
    wire = Wire(data_pdu_in_order=False)
    wire.read(blocks=8)
    itt = wire.one().itt
    wire.give(wire.data_in(itt, NOISE[:2048]))
    assert refused(wire, wire.data_in(itt, NOISE[:2048], 1024, sn=1, last=True)) == "ProtocolError"


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("size", [2048, 262144])
def test_data_sn_counts_up_and_tells_what_is_missing(size, in_order):
    """4.2.2.4, 7.9: from 0 for each command, whatever the offsets; what came before is discarded."""
    wire = Wire(data_pdu_in_order=in_order, chunk=16384)
    for cookie in (1, 2):
        wire.read(blocks=2 * size // 512, cookie=cookie)
        itt = wire.one().itt
        wire.give(
            wire.data_in(itt, NOISE[:size]),
            wire.data_in(itt, NOISE[:size]),
            wire.data_in(itt, NOISE[size : 2 * size], size, sn=1, last=True),
        )
    assert wire.asker.ended == [(1, 0, NOISE[: 2 * size]), (2, 0, NOISE[: 2 * size])]
    wire.read(blocks=2 * size // 512, cookie=3)
    itt = wire.one().itt
    wire.give(wire.data_in(itt, NOISE[:size]))
    assert refused(wire, wire.data_in(itt, NOISE[size : 2 * size], size, sn=2, last=True)) == "ProtocolError"


def test_exp_data_sn_tells_what_is_missing():
    """7.9, 11.4.8: more Data-In PDUs than came; a target that leaves it 0 loses nothing."""
    wire = Wire()
    for expected in (0, 1):
        wire.read(blocks=8)
        itt = wire.one().itt
        wire.give(wire.data_in(itt, NOISE[:4096]), wire.response(itt, exp_data_sn=expected))
    assert wire.asker.ended == [(1, 0, NOISE[:4096])] * 2
    wire.read(blocks=8)
    itt = wire.one().itt
    assert refused(wire, wire.data_in(itt, NOISE[:4096]), wire.response(itt, exp_data_sn=2)) == "ProtocolError"


@pytest.mark.parametrize("digests", [{}, {"header_digest": True, "data_digest": True}])
@pytest.mark.parametrize("size", [4096, 262144])
def test_the_window_comes_with_whole_messages_only(size, digests):
    """4.2.2.1: what ExpCmdSN and MaxCmdSN a header has counts when all of the PDU is there and undamaged."""
    wire = Wire(**digests)
    wire.read(blocks=2 * size // 512)
    itt = wire.one().itt
    wire.give(wire.data_in(itt, NOISE[:size]))
    before = wire.session._max_cmd_sn
    wire.max_cmd_sn += 5
    raw = wire.data_in(itt, NOISE[size : 2 * size], size, sn=1, last=True)
    for start, end in ((0, 48), (48, 60), (60, len(raw) - 1)):
        wire.give(raw[start:end])
        assert wire.session._max_cmd_sn == before
    wire.give(raw[-1:])
    assert wire.session._max_cmd_sn == wire.max_cmd_sn
    assert wire.asker.ended == [(1, 0, NOISE[: 2 * size])]


@pytest.mark.parametrize("size", [4096, 262144])
@pytest.mark.parametrize("spoil", ["header", "data"])
def test_the_window_is_not_taken_from_a_damaged_message(size, spoil):
    wire = Wire(header_digest=True, data_digest=True)
    wire.read(blocks=size // 512)
    itt = wire.one().itt
    before = wire.session._max_cmd_sn
    wire.max_cmd_sn += 5
    assert refused(wire, wire.data_in(itt, NOISE[:size], last=True, spoil=spoil)) == "DigestError"
    assert wire.session._max_cmd_sn == before


@pytest.mark.parametrize("where", ["header", "data"])
@pytest.mark.parametrize("size", [4096, 262144])
@pytest.mark.parametrize("chunk", [1 << 20, 20000])
def test_damage_is_seen_and_not_handed_on(where, size, chunk):
    wire = Wire(header_digest=True, data_digest=True, chunk=chunk)
    wire.read(blocks=size // 512)
    itt = wire.one().itt
    with pytest.raises(Problem) as caught:
        wire.give(wire.data_in(itt, NOISE[:size], last=True, spoil=where))
    assert caught.value.code == "DigestError"
    assert caught.value.attrs["where"] == where
    assert wire.asker.ended == []


def test_what_ended_before_something_wrong_came_is_counted():
    wire = Wire()
    wire.read(blocks=8, cookie=1)
    wire.write(NOISE[:512], cookie=2)
    wire.read(blocks=8, cookie=3)
    read, write, _ = (pdu.itt for pdu in wire.sent())
    good = [wire.data_in(read, NOISE[:4096], last=True), wire.response(write)]
    assert refused(wire, *good, wire.pdu(0x3A, 0x80)) == "ProtocolError"
    assert wire.asker.ended == [(1, 0, NOISE[:4096]), (2, 0, b"")]
    assert list(wire.session.statistics.disk(LUN).counters)[:4] == [1, 4096, 1, 512]
    assert wire.unit.in_flight == 1


def test_status_before_the_end_of_the_data_is_refused():
    wire = Wire()
    wire.read()
    itt = wire.one().itt
    assert refused(wire, wire.pdu(0x25, 0x01, itt=itt, stat_sn=wire.stat_sn, data=NOISE[:512])) == "ProtocolError"
    assert wire.asker.ended == []


def test_the_last_data_twice_is_refused_with_its_status():
    wire = Wire()
    wire.read()
    itt = wire.one().itt
    again = wire.data_in(itt, NOISE[:512], last=True)
    assert refused(wire, wire.data_in(itt, NOISE[:512]), again) == "ProtocolError"


def test_an_empty_piece_of_data_counts_in_its_numbers():
    """11.7.7: and moves nothing."""
    wire = Wire()
    wire.read()
    itt = wire.one().itt
    pieces = [
        wire.data_in(itt, b""),
        wire.data_in(itt, NOISE[:4096], sn=1),
        wire.data_in(itt, b"", 4096, sn=2, last=True),
    ]
    wire.give(*pieces)
    assert wire.asker.ended == [(1, 0, NOISE[:4096])]


def test_commands_of_several_rounds_and_kinds_are_counted_each_with_its_time():
    wire = Wire()
    for now in (1.0, 2.0):
        wire.session.now = now
        wire.read()
        wire.write(NOISE[:512])
    one, two, three, four = (pdu.itt for pdu in wire.sent())
    answers = [wire.data_in(itt, NOISE[:4096], last=True) for itt in (one, three)]
    wire.give(*answers, wire.response(two), wire.response(four), now=4.0)
    disk = wire.session.statistics.disk(LUN)
    assert list(disk.counters)[:4] == [2, 8192, 2, 1024]
    for counted in (disk.reads, disk.writes):
        assert [counted[bucket(seconds)] for seconds in (3.0, 2.0)] == [1, 1]
    assert wire.unit.in_flight == 0


@pytest.mark.parametrize("spoil", ["", "data"])
def test_sense_data_has_a_digest_too(spoil):
    wire = Wire(data_digest=True)
    wire.read()
    answer = wire.pdu(
        0x21, 0x80, b3=CHECK, itt=wire.one().itt, stat_sn=wire.next_stat_sn(), data=sense(3, 0x11, 0), spoil=spoil
    )
    if spoil:
        assert refused(wire, answer) == "DigestError"
        assert wire.asker.ended == []
    else:
        wire.give(answer)
        assert wire.asker.errors == [errno.EIO]


def test_an_r2t_for_a_task_that_was_aborted_is_passed_over():
    wire = Wire(settings={"command_timeout": 10, "ping_interval": 0}, immediate_data=False, initial_r2t=True)
    wire.write(NOISE[:512])
    command = wire.one()
    wire.session.on_timer(10.1)
    abort = wire.one()
    wire.give(wire.pdu(0x22, 0x80, itt=abort.itt, stat_sn=wire.next_stat_sn()))
    again = wire.one()
    wire.give(wire.r2t(command.itt, 0, 512))
    assert wire.sent() == []
    wire.give(wire.r2t(again.itt, 0, 512))
    assert wire.one().data == NOISE[:512]


def test_status_numbers_that_jump_far_are_refused():
    wire = Wire()
    wire.write(NOISE[:512])
    wire.stat_sn += 100_000
    assert refused(wire, wire.response(wire.one().itt)) == "ProtocolError"


# ---- writing: unasked data (4.2.5.2, 11.3.4) ---------------------------------------------------------------------


# ---- writing: R2T (11.8) -----------------------------------------------------------------------------------------
