# SPDX-License-Identifier: Apache-2.0
"""The real engine against the scripted target, over loopback: what passes between them is read on the wire.

    lab = make_lab(settings={"immediate_data": False}, parameters={"MaxBurstLength": "4096"})
    lab.up()                                        # logged in, the unit found
    call = lab.write(0, b"x" * 8192)                # asked for; the engine's loop turns only while the test waits
    lab.finish(call)
    assert [pdu.data_sn for pdu in lab.received(Op.DATA_OUT)] == [0, 1]

The engine's clock can be put forward (`lab.clock.jump`), so that nobody waits for a timeout. Login is also played by
hand (`Hand`): the test is the target, byte by byte.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lundock.helper.api.errors import Problem
from lundock.helper.engine.discovery import FoundTarget
from lundock.helper.engine.discovery_run import DiscoveryRun
from lundock.helper.engine.engine import Engine
from lundock.helper.engine.front import Front, Job, OneByOne
from lundock.helper.engine.host import SessionConfig
from lundock.helper.engine.login import LoginConfig
from lundock.helper.engine.loop import Loop
from lundock.helper.engine.names import Portal
from lundock.helper.engine.scsi.disk import LunInfo
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.pdu import NO_TAG, Op, Pdu
from lundock.helper.target.script import Pieces, Rules, Step
from lundock.helper.target.server import Server
from lundock.helper.target.session import Session as TargetSession

INITIATOR = "iqn.2026-01.io.github.lundock.test:initiator"
TARGET = "iqn.2026-01.io.github.lundock.test:target"
ISID = b"\x80\x12\x34\x56\x78\x9a"
#: The first CmdSN: numbers wrap soon (RFC 1982).
CMD_SN = 0xFFFFFFF8
BLOCK = 512
READ, WRITE = 0x40, 0x20
_PATIENCE = 15.0


class Clock:
    """Stands in for the time module in the engine's loop: real time, and what the test put it forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def jump(self, seconds: float) -> None:
        self.ahead += seconds


class Play(Rules):
    """Rules, and the script's other hooks as attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.window: Callable[[TargetSession, int], int] | None = None
        self.r2ts: Callable[[Pieces], Pieces] | None = None
        self.data_ins: Callable[[Pieces], Pieces] | None = None

    def plan_r2t(self, connection: object, pieces: Pieces) -> Pieces:
        return self.r2ts(pieces) if self.r2ts else pieces

    def plan_data_in(self, connection: object, pieces: Pieces) -> Pieces:
        return self.data_ins(pieces) if self.data_ins else pieces

    def max_cmd_sn(self, session: TargetSession, proposed: int) -> int:
        return self.window(session, proposed) if self.window else proposed


class Host:
    """Who runs the engine: connects at once, remembers the rest."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.run: Engine | DiscoveryRun | None = None
        self.states: list[str] = []
        self.problems: list[Problem] = []
        self.asked: list[Portal] = []
        self.stages: list[str] = []
        self.events: list[tuple[str, dict[str, str | int]]] = []
        self.agreed: dict[str, str | int | bool] = {}
        self.found: tuple[LunInfo, ...] = ()
        self.targets: tuple[FoundTarget, ...] = ()
        self.connect: Callable[[Portal], socket.socket] = connect
        #: Do not answer `want_connection`: the test does.
        self.hold = False

    @property
    def state(self) -> str:
        return self.states[-1] if self.states else ""

    @property
    def problem(self) -> Problem | None:
        return self.problems[-1] if self.problems else None

    def want_connection(self, portal: Portal, why: str) -> None:
        self.asked.append(portal)
        if not self.hold:
            self.loop.call_at(0, lambda: self.answer(portal))

    def answer(self, portal: Portal) -> None:
        assert self.run is not None
        try:
            sock = self.connect(portal)
        except OSError:
            self.run.connection_failed(Problem("ConnectionRefused", address=portal.address, port=portal.port))
        else:
            self.run.connection_ready(sock)

    def state_changed(self, state: str, problem: Problem | None) -> None:
        self.states.append(state)
        if problem is not None:
            self.problems.append(problem)

    def parameters(self, values: dict[str, str | int | bool], portal: Portal) -> None:
        self.agreed = values

    def luns(self, luns: tuple[LunInfo, ...]) -> None:
        self.found = luns

    def targets_found(self, targets: Sequence[FoundTarget]) -> None:
        self.targets = tuple(targets)

    def stage_reached(self, name: str, attrs: Mapping[str, str]) -> None:
        self.stages.append(name)

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        self.events.append((kind, attrs))

    def front_ended(self, front: int, problem: Problem | None) -> None:
        raise AssertionError("no front of these ends by itself")

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]


def connect(portal: Portal) -> socket.socket:
    return socket.create_connection((portal.address, portal.port), timeout=5)


class Call(OneByOne):
    """One request to the session, and what became of it."""

    def __init__(self) -> None:
        self.error: int | None = None
        self.data = b""

    @property
    def over(self) -> bool:
        return self.error is not None

    def pipe(self, task: object) -> None:
        """It has none: large payloads are copied."""

    def read_ready(self, task: object, view: memoryview, start: int, end: int) -> None:
        assert not self.over
        self.data = bytes(view[start:end])
        self.error = 0

    def done(self, task: object, error: int) -> None:
        assert not self.over
        self.error = error


class User(Front):
    """A front whose user is the test."""

    def read_ready(self, task: object, view: memoryview, start: int, end: int) -> None: ...

    def done(self, task: object, error: int) -> None: ...

    def go_on(self) -> None: ...

    def job_done(self, job: Job) -> None: ...

    def close(self) -> None: ...

    def fileno(self) -> int:
        return -1


class Turning:
    """Turns a loop while a test waits."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.loop = Loop()
        self.host = Host(self.loop)

    def until(self, check: Callable[[], object], patience: float = _PATIENCE) -> None:
        deadline = time.monotonic() + patience
        ended = 0
        while not check():
            ended += self.host.state == "ended"
            assert time.monotonic() < deadline, f"it does not come: {self.told()}"
            assert ended < 100, f"it does not come any more: {self.told()}"
            self.loop.run_once(0.01)

    def until_state(self, state: str) -> None:
        self.until(lambda: self.host.state == state)

    def later(self, seconds: float, check: Callable[[], object]) -> None:
        """Put the clock forward, then turn until `check`."""
        self.clock.jump(seconds)
        self.until(check)

    def turn(self, rounds: int = 10) -> None:
        """Give the loop some rounds: timers that are due run in the first."""
        for _ in range(rounds):
            self.loop.run_once(0.01)

    def told(self) -> str:
        return f"states {self.host.states}, problem {self.host.problem!r}, events {self.host.events[-5:]}"


class Lab(Turning):
    """A target, a script, and an engine that is to log in to it."""

    def __init__(
        self, clock: Clock, *, settings: Mapping[str, Any], parameters: Mapping[str, str], disk: Mapping[str, Any],
        target: Mapping[str, Any], server: Mapping[str, Any], login: Mapping[str, Any],
        disks: Sequence[DiskConfig] = (),
    ) -> None:  # fmt: skip
        super().__init__(clock)
        self.play = Play()
        given = {"DefaultTime2Wait": "0", **parameters}
        config = TargetConfig(
            TARGET,
            tuple(disks) or (DiskConfig(**{"size": 4 << 20, **disk}),),
            **{"first_attention": False, "parameters": given, **target},
        )
        self.server = Server(ServerConfig((config,), **server), script=self.play, record=True)
        self.settings = {"ping_interval": 0, "look_interval": 0, "default_time2wait": 0, **settings}
        self._login = {"cmd_sn": CMD_SN, **login}
        self.fronts: dict[int, User] = {}
        self._ttt = itertools.count(0x7000)
        self.engine: Engine | None = None

    # -- life --------------------------------------------------------------------------------------------------
    @property
    def portal(self) -> Portal:
        return Portal(*self.server.addresses[0])

    @property
    def login_config(self) -> LoginConfig:
        fields = {"initiator_name": INITIATOR, "target_name": TARGET, "isid": ISID, "portal": self.portal}
        return LoginConfig(settings=self.settings, address=str(self.portal), **{**fields, **self._login})

    def start(self, *portals: Portal) -> Engine:
        """Start both; the login begins when the loop turns."""
        if not self.server.addresses:
            self.server.start()
        self.engine = Engine(SessionConfig(self.login_config, portals or (self.portal,)), self.host, self.loop)
        self.host.run = self.engine
        self.engine.start()
        return self.engine

    def up(self) -> Lab:
        """Log in and use every unit; the wire then forgets what passed."""
        engine = self.start()
        self.until(lambda: self.host.state in ("connected", "ended"))
        assert self.host.state == "connected", self.told()
        for number, info in enumerate(self.host.found):
            user = User(engine, number, engine.session.units[info.address], read_only=False)
            self.fronts[info.number] = user
            engine.attach_front(user)
        self.settle()
        self.server.wire.clear()
        return self

    def refused(self) -> Problem:
        """Log in, and return why that does not work."""
        self.start()
        self.until(lambda: self.host.state in ("connected", "ended"))
        assert self.host.state == "ended", self.told()
        assert self.host.problem is not None
        return self.host.problem

    def discover(self, **fields: Any) -> DiscoveryRun:
        """Ask for targets; the loop has to turn."""
        if not self.server.addresses:
            self.server.start()
        config = dataclasses.replace(self.login_config, target_name="", session_type="Discovery", **fields)
        run = DiscoveryRun(config, self.portal, self.loop, self.host)
        self.host.run = run
        run.start()
        return run

    def close(self) -> None:
        if self.engine is not None and self.host.state != "ended":
            self.host.hold = True
            self.engine.logout(lambda _problem: None)
            self.clock.jump(1000)
            self.until_state("ended")
        self.server.stop()
        self.server.close()

    # -- asking ------------------------------------------------------------------------------------------------
    def _asked(self, ask: Callable[[Any, Any, Call], None], lun: int) -> Call:
        assert self.engine is not None
        self.engine.session.now = self.clock.monotonic()
        call = Call()
        ask(self.engine.session, self.fronts[lun].unit, call)
        self.engine.wake()
        return call

    def read(self, lba: int, length: int = BLOCK, *, lun: int = 0) -> Call:
        size = self.fronts[lun].block_size
        return self._asked(lambda s, unit, call: s.read(unit, call, 0, lba, length // size, length), lun)

    def write(self, lba: int, data: bytes, *, lun: int = 0, fua: bool = False) -> Call:
        size = self.fronts[lun].block_size
        return self._asked(
            lambda s, unit, call: s.write(unit, call, 0, lba, len(data) // size, data, None, fua=fua), lun
        )

    def command(self, cdb: bytes, data: bytes | None = None, *, lun: int = 0) -> Call:
        return self._asked(lambda s, unit, call: s.command(unit, call, 0, cdb.ljust(16, b"\0"), data), lun)

    def finish(self, *calls: Call) -> None:
        """Wait until they are over, and see that they went well."""
        self.until(lambda: all(call.over for call in calls))
        assert [call.error for call in calls] == [0] * len(calls), self.told()

    def finish_later(self, call: Call, step: float = 1.0) -> None:
        """As finish, where the engine waits before it tries again: the clock is put forward."""
        while not call.over:
            self.settle()
            self.clock.jump(step)
        self.finish(call)

    def errors(self, *calls: Call) -> list[int | None]:
        self.until(lambda: all(call.over for call in calls))
        return [call.error for call in calls]

    def on_disk(self, lba: int, length: int, *, lun: int = 0) -> bytes:
        unit = self.server.units(TARGET)[lun]
        return bytes(unit.disk.read(lba * BLOCK, length))

    def fill(self, lba: int, data: bytes, *, lun: int = 0) -> None:
        unit = self.server.units(TARGET)[lun]
        unit.disk.write(lba * BLOCK, data)

    # -- the wire ----------------------------------------------------------------------------------------------
    def received(self, op: int | None = None) -> list[Pdu]:
        """What the initiator sent, in order."""
        return self.server.wire.received(op)

    def sent(self, op: int | None = None) -> list[Pdu]:
        """What the target sent, in order."""
        return self.server.wire.sent(op)

    def await_received(self, op: int, count: int = 1) -> list[Pdu]:
        self.until(lambda: len(self.received(op)) >= count)
        return self.received(op)

    def await_sent(self, op: int, count: int = 1) -> list[Pdu]:
        self.until(lambda: len(self.sent(op)) >= count)
        return self.sent(op)

    @property
    def peer(self) -> Any:
        """The target's end of the connection."""
        return self.server.connections[-1]

    def settle(self) -> None:
        """A ping of the target and its answer: what the engine sent before is there, what it was sent is handled."""
        ttt = next(self._ttt)
        self.peer.send_nop_in(ttt=ttt)
        self.until(lambda: any(pdu.ttt == ttt for pdu in self.received(Op.NOP_OUT)))

    def unsent(self, pdu: Pdu) -> list[Step]:
        """A rule: the target does not send it, and gives its StatSN to the next (no response is missing, 7.9)."""
        self.peer.stat_sn = pdu.stat_sn
        return []

    def say_again(self, pdu: Pdu) -> None:
        """Send a PDU that a rule has held, as it was."""
        with self.peer._send_lock:
            self.peer._perform(pdu)

    def logins(self) -> list[Pdu]:
        return self.received(Op.LOGIN_REQUEST)

    def reconnected(self) -> None:
        """Wait for the next login to succeed and the unit to be there again, and for nothing else."""
        before = len([state for state in self.host.states if state == "connected"])
        self.until(lambda: self.host.states.count("connected") > before)


def without_pings(pdus: Iterable[Pdu]) -> list[Pdu]:
    return [pdu for pdu in pdus if pdu.op != Op.NOP_OUT]


def numbered(pdus: Iterable[Pdu]) -> list[Pdu]:
    """Those that take a CmdSN: not immediate, no Data-Out and no SNACK, which carry none (4.2.2.1)."""
    return [pdu for pdu in pdus if not pdu.immediate and pdu.op not in (Op.DATA_OUT, Op.SNACK)]


class Hand(Turning):
    """An engine on one end of a TCP connection, the test on the other."""

    def __init__(self, clock: Clock, *, settings: Mapping[str, Any], login: Mapping[str, Any]) -> None:
        super().__init__(clock)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(5)
        portal = Portal("127.0.0.1", self._listener.getsockname()[1])
        fields: dict[str, Any] = {
            "initiator_name": INITIATOR, "target_name": TARGET, "isid": ISID, "cmd_sn": CMD_SN, **login,
        }  # fmt: skip
        config = LoginConfig(settings=dict(settings), address=str(portal), portal=portal, **fields)
        self.portal = portal
        self.peers: list[socket.socket] = []
        self._raw = b""
        self.host.connect = self._connect
        self.engine = Engine(SessionConfig(config, (portal,)), self.host, self.loop)
        self.host.run = self.engine
        self.engine.start()

    def _connect(self, portal: Portal) -> socket.socket:
        sock = socket.create_connection((self.portal.address, self.portal.port), timeout=5)
        peer, _ = self._listener.accept()
        peer.setblocking(False)
        self.peers.append(peer)
        self._raw = b""
        return sock

    def pdu(self) -> Pdu:
        """The next PDU of the initiator."""
        found: list[Pdu] = []

        def whole() -> bool:
            if self.peers:
                self._take()
            if len(self._raw) >= 48:
                length = 48 + (int.from_bytes(self._raw[5:8], "big") + 3) // 4 * 4
                if len(self._raw) >= length:
                    found.append(_read(self._raw[:length]))
                    self._raw = self._raw[length:]
            return bool(found)

        self.until(whole)
        return found[0]

    def _take(self) -> bool:
        """Take what is there; whether the end was reached."""
        try:
            more = self.peers[-1].recv(1 << 16)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        self._raw += more
        return not more

    def quiet(self) -> bool:
        """Whether nothing has come that was not looked at."""
        self._take()
        return not self._raw

    def send(self, raw: bytes | Pdu) -> None:
        self.peers[-1].sendall(raw if isinstance(raw, bytes) else raw.pack())

    def closed(self) -> None:
        """Wait until the initiator has closed, and see that it said nothing more."""
        self.until(self._take)
        assert not self._raw

    def ended(self) -> Problem:
        self.until_state("ended")
        assert self.host.problem is not None
        return self.host.problem

    def close(self) -> None:
        self.host.hold = True
        if self.host.state != "ended":
            self.engine.logout(lambda _problem: None)
            self.clock.jump(1000)
            self.until_state("ended")
        for peer in self.peers:
            peer.close()
        self._listener.close()


def _read(raw: bytes) -> Pdu:
    stream = io.BytesIO(raw)
    pdu = Pdu(bytearray(stream.read(48)))
    pdu.data = stream.read(pdu.data_length)
    return pdu


__all__ = [
    "BLOCK",
    "CMD_SN",
    "INITIATOR",
    "ISID",
    "NO_TAG",
    "READ",
    "TARGET",
    "WRITE",
    "Call",
    "Hand",
    "Lab",
    "Op",
    "Pdu",
]
