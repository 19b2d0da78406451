# SPDX-License-Identifier: Apache-2.0
"""The running service: bus, store, supervisor and service put together, and taken apart at the end."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator

from . import defaults
from .api import names
from .api.bus import BusError, Connection
from .api.errors import Problem
from .attach import methods
from .bus.authority import Polkit, SameUser
from .bus.seat import active_user
from .bus.tree import Tree
from .engine import sandbox
from .identity import machine_mark
from .nursery import Nursery
from .options import Options, private_folder
from .service import Service
from .store import Store
from .supervisor import Supervisor

log = logging.getLogger(__name__)

#: sysexits.h
EX_UNAVAILABLE = 69
EX_CONFIG = 78

LOCK = "lock"


class _Stop(Exception):  # noqa: N818 - it ends the program, with a message for whoever started it
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def run(options: Options, nursery: Nursery) -> int:
    """Serve until SIGTERM, or until the bus is gone; returns the exit code."""
    _log_to_stderr(options.log_level)
    sandbox.no_core_dumps()
    _have_many_descriptors()
    _be_there_without_memory()
    try:
        with _only_one(options):
            return asyncio.run(_serve(options, nursery))
    except _Stop as stop:
        sys.stderr.write(f"lundock-helper: {stop}\n")
        return stop.code


def _log_to_stderr(level: str) -> None:
    # the journal puts the time there by itself
    form = "%(levelname)s %(name)s: %(message)s"
    if "JOURNAL_STREAM" not in os.environ:
        form = "%(asctime)s " + form
    logging.basicConfig(stream=sys.stderr, level=level.upper(), format=form)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _be_there_without_memory() -> None:
    """Ask for what a worker asks for: a session that is lost waits for a connection that we make. Before any thread."""
    if os.geteuid() != 0:
        return  # without root there are no block devices
    missing = sandbox.spare_from_oom() + sandbox.harden()
    if missing:
        log.info("The service runs without: %s", "; ".join(missing))


def _have_many_descriptors() -> None:
    """Take as many as we may: each session has half a dozen, and some thousand are not much to take from us.

    The usual limit is for those who call select(2); asyncio does not. What is forked has its own.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def _only_one(options: Options) -> Iterator[None]:
    """Make the folders and hold the lock: two services with one store would not know of each other."""
    try:
        private_folder(options.state_dir)
        private_folder(options.run_dir)
        lock = os.open(options.state_dir / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _Stop(EX_CONFIG, str(error)) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise _Stop(EX_UNAVAILABLE, f"another lundock-helper uses {options.state_dir}") from None
    try:
        yield
    finally:
        os.close(lock)


async def _serve(options: Options, nursery: Nursery) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    connection = await _open_bus(options.bus)
    store = await _open_store(options)
    supervisor = Supervisor(options.run_dir, nursery)
    authority = SameUser() if options.session else Polkit(connection)
    tree = Tree(connection, authority)
    service = Service(
        store, supervisor, methods(), tree, defaults=defaults.load(options.config_dir), machine=machine_mark()
    )
    if not options.session:
        service.agents.active_user = lambda: active_user(connection)
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGHUP, lambda: service.set_defaults(defaults.load(options.config_dir))
    )
    try:
        await tree.begin(service)
        await _take_name(connection, options.bus)
        _notify("READY=1")
        log.info("serving %s as %s", names.BUS_NAME, connection.unique_name)
        code = await _until_the_end(options, connection, tree, service, stop)
    finally:
        _notify("STOPPING=1")
        await service.stop(log_out=options.log_out)
        await connection.flush()
        connection.close()
        await supervisor.close()
        await store.close()
        await nursery.close()
    return code


async def _open_bus(bus: str) -> Connection:
    try:
        return await Connection.open(bus)
    except Problem:
        raise _Stop(EX_UNAVAILABLE, f"there is no bus at “{bus}”") from None


async def _open_store(options: Options) -> Store:
    try:
        return await Store.open(options.state_dir)
    except Problem as problem:
        raise _Stop(EX_CONFIG, f"{options.state_dir}: {problem} {problem.attrs.get('detail', '')}") from None


async def _take_name(connection: Connection, bus: str) -> None:
    try:
        ours = await connection.request_name(names.BUS_NAME)
    except BusError as error:
        raise _Stop(EX_CONFIG, f"the bus at “{bus}” refuses us the name {names.BUS_NAME}: {error.text}") from None
    if not ours:
        raise _Stop(EX_UNAVAILABLE, f"another program has the name {names.BUS_NAME} on the bus at “{bus}”")


async def _until_the_end(
    options: Options, connection: Connection, tree: Tree, service: Service, stop: asyncio.Event
) -> int:
    """Wait for a reason to end; returns the exit code that goes with it."""
    told = asyncio.ensure_future(stop.wait())
    lost = asyncio.ensure_future(connection.wait_closed())
    idle = asyncio.ensure_future(_idle(options.idle_exit, connection, tree, service))
    done, pending = await asyncio.wait({told, lost, idle}, return_when=asyncio.FIRST_COMPLETED)
    for future in pending:
        future.cancel()
    if lost in done:
        log.error("the bus is gone")
        return EX_UNAVAILABLE
    log.info("ending: %s", "told to" if told in done else "nothing to do")
    return 0


async def _idle(seconds: float, connection: Connection, tree: Tree, service: Service) -> None:
    """Return when there was nothing to do for so long; never with 0. The bus starts us again when somebody calls."""
    while True:
        await asyncio.sleep(seconds / 4 if seconds else 3600)
        quiet = time.monotonic() - tree.server.last_call >= seconds
        if not seconds or service.in_use or tree.server.busy or not quiet:
            continue
        # who calls from now on reaches a new one; who called just now is answered first
        await connection.release_name(names.BUS_NAME)
        await connection.flush()
        if not tree.server.busy and not service.in_use:
            return
        await connection.request_name(names.BUS_NAME)


def _notify(state: str) -> None:
    """Tell systemd (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
