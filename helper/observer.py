# SPDX-License-Identifier: Apache-2.0
"""Between the supervisor and the service: what is told of one session (supervision.SessionObserver)."""

from __future__ import annotations

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

    def __init__(self, service: Service, session: Session) -> None:
        self._service = service
        self._session = session

    def changed(self, session: WorkerSession) -> None:  # noqa: ARG002, D102 - the protocol tells
        self._service.session_changed(self._session)

    def luns_changed(self, session: WorkerSession) -> None:  # noqa: ARG002, D102
        self._service.luns_changed(self._session)

    def holders_changed(self, session: WorkerSession, lun: str, holders: tuple[Holder, ...]) -> None:  # noqa: ARG002, D102
        self._service.luns.holders_changed(self._session, lun, holders)

    def event(self, session: WorkerSession, kind: str, attrs: Mapping[str, str | int]) -> None:  # noqa: ARG002, D102
        if kind not in self._OWN:
            self._session.notes.note(kind, attrs)

    def ended(self, session: WorkerSession, problem: Problem | None) -> None:  # noqa: ARG002, D102
        self._service.session_ended(self._session, problem)
