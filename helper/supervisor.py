# SPDX-License-Identifier: Apache-2.0
"""The helper's inner door to workers and devices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .api.errors import Problem
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

    async def discover(self, request: DiscoverRequest, step: Step) -> list[FoundTarget]:
        """Ask an address for its targets. Cancelling the task ends the work."""
        raise Problem("NotSupported", what="discover", detail="")

    async def open_session(self, spec: SessionSpec, observer: SessionObserver, step: Step) -> WorkerSession:
        """Log in and find the disks. Until this returns the observer is not called, and any failure is raised here."""
        raise Problem("NotSupported", what="open_session", detail="")

    async def close(self) -> None:
        """End every worker that has no attached disk; leave the others running for the next helper."""
