# SPDX-License-Identifier: Apache-2.0
"""Who is told what changes in the service: the bus."""

from __future__ import annotations

from typing import Protocol

from .jobs import JobListener
from .store import Event
from .things import Thing


class Listener(JobListener, Protocol):
    """Is told."""

    def added(self, thing: Thing) -> None:
        """There is a new thing."""

    def changed(self, thing: Thing) -> None:
        """Some property of it is different."""

    def removed(self, thing: Thing) -> None:
        """It is gone."""

    def initiator_changed(self) -> None:
        """This computer has another name."""

    def event(self, event: Event) -> None:
        """The timeline has a new entry."""
