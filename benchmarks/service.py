# SPDX-License-Identifier: Apache-2.0
"""Our service on a bus of its own, and a client of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lundock.app.client import operations
from lundock.app.client.client import Client
from lundock.app.client.link import Where
from lundock.helper.api.errors import Problem

from tools import mounting, traces
from tools.private_bus import private_bus

from . import process
from .bench import Bench
from .build import find
from .process import CannotMeasureError
from .targets import Target

T = TypeVar("T")

#: Clients in the hundreds of one row watch each its own objects.
_LIMITS = '<limit name="max_match_rules_per_connection">5000</limit>'


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    bus: str
    pid: int
    started: float  # CLOCK_MONOTONIC

    def do(self, steps: Callable[[Client], Awaitable[T]]) -> T:
        """Run a client's steps to their end."""

        async def whole() -> T:
            async with Client(Where("address", self.bus)) as client:
                return await steps(client)

        try:
            return asyncio.run(whole())
        except Problem as problem:
            detail = ", ".join(f"{key}: {value}" for key, value in problem.attrs.items())
            raise CannotMeasureError(f"the service says: {problem} ({problem.code}; {detail})") from None

    def workers(self) -> list[int]:
        """Return the processes that speak iSCSI."""
        return [pid for pid in traces.descendants(self.pid) if process.name_of(pid) == "lundock-engine"]

    @contextlib.contextmanager
    def attached(self, target: Target, *, method: str = "auto") -> Iterator[str]:
        """Log in and make the disk a device; everything is taken back at the end."""

        async def up(client: Client) -> tuple[str, str]:
            path = await add(client, target)
            _, luns = await operations.login(client, path)
            attached = await operations.attach(client, await the_disk(client, luns), method=method)
            return path, attached.device

        async def down(client: Client) -> None:
            await operations.logout(client, path)
            await operations.remove_target(client, path)

        path, device = self.do(up)
        try:
            yield device
        finally:
            self.do(down)


async def add(client: Client, target: Target, name: str = "") -> str:
    """Save a target; `name` when it is another of the same portal. Returns its path."""
    portals = [operations.parse_portal(f"127.0.0.1:{target.port}")]
    return await operations.add_target(client, name or target.name, portals)


async def the_disk(client: Client, luns: tuple[str, ...]) -> str:
    """Return the one disk among the units."""
    for path in luns:
        if (await operations.wait_for(client, path)).kind == "disk":
            return path
    raise CannotMeasureError("the target has no disk")


@contextlib.contextmanager
def service(bench: Bench, name: str) -> Iterator[Service]:
    """Run a bus and our service on it, with nothing saved yet."""
    state = bench.folder / f"state-{name}"
    state.mkdir(exist_ok=True)
    with (
        # Sockets lie in it, whose paths have at most 107 bytes.
        tempfile.TemporaryDirectory(prefix=traces.PREFIX) as short,
        private_bus(find("dbus-daemon") or "dbus-daemon", _LIMITS) as bus,
        contextlib.ExitStack() as stack,
    ):
        argv = [sys.executable, "-m", "lundock.helper", "--session", "--bus", bus, "--log-level", "warning"]
        argv += ["--state-dir", str(state), "--run-dir", f"{short}/run", "--stop-policy", "logout"]
        env = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": bus}
        started = time.monotonic()
        helper = stack.enter_context(process.running(argv, bench.log, env=env))
        found = Service(bus, helper.pid, started)
        _wait_until_up(found, helper.poll)
        try:
            yield found
        finally:
            workers = found.workers()
            process.end(helper)
            _clear(Path(short), workers)


def _clear(folder: Path, workers: list[int]) -> None:
    """Take away what a service that failed has left: loop devices and mounts over its folder, and its workers."""
    mounting.take_down([folder])
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            if process.name_of(pid) == "lundock-engine":
                os.kill(pid, signal.SIGKILL)


def _wait_until_up(found: Service, ended: Callable[[], object]) -> None:
    async def nothing(_client: Client) -> None:
        return

    deadline = time.monotonic() + process.PATIENCE
    while True:
        try:
            found.do(nothing)
        except CannotMeasureError:
            if ended() is not None or time.monotonic() > deadline:
                raise CannotMeasureError("the service does not start") from None
            time.sleep(0.05)
        else:
            return
