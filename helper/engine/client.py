# SPDX-License-Identifier: Apache-2.0
"""The engine as a plain Python library, in this process and with connections of its own.

    for target in discover("iscsi://192.0.2.5"): ...
    for lun in scan("iscsi://192.0.2.5/iqn.2001-04.com.example:disk/1"): ...
    serve(url, "/run/user/1000/disk.sock")            # NBD, until stopped

Everything blocks until it is done, and raises Problem.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import hashlib
import logging
import os
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from ..api.errors import Problem
from ..api.settings import Value
from ..api.statistics import Writer
from . import url as urls
from .discovery import FoundTarget
from .discovery_run import DiscoveryRun
from .engine import Engine
from .host import SessionConfig
from .login import LoginConfig
from .loop import READ, WRITE, Loop, Timer
from .names import NAME_AUTHORITY, Portal, check_name, generate_isid
from .options import number
from .scsi.disk import LunInfo
from .url import IscsiUrl

log = logging.getLogger(__name__)

_BACKLOG = 16
_CODES = {
    errno.ECONNREFUSED: "ConnectionRefused",
    errno.EHOSTUNREACH: "HostUnreachable",
    errno.ENETUNREACH: "NetworkUnreachable",
    errno.EADDRNOTAVAIL: "NetworkUnreachable",
    errno.ETIMEDOUT: "ConnectionTimeout",
}


class Connect:
    """One TCP connection in the making: the name's addresses in turn. `done` gets a socket or a Problem, once."""

    def __init__(
        self,
        loop: Loop,
        portal: Portal,
        seconds: int,
        done: Callable[[socket.socket | Problem], None],
        interface: str = "",
    ) -> None:
        self._loop = loop
        self._portal = portal
        self._seconds = seconds
        self._done = done
        self._interface = interface
        self._sock: socket.socket | None = None
        self._timer: Timer | None = None
        self._problem = Problem("NameNotFound", address=portal.address)
        self._addresses = iter(())  # type: Iterator[tuple[int, object]]
        try:
            rows = socket.getaddrinfo(portal.address, portal.port, type=socket.SOCK_STREAM)
            self._addresses = iter([(row[0], row[4]) for row in rows])
        except (OSError, UnicodeError):
            pass
        loop.call_at(0, self._next)

    def _next(self) -> None:
        found = next(self._addresses, None)
        if found is None:
            self._done(self._problem)
            return
        family, where = found
        self._sock = sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        error = self._bind(sock) or sock.connect_ex(where)  # type: ignore[arg-type]
        if error not in (0, errno.EINPROGRESS):
            self._failed(error)
            return
        self._timer = self._loop.call_later(self._seconds, lambda: self._failed(errno.ETIMEDOUT))
        self._loop.register(sock.fileno(), WRITE, self._ready)

    def _bind(self, sock: socket.socket) -> int:
        """Let everything go through one interface, if one is asked for (since Linux 5.7 without rights)."""
        if self._interface:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface.encode())
            except OSError as error:
                return error.errno or errno.EIO
        return 0

    def _ready(self, _events: int) -> None:
        sock = self._sock
        if sock is None:
            return
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._failed(error)
            return
        self._forget()
        self._done(sock)

    def _failed(self, error: int) -> None:
        sock = self._sock
        self._forget()
        if sock is not None:
            sock.close()
        code = _CODES.get(error, "HostUnreachable")
        self._problem = Problem(code, address=self._portal.address, port=self._portal.port, seconds=self._seconds)
        if error == errno.ENODEV:
            self._problem = Problem("InterfaceNotFound", interface=self._interface)
        self._next()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._sock is not None:
            self._loop.unregister(self._sock.fileno())
            self._sock = None


class Client:
    """Host of one engine; `run_until` turns the loop."""

    def __init__(
        self, url: IscsiUrl, settings: Mapping[str, Value] | None = None, initiator_name: str = "", interface: str = ""
    ) -> None:
        self.config = login_config(url, settings or {}, initiator_name)
        self.loop = Loop()
        self.statistics = Writer()
        self.state = ""
        self.problem: Problem | None = None
        self.portal = url.portal
        self.agreed: dict[str, str | int | bool] = {}
        self.found: tuple[LunInfo, ...] = ()
        self.targets: tuple[FoundTarget, ...] = ()
        self.events: list[tuple[str, dict[str, str | int]]] = []
        self._interface = check_interface(interface)
        self.on_front_ended: Callable[[int, Problem | None], None] | None = None
        self._doing: Engine | DiscoveryRun | None = None
        self.engine = Engine(SessionConfig(self.config, (url.portal,)), self, self.loop, self.statistics)

    # -- the engine's host -------------------------------------------------------------------------------------
    def want_connection(self, portal: Portal, why: str) -> None:
        """Connect."""
        log.debug("connecting to %s: %s", portal, why)
        seconds = number(self.config.settings, "connect_timeout")
        Connect(self.loop, portal, seconds, self._connected, self._interface)

    def _connected(self, result: socket.socket | Problem) -> None:
        doing = self._doing
        if isinstance(result, Problem):
            if doing is not None:
                doing.connection_failed(result)
        elif doing is not None:
            doing.connection_ready(result)
        else:
            result.close()

    def state_changed(self, state: str, problem: Problem | None) -> None:
        """Remember it."""
        log.info("session: %s%s", state, f" ({problem})" if problem else "")
        self.state, self.problem = state, problem

    def parameters(self, values: dict[str, str | int | bool], portal: Portal) -> None:
        """Remember them."""
        self.agreed, self.portal = values, portal

    def luns(self, luns: tuple[LunInfo, ...]) -> None:
        """Remember them."""
        self.found = luns

    def targets_found(self, targets: Sequence[FoundTarget]) -> None:
        """Remember them."""
        self.targets = tuple(targets)

    def stage_reached(self, name: str, attrs: Mapping[str, str]) -> None:
        """Say it."""
        log.debug("the login is at %s %s", name, attrs)

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        """Say it."""
        log.warning("%s %s", kind, attrs)
        if len(self.events) < 1000:
            self.events.append((kind, attrs))

    def front_ended(self, front: int, problem: Problem | None) -> None:
        """Pass it on."""
        if problem is not None:
            log.warning("client %d: %s", front, problem)
        if self.on_front_ended is not None:
            self.on_front_ended(front, problem)

    # -- what is done with it ----------------------------------------------------------------------------------
    def run_until(self, done: Callable[[], object]) -> None:
        """Turn the loop until `done()`; raises the Problem with which the session ended before."""
        while not done():
            self.loop.run_once()
            if self.state == "ended" and not done():
                raise self.problem or Problem("ConnectionLost", address=str(self.portal))

    def discover(self) -> tuple[FoundTarget, ...]:
        """Ask for the targets."""
        run = DiscoveryRun(self.config, self.portal, self.loop, self)
        self._doing = run
        run.start()
        self.run_until(lambda: self.state == "ended")
        if self.problem is not None:
            raise self.problem
        return self.targets

    def log_in(self) -> tuple[LunInfo, ...]:
        """Log in, and return the units."""
        self._doing = self.engine
        self.engine.start()
        self.run_until(lambda: self.state == "connected")
        return self.found

    def log_out(self) -> None:
        """Log out; fine in any state."""
        if self._doing is not self.engine or self.state == "ended":
            return
        over: list[Problem | None] = []
        self.engine.logout(over.append)
        self.run_until(lambda: over)

    def __enter__(self) -> Self:
        self.log_in()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.log_out()


def check_interface(name: str) -> str:
    """Return a network interface's name as the kernel takes it, or nothing; raises Problem("InterfaceNotFound")."""
    if len(name.encode(errors="replace")) > 15 or "\0" in name:  # IFNAMSIZ - 1
        raise Problem("InterfaceNotFound", interface=name)
    return name


def discover(url: str, initiator_name: str = "", interface: str = "") -> tuple[FoundTarget, ...]:
    """Return the targets that the portal of `url` names, asked through one network interface if it is given."""
    parsed = urls.parse(url)
    client = Client(parsed, initiator_name=initiator_name, interface=interface)
    client.config = replace(client.config, session_type="Discovery", target_name="")
    return client.discover()


def scan(url: str, initiator_name: str = "", interface: str = "") -> tuple[LunInfo, ...]:
    """Return the units of the target that `url` names."""
    with Client(urls.parse(url), initiator_name=initiator_name, interface=interface) as client:
        return client.found


def unit_of(client: Client, url: IscsiUrl) -> LunInfo:
    """Return the unit that `url` names; raises Problem("NoSuchLun")."""
    for info in client.found:
        if info.address == url.lun:
            return info
    if url.lun is None:
        raise Problem("InvalidArgument", argument="URL", detail="It ends with the disk's number: …/target/1.")
    raise Problem("NoSuchLun", lun=f"{url.lun:016x}")


def login_config(url: IscsiUrl, settings: Mapping[str, Value], initiator_name: str) -> LoginConfig:
    """Return what a login needs, from a URL; without a name a stable one of this computer is made."""
    return LoginConfig(
        initiator_name=check_name(initiator_name, "initiator name") if initiator_name else own_name(),
        initiator_alias=socket.gethostname()[:255],
        target_name=url.target,
        isid=generate_isid(),
        settings={**url.settings, **settings},
        sign_in=url.sign_in,
        chap_name=url.user,
        target_chap_name=url.target_user,
        secrets=url.secrets,
        address=str(url.portal),
        portal=url.portal,
    )


def own_name() -> str:
    """Return a node name that stays the same on this computer, for who gives none (4.2.7.1: names are kept)."""
    try:
        machine = Path("/etc/machine-id").read_text("ascii").strip()
    except (OSError, UnicodeError):
        machine = ""
    seed = machine or socket.gethostname()
    return f"{NAME_AUTHORITY}:{hashlib.sha256(b'lundock-iscsi ' + seed.encode()).hexdigest()[:12]}"


# ---- serving -----------------------------------------------------------------------------------------------------


class Server:
    """NBD on a Unix socket: every client that connects is a front."""

    def __init__(self, client: Client, lun: int, path: Path, *, read_only: bool) -> None:
        self._client = client
        self._lun = lun
        self._path = path
        self._read_only = read_only
        self._next = 1
        self._open: set[int] = set()
        client.on_front_ended = lambda front, _problem: self._open.discard(front)
        _remove_stale(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old = os.umask(0o077)
        try:
            self._listener.bind(str(path))
        except OSError as error:
            raise Problem("InvalidArgument", argument="unix", detail=f"{path}: {error.strerror}") from None
        finally:
            os.umask(old)
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        client.loop.register(self._listener.fileno(), READ, self._accept)

    def _accept(self, _events: int) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        front, self._next = self._next, self._next + 1
        try:
            self._client.engine.attach_nbd(front, self._lun, sock, handshake=True, read_only=self._read_only)
        except Problem as problem:
            log.warning("client %d: %s", front, problem)
            sock.close()
        else:
            self._open.add(front)

    def close(self) -> None:
        """Take no more clients, finish what the present ones asked for."""
        self._client.loop.unregister(self._listener.fileno())
        self._listener.close()
        self._path.unlink(missing_ok=True)
        for front in list(self._open):
            self._client.engine.detach(front, lambda _problem, n=front: self._open.discard(n))  # type: ignore[misc]
        deadline = time.monotonic() + 10
        self._client.run_until(lambda: not self._open or time.monotonic() > deadline)


def _remove_stale(path: Path) -> None:
    """A socket that nobody listens on any more is in the way."""
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(str(path)) == errno.ECONNREFUSED:
                    path.unlink()


def serve(
    url: str, unix_path: str, *, read_only: bool = False, initiator_name: str = "", interface: str = "",
    ready: Callable[[LunInfo], None] | None = None,
) -> None:  # fmt: skip
    """Serve the unit of `url` by NBD on a Unix socket, until SIGINT or SIGTERM."""
    parsed = urls.parse(url)
    with (
        Client(parsed, initiator_name=initiator_name, interface=interface) as client,
        stop_signals(client.loop) as stopped,
    ):
        info = unit_of(client, parsed)
        server = Server(client, info.address, Path(unix_path), read_only=read_only)
        try:
            if ready is not None:
                ready(info)
            freeze()
            client.run_until(lambda: stopped)
        finally:
            server.close()


@contextlib.contextmanager
def stop_signals(loop: Loop) -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list, waking the loop."""
    caught: list[int] = []
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)

    def woken(_events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            caught.extend(ours.recv(64))

    loop.register(ours.fileno(), READ, woken)
    old = {which: signal.signal(which, lambda *_: None) for which in (signal.SIGINT, signal.SIGTERM)}
    wakeup = signal.set_wakeup_fd(theirs.fileno())
    try:
        yield caught
    finally:
        signal.set_wakeup_fd(wakeup)
        for which, handler in old.items():
            signal.signal(which, handler)
        loop.unregister(ours.fileno())
        ours.close()
        theirs.close()


def freeze() -> None:
    """Keep the collector from what is there: nothing on the data path makes garbage that only it would find."""
    gc.collect()
    gc.freeze()
