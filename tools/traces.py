# SPDX-License-Identifier: Apache-2.0
"""What a run has left behind: processes, mounts, loop devices, connections. For the demo's end, and for the tests'.

What counts as ours can be told on a machine that others use at the same time: a run has a mark, which its processes
carry in their environment, and what they start inherits; the names of its folders, over which its mounts and loop
devices lie, and of its network namespaces begin with it.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

MARK = "LUNDOCK_RUN"
_ESTABLISHED = "01"


#: This run's mark.
OWN = secrets.token_hex(4)


def prefix(mark: str) -> str:
    """Return how the names of a run's folders for temporary files begin (short: sockets lie in them)."""
    return f"lundock-{mark}-"


def namespace(mark: str) -> str:
    """Return how the names of a run's network namespaces begin (short: interfaces have them, too)."""
    return f"ldt{mark}"


#: For tempfile, and for `ip netns add`.
PREFIX, NAMESPACE = prefix(OWN), namespace(OWN)


# ---- processes ---------------------------------------------------------------------------------------------------


def mark() -> None:
    """Mark this process, and so all that it will start. A run inside a run has both marks."""
    marks = os.environ.get(MARK, "").split(":")
    if OWN not in marks:
        os.environ[MARK] = ":".join([*filter(None, marks), OWN])


def processes() -> Iterator[str]:
    """Give every process with our mark, apart from this one and those above it."""
    yield from (f"process {pid}: {words}" for pid, words in marked(OWN))


def marked(mark: str) -> Iterator[tuple[int, str]]:
    """Give every process with a run's mark, apart from this one and those above it, and its command line."""
    above = {*_ancestors()}
    for pid in _all():
        folder = Path("/proc", str(pid))
        try:
            if pid not in above and _has(mark, (folder / "environ").read_bytes()):
                yield pid, (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:  # it ended, or is not ours to read
            continue


def _has(mark: str, environ: bytes) -> bool:
    name, own = f"{MARK}=".encode(), mark.encode()
    return any(item.startswith(name) and own in item for item in environ.split(b"\0"))


def _all() -> Iterator[int]:
    yield from (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _parent(pid: int) -> int:
    """Return a process's parent; 0 for the first one, and when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _ancestors() -> Iterator[int]:
    pid = os.getpid()
    while pid:
        yield pid
        pid = _parent(pid)


def parents() -> dict[int, int]:
    """Return every process's parent."""
    return {pid: parent for pid in _all() if (parent := _parent(pid)) or pid == 1}


def descendants(pid: int) -> set[int]:
    """Return a process and everything below it."""
    children: dict[int, list[int]] = {}
    for child, parent in parents().items():
        children.setdefault(parent, []).append(child)
    found, unseen = set(), [pid]
    while unseen:
        one = unseen.pop()
        found.add(one)
        unseen += children.get(one, ())
    return found


# ---- mounts and devices ------------------------------------------------------------------------------------------


def below(path: str, folders: Sequence[Path]) -> bool:
    """Whether a path is one of the folders, or in one; or in one whose name begins so, where that ends with a dash."""
    begins = [str(folder) if folder.name.endswith("-") else f"{folder}/" for folder in folders]
    return f"{path}/".startswith(tuple(begins))


def mount_table() -> Iterator[tuple[str, str]]:
    """Give each mount's source and place, the latest last."""
    for line in Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines():
        source, place = (_plain(word) for word in line.split()[:2])
        yield source, place


def _plain(word: str) -> str:
    """Undo the kernel's escapes of blanks (proc(5): \\040 and the like)."""
    return word.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\" in word else word


def loop_devices(folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Give every loop device over a file in one of the folders, and the file."""
    for entry in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            file = entry.read_text().strip()
        except OSError:
            continue
        if below(file, folders):
            yield f"/dev/{entry.parts[3]}", file


def mounts(folders: Sequence[Path]) -> Iterator[str]:
    """Give every mount that lies in, or comes from, something whose path begins with one of the folders'."""
    for source, place in mount_table():
        if below(source, folders) or below(place, folders):
            yield f"mount {place} of {source}"


def loops(folders: Sequence[Path]) -> Iterator[str]:
    """Give every loop device over a file in one of the folders."""
    yield from (f"loop device {device} over {file}" for device, file in loop_devices(folders))


# ---- network -----------------------------------------------------------------------------------------------------


def namespaces(mark: str = OWN) -> Iterator[str]:
    """Give the name of every network namespace of a run."""
    folder = Path("/run/netns")
    if folder.is_dir():
        yield from (entry.name for entry in folder.iterdir() if entry.name.startswith(namespace(mark)))


def connections(port: int) -> Iterator[str]:
    """Give every TCP connection that is up and has this port at its far end."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        near, far, state = line.split()[1:4]
        if state == _ESTABLISHED and int(far.rpartition(":")[2], 16) == port:
            yield f"connection from port {int(near.rpartition(':')[2], 16)} to port {port}"


# ---- everything --------------------------------------------------------------------------------------------------


def left(folders: Sequence[Path], patience: float = 3.0) -> list[str]:
    """Return everything that is left and could hold something: processes, mounts, loop devices, namespaces.

    What is about to end has `patience` seconds for it: a killed process is seen by its parent before it is gone.
    """
    deadline = time.monotonic() + patience
    while found := [*processes(), *mounts(folders), *loops(folders), *namespaces()]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return found
