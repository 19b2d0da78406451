# SPDX-License-Identifier: Apache-2.0
"""Counters to figures: what was read and written a second between two looks; the last minutes and the last hour.

A history is kept for each disk, for each session and for all together, from the first moment that something happens
there: idle disks cost nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

#: How far back the two histories go, and the steps of the longer one, in seconds.
MINUTES, HOUR, STEP = 300.0, 3600.0, 5.0
#: Points kept of each: 5 minutes at 2 or 3 a second, an hour at one in 5 seconds, and some.
MAX_POINTS, MAX_STEPS = 1000, 740
#: Two looks are at least so far apart, in seconds: what moved between nearer ones looks like a peak.
LEAST = 0.05
#: The key of the history of everything.
ALL = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """Bytes and commands a second, commands under way, and latencies in microseconds (0: nothing was done)."""

    read: float = 0.0
    write: float = 0.0
    read_ops: float = 0.0
    write_ops: float = 0.0
    queue: float = 0.0
    read_median: float = 0.0
    read_worst: float = 0.0
    write_median: float = 0.0
    write_worst: float = 0.0

    @property
    def total(self) -> float:
        """Bytes a second in both directions."""
        return self.read + self.write

    @property
    def idle(self) -> bool:
        """Whether nothing happens."""
        return not (self.read or self.write or self.read_ops or self.write_ops or self.queue)

    def __add__(self, other: Rate) -> Rate:
        """Return both together: sums, and of latencies the worse ones."""
        return Rate(
            self.read + other.read,
            self.write + other.write,
            self.read_ops + other.read_ops,
            self.write_ops + other.write_ops,
            self.queue + other.queue,
            max(self.read_median, other.read_median),
            max(self.read_worst, other.read_worst),
            max(self.write_median, other.write_median),
            max(self.write_worst, other.write_worst),
        )


COLUMNS = tuple(field.name for field in fields(Rate))
_COUNTERS = ("read-bytes", "write-bytes", "reads", "writes")


def rate_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> Rate | None:
    """Return a disk's rate between two looks; None when they cannot be compared (same moment, or counters anew)."""
    seconds = (_count(new, "time") - _count(old, "time")) / 1e6
    if seconds <= 0:
        return None
    deltas = [_count(new, key) - _count(old, key) for key in _COUNTERS]
    if any(delta < 0 for delta in deltas):
        return None
    reading = _latency(new, "read", busy=deltas[2] > 0)
    writing = _latency(new, "write", busy=deltas[3] > 0)
    read, write, reads, writes = (delta / seconds for delta in deltas)
    return Rate(read, write, reads, writes, float(_count(new, "in-flight")), **reading, **writing)


def _too_near(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return 0 < _count(new, "time") - _count(old, "time") < LEAST * 1e6


def _count(values: Mapping[str, Any], key: str) -> int:
    value = values.get(key, 0)
    return value if isinstance(value, int) else 0


def _latency(values: Mapping[str, Any], way: str, *, busy: bool) -> dict[str, float]:
    """Return median and 99th percentile of the last moments, where the service tells them, else since the login."""
    found = values.get(f"{way}-latency")
    if not busy or not isinstance(found, Mapping):
        return {}
    prefix = "recent-" if _count(found, "recent-count") else ""
    return {f"{way}_median": float(_count(found, f"{prefix}p50")), f"{way}_worst": float(_count(found, f"{prefix}p99"))}


class Series:
    """Points in time, a bounded number of them; old ones fall out."""

    def __init__(self, span: float, limit: int) -> None:
        self._span = span
        self._limit = limit
        self._times = array("d")
        self._columns = [array("f") for _ in COLUMNS]

    def add(self, when: float, rate: Rate) -> None:
        """Append a point."""
        self._times.append(when)
        for column, name in zip(self._columns, COLUMNS, strict=True):
            column.append(getattr(rate, name))
        if len(self._times) > 2 * self._limit:
            self._drop(self._limit)
        while self._times and self._times[0] < when - self._span - 60.0:
            self._drop(max(1, self._first(when - self._span)))

    def _drop(self, count: int) -> None:
        del self._times[:count]
        for column in self._columns:
            del column[:count]

    def _first(self, since: float) -> int:
        return bisect_left(self._times, since)

    def __len__(self) -> int:
        return len(self._times)

    def points(self, now: float) -> Points:
        """Return those of the span that ends at `now`."""
        start = max(self._first(now - self._span), len(self._times) - self._limit)
        return Points(self._times[start:], [column[start:] for column in self._columns])


@dataclass(frozen=True, slots=True)
class Points:
    """Times (monotonic seconds, oldest first), and a column for each of COLUMNS."""

    times: array[float]
    columns: list[array[float]]

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, name: str) -> array[float]:
        return self.columns[COLUMNS.index(name)]


class _History:
    """A Series of every look, and one in steps: of each step the mean, of latencies and queue the worst."""

    def __init__(self) -> None:
        self.minutes = Series(MINUTES, MAX_POINTS)
        self.hour = Series(HOUR, MAX_STEPS)
        self._step = -1
        self._rates: list[Rate] = []

    def add(self, now: float, rate: Rate) -> None:
        self.minutes.add(now, rate)
        step = int(now // STEP)
        if step != self._step and self._rates:
            self.hour.add((self._step + 1) * STEP, _together(self._rates))
            self._rates.clear()
        self._step = step
        self._rates.append(rate)


def _together(rates: Sequence[Rate]) -> Rate:
    whole = sum(rates, Rate())
    count = len(rates)
    return Rate(
        whole.read / count,
        whole.write / count,
        whole.read_ops / count,
        whole.write_ops / count,
        max(rate.queue for rate in rates),
        whole.read_median,
        whole.read_worst,
        whole.write_median,
        whole.write_worst,
    )


def session_of(disk: str) -> str:
    """Return the path of the session that a disk's path lies in."""
    return disk.partition("/luns/")[0]


class Rates:
    """The rate of each disk, from successive statistics, and the histories."""

    def __init__(self) -> None:
        self._last: dict[str, Mapping[str, Any]] = {}
        self._now: dict[str, Rate] = {}
        self._histories: dict[str, _History] = {}

    def take(self, statistics: Mapping[str, Mapping[str, Any]], now: float) -> None:
        """Take in a look at the statistics, at `now` (monotonic seconds). Disks that are gone are forgotten."""
        disks = {path: values for path, values in statistics.items() if "read-bytes" in values}
        for gone in self._last.keys() - disks.keys():
            del self._last[gone]
            self._now.pop(gone, None)
        looked: dict[str, Rate] = {}
        for path, values in disks.items():
            if path in self._last and _too_near(self._last[path], values):
                continue
            rate = rate_between(self._last[path], values) if path in self._last else None
            self._last[path] = values
            if rate is None:
                continue
            self._now[path] = rate
            for key in (path, session_of(path), ALL):
                looked[key] = looked[key] + rate if key in looked else rate
        self._keep(looked, now)

    def _keep(self, looked: Mapping[str, Rate], now: float) -> None:
        here = {*self._last, *(session_of(path) for path in self._last), ALL}
        for gone in self._histories.keys() - here:
            del self._histories[gone]
        for key, rate in looked.items():
            history = self._histories.get(key)
            if history is None:
                if rate.idle:
                    continue
                history = self._histories[key] = _History()
            history.add(now, rate)

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

    def in_scope(self, key: str) -> Iterator[str]:
        """Give the disks that a history is about: one, those of a session, or all."""
        return (path for path in self._last if key in (ALL, path, session_of(path)))

    def history(self, key: str, now: float, *, hour: bool = False) -> Points:
        """Return the history of a disk, a session or (ALL) everything; empty while nothing has happened there."""
        kept = self._histories.get(key)
        if kept is None:
            return Points(array("d"), [array("f") for _ in COLUMNS])
        return (kept.hour if hour else kept.minutes).points(now)

    def __len__(self) -> int:
        """How many points are kept, all in all: tests see that it does not grow."""
        return sum(len(kept.minutes) + len(kept.hour) for kept in self._histories.values())
