# SPDX-License-Identifier: Apache-2.0
"""The driver: joins a session, its socket and its fronts on one loop, and keeps the session alive.

    connecting -> connected <-> lost -> ...            disconnecting -> ended

The first login may fail, then the session has ended with the reason. After that a lost connection is made again for
ever: what was asked waits, for as long as `recovery_timeout` says, and fails after that until the target is back.
After each new login every attached unit is looked at before anything is sent to it: another disk at its place is
refused.
"""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable

from ..api.errors import Problem
from ..api.settings import complete
from ..api.statistics import SESSION, Writer
from . import pdu
from .backoff import BackOff
from .connecting import Connecting, agreed
from .connection import Connection
from .front import Driver, Front
from .front_fuse import FuseFront
from .front_nbd import NbdFront
from .fronts import Fronts
from .host import Host, SessionConfig
from .line import Line, lost
from .login import LoginResult
from .loop import Loop, Timer
from .names import Portal
from .options import number
from .scsi.disk import LunInfo
from .secret import MIN_LENGTH
from .session import Session
from .task import Unit
from .telling import Telling
from .units import Units
from .upkeep import TargetDrops

log = logging.getLogger(__name__)

Done = Callable[[Problem | None], None]

_TICK = 1.0
#: An idle session is looked at so often at least: hundreds of them are not to keep a computer awake.
_LONGEST_DOZE = 10.0
_RECONNECTS = SESSION.index("reconnects")


#: The target gave an answer that another portal would give, too.
_FINAL = frozenset(
    {
        "AuthenticationFailed", "AuthorizationFailed", "TargetNotFound", "TargetRemoved", "AuthenticationRequired",
        "LoginRedirectLoop", "UnsupportedVersion",
    }
)  # fmt: skip


class Engine:
    """One session for ever. Upward of its Session, LineUser of its Line, Wanting of Connecting, UnitsUser of Units."""

    def __init__(self, config: SessionConfig, host: Host, loop: Loop, statistics: Writer | None = None) -> None:
        self._host = host
        self._loop = loop
        self._target_name = config.login.target_name
        self._portals = config.portals
        self._settings = complete(config.login.settings)
        self._statistics = statistics or Writer()
        self.session = Session(self._settings, self, self._statistics)
        self._connecting = Connecting(config.login, config.portals, loop, self)
        self._units = Units(self.session, loop, self, self._settings)
        self._read_only = bool(self._settings["read_only"])
        memory = number(self._settings, "memory_limit")
        self._line = Line(self.session, loop, self._statistics.session, self)
        self._fronts = Fronts(self.session, loop, memory, self.front_over, self._line.send_all)
        self._line.fronts = self._fronts
        self._state = ""
        self._was_connected = False
        self._attempts = 0
        self._telling = Telling(host.event)
        self._back_off = BackOff(self._settings)
        self._retry: Timer | None = None
        self._recovery: Timer | None = None
        self._leaving: Problem | None = None
        self._logout_done: Done | None = None
        self._logout_timer: Timer | None = None
        self._next_tick: Timer | None = None
        self._tick()

    # -- the door ----------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Ask for the first connection."""
        self._set_state("connecting", None)
        self._connecting.start("login")

    def connection_ready(self, sock: socket.socket) -> None:
        """Take a connected TCP socket (ours from now on), and log in."""
        self._connecting.ready(sock)

    def connection_failed(self, problem: Problem) -> None:
        """No connection could be made."""
        self._connecting.failed(problem)

    def rescan(self, done: Done) -> None:
        """Ask for the units again; `host.luns` comes before `done`."""
        if self.session.connection is None:
            raise Problem("NotConnected", target=self._target_name)
        self._units.scan(done)

    def logout(self, done: Done) -> None:
        """End the session; `host.state_changed("ended", None)` comes before `done`."""
        if self._state == "ended":
            done(None)
            return
        self._logout_done = done
        self._set_state("disconnecting", None)
        self._fronts.close()
        self._connecting.stop()
        if self.session.connection is None:
            self._end(None)
            return
        self._logout_timer = self._loop.call_later(number(self._settings, "logout_timeout"), lambda: self._end(None))
        self.session.upkeep.log_out(lambda _answer: self._end(None))
        self.wake()

    def attach_nbd(
        self, front: int, lun: int, sock: socket.socket, *, handshake: bool, read_only: bool, alone: bool = False
    ) -> None:
        """Serve a unit on a connected stream socket (ours from now on, unless this raises Problem).

        `alone`: its user cannot make more connections.
        """
        unit = self._fronts.unit(lun)
        read_only = read_only or self._read_only
        made = NbdFront(
            self._fronts, front, unit, sock, handshake=handshake, read_only=read_only, alone=alone,
            max_request=self._fronts.memory.most,
        )  # fmt: skip
        self._fronts.add(made, made.ready)
        made.begin()

    def attach_fuse(
        self, front: int, lun: int, fd: int, *, read_only: bool, resume: bool, cached: bool = False
    ) -> None:
        """Serve a unit as one file on a /dev/fuse descriptor (ours, unless this raises Problem).

        `resume`: another process answered its INIT, and has died. `cached`: the kernel may hold back writes.
        """
        unit = self._fronts.unit(lun)
        read_only = read_only or self._read_only
        made = FuseFront(self._fronts, front, unit, fd, read_only=read_only, resume=resume, cached=cached)
        self._fronts.add(made, made.ready)
        made.begin()

    @property
    def driver(self) -> Driver:
        """What a front of another kind is made with, for `attach_front`."""
        return self._fronts

    def attach_front(self, front: Front) -> None:
        """Serve a front without a descriptor."""
        self._fronts.add(front, None)

    def detach(self, front: int, done: Done) -> None:
        """Answer what was asked, flush the unit's cache, close the descriptor."""
        self._fronts.detach(front, lambda: done(None))

    def unwritten(self, front: int) -> bool:
        """Whether something may have been written there that was not flushed since. Raises Problem("NotAttached")."""
        return self._fronts.unwritten(front)

    def wake(self) -> None:
        """Send at the end of this round."""
        self._fronts.wake()

    def front_over(self, front: int, problem: Problem | None) -> None:
        """A front's user left, or broke the rules."""
        if self._state != "disconnecting":
            self._host.front_ended(front, problem)

    # -- from the line -----------------------------------------------------------------------------------------
    def line_broke(self, problem: Problem) -> None:
        """Recover."""
        self._drop(problem)

    def line_woke(self) -> None:
        """Look after the session again."""
        self._tick_in(_TICK)

    def line_answered(self) -> None:
        """When it was all that was waited for, as the answer to a ping or to a look at a unit, nobody need wake for it
        once more.
        """
        doze = self._doze(self._loop.now)
        if doze is not None:
            self._doze_for(doze)
        else:
            self._line.dozed = False

    def _guarded(self, call: Callable[[], None]) -> None:
        """Call something that may find the connection broken."""
        try:
            call()
        except Problem as problem:
            self._drop(problem)
        except OSError:
            self._drop(lost())

    # -- from Connecting ---------------------------------------------------------------------------------------
    def ask_for_connection(self, portal: Portal, why: str) -> None:
        """Pass it on."""
        self._host.want_connection(portal, why)

    def redirected(self, portal: Portal, *, permanent: bool) -> None:
        """Tell it."""
        self._host.event("moved" if permanent else "redirected", {"address": str(portal)})

    def not_logged_in(self, problem: Problem) -> None:
        """Try the next portal, or wait, or give up."""
        self._drop(problem)

    def logged_in(self, sock: socket.socket, result: LoginResult) -> None:
        """Begin full feature phase."""
        self._leaving = None
        connection = Connection(self.session, result)
        connection.can_splice = True
        self._line.open(sock)
        now = self._loop.now
        self._back_off.logged_in(now)
        self.session.connected(connection, (result.cmd_sn, result.exp_cmd_sn, result.max_cmd_sn), now)
        self._host.parameters(agreed(result), self._connecting.portal)
        if result.short_secret and not self._was_connected:
            self._host.event("short-secret", {"bits": 8 * MIN_LENGTH})
        self._guarded(lambda: connection.received(0, now))
        if self.session.connection is not connection:
            return
        if self._was_connected:
            self._statistics.session[_RECONNECTS] += 1
            self._units.recover()
        else:
            self._units.scan(self._first_scan_done)
        self.wake()

    def _first_scan_done(self, problem: Problem | None) -> None:
        if problem is None:
            self._was_connected = True
            self._units.watch(number(self._settings, "look_interval"))
            self._set_state("connected", None)
        elif self.session.connection is not None:
            self._line.broken = problem

    # -- from Units --------------------------------------------------------------------------------------------
    def uses(self, unit: Unit) -> bool:
        """Whether a front serves it."""
        return self._fronts.use(unit)

    def luns_found(self, luns: tuple[LunInfo, ...]) -> None:
        """Pass it on."""
        self._host.luns(luns)

    def units_settled(self) -> None:
        """Connected again as soon as every unit in use is served, or refused for good."""
        if self.session.connection is not None and self._units.all_settled():
            self._stop_recovery_timer()
            if self._state == "lost":
                self._set_state("connected", None)

    # -- from the session --------------------------------------------------------------------------------------
    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        """Something a person may want to know."""
        self._telling.event(kind, attrs, self._loop.now)

    def look_again(self, unit: Unit, kind: str) -> None:
        """A unit says that something about it changed."""
        if self._state == "connected":
            self._units.look_again(unit, kind)

    def unit_reset(self, unit: Unit) -> None:
        """Look whether it is still the same disk, before anything is sent to it."""
        self._start_recovery_timer()
        self._units.recover_one(unit)

    def timer_wanted(self, when: float) -> None:
        """Look after the session then, if not before."""
        if self._next_tick is None or when < self._next_tick.when:
            self._tick_in(max(when - self._loop.now, 0.001))

    def leave(self, within: float, problem: Problem) -> None:
        """The target wants us to log out: no new commands; the logout goes out when the wire is quiet, or soon. What
        is not answered by then is asked again in the next session.
        """
        if self._leaving is None:
            self._leaving = problem
            self.session.quiet()
            self._loop.call_later(min(number(self._settings, "leave_timeout"), within / 2), self._leave_now)
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
            self._line.broken = problem

        connection = self.session.connection

        def unanswered() -> None:
            if self.session.connection is connection:
                self._drop(problem)

        self._loop.call_later(number(self._settings, "logout_timeout"), unanswered)
        self.session.upkeep.log_out(answered)
        self.wake()

    # -- loss --------------------------------------------------------------------------------------------------
    def _drop(self, problem: Problem) -> None:
        """The connection is of no use (any more): try the next portal, or wait and try again, or give up."""
        connection = self.session.connection
        time2wait = connection.parameters.default_time2wait if connection is not None else 0
        if isinstance(problem, TargetDrops):
            time2wait = max(time2wait, problem.time2wait)
        self._line.close()
        self._connecting.stop()
        if self._state in ("ended", "disconnecting"):
            self._end(None)
            return
        if connection is not None:
            self._leaving = None
            self.session.lost()
            self.wake()
        problem = self._with_address(problem)
        log.info("Connection to %s: %s %s", self._connecting.portal, problem, problem.attrs.get("detail", ""))
        if self._was_connected:
            self._come_back(problem, time2wait)
        else:
            self._first_failed(problem)

    def _with_address(self, problem: Problem) -> Problem:
        """The session, which knows of no portals, leaves open where it was."""
        if problem.attrs.get("address") != "":
            return problem
        return Problem(problem.code, **problem.attrs | {"address": str(self._connecting.portal)})

    def _first_failed(self, problem: Problem) -> None:
        self._attempts += 1
        if self._attempts >= len(self._portals) or problem.code in _FINAL:
            self._end(problem)
            return
        self._connecting.next_portal()
        self._connecting.start("login")

    def _come_back(self, problem: Problem, time2wait: int) -> None:
        """Wait, at least as long as the target wants (7.5), then connect again."""
        if self._state != "lost":
            self._set_state("lost", problem)
        self._start_recovery_timer()
        self._connecting.next_portal()
        self._retry = self._loop.call_later(self._back_off.delay(self._loop.now, time2wait), self._reconnect)

    def _reconnect(self) -> None:
        self._retry = None
        if self._state == "lost" and not self._line.is_open and not self._connecting.busy:
            self._connecting.start("reconnect")

    def _start_recovery_timer(self) -> None:
        seconds = number(self._settings, "recovery_timeout")
        if seconds < 0 or self._recovery is not None:
            return
        self._recovery = self._loop.call_later(seconds, self._recovery_over)
        if seconds == 0:
            self._recovery.cancel()
            self._recovery_over()

    def _recovery_over(self) -> None:
        """Waiting was long enough: fail what waits and what comes, until the target is back."""
        for unit in self.session.units.values():
            if not unit.ready:
                self.session.refuse(unit, errno.EIO)
        self._host.event("recovery-timeout", {"seconds": number(self._settings, "recovery_timeout")})
        self.wake()

    def _stop_recovery_timer(self) -> None:
        if self._recovery is not None:
            self._recovery.cancel()
            self._recovery = None

    def _end(self, problem: Problem | None) -> None:
        """The session is over."""
        if self._state == "ended":
            return
        self._line.close()
        self._connecting.stop()
        self._fronts.pipes.close()
        self._units.stop()
        self._stop_recovery_timer()
        for timer in (self._retry, self._logout_timer):
            if timer is not None:
                timer.cancel()
        if self.session.connection is not None:
            self.session.lost()
        for unit in self.session.units.values():
            self.session.refuse(unit, errno.EIO)
        self.wake()
        self._set_state("ended", problem)
        done, self._logout_done = self._logout_done, None
        if done is not None:
            done(None)

    def _set_state(self, state: str, problem: Problem | None) -> None:
        self._state = state
        self._host.state_changed(state, problem)

    # -- time --------------------------------------------------------------------------------------------------
    def _tick(self) -> None:
        """Once a second, and when something is to be retried: time-outs, pings, counters."""
        if self._state == "ended":
            return
        now = self._loop.now
        self._line.dozing = self._line.dozed = False
        self._guarded(lambda: self.session.on_timer(now))
        self._guarded(self._line.send)  # a ping is on its way before it is decided whether anything is going on
        self._line.tick()
        doze = self._doze(now)
        if doze is None:
            deadline = self.session.next_deadline()
            self._tick_in(_TICK if deadline is None else min(_TICK, max(deadline - now, 0.001)))
        else:
            self._doze_for(doze)
        self.wake()

    def _doze_for(self, seconds: float) -> None:
        self._tick_in(seconds)
        self._line.dozing = self._line.dozed = True

    def _tick_in(self, seconds: float) -> None:
        self._line.dozing = False
        if self._next_tick is not None:
            self._next_tick.cancel()
        self._next_tick = self._loop.call_at(self._loop.now + seconds, self._tick)

    def _doze(self, now: float) -> float | None:
        """Return for how long nobody need look after the session; None when something is going on."""
        connection = self.session.connection
        idle = self._state == "connected" and connection is not None and connection.out.empty and self.session.idle
        return min(self.session.upkeep.peace(now), _LONGEST_DOZE) if idle else None
