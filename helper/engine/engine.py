# SPDX-License-Identifier: Apache-2.0
"""The driver: joins a session, its socket and its fronts on one loop, and keeps the session alive."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..api.errors import Problem
from ..api.statistics import Writer
from .loop import Loop

if TYPE_CHECKING:
    from .login import LoginConfig
    from .names import Portal
    from .scsi.disk import LunInfo

Done = Callable[[Problem | None], None]


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
        """The units that the target shows; after the first login, after `rescan`, and when something about them changed."""

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        """Something a person may want to know."""

    def front_ended(self, front: int, problem: Problem | None) -> None:
        """A front ended by itself: its user closed it (None) or broke its rules."""


class Engine:
    """One session for ever."""

    def __init__(self, config: SessionConfig, host: Host, loop: Loop, statistics: Writer | None = None) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Ask for the first connection."""
        raise NotImplementedError

    def connection_ready(self, sock: socket.socket) -> None:
        """Take a connected TCP socket (ours from now on)."""
        raise NotImplementedError

    def connection_failed(self, problem: Problem) -> None:
        """No connection could be made."""
        raise NotImplementedError

    def rescan(self, done: Done) -> None:
        """Ask for the units again; `host.luns` comes before `done`."""
        raise NotImplementedError

    def logout(self, done: Done) -> None:
        """End the session; `host.state_changed("ended", None)` comes before `done`."""
        raise NotImplementedError

    def attach_nbd(self, front: int, lun: int, sock: socket.socket, *, handshake: bool, read_only: bool) -> None:
        """Serve a unit on a connected stream socket (ours from now on). Raises Problem: NoSuchLun, NotADisk, NotReady, WriteProtected..."""
        raise NotImplementedError

    def attach_fuse(self, front: int, lun: int, fd: int, *, read_only: bool, resume: bool) -> None:
        """Serve a unit as one file on a /dev/fuse descriptor (ours from now on); `resume`: its INIT was answered by another process."""
        raise NotImplementedError

    def detach(self, front: int, done: Done) -> None:
        """Answer what was asked, flush the unit's cache, close the descriptor."""
        raise NotImplementedError
