# SPDX-License-Identifier: Apache-2.0
"""Pings, rejects and the target's own messages at their edges; test_session.py has how they go when all is well."""

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine.upkeep import MAX_ANSWERS
from support.wire import CHECK, LUN, NO_TAG, Wire, sense


def refused(wire, pdu):
    with pytest.raises(Problem) as caught:
        wire.give(pdu)
    return caught.value


def reject(wire, data, reason=0x04):
    return wire.pdu(0x3F, 0x80, b2=reason, stat_sn=wire.next_stat_sn(), data=data)


def test_a_nop_in_that_asks_and_answers_at_once():
    wire = Wire(settings={"ping_interval": 5})
    wire.session.on_timer(5.0)
    ping = wire.one()
    assert refused(wire, wire.pdu(0x20, 0x80, itt=ping.itt, ttt=7, stat_sn=wire.stat_sn)).code == "ProtocolError"


def test_a_rejected_ping_is_a_sign_of_life():
    wire = Wire(settings={"ping_interval": 5, "ping_timeout": 5})
    wire.session.on_timer(5.0)
    ping = wire.one()
    wire.give(reject(wire, ping.header), now=6.0)
    wire.session.upkeep.alive(6.0)
    wire.session.on_timer(10.9)
    assert wire.sent() == []
    # Its answer comes after all, to a tag that is no longer waited for.
    assert refused(wire, wire.pdu(0x20, 0x80, itt=ping.itt, stat_sn=wire.next_stat_sn())).code == "ProtocolError"


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01" + bytes(47)])
def test_a_reject_that_does_not_say_of_what(data):
    wire = Wire()
    wire.read()
    wire.sent()
    problem = refused(wire, reject(wire, data))
    assert problem.code == "ProtocolError"
    assert "reason 0x04" in str(problem.attrs["detail"])
    assert wire.asker.ended == []


def test_a_message_about_a_unit_that_is_not_known():
    wire = Wire()
    message = wire.pdu(0x32, 0x80, lun=LUN + 1, stat_sn=wire.next_stat_sn(), data=sense(0x6, 0x2A, 0x09))
    wire.give(message)
    assert wire.above.looks == ["capacity-changed"]
    assert wire.above.events[0][1]["lun"] == f"{LUN + 1:016x}"


def test_a_message_that_says_nothing_worth_telling():
    wire = Wire()
    wire.give(wire.pdu(0x32, 0x80, lun=LUN, stat_sn=wire.next_stat_sn(), data=sense(0x0, 0, 0)))
    assert wire.above.events == wire.above.looks == []


def test_nobody_is_asked_where_that_is_not_wanted():
    wire = Wire(settings={"ping_interval": 0})
    wire.session.on_timer(10_000.0)
    assert wire.sent() == []


def test_without_a_connection_nothing_is_asked_and_nothing_taken():
    wire = Wire()
    answers = []
    connection = wire.connection
    wire.session.lost()
    wire.session.upkeep.log_out(answers.append)
    connection.received(0, 0.0)
    raw = wire.pdu(0x20, 0x80, itt=NO_TAG, ttt=5, stat_sn=wire.stat_sn)
    (buffer,) = connection.next_read()
    buffer[: len(raw)] = raw
    connection.received(len(raw), 0.0)
    assert connection.out.empty
    assert answers == []


@pytest.mark.parametrize("reason", [0x02, 0x04, 0x09])
def test_rejected_data_is_the_tasks_matter(reason: int):
    """7.3: a target that rejects a Data-Out still has to answer its task, and says with that what becomes of it."""
    wire = Wire(immediate_data=False, initial_r2t=True, max_send=1024)
    wire.write(bytes(2048))
    command = wire.one()
    wire.give(wire.r2t(command.itt, 0, 2048))
    first, _ = wire.sent()
    wire.give(wire.pdu(0x3F, 0x80, b2=reason, stat_sn=wire.next_stat_sn(), data=first.header))
    assert wire.asker.ended == []
    wire.give(wire.response(command.itt, CHECK, sense(0xB, 0x47, 0x05)))
    again = wire.one()
    assert (again.opcode, again.cdb) == (0x01, command.cdb)
    assert again.itt != command.itt
    wire.give(wire.response(again.itt))
    assert wire.asker.errors == [0]


def test_a_rejected_request_that_nobody_made_is_a_protocol_error():
    wire = Wire()
    header = bytes([0x42, 0x81]) + bytes(14) + (0x4000_0007).to_bytes(4, "big") + bytes(28)
    with pytest.raises(Problem) as caught:
        wire.give(wire.pdu(0x3F, 0x80, b2=9, stat_sn=wire.next_stat_sn(), data=header))
    assert caught.value.code == "ProtocolError"


def test_a_target_that_pings_without_end_and_reads_nothing_is_left():
    """Every NOP-In wants an answer (11.18): they may not pile up as fast as it can send."""
    wire = Wire()
    ping = wire.pdu(0x20, 0x80, ttt=5, stat_sn=wire.stat_sn)
    for _ in range(5):  # while it reads, it may ask for as long as it likes
        wire.give(ping * MAX_ANSWERS)
        assert len(wire.sent()) == MAX_ANSWERS
    wire.give(ping * MAX_ANSWERS)
    assert refused(wire, ping).code == "ProtocolError"


def test_pings_over_a_line_that_is_never_idle_are_answered():
    """What was sent counts no more, also when there is always something that waits."""
    wire = Wire()
    ping = wire.pdu(0x20, 0x80, ttt=5, stat_sn=wire.stat_sn)
    wire.sink.room = 0
    wire.give(ping)
    for _ in range(2 * MAX_ANSWERS):
        wire.give(ping)
        wire.sink.room = 48
        assert not wire.connection.out.flush(wire.sink)
    wire.sink.room = 1 << 20
    assert len(wire.sent()) == 2 * MAX_ANSWERS + 1


def test_how_long_an_idle_session_needs_no_look():
    wire = Wire(settings={"ping_interval": 5, "ping_timeout": 11})
    upkeep = wire.session.upkeep
    upkeep.alive(100.0)
    assert upkeep.idle
    assert upkeep.peace(101.0) == 4
    assert 0 < upkeep.peace(106.0) < 0.01
    wire.session.on_timer(105.0)
    ping = wire.one()
    assert upkeep.idle  # a ping is no reason to look each second
    assert 5 < upkeep.peace(105.0) < 6  # when the next is due, if this one is answered
    assert upkeep.peace(115.5) == 0.5
    wire.give(wire.pdu(0x20, 0x80, itt=ping.itt, stat_sn=wire.next_stat_sn(), data=ping.data), now=106.0)
    upkeep.alive(106.0)
    assert upkeep.peace(106.0) == 5


def test_who_waits_for_an_answer_is_not_idle():
    wire = Wire(settings={"ping_interval": 0, "command_timeout": 10})
    upkeep = wire.session.upkeep
    assert upkeep.peace(1.0) == float("inf")
    wire.write(bytes(512))
    wire.session.on_timer(10.1)
    assert not upkeep.idle
    wire.session.lost()
    assert upkeep.idle


def test_without_a_connection_there_is_nobody_to_log_out_from():
    wire = Wire()
    wire.session.lost()
    wire.session.upkeep.log_out(lambda _answer: pytest.fail("nobody answers"))
    assert wire.sent() == []


def test_nothing_is_asked_behind_a_logout():
    """11.14; with the next connection everything is as before."""
    wire = Wire(settings={"ping_interval": 5, "command_timeout": 10})
    wire.write(bytes(512))
    wire.sent()
    wire.session.upkeep.log_out(lambda _answer: None)
    assert wire.one().opcode == 0x06
    wire.session.on_timer(30.0)
    assert wire.sent() == []
    wire.session.lost()
    wire.connect(now=40.0)
    wire.session.on_timer(45.0)
    assert wire.one().opcode == 0x00


def test_a_sign_of_life_with_other_data_is_damage():
    wire = Wire(settings={"ping_interval": 5})
    wire.session.on_timer(5.0)
    ping = wire.one()
    answer = wire.pdu(0x20, 0x80, itt=ping.itt, stat_sn=wire.next_stat_sn(), data=ping.data[:-1] + b"?")
    assert refused(wire, answer).code == "ProtocolError"


def test_a_ping_has_its_time_to_be_answered():
    wire = Wire(settings={"ping_interval": 5, "ping_timeout": 5})
    for now in (5.0, 9.9):
        wire.session.on_timer(now)
    assert len(wire.sent()) == 1
    with pytest.raises(Problem):
        wire.session.on_timer(10.0)
