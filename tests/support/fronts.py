# SPDX-License-Identifier: Apache-2.0
"""A connected socket that speaks NBD, given to a program that wants to connect by itself."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Self


class Relay:
    """Listens at a path, and joins the first that connects to a socket. The descriptor is its own."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._inner = socket.socket(fileno=descriptor)
        self._inner.setblocking(True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self.uri = f"nbd+unix:///?socket={path}"
        self._outer: socket.socket | None = None
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._listener, self._inner, self._outer):
            if sock is not None:
                _shut(sock)
        for thread in self._threads:
            thread.join(10)
        for sock in (self._listener, self._inner, self._outer):
            if sock is not None:
                sock.close()

    def _accept(self) -> None:
        try:
            self._outer, _ = self._listener.accept()
        except OSError:
            return
        back = threading.Thread(target=_copy, args=(self._inner, self._outer))
        self._threads.append(back)
        back.start()
        _copy(self._outer, self._inner)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(1 << 20):
            sink.sendall(data)
    except OSError:
        pass
    _shut(sink)
