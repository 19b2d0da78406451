# SPDX-License-Identifier: Apache-2.0
"""The sessions that an earlier service left running become this one's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .api.errors import from_wire
from .observer import Observer
from .store import TargetRecord
from .things import Session
from .worker_session import WorkerSession

if TYPE_CHECKING:
    from .service import Service


def session_key(record: TargetRecord) -> str:
    """Return the name of a record's session in the run folder."""
    return f"target-{record.id}"


async def take_over(service: Service) -> None:
    """Find them, and show those that go on; of those that have ended meanwhile the timeline tells."""
    targets = {session_key(target.record): target for target in service.targets.values()}
    found: dict[WorkerSession, Session] = {}

    def observer_for(worker: WorkerSession) -> Observer | None:
        target = targets.get(worker.spec.key)
        if target is None:
            return None
        found[worker] = session = service.new_session(target)
        session.worker = worker
        return Observer(service, session)

    for worker in await service.supervisor.adopt(observer_for):
        session = found[worker]
        if worker.state == "ended":
            session.target.settle(from_wire(worker.last_error, {}) if worker.last_error else None)
            service.listener.changed(session.target)
            service.note("disconnected", session.target.record.name, {"error": worker.last_error})
        else:
            session.noted_state = session.state
            service.show(session)
