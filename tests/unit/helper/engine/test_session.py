# SPDX-License-Identifier: Apache-2.0
"""Tasks, numbers, retries, loss: against a target that each test speaks by hand."""

import errno
import struct

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine import runs
from lundock.helper.engine.buffers import SendQueue
from lundock.helper.engine.scsi.disk import ScsiRequest, ScsiResult
from lundock.helper.engine.task import Unit
from lundock.helper.engine.upkeep import TargetDrops
from support.wire import BUSY, CHECK, GOOD, LUN, NO_TAG, Wire, sense

DATA = bytes(range(256)) * 16
FULL = 0x28  # TASK SET FULL


# ---- the command window (4.2.2.1) --------------------------------------------------------------------------------


def test_no_command_beyond_max_cmd_sn():
    wire = Wire(cmd_sn=10, window=3)
    for cookie in range(5):
        wire.read(cookie=cookie)
    sent = wire.sent()
    assert [pdu.cmd_sn for pdu in sent] == [10, 11, 12]
    wire.exp_cmd_sn, wire.max_cmd_sn = 13, 13
    wire.give(wire.data_in(sent[0].itt, DATA, last=True))
    assert [pdu.cmd_sn for pdu in wire.sent()] == [13]
    wire.max_cmd_sn = 14
    wire.give(wire.data_in(sent[1].itt, DATA, last=True))
    assert [pdu.cmd_sn for pdu in wire.sent()] == [14]


def test_cmd_sn_is_a_serial_number():
    wire = Wire(cmd_sn=0xFFFFFFFE, window=4)
    for cookie in range(5):
        wire.read(cookie=cookie)
    assert [pdu.cmd_sn for pdu in wire.sent()] == [0xFFFFFFFE, 0xFFFFFFFF, 0, 1]


def test_a_max_cmd_sn_below_exp_cmd_sn_minus_one_is_ignored():
    wire = Wire(cmd_sn=10, window=2)
    wire.read(cookie=0)
    first = wire.one()
    wire.exp_cmd_sn, wire.max_cmd_sn = 11, 9  # 9 < 11 - 1
    wire.give(wire.data_in(first.itt, DATA, last=True))
    wire.read(cookie=1)
    assert wire.one().cmd_sn == 11


def test_max_cmd_sn_does_not_go_back():
    wire = Wire(cmd_sn=10, window=4)
    wire.read(cookie=0)
    first = wire.one()
    wire.exp_cmd_sn, wire.max_cmd_sn = 11, 10
    wire.give(wire.data_in(first.itt, DATA, last=True))
    for cookie in range(4):
        wire.read(cookie=cookie)
    assert [pdu.cmd_sn for pdu in wire.sent()] == [11, 12, 13]


def test_exp_stat_sn_acknowledges_what_came():
    wire = Wire()
    wire.read()
    wire.give(wire.data_in(wire.one().itt, DATA, last=True))
    wire.read()
    assert wire.one().word(28) == 7001


# ---- what commands end with --------------------------------------------------------------------------------------


def ended_with(status, data=b"", **fields):
    """A write that ends with this."""
    wire = Wire()
    wire.write(DATA)
    wire.give(wire.response(wire.one().itt, status, data, **fields))
    return wire


@pytest.mark.parametrize(
    ("status", "data", "expected"),
    [
        (CHECK, sense(0x7, 0x27, 0x07), errno.ENOSPC),
        (CHECK, sense(0x7, 0x27, 0x00), errno.EROFS),
        (CHECK, sense(0x3, 0x11, 0x00), errno.EIO),
        (CHECK, sense(0x4, 0x44, 0x00), errno.EIO),
        (0x18, b"", errno.EBADE),
    ],
)
def test_errors_that_are_final(status, data, expected):
    wire = ended_with(status, data)
    assert wire.asker.errors == [expected]
    assert "io-error" in [kind for kind, _ in wire.above.events]


@pytest.mark.parametrize(("settings", "most"), [({}, 5), ({"command_retries": 2}, 2), ({"command_retries": 0}, 0)])
def test_a_unit_attention_is_retried_at_once_but_not_for_ever(settings, most):
    wire = Wire(settings=settings)
    wire.write(DATA)
    for _ in range(most + 1):
        command = wire.one()
        assert command.data == DATA
        assert wire.asker.ended == []
        wire.give(wire.response(command.itt, CHECK, sense(0x6, 0x29, 0x00)))
    assert wire.sent() == []
    assert wire.asker.errors == [errno.EIO]


def test_a_unit_attention_about_capacity_makes_it_looked_at():
    wire = Wire()
    wire.read()
    wire.give(wire.response(wire.one().itt, CHECK, sense(0x6, 0x2A, 0x09)))
    assert wire.above.looks == ["capacity-changed"]


def test_busy_is_retried_with_longer_and_longer_pauses():
    wire = Wire()
    wire.write(DATA)
    now, pauses = 0.0, []
    for _ in range(4):
        wire.give(wire.response(wire.one().itt, BUSY), now=now)
        due = wire.session.next_deadline()
        assert wire.above.timers[-1] == due
        pauses.append(round(due - now, 6))
        wire.session.on_timer(due - 0.001)
        assert wire.sent() == []
        wire.session.on_timer(due)
        now = due
    assert pauses == [0.008, 0.016, 0.032, 0.064]
    wire.give(wire.response(wire.one().itt), now=now)
    assert wire.asker.errors == [0]


def test_a_target_with_too_many_commands_gets_half_and_then_one_more_each_second():
    """TASK SET FULL (SAM-5, 5.3.1): the rest waits here, not in retries, and nothing of it is lost."""
    settings = {"queue_depth": 9, "ping_interval": 0, "busy_first_delay": 100}
    wire = Wire(settings=settings, window=1000)
    for cookie in range(9):
        wire.write(DATA, lba=8 * cookie, cookie=cookie)
    commands = wire.sent()
    wire.give(*(wire.response(pdu.itt, FULL) for pdu in commands[:3]), now=10.0)
    assert wire.above.events == [("queue-full", {"lun": f"{LUN:016x}", "commands": 4})]  # of the 8 that it still had
    wire.session.on_timer(10.2)
    assert wire.sent() == []  # it has 6
    wire.give(*(wire.response(pdu.itt) for pdu in commands[3:6]), now=10.3)
    again = wire.sent()
    assert [pdu.cdb for pdu in again] == [commands[0].cdb]
    counts = []
    for second in range(11, 16):
        if wire.session.free:
            wire.write(DATA, cookie=100 + second)
        wire.session.on_timer(second + 0.0)
        counts.append(wire.session._on_wire)
    assert counts == [5, 6, 7, 8, 9]
    wire.session.on_timer(16.0)
    assert wire.session.limit == 0
    wire.give(*(wire.response(pdu.itt) for pdu in [*commands[6:], *again, *wire.sent()]))
    assert sorted(wire.asker.ended) == [(cookie, 0, b"") for cookie in [*range(9), 111, 112, 113]]


@pytest.mark.parametrize("delay", [1, 20])
def test_a_target_that_still_has_too_many_gets_half_again_and_that_is_told_once(delay):
    wire = Wire(settings={"queue_depth": 16, "ping_interval": 0, "queue_full_delay": delay})
    for cookie in range(16):
        wire.write(DATA, cookie=cookie)
    commands = wire.sent()
    limits = []
    for now, command in zip((1.0, 1 + 0.5 * delay, 1 + 1.5 * delay), commands, strict=False):
        wire.give(wire.response(command.itt, FULL), now=now)
        limits.append(wire.session.limit)
    assert limits == [7, 7, 6]
    assert [kind for kind, _ in wire.above.events] == ["queue-full"]


@pytest.mark.parametrize("digests", [{}, {"header_digest": True}, {"header_digest": True, "data_digest": True}])
def test_commands_go_on_in_other_memory_where_their_headers_do_not_fit(digests):
    wire = Wire(**digests)
    wire.connection.out = SendQueue(200)
    runs.reads(wire.session, wire.unit, wire.asker, range(5), range(0, 40, 8), 8, 4096)
    for cookie in range(5):
        wire.read(lba=40 + 8 * cookie)
    runs.writes(wire.session, wire.unit, wire.asker, range(5), range(80, 120, 8), len(DATA) // 512, [DATA] * 5)
    found = wire.sent()
    assert [int.from_bytes(pdu.cdb[2:10], "big") for pdu in found] == list(range(0, 120, 8))
    assert [pdu.cmd_sn for pdu in found] == list(range(100, 115))
    assert len({pdu.itt for pdu in found}) == 15
    assert [pdu.data for pdu in found[10:]] == [DATA] * 5


def test_while_too_much_waits_to_be_sent_there_are_no_new_commands():
    wire = Wire(settings={"ping_interval": 0, "memory_limit": 16 << 20})
    wire.session.unsent((16 << 20) + 1)
    wire.write(DATA)
    wire.read(lba=64)
    assert wire.sent() == []
    wire.give(wire.pdu(0x20, 0x80))  # a window does not help
    assert wire.sent() == []
    wire.session.unsent(16 << 20)
    assert [pdu.opcode for pdu in wire.sent()] == [1, 1]
    wire.session.unsent(1 << 30)
    wire.session.lost()
    wire.connect()
    wire.session.unit_ready(wire.unit)
    assert len(wire.sent()) == 2  # on a new connection nothing waits


def test_a_target_that_has_no_room_at_all_gets_one_command_at_a_time():
    wire = Wire(settings={"ping_interval": 0})
    wire.write(DATA)
    wire.give(wire.response(wire.one().itt, FULL), now=1.0)
    assert wire.session.limit == 1
    wire.write(DATA, lba=64)
    wire.write(DATA, lba=128)
    second = wire.one()
    wire.session.on_timer(1.5)
    wire.give(wire.response(second.itt), now=1.6)
    assert [pdu.cdb[9] for pdu in wire.sent()] == [128]
    wire.session.lost()
    wire.connect()
    assert wire.session.limit == 0  # a new session, a new try
    wire.session.unit_ready(wire.unit)
    assert len(wire.sent()) == 2


def test_busy_ends_when_the_command_has_had_its_time():
    wire = Wire(settings={"command_timeout": 3, "ping_interval": 0})
    wire.write(DATA)
    now = 0.0
    while not wire.asker.ended:
        wire.give(wire.response(wire.one().itt, BUSY), now=now)
        now = wire.session.next_deadline() or now
        wire.session.on_timer(now)
    assert wire.asker.errors == [errno.EIO]
    assert now <= 3


def test_a_slot_forgets_the_retries_of_its_last_use():
    wire = Wire(settings={"queue_depth": 1})
    for _ in range(4):  # three retries each, of at most five
        wire.read()
        for _ in range(3):
            wire.give(wire.response(wire.one().itt, CHECK, sense(0x6, 0x29, 0)))
        wire.give(wire.data_in(wire.one().itt, DATA, last=True))
    assert wire.asker.errors == [0] * 4


def test_a_write_with_a_residual_is_an_error():
    assert ended_with(GOOD, flags=0x02, residual=512).asker.errors == [errno.EIO]


@pytest.mark.parametrize("code", [0x02, 0x7F])
def test_a_reserved_response_code_is_a_protocol_error(code):
    """11: reserved code values in defined fields; the command is not lost with the connection."""
    with pytest.raises(Problem) as caught:
        ended_with(GOOD, code=code)
    assert caught.value.code == "ProtocolError"


@pytest.mark.parametrize("code", [0x01, 0x80, 0xFF])
def test_a_target_failure_is_retried(code):
    wire = ended_with(GOOD, code=code)
    assert wire.asker.ended == []
    wire.session.on_timer(wire.session.next_deadline())
    assert wire.one().opcode == 1


def test_an_illegal_request_is_the_owners_matter_for_other_commands():
    wire = Wire()
    wire.session.command(wire.unit, wire.asker, 9, b"\x91" + bytes(15))
    wire.give(wire.response(wire.one().itt, CHECK, sense(0x5, 0x20, 0)))
    assert wire.asker.ended == [(9, errno.EOPNOTSUPP, b"")]
    assert wire.above.events == []


def test_a_scan_gets_status_and_sense_as_they_are():
    wire = Wire()
    results = []
    wire.session.scsi(ScsiRequest(LUN, b"\x12" + bytes(15), read_length=96), results.append)
    wire.session.scsi(ScsiRequest(LUN, bytes(16)), results.append)
    inquiry, ready = wire.sent()
    wire.give(wire.response(ready.itt, CHECK, sense(0x6, 0x29, 0)))
    wire.give(wire.data_in(inquiry.itt, b"x" * 36, last=True, flags=0x02, residual=60))
    assert results == [ScsiResult(CHECK, b"", sense(0x6, 0x29, 0)[2:]), ScsiResult(0, b"x" * 36)]


# ---- loss and replay ---------------------------------------------------------------------------------------------


def test_after_a_loss_everything_unanswered_goes_out_again_in_order_before_anything_new():
    wire = Wire(cmd_sn=0xFFFFFFFD, window=4)
    for lba in range(6):  # four on the wire, across the numbers' end; two wait for the window
        wire.write(bytes([lba]) * 512, lba=lba, cookie=lba)
    before = wire.sent()
    assert len(before) == 4
    wire.give(wire.response(before[1].itt))
    wire.sent()
    wire.session.lost()
    wire.write(b"\x06" * 512, lba=6, cookie=6)
    wire.connect(cmd_sn=500, window=32)
    wire.write(b"\x07" * 512, lba=7, cookie=7)
    assert wire.sent() == []  # the unit was not looked at yet
    wire.session.unit_ready(wire.unit)
    wire.write(b"\x08" * 512, lba=8, cookie=8)
    again = wire.sent()
    assert [int.from_bytes(pdu.cdb[2:10], "big") for pdu in again] == [0, 2, 3, 4, 5, 6, 7, 8]
    assert [pdu.data for pdu in again] == [bytes([lba]) * 512 for lba in (0, 2, 3, 4, 5, 6, 7, 8)]
    assert [pdu.cmd_sn for pdu in again] == list(range(500, 508))
    assert not {pdu.itt for pdu in again} & {pdu.itt for pdu in before}
    for pdu in again:
        wire.give(wire.response(pdu.itt))
    assert [cookie for cookie, _, _ in wire.asker.ended] == [1, 0, 2, 3, 4, 5, 6, 7, 8]
    assert set(wire.asker.errors) == {0}


def test_what_is_to_be_retried_later_keeps_its_place_in_a_replay():
    wire = Wire()
    for lba in range(3):
        wire.write(bytes(512), lba=lba, cookie=lba)
    wire.give(wire.response(wire.sent()[1].itt, BUSY))
    wire.session.lost()
    wire.connect()
    wire.session.unit_ready(wire.unit)
    assert [int.from_bytes(pdu.cdb[2:10], "big") for pdu in wire.sent()] == [0, 1, 2]


def test_a_read_cut_in_the_middle_starts_anew():
    wire = Wire()
    wire.read(blocks=8)
    wire.give(wire.data_in(wire.one().itt, b"a" * 2048))
    wire.session.lost()
    wire.connect()
    wire.session.unit_ready(wire.unit)
    wire.give(wire.data_in(wire.one().itt, DATA, last=True))
    assert wire.asker.ended == [(1, 0, DATA)]


def test_refused_units_answer_at_once_until_they_are_ready_again():
    wire = Wire()
    wire.write(DATA, cookie=1)
    wire.sent()
    wire.session.lost()
    wire.session.refuse(wire.unit, errno.EIO)
    wire.read(cookie=2)
    assert [(c, e) for c, e, _ in wire.asker.ended] == [(1, errno.EIO), (2, errno.EIO)]
    wire.connect()
    wire.session.unit_ready(wire.unit)
    wire.read(cookie=3)
    wire.give(wire.data_in(wire.one().itt, DATA, last=True))
    assert wire.asker.ended[-1] == (3, 0, DATA)


def test_every_slot_comes_back():
    wire = Wire(settings={"queue_depth": 4})
    for error in (False, True, False, True):
        for cookie in range(4):
            wire.read(cookie=cookie)
        assert wire.session.free == []
        for pdu in wire.sent():
            wire.give(
                wire.response(pdu.itt, CHECK, sense(3, 0x11, 0)) if error else wire.data_in(pdu.itt, DATA, last=True)
            )
        assert len(wire.session.free) == 4
    assert len({task.itt for task in wire.session.free}) == 4


def test_a_scan_fails_with_its_connection():
    wire = Wire()
    results = []
    wire.session.scsi(ScsiRequest(LUN, bytes(16)), results.append)
    wire.sent()
    wire.session.lost()
    assert [problem.code for problem in results] == ["ConnectionLost"]


def test_what_must_not_happen_twice_is_not_sent_again():
    wire = Wire()
    wire.session.command(wire.unit, wire.asker, 1, b"\x89" + bytes(15), bytes(1024))  # COMPARE AND WRITE
    wire.sent()
    wire.session.lost()
    assert wire.asker.errors == [errno.EIO]


@pytest.mark.parametrize("write", [False, True])
def test_a_unit_that_nobody_counts_for_is_served_all_the_same(write):
    wire = Wire()
    wire.unit.counters = None
    wire.write(DATA) if write else wire.read()
    assert wire.unit.in_flight == 1
    itt = wire.one().itt
    wire.give(wire.response(itt) if write else wire.data_in(itt, DATA, last=True))
    assert wire.asker.errors == [0]
    assert wire.unit.in_flight == 0


# ---- signs of life (11.18, 11.19) --------------------------------------------------------------------------------


def test_an_idle_target_is_asked_and_answers():
    wire = Wire(settings={"ping_interval": 5, "ping_timeout": 10})
    wire.session.on_timer(4.9)
    assert wire.sent() == []
    wire.session.on_timer(5.0)
    ping = wire.one()
    assert (ping.opcode, ping.immediate, ping.word(20)) == (0x00, True, NO_TAG)
    assert ping.itt != NO_TAG
    assert ping.cmd_sn == 100
    wire.give(wire.pdu(0x20, 0x80, itt=ping.itt, stat_sn=wire.next_stat_sn()))
    wire.session.upkeep.alive(6.0)
    wire.session.on_timer(10.9)
    assert wire.sent() == []


def test_silence_after_a_ping_ends_the_connection_and_anything_at_all_does_not():
    wire = Wire(settings={"ping_interval": 5, "ping_timeout": 10})
    wire.session.on_timer(5.0)
    wire.sent()
    wire.session.upkeep.alive(14.0)  # bytes of a large Data-In, say
    wire.session.on_timer(16.0)
    wire.session.on_timer(19.0)
    assert wire.one().opcode == 0
    with pytest.raises(Problem) as caught:
        wire.session.on_timer(29.0)
    assert caught.value.code == "Timeout"


def test_the_targets_ping_is_answered_with_its_own_tag():
    wire = Wire()
    wire.give(wire.pdu(0x20, 0x80, lun=LUN, itt=NO_TAG, ttt=0xABCD, stat_sn=wire.stat_sn))
    answer = wire.one()
    assert (answer.opcode, answer.immediate, answer.itt, answer.word(20), answer.lun) == (0, True, NO_TAG, 0xABCD, LUN)
    assert answer.cmd_sn == 100
    wire.read()
    assert wire.one().cmd_sn == 100  # an immediate one does not count


def test_a_nop_in_without_tags_is_not_answered_but_opens_the_window():
    wire = Wire(cmd_sn=1, window=1)
    wire.read()
    wire.read()
    assert len(wire.sent()) == 1
    wire.exp_cmd_sn, wire.max_cmd_sn = 2, 2
    wire.give(wire.pdu(0x20, 0x80, stat_sn=wire.stat_sn))
    assert [pdu.opcode for pdu in wire.sent()] == [1]


# ---- commands that take too long (7.11, 11.5) --------------------------------------------------------------------


def slow():
    wire = Wire(settings={"command_timeout": 10, "ping_interval": 0})
    wire.write(DATA)
    command = wire.one()
    wire.session.on_timer(10.0)
    assert wire.sent() == []
    wire.session.on_timer(10.1)
    return wire, command, wire.one()


def test_a_slow_command_is_aborted_and_sent_again():
    wire, command, abort = slow()
    assert (abort.opcode, abort.header[1] & 0x7F, abort.lun) == (0x02, 1, LUN)
    assert abort.word(20) == command.itt
    assert abort.word(32) == command.cmd_sn  # RefCmdSN
    assert abort.immediate
    wire.give(wire.pdu(0x22, 0x80, itt=abort.itt, stat_sn=wire.next_stat_sn()))
    again = wire.one()
    assert (again.opcode, again.data) == (1, DATA)
    wire.give(wire.response(command.itt))  # comes too late, and is ignored
    assert wire.asker.ended == []
    wire.give(wire.response(again.itt))
    assert wire.asker.errors == [0]


def test_an_answer_in_the_last_moment_counts():
    wire, command, abort = slow()
    wire.give(wire.response(command.itt), wire.pdu(0x22, 0x80, b2=1, itt=abort.itt, stat_sn=wire.next_stat_sn()))
    assert wire.asker.errors == [0]
    wire.session.on_timer(60.0)


def test_the_third_time_a_slow_command_fails():
    wire = Wire(settings={"command_timeout": 10, "ping_interval": 0})
    wire.write(DATA)
    now = 0.0
    for _ in range(3):
        wire.sent()
        now += 10.1
        wire.session.on_timer(now)
        wire.give(wire.pdu(0x22, 0x80, itt=wire.one().itt, stat_sn=wire.next_stat_sn()), now=now)
    assert wire.asker.errors == [errno.EIO]


def shut(**settings):
    """Three writes, of which the target's window lets one out, and no more after its answer."""
    wire = Wire(cmd_sn=10, window=1, settings={"command_timeout": 10, "ping_interval": 5, **settings})
    for cookie in range(3):
        wire.write(DATA, lba=8 * cookie, cookie=cookie)
    wire.exp_cmd_sn = 11
    wire.give(wire.response(wire.one().itt))
    assert wire.asker.errors == [0]
    return wire


def test_a_window_that_stays_shut_loses_the_connection_though_pings_are_answered():
    wire = shut()
    for now in range(1, 11):
        wire.session.on_timer(float(now))
        for ping in wire.sent():
            assert (ping.opcode, ping.cmd_sn) == (0, 11)
            wire.give(wire.pdu(0x20, 0x80, itt=ping.itt, stat_sn=wire.next_stat_sn()), now=now)
            wire.session.upkeep.alive(float(now))
    with pytest.raises(Problem) as caught:
        wire.session.on_timer(11.0)
    assert (caught.value.code, caught.value.attrs["what"]) == ("Timeout", "command")
    assert wire.above.events == [("command-timeout", {"lun": f"{LUN:016x}", "seconds": 10})]
    wire.session.lost()
    wire.connect(cmd_sn=11, now=11.0)
    wire.session.unit_ready(wire.unit)
    wire.session.on_timer(12.0)
    assert [int.from_bytes(pdu.cdb[2:10], "big") for pdu in wire.sent()] == [8, 16]


def test_a_small_window_that_moves_is_no_reason_to_lose_the_connection():
    wire = shut(ping_interval=0)
    for now in (9.0, 18.0):
        wire.session.on_timer(now - 8)
        wire.session.on_timer(now)
        wire.exp_cmd_sn, wire.max_cmd_sn = wire.exp_cmd_sn + 1, wire.max_cmd_sn + 1
        wire.give(wire.pdu(0x20, 0x80, stat_sn=wire.stat_sn), now=now)
        wire.give(wire.response(wire.one().itt), now=now)
    assert wire.asker.errors == [0, 0, 0]
    wire.session.on_timer(100.0)


# ---- asynchronous messages, Reject, logout (11.9, 11.17, 11.14) --------------------------------------------------


def async_message(wire, event, *parameters, data=b""):
    words = (event << 24 | (parameters[0] if parameters else 0), 0, 0)
    if len(parameters) == 3:
        words = (event << 24 | parameters[0], parameters[1] << 16 | parameters[2], 0)
    return wire.pdu(0x32, 0x80, lun=LUN, stat_sn=wire.next_stat_sn(), words=words, data=data)


@pytest.mark.parametrize("event", [2, 3])
def test_a_target_that_drops_the_connection_says_how_long_to_stay_away(event):
    wire = Wire()
    with pytest.raises(TargetDrops) as caught:
        wire.give(async_message(wire, event, 0, 7, 20))
    assert caught.value.time2wait == 7


@pytest.mark.parametrize("event", [1, 4])
def test_a_logout_request_is_passed_up_and_quiets_nothing_by_itself(event):
    wire = Wire()
    wire.give(async_message(wire, event, 0, 0, 10))
    assert len(wire.above.leaves) == 1


def test_a_scsi_event_is_passed_up():
    wire = Wire()
    wire.give(async_message(wire, 0, data=sense(0x6, 0x3F, 0x0E)))
    assert wire.above.looks == ["luns-changed"]


def test_a_vendors_event_is_only_told():
    wire = Wire()
    wire.give(async_message(wire, 250))
    assert wire.above.events == [("async-message", {"event": 250, "vendor-code": 0})]


def test_a_rejected_command_fails_the_third_time():
    wire = Wire()
    wire.write(DATA)
    for turn in range(3):
        command = wire.one()
        with pytest.raises(Problem) as caught:
            wire.give(wire.pdu(0x3F, 0x80, b2=4, stat_sn=wire.next_stat_sn(), data=command.header))
        assert caught.value.code == "ProtocolError"
        assert bool(wire.asker.ended) is False
        wire.session.lost()
        if turn < 2:
            wire.connect()
            wire.session.unit_ready(wire.unit)
    assert wire.asker.errors == [errno.EIO]


def test_logout_closes_the_session_and_nothing_follows():
    wire = Wire()
    answers = []
    wire.session.upkeep.log_out(answers.append)
    logout = wire.one()
    assert (logout.opcode, logout.header[1]) == (0x06, 0x80)
    wire.read()
    assert wire.sent() == []
    wire.give(wire.pdu(0x26, 0x80, itt=logout.itt, stat_sn=wire.next_stat_sn(), words=(0, 3 << 16, 0)))
    assert [answer.time2wait for answer in answers] == [3]


@pytest.mark.parametrize("opcode", [0x24, 0x23, 0x1F, 0x3E])
def test_what_no_target_may_send_now_is_a_protocol_error(opcode):
    wire = Wire()
    with pytest.raises(Problem) as caught:
        wire.give(wire.pdu(opcode, 0x80, stat_sn=wire.stat_sn))
    assert caught.value.code == "ProtocolError"


# ---- counters ----------------------------------------------------------------------------------------------------


def test_counters():
    wire = Wire()
    wire.read(blocks=8)
    wire.write(DATA)
    read, write = wire.sent()
    wire.give(wire.data_in(read.itt, DATA, last=True), wire.response(write.itt), now=0.001)
    wire.session.command(wire.unit, wire.asker, 0, b"\x91" + bytes(15))
    wire.give(wire.response(wire.one().itt))
    disk = wire.session.statistics.disk(LUN)
    assert list(disk.counters) == [1, 4096, 1, 4096, 1, 0, 0, 0, 0]
    assert sum(disk.reads) == sum(disk.writes) == 1
    assert wire.unit.in_flight == 0


def test_the_wires_own_structs_agree_with_the_rfc():
    """11.4: 48 bytes, the tag at 16, StatSN at 24: the test's target packs them by itself."""
    wire = Wire()
    raw = wire.response(0x01020304, CHECK)
    assert len(raw) == 48
    assert struct.unpack_from(">I", raw, 16) == (0x01020304,)
    assert raw[3] == CHECK
    assert isinstance(wire.unit, Unit)


def test_a_unit_is_one_and_what_no_scan_found_is_not_known():
    wire = Wire()
    assert wire.session.unit(LUN) is wire.unit
    with pytest.raises(Problem) as caught:
        wire.unit.known  # noqa: B018 - it raises
    assert (caught.value.code, caught.value.attrs) == ("NoSuchLun", {"lun": f"{LUN:016x}"})


def test_a_loss_or_reset_answers_what_a_refused_unit_still_had_on_the_wire():
    """The time to wait was over, or another disk stands there: nobody is kept waiting for what is not sent again."""
    for happens in ("loss", "reset"):
        wire = Wire()
        wire.write(DATA)
        (task,) = (task for task in wire.session.slots if task.itt >= 0)
        wire.session.refuse(wire.unit, errno.EIO)
        assert wire.asker.ended == []
        if happens == "loss":
            wire.session.lost()
        else:
            task.off_wire()
            wire.session.after_reset(LUN, [task])
        assert wire.asker.errors == [errno.EIO]
        assert wire.unit.in_flight == 0


def test_without_a_connection_time_only_brings_back_what_was_put_off():
    wire = Wire()
    wire.write(DATA)
    wire.give(wire.response(wire.one().itt, BUSY))
    due = wire.session.next_deadline()
    wire.session.lost()
    assert wire.session.next_deadline() is None  # it waits for its unit now
    wire.session.on_timer(due + 3600)
    assert wire.asker.ended == []
