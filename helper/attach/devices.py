# SPDX-License-Identifier: Apache-2.0
"""Who holds a device or a file: mounts, swap, devices on top of it, processes that have it open.

Reads /proc and /sys only, and never looks at a path that a FUSE server might have to answer. Bounded, and slow on a
busy computer: done in a child.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ..supervision import Holder

MAX_HOLDERS = 64
_MAX_LINKS = 200_000
_ESCAPE = re.compile(r"\\([0-7]{3})")


def holders_of_device(device: str) -> list[Holder]:
    """Return who holds a block device or its partitions."""
    own = Path(device).stat().st_rdev
    numbers = {(os.major(own), os.minor(own)), *_partitions(own)}
    found = [Holder("mount", where) for where in _mounts(numbers, device)]
    found += [Holder("swap", name) for name in _swaps(numbers)]
    found += [Holder("device", name) for number in sorted(numbers) for name in _above(number)]
    found += _processes(lambda link: link.startswith("/dev/"), numbers)
    return found[:MAX_HOLDERS]


def holders_of_file(path: str) -> list[Holder]:
    """Return who has a file open that is served by us; it is not touched."""
    found = [Holder("device", f"/dev/{name}") for name in _loops_over(path)]
    return (found + _processes(lambda link: link == path, None))[:MAX_HOLDERS]


def describe(holders: list[Holder]) -> str:
    """Return them in words, for an error."""
    words = [f"{one.name} ({one.pid})" if one.pid else f"{one.name} ({one.kind})" for one in holders[:8]]
    return ", ".join(words) + (" …" if len(holders) > len(words) else "")


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


def _mounts(numbers: set[tuple[int, int]], device: str) -> list[str]:
    """Return where it is mounted, looking once into every mount namespace that a process shows."""
    seen: set[str] = set()
    found: dict[str, None] = {}
    for process in ["self", *_process_ids()]:
        try:
            namespace = str(Path(f"/proc/{process}/ns/mnt").readlink())
            if namespace in seen:
                continue
            table = Path(f"/proc/{process}/mountinfo").read_text("utf-8", "replace")
        except OSError:
            continue
        seen.add(namespace)
        found.update(dict.fromkeys(_mounted(table, numbers, device)))
    return list(found)


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


def _loops_over(path: str) -> Iterator[str]:
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):
            if backing.read_text("utf-8", "replace").rstrip("\n") == path:
                yield backing.parent.parent.name


def _process_ids() -> list[str]:
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _processes(fits: Callable[[str], bool], numbers: set[tuple[int, int]] | None) -> list[Holder]:
    """Return the processes with a descriptor whose link fits and, for devices, whose number is one of these."""
    found: list[Holder] = []
    budget = _MAX_LINKS
    own = str(os.getpid())
    for process in _process_ids():
        links = [] if process == own else _links(process)
        budget -= len(links)
        if any(fits(link) and (numbers is None or _opened(path) in numbers) for path, link in links):
            found.append(Holder("process", _name(process), int(process)))
        if budget < 0 or len(found) >= MAX_HOLDERS:
            break
    return found


def _links(process: str) -> list[tuple[str, str]]:
    found = []
    with suppress(OSError):
        for entry in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                found.append((str(entry), str(entry.readlink())))
    return found


def _opened(path: str) -> tuple[int, int] | None:
    try:
        number = Path(path).stat().st_rdev
    except OSError:
        return None
    return os.major(number), os.minor(number)


def _name(process: str) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/comm").read_text("utf-8", "replace").strip()
    return "?"
