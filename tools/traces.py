# SPDX-License-Identifier: Apache-2.0
"""What a run has left behind: processes, mounts, loop devices, connections. For the demo's end, and for the tests'.

What counts as ours can be told on a machine that others use at the same time: processes carry a mark in their
environment, which what they start inherits; mounts and loop devices lie over our folders.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

MARK = "LUNDOCK_RUN"
_ESTABLISHED = "01"


_OWN = secrets.token_hex(8)


def mark() -> None:
    """Mark this process, and so all that it will start. A run inside a run has both marks."""
    marks = os.environ.get(MARK, "").split(":")
    if _OWN not in marks:
        os.environ[MARK] = ":".join([*filter(None, marks), _OWN])


def processes() -> Iterator[str]:
    """Give every process with our mark, apart from this one and those above it."""
    own = {str(pid) for pid in _ancestors()}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or entry.name in own:
            continue
        try:
            if _is_ours((entry / "environ").read_bytes()):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                yield f"process {entry.name}: {words}"
        except OSError:  # it ended, or is not ours to read
            continue


def _is_ours(environ: bytes) -> bool:
    name, own = f"{MARK}=".encode(), _OWN.encode()
    return any(item.startswith(name) and own in item for item in environ.split(b"\0"))


def _ancestors() -> Iterator[int]:
    pid = os.getpid()
    while pid:
        yield pid
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return
        pid = int(stat.rpartition(")")[2].split()[1])


def mounts(folders: Sequence[Path]) -> Iterator[str]:
    """Give every mount that lies in, or comes from, something whose path begins with one of the folders'."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        source, place = line.split()[:2]
        if any(path.startswith(str(folder)) for folder in folders for path in (source, place)):
            yield f"mount {place} of {source}"


def loops(folders: Sequence[Path]) -> Iterator[str]:
    """Give every loop device over a file in one of the folders."""
    for entry in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            file = entry.read_text().strip()
        except OSError:
            continue
        if any(file.startswith(str(folder)) for folder in folders):
            yield f"loop device {entry.parts[3]} over {file}"


def connections(port: int) -> Iterator[str]:
    """Give every TCP connection that is up and has this port at its far end."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        near, far, state = line.split()[1:4]
        if state == _ESTABLISHED and int(far.rpartition(":")[2], 16) == port:
            yield f"connection from port {int(near.rpartition(':')[2], 16)} to port {port}"


def left(folders: Sequence[Path], patience: float = 3.0) -> list[str]:
    """Return everything that is left and could hold something: processes, mounts, loop devices.

    What is about to end has `patience` seconds for it: a killed process is seen by its parent before it is gone.
    """
    deadline = time.monotonic() + patience
    while found := [*processes(), *mounts(folders), *loops(folders)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return found
