# SPDX-License-Identifier: Apache-2.0
"""What every subcommand needs: the bus, output as table or JSON, progress, errors, secrets."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...helper.api.errors import Problem
from .. import text
from ..client.client import Client, Step
from ..client.link import Where
from ..client.objects import Job
from . import agent, shapes

T = TypeVar("T")
MAX_SECRET = 4096


@dataclass(slots=True)
class Run:
    """What was chosen on the command line for this run."""

    where: Where = field(default_factory=Where)
    json: bool = False
    out: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.json


def _choose(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    run = ctx.ensure_object(Run)
    if not value or ctx.resilient_parsing:
        return
    if param.name == "json":
        run.json = True
    elif param.name == "bus":
        run.where = Where("address", value)
    else:
        run.where = Where(str(param.name))


_OPTIONS = (
    click.option("--json", is_flag=True, expose_value=False, callback=_choose, help="Print one JSON object."),
    click.option("--bus", metavar="ADDRESS", expose_value=False, callback=_choose, help="Use the bus at this address."),
    click.option("--session", is_flag=True, expose_value=False, callback=_choose, help="Use the session bus."),
    click.option("--system", is_flag=True, expose_value=False, callback=_choose, help="Use the system bus."),
)


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --json, --bus, --session and --system; they may stand before or behind the subcommand."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def on_bus(function: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run the coroutine `function(run, client, ...)` with a client; a Problem becomes text and an exit code."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        run = click.get_current_context().ensure_object(Run)
        guard(run, lambda: asyncio.run(_with_client(run, function, args, kwargs)))

    return wrapper


async def _with_client(
    run: Run, function: Callable[..., Coroutine[Any, Any, None]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    client = Client(run.where)
    try:
        with agent.text_agent(run.where):
            await client.open(start=True)
            await function(run, client, *args, **kwargs)
    finally:
        await client.close()


def guard(run: Run, work: Callable[[], None]) -> None:
    """Do `work`; show what goes wrong and end with the code of errors.toml."""
    try:
        work()
    except Problem as problem:
        show_problem(run, problem)
        raise SystemExit(problem.exit_code) from None
    except KeyboardInterrupt:
        cancelled = Problem("Cancelled")
        show_problem(run, cancelled)
        raise SystemExit(cancelled.exit_code) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None


def show_problem(run: Run, problem: Problem) -> None:
    """Say what happened, what it means, what to do, and the code for those who search for it."""
    if run.json:
        emit({"error": shapes.failure(problem)})
        return
    info = text.explain(problem)
    run.err.print(Text.assemble(("Error: ", "bold red"), (info.summary, "bold")))
    for line in (info.meaning, info.action):
        if line:
            run.err.print(Text("  " + line))
    run.err.print(Text(f"  [{problem.code}]", style="dim"))


def emit(value: Any) -> None:
    """Print one JSON object on a line of its own."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def table(run: Run, columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print rows as a table; `empty` when there are none. Without a terminal: tab-separated lines without a heading."""
    if not rows:
        run.err.print(empty)
        return
    if not run.out.is_terminal:
        for row in rows:
            click.echo("\t".join(_plain(cell) for cell in row))
        return
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        right = column.startswith(">")
        made.add_column(column.removeprefix(">"), justify="right" if right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    run.out.print(made)


def _plain(cell: object) -> str:
    return (cell.plain if isinstance(cell, Text) else str(cell)).replace("\t", " ")


_STYLES = {"connected": "green", "lost": "yellow", "connecting": "cyan", "disconnecting": "cyan"}


def state_cell(state: str) -> Text:
    """Return a state for a table, with a shape besides the colour."""
    mark = {"connected": "●", "lost": "▲", "connecting": "◌", "disconnecting": "◌"}.get(state, "○")
    return Text(f"{mark} {state}", style=_STYLES.get(state, "dim"))


@contextlib.contextmanager
def progress(run: Run, words: str) -> Iterator[Step]:
    """Show a job's steps on the terminal while it runs; gives what Client.run wants as `on_step`."""
    if not run.err.is_terminal or run.json:
        yield lambda _job: None
        return
    with run.err.status(words) as status:

        def on_step(job: Job) -> None:
            percent = f" {job.progress:.0%}" if job.progress_valid else ""
            status.update(f"{words}: {text.step(job.step, job.kind)} …{percent}")

        yield on_step


def read_secret(file: str | None, fd: int | None, what: str) -> str | None:
    """Read a secret from a file ("-" is standard input) or a descriptor: its first line; None when neither is given."""
    if file is None and fd is None:
        return None
    try:
        if fd is not None:
            with os.fdopen(fd, "rb", closefd=False) as stream:
                data = stream.readline(MAX_SECRET + 1)
        elif file == "-":
            data = sys.stdin.buffer.readline(MAX_SECRET + 1)
        else:
            with Path(str(file)).open("rb") as stream:
                data = stream.readline(MAX_SECRET + 1)
        secret = data.rstrip(b"\r\n").decode()
    except OSError as error:
        raise Problem("InvalidArgument", argument=what, detail=f"It cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Problem("InvalidArgument", argument=what, detail="It is not text.") from None
    if not secret or len(data) > MAX_SECRET:
        raise Problem("InvalidArgument", argument=what, detail="It is empty, or too long.")
    return secret


def ask_secret(run: Run, words: str) -> str:
    """Ask for a secret on the terminal; Problem("Cancelled") when the person does not want to."""
    try:
        return str(click.prompt(words, hide_input=True, err=True))
    except click.Abort:
        run.err.print()
        raise Problem("Cancelled") from None
