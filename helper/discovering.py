# SPDX-License-Identifier: Apache-2.0
"""A discovery from the helper's side: a worker for one question."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from . import resolver
from .api.control import MAX_TARGETS, Message
from .api.errors import Problem
from .dialing import Answerer, Dialer
from .sealing import for_a_worker
from .supervision import DiscoverRequest, FoundTarget, Portal, Step, once
from .worker_process import WorkerProcess, start_fields

if TYPE_CHECKING:
    from .nursery import Nursery


class Discovering:
    """Asks one address for its targets, in a worker that ends with the answer."""

    def __init__(self, nursery: Nursery, run_dir: Path, name: str) -> None:
        self._nursery = nursery
        self._process = WorkerProcess(nursery, run_dir, name, self)
        self._answerer: Answerer | None = None
        self._told: Step = lambda _step: None
        self._found: list[FoundTarget] = []
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, request: DiscoverRequest, step: Step) -> list[FoundTarget]:
        """Do it. Raises Problem."""
        portal = resolver.parse_portal(request.address)
        settings, told = request.settings, once(step)
        self._told = told
        dialer = Dialer(self._nursery, request.interface, float(str(settings["connect_timeout"])))
        self._answerer = Answerer(dialer, lambda _sock: told("login"))
        try:
            step("resolve")
            portals = await dialer.numeric([Portal(portal.address, portal.port)])
            step("route")
            dialer.find_way(portals)
            step("connect")
            await self._process.start()
            with for_a_worker(request.secrets, request.sign_in) as descriptors:
                await self._process.request("start", start_fields(request, portals), descriptors)
            await self._done
        finally:
            self._answerer.stop()
            await self._process.end()
        return self._found

    def message(self, message: Message) -> None:
        """Take a message of the worker's."""
        if message.type == "want_connection" and self._answerer is not None:
            self._answerer.wanted(self._process, message)
        elif message.type == "stage" and message["name"] == "full-feature":
            self._told("answer")
        elif message.type == "targets":
            self._found += [
                FoundTarget(row["name"], tuple(Portal(**portal) for portal in row["portals"]))
                for row in message["targets"]
            ]
            del self._found[MAX_TARGETS:]
        elif message.type == "state" and message["state"] == "ended" and not self._done.done():
            if message.problem is None:
                self._done.set_result(None)
            else:
                self._done.set_exception(message.problem)

    def died(self) -> None:
        """The worker ended before its answer."""
        if not self._done.done():
            self._done.set_exception(Problem("EngineDied"))
