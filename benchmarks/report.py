# SPDX-License-Identifier: Apache-2.0
"""The table on the terminal, and the file with everything that was measured."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .build import HERE
from .loads import Measured
from .machine import Watch
from .rounds import Series, Summary, summarize
from .rows import Limit, Row
from .verdict import RULE

RESULTS = HERE / "results"
FORMAT = 1
_COLOURS = {"met": "green", "not met": "red", "too noisy": "yellow", "too few rounds": "yellow"}


@dataclass(frozen=True, slots=True)
class LimitResult:
    """A row without a peer, measured, or why not."""

    limit: Limit
    values: tuple[float, ...]
    problem: str = ""

    @property
    def median(self) -> float:
        """Return the middle value."""
        return sorted(self.values)[len(self.values) // 2]

    @property
    def met(self) -> bool:
        """Whether it stays below what it may be."""
        return self.median <= self.limit.at_most


def show(console: Console, series: Sequence[Series], limits: Sequence[LimitResult], watch: Watch) -> None:
    """Print the tables, what could not be measured, and the rule."""
    measured = [(one, summarize(one, watch)) for one in series if one.rounds]
    for title, rows in itertools.groupby(measured, lambda pair: _title(pair[0].row)):
        console.print(_table(title, list(rows)))
    for one in series:
        if one.failures:
            console.print(f"{one.row.key}: failed {len(one.failures)} times: {one.failures[-1]}", markup=False)
    if limits:
        console.print(_limits_table(limits))
    if measured:
        console.print(RULE, style="dim")


def _title(row: Row) -> str:
    return f"{row.ours} beside {row.peer}, on {row.target}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(title: str, rows: Sequence[tuple[Series, Summary]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("work")
    for name in ("ours/s", "peer/s", "ratio", "middle half", "bar", "CPU µs/command", "CPU s/GB", "target µs/command"):
        table.add_column(name, justify="right")
    table.add_column("verdict", overflow="fold")
    for one, summary in rows:
        table.add_row(*_cells(one.row, summary))
    return table


def _cells(row: Row, summary: Summary) -> tuple[str, ...]:
    ratio = summary.ratio
    cpu_us, cpu_gb, target = (
        f"{_number(ours)} : {_number(peer)}" for ours, peer in (summary.cpu_us, summary.cpu_gb, summary.target_us)
    )
    return (
        row.work.text,
        _number(summary.ours.median),
        _number(summary.peer.median),
        f"{ratio.median:.2f}",
        f"{ratio.low:.2f} to {ratio.high:.2f}",
        f"{row.bar:g}",
        cpu_us,
        cpu_gb + ("" if row.cpu_bar is None else f" ({summary.cpu_ratio.median:.2f} of {row.cpu_bar:g})"),
        target,
        _words(summary),
    )


def _words(summary: Summary) -> str:
    found = []
    for name, verdict in (("", summary.verdict), ("CPU ", summary.cpu_verdict)):
        if verdict is not None:
            why = f" ({verdict.why})" if verdict.why else ""
            found.append(f"[{_COLOURS[verdict.word]}]{name}{verdict.word}[/]{why}")
    return ", ".join(found)


def _limits_table(limits: Sequence[LimitResult]) -> Table:
    table = Table(title="Ours alone", title_justify="left")
    for name in ("what", "measured", "at most", "verdict"):
        table.add_column(name, overflow="fold")
    for result in limits:
        limit = result.limit
        if result.problem:
            table.add_row(limit.text, "", f"{limit.at_most:g} {limit.unit}", f"not measured: {result.problem}")
            continue
        word = "met" if result.met else "not met"
        values = f"{_number(result.median)} {limit.unit}"
        table.add_row(limit.text, values, f"{limit.at_most:g} {limit.unit}", f"[{_COLOURS[word]}]{word}[/]")
    return table


# ---- the file ------------------------------------------------------------------------------------------------------


def as_json(
    series: Sequence[Series], limits: Sequence[LimitResult], watch: Watch, about: dict[str, Any]
) -> dict[str, Any]:
    """Return everything: each round as measured, and what was made of it."""
    return {
        "format": FORMAT,
        **about,
        "rule": RULE,
        "calibration_s": {"best": min(watch.calibrations, default=0.0), "worst": max(watch.calibrations, default=0.0)},
        "rows": [_row_json(one, watch) for one in series],
        "limits": [_limit_json(result) for result in limits],
    }


def _row_json(one: Series, watch: Watch) -> dict[str, Any]:
    return {
        "key": one.row.key,
        "text": one.row.work.text,
        **dataclasses.asdict(one.row),
        "failures": one.failures,
        "rounds": [
            {
                "ours": _measured_json(r.ours),
                "peer": _measured_json(r.peer),
                "foreign_cpu": round(r.quiet.foreign, 4),
                "calibration_s": round(r.quiet.calibration, 5),
                "disturbed": watch.disturbed(r.quiet),
            }
            for r in one.rounds
        ],
        "summary": dataclasses.asdict(summarize(one, watch)) if one.rounds else None,
    }


def _measured_json(measured: Measured) -> dict[str, Any]:
    roles = sorted(measured.cpu)
    return {
        **{key: value for key, value in dataclasses.asdict(measured).items() if key != "cpu"},
        "iops": round(measured.iops, 1),
        "cpu_us_per_command": {role: round(measured.cpu_us_per_io(role), 3) for role in roles},
        "cpu_s_per_gb": {role: round(measured.cpu_s_per_gb(role), 4) for role in roles},
    }


def _limit_json(result: LimitResult) -> dict[str, Any]:
    found = {**dataclasses.asdict(result.limit), "values": result.values, "problem": result.problem}
    return found if result.problem else {**found, "median": result.median, "met": result.met}


def write(found: dict[str, Any], *, whole: bool, what: str = "") -> Path:
    """Write the file: results/DATE-KERNEL.json, of a part or a quick run with "-part" behind."""
    RESULTS.mkdir(exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    path = RESULTS / f"{now:%Y-%m-%dT%H%M}-{platform.release()}{what}{'' if whole else '-part'}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return path
