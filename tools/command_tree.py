# SPDX-License-Identifier: Apache-2.0
"""What the command lines say of themselves (click's and argparse's help), as data for the manual and the pages."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, how it is written, a line, and the rest. A paragraph is text, or lines of an example."""

    name: str
    usage: str
    summary: str
    paragraphs: tuple[str | tuple[str, ...], ...]
    options: tuple[tuple[str, str], ...]


def paragraphs(text: str) -> Iterator[str | tuple[str, ...]]:
    r"""Read a help text: paragraphs, and between a line \b and an empty line what is to stay as it is."""
    for block in inspect.cleandoc(text).split("\n\n"):
        lines = block.split("\n")
        if lines[0].strip() != "\b":
            yield " ".join(block.split())
        else:
            head, *rest = lines[1:]
            yield head
            yield tuple(line.strip() for line in rest)


def describe(command: click.Command, name: str, *, common: bool = False) -> Command:
    """Return what a click command says of itself; with `common` also the options that it shares with all others."""
    context = click.Context(command, info_name=name, help_option_names=["-h", "--help"])
    records = (
        param.get_help_record(context)
        for param in command.get_params(context)
        if isinstance(param, click.Option) and (common or param.expose_value)
    )
    usage = " ".join(piece for piece in [name, *command.collect_usage_pieces(context)])
    return Command(
        name,
        usage,
        command.get_short_help_str(200),
        tuple(paragraphs(command.help or "")),
        tuple(record for record in records if record is not None),
    )


def below(group: click.Group, name: str) -> Iterator[Command]:
    """Give every command of a group, in its order; a group among them is told by its commands."""
    context = click.Context(group, info_name=name)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if isinstance(command, click.Group):
            yield from below(command, f"{name} {word}")
        elif command is not None:
            yield describe(command, f"{name} {word}")


def of_parser(parser: argparse.ArgumentParser) -> Command:
    """Return what an argparse program says of itself."""
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    options = tuple((_flags(action), _sentence(action.help or "")) for action in parser._actions)  # noqa: SLF001
    description = parser.description or ""
    return Command(parser.prog, usage, description.rstrip("."), (description,), options)


def _flags(action: argparse.Action) -> str:
    value = ""
    if action.nargs != 0:
        value = f" {action.metavar}" if action.metavar else f" [{'|'.join(_words(action.choices))}]"
    return ", ".join(action.option_strings) + value


def _words(choices: object) -> Sequence[str]:
    return [str(choice) for choice in choices] if isinstance(choices, list | tuple) else []


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")
