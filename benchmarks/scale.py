# SPDX-License-Identifier: Apache-2.0
"""Rows without a peer: our service with many targets, sessions and disks, all on the built-in target."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from lundock.helper.api import names
from lundock.helper.api.bus import OBJECT_MANAGER, Connection, Signal
from lundock.helper.store import Store, TargetRecord
from lundock.helper.supervision import Portal

from tools import traces

from . import process
from .bench import Bench
from .process import CannotMeasureError
from .service import Service, service

T = TypeVar("T")

TARGETS = 200
DISKS_EACH = 5
_NAME = "iqn.2026-01.io.github.lundock:scale"
_DISK_SIZE = 1 << 20
_UP = 120.0  # seconds: longer than any machine that is of use takes
_TRIES = 9
_SETTLE = 5.0
_IDLE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Scene:
    """The service with everything up, and how many seconds it took from its start."""

    service: Service
    took: float

    def ask(self, steps: Callable[[_Timed], Awaitable[T]]) -> T:
        """Run a client's steps to their end."""
        return asyncio.run(_with_connection(self.service.bus, steps))


class _Timed(Connection):
    """Notes when the last message came: what a program makes of it is its own time, and its language's."""

    arrived = 0.0

    def _received(self, data: bytes, fds: list[int]) -> None:
        self.arrived = time.monotonic()
        super()._received(data, fds)


async def _with_connection(bus: str, steps: Callable[[_Timed], Awaitable[T]]) -> T:
    connection = await _Timed.open(bus)
    try:
        return await steps(connection)
    finally:
        connection.close()


def _names() -> list[str]:
    return [f"{_NAME}.{number}" for number in range(TARGETS)]


@contextlib.contextmanager
def built_in_target(bench: Bench, target_names: Iterable[str], disks_each: int) -> Iterator[int]:
    """Run the built-in target with so many targets in it; gives its port."""
    disks = [{"size": _DISK_SIZE, "lun": lun} for lun in range(disks_each)]
    config = {"targets": [{"name": name, "disks": disks} for name in target_names]}
    argv = [sys.executable, "-m", "lundock.helper.target", "--config", "-", "--listen", "127.0.0.1:0"]
    argv += ["--with-parent", str(os.getpid())]
    with process.running(argv, bench.log, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(json.dumps(config).encode())
        running.stdin.close()
        ready, _, _ = select.select([running.stdout], [], [], process.PATIENCE)
        line = running.stdout.readline() if ready else b""
        if not line:
            raise CannotMeasureError("the target does not start")
        yield int(json.loads(line)["port"])


async def _save(bench: Bench, port: int) -> None:
    """Make records that connect by themselves."""
    store = await Store.open(bench.folder / "state-scale")
    try:
        for name in _names():
            record = TargetRecord(0, name, (Portal("127.0.0.1", port, -1),), os.getuid(), startup="login")
            await store.add_target(record)
    finally:
        await store.close()


@contextlib.contextmanager
def _scene(bench: Bench) -> Iterator[Scene]:
    with built_in_target(bench, _names(), DISKS_EACH) as port:
        (bench.folder / "state-scale").mkdir(exist_ok=True)
        asyncio.run(_save(bench, port))
        with service(bench, "scale") as found:
            asyncio.run(_with_connection(found.bus, _all_up))
            yield Scene(found, time.monotonic() - found.started)


async def _all_up(connection: Connection) -> None:
    """Wait until every session and every disk is there, without keeping the service from its work by asking."""
    known: set[str] = set()
    news = asyncio.Event()

    def added(signal: Signal) -> None:
        known.add(signal.args[0])
        news.set()

    await connection.subscribe(added, sender=names.BUS_NAME, interface=OBJECT_MANAGER, member="InterfacesAdded")
    known |= set(await connection.get_managed_objects())
    try:
        async with asyncio.timeout(_UP):
            while _counted(known) != (TARGETS, TARGETS * DISKS_EACH):
                news.clear()
                await news.wait()
    except TimeoutError:
        sessions, disks = _counted(known)
        raise CannotMeasureError(f"{sessions} sessions and {disks} disks are up after {_UP:.0f} s") from None


def _counted(paths: set[str]) -> tuple[int, int]:
    """Return how many are sessions, and how many disks."""
    of_sessions = [path for path in paths if path.startswith(f"{names.ROOT_PATH}/sessions/")]
    disks = sum("/luns/" in path for path in of_sessions)
    return len(of_sessions) - disks, disks


def _get(bench: Bench) -> Scene:
    return bench.get("scale", lambda: _scene(bench))


def start(bench: Bench) -> float:
    """Return seconds from the start of the service until everything that is saved is connected and shown."""
    return _get(bench).took


def _median_ms(scene: Scene, call: Callable[[Connection], Awaitable[Any]]) -> float:
    async def steps(connection: _Timed) -> float:
        times = []
        for _ in range(_TRIES):
            before = time.monotonic()
            await call(connection)
            times.append(connection.arrived - before)
        return statistics.median(times) * 1000

    return scene.ask(steps)


def managed_objects(bench: Bench) -> float:
    """Return milliseconds of a GetManagedObjects, from the call until its answer has arrived."""
    return _median_ms(_get(bench), lambda connection: connection.get_managed_objects())


def all_statistics(bench: Bench) -> float:
    """Return milliseconds of a GetStatistics, from the call until its answer has arrived."""
    return _median_ms(_get(bench), lambda c: c.call(names.ROOT_PATH, names.MANAGER, "GetStatistics", {}))


def idle(bench: Bench) -> float:
    """Return the part of a processor, in percent, that the service and all its workers take when nothing is asked."""
    scene = _get(bench)
    time.sleep(_SETTLE)
    pids = traces.descendants(scene.service.pid)
    before, begin = sum(map(process.cpu_seconds, pids)), time.monotonic()
    time.sleep(_IDLE_SECONDS)  # pings come every few seconds: some of each session's
    return (sum(map(process.cpu_seconds, pids)) - before) / (time.monotonic() - begin) * 100


MEASURES: dict[str, Callable[[Bench], float]] = {
    "scale-start": start,
    "scale-managed-objects": managed_objects,
    "scale-statistics": all_statistics,
    "scale-idle": idle,
}
