# SPDX-License-Identifier: Apache-2.0
"""Commands that take too long: ABORT TASK, LOGICAL UNIT RESET, session recovery (RFC 7143, 7.11, 11.5, 11.6)."""

from __future__ import annotations

import errno

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine.scsi.disk import ScsiRequest
from support.wire import LUN, NO_TAG, Sent, Wire

ABORT, RESET = 1, 5
SETTINGS = {"command_timeout": 10, "abort_timeout": 7, "reset_timeout": 9, "ping_interval": 0}
TOO_MANY = 0x06
DATA = bytes(range(256)) * 16


def late(writes: int = 1) -> tuple[Wire, list[Sent], list[Sent]]:
    """Commands that were not answered in time, and what was asked for then."""
    wire = Wire(settings=SETTINGS)
    for cookie in range(writes):
        wire.write(DATA, lba=8 * cookie, cookie=cookie)
    commands = wire.sent()
    wire.session.on_timer(10.1)
    return wire, commands, wire.sent()


def answer(wire: Wire, request: Sent, response: int = 0) -> bytes:
    return wire.pdu(0x22, 0x80, b2=response, itt=request.itt, stat_sn=wire.next_stat_sn())


def rejected(wire: Wire, request: Sent, reason: int) -> bytes:
    return wire.pdu(0x3F, 0x80, b2=reason, stat_sn=wire.next_stat_sn(), data=request.header)


def function(request: Sent) -> int:
    assert request.opcode == 0x02
    return request.header[1] & 0x7F


def reset(response: int = 5, writes: int = 1) -> tuple[Wire, list[Sent], Sent]:
    """As far as the LOGICAL UNIT RESET: the first abort was refused."""
    wire, commands, aborts = late(writes)
    wire.give(answer(wire, aborts[0], response))
    return wire, commands, wire.one()


@pytest.mark.parametrize("response", [3, 4, 5, 6, 255])
def test_an_abort_that_is_refused_leads_to_a_reset_of_the_unit(response: int):
    wire, _, request = reset(response)
    assert (function(request), request.lun, request.immediate) == (RESET, LUN, True)
    assert request.word(20) == NO_TAG  # 11.5.4
    assert request.word(32) == 0
    assert ("unit-reset", {"lun": f"{LUN:016x}"}) in wire.above.events


def test_an_abort_that_is_not_answered_leads_to_a_reset_of_the_unit():
    wire, _, _ = late()
    wire.session.on_timer(17.0)
    assert wire.sent() == []
    wire.session.on_timer(17.2)
    assert function(wire.one()) == RESET
    wire.session.on_timer(18.0)
    assert wire.sent() == []


@pytest.mark.parametrize("response", [1, 2])
def test_a_task_or_unit_that_is_not_there_leads_to_session_recovery(response: int):
    wire, _, aborts = late()
    with pytest.raises(Problem) as caught:
        wire.give(answer(wire, aborts[0], response))
    assert caught.value.code == "Timeout"


@pytest.mark.parametrize("response", [1, 2, 3, 4, 5, 6, 7, 255])
def test_a_reset_that_is_refused_leads_to_session_recovery(response: int):
    wire, _, request = reset()
    with pytest.raises(Problem) as caught:
        wire.give(answer(wire, request, response))
    assert caught.value.code == "Timeout"


def test_a_reset_that_is_not_answered_leads_to_session_recovery():
    wire, _, _ = reset()
    wire.session.on_timer(19.0)
    with pytest.raises(Problem) as caught:
        wire.session.on_timer(19.2)
    assert caught.value.attrs == {"what": "abort", "seconds": 9}


def test_no_abort_may_take_longer_than_a_command():
    wire = Wire(settings={**SETTINGS, "abort_timeout": 60, "reset_timeout": 60})
    wire.write(DATA)
    wire.session.on_timer(10.1)
    wire.sent()
    wire.session.on_timer(20.2)
    assert function(wire.one()) == RESET
    with pytest.raises(Problem):
        wire.session.on_timer(30.3)


@pytest.mark.parametrize("reason", [0x02, 0x04, 0x05, 0x07, 0x09, 0x0A, 0x0C])
def test_a_rejected_abort_leads_to_a_reset_and_a_rejected_reset_to_session_recovery(reason: int):
    """11.17, 7.11: a Reject is an answer that refuses, one step of the ladder, not all of it."""
    wire, commands, aborts = late()
    wire.give(rejected(wire, aborts[0], reason))
    request = wire.one()
    assert function(request) == RESET
    assert wire.session.tasks[commands[0].itt & 0xFFF].itt == commands[0].itt  # its fate is open
    with pytest.raises(Problem) as caught:
        wire.give(rejected(wire, request, reason))
    assert caught.value.code == "Timeout"


def test_a_request_that_is_one_too_many_is_sent_again_until_its_time_is_over():
    """11.17.1: 06, too many immediate commands, is the one reason with which a request may be sent again as it is."""
    wire, commands, aborts = late()
    wire.give(rejected(wire, aborts[0], TOO_MANY))
    assert wire.sent() == []
    wire.session.on_timer(11.0)
    again = wire.one()
    assert (function(again), again.word(20), again.word(32)) == (ABORT, commands[0].itt, commands[0].cmd_sn)
    assert again.itt != aborts[0].itt
    wire.session.on_timer(12.0)
    assert wire.sent() == []  # it is being answered
    wire.give(rejected(wire, again, TOO_MANY))
    wire.session.on_timer(17.2)
    request = wire.one()
    assert function(request) == RESET
    wire.give(rejected(wire, request, TOO_MANY))
    wire.session.on_timer(18.0)
    once_more = wire.one()
    assert (function(once_more), once_more.lun) == (RESET, LUN)
    wire.give(answer(wire, once_more))
    assert wire.above.resets == [wire.unit]
    assert [name for name, _ in wire.above.events] == ["command-timeout", "unit-reset"]


def test_a_reset_that_is_always_one_too_many_leads_to_session_recovery():
    wire, _, request = reset()
    wire.give(rejected(wire, request, TOO_MANY))
    wire.session.on_timer(12.0)
    wire.give(rejected(wire, wire.one(), TOO_MANY))
    with pytest.raises(Problem) as caught:
        wire.session.on_timer(19.2)
    assert caught.value.attrs == {"what": "abort", "seconds": 9}


def test_everything_of_the_unit_ends_with_the_reset_and_is_sent_again_in_order():
    wire, commands, request = reset(writes=3)
    wire.write(DATA, lba=100, cookie=9)
    assert wire.sent() == []
    wire.give(answer(wire, request))
    assert wire.sent() == []
    assert wire.above.resets == [wire.unit]
    wire.session.unit_ready(wire.unit)
    again = wire.sent()
    assert [int.from_bytes(pdu.cdb[2:10], "big") for pdu in again] == [0, 8, 16, 100]
    wire.give(*(wire.response(pdu.itt) for pdu in commands))  # too late: nobody's
    assert wire.asker.ended == []
    wire.give(*(wire.response(pdu.itt) for pdu in again))
    assert wire.asker.errors == [0, 0, 0, 0]


def test_what_waits_for_the_window_waits_for_the_reset_and_comes_behind():
    wire = Wire(window=2, settings={"command_timeout": 10, "ping_interval": 0})
    for cookie in range(4):
        wire.write(DATA, lba=8 * cookie, cookie=cookie)
    assert len(wire.sent()) == 2
    wire.session.on_timer(9.0)
    wire.exp_cmd_sn += 2
    wire.session.upkeep.aborting.on_timer(10.1)
    wire.give(answer(wire, wire.sent()[0], 5))
    request = wire.one()
    wire.max_cmd_sn += 20
    wire.give(answer(wire, request))
    assert wire.sent() == []
    wire.session.unit_ready(wire.unit)
    assert [int.from_bytes(pdu.cdb[2:10], "big") for pdu in wire.sent()] == [0, 8, 16, 24]


def test_an_answer_that_comes_before_that_of_the_reset_counts():
    wire, commands, request = reset(writes=2)
    wire.give(wire.response(commands[1].itt), answer(wire, request))
    assert wire.asker.errors == [0]
    wire.session.unit_ready(wire.unit)
    assert len(wire.sent()) == 1


def test_late_answers_to_aborts_mean_nothing_after_the_reset():
    wire, _, aborts = late(2)
    wire.give(answer(wire, aborts[0], 5))
    request = wire.one()
    wire.give(answer(wire, aborts[1], 255))
    assert wire.sent() == [], "one reset"
    wire.give(answer(wire, request))
    wire.session.on_timer(60.0)
    assert wire.sent() == []


def test_an_abort_that_is_complete_while_the_unit_is_reset():
    wire, _, aborts = late(2)
    wire.give(answer(wire, aborts[0], 5))
    request = wire.one()
    wire.give(answer(wire, aborts[1]))
    assert wire.sent() == [], "no new commands"
    wire.give(answer(wire, request))
    wire.session.unit_ready(wire.unit)
    assert len(wire.sent()) == 2


def test_another_unit_goes_on_while_one_is_reset():
    wire, _, request = reset()
    other = wire.session.unit(3 << 48)
    wire.session.unit_ready(other)
    wire.session.read(other, wire.asker, 7, 0, 8, 4096)
    command = wire.one()
    wire.give(answer(wire, request))
    wire.give(wire.data_in(command.itt, DATA, last=True))
    assert wire.asker.errors == [0]


def test_the_third_reset_fails_the_command():
    wire = Wire(settings={"command_timeout": 10, "ping_interval": 0})
    wire.write(DATA)
    now = 0.0
    for _ in range(3):
        wire.sent()
        now += 10.1
        wire.session.on_timer(now)
        wire.give(answer(wire, wire.one(), 5), now=now)
        wire.give(answer(wire, wire.one()), now=now)
        wire.session.unit_ready(wire.unit)
    assert wire.asker.errors == [errno.EIO]


def test_a_scan_that_hangs_is_over_with_the_reset():
    wire = Wire(settings={"command_timeout": 10, "ping_interval": 0})
    found: list[object] = []
    wire.session.scsi(ScsiRequest(4 << 48, bytes(16)), found.append)
    wire.sent()
    wire.session.on_timer(10.1)
    wire.give(answer(wire, wire.one(), 5))
    wire.give(answer(wire, wire.one()))
    assert [getattr(one, "code", "") for one in found] == ["ConnectionLost"]
    assert wire.above.resets == []


def test_a_loss_forgets_the_reset():
    wire, _, _ = reset()
    wire.session.lost()
    wire.connect(now=11.0)
    wire.session.unit_ready(wire.unit)
    assert len(wire.sent()) == 1
    wire.session.on_timer(21.0)
    assert wire.sent() == []


def test_what_becomes_late_while_its_unit_is_reset_waits_for_the_reset():
    wire, commands, _ = late()
    wire.session.now = 10.2
    wire.write(DATA, lba=64, cookie=9)
    younger = wire.one()
    wire.session.on_timer(17.2)
    request = wire.one()
    assert function(request) == RESET
    wire.session.on_timer(20.4)
    assert wire.sent() == []
    wire.give(answer(wire, request))
    wire.session.unit_ready(wire.unit)
    assert [pdu.cdb for pdu in wire.sent()] == [commands[0].cdb, younger.cdb]


def test_an_abort_of_another_unit_goes_on_while_one_is_reset():
    wire = Wire(settings=SETTINGS)
    other = wire.session.unit(LUN + (1 << 48))
    wire.session.unit_ready(other)
    wire.write(DATA)
    wire.session.write(other, wire.asker, 2, 0, 8, DATA, None)
    wire.sent()
    wire.session.on_timer(10.1)
    first, second = sorted(wire.sent(), key=lambda pdu: pdu.lun)
    wire.give(answer(wire, first, 5))
    request = wire.one()
    wire.give(rejected(wire, second, TOO_MANY))
    wire.session.on_timer(11.0)
    again = wire.one()
    assert (function(again), again.lun, request.lun) == (ABORT, other.lun, LUN)
