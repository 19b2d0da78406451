# SPDX-License-Identifier: Apache-2.0
"""The helper's end of a control channel: requests with answers, events, and no trust.

What a worker sends is checked against `api.control`. A worker that says anything else, or more than a session or a list
of targets can ever need (`MESSAGES`, `BYTES`), is `broken`: its channel is closed, and the supervisor ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .allowance import Allowance
from .api import control
from .api.control import ControlError, Message
from .api.errors import Problem

log = logging.getLogger(__name__)

#: At once, and more for each second. The longest list of targets is 16 MiB of text, in up to 512 messages; day by day a
#: worker says something small now and then.
MESSAGES = (4000, 400)
BYTES = (64 << 20, 1 << 20)
#: So long at most one worker's messages are read, then others have their turn.
_TURN = 0.005


class Channel:
    """One connection to a worker."""

    def __init__(self, sock: socket.socket, on_message: Callable[[Message], None], on_end: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._on_message = on_message
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._messages, self._bytes = Allowance(*MESSAGES), Allowance(*BYTES)
        self._open = True
        self.broken = False
        self._loop.add_reader(sock, self._read)

    @classmethod
    def connect(cls, path: Path, on_message: Callable[[Message], None], on_end: Callable[[], None]) -> Channel:
        """Connect to a worker's listening socket, which never waits.

        Raises OSError when nobody listens, of it BlockingIOError when somebody does who takes no connections any more.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            sock.connect(str(path))
        except OSError:
            sock.close()
            raise
        return cls(sock, on_message, on_end)

    async def request(
        self, kind: str, fields: Mapping[str, Any], descriptors: Mapping[str, int] | None = None, seconds: float = 30.0
    ) -> None:
        """Ask and wait for the answer; the descriptors stay the caller's.

        Raises the worker's Problem, Problem("EngineDied") when the channel ends, Problem("Timeout").
        """
        number = next(self._ids)
        answer: asyncio.Future[None] = self._loop.create_future()
        self._asked[number] = answer
        message = Message(kind, {"id": number, **fields}, dict(descriptors or {}))
        try:
            if not self._open:
                raise Problem("EngineDied")
            await self._send(control.encode(message, control.TO_WORKER), list(message.descriptors.values()))
            async with asyncio.timeout(seconds):
                await answer
        except TimeoutError:
            raise Problem("Timeout", what=f"worker: {kind}", seconds=int(seconds)) from None
        except OSError:
            raise Problem("EngineDied") from None
        finally:
            self._asked.pop(number, None)

    async def _send(self, data: bytes, descriptors: list[int]) -> None:
        """Send when there is room; a worker that never reads is found by its requests' timeouts."""
        for _ in range(500):
            try:
                control.send(self._sock, data, descriptors)
            except BlockingIOError:
                await asyncio.sleep(0.01)
            else:
                return
        self._break("does not read")
        raise Problem("EngineDied")

    def close(self) -> None:
        """Close it; what was asked fails. `on_end` is not called."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._sock)
        self._sock.close()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(Problem("EngineDied"))

    def _read(self) -> None:
        end = self._loop.time() + _TURN
        while self._open and self._read_one() and self._loop.time() < end:
            pass

    def _read_one(self) -> bool:
        try:
            message = self._receive()
        except BlockingIOError:
            return False
        except ControlError as error:
            self._break(str(error))
            return False
        except OSError:
            message = None
        if message is None:
            self.close()
            self._on_end()
            return False
        self._dispatch(message)
        return True

    def _receive(self) -> Message | None:
        packet = control.receive_raw(self._sock)
        if packet is None:
            return None
        data, descriptors = packet
        if not self._messages.take() or not self._bytes.take(len(data)):
            control.close_all(descriptors)
            raise ControlError("floods")
        return control.decode(data, descriptors, control.FROM_WORKER)

    def _dispatch(self, message: Message) -> None:
        with contextlib.closing(message):
            if message.type != "reply":
                self._on_message(message)
                return
            answer = self._asked.get(message["id"])
            if answer is None or answer.done():
                return  # who asked did not wait
            if message["ok"]:
                answer.set_result(None)
            else:
                answer.set_exception(message.problem or Problem("Internal", log_id="worker"))

    def _break(self, why: str) -> None:
        log.error("A worker breaks the rules of the control channel (%s); it is ended", why)
        self.broken = True
        self.close()
        self._on_end()
