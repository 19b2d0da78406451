# SPDX-License-Identifier: Apache-2.0
"""Rows without a peer: the window, on a screen that nobody sees, with ten sessions at work."""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lundock.app.client import operations
from lundock.app.client.client import Client

from tools import traces

from . import process, scale
from .bench import Bench
from .build import find
from .process import CannotMeasureError
from .service import Service, service

SESSIONS = 10
_TRIES = 5
_WARM_SECONDS = 60.0  # of a plot with something in it
_SECONDS = 30.0
_PAUSE = 0.05  # between two reads of a disk: work, but none that takes the processor from what is measured
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Scene:
    """A service with sessions at work, and a screen."""

    service: Service
    display: str


@contextlib.contextmanager
def _screen(bench: Bench) -> Iterator[str]:
    program = find("Xvfb")
    if program is None:
        raise CannotMeasureError("Xvfb is not installed")
    reading, writing = os.pipe()
    words = [program, "-displayfd", str(writing), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    with process.running(words, bench.log, pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        if not number:
            raise CannotMeasureError("Xvfb does not start")
        yield f":{number}"


async def _attach_all(client: Client, port: int) -> list[str]:
    devices = []
    for name in _names():
        portal = {"address": "127.0.0.1", "port": port, "portal-group": 1}
        path = await operations.add_target(client, name, [portal])
        _, luns = await operations.login(client, path)
        devices += [(await operations.attach(client, lun)).device for lun in luns]
    return devices


def _names() -> list[str]:
    return [f"iqn.2026-01.io.github.lundock:live.{number}" for number in range(SESSIONS)]


@contextlib.contextmanager
def _at_work(devices: list[str]) -> Iterator[None]:
    """Read a little of each disk, past the kernel's cache, again and again."""
    over = threading.Event()

    def read(device: str) -> None:
        direct = os.O_DIRECT if device.startswith("/dev/") else 0
        descriptor = os.open(device, os.O_RDONLY | direct)
        try:
            with mmap.mmap(-1, 1 << 16) as page:
                while not over.wait(_PAUSE):
                    os.preadv(descriptor, [page], 0)
        finally:
            os.close(descriptor)

    readers = [threading.Thread(target=read, args=(device,)) for device in devices]
    for reader in readers:
        reader.start()
    try:
        yield
    finally:
        over.set()
        for reader in readers:
            reader.join()


@contextlib.contextmanager
def _scene(bench: Bench) -> Iterator[Scene]:
    with (
        scale.built_in_target(bench, _names(), 1) as port,
        service(bench, "live") as found,
        _screen(bench) as display,
        _at_work(found.do(lambda client: _attach_all(client, port))),
    ):
        yield Scene(found, display)


def _get(bench: Bench) -> Scene:
    return bench.get("live", lambda: _scene(bench))


@contextlib.contextmanager
def _window(bench: Bench, scene: Scene) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """Run the window; gives it, and how many seconds it took until it could be used."""
    with tempfile.TemporaryDirectory(prefix=traces.PREFIX) as home:
        env = {
            **os.environ, "DISPLAY": scene.display, "QT_QPA_PLATFORM": "xcb", "HOME": home, "XDG_RUNTIME_DIR": home,
            "DBUS_SESSION_BUS_ADDRESS": scene.service.bus,
        }  # fmt: skip
        argv = [sys.executable, "-m", "benchmarks.window_probe", "--bus", scene.service.bus]
        before = time.monotonic()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with process.running(argv, bench.log, env=env, **pipes) as running:
            assert running.stdout is not None
            ready, _, _ = select.select([running.stdout], [], [], process.PATIENCE)
            line = running.stdout.readline() if ready else b""
            if not line.strip():
                raise CannotMeasureError("the window does not start")
            yield running, float(line) - before


def start(bench: Bench) -> float:
    """Return seconds until the window can be used, the program's files being in memory already."""
    scene, took = _get(bench), []
    for _ in range(_TRIES + 1):
        with _window(bench, scene) as (_running, seconds):
            took.append(seconds)
    return statistics.median(took[1:])


@dataclass(frozen=True, slots=True)
class _Watched:
    cpu: float
    memory: float


@contextlib.contextmanager
def _watch(bench: Bench) -> Iterator[_Watched]:
    """Show the plot for a while, and look at the window's process."""
    with _window(bench, _get(bench)) as (running, _seconds):
        assert running.stdin is not None
        running.stdin.write(b"plot\n")
        running.stdin.flush()
        time.sleep(_WARM_SECONDS)
        before, begin = process.cpu_seconds(running.pid), time.monotonic()
        time.sleep(_SECONDS)
        cpu = (process.cpu_seconds(running.pid) - before) / (time.monotonic() - begin) * 100
        memory = process.resident_memory(running.pid) / MIB
        yield _Watched(cpu, memory)


def cpu(bench: Bench) -> float:
    """Return the part of a processor, in percent, that the live plot takes."""
    return bench.get("live watched", lambda: _watch(bench)).cpu


def memory(bench: Bench) -> float:
    """Return MiB that the window has in memory, libraries that it shares with others included."""
    return bench.get("live watched", lambda: _watch(bench)).memory


MEASURES: dict[str, Callable[[Bench], float]] = {"live-start": start, "live-cpu": cpu, "live-memory": memory}
