# SPDX-License-Identifier: Apache-2.0
"""The server: listening sockets, targets with their units, sessions (RFC 7143, 4.4.3, 6.3.4 to 6.3.5).

config = ServerConfig(targets=(TargetConfig("iqn.2026-01.example:disk", (DiskConfig(size=64 << 20),)),))
with Server(config, record=True) as server:
    ...  # connect to server.address
    server.sessions, server.wire, server.units("iqn.2026-01.example:disk")[0].resize(128 << 20)
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

from .config import DiskConfig, ServerConfig, TargetConfig
from .connection import Connection
from .login import Login, Refused
from .script import Script, Wire
from .sense import LUNS_CHANGED
from .session import Session
from .unit import Unit

#: Login statuses for what only the server knows (11.13.5).
TOO_MANY_CONNECTIONS, NO_SUCH_SESSION = 0x0206, 0x020A


class Server:
    """A target device in this process, a thread for each connection. `start` and `stop`, or a with block."""

    def __init__(self, config: ServerConfig, *, script: Script | None = None, record: bool = False) -> None:
        self.config = config
        self.script = script or Script()
        self.wire = Wire(record)
        self.addresses: list[tuple[str, int]] = []
        self._lock = threading.RLock()
        self._targets: dict[str, tuple[TargetConfig, dict[int, Unit]]] = {}
        self._sessions: dict[int, Session] = {}
        self._connections: dict[int, Connection] = {}
        self._numbers = itertools.count(1)
        self._listeners: list[tuple[socket.socket, threading.Thread]] = []
        for target in config.targets:
            self.add_target(target)

    # -- life --------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Listen; `addresses` then holds where. A free port that was taken for 0 is kept over `stop` and `start`."""
        wanted = self.addresses or list(self.config.listen)
        self.addresses = []
        for host, port in wanted:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = socket.create_server((host, port), family=family, backlog=64)
            self.addresses.append((host, sock.getsockname()[1]))
            thread = threading.Thread(target=self._accept, args=(sock,), name="target-listener", daemon=True)
            self._listeners.append((sock, thread))
            thread.start()

    def stop(self, *, reset: bool = False) -> None:
        """Stop listening and cut every connection. Disks in memory keep what they hold until `close`."""
        for sock, thread in self._listeners:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
            thread.join()
        self._listeners.clear()
        for connection in self.connections:
            connection.close(reset=reset)
        for connection in self.connections:
            connection.thread.join(10)

    def close(self) -> None:
        """Let the disks go."""
        for _, units in self._targets.values():
            for unit in units.values():
                unit.disk.close()
        self._targets.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        self.close()

    @property
    def port(self) -> int:
        """The first listening port."""
        return self.addresses[0][1]

    @property
    def address(self) -> str:
        """The first portal as people write it."""
        return portal_text(*self.addresses[0])

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:  # closed by stop()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                connection = Connection(self, next(self._numbers), sock)
                self._connections[connection.number] = connection
            connection.thread.start()

    # -- targets and units -------------------------------------------------------------------------------------
    def add_target(self, target: TargetConfig) -> None:
        """Offer one more target from now on."""
        units = {disk.lun: Unit(target.name, disk) for disk in target.disks}
        with self._lock:
            self._targets[target.name.lower()] = (target, units)

    def change_target(self, name: str, **changes: object) -> None:
        """Replace parts of a target's configuration (not its disks) for sessions to come."""
        with self._lock:
            target, units = self._targets[name.lower()]
            self._targets[name.lower()] = (replace(target, **changes), units)  # type: ignore[arg-type]

    def remove_target(self, name: str) -> None:
        """Offer it no more, and cut its sessions."""
        with self._lock:
            target, _ = self._targets.pop(name.lower())
        self.cut_connections(target)

    def target_configs(self) -> Mapping[str, TargetConfig]:
        """Return every target by its name in lower case."""
        with self._lock:
            return {name: target for name, (target, _) in self._targets.items()}

    def units(self, name: str) -> dict[int, Unit]:
        """Return a target's units by LUN."""
        with self._lock:
            return self._targets[name.lower()][1]

    def add_disk(self, name: str, disk: DiskConfig) -> Unit:
        """Add a unit to a target that may be in use; sessions are told by a unit attention."""
        unit = Unit(name, disk)
        self._tell_luns(name)
        with self._lock:
            units = self._targets[name.lower()][1]
            units[disk.lun] = unit
            for session in self._sessions.values():
                if session.units is units:
                    unit.attach(session.number, None)
        return unit

    def remove_disk(self, name: str, lun: int) -> None:
        """Take a unit away; sessions are told by a unit attention on the others."""
        with self._lock:
            self._targets[name.lower()][1].pop(lun)
        self._tell_luns(name)

    def _tell_luns(self, name: str) -> None:
        for unit in self.units(name).values():
            unit.attention(LUNS_CHANGED)

    def announced(self, connection: Connection, target: TargetConfig) -> list[str]:
        """Return the target's portals as SendTargets tells them."""
        if self.config.announce:
            return list(self.config.announce)
        local = connection.local_address
        addresses = [local if host in {"0.0.0.0", "::"} else (host, port) for host, port in self.addresses]  # noqa: S104
        return [f"{portal_text(*address)},{target.portal_group}" for address in addresses]

    # -- sessions ----------------------------------------------------------------------------------------------
    @property
    def sessions(self) -> list[Session]:
        """Every session, discovery sessions too."""
        with self._lock:
            return list(self._sessions.values())

    @property
    def connections(self) -> list[Connection]:
        """Every connection, those that are logging in too."""
        with self._lock:
            return list(self._connections.values())

    def sessions_of(self, target: TargetConfig | None) -> list[Session]:
        """Return a target's sessions."""
        name = target.name if target else None
        return [session for session in self.sessions if session.target and session.target.name == name]

    def cut_connections(self, target: TargetConfig | None = None, *, reset: bool = False) -> int:
        """Cut a target's connections, or all; returns how many."""
        cut = self.connections
        if target is not None:
            cut = [connection for session in self.sessions_of(target) for connection in session.connections.values()]
        for connection in cut:
            connection.close(reset=reset)
        return len(cut)

    def open_session(self, connection: Connection, login: Login) -> Session:
        """Find or make the session of a login that has succeeded; Refused when that cannot be."""
        with self._lock:
            if login.tsih:
                return self._join(connection, login)
            self._reinstate(login)
            session = self._new_session(login)
            session.connections[connection.cid] = connection
            session.begin(login.cmd_sn)
            return session

    def _join(self, connection: Connection, login: Login) -> Session:
        """Add a connection to a session, or put it in the place of one with the same id (6.3.4)."""
        session = self._sessions.get(login.tsih)
        who = login.who
        if session is None or who is None or (session.initiator, session.isid) != (who.initiator, login.isid):
            raise Refused(NO_SUCH_SESSION)
        old = session.connections.pop(connection.cid, None)
        if old is not None:
            session.drop_tasks(lambda task: task.connection is old)
            old.close()
        elif len(session.connections) >= session.agreed.number("MaxConnections"):
            raise Refused(TOO_MANY_CONNECTIONS)
        session.connections[connection.cid] = connection
        return session

    def _reinstate(self, login: Login) -> None:
        """End a session of the same initiator port: the new login takes its place (6.3.5)."""
        assert login.who is not None
        mine = (login.who.initiator, login.isid, login.who.target.name if login.who.target else None)
        for session in list(self._sessions.values()):
            theirs = (session.initiator, session.isid, session.target.name if session.target else None)
            if theirs == mine:
                del self._sessions[session.tsih]
                session.end()
                for connection in list(session.connections.values()):
                    connection.close()

    def _new_session(self, login: Login) -> Session:
        assert login.who is not None
        tsih = next(n for n in itertools.count(1) if n not in self._sessions)
        target = login.who.target
        units: Mapping[int, Unit] = self._targets[target.name.lower()][1] if target else {}
        session = Session(
            next(self._numbers), tsih, login.who.initiator, login.isid, target, units, login.agreed, self.script
        )
        self._sessions[tsih] = session
        return session

    def connection_ended(self, connection: Connection) -> None:
        """A connection's thread ends; with the last one goes the session."""
        with self._lock:
            self._connections.pop(connection.number, None)
            session = connection.session
            if session is None or session.connections.get(connection.cid) is not connection:
                return
            del session.connections[connection.cid]
            session.drop_tasks(lambda task: task.connection is connection)
            if not session.connections and self._sessions.get(session.tsih) is session:
                del self._sessions[session.tsih]
                session.end()


def portal_text(host: str, port: int) -> str:
    """Write an address as in TargetAddress (13.8)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
