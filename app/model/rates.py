# SPDX-License-Identifier: Apache-2.0
"""Counters to rates: what was read and written a second between two looks at GetStatistics, and the last minutes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: How far back a history goes, in seconds.
HISTORY = 300.0
#: Points kept at most: 5 minutes at 4 a second, and some.
MAX_POINTS = 1400


@dataclass(frozen=True, slots=True)
class Rate:
    """Bytes and commands a second."""

    read: float = 0.0
    write: float = 0.0
    read_ops: float = 0.0
    write_ops: float = 0.0

    @property
    def total(self) -> float:
        """Bytes a second in both directions."""
        return self.read + self.write

    def __add__(self, other: Rate) -> Rate:
        return Rate(
            self.read + other.read,
            self.write + other.write,
            self.read_ops + other.read_ops,
            self.write_ops + other.write_ops,
        )


_COUNTERS = ("read-bytes", "write-bytes", "reads", "writes")


def rate_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> Rate | None:
    """Return a disk's rate between two looks; None when they cannot be compared (same moment, or counters anew)."""
    seconds = (_count(new, "time") - _count(old, "time")) / 1e6
    if seconds <= 0:
        return None
    deltas = [_count(new, key) - _count(old, key) for key in _COUNTERS]
    if any(delta < 0 for delta in deltas):
        return None
    return Rate(*(delta / seconds for delta in deltas))


def _count(values: Mapping[str, Any], key: str) -> int:
    value = values.get(key, 0)
    return value if isinstance(value, int) else 0


class Rates:
    """The rate of each disk, from successive statistics, and the history of each."""

    def __init__(self) -> None:
        self._last: dict[str, Mapping[str, Any]] = {}
        self._now: dict[str, Rate] = {}
        self._history: dict[str, deque[tuple[float, float, float]]] = {}

    def take(self, statistics: Mapping[str, Mapping[str, Any]], now: float) -> None:
        """Take in a look at the statistics, at `now` (monotonic seconds). Disks that are gone are forgotten."""
        disks = {path: values for path, values in statistics.items() if "read-bytes" in values}
        for gone in self._last.keys() - disks.keys():
            del self._last[gone]
            self._now.pop(gone, None)
            self._history.pop(gone, None)
        for path, values in disks.items():
            rate = rate_between(self._last.get(path, {}), values) if path in self._last else None
            self._last[path] = values
            if rate is None:
                continue
            self._now[path] = rate
            points = self._history.setdefault(path, deque(maxlen=MAX_POINTS))
            points.append((now, rate.read, rate.write))
            while points and points[0][0] < now - HISTORY:
                points.popleft()

    def of(self, path: str) -> Rate | None:
        """Return a disk's rate at the last look; None before the second look."""
        return self._now.get(path)

    def counters(self, path: str) -> Mapping[str, Any]:
        """Return a disk's counters at the last look."""
        return self._last.get(path, {})

    def sum_of(self, paths: Iterable[str]) -> Rate | None:
        """Return the rate of several disks together; None when none of them has one."""
        found = [rate for path in paths if (rate := self._now.get(path)) is not None]
        return sum(found, Rate()) if found else None

    def history(self, paths: Iterable[str]) -> tuple[list[float], list[float], list[float]]:
        """Return times, reads and writes (bytes a second) of several disks together, oldest first."""
        together: dict[float, list[float]] = {}
        for path in paths:
            for when, read, write in self._history.get(path, ()):
                point = together.setdefault(when, [0.0, 0.0])
                point[0] += read
                point[1] += write
        times = sorted(together)
        return times, [together[t][0] for t in times], [together[t][1] for t in times]
