# SPDX-License-Identifier: Apache-2.0
"""How cost grows: with depth, with size, with the number of sessions. Ours beside libiscsi, on the responder."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from . import process, targets
from .bench import Bench
from .loads import LOADS, Measured
from .process import CannotMeasureError
from .rows import KIB, MIB, Work

SIDES = ("lundock-iscsi", "libiscsi")
TARGET = "responder"
#: Processes start one after the other: so much more time for each.
_SECONDS_EACH = 0.3
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sweep:
    """`points`: what grows, and the work at each of them; `sessions` at once."""

    key: str
    title: str
    axis: str
    points: tuple[tuple[int, Work, int], ...]


SWEEPS = (
    Sweep(
        "depth",
        "4 KiB random reads, by depth",
        "commands on their way",
        tuple((depth, Work("read", "random", 4 * KIB, depth), 1) for depth in (1, 2, 4, 8, 16, 32, 64, 128, 256)),
    ),
    Sweep(
        "size",
        "Sequential reads at depth 8, by size",
        "KiB a command",
        tuple(
            (size // KIB, Work("read", "sequential", size, 8), 1)
            for size in (4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB)
        ),
    ),
    Sweep(
        "sessions",
        "4 KiB random reads at depth 8 in each session, by sessions",
        "sessions",
        tuple((count, Work("read", "random", 4 * KIB, 8), count) for count in (1, 2, 4, 8, 16, 32)),
    ),
)


@dataclass(frozen=True, slots=True)
class Point:
    """What was found at one place: medians of the rounds."""

    sweep: str
    x: int
    side: str
    iops: float
    mb_per_s: float
    cpu_us_per_command: float
    cpu_s_per_gb: float
    p50_us: float
    p99_us: float


def measure(bench: Bench, rounds: int, seconds: float, say: Say) -> list[Point]:
    """Measure every point of every sweep, both sides next to each other."""
    return [point for sweep in SWEEPS for point in _sweep(bench, sweep, rounds, seconds, say)]


def _sweep(bench: Bench, sweep: Sweep, rounds: int, seconds: float, say: Say) -> Iterator[Point]:
    for x, work, sessions in sweep.points:
        found: dict[str, list[Measured]] = {side: [] for side in SIDES}
        for number in range(rounds):
            for side in SIDES if number % 2 == 0 else SIDES[::-1]:
                say(f"{sweep.key} {x}: {side}, {number + 1} of {rounds}")
                found[side].append(_together(bench, side, work, seconds, sessions))
        for side in SIDES:
            yield _point(sweep.key, x, side, found[side])


def _together(bench: Bench, side: str, work: Work, seconds: float, sessions: int) -> Measured:
    """Run so many at once; their sum. The more there are, the longer, so that they all run for most of the time."""
    seconds = max(seconds, _SECONDS_EACH * sessions)
    target = targets.get(bench, TARGET)
    before = process.cpu_seconds(target.pid)
    with ThreadPoolExecutor(sessions) as pool:
        done = list(pool.map(lambda _: LOADS[side](bench, TARGET, work, seconds), range(sessions)))
    if not all(one.ios for one in done):
        raise CannotMeasureError(f"a session of {side} did nothing")
    cpu = {"initiator": sum(one.own_cpu for one in done), "target": process.cpu_seconds(target.pid) - before}
    took = statistics.fmean(one.seconds for one in done)
    p50, p99 = statistics.median(one.p50_us for one in done), max(one.p99_us for one in done)
    return Measured(took, sum(one.ios for one in done), work.size, p50, p99, cpu)


def _point(key: str, x: int, side: str, rounds: list[Measured]) -> Point:
    def middle(value: Callable[[Measured], float]) -> float:
        return round(statistics.median(value(one) for one in rounds), 4)

    return Point(
        key, x, side,
        iops=middle(lambda m: m.iops),
        mb_per_s=middle(lambda m: m.gb * 1000 / m.seconds),
        cpu_us_per_command=middle(lambda m: m.own_cpu / m.ios * 1e6),
        cpu_s_per_gb=middle(lambda m: m.own_cpu / m.gb),
        p50_us=middle(lambda m: m.p50_us),
        p99_us=middle(lambda m: m.p99_us),
    )  # fmt: skip


def as_json(points: list[Point]) -> list[dict[str, Any]]:
    """Return them for the file."""
    return [asdict(point) for point in points]
