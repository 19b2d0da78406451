# SPDX-License-Identifier: Apache-2.0
"""Between the supervisor and the service: what is told of one session (supervision.SessionObserver)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .api.errors import Problem
from .supervision import Holder
from .things import Session
from .worker_session import WorkerSession

if TYPE_CHECKING:
    from .service import Service


class Observer:
    """Hands on what the supervisor tells of one session."""

    #: What the service notes itself, with more detail.
    _OWN = frozenset({"connected", "disconnected", "lost", "restored", "attached", "ejected"})

    #: A target can make events without end: so many at once are noted, and then one in so many seconds.
    BURST = 50
    INTERVAL = 5.0

    def __init__(self, service: Service, session: Session) -> None:
        self._service = service
        self._session = session
        self._left = float(self.BURST)
        self._last = time.monotonic()

    def changed(self, session: WorkerSession) -> None:  # noqa: ARG002, D102 - the protocol tells
        self._service.session_changed(self._session)

    def luns_changed(self, session: WorkerSession) -> None:  # noqa: ARG002, D102
        self._service.luns_changed(self._session)

    def holders_changed(self, session: WorkerSession, lun: str, holders: tuple[Holder, ...]) -> None:  # noqa: ARG002, D102
        self._service.holders_changed(self._session, lun, holders)

    def event(self, session: WorkerSession, kind: str, attrs: Mapping[str, str | int]) -> None:  # noqa: ARG002, D102
        if kind not in self._OWN and self._may_note():
            self._service.note(kind, self._session.target.record.name, attrs)

    def _may_note(self) -> bool:
        now = time.monotonic()
        self._left = min(self.BURST, self._left + (now - self._last) / self.INTERVAL)
        self._last = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def ended(self, session: WorkerSession, problem: Problem | None) -> None:  # noqa: ARG002, D102
        self._service.session_ended(self._session, problem)
