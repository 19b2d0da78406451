# SPDX-License-Identifier: Apache-2.0
"""What the service has: targets, their sessions, the sessions' disks. State only; service.py acts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .api.errors import Problem
from .store import PortalRecord, TargetRecord
from .supervision import Attached, Holder, LunRecord
from .worker_session import WorkerSession

if TYPE_CHECKING:
    from .background import Notes


class Ref(str):
    """A thing's name inside the service, such as "targets/3"; on the bus, the end of its path."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Target:
    """A saved target and what became of it."""

    record: TargetRecord
    connecting: bool = False
    session: Session | None = None
    last_error: str = ""
    last_error_facts: Mapping[str, str | int] = field(default_factory=dict)
    told_alias: str = ""

    @property
    def ref(self) -> Ref:
        """Its name."""
        return Ref(f"targets/{self.record.id}")

    @property
    def state(self) -> str:
        """One of disconnected, connecting, connected, lost, disconnecting."""
        if self.session is not None:
            return self.session.state
        return "connecting" if self.connecting else "disconnected"

    @property
    def alias(self) -> str:
        """The name for people: the record's, else what the target calls itself, or did when it was last heard."""
        if self.session is not None and self.session.worker is not None:
            self.told_alias = str(self.session.worker.parameters.get("TargetAlias", self.told_alias))
        return self.record.alias or self.told_alias

    def settle(self, problem: Problem | None = None) -> None:
        """Note how an attempt or a session ended."""
        self.connecting = False
        self.last_error, self.last_error_facts = (problem.code, problem.attrs) if problem is not None else ("", {})


@dataclass(slots=True, eq=False)
class Session:
    """A live login. `lock`: its disks are being attached, ejected or taken away. `noted_state`: in the timeline."""

    number: int
    target: Target
    notes: Notes
    worker: WorkerSession | None = None
    luns: dict[str, Lun] = field(default_factory=dict)
    noted_state: str = "connected"
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def ref(self) -> Ref:
        """Its name."""
        return Ref(f"sessions/{self.number}")

    @property
    def live(self) -> WorkerSession:
        """The supervisor's session. Raises Problem("NotConnected") when it is over."""
        if self.worker is None:
            raise Problem("NotConnected", target=self.target.record.name)
        return self.worker

    @property
    def state(self) -> str:
        """One of connecting, connected, lost, disconnecting."""
        state = "disconnecting" if self.worker is None else self.worker.state
        return "disconnecting" if state == "ended" else state


@dataclass(slots=True, eq=False)
class Lun:
    """A disk as the target shows it; `holders` as of the last look."""

    session: Session
    record: LunRecord
    holders: tuple[Holder, ...] = ()

    @property
    def address(self) -> str:
        """16 hexadecimal digits."""
        return self.record.address

    @property
    def ref(self) -> Ref:
        """Its name."""
        return Ref(f"{self.session.ref}/luns/{self.address}")

    @property
    def attached(self) -> Attached | None:
        """Its device, when it has one."""
        worker = self.session.worker
        return worker.attached.get(self.address) if worker is not None else None


@dataclass(slots=True, eq=False)
class KeptPortal:
    """A discovery address that is kept. `lock`: it is being looked at.

    `facts`: what the sentences of its last result mention; not saved. `changed`: the record is another, `hurry`: look
    before it is time; both are for `task`, which keeps it up to date.
    """

    record: PortalRecord
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    facts: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        """Its name."""
        return Ref(f"portals/{self.record.id}")

    def stop(self) -> None:
        """Look no more."""
        if self.task is not None:
            self.task.cancel()


Thing = Target | Session | Lun | KeptPortal
