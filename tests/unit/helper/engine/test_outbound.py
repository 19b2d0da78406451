# SPDX-License-Identifier: Apache-2.0
"""What a connection sends: commands with their data, R2Ts answered, digests, padding."""

import random

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine.pdu import nop_out
from support.wire import LUN, NO_TAG, Wire

DIGESTS = [{}, {"header_digest": True}, {"data_digest": True}, {"header_digest": True, "data_digest": True}]
NOISE = random.Random(7).randbytes(1 << 20)


def refused(wire, *pdus):
    with pytest.raises(Problem) as caught:
        wire.give(*pdus)
    return caught.value.code


def test_an_r2t_that_comes_twice_is_answered_once():
    wire = Wire(immediate_data=False, initial_r2t=True)
    wire.write(NOISE[:1024])
    itt = wire.one().itt
    wire.give(wire.r2t(itt, 0, 512), wire.r2t(itt, 512, 512, sn=1), wire.r2t(itt, 0, 512))
    assert [pdu.data for pdu in wire.sent()] == [NOISE[:512], NOISE[512:1024]]


def asked(**parameters):
    wire = Wire(immediate_data=False, initial_r2t=True, max_send=4096, max_burst_length=16384, **parameters)
    wire.write(NOISE[:40960])
    return wire, wire.one().itt


@pytest.mark.parametrize("digests", DIGESTS)
@pytest.mark.parametrize("length", [5, 7, 24])
def test_what_we_send_is_padded_with_zeros_within_its_digest(digests, length):
    """11: to a multiple of four; `sent` reads the padding and compares digests."""
    wire = Wire(**digests)
    wire.session.command(wire.unit, wire.asker, 1, b"\x42" + bytes(15), NOISE[:length])
    wire.connection.out.flush(wire.sink)
    assert bytes(wire.sink.data)[wire.connection._header_size :][length : (length + 3) & -4] == bytes(-length % 4)
    assert wire.one().data == NOISE[:length]


@pytest.mark.parametrize("digests", DIGESTS)
@pytest.mark.parametrize("data", [b"", b"ping", b"pings"])
def test_any_other_pdu_leaves_with_its_data(digests, data):
    wire = Wire(**digests)
    header = nop_out(itt=5, cmd_sn=7, exp_stat_sn=9, data_length=len(data))
    wire.connection.put(header, data)
    sent = wire.one()
    assert (sent.header, sent.data) == (header, data)


@pytest.mark.parametrize("digests", [{}, {"header_digest": True}])
def test_more_headers_than_one_buffer_holds_leave_in_order(digests):
    """A socket that takes nothing: thousands of Data-Out wait, then commands of each kind behind them."""
    wire = Wire(immediate_data=False, initial_r2t=True, max_send=512, max_burst_length=1 << 20, window=100, **digests)
    wire.write(NOISE, cookie=1)
    (first,) = wire.sent()
    wire.give(wire.r2t(first.itt, 0, len(NOISE) - 512 * 700))
    for cookie in range(30):
        wire.read(cookie=cookie)
        wire.write(NOISE[:512], cookie=cookie)
        wire.session.command(wire.unit, wire.asker, cookie, b"\x91" + bytes(15))
    (*outs,) = found = wire.sent()
    outs, commands = outs[:-90], found[-90:]
    assert b"".join(out.data for out in outs) == NOISE[: -512 * 700]
    assert [out.word(36) for out in outs] == list(range(len(outs)))
    assert [command.cmd_sn for command in commands] == list(range(first.cmd_sn + 1, first.cmd_sn + 91))
    assert [command.cdb[0] for command in commands] == [0x88, 0x8A, 0x91] * 30


@pytest.mark.parametrize("digests", DIGESTS)
@pytest.mark.parametrize(
    ("initial_r2t", "immediate_data", "length", "immediate", "unasked"),
    [
        (True, False, 20480, 0, []),
        (True, True, 20480, 4096, []),
        (True, True, 2048, 2048, []),
        (False, False, 20480, 0, [4096, 4096, 2048]),
        (False, True, 20480, 4096, [4096, 2048]),
        (False, True, 10240, 4096, [4096, 2048]),
        (False, True, 4096, 4096, []),
        (False, False, 2048, 0, [2048]),
    ],
)
def test_the_four_combinations(initial_r2t, immediate_data, length, immediate, unasked, digests):
    """FirstBurstLength 10240; what goes unasked is all of it or all data, cut by the target's limit of 4096."""
    wire = Wire(
        initial_r2t=initial_r2t, immediate_data=immediate_data, first_burst_length=10240, max_send=4096, **digests
    )
    data = NOISE[:length]
    wire.write(data)
    command, *rest = wire.sent()
    assert (command.opcode, command.word(20), command.data) == (0x01, length, data[:immediate])
    assert command.final is not bool(unasked)
    assert [len(pdu.data) for pdu in rest] == unasked
    at = immediate
    for number, pdu in enumerate(rest):
        assert (pdu.opcode, pdu.itt, pdu.word(20)) == (0x05, command.itt, NO_TAG)
        assert (pdu.word(36), pdu.word(40)) == (number, at)
        assert pdu.data == data[at : at + len(pdu.data)]
        assert pdu.final is (number == len(rest) - 1)
        at += len(pdu.data)


def test_a_first_burst_below_the_targets_limit_bounds_immediate_data():
    wire = Wire(first_burst_length=512, max_send=8192, initial_r2t=True)
    wire.write(NOISE[:4096])
    assert len(wire.one().data) == 512


@pytest.mark.parametrize("digests", DIGESTS)
def test_r2ts_are_answered_each_with_its_own_sequence(digests):
    wire, itt = asked(**digests)
    wire.give(wire.r2t(itt, 24576, 16384, sn=0, ttt=5), wire.r2t(itt, 0, 10000, sn=1, ttt=6))
    sent = wire.sent()
    assert [(p.word(20), p.word(36), p.word(40), len(p.data), p.final) for p in sent] == [
        (5, 0, 24576, 4096, False), (5, 1, 28672, 4096, False), (5, 2, 32768, 4096, False), (5, 3, 36864, 4096, True),
        (6, 0, 0, 4096, False), (6, 1, 4096, 4096, False), (6, 2, 8192, 1808, True),
    ]  # fmt: skip
    assert all(p.data == NOISE[p.word(40) :][: len(p.data)] and p.itt == itt and p.lun == LUN for p in sent)
    wire.give(wire.r2t(itt, 10000, 14576, sn=2), wire.response(itt))
    assert b"".join(p.data for p in wire.sent()) == NOISE[10000:24576]
    assert wire.asker.errors == [0]


@pytest.mark.parametrize(
    "fields",
    [
        {"offset": 32768, "length": 16384},  # over the end
        {"offset": 0, "length": 0},
        {"offset": 0, "length": 20480},  # more than MaxBurstLength
        {"offset": 0, "length": 512, "ttt": NO_TAG},
        {"offset": 0, "length": 512, "sn": 1},
        {"offset": 0, "length": 512, "lun": LUN * 2},
        {"offset": 0xFFFFFE00, "length": 512},
    ],
)
def test_an_r2t_for_what_is_not_there_is_refused(fields):
    wire, itt = asked()
    assert refused(wire, wire.r2t(itt, **fields)) == "ProtocolError"
    assert wire.sent() == []


def test_data_is_not_asked_for_without_end():
    """4.2.5.2: as often as the target likes, as long as it takes it."""
    wire, itt = asked()
    wire.session.most_unsent = 40000
    for number in range(12):
        wire.give(wire.r2t(itt, 0, 16384, sn=number))
        assert b"".join(pdu.data for pdu in wire.sent()) == NOISE[:16384]
    wire.sink.room = 0
    for number in range(12, 14):
        wire.give(wire.r2t(itt, 0, 16384, sn=number))
    assert refused(wire, wire.r2t(itt, 0, 16384, sn=14)) == "ProtocolError"


def test_data_is_not_asked_for_in_crumbs_without_end():
    """Each piece costs much more memory than a crumb of data has, also when it is asked for the first time."""
    wire, itt = asked()
    wire.session.most_unsent = 40000
    wire.sink.room = 0
    assert refused(wire, *(wire.r2t(itt, number, 1, sn=number) for number in range(40960))) == "ProtocolError"
    wire.connection.out.flush(wire.sink)
    assert 20000 < wire.connection.out.kept < 80000


def test_data_is_asked_for_again_over_a_line_that_is_never_idle():
    wire, itt = asked()
    wire.session.most_unsent = 40000
    wire.sink.room = 0
    wire.give(wire.r2t(itt, 0, 4096))
    for number in range(1, 100):
        wire.give(wire.r2t(itt, 0, 4096, sn=number))
        wire.sink.room = 48 + 4096
        assert not wire.connection.out.flush(wire.sink)
    wire.sink.room = 1 << 20
    assert b"".join(pdu.data for pdu in wire.sent()) == NOISE[:4096] * 100


def test_a_slots_r2ts_are_counted_from_0_for_each_command():
    wire = Wire(settings={"queue_depth": 1}, immediate_data=False)
    for _ in range(3):
        wire.write(NOISE[:4096])
        itt = wire.one().itt
        wire.give(wire.r2t(itt, 0, 4096, sn=0))
        assert wire.one().data == NOISE[:4096]
        wire.give(wire.response(itt))
    assert wire.asker.errors == [0, 0, 0]


def test_what_the_socket_does_not_take_waits_unchanged():
    wire = Wire(max_send=262144, first_burst_length=262144)
    wire.sink.room = 1000
    wire.write(NOISE[:4096], cookie=1)
    assert not wire.connection.out.flush(wire.sink)
    assert wire.connection.out.waiting == 48 + 4096 - 1000
    for lba in range(200):
        wire.read(lba=lba, cookie=lba) if wire.session.free else None
    wire.sink.room = 1 << 40
    write, *reads = wire.sent()
    assert write.data == NOISE[:4096]
    assert [int.from_bytes(pdu.cdb[2:10], "big") for pdu in reads] == list(range(31))
