# SPDX-License-Identifier: Apache-2.0
"""Targets that connect by themselves (start-up "login"): when the service starts, when their owner's secret agent
comes, when the network returns, and again after they were lost.

What a person disconnected stays so until a person connects it, or the service starts again. A target that refuses us is
left alone until something changes that may make it think otherwise; one that cannot be reached is tried again, less and
less often.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from .api.errors import catalogue
from .background import error_detail
from .jobs import Caller
from .things import Target

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger(__name__)

#: Seconds until the next attempt: the first time, and at most.
FIRST_DELAY, MAX_DELAY = 2.0, 300.0
#: So many are tried at once.
AT_ONCE = 8
#: What a target says that will be right again by itself.
_PASSING = frozenset({"TargetError", "ServiceUnavailable", "OutOfResources", "TooManyConnections", "TargetNotFound"})
_OURS = frozenset({"EngineDied", "Busy", "AlreadyConnected", "Cancelled"})


def worth_trying(code: str) -> bool:
    """Return whether an attempt that ended so may go well the next time, with nothing changed here."""
    return catalogue()[code].side == "network" or code in _PASSING or code in _OURS


class Keeper:
    """Keeps one target connected."""

    def __init__(self, service: Service, target: Target, turn: asyncio.Semaphore) -> None:
        self._service = service
        self._target = target
        self._turn = turn
        self._wake = asyncio.Event()
        self._wanted = True
        self._delay = FIRST_DELAY
        self._hurried = False
        self._task = service.spawn(self._run())

    def stop(self) -> None:
        """Keep it no more; what is connected stays."""
        self._task.cancel()

    def hurry(self) -> None:
        """Something has changed: try at once, and often again."""
        self._hurried = True
        self._wake.set()

    def want(self, *, wanted: bool) -> None:
        """A person connected it, or disconnected it."""
        self._wanted = wanted
        self._wake.set()

    def ended(self) -> None:
        """Its session is over."""
        self._wake.set()

    @property
    def last_error(self) -> str:
        """How the last attempt ended."""
        return self._target.last_error

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            if self._hurried:
                self._hurried, self._delay = False, FIRST_DELAY
            if not self._wanted or self._target.state != "disconnected":
                await self._wake.wait()
                continue
            code = await self._attempt()
            if not code:
                self._delay = FIRST_DELAY
                await self._attach_disks()
            elif not self._wake.is_set():
                await self._pause(code)

    @property
    def _nobody(self) -> Caller:
        record = self._target.record
        return Caller(f"startup-{record.id}", record.owner)

    async def _attach_disks(self) -> None:
        """Attach the disks where the record says so; one that cannot be is in the timeline, and the next is tried."""
        session, service = self._target.session, self._service
        if session is None or service.complete(self._target.record.settings)["startup_disks"] == "nothing":
            return
        for lun in list(session.luns.values()):
            if lun.record.kind != "disk" or not lun.record.size or lun.attached is not None:
                continue
            job = service.luns.attach(self._nobody, lun, "auto", read_only=False)
            if job.task is not None:
                await asyncio.wait([job.task])
            if job.problem is not None:
                service.note("not-attached", self._target.record.name, {"lun": lun.address} | error_detail(job.problem))

    async def _attempt(self) -> str:
        """Try once; returns the error's code, or nothing."""
        async with self._turn:
            if self._target.state != "disconnected":
                return ""
            job = self._service.login(self._nobody, self._target, {}, None, background=True)
            if job.task is not None:
                await asyncio.wait([job.task])
        return job.problem.code if job.problem is not None else ""

    async def _pause(self, code: str) -> None:
        delay: float | None = self._delay
        if code == "SecretsUnavailable":
            delay = MAX_DELAY  # a keyring that is locked now may be open then; an agent that comes wakes us
        elif not worth_trying(code):
            delay = None
            log.info("%s is not tried again: %s", self._target.record.name, code)
        self._delay = min(self._delay * 2, MAX_DELAY)
        try:
            async with asyncio.timeout(delay):
                await self._wake.wait()
        except TimeoutError:
            return


class Startup:
    """The targets that connect by themselves; a part of the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._keepers: dict[int, Keeper] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._running = False

    @property
    def any(self) -> bool:
        """There is one."""
        return bool(self._keepers)

    def start(self) -> None:
        """Begin with those that are saved."""
        self._running = True
        for target in self._service.targets.values():
            self.consider(target)

    def stop(self) -> None:
        """Keep nothing any more."""
        self._running = False
        for keeper in self._keepers.values():
            keeper.stop()
        self._keepers.clear()

    def consider(self, target: Target) -> None:
        """Begin or end with a target whose record is new or changed."""
        number = target.record.id
        known = number in self._service.targets
        if not self._running or not known or target.record.startup != "login":
            keeper = self._keepers.pop(number, None)
            if keeper is not None:
                keeper.stop()
        elif number not in self._keepers:
            self._keepers[number] = Keeper(self._service, target, self._turn)
        else:
            self._keepers[number].hurry()

    def wanted(self, target: Target, *, wanted: bool) -> None:
        """A person connected a target, or disconnected it."""
        keeper = self._keepers.get(target.record.id)
        if keeper is not None:
            keeper.want(wanted=wanted)

    def ended(self, target: Target) -> None:
        """A session is over."""
        keeper = self._keepers.get(target.record.id)
        if keeper is not None:
            keeper.ended()

    def network_changed(self) -> None:
        """Try those that could not be reached."""
        for keeper in self._keepers.values():
            code = keeper.last_error
            if code and worth_trying(code):
                keeper.hurry()

    def agent_came(self, user: int) -> None:
        """Try those of a user who can be asked now."""
        for number, keeper in self._keepers.items():
            record = self._service.targets[number].record
            if record.owner == user and record.sign_in != "none":
                keeper.hurry()
