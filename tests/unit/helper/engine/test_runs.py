# SPDX-License-Identifier: Apache-2.0
"""Runs: what they ask is what was asked for one by one, and what they take in ends as it does one by one."""

import random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lundock.helper.api.errors import Problem
from lundock.helper.engine import runs
from support.wire import BUSY, Asker, Wire

DIGESTS = [{}, {"header_digest": True}, {"data_digest": True}, {"header_digest": True, "data_digest": True}]
NOISE = random.Random(11).randbytes(1 << 16)
NUMBER, BLOCKS, LENGTH = 6, 2, 1024
LBAS = [2 * (n * 7 % NUMBER) for n in range(NUMBER)]
COOKIES = [50 + n for n in range(NUMBER)]
PIECES = [NOISE[n : n + LENGTH] for n in range(NUMBER)]


def ask(wire, *, write):
    if write:
        runs.writes(wire.session, wire.unit, wire.asker, COOKIES, LBAS, BLOCKS, PIECES)
    else:
        runs.reads(wire.session, wire.unit, wire.asker, COOKIES, LBAS, BLOCKS, LENGTH)


def ask_singly(wire, *, write):
    for cookie, lba, piece in zip(COOKIES, LBAS, PIECES, strict=True):
        if write:
            wire.write(piece, lba, cookie)
        else:
            wire.read(lba, BLOCKS, cookie)


def answer(wire, command, *, write, **words):
    data = NOISE[command.cmd_sn :][:LENGTH]
    return wire.response(command.itt, **words) if write else wire.data_in(command.itt, data, last=True, **words)


@pytest.mark.parametrize("digests", DIGESTS)
@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    "parameters", [{}, {"immediate_data": False, "initial_r2t": True}, {"first_burst_length": 512}]
)
def test_the_commands_of_a_run_are_those_of_so_many_single_ones(digests, write, parameters):
    together, singly = (Wire(**digests, **parameters) for _ in range(2))
    ask(together, write=write)
    ask_singly(singly, write=write)
    assert together.unit.in_flight == singly.unit.in_flight == NUMBER
    found, expected = together.sent(), singly.sent()
    for pdu in (*found, *expected):  # slots, and with them tags, are used in another order
        assert pdu.header[16:20] != b"\xff\xff\xff\xff"
    assert [(pdu.header[:16], pdu.header[20:], pdu.data) for pdu in found] == [
        (pdu.header[:16], pdu.header[20:], pdu.data) for pdu in expected
    ]
    assert len({pdu.itt for pdu in found if pdu.opcode == 1}) == NUMBER


@pytest.mark.parametrize("write", [False, True])
def test_a_run_that_the_window_does_not_take_waits_and_goes_in_order(write):
    wire = Wire(window=NUMBER - 2)
    ask(wire, write=write)
    first = [pdu for pdu in wire.sent() if pdu.opcode == 1]
    assert [pdu.cmd_sn for pdu in first] == list(range(100, 100 + NUMBER - 2))
    wire.exp_cmd_sn += NUMBER - 2
    wire.max_cmd_sn += NUMBER
    wire.give(*(answer(wire, pdu, write=write) for pdu in first))
    rest = [pdu for pdu in wire.sent() if pdu.opcode == 1]
    wire.give(*(answer(wire, pdu, write=write) for pdu in rest))
    assert [cookie for cookie, _, _ in wire.asker.ended] == COOKIES


@pytest.mark.parametrize("digests", DIGESTS)
@pytest.mark.parametrize("write", [False, True])
def test_a_run_answered_in_any_order_ends_well_and_is_counted(digests, write):
    wire = Wire(**digests)
    ask(wire, write=write)
    commands = wire.sent()
    random.Random(3).shuffle(commands)
    wire.exp_cmd_sn += NUMBER
    wire.max_cmd_sn += NUMBER + 5
    wire.give(*(answer(wire, command, write=write) for command in commands), now=1.0)
    expected = [
        (50 + command.cmd_sn - 100, 0, b"" if write else NOISE[command.cmd_sn :][:LENGTH]) for command in commands
    ]
    assert wire.asker.ended == expected
    counters = wire.unit.counters.counters
    assert list(counters[:4]) == ([0, 0, NUMBER, NUMBER * LENGTH] if write else [NUMBER, NUMBER * LENGTH, 0, 0])
    assert wire.unit.in_flight == 0
    assert wire.session.unused
    assert wire.connection.exp_stat_sn == wire.stat_sn
    assert wire.session.credit == NUMBER + 5 + 26


@pytest.mark.parametrize("write", [False, True])
def test_answers_to_two_runs_side_by_side(write):
    wire = Wire(window=64)
    ask(wire, write=write)
    wire.session.now = 2.0
    ask(wire, write=write)
    wire.give(*(answer(wire, command, write=write) for command in wire.sent()), now=3.0)
    assert [cookie for cookie, _, _ in wire.asker.ended] == COOKIES * 2
    histogram = wire.unit.counters.writes if write else wire.unit.counters.reads
    assert sorted(n for n in histogram if n) == [NUMBER, NUMBER]  # a second and three
    assert wire.session.unused


@pytest.mark.parametrize("write", [False, True])
def test_each_owner_is_told_of_its_own(write):
    wire, other = Wire(window=64), Asker()
    ask(wire, write=write)
    mine, wire.asker = wire.asker, other
    ask(wire, write=write)
    commands = wire.sent()
    random.Random(5).shuffle(commands)
    wire.give(*(answer(wire, command, write=write) for command in commands))
    for asker, first in ((mine, 100), (other, 100 + NUMBER)):
        assert [cookie for cookie, _, _ in asker.ended] == [
            50 + command.cmd_sn - first for command in commands if 0 <= command.cmd_sn - first < NUMBER
        ]
        assert asker.errors == [0] * NUMBER
    assert wire.session.unused


def test_status_numbers_of_a_run_go_on_from_zero():
    wire = Wire()
    wire.stat_sn = 0xFFFFFFFD
    wire.connection.exp_stat_sn = wire.stat_sn
    ask(wire, write=False)
    commands = wire.sent()
    answers = []
    for command in commands:
        answers.append(answer(wire, command, write=False))
        wire.stat_sn &= 0xFFFFFFFF
    wire.give(*answers)
    assert len(wire.asker.ended) == NUMBER
    assert wire.connection.exp_stat_sn == 3


#: What may be wrong with one answer of a run.
FAULTS = {
    "none": {},
    "busy": {"status": BUSY},
    "residual": {"flags": 0x02, "residual": 512},
    "other tag": {"tag": 0x123},
    "again": {"again": True},
    "status number": {"jump": 1},
    "old status number": {"jump": -3},
    "data number": {"sn": 1},
    "offset": {"offset": 512},
    "header digest": {"spoil": "header"},
    "data digest": {"spoil": "data"},
    "short": {"short": 512},
    "odd": {"short": 3},
    "long": {"short": -4},
    "in pieces": {"pieces": True},
    "piece before": {"before": 512},
    "nothing before": {"before": 0},
    "window gone back": {"window": -3},
    "window far on": {"window": 1 << 30},
    "window of a broken target": {"window": -2000},
    "R2T": {"r2t": True},
    "the other kind": {"other": True},
    "a reserved byte": {"b2": 5},
}


def spoilt(wire, command, *, write, fault):
    words = dict(fault)
    tag = words.pop("tag", command.itt)
    wire.stat_sn += words.pop("jump", 0)
    wire.max_cmd_sn = (command.cmd_sn + 40 + words.pop("window", 0)) & 0xFFFFFFFF
    if words.pop("r2t", False):
        return wire.r2t(tag, 0, 512)
    if words.pop("other", False):
        return answer(wire, command, write=not write)
    if "b2" in words:
        data = b"" if write else NOISE[command.cmd_sn :][:LENGTH]
        return wire.pdu(0x21 if write else 0x25, 0x81, itt=tag, stat_sn=wire.next_stat_sn(), data=data, **words)
    if words.pop("again", False):
        return answer(wire, command, write=write) * 2
    short = words.pop("short", 0)
    data = NOISE[command.cmd_sn :][: LENGTH - short]
    if "before" in words:
        return wire.data_in(tag, data[: words.pop("before")]) + wire.data_in(tag, data, last=True)
    if words.pop("pieces", False):
        return wire.data_in(tag, data[:512]) + wire.data_in(tag, data[512:], 512, sn=1, last=True)
    if not write:
        return wire.data_in(tag, data, words.pop("offset", 0), last=True, **words)
    words = {key: value for key, value in words.items() if key in {"status", "flags", "residual"}}
    return wire.response(tag, **words)


def outcome(data, *, write, digests, faults, chunk):
    """What becomes of a run whose answers come in such pieces: ends, errors, events, what is free, what is counted."""
    wire = Wire(chunk=chunk, **digests)
    ask(wire, write=write)
    commands = wire.sent()
    data.shuffle(commands)
    raw = [spoilt(wire, command, write=write, fault=FAULTS[f]) for command, f in zip(commands, faults, strict=True)]
    try:
        wire.give(*raw, now=1.0)
        code = ""
    except Problem as problem:
        code = problem.code
    counters = wire.unit.counters
    # Of a broken connection they are void.
    numbers = () if code else (wire.session.credit, wire.connection.exp_stat_sn)
    return (
        code, wire.asker.ended, wire.above.events, len(wire.session.free), wire.unit.in_flight, list(counters.counters),
        list(counters.reads), list(counters.writes), *numbers,
    )  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("digests", [DIGESTS[0], DIGESTS[3]])
def test_one_odd_answer_in_a_run_is_taken_as_if_it_had_come_byte_by_byte(digests, write, fault):
    faults = ["none", "none", fault, "none", "none", "none"]
    whole, single = (
        outcome(random.Random(2), write=write, digests=digests, faults=faults, chunk=size) for size in (1 << 20, 1)
    )
    assert whole == single


@hypothesis_settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 1 << 16),
    st.booleans(),
    st.sampled_from(DIGESTS),
    st.lists(st.sampled_from(["none", "none", "none", *FAULTS]), min_size=NUMBER, max_size=NUMBER),
    st.integers(1, 9000),
)
def test_whatever_is_answered_ends_as_if_it_had_come_byte_by_byte(seed, write, digests, faults, chunk):
    whole, cut, single = (
        outcome(random.Random(seed), write=write, digests=digests, faults=faults, chunk=size)
        for size in (1 << 20, chunk, 1)
    )
    assert whole == single
    assert cut == single


@pytest.mark.parametrize("write", [False, True])
def test_of_windows_that_come_together_the_widest_holds(write):
    """4.2.2.1: a MaxCmdSN below one that came before, or below ExpCmdSN - 1, says nothing."""
    wire = Wire(window=64)
    ask(wire, write=write)
    answers = []
    for command, top in zip(wire.sent(), (200, 230, 220, 219, 221, 90), strict=True):
        wire.max_cmd_sn = top
        answers.append(answer(wire, command, write=write))
    wire.give(*answers)
    assert wire.session.credit == 230 - (100 + NUMBER) + 1


def test_a_read_of_which_something_came_is_not_answered_as_if_nothing_had():
    """7.9: an empty Data-In has a DataSN, too."""
    wire = Wire()
    ask(wire, write=False)
    commands = wire.sent()
    wire.give(wire.data_in(commands[0].itt, b""))
    with pytest.raises(Problem) as caught:
        wire.give(*(answer(wire, command, write=False) for command in commands))
    assert caught.value.code == "ProtocolError"
