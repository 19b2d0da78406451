# SPDX-License-Identifier: Apache-2.0
"""What an engine is given, and what it says to whoever runs it: worker.py for the helper, client.py for a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..api.errors import Problem
from .login import LoginConfig
from .names import Portal
from .scsi.disk import LunInfo


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """What a session needs: how to sign in, and where (numeric addresses, tried in turn)."""

    login: LoginConfig
    portals: tuple[Portal, ...]


class Host(Protocol):
    """Who runs the engine."""

    def want_connection(self, portal: Portal, why: str) -> None:
        """Make a TCP connection; answer with `connection_ready` or `connection_failed`, not from within this call."""

    def state_changed(self, state: str, problem: Problem | None) -> None:
        """The session is connecting, connected, lost, disconnecting or ended; the problem is why, if not on request."""

    def parameters(self, values: dict[str, str | int | bool], portal: Portal) -> None:
        """What was agreed in a login, by the keys' names."""

    def luns(self, luns: tuple[LunInfo, ...]) -> None:
        """The units that the target shows; after the first login, after `rescan`, and when something about them
        changed.
        """

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        """Something a person may want to know."""

    def front_ended(self, front: int, problem: Problem | None) -> None:
        """A front ended by itself: its user closed it (None) or broke its rules."""
