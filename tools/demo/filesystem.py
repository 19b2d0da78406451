# SPDX-License-Identifier: Apache-2.0
"""Mounting the disk: the kernel's ext4 on a block device, fuse2fs on a file (which needs no rights)."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from .report import Failed

PATIENCE = 20.0


@contextlib.contextmanager
def mounted(device: Path, place: Path) -> Iterator[str]:
    """Mount, give the words for how, and unmount; afterwards nothing of it runs any more."""
    place.mkdir(exist_ok=True)
    if stat.S_ISBLK(device.stat().st_mode):
        with _kernel(device, place):
            yield "the kernel's ext4"
    else:
        with _fuse2fs(device, place):
            yield "fuse2fs"
    place.rmdir()


@contextlib.contextmanager
def _kernel(device: Path, place: Path) -> Iterator[None]:
    _run("mount", "-t", "ext4", "-o", "nodev,nosuid", str(device), str(place))
    try:
        yield
    finally:
        _run("umount", str(place))


@contextlib.contextmanager
def _fuse2fs(device: Path, place: Path) -> Iterator[None]:
    if shutil.which("fuse2fs") is None:
        raise Failed("the program fuse2fs is missing: install the package fuse2fs")
    # In the foreground, so that its end can be waited for: it writes out its last blocks after the unmount.
    process = subprocess.Popen(
        ["fuse2fs", "-f", "-o", "rw,fakeroot", device, place],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_mounted(place, process)
        yield
    finally:
        if os.path.ismount(place):
            _unmount_fuse(place)
        else:
            process.terminate()
        process.wait(PATIENCE)


def _unmount_fuse(place: Path) -> None:
    """Unmount without rights: fusermount3, or umount where that does not want to (it needs /etc/mtab)."""
    try:
        _run("fusermount3", "-u", str(place))
    except (Failed, FileNotFoundError):
        _run("umount", str(place))


def _wait_until_mounted(place: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not os.path.ismount(place):
        if process.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"fuse2fs did not mount the disk (it ended with {process.returncode})")
        time.sleep(0.02)


def _run(*command: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if result.returncode:
        raise Failed(f"{' '.join(command)}: {result.stderr.strip()}")
