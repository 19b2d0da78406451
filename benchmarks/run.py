# SPDX-License-Identifier: Apache-2.0
"""`./dev bench`: us and the peers in turn on the same targets, a table of ratios, a file with everything."""

from __future__ import annotations

import argparse
import fnmatch
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__" and not __package__:  # started as a file
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from rich.console import Console

from benchmarks import build, document, live, machine, report, rounds, scale, small, sweep
from benchmarks.bench import Bench
from benchmarks.process import CannotMeasureError
from benchmarks.rows import LIMITS, ROWS, Limit, Row
from benchmarks.verdict import MIN_ROUNDS
from tools import keeper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.report import LimitResult

QUICK_ROUNDS = 2
MEASURES = {**small.MEASURES, **live.MEASURES, **scale.MEASURES}
_PROGRAMS = {
    "qemu-nbd": ["qemu-nbd", "--version"],
    "fio": ["fio", "--version"],
    "nbdfuse": ["nbdfuse", "--version"],
    "tgtd": ["tgtd", "--version"],
    "libiscsi": ["dpkg-query", "-W", "-f=${Version}", "libiscsi-dev"],
    "cc": ["cc", "-dumpfullversion"],
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 0 when everything that was asked for was measured (whatever came out), 1 otherwise."""
    args = _arguments(argv)
    rows, limits = _chosen(args.only)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    if args.document:
        console.print(f"Written: {document.write(args.document)}", markup=False)
        return 0
    if args.list:
        _list(console, rows, limits)
        return 0
    if not rows and not limits:
        console.print(f"No row fits {args.only}; --list shows them all.", markup=False)
        return 2
    keeper.hold()
    if args.sweep:
        return _sweep(console, args)
    return _run(console, args, rows, limits)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few short rounds: whether everything works, no verdicts")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", help="rows whose name has this, or * and ? in it"
    )
    parser.add_argument("--rounds", type=_rounds, metavar="N", help=f"how often everything is measured ({MIN_ROUNDS})")
    parser.add_argument(
        "--seconds", type=_seconds, metavar="S", help="how long each side each time (2.5; 1 with --quick)"
    )
    parser.add_argument("--list", action="store_true", help="show the rows and what is to be reached")
    parser.add_argument(
        "--sweep", action="store_true", help="measure how cost grows with depth, size and sessions instead"
    )
    parser.add_argument(
        "--document", nargs="+", type=Path, metavar="FILE", help="write docs/performance.md from files with results"
    )
    parser.add_argument("--no-file", action="store_true", help="write no file with the results")
    return parser.parse_args(argv)


def _rounds(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError("a number from 1 to 1000")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text) or not 0.2 <= float(text) <= 600:
        raise argparse.ArgumentTypeError("a number from 0.2 to 600")
    return float(text)


def _chosen(patterns: Sequence[str]) -> tuple[list[Row], list[Limit]]:
    def wanted(key: str) -> bool:
        return not patterns or any(pattern in key or fnmatch.fnmatch(key, pattern) for pattern in patterns)

    return [row for row in ROWS if wanted(row.key)], [limit for limit in LIMITS if wanted(limit.key)]


def _list(console: Console, rows: Sequence[Row], limits: Sequence[Limit]) -> None:
    for row in rows:
        cpu = "" if row.cpu_bar is None else f", at most {row.cpu_bar:g} of its CPU per GB"
        words = f"{row.work.text} on {row.target}: {row.ours} at least {row.bar:g} of {row.peer}{cpu}"
        console.print(f"{row.key:44} {words}", markup=False, soft_wrap=True)
    for limit in limits:
        console.print(
            f"{limit.key:44} {limit.text}: at most {limit.at_most:g} {limit.unit}", markup=False, soft_wrap=True
        )


def _prepare(console: Console) -> build.Tools:
    still_missing = build.install()
    if still_missing:
        console.print("Missing packages, rows that need them will say so:", " ".join(still_missing), markup=False)
    tools = build.build()
    for problem in tools.problems:
        console.print(problem, markup=False)
    return tools


def _sweep(console: Console, args: argparse.Namespace) -> int:
    times, seconds = args.rounds or (1 if args.quick else 3), args.seconds or (0.5 if args.quick else 1.5)
    with Bench(_prepare(console)) as bench:
        points = sweep.measure(bench, times, seconds, lambda text: _progress(console, text))
    for point in points:
        console.print(
            f"{point.sweep:9}{point.x:6} {point.side:14}{point.iops:12,.0f}/s {point.mb_per_s:9,.0f} MB/s "
            f"{point.cpu_us_per_command:9.2f} µs {point.cpu_s_per_gb:7.3f} s/GB",
            markup=False,
        )
    if not args.no_file:
        about = {"machine": machine.describe(), "programs": _versions(), "rounds_asked": times, "seconds": seconds}
        path = report.write({**about, "sweeps": sweep.as_json(points)}, whole=not args.quick, what="-sweep")
        console.print(f"Written: {path.relative_to(build.ROOT)}", markup=False)
    return 0


def _run(console: Console, args: argparse.Namespace, rows: list[Row], limits: list[Limit]) -> int:
    tools = _prepare(console)
    times = args.rounds or (QUICK_ROUNDS if args.quick else MIN_ROUNDS)
    seconds = args.seconds or (1.0 if args.quick else 2.5)
    watch = machine.Watch()
    with Bench(tools) as bench:
        series = rounds.measure(bench, rows, times, seconds, watch, lambda text: _progress(console, text))
        measured = [_limit(bench, limit, console) for limit in limits]
    report.show(console, series, measured, watch)
    for problem in bench.problems:
        console.print(problem, markup=False)
    if not args.no_file:
        about = {"machine": machine.describe(), "programs": _versions(), "rounds_asked": times, "seconds": seconds}
        found = report.as_json(series, measured, watch, about)
        whole = not args.only and not args.quick
        console.print(f"Written: {report.write(found, whole=whole).relative_to(build.ROOT)}", markup=False)
    complete = all(one.rounds for one in series) and not any(result.problem for result in measured)
    return 0 if complete and not bench.problems else 1


def _progress(console: Console, text: str) -> None:
    if console.is_terminal:
        console.print(f"\r{text}\x1b[K", end="", markup=False)
    else:
        console.print(text, markup=False)


def _limit(bench: Bench, limit: Limit, console: Console) -> LimitResult:
    _progress(console, limit.key)
    try:
        return report.LimitResult(limit, (MEASURES[limit.measure](bench),))
    except CannotMeasureError as reason:
        return report.LimitResult(limit, (), str(reason))


def _versions() -> dict[str, Any]:
    found = {"lundock": importlib.metadata.version("lundock")}
    for name, words in _PROGRAMS.items():
        program = build.find(words[0])
        if program:
            done = subprocess.run([program, *words[1:]], capture_output=True, text=True, check=False)
            found[name] = (done.stdout.strip().splitlines() or [""])[0]
    return found


if __name__ == "__main__":
    sys.exit(main())
