# SPDX-License-Identifier: Apache-2.0
"""The logical units of a session: found by scans, and looked at again before anything is sent to them after a loss.

A unit that is in use is bound to its identity (VPD page 83h): another disk at the same place is refused, never
swapped in under an open device.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Generator, Mapping
from typing import Any, Protocol

from ..api.errors import Problem
from ..api.settings import Value
from .backoff import doubled
from .loop import Loop, Timer
from .options import number
from .scsi import disk as disks
from .scsi import sense as senses
from .scsi.cdb import test_unit_ready
from .scsi.disk import LunInfo, ScsiRequest, ScsiResult
from .session import Session
from .task import Unit

#: What a unit reports that makes it worth another look.
_LOOK_AGAIN = frozenset({"capacity-changed", "inquiry-changed", "luns-changed", "mode-changed", "write-protected"})
_LOOK_DELAY = 0.1

Done = Callable[[Problem | None], None]


class UnitsUser(Protocol):
    """Who wants to know."""

    def uses(self, unit: Unit) -> bool:
        """Whether a front serves it."""

    def wake(self) -> None:
        """Something is to be sent."""

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        """Something a person may want to know."""

    def luns_found(self, luns: tuple[LunInfo, ...]) -> None:
        """A scan ended."""

    def units_settled(self) -> None:
        """A unit in use is served again, or refused for good."""


class Units:
    """Scans, and the recovery of units, of one session."""

    def __init__(self, session: Session, loop: Loop, user: UnitsUser, settings: Mapping[str, Value]) -> None:
        # Between two looks at a unit that is not ready.
        self._first_pause = number(settings, "look_first_delay")
        self._longest_pause = number(settings, "look_delay")
        self._session = session
        self._loop = loop
        self._user = user
        self._looking = False
        self._turn = 0
        self._asking: Timer | None = None

    # -- what units have to tell -------------------------------------------------------------------------------
    def watch(self, seconds: int) -> None:
        """Ask one unit after the other, every so many seconds (0: never): a unit attention waits for a command (SAM-5,
        5.14), and nobody else may send one, least of all to units that are not in use.
        """
        self.stop()
        if seconds:
            self._asking = self._loop.call_later(seconds, lambda: self._ask_next(seconds))

    def stop(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _ask_next(self, seconds: int) -> None:
        self.watch(seconds)
        units = [unit for unit in self._session.units.values() if unit.info is not None and unit.ready]
        if self._session.connection is None or not units:
            return
        self._turn += 1
        unit = units[self._turn % len(units)]
        with contextlib.suppress(Problem):  # too much is going on: another time
            self._session.scsi(ScsiRequest(unit.lun, test_unit_ready()), lambda answer: self._told(unit, answer))
        self._user.wake()

    def _told(self, unit: Unit, answer: ScsiResult | Problem) -> None:
        if isinstance(answer, ScsiResult) and answer.status:
            verdict = senses.classify(answer.status, answer.sense)
            if verdict.sense.key == senses.SenseKey.UNIT_ATTENTION:
                self._session.outcomes.report(unit, verdict)

    # -- scans -------------------------------------------------------------------------------------------------
    def scan(self, done: Done) -> None:
        """Ask for all units; `luns_found` comes before `done`."""

        def finished(result: Any, problem: Problem | None) -> None:
            if problem is None:
                self._take(result)
            done(problem)

        self._run(disks.scan(), finished)

    def look_again(self, unit: Unit, kind: str) -> None:
        """A unit says that something changed: scan, once for many such words."""
        if kind == "write-protected":
            if unit.protected:
                return  # it said so before, and says so to every write
            unit.protected = True
        elif kind == "mode-changed":
            unit.protected = False
        if kind in _LOOK_AGAIN and not self._looking:
            self._looking = True
            self._loop.call_later(_LOOK_DELAY, self._look)

    def _look(self) -> None:
        self._looking = False
        if self._session.connection is not None:
            self.scan(lambda _problem: None)

    def _take(self, found: tuple[LunInfo, ...]) -> None:
        for info in found:
            unit = self._session.unit(info.address)
            if not self._user.uses(unit):
                unit.info = info
                unit.changed = False
                self._session.unit_ready(unit)
            elif not info.problem:
                self._compare(unit, info)
        there = {info.address for info in found}
        for unit in self._session.units.values():
            if unit.lun not in there and not self._user.uses(unit):
                unit.info = None
        self._user.luns_found(found)

    def _run(
        self, steps: Generator[ScsiRequest, ScsiResult, Any], finished: Callable[[Any, Problem | None], None]
    ) -> None:  # fmt: skip
        """Run a generator of commands on the present connection."""

        def step(answer: ScsiResult | Problem | None) -> None:
            if isinstance(answer, Problem):
                steps.close()
                finished(None, answer)
                return
            try:
                request = next(steps) if answer is None else steps.send(answer)
                self._session.scsi(request, step)
            except StopIteration as stop:
                finished(stop.value, None)
            except Problem as problem:
                finished(None, problem)
            self._user.wake()

        step(None)

    # -- after a new login -------------------------------------------------------------------------------------
    def recover(self) -> None:
        """Look at what is in use, one by one, and at the rest by a scan."""
        for unit in list(self._session.units.values()):
            if self._user.uses(unit):
                self._recover(unit, 0)
        self.scan(lambda _problem: None)
        self._user.units_settled()

    def recover_one(self, unit: Unit) -> None:
        """Look at a unit; its commands wait until it was found to be the same."""
        self._recover(unit, 0)

    def all_settled(self) -> bool:
        """Whether every unit in use is served, or refused because it is another one."""
        return all(unit.ready or unit.changed for unit in self._session.units.values() if self._user.uses(unit))

    def _recover(self, unit: Unit, attempt: int) -> None:
        connection = self._session.connection
        unit.protected = False

        def finished(info: LunInfo | None, problem: Problem | None) -> None:
            if self._session.connection is not connection:
                return
            if info is None or info.problem or problem:
                self._loop.call_later(doubled(self._first_pause, attempt, self._longest_pause), again)
                return
            if self._compare(unit, info):
                self._session.unit_ready(unit)
            self._user.units_settled()

        def again() -> None:
            if connection is not None and self._session.connection is connection:
                self._recover(unit, attempt + 1)

        self._run(disks.bring_up(unit.lun), finished)

    def _compare(self, unit: Unit, info: LunInfo) -> bool:
        """Whether the unit that stands there is the one that was attached; if not, refuse it."""
        old = unit.info
        if old is not None and not same(old, info):
            if not unit.changed:
                unit.changed = True
                found, expected = identity(info), identity(old)
                self._user.event("identity-changed", {"lun": f"{unit.lun:016x}", "found": found, "expected": expected})
            unit.ready = False
            self._session.refuse(unit, errno.EIO)
            return False
        unit.changed = False
        if old is not None and old.size != info.size:
            self._user.event("capacity-changed", {"lun": f"{unit.lun:016x}", "size": info.size})
        unit.info = info
        return True


def same(old: LunInfo, new: LunInfo) -> bool:
    """Whether two looks at one place saw one disk: its identity, or, without any, its size; it never shrinks."""
    if old.kind != new.kind or old.block_size != new.block_size or new.size < old.size:
        return False
    if old.wwn or new.wwn:
        return old.wwn == new.wwn
    if old.serial or new.serial:
        return old.serial == new.serial
    return old.size == new.size


def identity(info: LunInfo) -> str:
    """Return what a disk is known by."""
    return info.wwn or info.serial or f"{info.vendor} {info.model}, {info.size} bytes"
