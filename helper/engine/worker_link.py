# SPDX-License-Identifier: Apache-2.0
"""The worker's end of the control channel: one helper at a time, whom it never waits for."""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ..api import control
from ..api.control import Message
from .loop import READ, WRITE, Loop

log = logging.getLogger(__name__)

#: What waits to be sent to a helper that does not read; then the channel is given up.
_MAX_QUEUE = 1024


class Link:
    """The helper's connection: accepts one at a time, sends without blocking."""

    def __init__(
        self, loop: Loop, listener: socket.socket, handle: Callable[[Message], None], changed: Callable[[bool], None]
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._handle = handle
        self._changed = changed
        self._sock: socket.socket | None = None
        self._queue: deque[tuple[bytes, list[int]]] = deque()
        listener.setblocking(False)
        loop.register(listener.fileno(), READ, self._accept)

    @property
    def connected(self) -> bool:
        """Whether a helper is there."""
        return self._sock is not None

    def send(self, message_type: str, /, descriptors: Mapping[str, int] | None = None, **fields: Any) -> None:
        """Send a message, or forget it when nobody is there; the descriptors stay the caller's."""
        if self._sock is None:
            return
        message = Message(message_type, fields, dict(descriptors or {}))
        data = control.encode(message, control.FROM_WORKER)
        self._queue.append((data, [os.dup(number) for number in message.descriptors.values()]))
        if len(self._queue) > _MAX_QUEUE:
            log.error("The helper does not read; giving its connection up")
            self.drop()
        else:
            self._flush()

    def drop(self) -> None:
        """Close the connection; another one may come."""
        if self._sock is not None:
            self._loop.unregister(self._sock.fileno())
            self._sock.close()
            self._sock = None
            while self._queue:
                control.close_all(self._queue.popleft()[1])
            self._changed(False)

    def _accept(self, _events: int) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        while self._sock is not None and self._read():
            pass  # it may have ended without our having seen it, behind what it asked last
        if self._sock is not None:
            sock.close()
            return
        sock.setblocking(False)
        self._sock = sock
        self._loop.register(sock.fileno(), READ, self._ready)
        self._changed(True)

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & ~WRITE:
            self._read()

    def _read(self) -> bool:
        """Take one message; False when there is none. What is not in the language ends the process: nothing that
        follows could be trusted.
        """
        if self._sock is None:
            return False
        try:
            packet = control.receive_raw(self._sock)
        except BlockingIOError:
            return False
        except OSError:
            packet = None
        if packet is None:
            self.drop()
            return False
        message = control.decode(*packet, control.TO_WORKER)
        try:
            self._handle(message)
        finally:
            message.close()
        return True

    def _flush(self) -> None:
        sock = self._sock
        if sock is None:
            return
        try:
            while self._queue:
                control.send(sock, *self._queue[0])
                control.close_all(self._queue.popleft()[1])
        except BlockingIOError:
            pass
        except OSError:
            self.drop()
            return
        self._loop.modify(sock.fileno(), READ | WRITE if self._queue else READ)
