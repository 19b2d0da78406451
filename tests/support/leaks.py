# SPDX-License-Identifier: Apache-2.0
"""After the last test: nothing of ours is left, whatever the tests said.

What counts as ours can be told on a machine that others use at the same time: processes carry this run's mark in their
environment, mounts and loop devices lie over this run's folders, namespaces have this run's prefix.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import netns

MARK = "LUNDOCK_TEST_RUN"
#: For tempfile: short paths outside of pytest's folders begin with this.
PREFIX = f"lundock-{secrets.token_hex(3)}-"


def mark() -> None:
    """Mark this process and all that it will start."""
    os.environ.setdefault(MARK, secrets.token_hex(8))


def processes() -> Iterator[str]:
    """Give every process of this run that is not an ancestor of ours, as text."""
    wanted = f"{MARK}={os.environ[MARK]}".encode()
    own = set(_ancestors())
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in own:
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                yield f"process {entry.name}: {words}"
        except OSError:  # it ended, or is not ours to read
            continue


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
    """Give every mount that lies in, or comes from, one of the folders."""
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


def namespaces() -> Iterator[str]:
    """Give every network namespace of this run."""
    folder = Path("/run/netns")
    if folder.is_dir():
        yield from (f"network namespace {e.name}" for e in folder.iterdir() if e.name.startswith(netns.PREFIX))


def all_of(folders: Sequence[Path]) -> list[str]:
    """Return everything that is left."""
    return [*processes(), *mounts(folders), *loops(folders), *namespaces()]
