# SPDX-License-Identifier: Apache-2.0
"""Rows without a peer: memory and times of our service."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from lundock.app.client import operations
from lundock.app.client.client import Client

from . import process, targets
from .bench import Bench
from .process import CannotMeasureError
from .service import Service, add, service, the_disk
from .targets import Target

MIB = 1 << 20
LOGINS = 32
_IDLE_SECONDS = 15.0
_TRIES = 5


def _service(bench: Bench) -> Service:
    return bench.get("small service", lambda: service(bench, "small"))


def _one_worker(found: Service) -> int:
    workers = found.workers()
    if len(workers) != 1:
        raise CannotMeasureError(f"there are {len(workers)} workers instead of one")
    return workers[0]


def _with_session(bench: Bench, look: Callable[[int], float]) -> float:
    """Log in, and look at the worker."""
    found, target = _service(bench), targets.get(bench, "responder")

    async def up(client: Client) -> str:
        path = await add(client, target)
        await operations.login(client, path)
        return path

    async def down(client: Client) -> None:
        await operations.logout(client, path)
        await operations.remove_target(client, path)

    path = found.do(up)
    try:
        return look(_one_worker(found))
    finally:
        found.do(down)


def worker_memory(bench: Bench) -> float:
    """Return MiB that only the worker has, with one idle session."""
    return _with_session(bench, lambda pid: process.private_memory(pid) / MIB)


def worker_memory_locked(bench: Bench) -> float:
    """Return the same with a disk attached, for which memory is locked; says so where it could not be."""
    found, target = _service(bench), targets.get(bench, "responder")
    with found.attached(target, method="fuse"):
        pid = _one_worker(found)
        if not process.locked_memory(pid):
            raise CannotMeasureError("the worker's memory is not locked (the machine's limit forbids it?)")
        return process.private_memory(pid) / MIB


def helper_memory(bench: Bench) -> float:
    """Return MiB of the helper that are resident, as `ps` shows it, after it has had a session."""
    _with_session(bench, lambda _pid: 0.0)
    return process.resident_memory(_service(bench).pid) / MIB


def login_to_device(bench: Bench) -> float:
    """Return milliseconds from Login to the first block read from the device; the median of some."""
    return statistics.median(_login_to_device(bench) for _ in range(_TRIES)) * 1000


def _login_to_device(bench: Bench) -> float:
    found, target = _service(bench), targets.get(bench, "responder")

    async def steps(client: Client) -> float:
        path = await add(client, target)
        start = time.monotonic()
        _, luns = await operations.login(client, path)
        attached = await operations.attach(client, await the_disk(client, luns), method="fuse")
        await asyncio.to_thread(_read_one, attached.device)
        took = time.monotonic() - start
        await operations.logout(client, path)
        await operations.remove_target(client, path)
        return took

    return found.do(steps)


def _read_one(device: str) -> None:
    descriptor = os.open(Path(device), os.O_RDONLY)
    try:
        if len(os.read(descriptor, 4096)) != 4096:
            raise CannotMeasureError("the device cannot be read")
    finally:
        os.close(descriptor)


def many_logins(bench: Bench) -> float:
    """Return seconds that many logins at once take."""
    found = _service(bench)
    target = bench.get("many targets", lambda: targets.responder(bench, "--targets", str(LOGINS)))
    return found.do(lambda client: _many(client, target))


async def _many(client: Client, target: Target) -> float:
    names = [target.name, *(f"{target.name}.{i}" for i in range(1, LOGINS))]
    paths = [await add(client, target, name) for name in names]
    start = time.monotonic()
    await asyncio.gather(*(operations.login(client, path) for path in paths))
    took = time.monotonic() - start
    for path in paths:
        await operations.logout(client, path)
        await operations.remove_target(client, path)
    return took


def idle_cpu(bench: Bench) -> float:
    """Return the part of a processor, in percent, that a session takes when nothing is asked of it."""

    def look(pid: int) -> float:
        before, start = process.cpu_seconds(pid), time.monotonic()
        time.sleep(_IDLE_SECONDS)  # pings come every few seconds: some of them
        return (process.cpu_seconds(pid) - before) / (time.monotonic() - start) * 100

    return _with_session(bench, look)


MEASURES: dict[str, Callable[[Bench], float]] = {
    "worker-memory": worker_memory,
    "worker-memory-locked": worker_memory_locked,
    "helper-memory": helper_memory,
    "login-to-device": login_to_device,
    "32-logins": many_logins,
    "idle-cpu": idle_cpu,
}
