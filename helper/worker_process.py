# SPDX-License-Identifier: Apache-2.0
"""One worker process from the helper's side: starting it, its channel, its log, its connections, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from . import pids
from .api.control import Message, close_all
from .api.errors import Problem
from .channel import Channel
from .supervision import DiscoverRequest, Portal, SessionSpec

if TYPE_CHECKING:
    from .nursery import Child, Nursery

log = logging.getLogger(__name__)

#: How long a worker of an earlier helper has to tell what there is.
HAND_OVER_SECONDS = 10.0
#: How long a worker that was left may take to say what it serves.
HELLO_SECONDS = 5.0

_MAX_LINES = 200
_MAX_LINE = 4096


class Owner(Protocol):
    """Who started a worker."""

    def message(self, message: Message) -> None:
        """The worker said something."""

    def died(self) -> None:
        """Its channel or the process ended, and nobody asked for it."""


class WorkerProcess:
    """A process and the channel to it. Made by `start`, ended by `end`."""

    def __init__(self, nursery: Nursery, folder: Path, name: str, owner: Owner) -> None:
        self._nursery = nursery
        self._folder = folder
        self._file = f"{name}.sock"
        self._owner = owner
        self._log = logging.LoggerAdapter(log, {"session": name})
        self._name = name
        self._child: Child | None = None
        self._channel: Channel | None = None
        self._watch: asyncio.Task[None] | None = None
        self._pipe: _LogPipe | None = None
        self._over = False
        #: When the process was started (`pids`); with its number it is what it is found by.
        self.started = 0

    @property
    def pid(self) -> int:
        """The process's number; 0 when there is none."""
        return self._child.pid if self._child else 0

    async def start(self) -> None:
        """Fork it and connect to it."""
        read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        listener = self._listen()
        try:
            self._child = await self._nursery.spawn("worker", [listener.fileno(), write])
            self.started = pids.started(self._child.pid)
            self._pipe = _LogPipe(read, self._name)
            with short_path(self._folder / self._file) as path:
                self._channel = Channel.connect(path, self._owner.message, self._ended)
        except BaseException:
            if self._pipe is None:
                os.close(read)
            await self.end()
            raise
        finally:
            listener.close()
            os.close(write)
        self._watch = asyncio.create_task(self._wait(self._child))

    async def find(self, pid: int, started: int) -> None:
        """Take over a process that an earlier helper started, with what that one had of it: messages "handed".

        Raises Problem("EngineDied") when it is gone, others when it does not do its part: see `alive` then.
        """
        try:
            self._child = pids.watch(pid, started)
        except OSError:
            raise Problem("EngineDied") from None
        self.started = started
        read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._pipe = _LogPipe(read, self._name)
        try:
            with short_path(self._folder / self._file) as path:
                self._channel = Channel.connect(path, self._owner.message, self._ended)
            await self.request("hand_over", {}, {"log": write}, HAND_OVER_SECONDS)
        except OSError:
            raise Problem("EngineDied") from None
        finally:
            os.close(write)
        self._watch = asyncio.create_task(self._wait(self._child))

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self._child is not None and not self._child.exited.done()

    @property
    def over(self) -> bool:
        """Whether it has ended, or lost its channel."""
        return self._over

    def leave(self) -> None:
        """Leave it running, for the next helper to find."""
        self._over = True
        if self._channel is not None:
            self._channel.close()
        if self._watch is not None:
            self._watch.cancel()
        if self._pipe is not None:
            self._pipe.close()

    async def request(
        self, kind: str, fields: Mapping[str, Any], descriptors: Mapping[str, int] | None = None, seconds: float = 30.0
    ) -> None:
        """Ask the worker; see `Channel.request`."""
        if self._channel is None:
            raise Problem("EngineDied")
        await self._channel.request(kind, fields, descriptors, seconds)

    async def end(self) -> None:
        """End the process, if it hasn't ended, and wait for its end: then its connections are closed too."""
        self._over = True
        if self._channel is not None:
            self._channel.close()
        if self._child is not None:
            if not self._child.exited.done():
                self._child.kill()
            await asyncio.wait([self._child.exited])
        if self._watch is not None:
            self._watch.cancel()
        if self._pipe is not None:
            self._pipe.close()
        with contextlib.suppress(OSError):
            self._folder.joinpath(self._file).unlink()

    async def _wait(self, child: Child) -> None:
        status = await asyncio.shield(child.exited)
        if not self._over:
            code = "a code that is not known" if status is None else os.waitstatus_to_exitcode(status)
            self._log.error("The worker %s (%d) ended with %s", self._name, child.pid, code)
        self._ended()

    def _ended(self) -> None:
        if not self._over:
            self._over = True
            self._owner.died()

    def _listen(self) -> socket.socket:
        """Listen in the run folder; only we may connect."""
        with contextlib.suppress(FileNotFoundError):
            self._folder.joinpath(self._file).unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with short_path(self._folder / self._file) as path:
            listener.bind(str(path))
        self._folder.joinpath(self._file).chmod(0o600)
        listener.listen(4)
        return listener


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[Path]:
    """Name a socket through its folder's descriptor: a path in an address has 107 bytes at most (unix(7))."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


class LeftWorker:
    """A worker that an earlier helper left behind, if there is one; it may hang."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._channel: Channel | None = None
        self._deaf = False
        self._fronts: int | None = None
        self._heard = asyncio.Event()

    async def find(self) -> bool:
        """Whether one listens there; if so, `send_away` has to be called."""
        try:
            with short_path(self._path) as path:
                self._channel = Channel.connect(path, self._message, self._heard.set)
        except BlockingIOError:
            self._deaf = True
        except OSError:
            return False
        return True

    async def send_away(self) -> bool:
        """Log it out if it serves nobody, and tell whether it is so."""
        channel = self._channel
        if channel is None:
            return not self._deaf
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HELLO_SECONDS):
                await self._heard.wait()
        try:
            if self._fronts != 0:
                return False
            with contextlib.suppress(Problem):
                await channel.request("logout", {}, seconds=10.0)
            return True
        finally:
            channel.close()

    def _message(self, message: Message) -> None:
        if message.type == "hello":
            self._fronts = len(message["fronts"])
            self._heard.set()


class _LogPipe:
    """The worker's log lines: taken as hostile, cut, and no more than some a second."""

    def __init__(self, pipe: int, name: str) -> None:
        self._pipe = pipe
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._window = (0.0, 0)
        self._loop.add_reader(pipe, self._read)

    def close(self) -> None:
        """Read what is left and close."""
        if self._pipe >= 0:
            self._read()
        if self._pipe >= 0:
            self._stop()

    def _stop(self) -> None:
        self._loop.remove_reader(self._pipe)
        os.close(self._pipe)
        self._pipe = -1

    def _read(self) -> None:
        try:
            data = os.read(self._pipe, 65536)
        except OSError:
            return
        if not data:
            self._stop()
            return
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_MAX_LINE:]
        for line in lines[:_MAX_LINES]:
            self._show(line)

    def _show(self, line: bytes) -> None:
        start, count = self._window
        now = self._loop.time()
        self._window = (now, 1) if now - start > 1.0 else (start, count + 1)
        if self._window[1] > _MAX_LINES:
            return
        level, _, text = line[:_MAX_LINE].decode("utf-8", "replace").partition(" ")
        shown = "".join(char if char.isprintable() else "�" for char in text)
        number = {"WARNING": logging.WARNING, "ERROR": logging.ERROR, "CRITICAL": logging.ERROR}.get(
            level, logging.INFO
        )
        log.log(number, "worker %s: %s", self._name, shown)


# ---- what a worker is started with -------------------------------------------------------------------------------


def start_fields(spec: SessionSpec | DiscoverRequest, portals: Sequence[Portal]) -> dict[str, Any]:
    """Return the fields of a `start` message."""
    session = isinstance(spec, SessionSpec)
    config = {
        "initiator_name": spec.initiator_name,
        "initiator_alias": spec.initiator_alias,
        "target_name": spec.target_name if isinstance(spec, SessionSpec) else "",
        "isid": spec.isid.hex() if isinstance(spec, SessionSpec) else os.urandom(3).hex().join(("80", "0000")),
        "sign_in": spec.sign_in,
        "chap_name": spec.chap_name,
        "target_chap_name": spec.target_chap_name,
        "portals": [portal_fields(portal) for portal in portals],
        "settings": dict(spec.settings),
    }
    return {"role": "session" if session else "discovery", "config": config}


def portal_fields(portal: Portal) -> dict[str, Any]:
    """Return a portal as it stands in messages."""
    return {"address": portal.address, "port": portal.port, "portal_group": portal.portal_group}


def close_descriptors(numbers: Sequence[int]) -> None:
    """Close those that are there (not negative)."""
    close_all([number for number in numbers if number >= 0])
