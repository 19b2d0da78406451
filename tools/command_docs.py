# SPDX-License-Identifier: Apache-2.0
"""docs/command-line.md from the commands' help, app/commands/shapes.py, the bus's interfaces and errors.toml."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lundock.app import cli
from lundock.app.commands import shapes
from lundock.helper.api.errors import catalogue

from . import dbus_docs
from .command_tree import Command, below, describe

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "command-line.md"

HEAD = """<!-- Made by tools/command_docs.py from the commands' help, shapes.py and errors.toml: change those. -->
# The command line

`lundock` can do what the window can, and what the bus offers. `lundock --help` lists the commands, `lundock COMMAND
--help` explains one; `man lundock` has all of it.

**TARGET** is a saved target's name, alias, number, or a part that only one has. **DISK** is "target/lun", a device,
or a target that has one disk.

**Which service.** Without an option it is the computer's service, on the system bus, or else the user's own, on the
session bus. `--system`, `--session` and `--bus ADDRESS` say which; they and `--json` may stand before or behind the
command.

**Secrets** are asked for on the terminal, taken from the keyring, or read from a file (`--secret-file FILE`, `-` is
standard input) or a descriptor (`--secret-fd N`): the first line of it. They are never arguments: other users of the
computer can see those. One that was typed and is refused is asked for again, three times in all; one from a file is
not.

**Output.** On a terminal results are tables; on one with less than 60 columns an entry is a paragraph. Into a pipe or
a file go lines with tabs between the columns, without a heading and without colours. `NO_COLOR` takes the colours
away on a terminal, too. What is not the result (progress, questions, warnings, errors) goes to standard error.

**Ctrl-C** cancels what the service is doing for the command; so do SIGTERM and SIGHUP. It is the proper end of what
goes on until then (`watch`, `events --follow`, `nbd`, `agent`): their exit code is 0.

**What nobody foresaw** is the error Internal, with a number. What happened inside stands under that number in the
service's log, or, when it happened in the command itself, in `~/.local/state/lundock/faults.log`, which nobody else can
read; with `--debug` it is printed instead. Please report both.

**Completion** for bash, zsh and fish: `lundock completion bash` prints the script, and says how to install it. Names
of targets and disks are completed, too.

"""
JSON_HEAD = """## JSON

With `--json` a command prints one JSON object on standard output, on a line of its own, whether it goes well or not;
nobody is asked anything. Shapes are stable: members are only added. Capitals stand for the records below, `{…}` for
members that depend on the target or the system, `or null` for what is not always known. Times are microseconds since
1970, sizes bytes, rates bytes a second (null where there is no earlier figure to compare with); counters are those of
`Manager.GetStatistics` ([dbus-api.md](dbus-api.md)) with underscores. What is not there is an empty string.

When something goes wrong it is `{"error": FAILURE}`, on standard output as well, also when the command line is wrong.
Only `diagnose` tells what it found and ends with the exit code of what is wrong.

"""
EXIT_HEAD = """## Exit codes

0: it went well. Else one for each thing that can go wrong; `{…}` is put in. `lundock-iscsi` has the same.

| exit | code | what happened |
|---|---|---|
"""


def page() -> str:
    """Return the page as it should be."""
    return "".join([HEAD, *_commands(), JSON_HEAD, *_json(), *_records(), EXIT_HEAD, *_exits()])


def _commands() -> Iterator[str]:
    whole = {command.name: command for command in below(cli.main, "lundock")}
    yield "## Options of every command\n\n" + _options(describe(cli.main, "lundock", common=True)) + "\n"
    for title, section in cli.SECTIONS.items():
        yield f"## {title}\n\n"
        for word in section:
            names = [name for name in whole if name == f"lundock {word}" or name.startswith(f"lundock {word} ")]
            yield from (_command(whole[name]) for name in names)


def _command(command: Command) -> str:
    lines = [f"### {command.name}\n", f"`{command.usage}`\n"]
    lines.extend(_text(part) if isinstance(part, str) else _example(part) for part in command.paragraphs)
    return "\n".join(lines) + ("\n" + _options(command) if command.options else "") + "\n"


def _text(words: str) -> str:
    return words.replace("|", "\\|").replace("*", "\\*") + "\n"


def _example(lines: tuple[str, ...]) -> str:
    return "".join(f"    {line}\n" for line in lines)


def _options(command: Command) -> str:
    rows = [f"| `{flags.replace('|', chr(92) + '|')}` | {words} |" for flags, words in command.options]
    return "\n".join(["| option | |", "|---|---|", *rows]) + "\n"


# ---- JSON


def _shape(shape: Any) -> str:
    match shape:
        case shapes.Record():
            return shape.name
        case shapes.Maybe():
            return f"{_shape(shape.shape)} or null"
        case list():
            return f"[{_shape(shape[0])}, …]"
        case dict():
            return "{" + ", ".join(f"{json.dumps(name)}: {_shape(one)}" for name, one in shape.items()) + "}"
    return {str: "text", int: "number", float: "number", bool: "true or false"}.get(shape, "{…}")


def _json() -> Iterator[str]:
    yield "| command | prints |\n|---|---|\n"
    for name, shape in shapes.OUTPUT.items():
        more = f"; {shapes.LINES[name]}" if name in shapes.LINES else ""
        yield f"| `{name}` | `{_shape(shape)}`{more} |\n"
    yield "\n"


def _properties(interface: str) -> Mapping[str, str]:
    """Return what the properties of an interface are, by their names in small letters with underscores."""
    found = {}
    path = dbus_docs.INTERFACES / f"{interface}.xml"
    for text, element in dbus_docs.members(path) if interface else ():
        if element.tag == "property":
            words = " ".join(text.body).removesuffix("since: 1.0").strip()
            name = element.get("name", "")
            found["".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")] = words
    return found


def _records() -> Iterator[str]:
    for record in shapes.RECORDS:
        said = {**_properties(record.interface), **record.own}
        yield f"**{record.name}**: {record.about}.\n\n| member | value | |\n|---|---|---|\n"
        for name, shape in record.members.items():
            yield f"| `{name}` | {_shape(shape)} | {said[name].replace('|', chr(92) + '|')} |\n"
        yield "\n"


def _exits() -> Iterator[str]:
    for info in sorted(catalogue().values(), key=lambda info: info.exit):
        yield f"| {info.exit} | {info.code} | {info.summary} |\n"
