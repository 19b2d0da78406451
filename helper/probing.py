# SPDX-License-Identifier: Apache-2.0
"""A login that is only tried, from the helper's side: a worker for one question (see discovering.py)."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .api.control import Message
from .api.errors import Problem
from .dialing import Answerer, Dialer
from .sealing import for_a_worker
from .supervision import Portal, SessionSpec, Step, once
from .worker_process import WorkerProcess, start_fields

if TYPE_CHECKING:
    from .nursery import Nursery

#: More stages than this are not kept, nor words about one: a login has a dozen.
MAX_STAGES = 64
MAX_WORDS = 64


@dataclass(slots=True)
class Stage:
    """How far a login was, and when (CLOCK_MONOTONIC, microseconds). For the names see engine.probe.Probe."""

    name: str
    time: int
    attrs: dict[str, str | int] = field(default_factory=dict)


@dataclass(slots=True)
class Probed:
    """What came of it. `problem` is None when it got as far as it should; `ended` as the stages' times."""

    sign_in: str = ""
    stages: list[Stage] = field(default_factory=list)
    problem: Problem | None = None
    ended: int = 0


def own_isid() -> bytes:
    """Return an ISID for a session that shall disturb no other: T=10b, "Random" (RFC 7143, 11.12.5)."""
    return bytes([0x80]) + os.urandom(5)


class Probing:
    """Tries to log in at one portal, in a worker that ends with the answer."""

    def __init__(self, nursery: Nursery, run_dir: Path, name: str) -> None:
        self._nursery = nursery
        self._process = WorkerProcess(nursery, run_dir, name, self)
        self._answerer: Answerer | None = None
        self._found = Probed()
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, spec: SessionSpec, portal: Portal, step: Step, *, asking: bool) -> Probed:
        """Do it. With `asking` nothing is signed in; `sign_in` says what the target wants.

        A refusal is in the answer; raises Problem for what has nothing to do with the target.
        """
        told = once(step)
        if asking:
            spec = replace(spec, sign_in="none", secrets=None)
        dialer = Dialer(self._nursery, spec.interface, float(str(spec.settings["connect_timeout"])))
        self._answerer = Answerer(dialer, self._connected(told))
        try:
            step("resolve")
            numeric = await dialer.numeric([portal])
            fields = start_fields(replace(spec, isid=own_isid()), numeric)
            step("route")
            dialer.find_way(numeric)
            step("connect")
            await self._process.start()
            fields["role"] = "sign-in" if asking else "login"
            with for_a_worker(spec.secrets, spec.sign_in) as descriptors:
                await self._process.request("start", fields, descriptors)
            await self._done
        except Problem as problem:
            self._found.problem = problem
        finally:
            self._answerer.stop()
            await self._process.end()
        return self._found

    def _connected(self, told: Step) -> Callable[[socket.socket], None]:
        def connected(_sock: socket.socket) -> None:
            self._reached(Stage("connected", _now()))
            told("login")

        return connected

    def _reached(self, stage: Stage) -> None:
        if len(self._found.stages) < MAX_STAGES:
            self._found.stages.append(stage)

    def message(self, message: Message) -> None:
        """Take a message of the worker's."""
        if message.type == "want_connection" and self._answerer is not None:
            self._answerer.wanted(self._process, message)
        elif message.type == "stage":
            self._stage(message)
        elif message.type == "state" and message["state"] == "ended" and not self._done.done():
            self._found.problem = message.problem
            self._found.ended = _now()
            self._done.set_result(None)

    def _stage(self, message: Message) -> None:
        name, attrs = message["name"], message["attrs"]
        if name == "sign-in":
            self._found.sign_in = "chap" if attrs.get("method") == "chap" else "none"
        if name:
            self._reached(Stage(name, message["time"], attrs))
        elif self._found.stages:  # words about the stage that runs
            known = self._found.stages[-1].attrs
            known.update(list(attrs.items())[: MAX_WORDS - len(known)])

    def died(self) -> None:
        """The worker ended before its answer."""
        if not self._done.done():
            self._done.set_exception(Problem("EngineDied"))


def _now() -> int:
    return time.monotonic_ns() // 1000
