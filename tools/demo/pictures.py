# SPDX-License-Identifier: Apache-2.0
"""The window: drawn offscreen to files, or shown where there is a display."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from .report import Failed
from .scene import TARGET_NAME, Scene

#: How long the window watches before its activity is drawn, in seconds.
WATCH = 3.0
PATIENCE = 60.0
_PIECE = 1 << 20


async def draw(scene: Scene, folder: Path, place: Path) -> list[Path]:
    """Draw the window's pages while the mounted disk is read and written; returns the files."""
    command = [sys.executable, "-m", "lundock.app.ui.shots", "--bus", scene.bus, "--out", str(folder)]
    command += ["--seconds", str(WATCH), "--target", TARGET_NAME, "--address", scene.address]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=scene.environ | {"QT_QPA_PLATFORM": "offscreen"}
    )
    stop = asyncio.Event()
    load = asyncio.ensure_future(_use(place / "scratch", stop))
    try:
        async with asyncio.timeout(PATIENCE):
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


async def _use(file: Path, stop: asyncio.Event) -> None:
    """Write and read, so that there is something to see."""
    data = os.urandom(_PIECE)
    number = 0
    while not stop.is_set():
        number += 1
        await asyncio.to_thread(_write_and_read, file, data, 4 + number % 5)
        await asyncio.sleep(0.05)
    file.unlink(missing_ok=True)


def _write_and_read(file: Path, data: bytes, count: int) -> None:
    with file.open("wb", buffering=0) as stream:
        for _ in range(count):
            stream.write(data)
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with file.open("rb", buffering=0) as stream:
        while stream.read(_PIECE):
            pass


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
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lundock.app", "--bus", scene.bus, env=scene.environ
    )
    try:
        return await process.wait()
    except BaseException:
        process.terminate()
        await process.wait()
        raise
