# SPDX-License-Identifier: Apache-2.0
"""The rounds: all rows once, then all again; in each row both sides one after the other, in turns first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from . import targets
from .bench import Bench
from .loads import LOADS, Measured
from .machine import Quiet, Watch
from .process import CannotMeasureError, alive
from .rows import Row
from .verdict import Spread, Verdict, judge, spread

#: A row that failed so often is not tried again.
_MAX_FAILURES = 2

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Round:
    """Both sides, measured next to each other."""

    ours: Measured
    peer: Measured
    quiet: Quiet


@dataclass(slots=True)
class Series:
    """A row's rounds; `failures` says why there are fewer."""

    row: Row
    rounds: list[Round] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a table shows of a row. CPU: the side's own processes, in µs a command and s a GB; ours, then the peer's."""

    rounds: int
    disturbed: int
    ours: Spread
    peer: Spread
    ratio: Spread
    cpu_us: tuple[float, float]
    cpu_gb: tuple[float, float]
    target_us: tuple[float, float]
    cpu_ratio: Spread
    verdict: Verdict
    cpu_verdict: Verdict | None


def measure(bench: Bench, rows: Sequence[Row], rounds: int, seconds: float, watch: Watch, say: Say) -> list[Series]:
    """Measure every row `rounds` times."""
    series = [Series(row) for row in rows]
    for number in range(rounds):
        for one in series:
            if len(one.failures) < _MAX_FAILURES:
                say(f"round {number + 1} of {rounds}: {one.row.key}")
                _round(bench, one, seconds, watch, peer_first=bool(number % 2))
    return series


def _round(bench: Bench, one: Series, seconds: float, watch: Watch, *, peer_first: bool) -> None:
    row = one.row
    sides = [row.peer, row.ours] if peer_first else [row.ours, row.peer]
    try:
        for load in sides:  # what starts for the first time starts before the clock runs
            _warm_up(bench, load, row, once=not one.rounds)
        watch.begin()
        found = {load: LOADS[load](bench, row.target, row.work, seconds) for load in sides}
        one.rounds.append(Round(found[row.ours], found[row.peer], watch.end()))
    except CannotMeasureError as reason:
        one.failures.append(str(reason))
        _drop_dead(bench, row.target)


def _warm_up(bench: Bench, load: str, row: Row, *, once: bool) -> None:
    if once:
        LOADS[load](bench, row.target, row.work, 0.2)


def _drop_dead(bench: Bench, name: str) -> None:
    if bench.has(("target", name)) and not alive(targets.get(bench, name).pid):
        bench.drop(("target", name))


def summarize(one: Series, watch: Watch) -> Summary:
    """Return the figures of a row: of its quiet rounds, or of all when there is none."""
    quiet = [r for r in one.rounds if not watch.disturbed(r.quiet)]
    used = quiet or one.rounds
    row, total = one.row, len(one.rounds)
    ratios = [r.ours.iops / r.peer.iops for r in used]
    cpu_ratios = [r.ours.own_cpu / r.ours.gb / (r.peer.own_cpu / r.peer.gb) for r in used if r.peer.own_cpu]
    judged = ratios if quiet else []
    return Summary(
        rounds=total,
        disturbed=total - len(quiet),
        ours=spread([r.ours.iops for r in used]),
        peer=spread([r.peer.iops for r in used]),
        ratio=spread(ratios),
        cpu_us=_both(used, lambda m: m.own_cpu / m.ios * 1e6),
        cpu_gb=_both(used, lambda m: m.own_cpu / m.gb),
        target_us=_both(used, lambda m: m.cpu_us_per_io("target")),
        cpu_ratio=spread(cpu_ratios),
        verdict=judge(judged, row.bar, rounds=total),
        cpu_verdict=None
        if row.cpu_bar is None
        else judge(cpu_ratios if quiet else [], row.cpu_bar, rounds=total, at_most=True),
    )


def _both(rounds: Sequence[Round], value: Callable[[Measured], float]) -> tuple[float, float]:
    return spread([value(r.ours) for r in rounds]).median, spread([value(r.peer) for r in rounds]).median
