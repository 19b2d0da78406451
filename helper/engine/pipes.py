# SPDX-License-Identifier: Apache-2.0
"""Payload that goes from the target's socket to a user's by os.splice, and never comes into our memory.

A pipe holds one answer: its header, which the front writes first, and behind it what the target sends. It leaves when
all of it is there and the status is known to be good: no answer is begun that might have to be taken back. Whatever
goes wrong before, the pipe is emptied, and the command goes on as if it had never had one.
"""

from __future__ import annotations

import fcntl
import os
import socket

from .buffers import HEADROOM

#: As many answers may be on their way at once; the others are copied.
MAX_PIPES = 4
#: What a pipe is asked to hold. It may hold less, when the network's pages are filled badly: then it is copied.
PIPE_SIZE = 1 << 20

_FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
_MORE = _FLAGS | os.SPLICE_F_MORE


class Pipe:
    """One of Pipes'; goes back with `release`. `size` is what lies in it, as the owner of a part in a SendQueue."""

    __slots__ = ("_pool", "_reader", "_writer", "size")

    def __init__(self, pool: Pipes) -> None:
        self._pool = pool
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.size = 0
        fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)

    def begin(self, header: bytes) -> None:
        """Put the answer's header in."""
        self.size = os.write(self._writer, header)

    def __len__(self) -> int:
        return self.size

    def take(self, sock: socket.socket, length: int) -> int:
        """Move up to `length` bytes in, as os.splice: raises BlockingIOError when it is full, or nothing is there."""
        taken = os.splice(sock.fileno(), self._writer, length, flags=_FLAGS)
        self.size += taken
        return taken

    def give(self, sock: socket.socket, *, more: bool) -> int:
        """Move out what the socket takes; raises BlockingIOError when that is nothing."""
        given = os.splice(self._reader, sock.fileno(), self.size, flags=_MORE if more else _FLAGS)
        self.size -= given
        return given

    def copy(self, place: memoryview) -> None:
        """Move the payload to `place`, and let the pipe go."""
        done = os.readv(self._reader, [bytearray(HEADROOM), place]) - HEADROOM
        while done < self.size - HEADROOM:
            done += os.readv(self._reader, [place[done:]])
        self.size = 0
        self.release()

    def discard(self) -> None:
        """Forget what is in it, and let it go."""
        while self.size > 0:
            self.size -= len(os.read(self._reader, min(self.size, 1 << 18)))
        self.release()

    def release(self) -> None:
        """Give it back, empty."""
        self._pool.give_back(self)

    def close(self) -> None:
        """Close both ends."""
        os.close(self._reader)
        os.close(self._writer)


class Pipes:
    """At most MAX_PIPES, made when they are needed."""

    def __init__(self) -> None:
        self._idle: list[Pipe] = []
        self._made = 0
        self._closed = False

    def get(self) -> Pipe | None:
        """Return an empty pipe, if one is to be had."""
        if self._idle:
            return self._idle.pop()
        if self._made >= MAX_PIPES or self._closed:
            return None
        try:
            made = Pipe(self)
        except OSError:  # no descriptors, or the user's pipes have all the memory that they may have
            self._made = MAX_PIPES
            return None
        self._made += 1
        return made

    def give_back(self, pipe: Pipe) -> None:
        """Keep it for the next answer."""
        if self._closed:
            pipe.close()
        else:
            self._idle.append(pipe)

    def close(self) -> None:
        """Close them, now or when they come back."""
        self._closed = True
        for pipe in self._idle:
            pipe.close()
        self._idle.clear()
