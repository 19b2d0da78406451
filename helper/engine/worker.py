# SPDX-License-Identifier: Apache-2.0
"""The worker process: a control channel on one side, an engine (or one discovery) on the other.

`run` is called in a process that has given up its rights, with a listening control socket and a pipe for log lines. One
helper at a time is connected. When it goes, the worker stays for as long as it serves fronts, so that a helper that was
restarted finds it again and no I/O is lost; without fronts it logs out and ends after `ORPHAN_SECONDS`.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..api import control, sealed
from ..api.control import ControlError, Message
from ..api.errors import Problem
from ..api.statistics import Writer
from . import sandbox
from .discovery_run import DiscoveryRun
from .engine import Engine
from .host import SessionConfig
from .login import ChapSecrets, LoginConfig, Secret
from .loop import Loop, Timer
from .names import Portal
from .probe import ProbeRun
from .scsi.disk import LunInfo
from .secret import locked
from .worker_link import Link
from .worker_log import last_words, log_to

log = logging.getLogger(__name__)

ORPHAN_SECONDS = 10.0


def run(listener: int, log_pipe: int, *, missing: Sequence[str] = ()) -> None:
    """Serve until there is nothing left to do."""
    log_to(log_pipe)
    sandbox.quiet()
    try:
        Worker(socket.socket(fileno=listener), missing).run()
    except Exception as error:  # noqa: BLE001 - the last words of a process that ends with a code
        log.critical("%s", last_words(error))
        os._exit(70)


class Worker:
    """Joins the two. It is the engine's Host."""

    def __init__(self, listener: socket.socket, missing: Sequence[str]) -> None:
        self.loop = Loop()
        self._missing = list(missing)[:32]
        self._engine: Engine | None = None
        self._discovery: DiscoveryRun | None = None
        self._role = "idle"
        self._fronts: dict[int, tuple[int, str, int]] = {}  # LUN, kind, descriptor
        #: What a helper that takes us over has to have, so that another worker can go on in our place.
        self._kept: dict[str, int] = {}
        self._epoch = 0
        self._request = 0
        self._wanted: tuple[Portal, str] | None = None
        self._state: dict[str, Any] | None = None
        self._parameters: dict[str, Any] | None = None
        self._luns: tuple[LunInfo, ...] | None = None
        self._orphan: Timer | None = None
        self._locked = False
        self._secrets: ChapSecrets | None = None
        self._link = Link(self.loop, listener, self._handle, self._link_changed)
        self._link_changed(False)

    def run(self) -> None:
        """Run until there is nothing left to do."""
        try:
            self.loop.run()
        except ControlError as error:
            log.error("The helper broke the rules of the control channel: %s", error)  # noqa: TRY400 - says it all
        finally:
            if self._secrets is not None:
                self._secrets.wipe()

    # ---- the helper ------------------------------------------------------------------------------------------

    def _link_changed(self, connected: bool) -> None:
        if self._orphan is not None:
            self._orphan.cancel()
            self._orphan = None
        if connected:
            self._epoch += 1
            self._introduce()
        else:
            self._consider_leaving()

    def _introduce(self) -> None:
        """Tell a helper that has just connected what there is."""
        fronts = [{"front": n, "lun": f"{lun:016x}", "kind": kind} for n, (lun, kind, _) in self._fronts.items()]
        self._link.send("hello", version=control.VERSION, role=self._role, fronts=fronts, missing=self._missing)
        if self._parameters is not None:
            self._link.send("parameters", **self._parameters)
        if self._luns is not None:
            self._send_luns(self._luns)
        if self._state is not None:
            self._link.send("state", **self._state)
        if self._wanted is not None:
            self._ask(*self._wanted)

    def _consider_leaving(self) -> None:
        if self._link.connected or self._fronts or self._orphan is not None:
            return
        if self._discovery is not None or self._ended:
            self.loop.stop()
        else:
            self._orphan = self.loop.call_later(ORPHAN_SECONDS, self._leave)

    @property
    def _ended(self) -> bool:
        return self._state is not None and self._state["state"] == "ended"

    def _leave(self) -> None:
        self._orphan = None
        if self._engine is None or self._ended:
            self.loop.stop()
            return
        log.info("No helper and nothing attached: logging out")
        self._engine.logout(lambda _problem: self.loop.stop())

    def _handle(self, message: Message) -> None:
        number = message["id"]
        try:
            answered = _HANDLERS[message.type](self, message)
        except Problem as problem:
            self._reply(number, problem)
        else:
            if answered:
                self._reply(number, None)

    def _reply(self, number: int, problem: Problem | None) -> None:
        self._link.send("reply", id=number, ok=problem is None, **control.error_fields(problem))

    def _replier(self, number: int) -> Callable[[Problem | None], None]:
        """Return how to reply later: to the helper that asked, whose numbers mean nothing to the next one."""
        epoch = self._epoch

        def reply(problem: Problem | None) -> None:
            if epoch == self._epoch:
                self._reply(number, problem)

        return reply

    # ---- requests; True: done, reply at once -----------------------------------------------------------------

    def _start(self, message: Message) -> bool:
        if self._engine is not None or self._discovery is not None:
            raise ControlError("started twice")
        config = message["config"]
        secrets = message.descriptors.get("secrets")
        login = _login_config(config, secrets, message["role"])
        self._secrets = login.secrets
        portals = tuple(Portal(**portal) for portal in config["portals"])
        self._role = message["role"]
        if self._role != "session":
            self._discovery = self._question(login, portals[0])
            self._discovery.start()
            return True
        page = message.descriptors.get("statistics")
        statistics = Writer(page) if page is not None else None
        self._kept, message.descriptors = message.descriptors, {}
        self._engine = Engine(SessionConfig(login, portals), self, self.loop, statistics)
        self._engine.start()
        return True

    def _question(self, login: LoginConfig, portal: Portal) -> DiscoveryRun:
        """Return what is done when it is not a whole session."""
        if self._role == "discovery":
            return DiscoveryRun(login, portal, self.loop, self)
        return ProbeRun(login, portal, self.loop, self, asking=self._role == "sign-in")

    def _connection(self, message: Message) -> bool:
        if message["request"] != self._request or self._wanted is None:
            return True  # an answer to a question that is no longer asked; its socket is closed with the message
        self._wanted = None
        target = self._engine or self._discovery
        number = message.take("socket")
        if target is None:
            raise ControlError("not started")
        if number is None:
            target.connection_failed(message.problem or Problem("ConnectionLost", address=""))
        else:
            sock = socket.socket(fileno=number)
            sock.setblocking(False)
            target.connection_ready(sock)
        return True

    def _attach(self, message: Message) -> bool:
        engine = self._running()
        front, lun = message["front"], int(message["lun"], 16)
        device = message.descriptors.get("device")
        if device is None or front in self._fronts:
            raise ControlError("an attachment without a descriptor, or under a number that is used")
        if message["lock"] and not self._locked:
            self._locked = sandbox.lock_memory()
        if message["kind"] == "fuse":
            options = {name: message[name] for name in ("read_only", "resume", "cached")}
            engine.attach_fuse(front, lun, device, **options)
            message.take("device")
        else:
            sock = socket.socket(fileno=message.take("device"))
            sock.setblocking(False)
            try:
                options = {name: message[name] for name in ("handshake", "read_only", "alone")}
                engine.attach_nbd(front, lun, sock, **options)
            except Problem:
                sock.close()
                raise
        self._fronts[front] = (lun, message["kind"], device)
        return True

    def _settled(self, message: Message) -> bool:
        """Answer well when everything that was written is on the medium, as far as we know."""
        if self._running().unwritten(message["front"]):
            raise Problem("DataPending")
        return True

    def _detach(self, message: Message) -> bool:
        front, reply = message["front"], self._replier(message["id"])
        if front not in self._fronts:
            return True  # it ended by itself

        def done(problem: Problem | None) -> None:
            self._fronts.pop(front, None)
            reply(problem)
            self._consider_leaving()

        self._running().detach(front, done)
        return False

    def _rescan(self, message: Message) -> bool:
        self._running().rescan(self._replier(message["id"]))
        return False

    def _logout(self, message: Message) -> bool:
        self._running().logout(self._replier(message["id"]))
        return False

    def _hand_over(self, message: Message) -> bool:
        """Give a helper that took the place of another one what the other one had."""
        log_pipe = message.take("log")
        if log_pipe is not None:
            log_to(log_pipe)
        for front, (_, kind, number) in self._fronts.items():
            if kind == "fuse":
                self._link.send("handed", {"descriptor": number}, what="front", front=front)
        for what, number in self._kept.items():
            self._link.send("handed", {"descriptor": number}, what=what, front=0)
        return True

    def _running(self) -> Engine:
        if self._engine is None:
            raise ControlError("not started")
        return self._engine

    # ---- Host: the engine's words to the helper --------------------------------------------------------------

    def want_connection(self, portal: Portal, why: str) -> None:
        """Ask for a connection; a question that was not answered yet is forgotten."""
        self._request += 1
        self._wanted = (portal, why)
        self._ask(portal, why)

    def _ask(self, portal: Portal, why: str) -> None:
        self._link.send("want_connection", request=self._request, portal=_portal(portal), why=control.clean(why, 100))

    def state_changed(self, state: str, problem: Problem | None) -> None:
        """Tell and keep the session's state."""
        self._state = {"state": state, **control.error_fields(problem)}
        if state == "ended":
            self._wanted = None
        self._link.send("state", **self._state)

    def parameters(self, values: dict[str, str | int | bool], portal: Portal) -> None:
        """Tell and keep what was agreed."""
        shown = {k: control.clean(v, control.TEXT_LENGTH) if isinstance(v, str) else v for k, v in values.items()}
        self._parameters = {"values": shown, "portal": _portal(portal)}
        self._link.send("parameters", **self._parameters)

    def luns(self, luns: tuple[LunInfo, ...]) -> None:
        """Tell and keep the disks, at most MAX_LUNS."""
        self._luns = luns[: control.MAX_LUNS]
        self._send_luns(self._luns)

    def _send_luns(self, luns: Sequence[LunInfo]) -> None:
        for part, more in _parts(luns, control.LUNS_A_MESSAGE):
            self._link.send("luns", luns=[_lun(one) for one in part], more=more)

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        """Tell something for the timeline."""
        shown = {k: control.clean(v) if isinstance(v, str) else int(v) for k, v in list(attrs.items())[:16]}
        self._link.send("event", kind=control.clean(kind, 40), attrs=shown)

    def front_ended(self, front: int, problem: Problem | None) -> None:
        """Tell that a front is over."""
        self._fronts.pop(front, None)
        self._link.send("front", front=front, **control.error_fields(problem))
        self._consider_leaving()

    def stage_reached(self, name: str, attrs: Mapping[str, str]) -> None:
        """Tell how far a login is."""
        shown = {key: control.clean(value, control.TEXT_LENGTH) for key, value in attrs.items()}
        self._link.send("stage", name=name, time=time.monotonic_ns() // 1000, attrs=shown)

    def targets_found(self, targets: Sequence[Any]) -> None:
        """Tell what discovery found, at most MAX_TARGETS."""
        for part, more in _parts(targets[: control.MAX_TARGETS], control.TARGETS_A_MESSAGE):
            rows = [
                {"name": one.name, "portals": [_portal(p) for p in one.portals[: control.PORTALS_A_TARGET]]}
                for one in part
            ]
            self._link.send("targets", targets=rows, more=more)


_HANDLERS: dict[str, Callable[[Worker, Message], bool]] = {
    "start": Worker._start,  # noqa: SLF001 - the table of this class
    "connection": Worker._connection,  # noqa: SLF001
    "attach": Worker._attach,  # noqa: SLF001
    "settled": Worker._settled,  # noqa: SLF001
    "detach": Worker._detach,  # noqa: SLF001
    "rescan": Worker._rescan,  # noqa: SLF001
    "hand_over": Worker._hand_over,  # noqa: SLF001
    "logout": Worker._logout,  # noqa: SLF001
}


def _parts(items: Sequence[Any], size: int) -> list[tuple[Sequence[Any], bool]]:
    """Cut into parts of at most `size`, each with whether more follow; one empty part when there is nothing."""
    starts = range(0, max(len(items), 1), size)
    return [(items[start : start + size], start + size < len(items)) for start in starts]


def _portal(portal: Portal) -> dict[str, Any]:
    address = control.clean(portal.address, control.TEXT_LENGTH)
    return {"address": address, "port": portal.port, "portal_group": portal.portal_group}


_LUN_TEXTS = {"kind": 16, "vendor": 64, "model": 64, "revision": 64, "serial": 255, "wwn": 255, "problem": 64}
_LUN_PLAIN = ("number", "size", "block_size", "physical_block_size", "read_only", "thin")


def _lun(info: LunInfo) -> dict[str, Any]:
    texts = {name: control.clean(getattr(info, name), limit) for name, limit in _LUN_TEXTS.items()}
    return {"address": f"{info.address:016x}", **texts, **{name: getattr(info, name) for name in _LUN_PLAIN}}


def _login_config(config: dict[str, Any], secrets: int | None, role: str) -> LoginConfig:
    portals = config["portals"]
    return LoginConfig(
        initiator_name=config["initiator_name"],
        initiator_alias=config["initiator_alias"],
        target_name=config["target_name"],
        isid=bytes.fromhex(config["isid"]),
        settings=config["settings"],
        sign_in=config["sign_in"],
        chap_name=config["chap_name"],
        target_chap_name=config["target_chap_name"],
        secrets=_read_secrets(secrets) if secrets is not None else None,
        address=portals[0]["address"],
        portal=Portal(**portals[0]),
        session_type="Normal" if role == "session" or config["target_name"] else "Discovery",
    )


def _read_secrets(number: int) -> ChapSecrets:
    """Read the sealed file with the secrets, to where they stay."""
    try:
        place = locked(sealed.SIZE)
        os.lseek(number, 0, os.SEEK_SET)
        size = os.readv(number, [place])
        ours, theirs = sealed.unpack(place[:size])
    except (ValueError, OSError):
        raise ControlError("the secrets are not readable") from None
    return ChapSecrets(Secret.at(ours), Secret.at(theirs) if theirs else None)
