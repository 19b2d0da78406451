# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy before a target: cut it, silence it, let bytes through one direction only so far."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from typing import Self


class Proxy:
    """Forwards connections to a port on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.accepted = 0
        self.refusing = False
        self._limit: int | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._wake, self._woken = socket.socketpair()
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut_after(self, sent: int) -> None:
        """Reset every connection when so many more bytes went to the target."""
        self._limit = sent

    def _run(self) -> None:
        while not self._stop:
            ends = [end for pair in self._pairs for end in pair]
            ready, _, _ = select.select([self._listener, self._woken, *ends], [], [])
            for end in ready:
                if end is self._listener:
                    self._accept()
                elif end is not self._woken:
                    self._move(end)

    def _accept(self) -> None:
        ours, _ = self._listener.accept()
        self.accepted += 1
        if self.refusing:
            self._reset(ours)
            return
        try:
            self._pairs.append((ours, socket.create_connection(("127.0.0.1", self._to))))
        except OSError:
            self._reset(ours)

    def _move(self, end: socket.socket) -> None:
        pair = next((pair for pair in self._pairs if end in pair), None)
        if pair is None:
            return
        other = pair[1] if end is pair[0] else pair[0]
        try:
            data = end.recv(65536)
            if end is pair[0] and self._limit is not None:
                data, rest = data[: self._limit], data[self._limit :]
                self._limit -= len(data)
                other.sendall(data)
                if rest or not self._limit:
                    self._limit = None
                    self._drop(pair)
                return
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        self._drop(pair)

    def _drop(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.remove(pair)
        for end in pair:
            self._reset(end)

    @staticmethod
    def _reset(end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop = True
        self._wake.send(b"x")
        self._thread.join(10)
        for pair in self._pairs:
            for end in pair:
                end.close()
        for end in (self._listener, self._wake, self._woken):
            end.close()
