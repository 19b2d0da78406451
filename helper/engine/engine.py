# SPDX-License-Identifier: Apache-2.0
"""The driver: joins a session, its socket and its fronts on one loop, and keeps the session alive.

    connecting -> connected <-> lost -> ...            disconnecting -> ended

The first login may fail, then the session has ended with the reason. After that a lost connection is made again for ever: what
was asked waits, for as long as `recovery_timeout` says, and fails after that until the target is back. After each new login
every attached unit is looked at before anything is sent to it: another disk at its place is refused.
"""

from __future__ import annotations

import dataclasses
import errno
import logging
import socket
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

from ..api.errors import Problem
from ..api.settings import complete
from ..api.statistics import Writer
from . import pdu
from .connection import Connection
from .front import Front
from .front_fuse import FuseFront
from .front_nbd import NbdFront
from .login import Login, LoginConfig, LoginResult
from .loop import READ, WRITE, Loop, Timer
from .names import Portal
from .scsi import disk as disks
from .scsi.disk import LunInfo, ScsiRequest, ScsiResult
from .session import Session, TargetDrops
from .task import Unit

log = logging.getLogger(__name__)

Done = Callable[[Problem | None], None]

#: 10.1.1 of good manners: how often a target may send us elsewhere.
MAX_REDIRECTS = 4
#: Seconds between attempts to connect again: the target's Time2Wait first, then these.
BACK_OFF = (1, 2, 4, 8, 15, 30)
#: Receives of one round, so that no socket keeps the others waiting.
_RECEIVES = 8
_LOGIN_PIECE = 65536
_TICK = 1.0
#: What a unit reports that makes it worth another look.
_LOOK_AGAIN = frozenset({"capacity-changed", "inquiry-changed", "luns-changed", "mode-changed"})


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
    """One session for ever. It is the Driver of its fronts and the Upward of its Session."""

    def __init__(self, config: SessionConfig, host: Host, loop: Loop, statistics: Writer | None = None) -> None:
        self._host = host
        self._loop = loop
        self._portals = config.portals
        self._login_config = config.login
        self._settings = complete(config.login.settings)
        self._statistics = statistics or Writer()
        self.session = Session(self._settings, self, self._statistics)
        self.dirty: list[Front] = []
        self.blocked: list[Front] = []
        self._fronts: dict[int, Front] = {}
        self._state = ""
        self._was_connected = False
        self._sock: socket.socket | None = None
        self._machine: Login | None = None
        self._fallback: LoginConfig | None = None
        self._machine_out = b""
        self._portal_index = 0
        self._portal = config.portals[0]
        self._redirects = 0
        self._attempts = 0
        self._failures = 0  # portals that failed in a row
        self._awaiting = False  # a connection was asked for
        self._timer: Timer | None = None  # login's deadline, or the next attempt
        self._retry: Timer | None = None
        self._recovery: Timer | None = None
        self._leaving: Problem | None = None
        self._logout_done: Done | None = None
        self._waking = False
        self._broken: Problem | None = None
        self._looking = False
        self._counted = (0, 0, 0, 0)
        self._watching = READ
        self._tick()

    # -- the door ----------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Ask for the first connection."""
        self._set_state("connecting", None)
        self._want("login")

    def connection_ready(self, sock: socket.socket) -> None:
        """Take a connected TCP socket (ours from now on), and log in."""
        if not self._awaiting or self._sock is not None:
            sock.close()
            return
        self._awaiting = False
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._watching = READ
        self._loop.register(sock.fileno(), READ, self._ready)
        config = dataclasses.replace(
            self._fallback or self._login_config, portal=self._portal, address=str(self._portal), tsih=0
        )
        self._guarded(lambda: self._begin_login(config))

    def connection_failed(self, problem: Problem) -> None:
        """No connection could be made."""
        if self._awaiting:
            self._awaiting = False
            self._drop(problem)

    def rescan(self, done: Done) -> None:
        """Ask for the units again; `host.luns` comes before `done`."""
        if self.session.connection is None:
            raise Problem("NotConnected", target=self._login_config.target_name)
        self._scan(done)

    def logout(self, done: Done) -> None:
        """End the session; `host.state_changed("ended", None)` comes before `done`."""
        if self._state == "ended":
            done(None)
            return
        self._logout_done = done
        self._set_state("disconnecting", None)
        for front in list(self._fronts.values()):
            self.front_over(front, None)
        if self.session.connection is None:
            self._end(None)
            return
        self._timer = self._loop.call_later(int(self._settings["logout_timeout"]), lambda: self._end(None))  # type: ignore[arg-type]
        self.session.log_out(lambda _answer: self._end(None))
        self.wake()

    def attach_nbd(self, front: int, lun: int, sock: socket.socket, *, handshake: bool, read_only: bool) -> None:
        """Serve a unit on a connected stream socket (ours from now on, unless this raises Problem)."""
        unit = self._unit_for_front(lun)
        made = NbdFront(self, front, unit, sock, handshake=handshake, read_only=self._read_only(read_only))
        self._add(made, made.fileno(), made.ready)
        made.begin()

    def attach_fuse(self, front: int, lun: int, fd: int, *, read_only: bool, resume: bool) -> None:
        """Serve a unit as one file on a /dev/fuse descriptor (ours, unless this raises); `resume`: another process did INIT."""
        unit = self._unit_for_front(lun)
        made = FuseFront(self, front, unit, fd, read_only=self._read_only(read_only), resume=resume)
        self._add(made, fd, made.ready)
        made.begin()

    def attach_front(self, front: Front) -> None:
        """Serve a front without a descriptor."""
        self._fronts[front.number] = front
        self._share()

    def detach(self, front: int, done: Done) -> None:
        """Answer what was asked, flush the unit's cache, close the descriptor."""
        found = self._fronts.get(front)
        if found is None:
            raise Problem("NotAttached")

        def idle() -> None:
            if found.read_only:
                closed()
            else:
                found.flush_job(0, closed)

        def closed() -> None:
            self._remove(found)
            done(None)

        found.closing = idle
        found.check_idle()
        self.wake()

    # -- fronts ------------------------------------------------------------------------------------------------
    def wake(self) -> None:
        """Flush and resume at the end of this round."""
        if not self._waking:
            self._waking = True
            self._loop.at_round_end(self._round_end)

    def watch(self, fd: int, events: int) -> None:
        """Change what poll looks for."""
        self._loop.modify(fd, events)

    def front_over(self, front: Front, problem: Problem | None) -> None:
        """A front's user left, or broke the rules."""
        if self._fronts.get(front.number) is not front:
            return
        closing = front.closing
        self._remove(front)
        if closing is not None:
            closing()  # it was to be detached anyway
        elif self._state != "disconnecting":
            self._host.front_ended(front.number, problem)

    def _read_only(self, read_only: bool) -> bool:  # noqa: FBT001 - passed on
        return read_only or bool(self._settings["read_only"])

    def _unit_for_front(self, lun: int) -> Unit:
        unit = self.session.units.get(lun)
        name = f"{lun:016x}"
        if unit is None or unit.info is None:
            raise Problem("NoSuchLun", lun=name)
        info = unit.info
        if info.kind != "disk":
            raise Problem("NotADisk", lun=name, kind=info.kind)
        if info.problem or not info.size:
            raise Problem(info.problem or "NotReady", lun=name)
        if info.block_size & (info.block_size - 1) or not 512 <= info.block_size <= 65536:
            raise Problem("NotSupported", what=f"{info.block_size}", detail="Blocks of this size are not served.")
        return unit

    def _add(self, front: Front, fd: int, ready: Callable[[int], None]) -> None:
        self._fronts[front.number] = front
        self._share()

        def on_event(events: int) -> None:
            self.session.now = self._loop.now
            ready(events)
            self.wake()

        self._loop.register(fd, READ, on_event)
        self.wake()

    def _remove(self, front: Front) -> None:
        if self._fronts.pop(front.number, None) is None:
            return
        self._loop.unregister(front.fileno())
        front.closing = None
        front.close()
        self._share()

    def _share(self) -> None:
        """Divide slots and memory between the fronts: none can take what another one needs."""
        number = max(len(self._fronts), 1)
        for front in self._fronts.values():
            front.max_used = max(self.session.depth // number, 1)
            front.max_held = max(int(self._settings["memory_limit"]) // number, 1)  # type: ignore[arg-type]

    def _round_end(self) -> None:
        """Everything of this round was taken in: send what came of it."""
        self._waking = False
        self._flush_fronts()
        blocked, self.blocked = self.blocked, []
        for front in blocked:
            if self._fronts.get(front.number) is front:
                try:
                    front.resume()
                except Problem as problem:
                    self.front_over(front, problem)
        self._flush_fronts()
        self._guarded(self._send)

    def _flush_fronts(self) -> None:
        while self.dirty:
            dirty, self.dirty = self.dirty, []
            for front in dirty:
                front.flush()

    # -- the socket --------------------------------------------------------------------------------------------
    def _ready(self, events: int) -> None:
        self.session.now = self._loop.now
        if self._machine is not None:
            self._guarded(lambda: self._login_ready(events))
            return
        try:
            if events & WRITE:
                self._send()
            if events & ~WRITE:
                self._receive()
        except Problem as problem:
            self._drop(problem)
        except OSError:
            self._drop(self._lost_problem())
        self.wake()

    def _guarded(self, call: Callable[[], None]) -> None:
        """Call something that may find the connection broken."""
        try:
            call()
        except Problem as problem:
            self._drop(problem)
        except OSError:
            self._drop(self._lost_problem())

    def _lost_problem(self) -> Problem:
        return Problem("ConnectionLost", address=str(self._portal))

    def _receive(self) -> None:
        """The data path: one large receive, everything in it, the answers; again while there is more."""
        sock, connection = self._sock, self.session.connection
        now = self._loop.now
        for _ in range(_RECEIVES):
            if sock is None or connection is None or connection is not self.session.connection:
                return
            buffers = connection.next_read()
            try:
                n = sock.recv_into(buffers[0]) if len(buffers) == 1 else sock.recvmsg_into(buffers)[0]
            except BlockingIOError:
                return
            if n == 0:
                raise self._lost_problem()
            self.session.alive(now)
            connection.received(n, now)
            self._flush_fronts()  # before the buffer is used again
            if self._broken is not None:
                broken, self._broken = self._broken, None
                raise broken
            if n < sum(map(len, buffers)):
                return

    def _send(self) -> None:
        connection, sock = self.session.connection, self._sock
        if connection is None or sock is None:
            return
        out = connection.out
        if out.empty:
            return
        before = out.waiting
        sent_all = out.flush(sock)
        if before and out.waiting != before:
            self.session.alive(self._loop.now)
        events = READ if sent_all else READ | WRITE
        if events != self._watching:
            self._watching = events
            self._loop.modify(sock.fileno(), events)

    # -- login -------------------------------------------------------------------------------------------------
    def _want(self, why: str) -> None:
        self._awaiting = True
        self._host.want_connection(self._portal, why)

    def _begin_login(self, config: LoginConfig) -> None:
        self._machine_out = b""
        self._machine = Login(config, self._loop.now)
        self._advance_login()

    def _login_ready(self, events: int) -> None:
        machine, sock = self._machine, self._sock
        assert machine is not None
        assert sock is not None
        if events & ~WRITE:
            try:
                data = sock.recv(_LOGIN_PIECE)
            except BlockingIOError:
                data = None
            if data:
                machine.feed(data, self._loop.now)
            elif data is not None:
                machine.eof(self._loop.now)
                raise self._lost_problem()
        self._advance_login()

    def _advance_login(self) -> None:
        machine, sock = self._machine, self._sock
        if machine is None or sock is None:
            return
        self._machine_out += machine.to_send()
        try:
            while self._machine_out:
                self._machine_out = self._machine_out[sock.send(self._machine_out) :]
        except BlockingIOError:
            pass
        if machine.done and not self._machine_out:
            self._login_done(machine)
            return
        self._watching = READ | WRITE if self._machine_out else READ
        self._loop.modify(sock.fileno(), self._watching)
        self._cancel_timer()
        deadline = machine.next_deadline()
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._login_timer)

    def _login_timer(self) -> None:
        def check() -> None:
            if self._machine is not None:
                self._machine.on_timer(self._loop.now)
                self._advance_login()

        self._guarded(check)

    def _login_done(self, machine: Login) -> None:
        self._machine = None
        self._cancel_timer()
        if machine.result is None:
            self._follow(machine)
            return
        self._redirects = 0
        if self._fallback is not None:
            self._login_config, self._fallback = self._fallback, None
        sock = self._sock
        assert sock is not None
        if self._watching != READ:
            self._watching = READ
            self._loop.modify(sock.fileno(), READ)
        self._start_full_feature(machine.result)

    def _follow(self, machine: Login) -> None:
        """The target sent us elsewhere (11.13.5)."""
        redirect = machine.redirect
        assert redirect is not None
        self._redirects += 1
        there = Portal(redirect.address, redirect.port)
        if self._redirects > MAX_REDIRECTS or (there.address, there.port) == (self._portal.address, self._portal.port):
            raise Problem("LoginRedirectLoop", count=self._redirects)
        self._close_socket()
        self._host.event("redirected", {"address": str(there)})
        self._portal = there
        self._want("redirect")

    def _start_full_feature(self, result: LoginResult) -> None:
        session = self.session
        connection = Connection(session, result)
        self._counted = (0, 0, 0, 0)
        now = self._loop.now
        session.connected(connection, (result.cmd_sn, result.exp_cmd_sn, result.max_cmd_sn), now)
        self._attempts = self._failures = 0
        self._leaving = None
        self._host.parameters(_parameters(result), self._portal)
        connection.received(0, now)
        if not self._was_connected:
            self._scan(self._first_scan_done)
        else:
            self._statistics.session[4] += 1
            self._recover_units()
        self.wake()

    def _first_scan_done(self, problem: Problem | None) -> None:
        if problem is not None:
            self._drop(problem)
            return
        self._was_connected = True
        self._set_state("connected", None)

    # -- units -------------------------------------------------------------------------------------------------
    def _scan(self, done: Done) -> None:
        def finished(result: Any, problem: Problem | None) -> None:  # noqa: ANN401 - what the generator returns
            if problem is None:
                self._take_luns(result)
            done(problem)

        self._run(disks.scan(), finished)

    def _take_luns(self, found: tuple[LunInfo, ...]) -> None:
        for info in found:
            unit = self.session.unit(info.address)
            if not self._used(unit):
                unit.info = info
                self.session.unit_ready(unit)
            else:
                self._compare(unit, info)
        for unit in self.session.units.values():
            if unit.lun not in {info.address for info in found} and not self._used(unit):
                unit.info = None
        self._host.luns(found)

    def _used(self, unit: Unit) -> bool:
        return any(front.unit is unit for front in self._fronts.values())

    def _run(
        self,
        steps: Generator[ScsiRequest, ScsiResult, Any],
        finished: Callable[[Any, Problem | None], None],
    ) -> None:
        """Run a generator of commands on this connection."""

        def step(answer: ScsiResult | Problem | None) -> None:
            if isinstance(answer, Problem):
                steps.close()
                finished(None, answer)
                return
            try:
                request = next(steps) if answer is None else steps.send(answer)
                self.session.scsi(request, step)
            except StopIteration as stop:
                finished(stop.value, None)
            except Problem as problem:
                finished(None, problem)
            self.wake()

        step(None)

    def _recover_units(self) -> None:
        """After a new login: look at what is used before anything is sent to it."""
        for unit in self.session.units.values():
            if self._used(unit):
                self._recover_unit(unit, 0)
            elif unit.info is not None:
                self.session.unit_ready(unit)
        self._recovered()

    def _recover_unit(self, unit: Unit, attempt: int) -> None:
        connection = self.session.connection

        def finished(info: LunInfo | None, problem: Problem | None) -> None:
            if self.session.connection is not connection:
                return
            if info is None or info.problem or problem:
                delay = BACK_OFF[min(attempt, len(BACK_OFF) - 1)]
                self._loop.call_later(delay, lambda: again())
                return
            if self._compare(unit, info):
                self.session.unit_ready(unit)
            self._recovered()

        def again() -> None:
            if self.session.connection is connection and connection is not None:
                self._recover_unit(unit, attempt + 1)

        self._run(disks.bring_up(unit.lun), finished)

    def _recovered(self) -> None:
        """Connected again as soon as every unit in use is served, or refused for good."""
        waiting = [
            unit for unit in self.session.units.values() if self._used(unit) and not unit.ready and not unit.changed
        ]
        if self.session.connection is None or waiting:
            return
        self._stop_recovery_timer()
        if self._state == "lost":
            self._set_state("connected", None)

    def _compare(self, unit: Unit, info: LunInfo) -> bool:
        """Whether the unit that stands there is the one that was attached; if not, refuse it."""
        old = unit.info
        if old is not None and not _same(old, info):
            if not unit.changed:
                unit.changed = True
                attrs: dict[str, str | int] = {
                    "lun": f"{unit.lun:016x}", "found": _identity(info), "expected": _identity(old),
                }  # fmt: skip
                self._host.event("identity-changed", attrs)
            unit.ready = False
            self.session.refuse(unit, errno.EIO)
            return False
        unit.changed = False
        if old is not None and old.size != info.size:
            self._host.event("capacity-changed", {"lun": f"{unit.lun:016x}", "size": info.size})
        unit.info = info
        return True

    # -- from the session --------------------------------------------------------------------------------------
    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        """Something a person may want to know."""
        self._host.event(kind, attrs)

    def look_again(self, unit: Unit, kind: str) -> None:
        """The unit says that something about it changed."""
        if kind in _LOOK_AGAIN and self._state == "connected" and not self._looking:
            self._looking = True
            self._loop.call_later(0.1, self._look_again)
        _ = unit

    def _look_again(self) -> None:
        self._looking = False
        if self.session.connection is not None:
            self._scan(lambda _problem: None)

    def leave(self, time2wait: int, problem: Problem) -> None:
        """The target wants us to log out: no new commands; the logout goes out when the wire is quiet, or soon."""
        _ = time2wait
        if self._leaving is None:
            self._leaving = problem
            self.session.quiet()
            self._loop.call_later(5, self._leave_now)
            self._leave_when_quiet()

    def _leave_when_quiet(self) -> None:
        if self._leaving is None:
            return
        if self.session.busy:
            self._loop.call_later(0.05, self._leave_when_quiet)
        else:
            self._leave_now()

    def _leave_now(self) -> None:
        problem, self._leaving = self._leaving, None
        if problem is None or self.session.connection is None:
            return

        def answered(_answer: pdu.LogoutResponse) -> None:
            self._broken = problem

        self.session.log_out(answered)
        self.wake()

    # -- loss --------------------------------------------------------------------------------------------------
    def _drop(self, problem: Problem) -> None:
        """The connection is of no use (any more): try the next portal, or wait and try again, or give up."""
        time2wait = 0
        connection = self.session.connection
        if connection is not None:
            time2wait = connection.parameters.default_time2wait
        if isinstance(problem, TargetDrops):
            time2wait = max(time2wait, problem.time2wait)
        machine, self._machine = self._machine, None
        self._close_socket()
        self._cancel_timer()
        if self._state not in ("ended", "disconnecting") and machine is not None and machine.fallback is not None:
            self._fallback = machine.fallback
            self._want("login")
            return
        self._fallback = None
        if self._state in ("ended", "disconnecting"):
            self._end(None)
            return
        if connection is not None:
            self._leaving = None
            self._count()
            self.session.lost()
            self.wake()
        log.info("Connection to %s: %s", self._portal, problem)
        if not self._was_connected:
            self._first_failed(problem)
            return
        if self._state != "lost":
            self._set_state("lost", problem)
        self._start_recovery_timer()
        self._redirects = 0
        self._portal_index += 1
        self._portal = self._portals[self._portal_index % len(self._portals)]
        delay = max(time2wait, 0 if connection is not None else BACK_OFF[min(self._attempts, len(BACK_OFF) - 1)])
        if connection is None:
            self._attempts += 1
        self._retry = self._loop.call_later(delay, self._reconnect)

    def _first_failed(self, problem: Problem) -> None:
        self._failures += 1
        if self._failures >= len(self._portals) or problem.code in _FINAL:
            self._end(problem)
            return
        self._redirects = 0
        self._portal_index += 1
        self._portal = self._portals[self._portal_index % len(self._portals)]
        self._want("login")

    def _reconnect(self) -> None:
        self._retry = None
        if self._state == "lost" and self._sock is None and not self._awaiting:
            self._want("reconnect")

    def _start_recovery_timer(self) -> None:
        seconds = int(self._settings["recovery_timeout"])  # type: ignore[arg-type]
        if seconds < 0 or self._recovery is not None:
            return
        self._recovery = self._loop.call_later(seconds, self._recovery_over)
        if seconds == 0:
            self._recovery_over()

    def _recovery_over(self) -> None:
        """Waiting was long enough: fail what waits and what comes, until the target is back."""
        for unit in self.session.units.values():
            if not unit.ready:
                self.session.refuse(unit, errno.EIO)
        self._host.event("recovery-timeout", {"seconds": int(self._settings["recovery_timeout"])})  # type: ignore[arg-type]
        self.wake()

    def _stop_recovery_timer(self) -> None:
        if self._recovery is not None:
            self._recovery.cancel()
            self._recovery = None

    def _end(self, problem: Problem | None) -> None:
        """The session is over."""
        if self._state == "ended":
            return
        self._close_socket()
        self._cancel_timer()
        self._stop_recovery_timer()
        if self._retry is not None:
            self._retry.cancel()
        if self.session.connection is not None:
            self.session.lost()
        for unit in self.session.units.values():
            self.session.refuse(unit, errno.EIO)
        self._set_state("ended", problem)
        done, self._logout_done = self._logout_done, None
        if done is not None:
            done(None)

    def _close_socket(self) -> None:
        if self._sock is not None:
            self._loop.unregister(self._sock.fileno())
            self._sock.close()
            self._sock = None

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_state(self, state: str, problem: Problem | None) -> None:
        self._state = state
        self._host.state_changed(state, problem)

    # -- time --------------------------------------------------------------------------------------------------
    def _tick(self) -> None:
        """Once a second, and when something is to be retried: time-outs, pings, counters."""
        if self._state == "ended":
            return
        now = self._loop.now
        self._guarded(lambda: self.session.on_timer(now))
        self._count()
        deadline = self.session.next_deadline()
        when = now + _TICK if deadline is None else min(now + _TICK, max(deadline, now + 0.001))
        self._loop.call_at(when, self._tick)
        self.wake()

    def _count(self) -> None:
        """Bring the session's page up to date."""
        connection, page = self.session.connection, self._statistics.session
        if connection is None:
            return
        now = (connection.bytes_received, connection.out.sent, connection.pdus_received, connection.pdus_sent)
        for index, (value, before) in enumerate(zip(now, self._counted, strict=True)):
            page[index] += value - before
        self._counted = now


def _same(old: LunInfo, new: LunInfo) -> bool:
    """Whether two looks at one place saw one disk: its identity, or, without any, its size."""
    if old.kind != new.kind or old.block_size != new.block_size:
        return False
    if old.wwn or new.wwn:
        same = old.wwn == new.wwn
    elif old.serial or new.serial:
        same = old.serial == new.serial
    else:
        same = old.size == new.size
    return same and (new.size >= old.size or not new.size)


def _identity(info: LunInfo) -> str:
    return info.wwn or info.serial or f"{info.vendor} {info.model}, {info.size} bytes"


def _parameters(result: LoginResult) -> dict[str, str | int | bool]:
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


#: The target gave an answer that another portal would give, too.
_FINAL = frozenset(
    {
        "AuthenticationFailed", "AuthorizationFailed", "TargetNotFound", "TargetRemoved", "AuthenticationRequired",
        "LoginRedirectLoop", "UnsupportedVersion",
    }
)  # fmt: skip
