# SPDX-License-Identifier: Apache-2.0
"""`lundock watch`: sessions and disks on the whole terminal, each disk with its last minute. q ends it, p holds it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ...helper.api.errors import Problem
from .. import text
from ..client.client import Client
from ..model.rates import Rate
from .common import until_ctrl_c
from .figures import INTERVAL, NOTHING, Look, latency, print_on
from .options import Run, common_options
from .output import state_cell

_BARS, _PLAIN_BARS = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
#: From so many columns on there is room for what is beside the rates.
_WIDE, _WIDEST = 72, 100
_MOST_BARS, _FEWEST_BARS = 60, 8
#: A name is not shown longer than this.
_TITLE = 28


def sparkline(values: list[float], width: int, top: float, signs: str = _BARS) -> str:
    """Return the last `width` values as bars, `top` being the highest."""
    shown = values[-width:]
    most = len(signs) - 1
    heights = [max(1, round(value / top * most)) if value > 0 else 0 for value in shown]
    return "".join(signs[height] for height in heights).rjust(width)


class Screen:
    """What is drawn."""

    def __init__(self, look: Look, console: Console, interval: float) -> None:
        self._look = look
        self._console = console
        self._interval = interval
        self._signs = _BARS if (console.encoding or "").lower().startswith("utf") else _PLAIN_BARS
        self.held = False

    def draw(self) -> RenderableType:
        """Return everything, as high and wide as the terminal."""
        head = self._head()
        sessions, disks = self._sessions(), self._disks()
        if not self._look.figures.get("sessions"):
            return Group(head, Text(""), Text(NOTHING), Text("`lundock connect ADDRESS` connects.", style="dim"))
        return Group(head, Text(""), sessions, Text(""), disks)

    def _head(self) -> Text:
        total = self._look.rates.sum_of([row["path"] for row in self._look.figures.get("luns", ())]) or Rate()
        head = Text("Lundock", style="bold")
        head.append(f"  read {text.rate(total.read)}  write {text.rate(total.write)}", style="not bold")
        head.append("  held: p goes on, q ends" if self.held else "  q ends, p holds", style="dim not bold")
        head.truncate(self._console.width)
        return head

    def _sessions(self) -> Table:
        grid = _grid("Target", "State", "Connected at" if self._console.width >= _WIDE else "", "Since", ">Back")
        snapshot = self._look.client.snapshot
        for session in sorted(snapshot.sessions.values(), key=lambda s: s.number)[: self._room(0.4)]:
            record = snapshot.targets.get(session.target)
            cell = state_cell(session.state)
            where = str(session.portal.get("address", "")) if self._console.width >= _WIDE else ""
            grid.add_row(
                record.title if record else session.target, Text(f"{cell.sign} {cell.word}", style=cell.style), where,
                text.lasting(session.since) if session.since else "", str(session.reconnects),
            )  # fmt: skip
        return grid

    def _disks(self) -> Table:
        wide, widest = self._console.width >= _WIDE, self._console.width >= _WIDEST
        more = [">Queue", ">Read p50/p99", ">Write p50/p99"] if widest else [">Queue"] if wide else []
        grid = _grid("Disk", ">Read", ">Write", *more, "Last minute" if wide else "")
        rows = self._look.disks()[: self._room(0.6)]
        bars = self._bars(rows, 65 if widest else 31 if wide else 24)
        for row in rows:
            grid.add_row(*self._disk(row, bars, wide=wide, widest=widest))
        return grid

    def _bars(self, rows: list[dict[str, Any]], beside: int) -> int:
        """Return how many bars there is room for, beside the names and the other columns."""
        longest = max((len(self._look.title(row)) for row in rows), default=0)
        free = self._console.width - min(_TITLE, longest) - beside
        return max(_FEWEST_BARS, min(_MOST_BARS, free))

    def _disk(self, row: dict[str, Any], bars: int, *, wide: bool, widest: bool) -> list[RenderableType]:
        now = self._look.rates.of(row["path"]) or Rate()
        cells: list[RenderableType] = [self._look.title(row), text.rate(now.read), text.rate(now.write)]
        if wide:
            cells.append(str(row.get("in_flight", 0)))
        if widest:
            cells += [latency(row.get("read_latency")), latency(row.get("write_latency"))]
        cells.append(self._history(row["path"], bars))
        return cells

    def _history(self, path: str, bars: int) -> Text:
        points = self._look.rates.history(path, time.monotonic())
        both = [a + b for a, b in zip(points["read"], points["write"], strict=True)]
        count = max(1, round(60 / self._interval))
        recent = _fewer(both[-count:], bars)
        return Text(sparkline(recent, bars, max(recent, default=0.0), self._signs), style="cyan")

    def _room(self, share: float) -> int:
        return max(1, int((self._console.height - 7) * share))


def _fewer(values: list[float], width: int) -> list[float]:
    """Return at most `width` values: the means of neighbours."""
    each = max(1, -(-len(values) // width))
    groups = [values[max(0, end - each) : end] for end in range(len(values), 0, -each)]
    return [sum(group) / len(group) for group in reversed(groups)]


def _grid(*columns: str) -> Table:
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        right = column.startswith(">")
        grid.add_column(
            column.removeprefix(">"), justify="right" if right else "left", no_wrap=True, overflow="ellipsis",
            max_width=_TITLE if number == 0 else None,
        )  # fmt: skip
    return grid


@contextlib.contextmanager
def keys(pressed: Callable[[str], None]) -> Iterator[None]:
    """Hand over each key as it is pressed, where there is a keyboard."""
    if not sys.stdin.isatty():
        yield
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    loop = asyncio.get_running_loop()
    tty.setcbreak(number)
    loop.add_reader(number, lambda: pressed(sys.stdin.read(1)))
    try:
        yield
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)


async def draw_on(run: Run, client: Client, interval: float) -> None:
    """Draw until somebody presses q, or Ctrl-C."""
    look = Look(client)
    screen = Screen(look, run.out, interval)
    ended, turned = asyncio.Event(), asyncio.Event()

    def pressed(key: str) -> None:
        if key in {"q", "Q", ""}:
            ended.set()
        elif key in {"p", " "}:
            screen.held = not screen.held
        turned.set()

    gone = asyncio.ensure_future(client.wait_closed())
    with keys(pressed), Live(console=run.out, screen=True, auto_refresh=False) as live:
        while not ended.is_set():
            if gone.done():
                raise Problem("HelperUnavailable")
            if not screen.held:
                await look.again()
            live.update(screen.draw(), refresh=True)
            turned.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(turned.wait(), interval)
    gone.cancel()


@click.command()
@click.option("--interval", default=1.0, type=INTERVAL, metavar="SECONDS", help="From one look to the next (1).")
@click.option("--count", default=0, type=click.IntRange(0), metavar="N", help="Print so many looks, and end.")
@common_options
@until_ctrl_c
async def watch(run: Run, client: Client, interval: float, count: int) -> None:
    """Show what every connection and disk does, live, with each disk's last minute; q ends it, p holds it.

    Without a terminal, or with --json, it prints a look after the other, until Ctrl-C.

    \b
    For example:
      lundock watch
      lundock --json watch --interval 10 | jq -c '.luns[] | [.target, .read_rate]'
    """
    if run.json or count or not run.out.is_terminal:
        await print_on(run, client, interval, count)
    else:
        await draw_on(run, client, interval)
