# SPDX-License-Identifier: Apache-2.0
"""Who holds a device or a file: mounts, swap, devices on top of it, processes that have it open.

Reads /proc and /sys only, and never looks at a path that a FUSE server might have to answer. Bounded, and slow on a
busy computer: done in a child.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..supervision import Holder

MAX_HOLDERS = 64
MAX_NAME = 1024
_MAX_LINKS = 200_000
#: udev's processes look at what is on a device whenever it has changed, and close it by themselves: they hold nothing.
_ON_THEIR_WAY = frozenset({"(udev-worker)", "systemd-udevd", "udevd"})
_ESCAPE = re.compile(r"\\([0-7]{3})")


def holders_of_device(device: str, look: Look | None = None, *, on_their_way: bool = False) -> list[Holder]:
    """Return who holds a block device or its partitions; also who only looks at it `on_their_way`."""
    look = look or Look()
    own = Path(device).stat().st_rdev
    numbers = {(os.major(own), os.minor(own)), *_partitions(own)}
    found = [Holder("mount", where[:MAX_NAME]) for where in _mounts(look.tables, numbers, device)]
    found += [Holder("swap", name) for name in _swaps(numbers)]
    found += [Holder("device", name) for number in sorted(numbers) for name in _above(number)]
    having = [(one.name, one.pid) for one in look.openers if one.devices & numbers]
    found += [Holder("process", name, pid) for name, pid in having if on_their_way or name not in _ON_THEIR_WAY]
    return found[:MAX_HOLDERS]


def holders_of_file(path: str, look: Look | None = None) -> list[Holder]:
    """Return who has a file open that is served by us; it is not touched."""
    look = look or Look()
    found = [Holder("device", f"/dev/{name}") for name in loops_over(path)]
    found += [Holder("process", one.name, one.pid) for one in look.openers if path in one.files]
    return found[:MAX_HOLDERS]


def holders_of(paths: Sequence[str]) -> dict[str, list[Holder]]:
    """Return who holds each of these devices and files, in one look; those that are gone are left out."""
    look = Look()
    found = {}
    for path in paths:
        with suppress(OSError):
            of = holders_of_device if path.startswith("/dev/") else holders_of_file
            found[path] = of(path, look)
    return found


@dataclass(frozen=True, slots=True)
class Opener:
    """A process with the paths that it has open, and the numbers of those that are devices."""

    pid: int
    files: frozenset[str]
    devices: frozenset[tuple[int, int]]

    @property
    def name(self) -> str:
        """Its name."""
        return _name(str(self.pid))


class Look:
    """One look at /proc, each part of it read at most once."""

    @cached_property
    def tables(self) -> list[str]:
        """The mountinfo of every mount namespace that a process shows."""
        return list(_tables())

    @cached_property
    def openers(self) -> list[Opener]:
        """Every process that has something open, apart from this one."""
        return list(_openers())


def _number(text: str) -> tuple[int, int]:
    major, _, minor = text.strip().partition(":")
    return int(major), int(minor)


def _partitions(device: int) -> Iterator[tuple[int, int]]:
    folder = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    for entry in folder.glob("*/partition"):
        with suppress(OSError, ValueError):
            yield _number(entry.with_name("dev").read_text())


def _above(number: tuple[int, int]) -> list[str]:
    """Return the devices that stand on it (device mapper, md, LUKS, LVM), by their readable names."""
    try:
        found = sorted(Path(f"/sys/dev/block/{number[0]}:{number[1]}/holders").iterdir())
    except OSError:
        return []
    return [_readable(entry.name) for entry in found]


def _readable(name: str) -> str:
    with suppress(OSError):
        return "/dev/mapper/" + Path(f"/sys/block/{name}/dm/name").read_text("utf-8", "replace").strip()
    return f"/dev/{name}"


def _swaps(numbers: set[tuple[int, int]]) -> Iterator[str]:
    with suppress(OSError):
        for line in Path("/proc/swaps").read_text("utf-8", "replace").splitlines()[1:]:
            name = _unescape(line.split()[0])
            if _device_number(name) in numbers:
                yield name


def _device_number(path: str) -> tuple[int, int] | None:
    if not path.startswith("/dev/"):
        return None
    try:
        number = Path(path).stat().st_rdev
    except OSError:
        return None
    return os.major(number), os.minor(number)


def _tables() -> Iterator[str]:
    seen: set[str] = set()
    for process in ["self", *_process_ids()]:
        try:
            namespace = str(Path(f"/proc/{process}/ns/mnt").readlink())
            if namespace in seen:
                continue
            table = Path(f"/proc/{process}/mountinfo").read_text("utf-8", "replace")
        except OSError:
            continue
        seen.add(namespace)
        yield table


def _mounts(tables: Sequence[str], numbers: set[tuple[int, int]], device: str) -> list[str]:
    """Return where it is mounted, in any of the tables."""
    return list(dict.fromkeys(where for table in tables for where in _mounted(table, numbers, device)))


def _mounted(table: str, numbers: set[tuple[int, int]], device: str) -> Iterator[str]:
    """Read a mountinfo (proc(5)): number, …, mount point; behind the dash type and source (btrfs has own numbers)."""
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        words, rest = before.split(), after.split()
        if len(words) < 5 or len(rest) < 2:
            continue
        if _number(words[2]) in numbers or _unescape(rest[1]) == device:
            yield _unescape(words[4])


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


def loops_over(path: str) -> Iterator[str]:
    """Give the names of the loop devices over a file."""
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):
            if backing.read_text("utf-8", "replace").rstrip("\n") == path:
                yield backing.parent.parent.name


def _process_ids() -> list[str]:
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _openers() -> Iterator[Opener]:
    budget = _MAX_LINKS
    own = str(os.getpid())
    for process in _process_ids():
        links = [] if process == own else _links(process)
        budget -= len(links)
        numbers = {_opened(path) for path, link in links if link.startswith("/dev/")}
        files = frozenset(link for _, link in links if link.startswith("/"))
        if files:
            yield Opener(int(process), files, frozenset(one for one in numbers if one is not None))
        if budget < 0:
            break


def _links(process: str) -> list[tuple[str, str]]:
    found = []
    with suppress(OSError):
        for entry in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                found.append((str(entry), str(entry.readlink())))
    return found


def _opened(path: str) -> tuple[int, int] | None:
    """Return a descriptor's number when it is a block device's."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (os.major(found.st_rdev), os.minor(found.st_rdev)) if stat.S_ISBLK(found.st_mode) else None


def _name(process: str) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/comm").read_text("utf-8", "replace").strip()
    return "?"
