# SPDX-License-Identifier: Apache-2.0
"""The end of the demo's disks: what somebody has mounted is unmounted while the target is still there to write to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 10.0


def release(run_dir: Path) -> None:
    """Unmount everything that lies on disks below `run_dir`; says what is in use and waits a while for its end."""
    deadline = time.monotonic() + PATIENCE
    told: set[str] = set()
    while places := [*_places(run_dir)]:
        busy = [place for place in places if not _unmount(place)]
        for place in busy:
            if place not in told:
                told.add(place)
                print(f"{place} is in use: close what uses it.", file=sys.stderr, flush=True)
        if busy and time.monotonic() > deadline:
            return  # the look for leftovers tells it
        if busy:
            time.sleep(0.2)


def _places(run_dir: Path) -> Iterator[str]:
    """Give what is mounted from the disks, the latest first."""
    for line in reversed(Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()):
        source, place = (_plain(word) for word in line.split()[:2])
        if source.startswith(f"{run_dir}/") or _backing(source).startswith(f"{run_dir}/"):
            yield place


def _plain(word: str) -> str:
    """Undo the kernel's escapes of blanks (proc(5): \\040 and the like)."""
    return word.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\" in word else word


def _backing(source: str) -> str:
    """Return the file below a loop device, or nothing."""
    try:
        return Path("/sys/block", Path(source).name, "loop/backing_file").read_text().strip()
    except OSError:
        return ""


def _unmount(place: str) -> bool:
    commands = [["umount", place]]
    if os.geteuid() != 0:
        commands.insert(0, ["fusermount3", "-u", place])
    return any(_works(command) for command in commands)


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
