# SPDX-License-Identifier: Apache-2.0
"""What is mounted from our folders, and unmounting it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import traces


def places(folders: Sequence[Path], *, inside: bool = False) -> Iterator[str]:
    """Give what is mounted from a disk in one of the folders, the latest first; `inside`: and what lies in one."""
    devices = {device for device, _file in traces.loop_devices(folders)}
    for source, place in reversed([*traces.mount_table()]):
        if source in devices or traces.below(source, folders) or (inside and traces.below(place, folders)):
            yield place


def unmount(place: str, *, lazily: bool = False) -> bool:
    """Unmount; `lazily`: it is gone from here at once, whoever uses it."""
    commands = [["umount", *(["-l"] if lazily else []), place]]
    if os.geteuid() != 0:
        commands.insert(0, ["fusermount3", "-u", *(["-z"] if lazily else []), place])
    return any(works(command) for command in commands)


def take_down(folders: Sequence[Path]) -> None:
    """Unmount everything there, and detach the loop devices over what lies there, whoever uses it."""
    # Looked for before anything is unmounted: then a loop device's file has lost its folder's name.
    devices = [device for device, _file in traces.loop_devices(folders)]
    for place in [*places(folders, inside=True)]:
        unmount(place, lazily=True)
    for device in devices:
        works(["losetup", "-d", device])


def works(command: list[str]) -> bool:
    """Run it; whether it went well."""
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
