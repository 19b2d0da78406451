# SPDX-License-Identifier: Apache-2.0
"""The service's objects on a connection: service.Listener."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..api import names
from ..api.bus import Connection
from ..api.contract import missing_actions
from ..api.objects import ObjectServer
from ..jobs import Job
from ..service import Service
from ..store import Event
from ..things import KeptPortal, Lun, Session, Target, Thing
from .agent import BusAgent
from .authority import Authority, Gate
from .objects import (
    JobObject,
    LunObject,
    ManagerObject,
    PortalObject,
    SessionObject,
    TargetObject,
    event_row,
    job_ref,
    path,
)


class Tree:
    """Everything that is on the bus. Make the service with it, then `begin` with the service."""

    def __init__(self, connection: Connection, authority: Authority) -> None:
        if missing_actions():
            raise RuntimeError("methods without an action: " + ", ".join(missing_actions()))
        self._connection = connection
        self._gate = Gate(connection, authority)
        self.server = ObjectServer(connection, names.ROOT_PATH, self._gate)
        self._service: Service

    async def begin(self, service: Service) -> None:
        """Start the service, put everything on the bus, and watch who leaves."""
        self._service = service
        await self._connection.watch_leavers(self._left)
        await service.start()
        manager = ManagerObject(service, self._gate.caller, lambda owner, at: BusAgent(self._connection, owner, at))
        self.server.add(names.ROOT_PATH, {names.MANAGER: manager})

    def _left(self, name: str) -> None:
        if name.startswith(":"):
            # what it had sent before it left came before; let that begin first, so that it is found
            asyncio.get_running_loop().call_soon(self._gone, name)

    def _gone(self, name: str) -> None:
        self.server.forget(name)
        self._gate.forget(name)
        self._service.caller_left(name)

    # ---- service.Listener --------------------------------------------------------------------------------------------

    def added(self, thing: Thing) -> None:
        """Put it on the bus."""
        makers: dict[type, tuple[str, Callable[..., object]]] = {
            Target: (names.TARGET, TargetObject),
            Session: (names.SESSION, SessionObject),
            Lun: (names.LUN, LunObject),
            KeptPortal: (names.PORTAL, PortalObject),
        }
        interface, make = makers[type(thing)]
        self.server.add(path(thing.ref), {interface: make(self._service, self._gate.caller, thing)})

    def changed(self, thing: Thing) -> None:
        """Tell what is different."""
        self.server.refresh(path(thing.ref))

    def removed(self, thing: Thing) -> None:
        """Take it off the bus."""
        self.server.remove(path(thing.ref))

    def initiator_changed(self) -> None:
        """Tell the new name."""
        self.server.refresh(names.ROOT_PATH)

    def event(self, event: Event) -> None:
        """Tell the timeline's new entry."""
        self.server.emit(names.ROOT_PATH, names.MANAGER, "Event", event_row(event))

    def job_added(self, job: Job) -> None:
        """Put it on the bus."""
        self.server.add(path(job_ref(job)), {names.JOB: JobObject(job)})

    def job_changed(self, job: Job) -> None:
        """Tell what is different."""
        self.server.refresh(path(job_ref(job)))

    def job_completed(self, job: Job) -> None:
        """Tell how it ended."""
        ended = JobObject(job)
        self.server.refresh(path(job_ref(job)))
        self.server.emit(path(job_ref(job)), names.JOB, "Completed", job.problem is None, ended.error, ended.details)

    def job_removed(self, job: Job) -> None:
        """Take it off the bus."""
        self.server.remove(path(job_ref(job)))
