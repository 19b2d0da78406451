# SPDX-License-Identifier: Apache-2.0
"""From a list of portals to full feature phase: one connection in the making, its login, and where the target sends
it.
"""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Mapping
from typing import Protocol

from ..api.errors import Problem
from ..api.settings import Value
from .login import Login, LoginConfig, LoginResult
from .loop import READ, WRITE, Loop, Timer
from .names import Portal
from .options import number

_PIECE = 65536


class Wanting(Protocol):
    """Who wants the connection."""

    def ask_for_connection(self, portal: Portal, why: str) -> None:
        """Have somebody connect; the answer is `Connecting.ready` or `Connecting.failed`."""

    def logged_in(self, sock: socket.socket, result: LoginResult) -> None:
        """Full feature phase begins on this socket."""

    def not_logged_in(self, problem: Problem) -> None:
        """It did not work at this portal."""

    def redirected(self, portal: Portal, *, permanent: bool) -> None:
        """The target sent us there, for now or for good."""


class Connecting:
    """One attempt at a time. `portal` is where it goes; `settings` those of the config that is in use."""

    def __init__(self, config: LoginConfig, portals: tuple[Portal, ...], loop: Loop, wanting: Wanting) -> None:
        self._config = config
        self._portals = portals
        self._loop = loop
        self._wanting = wanting
        self._index = 0
        self.portal = portals[0]
        self._redirects = 0
        #: How often a target may send us elsewhere (11.13.5) before it leads us in circles.
        self._most_redirects = number(config.settings, "max_redirects")
        #: Where a target moved for good (11.13.5, 0102), by where it was; until that place does not take us.
        self._moved: dict[Portal, Portal] = {}
        self._awaiting = False
        self._sock: socket.socket | None = None
        self._machine: Login | None = None
        self._out = b""
        self._timer: Timer | None = None
        #: Another way to sign in, after a target could not do what it had selected; kept when it works.
        self._fallback: LoginConfig | None = None

    @property
    def busy(self) -> bool:
        """Whether an attempt is being made."""
        return self._awaiting or self._machine is not None

    @property
    def settings(self) -> Mapping[str, Value]:
        """The settings of the login."""
        return self._config.settings

    def start(self, why: str) -> None:
        """Begin an attempt at the present portal."""
        self._redirects = 0
        self._ask(why)

    def next_portal(self) -> None:
        """Turn to the next portal of the list."""
        self._index += 1
        listed = self._portals[self._index % len(self._portals)]
        self.portal = self._moved.get(listed, listed)

    def stop(self) -> None:
        """Give the attempt up."""
        self._awaiting = False
        self._close()

    def ready(self, sock: socket.socket) -> None:
        """Take a connected socket; ours from now on."""
        if not self._awaiting:
            sock.close()
            return
        self._awaiting = False
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._loop.register(sock.fileno(), READ, self._on_socket)
        self._guarded(lambda: self._begin(sock))

    def failed(self, problem: Problem) -> None:
        """Take the news that no connection could be made."""
        if self._awaiting:
            self._awaiting = False
            self._give_up(problem)

    def _ask(self, why: str) -> None:
        self._awaiting = True
        self._wanting.ask_for_connection(self.portal, why)

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Problem as problem:
            self._give_up(problem)
        except OSError:
            self._give_up(Problem("ConnectionLost", address=str(self.portal)))

    def _give_up(self, problem: Problem) -> None:
        fallback = self._machine.fallback if self._machine is not None else None
        self._close()
        self._fallback = fallback
        if fallback is not None:
            self._ask("login")
        else:
            self._moved = {was: now for was, now in self._moved.items() if now != self.portal}
            self._wanting.not_logged_in(problem)

    def _close(self) -> None:
        sock = self._take_socket()
        if sock is not None:
            sock.close()

    def _take_socket(self) -> socket.socket | None:
        """Leave the loop, and hand the socket on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._machine = None
        sock, self._sock = self._sock, None
        if sock is not None:
            self._loop.unregister(sock.fileno())
        return sock

    def _begin(self, sock: socket.socket) -> None:
        config = dataclasses.replace(
            self._fallback or self._config, portal=self.portal, address=str(self.portal), tsih=0
        )
        self._out = b""
        self._machine = Login(config, self._loop.now)
        self._advance(self._machine, sock)

    def _on_socket(self, events: int) -> None:
        self._guarded(lambda: self._receive(events))

    def _receive(self, events: int) -> None:
        machine, sock = self._machine, self._sock
        if machine is None or sock is None:
            return
        if events & ~WRITE:
            try:
                data = sock.recv(_PIECE)
            except BlockingIOError:
                data = None
            if data:
                machine.feed(data, self._loop.now)
            elif data is not None:
                machine.eof(self._loop.now)
                raise Problem("ConnectionLost", address=str(self.portal))
        self._advance(machine, sock)

    def _advance(self, machine: Login, sock: socket.socket) -> None:
        """Send what is to be sent; look whether it is done; set the timer."""
        self._out += machine.to_send()
        try:
            while self._out:
                self._out = self._out[sock.send(self._out) :]
        except BlockingIOError:
            pass
        if machine.done and not self._out:
            self._finish(machine)
            return
        self._loop.modify(sock.fileno(), READ | WRITE if self._out else READ)
        if self._timer is not None:
            self._timer.cancel()
        deadline = machine.next_deadline()
        self._timer = self._loop.call_at(deadline, self._on_timer) if deadline is not None else None

    def _on_timer(self) -> None:
        def check() -> None:
            machine, sock = self._machine, self._sock
            if machine is not None and sock is not None:
                machine.on_timer(self._loop.now)
                self._advance(machine, sock)

        self._guarded(check)

    def _finish(self, machine: Login) -> None:
        if machine.result is None:
            self._follow(machine)
            return
        sock = self._take_socket()
        if self._fallback is not None:
            self._config, self._fallback = self._fallback, None
        if sock is not None:
            self._wanting.logged_in(sock, machine.result)

    def _follow(self, machine: Login) -> None:
        """Go where the target sends us (11.13.5); not in circles."""
        redirect = machine.redirect
        if redirect is None:
            raise Problem("ConnectionLost", address=str(self.portal))
        self._redirects += 1
        there = Portal(redirect.address, redirect.port)
        here = self.portal
        if self._redirects > self._most_redirects or (there.address, there.port) == (here.address, here.port):
            raise Problem("LoginRedirectLoop", count=self._redirects)
        self._close()
        self._wanting.redirected(there, permanent=redirect.permanent)
        if redirect.permanent:
            self._remember(there)
        self.portal = there
        self._ask("redirect")

    def _remember(self, there: Portal) -> None:
        """What is at `portal`, or had moved to it, is `there` now."""
        here = self.portal
        self._moved = {was: there if now == here else now for was, now in self._moved.items() if was != there}
        self._moved[here] = there


def agreed(result: LoginResult) -> dict[str, str | int | bool]:
    """Return what was agreed in a login, by the keys' names in RFC 7143."""
    p = result.parameters
    return {
        "HeaderDigest": "CRC32C" if p.header_digest else "None",
        "DataDigest": "CRC32C" if p.data_digest else "None",
        "MaxConnections": p.max_connections,
        "InitialR2T": p.initial_r2t,
        "ImmediateData": p.immediate_data,
        "MaxRecvDataSegmentLength": p.max_recv,
        "TargetMaxRecvDataSegmentLength": p.max_send,
        "MaxBurstLength": p.max_burst_length,
        "FirstBurstLength": p.first_burst_length,
        "DefaultTime2Wait": p.default_time2wait,
        "DefaultTime2Retain": p.default_time2retain,
        "MaxOutstandingR2T": p.max_outstanding_r2t,
        "DataPDUInOrder": p.data_pdu_in_order,
        "DataSequenceInOrder": p.data_sequence_in_order,
        "ErrorRecoveryLevel": p.error_recovery_level,
        "TaskReporting": p.task_reporting,
        "TargetAlias": result.target_alias,
    }
