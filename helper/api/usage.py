# SPDX-License-Identifier: Apache-2.0
"""How both command lines say what went wrong: texts and exit codes of errors.toml, as words or as JSON.

    group = click.group(cls=Program)   its commands raise Problem, and click's own errors end alike

With --json the answer, good or bad, is one JSON object on standard output; errors look like {"error": FAILURE}. Without
it errors are words on standard error. Nothing heavy is imported here: it is the first thing that a command line loads.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from .errors import Problem, describe

#: As a shell says it of a program that wrote to a pipe that nobody reads (128 and SIGPIPE).
BROKEN_PIPE = 141


def failure(problem: Problem) -> dict[str, Any]:
    """Return what stands under "error"."""
    info = describe(problem.code, problem.attrs)
    return {
        "code": problem.code,
        "name": problem.dbus_name,
        "exit": problem.exit_code,
        "summary": info.summary,
        "meaning": info.meaning,
        "action": info.action,
        "attributes": dict(problem.attrs),
    }


def emit(value: Any) -> None:
    """Print one JSON object on a line of its own."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def wants_json(words: Sequence[str]) -> bool:
    """Whether --json is among a command line's options."""
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options


def show(problem: Problem, *, as_json: bool) -> None:
    """Say what happened, what it means, what to do, and the code for those who search for it."""
    if as_json:
        emit({"error": failure(problem)})
        return
    info = describe(problem.code, problem.attrs)
    width = max(20, min(shutil.get_terminal_size().columns, 100)) if sys.stderr.isatty() else 0
    say(click.style("Error: ", fg="red", bold=True) + click.style(info.summary, bold=True))
    for line in (info.meaning, info.action):
        if line:
            say(textwrap.fill(line, width, initial_indent="  ", subsequent_indent="  ") if width else f"  {line}")
    if place := problem.attrs.get("log"):
        say(f"  The log is {place}; --debug prints it instead.")
    say(click.style(f"  [{problem.code}]", dim=True))


def say(words: str) -> None:
    """Print on standard error, in colour where it is a terminal and NO_COLOR (no-color.org) is not set."""
    click.echo(words, err=True, color=False if os.environ.get("NO_COLOR") else None)


class Program(click.Group):
    """The group at the top: ends with the exit codes of errors.toml."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and end the program."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode, **extra)
        words = list(sys.argv[1:] if args is None else args)
        try:
            sys.exit(super().main(words, prog_name, complete_var, False, **extra) or 0)
        except click.Abort:
            _end(Problem("Cancelled"), words)
        except click.ClickException as error:
            if not wants_json(words):
                error.show()
                sys.exit(error.exit_code)
            command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else self.name
            _end(Problem("Usage", detail=_words(error), command=str(command)), words)
        except Exception as error:  # noqa: BLE001 - nobody foresaw it: a person gets a sentence, the log has the rest
            from .faults import internal

            _end(error if isinstance(error, Problem) else internal(error), words)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a Problem ends the program with its text and its exit code."""
        try:
            return super().invoke(ctx)
        except Problem as problem:
            _end(problem, ctx.meta.get("words", sys.argv[1:]))
        except KeyboardInterrupt:
            _end(Problem("Cancelled"), ctx.meta.get("words", sys.argv[1:]))
        except BrokenPipeError:
            # Who read our output has gone; Python would complain again when it flushes at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(BROKEN_PIPE)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of a word that is none, say which it may have been."""
        word = args[0]
        if self.get_command(ctx, word) is None and not word.startswith("-") and not ctx.resilient_parsing:
            import difflib

            near = difflib.get_close_matches(word, self.list_commands(ctx))
            meant = f" Did you mean {' or '.join(near)}?" if near else ""
            raise click.UsageError(f"There is no command “{word}”.{meant}", ctx)
        return super().resolve_command(ctx, args)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Keep the words of the command line: errors look for --json in them."""
        words = list(args)
        context = super().make_context(info_name, args, parent, **extra)
        context.meta["words"] = words
        return context


def _words(error: click.ClickException) -> str:
    words = error.format_message()
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _end(problem: Problem, words: Sequence[str]) -> NoReturn:
    show(problem, as_json=wants_json(words))
    sys.exit(problem.exit_code)
