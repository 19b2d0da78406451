# SPDX-License-Identifier: Apache-2.0
"""The socket to a message bus: finding it, signing in, whole messages with descriptors, sends that never block."""

from __future__ import annotations

import array
import asyncio
import logging
import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from urllib.parse import unquote

from .errors import Problem
from .foreign import close_all

log = logging.getLogger(__name__)

#: D-Bus specification, "Message Format" and "Maximum message length".
_FIXED = struct.Struct("<II I")
_FIXED_BIG = struct.Struct(">II I")
_MAX_MESSAGE = 2**27
_MAX_FDS = 64
_PIECE = 2**20
#: What may wait for a bus that does not read; then the connection is given up.
_MAX_QUEUE = 2**26
#: With more than this waiting, who has much to send waits, too.
_ROOM = 2**20


class Stream:
    """Messages over the socket, both ways: whole messages with their descriptors, sends that never block."""

    def __init__(
        self,
        sock: socket.socket,
        on_message: Callable[[bytes, list[int]], None],
        on_end: Callable[[], None],
    ) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._on_message = on_message
        self._on_end = on_end
        self._buffer = bytearray()
        self._fds: list[int] = []
        self._queue: deque[tuple[memoryview, list[int]]] = deque()
        self._queued = 0
        self._writing = False
        self._roomy = asyncio.Event()
        self._roomy.set()
        self.closed = False
        self._loop.add_reader(sock, self._readable)

    def send(self, data: bytes, fds: list[int]) -> None:
        """Send a message; `fds` are closed when they have gone out, or at the end."""
        if self.closed:
            close_all(fds)
            return
        self._queue.append((memoryview(data), fds))
        self._queued += len(data)
        if self._queued > _ROOM:
            self._roomy.clear()
        if self._queued > _MAX_QUEUE:
            log.error("the bus does not read what is sent to it")
            self.close()
        elif not self._writing:
            self._writable()

    async def room(self) -> None:
        """Wait until little is left of what was sent before, or the connection has ended."""
        await self._roomy.wait()

    def _writable(self) -> None:
        try:
            while self._queue:
                if not self._write_one():
                    break
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if bool(self._queue) != self._writing:
            self._writing = not self._writing
            if self._writing:
                self._loop.add_writer(self._sock, self._writable)
            else:
                self._loop.remove_writer(self._sock)

    def _write_one(self) -> bool:
        """Send the first message's rest; True when all of it went. The descriptors go with its first byte."""
        data, fds = self._queue[0]
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sent = self._sock.sendmsg([data], rights, socket.MSG_NOSIGNAL)
        close_all(fds)
        self._queued -= sent
        if self._queued <= _ROOM:
            self._roomy.set()
        if sent < len(data):
            self._queue[0] = (data[sent:], [])
            return False
        self._queue.popleft()
        return True

    def _readable(self) -> None:
        try:
            # one readiness, several messages; the loop gets its turn after some
            for _ in range(64):
                if self.closed or not self._read_some():
                    return
        except BlockingIOError:
            pass
        except (OSError, EOFError, ValueError):
            self.close()

    def _read_some(self) -> bool:
        """Read up to the end of the current message: whatever descriptors come meanwhile are this message's."""
        need = _length(self._buffer) - len(self._buffer)
        data, ancillary, flags, _ = self._sock.recvmsg(
            min(need, _PIECE), socket.CMSG_LEN(_MAX_FDS * 4), socket.MSG_CMSG_CLOEXEC
        )
        for level, kind, piece in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._fds += array.array("i", piece[: len(piece) // 4 * 4])
        if not data:
            raise EOFError
        if flags & socket.MSG_CTRUNC:
            log.warning("a message came with too many descriptors")
        self._buffer += data
        if len(self._buffer) >= 16 and len(self._buffer) == _length(self._buffer):
            message, fds = bytes(self._buffer), self._fds
            self._buffer, self._fds = bytearray(), []
            self._on_message(message, fds)
        return True

    def close(self) -> None:
        """End it; on_end is called once."""
        if self.closed:
            return
        self.closed = True
        self._roomy.set()
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        for _, fds in self._queue:
            close_all(fds)
        self._queue.clear()
        close_all(self._fds)
        self._on_end()


def _length(buffer: bytearray) -> int:
    """Return how many bytes the message has that begins with `buffer`: 16 until its length is known."""
    if len(buffer) < 16:
        return 16
    body, _serial, fields = (_FIXED if buffer[0] == ord("l") else _FIXED_BIG).unpack_from(buffer, 4)
    total = 16 + fields + (-fields) % 8 + body
    if buffer[0] not in b"lB" or total > _MAX_MESSAGE:
        raise ValueError("not a D-Bus message")
    return int(total)


def _addresses(bus: str) -> list[str | bytes]:
    """Return the socket names of a bus: "system", "session" or an address of the D-Bus specification."""
    if bus == "system":
        bus = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or "unix:path=/run/dbus/system_bus_socket"
    elif bus == "session":
        bus = os.environ.get("DBUS_SESSION_BUS_ADDRESS") or f"unix:path=/run/user/{os.getuid()}/bus"
    found: list[str | bytes] = []
    for address in bus.split(";"):
        transport, _, rest = address.partition(":")
        options = dict(part.partition("=")[::2] for part in rest.split(","))
        if transport == "unix" and "path" in options:
            found.append(unquote(options["path"]))
        elif transport == "unix" and "abstract" in options:
            found.append("\0" + unquote(options["abstract"]))
    return found


async def connect(bus: str) -> socket.socket:
    """Return a socket that is signed in. Raises Problem("HelperUnavailable") when no bus is there."""
    loop = asyncio.get_running_loop()
    for address in _addresses(bus):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            await loop.sock_connect(sock, address)
            await _authenticate(sock)
        except (OSError, EOFError):
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise Problem("HelperUnavailable")


async def _authenticate(sock: socket.socket) -> None:
    """EXTERNAL: the bus takes our user id from the socket (D-Bus specification, "Authentication Protocol")."""
    loop = asyncio.get_running_loop()
    user = str(os.geteuid()).encode().hex()
    for line, answer in ((f"\0AUTH EXTERNAL {user}", b"OK"), ("NEGOTIATE_UNIX_FD", b"AGREE_UNIX_FD")):
        await loop.sock_sendall(sock, f"{line}\r\n".encode())
        reply = b""
        while not reply.endswith(b"\r\n"):
            piece = await loop.sock_recv(sock, 1024)
            if not piece or len(reply) > 16384:
                raise EOFError
            reply += piece
        if not reply.startswith(answer):
            raise EOFError
    await loop.sock_sendall(sock, b"BEGIN\r\n")
