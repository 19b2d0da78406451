# SPDX-License-Identifier: Apache-2.0
"""One discovery session on a socket: the machine of `discovery`, and the loop that moves its bytes."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Mapping, Sequence
from typing import Protocol

from ..api.errors import Problem
from .discovery import Discovery, FoundTarget
from .login import LoginConfig, Redirect
from .loop import READ, WRITE, Loop, Timer
from .names import Portal
from .options import number

_PIECE = 65536


class DiscoveryHost(Protocol):
    """Who runs it; the first two as the engine's Host."""

    def want_connection(self, portal: Portal, why: str) -> None:
        """Make a TCP connection."""

    def state_changed(self, state: str, problem: Problem | None) -> None:
        """Only "ended": with the problem, or after `targets_found`."""

    def targets_found(self, targets: Sequence[FoundTarget]) -> None:
        """What the target named."""

    def stage_reached(self, name: str, attrs: Mapping[str, str]) -> None:
        """The login is there now; see Discovery, Probe."""


class OneSession(Protocol):
    """A machine that is over with one connection; see docs/architecture.md, "Machines"."""

    done: bool

    def feed(self, data: bytes | bytearray | memoryview, now: float) -> None: ...  # noqa: D102 - the page tells
    def to_send(self) -> bytes: ...  # noqa: D102
    def next_deadline(self) -> float | None: ...  # noqa: D102
    def on_timer(self, now: float) -> None: ...  # noqa: D102
    def eof(self, now: float) -> None: ...  # noqa: D102

    @property
    def redirect(self) -> Redirect | None: ...  # noqa: D102

    @property
    def fallback(self) -> LoginConfig | None: ...  # noqa: D102


class DiscoveryRun:
    """Asks one portal for its targets."""

    def __init__(self, config: LoginConfig, portal: Portal, loop: Loop, host: DiscoveryHost) -> None:
        self._config = config
        self._portal = portal
        self._loop = loop
        self._host = host
        self._machine: OneSession | None = None
        self._sock: socket.socket | None = None
        self._pending = b""
        self._timer: Timer | None = None
        self._redirects = 0

    def start(self) -> None:
        """Ask for the connection."""
        self._host.want_connection(self._portal, "discovery")

    def connection_failed(self, problem: Problem) -> None:
        """No connection could be made."""
        self._end(problem)

    def connection_ready(self, sock: socket.socket) -> None:
        """Take a connected socket."""
        config = dataclasses.replace(self._config, portal=self._portal, address=self._portal.address)
        self._sock = sock
        self._machine = self._make(config)
        self._loop.register(sock.fileno(), READ, self._ready)
        self._advance()

    def _make(self, config: LoginConfig) -> OneSession:
        """Begin the machine for a connection."""
        return Discovery(config, self._loop.now, self._host.stage_reached)

    def _report(self, machine: OneSession) -> None:
        """Tell what a machine that is done has found."""
        if isinstance(machine, Discovery):
            self._host.targets_found(machine.targets)

    def _ready(self, events: int) -> None:
        machine, sock = self._machine, self._sock
        if machine is None or sock is None:
            return
        try:
            if events & ~WRITE:
                data = sock.recv(_PIECE)
                if data:
                    machine.feed(data, self._loop.now)
                else:
                    machine.eof(self._loop.now)
        except BlockingIOError:
            pass
        except Problem as problem:
            self._failed(problem)
            return
        except OSError:
            self._end(Problem("ConnectionLost", address=str(self._portal)))
            return
        self._advance()

    def _advance(self) -> None:
        """Send what is to be sent, look whether it is done, set the timer."""
        machine, sock = self._machine, self._sock
        if machine is None or sock is None:
            return
        self._pending += machine.to_send()
        try:
            while self._pending:
                self._pending = self._pending[sock.send(self._pending) :]
        except BlockingIOError:
            pass
        except OSError:
            self._end(Problem("ConnectionLost", address=str(self._portal)))
            return
        if machine.done and not self._pending:
            self._finish(machine)
            return
        self._loop.modify(sock.fileno(), READ | WRITE if self._pending else READ)
        self._set_timer(machine)

    def _set_timer(self, machine: OneSession) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline = machine.next_deadline()
        self._timer = self._loop.call_at(deadline, self._on_timer) if deadline is not None else None

    def _on_timer(self) -> None:
        if self._machine is None:
            return
        try:
            self._machine.on_timer(self._loop.now)
        except Problem as problem:
            self._end(problem)
            return
        self._advance()

    def _finish(self, machine: OneSession) -> None:
        redirect = machine.redirect
        if redirect is None:
            self._report(machine)
            self._end(None)
            return
        self._redirects += 1
        if self._redirects > number(self._config.settings, "max_redirects"):
            self._end(Problem("LoginRedirectLoop", count=self._redirects))
            return
        self._close()
        self._portal = Portal(redirect.address, redirect.port)
        self._host.want_connection(self._portal, "redirect")

    def _failed(self, problem: Problem) -> None:
        """Try once more on a new connection where the machine knows another way (Login.fallback)."""
        fallback = self._machine.fallback if self._machine is not None else None
        if fallback is None:
            self._end(problem)
            return
        self._config = fallback
        self._close()
        self._host.want_connection(self._portal, "login")

    def _end(self, problem: Problem | None) -> None:
        self._close()
        self._host.state_changed("ended", problem)

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._machine = None
        self._pending = b""
        if self._sock is not None:
            self._loop.unregister(self._sock.fileno())
            self._sock.close()
            self._sock = None
