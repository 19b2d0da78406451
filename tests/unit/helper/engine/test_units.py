# SPDX-License-Identifier: Apache-2.0
"""What becomes of units: scans and looks of one command each, whose result the test says; the session is real."""

import dataclasses
import errno
from collections import deque

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine import units as module
from lundock.helper.engine.loop import Loop
from lundock.helper.engine.scsi.disk import LunInfo, ScsiRequest
from lundock.helper.engine.units import Units, identity, same
from support.wire import LUN, Wire, sense

DISK = LunInfo(LUN, 1, size=1 << 20, block_size=512, serial="S1", wwn="naa.5000", vendor="V", model="M")
OTHER = dataclasses.replace(DISK, wwn="naa.6000")
READY = bytes(16)


class User:
    """UnitsUser, the scans' results in `found` and the looks' in `looks`."""

    def __init__(self, monkeypatch):
        self.wire = Wire(settings={"ping_interval": 0})
        self.session = self.wire.session
        self.unit = self.wire.unit
        self.loop = Loop()
        self.units = Units(self.session, self.loop, self, {"look_first_delay": 3, "look_delay": 20})
        self.found = (DISK,)
        self.looks = deque()
        self.used = False
        self.events = []
        self.scans = []
        self.settled = 0
        self.delays = []
        monkeypatch.setattr(module.disks, "scan", self._scan)
        monkeypatch.setattr(module.disks, "bring_up", self._look)

    def _scan(self):
        yield ScsiRequest(0, READY)
        return self.found

    def _look(self, lun):
        yield ScsiRequest(lun, READY)
        return self.looks.popleft()

    def uses(self, unit):
        return self.used and unit is self.unit

    def wake(self):
        pass

    def event(self, kind, attrs):
        self.events.append((kind, attrs))

    def luns_found(self, luns):
        self.scans.append(luns)

    def units_settled(self):
        self.settled += 1

    def answer(self):
        for pdu in self.wire.sent():
            self.wire.exp_cmd_sn += 1
            self.wire.max_cmd_sn += 1
            self.wire.give(self.wire.response(pdu.itt))

    def scan(self):
        ended = []
        self.units.scan(ended.append)
        self.answer()
        return ended

    def later(self):
        """Let the next timer run, whenever that is, and say when."""
        when, _, timer = self.loop._timers.pop(0)
        timer.callback()
        self.answer()
        return round(when - self.loop.now)


@pytest.fixture
def user(monkeypatch):
    return User(monkeypatch)


def test_a_scan_makes_units_ready(user):
    user.unit.ready = False
    user.unit.info = None
    assert user.scan() == [None]
    assert user.scans == [(DISK,)]
    assert user.unit.known is DISK
    assert user.unit.ready


def test_what_is_gone_is_not_known_any_more_unless_it_is_used(user):
    user.scan()
    user.found = ()
    user.used = True
    user.scan()
    assert user.unit.info is DISK
    user.used = False
    user.scan()
    assert user.unit.info is None


def test_a_scan_that_fails_says_why(user):
    ended = []
    user.units.scan(ended.append)
    user.session.lost()
    assert [problem.code for problem in ended] == ["ConnectionLost"]
    ended.clear()
    user.units.scan(ended.append)  # without a connection
    assert [problem.code for problem in ended] == ["Busy"]
    assert user.scans == []


def test_a_scan_whose_answer_cannot_be_read_fails(user, monkeypatch):
    def broken():
        yield ScsiRequest(0, READY)
        raise Problem("ScsiError")

    monkeypatch.setattr(module.disks, "scan", broken)
    assert [problem.code for problem in user.scan()] == ["ScsiError"]


@pytest.mark.parametrize("kind", ["capacity-changed", "luns-changed", "inquiry-changed"])
def test_many_words_of_a_change_make_one_scan(user, kind):
    for _ in range(5):
        user.units.look_again(user.unit, kind)
    assert len(user.loop._timers) == 1
    user.later()
    assert user.scans == [(DISK,)]
    user.units.look_again(user.unit, kind)
    assert len(user.loop._timers) == 1


def test_words_that_change_nothing_and_looks_without_a_connection(user):
    user.units.look_again(user.unit, "power-on")
    assert user.loop._timers == []
    user.units.look_again(user.unit, "luns-changed")
    user.session.lost()
    user.later()
    assert user.scans == []


def test_a_unit_in_use_that_has_grown(user):
    user.scan()
    user.used = True
    user.found = (dataclasses.replace(DISK, size=2 << 20),)
    user.scan()
    assert user.events == [("capacity-changed", {"lun": f"{LUN:016x}", "size": 2 << 20})]
    assert user.unit.known.size == 2 << 20
    assert user.unit.ready


def test_a_unit_in_use_that_has_a_problem_for_now_stays_as_it_is(user):
    user.scan()
    user.used = True
    user.found = (dataclasses.replace(DISK, size=0, problem="NotReady"),)
    user.scan()
    assert user.unit.info is DISK


def lost(user):
    """A unit in use, a command on its way, and a new connection."""
    user.scan()
    user.used = True
    user.wire.read(cookie=9)
    user.wire.sent()
    user.session.lost()
    user.wire.connect(window=64)


def test_after_a_loss_the_same_unit_goes_on(user):
    lost(user)
    user.looks.append(DISK)
    user.units.recover()
    assert not user.units.all_settled()
    user.answer()
    assert user.units.all_settled()
    (again,) = (pdu for pdu in user.wire.sent() if pdu.cdb[0] == 0x88)
    assert again.cdb[0] == 0x88
    assert user.settled == 2
    assert len(user.scans) == 2


def test_units_that_nobody_uses_are_not_looked_at_one_by_one(user):
    lost(user)
    user.session.unit(2 * LUN)
    user.looks.append(DISK)
    user.units.recover()
    user.answer()
    assert not user.looks
    assert user.units.all_settled()
    assert not user.session.unit(2 * LUN).ready


def test_another_unit_in_its_place_is_refused(user):
    lost(user)
    user.looks.append(OTHER)
    user.found = (OTHER,)
    user.units.recover()
    user.answer()
    expected = {"lun": f"{LUN:016x}", "found": "naa.6000", "expected": "naa.5000"}
    assert user.events == [("identity-changed", expected)]  # once, though the scan saw it, too
    assert user.wire.asker.errors == [errno.EIO]
    assert user.units.all_settled()
    assert not user.unit.ready
    assert user.unit.info is DISK


def test_a_unit_that_comes_back_after_another_one(user):
    lost(user)
    user.looks.append(OTHER)
    user.units.recover()
    user.answer()
    user.session.lost()
    user.wire.connect(window=64)
    user.looks.append(DISK)
    user.units.recover()
    user.answer()
    assert user.unit.ready
    assert not user.unit.changed


def test_a_disk_that_refuses_writes_is_looked_at_once_until_it_says_that_this_changed(user):
    for kinds, looks in (
        (["write-protected", "write-protected"], 1),
        (["write-protected"], 0),
        (["mode-changed"], 1),
        (["write-protected"], 1),
    ):
        for kind in kinds:
            user.units.look_again(user.unit, kind)
        assert len(user.loop._timers) == looks
        if looks:
            user.looks.append(DISK)
            user.later()


def test_a_unit_that_is_not_ready_is_looked_at_again_and_again(user):
    lost(user)
    user.looks.extend([dataclasses.replace(DISK, problem="NotReady")] * 7)
    user.units.recover()
    user.answer()
    assert [user.later() for _ in range(6)] == [3, 6, 12, 20, 20, 20]
    user.looks.append(DISK)
    assert user.later() == 20
    assert user.unit.ready


def test_a_look_that_outlives_its_connection_is_void(user):
    lost(user)
    user.looks.append(dataclasses.replace(DISK, problem="NotReady"))
    user.units.recover()
    user.answer()
    user.session.lost()
    user.wire.connect(window=64)
    user.later()
    assert user.wire.sent() == []
    user.looks.append(DISK)
    user.units.recover()
    user.session.lost()  # before the answer
    user.wire.connect(window=64)
    assert user.loop._timers == []
    assert not user.unit.ready


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"size": 2 << 20}, True),
        ({"size": 1 << 19}, False),
        ({"block_size": 4096}, False),
        ({"kind": "tape"}, False),
        ({"wwn": "naa.6000"}, False),
        ({"wwn": ""}, False),
        ({"serial": "S2"}, True),
    ],
)
def test_same_with_a_name(changes, expected):
    assert same(DISK, dataclasses.replace(DISK, **changes)) is expected


def test_same_without_a_name():
    serial = dataclasses.replace(DISK, wwn="")
    nothing = dataclasses.replace(serial, serial="")
    assert same(serial, serial)
    assert not same(serial, dataclasses.replace(serial, serial="S2"))
    assert not same(serial, nothing)
    assert same(nothing, nothing)
    assert not same(nothing, dataclasses.replace(nothing, size=2 << 20))
    assert [identity(info) for info in (DISK, serial, nothing)] == ["naa.5000", "S1", "V M, 1048576 bytes"]


def test_units_are_asked_until_nobody_wants_it_any_more(user):
    user.units.watch(0)
    assert user.loop._timers == []
    user.scan()
    user.units.watch(7)
    assert user.later() == 7  # an answer without news
    assert user.events == []
    user.session.spare.clear()
    assert user.later() == 7  # no slot for it: the next time
    user.session.lost()
    assert user.later() == 7
    assert user.wire.sent() == []
    user.units.stop()
    assert all(timer.callback is None for _, _, timer in user.loop._timers)


@pytest.mark.parametrize(
    ("status", "data", "kinds"),
    [
        (0x02, sense(0x6, 0x3F, 0x0E), ["luns-changed"]),
        (0x02, sense(0x6, 0x29, 0x00), ["reset"]),
        (0x02, sense(0x2, 0x04, 0x01), []),
        (0x08, b"", []),
    ],
)
def test_of_what_an_asked_unit_says_only_changes_are_told(user, status, data, kinds):
    user.scan()
    user.units.watch(7)
    user.loop._timers.pop(0)[2].callback()
    user.wire.give(user.wire.response(user.wire.one().itt, status, data))
    assert [kind for kind, _ in user.wire.above.events] == kinds
    assert user.wire.above.looks == kinds
