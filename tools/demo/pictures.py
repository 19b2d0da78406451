# SPDX-License-Identifier: Apache-2.0
"""The window: drawn offscreen to files, or shown where there is a display."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from .report import Failed
from .scene import TARGET_NAME, Scene

PATIENCE = 60.0
_PIECE = 1 << 20
#: The demo's window has choices of its own: closed is closed, and nothing is told of disks that stay.
_CHOICES = "[tray]\nstay=false\n[said]\nclose=yes\nquit=yes\n"


async def draw(scene: Scene, folder: Path, place: Path, watch: float) -> list[Path]:
    """Draw the window's pages while the mounted disk is read and written for `watch` seconds; returns the files."""
    command = [sys.executable, "-m", "lundock.app.ui.shots", "--bus", scene.bus, "--out", str(folder)]
    command += ["--seconds", str(watch), "--target", TARGET_NAME, "--address", scene.address]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=scene.environ | {"QT_QPA_PLATFORM": "offscreen"}
    )
    stop = asyncio.Event()
    load = asyncio.ensure_future(use(place, stop))
    try:
        async with asyncio.timeout(PATIENCE + watch):
            out, errors = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    finally:
        stop.set()
        await load
    if process.returncode:
        raise Failed(f"the window could not be drawn: {errors.decode('utf-8', 'replace')[-2000:]}")
    return [Path(line) for line in out.decode().splitlines()]


async def use(place: Path, stop: asyncio.Event | threading.Event) -> None:
    """Read and write, sometimes more and sometimes less, so that there is something to see."""
    scratch, big = place / "scratch", max(place.iterdir(), key=lambda file: file.stat().st_size)
    data = os.urandom(_PIECE)
    begin = time.monotonic()
    while not stop.is_set():
        phase = time.monotonic() - begin
        await asyncio.to_thread(_read, big, 5 + round(4 * math.sin(phase / 2)))
        await asyncio.to_thread(_write, scratch, data, 3 + round(2 * math.sin(phase / 3)))
        await asyncio.sleep(0.06)
    scratch.unlink(missing_ok=True)


def _read(file: Path, count: int) -> None:
    """Read from the disk and not from the cache."""
    with file.open("rb", buffering=0) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        for _ in range(count):
            stream.read(_PIECE)


def _write(file: Path, data: bytes, count: int) -> None:
    with file.open("wb", buffering=0) as stream:
        for _ in range(count):
            stream.write(data)
        os.fsync(stream.fileno())


def display_works() -> bool:
    """Whether a window can be shown here."""
    if not (os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")):
        return False
    probe = "import sys; from PySide6.QtGui import QGuiApplication; QGuiApplication(sys.argv)"
    env = {key: value for key, value in os.environ.items() if key != "QT_QPA_PLATFORM"}
    try:
        result = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False, timeout=20, env=env)
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0


async def show(scene: Scene) -> int:
    """Show the window until it is closed; returns its exit code."""
    config = scene.folder / "config"
    (config / "lundock").mkdir(parents=True)
    (config / "lundock" / "Lundock.conf").write_text(_CHOICES, "utf-8")
    runtime = scene.folder / "runtime"  # where the person has none, Qt would make one, and leave it
    runtime.mkdir(0o700)
    environ = {"XDG_RUNTIME_DIR": str(runtime)} | scene.environ | {"XDG_CONFIG_HOME": str(config)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lundock.app", "--bus", scene.bus), env=environ
    )
    try:
        return await process.wait()
    except BaseException:
        process.terminate()
        await process.wait()
        raise
