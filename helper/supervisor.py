# SPDX-License-Identifier: Apache-2.0
"""The helper's inner door to workers and devices."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .api.errors import Problem
from .discovering import Discovering
from .probing import Probed, Probing
from .reaching import reachable_first
from .supervision import (
    Attached,
    ConnectionRecord,
    DiscoverRequest,
    FoundTarget,
    Holder,
    LunRecord,
    Portal,
    Secrets,
    SessionObserver,
    SessionSpec,
    Step,
    make_isid,
)
from .watching import HolderWatch
from .worker_process import LeftWorker
from .worker_session import WorkerSession

if TYPE_CHECKING:
    from .nursery import Nursery

__all__ = [
    "Attached",
    "ConnectionRecord",
    "DiscoverRequest",
    "FoundTarget",
    "Holder",
    "LunRecord",
    "Portal",
    "Secrets",
    "SessionObserver",
    "SessionSpec",
    "Step",
    "Supervisor",
    "WorkerSession",
    "make_isid",
]


class Supervisor:
    """Starts, watches and restarts workers. Everything runs in one asyncio loop.

    `run_dir` is the helper's own folder (mode 0700, made when missing); `nursery` was started before the loop.
    """

    def __init__(self, run_dir: Path, nursery: Nursery) -> None:
        self._run_dir = run_dir
        self._nursery = nursery
        self._numbers = itertools.count(1)
        self._sessions: list[WorkerSession] = []
        self._watch = HolderWatch(nursery, lambda: self.sessions)
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        run_dir.chmod(0o700)

    @property
    def sessions(self) -> list[WorkerSession]:
        """The sessions that have not ended."""
        return [one for one in self._sessions if one.state != "ended"]

    async def discover(self, request: DiscoverRequest, step: Step) -> list[FoundTarget]:
        """Ask an address for its targets. Cancelling the task ends the work."""
        return await Discovering(self._nursery, self._run_dir, f"discovery-{next(self._numbers)}").run(request, step)

    async def probe(self, spec: SessionSpec, portal: Portal, step: Step, *, asking: bool) -> Probed:
        """Try to log in at one portal; nothing is kept of it. With `asking` only which sign-in is wanted is learnt."""
        return await Probing(self._nursery, self._run_dir, f"probe-{next(self._numbers)}").run(
            spec, portal, step, asking=asking
        )

    async def reachable_first(self, spec: SessionSpec) -> SessionSpec:
        """Return the spec with the portal in front that answers first."""
        seconds = float(str(spec.settings["connect_timeout"]))
        return replace(spec, portals=await reachable_first(self._nursery, spec.portals, spec.interface, seconds))

    async def open_session(self, spec: SessionSpec, observer: SessionObserver, step: Step) -> WorkerSession:
        """Log in and find the disks. Until this returns the observer is not called, and any failure is raised here."""
        self._sessions = self.sessions
        if any(one.spec.key == spec.key for one in self._sessions):
            raise Problem("AlreadyConnected", target=spec.target_name)
        await self._clear_way(spec)
        session = WorkerSession(self._nursery, self._run_dir, spec, self._watch.look_soon)
        self._sessions.append(session)
        await session.open(observer, step)
        return session

    async def _clear_way(self, spec: SessionSpec) -> None:
        """Look for a worker that an earlier helper left: one that serves nobody is logged out.

        One that still serves a device is left alone: a login of ours would take its session (same ISID), and with it
        the disk under somebody's file system. Raises Problem("AlreadyConnected") then.
        """
        left = LeftWorker(self._run_dir / f"{spec.key}.sock")
        if await left.find() and not await left.send_away():
            raise Problem("AlreadyConnected", target=spec.target_name)

    async def close(self) -> None:
        """End every session that has no attached disk; leave the others running for the next helper."""
        await self._watch.close()
        for session in self.sessions:
            if not session.attached:
                await session.logout()
