# SPDX-License-Identifier: Apache-2.0
"""The helper's inner door to workers and devices."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import keeping, resolver
from .api.errors import Problem
from .discovering import Discovering
from .keeping import Kept
from .probing import Probed, Probing
from .reaching import answering, reachable_first
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


log = logging.getLogger(__name__)


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

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Return the numbers of a host. Raises Problem."""
        return await resolver.resolve(self._nursery, host)

    async def reachable_first(self, spec: SessionSpec) -> SessionSpec:
        """Return the spec with the portal in front that answers first."""
        seconds = float(str(spec.settings["connect_timeout"]))
        return replace(spec, portals=await reachable_first(self._nursery, spec.portals, spec.interface, seconds))

    async def answering(self, portals: Iterable[Portal], interface: str) -> Mapping[tuple[str, int], bool]:
        """Return which of these addresses and ports take a connection soon; see reaching.answering."""
        return await answering(self._nursery, portals, interface)

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

    async def adopt(self, observer_for: Callable[[WorkerSession], SessionObserver | None]) -> list[WorkerSession]:
        """Find the workers that an earlier helper left, and go on with their sessions. Call it first.

        Returns those that go on, and those that are found to have ended ("ended", with `last_error`). Of those for
        which there is no observer, and of those whose worker does not do its part, the worker is left alone: without
        disks it ends by itself.
        """
        for pattern in ("discovery-*.sock", "probe-*.sock"):  # their workers have ended with that helper
            for left in self._run_dir.glob(pattern):
                left.unlink(missing_ok=True)
        work = []
        for kept in keeping.load_all(self._run_dir):
            session = WorkerSession(self._nursery, self._run_dir, kept.spec, self._watch.look_soon)
            observer = observer_for(session)
            if observer is None:
                log.warning("A session that nobody knows is left alone: %s", kept.spec.key)
                continue
            self._sessions.append(session)
            work.append(self._adopt(session, kept, observer))
        return [session for session in await asyncio.gather(*work) if session is not None]

    @staticmethod
    async def _adopt(session: WorkerSession, kept: Kept, observer: SessionObserver) -> WorkerSession | None:
        try:
            return session if await session.adopt(kept, observer) else None
        except Exception:
            log.exception("%s could not be gone on with", kept.spec.key)
            return None

    async def close(self) -> None:
        """End every session that has no attached disk; leave the others running for the next helper."""
        await self._watch.close()
        for session in self.sessions:
            if session.attached:
                await session.leave()
            else:
                await session.logout()
