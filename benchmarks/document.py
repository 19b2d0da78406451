# SPDX-License-Identifier: Apache-2.0
"""docs/performance.md from files of results: what stands between the marks; the rest is written by people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .build import ROOT
from .plot import plot
from .sweep import SWEEPS, Sweep

PAGE = ROOT / "docs" / "performance.md"
IMAGES = "images"
BEGIN = "<!-- made by `./dev bench --document`: do not edit from here -->"
END = "<!-- to here -->"
_CPU = "CPU is that of the side's own processes, for a command and for 10⁹ bytes, ours : the peer's."
_NEW = f"# How fast it is\n\n{BEGIN}\n{END}\n"

Json = Mapping[str, Any]


def write(files: Sequence[Path], page: Path = PAGE) -> Path:
    """Put the figures of these files into the page: at most one with rows, at most one with sweeps."""
    found = [json.loads(file.read_text("utf-8")) for file in files]
    text = page.read_text("utf-8") if page.exists() else _NEW
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{page.name} has not both marks once: {BEGIN} … {END}")
    parts = [_about(found[0])] if found else []
    for one in found:
        parts += [_rows(one)] if one.get("rows") or one.get("limits") else []
        parts += [_sweeps(one["sweeps"], page.parent / IMAGES)] if one.get("sweeps") else []
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}", "utf-8")
    return page


def _about(found: Json) -> str:
    machine, programs = found["machine"], found["programs"]
    return (
        f"Measured on {machine['processors']} processors ({machine['processor']}, "
        f"{'virtual' if machine['virtual'] == 'yes' else 'not virtual'}), Linux {machine['kernel']}, "
        f"Python {machine['python']}, over loopback; "
        + ", ".join(f"{name} {version}" for name, version in sorted(programs.items()))
        + "."
    )


def _table(head: Sequence[str], rows: Iterator[Sequence[str]], right: int) -> str:
    """Return a table whose columns from `right` on are numbers."""
    lines = ["| " + " | ".join(head) + " |"]
    lines.append("|" + "|".join("---" if number < right else "---:" for number in range(len(head))) + "|")
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _rows(found: Json) -> str:
    head = (
        "what",
        "target",
        "peer",
        "verdict",
        "ours/s",
        "peer/s",
        "ratio",
        "middle half",
        "at least",
        "CPU µs",
        "CPU s/GB",
    )
    parts = [
        f"Medians of {found['rounds_asked']} rounds of {found['seconds']:g} s for each side, in turns. {_CPU}",
        _table(head, (_row(row) for row in found["rows"] if row["summary"]), 4),
    ]
    missing = [
        f"{row['key']}: {row['failures'][-1]}" for row in found["rows"] if not row["summary"] and row["failures"]
    ]
    if found["limits"]:
        parts.append(_table(("what", "measured", "at most"), (_limit(limit) for limit in found["limits"]), 1))
    parts += [f"Not measured here: {'; '.join(missing)}."] if missing else []
    return "\n\n".join([*parts, found["rule"]])


def _row(row: Json) -> tuple[str, ...]:
    summary = row["summary"]
    ratio = summary["ratio"]
    verdicts = [summary["verdict"]["word"]]
    if summary["cpu_verdict"]:
        verdicts.append(f"CPU {summary['cpu_verdict']['word']}")
    return (
        f"{row['text']}, {row['ours']}",
        row["target"],
        row["peer"],
        ", ".join(verdicts),
        _number(summary["ours"]["median"]),
        _number(summary["peer"]["median"]),
        f"{ratio['median']:.2f}",
        f"{ratio['low']:.2f} to {ratio['high']:.2f}",
        f"{row['bar']:g}",
        " : ".join(_number(value) for value in summary["cpu_us"]),
        " : ".join(_number(value) for value in summary["cpu_gb"]),
    )


def _limit(limit: Json) -> tuple[str, str, str]:
    measured = f"not here: {limit['problem']}" if limit["problem"] else f"{_number(limit['median'])} {limit['unit']}"
    return limit["text"], measured, f"{limit['at_most']:g} {limit['unit']}"


#: What is drawn of each sweep: the rate, and what a piece of work costs.
_DRAWN: dict[str, tuple[tuple[str, str], ...]] = {
    "depth": (("iops", "commands a second"), ("cpu_us_per_command", "CPU µs a command")),
    "size": (("mb_per_s", "MB a second"), ("cpu_s_per_gb", "CPU s a GB")),
    "sessions": (("iops", "commands a second, all together"), ("cpu_us_per_command", "CPU µs a command")),
}


def _sweeps(points: Sequence[Json], images: Path) -> str:
    images.mkdir(parents=True, exist_ok=True)
    return "\n\n".join(_sweep(sweep, points, images) for sweep in SWEEPS)


def _sweep(sweep: Sweep, points: Sequence[Json], images: Path) -> str:
    own = [point for point in points if point["sweep"] == sweep.key]
    parts = []
    for key, name in _DRAWN[sweep.key]:
        lines: dict[str, list[tuple[float, float]]] = {}
        for point in own:
            lines.setdefault(point["side"], []).append((point["x"], point[key]))
        file = images / f"performance-{sweep.key}-{key.replace('_', '-')}.svg"
        file.write_text(plot(sweep.title, sweep.axis, name, lines), "utf-8")
        parts.append(f"![{sweep.title}: {name}]({images.name}/{file.name})")
    return "\n".join(parts)
