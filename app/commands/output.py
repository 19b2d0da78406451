# SPDX-License-Identifier: Apache-2.0
"""What a person reads: tables, a job's progress, states. rich is imported when something is drawn, not before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from ...helper.api.usage import emit, say
from .. import text
from ..client.client import Step
from ..client.objects import Job
from .options import Run

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Cell", "emit", "progress", "say", "state_cell", "table", "tell"]

#: Below so many columns a table of more than three is written as a list of entries.
NARROW = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """A word with a colour and a sign, which are for the eye only: a pipe gets the word."""

    word: str
    style: str = ""
    sign: str = ""

    def __str__(self) -> str:
        return self.word


_STATES = {
    "connected": ("green", "●"),
    "lost": ("yellow", "▲"),
    "connecting": ("cyan", "◌"),
    "disconnecting": ("cyan", "◌"),
}


def state_cell(state: str) -> Cell:
    """Return a state for a table, with a shape besides the colour."""
    style, sign = _STATES.get(state, ("dim", "○"))
    return Cell(state, style, sign)


def tell(run: Run, words: str) -> None:
    """Print a sentence as the result, whole however wide the terminal is."""
    run.out.print(words, soft_wrap=True)


def table(run: Run, columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print rows as a table; `empty` when there are none. A column ">…" stands right.

    Without a terminal: tab-separated lines without a heading. On a narrow one: an entry a paragraph.
    """
    if not rows:
        say(empty)
    elif not run.out.is_terminal:
        for row in rows:
            click.echo("\t".join(_plain(cell) for cell in row))
    elif run.out.width < NARROW and len(columns) > 3:
        _entries(run, columns, rows)
    else:
        run.out.print(made(columns, rows))


def made(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> RenderableType:
    """Return a table to draw."""
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        right = column.startswith(">")
        grid.add_column(column.removeprefix(">"), justify="right" if right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(_drawn(cell) for cell in row))
    return grid


def _entries(run: Run, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from rich.table import Table

    for number, row in enumerate(rows):
        if number:
            run.out.print()
        grid = Table(box=None, pad_edge=False, show_header=False)
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column(overflow="fold")
        for column, cell in zip(columns, row, strict=True):
            if str(cell):
                grid.add_row(column.removeprefix(">"), _drawn(cell))
        run.out.print(grid)


def _drawn(cell: object) -> RenderableType:
    from rich.text import Text

    if isinstance(cell, Cell):
        return Text(f"{cell.sign} {cell.word}".strip(), style=cell.style)
    return Text(str(cell))


def _plain(cell: object) -> str:
    return " ".join(str(cell).split("\t"))


@contextlib.contextmanager
def progress(run: Run, words: str) -> Iterator[Step]:
    """Show a job's steps on the terminal while it runs, with a bar where it knows how far it is."""
    if not run.err.is_terminal or run.json:
        yield lambda _job: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20), TaskProgressColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=run.err, transient=True) as shown:
        task = shown.add_task(words, total=None)

        def on_step(job: Job) -> None:
            total = 1.0 if job.progress_valid else None
            step = text.step(job.step, job.kind)
            shown.update(task, description=f"{words}: {step} …", total=total, completed=job.progress)

        yield on_step
