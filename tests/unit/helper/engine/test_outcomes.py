# SPDX-License-Identifier: Apache-2.0
"""What becomes of commands whose answer is not plain success; test_session.py has the retries."""

import errno

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine.scsi.disk import ScsiRequest
from support.wire import BUSY, CHECK, LUN, NO_TAG, Wire, sense

DATA = bytes(range(256)) * 16
RECOVERED = sense(0x1, 0x17, 0x01)
UNDERFLOW, OVERFLOW, BIDI_UNDERFLOW = 0x02, 0x04, 0x08


def command(wire, cdb=b"\x91" + bytes(15), data=None):
    wire.session.command(wire.unit, wire.asker, 1, cdb, data)


def test_a_read_that_the_disk_had_to_try_twice_is_good_and_told():
    wire = Wire()
    wire.read()
    itt = wire.one().itt
    wire.give(wire.data_in(itt, DATA), wire.response(itt, CHECK, RECOVERED))
    assert wire.asker.ended == [(1, 0, DATA)]
    assert len(wire.above.events) == 1
    assert list(wire.session.statistics.disk(LUN).counters)[:2] == [1, 4096]


def test_a_recovered_read_without_all_its_data_is_an_error():
    wire = Wire()
    wire.read()
    itt = wire.one().itt
    wire.give(wire.data_in(itt, DATA[:512]), wire.response(itt, CHECK, RECOVERED))
    assert wire.asker.errors == [errno.EIO]


@pytest.mark.parametrize("ask", [lambda wire: wire.write(DATA), command])
def test_a_recovered_write_or_command_is_good(ask):
    wire = Wire()
    ask(wire)
    wire.give(wire.response(wire.one().itt, CHECK, RECOVERED))
    assert wire.asker.errors == [0]


@pytest.mark.parametrize("flags", [UNDERFLOW, OVERFLOW])
def test_a_read_with_a_residual_is_an_error(flags):
    wire = Wire()
    wire.read()
    wire.give(wire.data_in(wire.one().itt, DATA, last=True, flags=flags, residual=512))
    assert wire.asker.errors == [errno.EIO]


def test_a_write_whose_answer_is_good_after_all_counts():
    """11.4.1: the residual of the other direction means nothing to a command that has none."""
    wire = Wire()
    wire.write(DATA)
    wire.give(wire.response(wire.one().itt, flags=BIDI_UNDERFLOW, residual=5))
    assert wire.asker.errors == [0]
    assert list(wire.session.statistics.disk(LUN).counters)[2:4] == [1, 4096]
    assert wire.unit.in_flight == 0


def test_a_command_without_blocks_may_have_a_residual():
    """How much of its parameters a target uses is its own matter (11.4.5.1)."""
    wire = Wire()
    command(wire, b"\x42" + bytes(15), bytes(24))
    wire.give(wire.response(wire.one().itt, flags=UNDERFLOW, residual=8))
    assert wire.asker.errors == [0]


def test_a_read_into_its_owners_place_is_told_when_it_is_there():
    wire, place = Wire(), bytearray(4096)
    wire.session.read_into(wire.unit, wire.asker, 7, 0, 8, memoryview(place))
    itt = wire.one().itt
    wire.give(wire.data_in(itt, DATA[:512]), wire.data_in(itt, DATA[512:4096], 512, sn=1, last=True))
    assert (wire.asker.ended, bytes(place)) == ([(7, 0, b"")], DATA)
    assert list(wire.session.statistics.disk(LUN).counters)[:2] == [1, 4096]
    assert wire.unit.in_flight == 0


def test_what_has_no_event_of_its_own_is_told_as_an_error_only():
    wire = Wire()
    wire.write(DATA)
    wire.give(wire.response(wire.one().itt, CHECK, sense(0xC, 0x00, 0x00)))
    assert wire.asker.errors == [errno.EIO]
    assert [kind for kind, _ in wire.above.events] == ["io-error"]


def test_where_a_medium_is_bad_is_told():
    wire = Wire()
    wire.read(lba=100)
    data = bytes([0xF0, 0, 3, 0, 0, 0, 103, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0])
    wire.give(wire.response(wire.one().itt, CHECK, len(data).to_bytes(2, "big") + data))
    assert wire.asker.errors == [errno.EIO]
    attrs = dict(wire.above.events)["io-error"]
    assert (attrs["lba"], attrs["lun"]) == (103, f"{LUN:016x}")


def test_check_condition_without_sense_ends_the_connection():
    wire = Wire()
    wire.read()
    with pytest.raises(Problem) as caught:
        wire.give(wire.response(wire.one().itt, CHECK))
    assert caught.value.code == "ProtocolError"


@pytest.mark.parametrize(("settings", "most"), [({}, 3), ({"command_timeouts": 1}, 1), ({"command_timeouts": 4}, 4)])
def test_sense_data_that_cannot_be_read_leaves_the_command_to_be_sent_again_but_not_for_ever(settings, most):
    """Its length points behind its end (11.4.7): the connection is over, the command is not lost with it."""
    wire = Wire(settings=settings)
    wire.read()
    for turn in range(most):
        with pytest.raises(Problem) as caught:
            wire.give(wire.response(wire.one().itt, CHECK, b"\x00\x13" + RECOVERED[2:]))
        assert (caught.value.code, wire.asker.ended) == ("ProtocolError", [])
        wire.session.lost()
        if turn < most - 1:
            wire.connect()
            wire.session.unit_ready(wire.unit)
    assert wire.asker.errors == [errno.EIO]
    assert wire.unit.in_flight == 0
    assert len(wire.session.free) == wire.session.depth


def test_pauses_grow_no_further_than_the_last():
    settings = {"command_timeout": 3600, "ping_interval": 0, "busy_first_delay": 125, "busy_last_delay": 3}
    wire = Wire(settings=settings)
    wire.write(DATA)
    now, pauses = 0.0, []
    for _ in range(7):
        wire.give(wire.response(wire.one().itt, BUSY), now=now)
        due = wire.session.next_deadline()
        pauses.append(due - now)
        wire.session.on_timer(due)
        now = due
    assert pauses == [0.125, 0.25, 0.5, 1, 2, 3, 3]
    assert wire.above.events == []  # that it is busy is not told each time


def test_what_is_retried_waits_for_a_unit_that_is_looked_at():
    wire = Wire()
    wire.write(DATA)
    wire.give(wire.response(wire.one().itt, BUSY))
    wire.unit.ready = False
    wire.session.on_timer(1.0)
    assert wire.sent() == []
    assert len(wire.unit.held) == 1
    wire.write(DATA, cookie=2)
    wire.session.unit_ready(wire.unit)
    first, second = wire.sent()
    wire.give(wire.response(first.itt))
    wire.unit.ready = False
    wire.give(wire.response(second.itt, CHECK, sense(0x6, 0x29, 0)))  # again, but not now
    assert wire.sent() == []
    wire.session.unit_ready(wire.unit)
    wire.give(wire.response(wire.one().itt))
    assert [cookie for cookie, _, _ in wire.asker.ended] == [1, 2]


def test_pooled_data_goes_back_and_what_is_still_to_be_sent_does_not():
    wire = Wire()
    for late in (False, True):
        buffer = wire.session.pool.get(4096)
        payload = buffer.payload(4096)
        wire.session.write(wire.unit, wire.asker, 1, 0, 8, payload, buffer)
        itt = wire.one().itt
        if late:
            wire.write(DATA, cookie=2)  # stands in the queue
        idle = wire.session.pool._idle
        wire.give(wire.response(itt))
        assert wire.session.pool._idle == idle + (0 if late else buffer.size)


def test_scans_take_what_they_are_given():
    wire = Wire()
    found = []
    for _ in range(len(wire.session.spare)):
        wire.session.scsi(ScsiRequest(LUN, bytes(16), data=b"x" * 8), found.append)
    with pytest.raises(Problem) as caught:
        wire.session.scsi(ScsiRequest(LUN, bytes(16)), found.append)
    assert caught.value.code == "Busy"
    for pdu in wire.sent():
        assert pdu.data == b"x" * 8
        wire.give(wire.response(pdu.itt))
    assert [result.status for result in found] == [0] * 16


def test_header_digests_take_the_longer_way():
    wire = Wire(header_digest=True)
    wire.read()
    wire.give(wire.data_in(wire.one().itt, DATA, last=True))
    assert wire.asker.ended == [(1, 0, DATA)]


def test_a_nop_in_that_answers_nothing_is_a_protocol_error():
    wire = Wire()
    with pytest.raises(Problem):
        wire.give(wire.pdu(0x20, 0x80, itt=0x40000123, ttt=NO_TAG, stat_sn=wire.stat_sn))
