# SPDX-License-Identifier: Apache-2.0
"""The connections of a worker: it says where to, which a target may have told it, and they are made here."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from . import connector, resolver, routes
from .allowance import Allowance
from .api.control import Message
from .api.errors import Problem
from .supervision import Portal

if TYPE_CHECKING:
    from .nursery import Nursery
    from .worker_process import WorkerProcess

log = logging.getLogger(__name__)

#: More names and numbers than this, besides those of the record, are not kept: a target may name ever new ones.
MAX_LEARNT = 64
#: Connections that a worker may want at once, and more for each second. One that wants more waits so long for each.
WANTED = (64, 4)
PAUSE = 1.0


class Dialer:
    """Makes a worker's connections: names are resolved once, numbers kept for every reconnect."""

    def __init__(self, nursery: Nursery, interface: str, seconds: float) -> None:
        self._nursery = nursery
        self._interface = interface
        self._seconds = seconds
        self._numbers: dict[str, tuple[str, ...]] = {}
        self._names: dict[str, str] = {}
        self._own: set[str] = set()

    @property
    def known(self) -> dict[str, tuple[str, ...]]:
        """The addresses by name, for `learn`."""
        return dict(self._numbers)

    def _forget_learnt(self) -> None:
        self._numbers = {name: numbers for name, numbers in self._numbers.items() if name in self._own}
        self._names = {number: name for number, name in self._names.items() if name in self._own}

    def learn(self, known: Mapping[str, tuple[str, ...]]) -> None:
        """Take addresses that were resolved earlier."""
        self._numbers |= known
        self._own |= known.keys()
        self._names |= {numbers[0]: name for name, numbers in known.items() if name not in numbers}

    async def numeric(self, portals: Sequence[Portal]) -> tuple[Portal, ...]:
        """Return the portals with numbers for names; those that cannot be resolved are left out.

        Raises the first one's Problem when none can.
        """
        found: list[Portal] = []
        first: Problem | None = None
        for portal in portals:
            try:
                number = (await self._resolve(portal.address))[0]
                self._own |= {portal.address, number}
            except Problem as problem:
                first = first or problem
            else:
                found.append(Portal(number, portal.port, portal.portal_group))
        if not found:
            raise first or Problem("InvalidArgument", argument="portals", detail="There are none.")
        return tuple(dict.fromkeys(found))

    def find_way(self, portals: Sequence[Portal]) -> None:
        """Look whether there is a way to one of `numeric`'s; raises the first one's Problem when it does not."""
        first: Problem | None = None
        for number in (number for portal in portals for number in self._numbers[portal.address]):
            try:
                routes.route(number, self._interface)
            except Problem as problem:
                if problem.code == "NotSupported":  # connecting will tell
                    return
                first = first or problem
            else:
                return
        if first is not None:
            raise first

    async def connect(self, address: str, port: int) -> socket.socket:
        """Connect to an address that the worker wants: one of `numeric`, or where a target redirected us to."""
        numbers = await self._resolve(address)
        shown = self._names.get(address, address)
        return await connector.connect(numbers, port, interface=self._interface, seconds=self._seconds, shown=shown)

    async def _resolve(self, address: str) -> tuple[str, ...]:
        if address not in self._numbers:
            if len(self._numbers) - len(self._own) > MAX_LEARNT:
                self._forget_learnt()
            numbers = await resolver.resolve(self._nursery, address)
            self._numbers[address] = numbers
            self._numbers.setdefault(numbers[0], numbers)
            self._names.setdefault(numbers[0], address)
        return self._numbers[address]


class Answerer:
    """Answers a worker's `want_connection`, one at a time; the newest question counts."""

    def __init__(self, dialer: Dialer, made: Callable[[socket.socket], None]) -> None:
        self._dialer = dialer
        self._made = made
        self._task: asyncio.Task[None] | None = None
        self._allowance = Allowance(*WANTED)
        self.last_problem: Problem | None = None

    def wanted(self, process: WorkerProcess, message: Message) -> None:
        """Begin to connect."""
        self.stop()
        portal, pause = message["portal"], 0.0 if self._allowance.take() else PAUSE
        self._task = asyncio.create_task(
            self._answer(process, message["request"], portal["address"], portal["port"], pause)
        )

    def stop(self) -> None:
        """Forget the question."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _answer(self, process: WorkerProcess, request: int, address: str, port: int, pause: float) -> None:
        try:
            if pause:
                await asyncio.sleep(pause)
            await self._connect(process, request, address, port)
        except Problem as problem:
            log.debug("A worker's connection: %s", problem)
        except Exception:
            log.exception("Connecting failed in an unforeseen way")

    async def _connect(self, process: WorkerProcess, request: int, address: str, port: int) -> None:
        try:
            sock = await self._dialer.connect(address, port)
        except Problem as problem:
            self.last_problem = problem
            fields = {"request": request, "code": problem.code, "attrs": problem.attrs}
            await process.request("connection", fields)
            return
        with sock:
            self._made(sock)
            await process.request("connection", {"request": request}, {"socket": sock.fileno()})
