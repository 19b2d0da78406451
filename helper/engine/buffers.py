# SPDX-License-Identifier: Apache-2.0
"""Memory for payloads that is used again, and the queue in front of a socket that never blocks."""

from __future__ import annotations

import itertools
import mmap
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from .pipes import Pipe

#: Room before a payload for the header of the answer that it becomes (NBD simple reply and fuse_out_header: 16 bytes
#: each).
HEADROOM = 16
#: Payloads start here in a buffer: on a page, because FUSE moves whole pages, and with room for the header before it.
PAYLOAD_AT = 4096

#: Room for headers in a SendQueue.
SEND_SIZE = 64 * 1024

_PAGE = 4096
_IOV_MAX = 1024
#: What a part costs beside its bytes: the objects that say where it is.
_PART = 256


class Buffer:
    """Page-aligned memory of `size` bytes from `view[PAYLOAD_AT:]` on. Comes from a Pool; goes back with `release`."""

    __slots__ = ("pool", "size", "view")

    def __init__(self, pool: Pool, size: int) -> None:
        self.pool = pool
        self.size = size
        self.view = memoryview(mmap.mmap(-1, PAYLOAD_AT + size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))

    def payload(self, length: int) -> memoryview:
        """Return the first `length` bytes of payload."""
        return self.view[PAYLOAD_AT : PAYLOAD_AT + length]

    def release(self) -> None:
        """Give it back; nobody may look at it any more."""
        self.pool.give_back(self)


class Pool:
    """Buffers, in eight sizes for each power of two; at most `keep` bytes lie idle.

    It bounds what lies idle only: what is in use is bounded by who asks (see memory.py).
    """

    def __init__(self, keep: int = 16 << 20) -> None:
        self._keep = keep
        self._idle = 0
        self._free: dict[int, list[Buffer]] = {}

    def get(self, length: int) -> Buffer:
        """Return a buffer for at least `length` bytes; it may hold old data."""
        step = max(_PAGE, 1 << max(length.bit_length() - 4, 0))
        size = (length + step - 1 & -step) or _PAGE
        free = self._free.get(size)
        if free:
            self._idle -= size
            return free.pop()
        return Buffer(self, size)

    def give_back(self, buffer: Buffer) -> None:
        """Keep it for the next one, or let it go when enough lie idle."""
        if self._idle + buffer.size <= self._keep:
            self._idle += buffer.size
            self._free.setdefault(buffer.size, []).append(buffer)

    def keep(self, keep: int) -> None:
        """From now on at most `keep` bytes lie idle."""
        self._keep = keep
        while self._idle > keep:
            size, free = next((size, free) for size, free in self._free.items() if free)
            free.pop()
            self._idle -= size


class SendQueue:
    """What is to be sent on one socket: headers packed side by side in `headers`, payloads by reference.

    Hot paths pack a header at `headers[at:]` (after `reserve`) and advance `at`; runs of headers without payload
    between them leave as one piece. `add` puts a payload behind what was packed; its `owner`, if any, is released
    when it was sent. After `flush` returns False the rest waits for POLLOUT.
    """

    __slots__ = (
        "_owned",
        "_owners",
        "_parts",
        "_pipes",
        "_run",
        "_size",
        "at",
        "headers",
        "kept",
        "sent",
        "view",
        "waiting",
    )

    def __init__(self, size: int = SEND_SIZE) -> None:
        self._size = size
        self.headers = bytearray(size)
        self.view = memoryview(self.headers)
        self.at = 0
        self._run = 0
        self._parts: list[memoryview | bytes | Pipe] = []
        self._owners: list[Buffer | Pipe | None] = []
        self._pipes = 0
        self._owned = 0
        #: Bytes that the socket did not take at the last flush, the memory that they lie in, all that it ever took.
        self.waiting = 0
        self.kept = 0
        self.sent = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return self.at == self._run and not self._parts

    @property
    def queued(self) -> int:
        """How many bytes are to be sent."""
        return sum(map(len, self._parts)) + self.at - self._run

    def reserve(self, length: int) -> None:
        """Make sure that `length` bytes fit at `headers[at:]`."""
        if self.at + length > self._size:
            self._close_run()
            self.headers = bytearray(max(self._size, length))
            self.view = memoryview(self.headers)
            self.at = self._run = 0

    def _close_run(self) -> None:
        if self.at > self._run:
            self._parts.append(self.view[self._run : self.at])
            self._owners.append(None)
            self._run = self.at

    def add(self, part: memoryview | bytes, owner: Buffer | None = None) -> None:
        """Queue `part` behind everything so far."""
        if self.at > self._run:
            self._parts.append(self.view[self._run : self.at])
            self._owners.append(None)
            self._run = self.at
        self._parts.append(part)
        self._owners.append(owner)
        if owner is not None:
            self._owned += 1

    def add_all(self, parts: list[memoryview]) -> None:
        """Queue several parts without owners."""
        self._close_run()
        self._parts += parts
        self._owners += [None] * len(parts)

    def add_packed(self, parts: list[memoryview | bytes], run: int, at: int) -> None:
        """Queue parts without owners that lie in `headers` behind what was packed, or elsewhere, and what is at
        headers[run:at].
        """
        self._close_run()
        self._parts += parts
        self._owners += [None] * len(parts)
        self._run, self.at = run, at

    def add_pipe(self, pipe: Pipe) -> None:
        """Queue what lies in a pipe, behind everything so far."""
        self._close_run()
        self._parts.append(pipe)
        self._owners.append(pipe)
        self._pipes += 1
        self._owned += 1

    def flush(self, sock: socket.socket) -> bool:
        """Send what the socket takes; True when that was everything. Raises OSError when the connection is broken."""
        if self.at > self._run:
            self._close_run()
        parts = self._parts
        while parts:
            try:
                sent = self._send(sock) if self._owned else self._send_all(sock)
            except BlockingIOError:
                sent = False
            if not sent:
                self._count_rest()
                return False
        self.at = self._run = 0
        self.waiting = self.kept = 0
        return True

    def _send(self, sock: socket.socket) -> bool:
        """Send what is before the first pipe, or the pipe."""
        if not self._pipes:
            return self._send_bytes(sock, cast("list[memoryview | bytes]", self._parts[:_IOV_MAX]))
        first = self._parts[0]
        if isinstance(first, (bytes, memoryview)):
            before = itertools.takewhile(lambda part: isinstance(part, (bytes, memoryview)), self._parts[:_IOV_MAX])
            return self._send_bytes(sock, cast("list[memoryview | bytes]", list(before)))
        self.sent += first.give(sock, more=len(self._parts) > 1)
        if len(first):
            return False
        del self._parts[0], self._owners[0]
        self._pipes -= 1
        self._owned -= 1
        first.release()
        return True

    def _send_all(self, sock: socket.socket) -> bool:
        """Send parts that have no owners: what is small. Most often they all go at once."""
        parts = cast("list[memoryview | bytes]", self._parts)
        if len(parts) > _IOV_MAX:
            return self._send(sock)
        sent = sock.send(parts[0]) if len(parts) == 1 else sock.sendmsg(parts)
        self.sent += sent
        if sent != sum(map(len, parts)):
            return self._advance(parts.copy(), sent)
        parts.clear()
        self._owners.clear()
        return True

    def _send_bytes(self, sock: socket.socket, piece: list[memoryview | bytes]) -> bool:
        sent = sock.send(piece[0]) if len(piece) == 1 else sock.sendmsg(piece)
        self.sent += sent
        return self._advance(piece, sent)

    def _advance(self, piece: list[memoryview | bytes], sent: int) -> bool:
        """Forget `sent` bytes from the front; True when all of `piece` went."""
        done = 0
        for part in piece:
            if sent < len(part):
                break
            sent -= len(part)
            done += 1
        for owner in self._owners[:done]:
            if owner is not None:
                owner.release()
                self._owned -= 1
        del self._parts[:done]
        del self._owners[:done]
        if done == len(piece):
            return True
        if sent:
            self._parts[0] = memoryview(piece[done])[sent:]
        return False

    def _count_rest(self) -> None:
        """What is not sent stays where it is, headers too: the next ones are packed behind them."""
        self.waiting = sum(map(len, self._parts))
        self.kept = len(self._parts) * _PART
        for part, owner in zip(self._parts, self._owners, strict=True):
            self.kept += len(part) if owner is None else owner.size

    def detach_from(self, borrowed: object) -> None:
        """Copy what waits and lies in `borrowed`, which its owner will use again."""
        parts = self._parts
        for i, part in enumerate(parts):
            if isinstance(part, memoryview) and part.obj is borrowed:
                parts[i] = bytes(part)

    def clear(self) -> None:
        """Throw everything away (the connection is gone). Owners are let go, not used again: a view of them may live
        on.
        """
        for part in self._parts if self._pipes else ():
            if not isinstance(part, (bytes, memoryview)):
                part.discard()
        self._pipes = self._owned = 0
        self._parts.clear()
        self._owners.clear()
        self.at = self._run = 0
        self.waiting = self.kept = 0


class Unsent:
    """Counts what somebody makes us queue and has not taken yet, on a queue that may never be empty.

    What was counted is forgotten when all that was queued then is sent: never too early, and never more than as much
    again too late.
    """

    __slots__ = ("_count", "_out", "_until")

    def __init__(self, out: SendQueue) -> None:
        self._out = out
        self._count = 0
        self._until = 0

    def add(self, count: int) -> int:
        """Count what is queued next; returns how much that makes."""
        out = self._out
        if out.empty or out.sent >= self._until:
            self._until = out.sent + out.queued + 1
            self._count = 0
        self._count += count
        return self._count


def large_buffers(sock: socket.socket, size: int = 4 << 20) -> None:
    """Ask for large socket buffers: a Unix socket's default cuts the throughput to a quarter."""
    for force, plain in ((socket.SO_SNDBUF + 25, socket.SO_SNDBUF), (socket.SO_RCVBUF + 25, socket.SO_RCVBUF)):
        _try(lambda option=force: sock.setsockopt(socket.SOL_SOCKET, option, size)) or _try(  # type: ignore[misc]
            lambda option=plain: sock.setsockopt(socket.SOL_SOCKET, option, size)  # type: ignore[misc]
        )


def _try(call: Callable[[], None]) -> bool:
    try:
        call()
    except OSError:
        return False
    return True
