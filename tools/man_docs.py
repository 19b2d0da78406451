# SPDX-License-Identifier: Apache-2.0
"""packaging/man: the manual's pages from the programs' own help, as roff (man(7))."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lundock.app import cli
from lundock.app.commands.completing import script
from lundock.helper import options
from lundock.helper.api.errors import catalogue
from lundock.helper.engine.cli import main as engine

from .command_tree import Command, below, describe, of_parser

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "packaging" / "man"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]

Lines = Iterator[str]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the manual; made as docs.py wants it."""

    PAGE: Path
    make: Callable[[], Lines]

    def page(self) -> str:
        """Return it as it should be."""
        return "\n".join(self.make()) + "\n"


def escape(text: str) -> str:
    """Return text that roff prints as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("“", "\\(lq").replace("”", "\\(rq").replace("…", "...")
    return f"\\&{text}" if text.startswith(".") else text


def _head(name: str, section: int, summary: str) -> Lines:
    yield ".\\\" Made by tools/man_docs.py from the programs' own help: change that."
    yield f'.TH {escape(name.upper())} {section} "" "Lundock {VERSION}" "Lundock"'
    yield ".SH NAME"
    yield f"{escape(name)} \\- {escape(summary[:1].lower() + summary[1:].rstrip('.'))}"


def _synopsis(*usages: str) -> Lines:
    yield ".SH SYNOPSIS"
    for number, usage in enumerate(usages):
        name, _, rest = usage.partition(" ")
        if number:
            yield ".br"
        yield f".B {escape(name)}"
        yield escape(rest)


def _text(command: Command) -> Lines:
    for number, paragraph in enumerate(command.paragraphs):
        if isinstance(paragraph, str):
            if number:
                yield ".PP"
            yield escape(paragraph)
        else:
            yield ".PP"
            yield ".nf"
            yield ".RS 4"
            yield from map(escape, paragraph)
            yield ".RE"
            yield ".fi"


def _options(command: Command) -> Lines:
    for flags, words in command.options:
        yield ".TP"
        yield f".B {escape(flags)}"
        yield escape(words)


def _command(command: Command) -> Lines:
    yield f'.SS "{escape(command.usage)}"'
    yield from _text(command)
    yield from _options(command)


def _exits() -> Lines:
    yield ".SH EXIT STATUS"
    yield "0 when it went well, else one of these; what is in braces is put in."
    for info in sorted(catalogue().values(), key=lambda info: info.exit):
        yield ".TP"
        yield f".B {info.exit}"
        yield f"{escape(info.code)}: {escape(info.summary)}"


def _see(*names: str) -> Lines:
    yield ".SH SEE ALSO"
    for number, name in enumerate(names, 1):
        word, section = name.split("/")
        yield f".BR {escape(word)} ({section})" + ("," if number < len(names) else "")


def _lundock() -> Lines:
    whole = describe(cli.main, "lundock", common=True)
    yield from _head("lundock", 1, "connect to iSCSI targets and use their disks")
    yield from _synopsis("lundock [OPTIONS] COMMAND [ARGS]...")
    yield ".SH DESCRIPTION"
    yield from _text(whole)
    yield ".SH OPTIONS"
    yield "They may stand before or behind the command."
    yield from _options(whole)
    commands = list(below(cli.main, "lundock"))
    for title, section in cli.SECTIONS.items():
        yield f'.SH "{title.upper()}"'
        for command in commands:
            if command.name.split()[1] in section:
                yield from _command(command)
    yield ".SH ENVIRONMENT"
    yield ".TP\n.B NO_COLOR\nNo colours on a terminal."
    yield ".TP\n.B DBUS_SESSION_BUS_ADDRESS, DBUS_SYSTEM_BUS_ADDRESS\nWhere the buses are."
    yield from _exits()
    yield from _see("lundock-iscsi/1", "lundock-helper/8")


def _iscsi() -> Lines:
    whole = describe(engine, "lundock-iscsi", common=True)
    yield from _head("lundock-iscsi", 1, "use iSCSI disks without root and without a service")
    yield from _synopsis("lundock-iscsi [OPTIONS] COMMAND [ARGS]...")
    yield ".SH DESCRIPTION"
    yield from _text(whole)
    yield ".SH OPTIONS"
    yield from _options(whole)
    yield ".SH COMMANDS"
    for command in below(engine, "lundock-iscsi"):
        yield from _command(command)
    yield ".SH ENVIRONMENT"
    yield ".TP\n.B LIBISCSI_CHAP_PASSWORD\nThe secret of the user in the URL."
    yield ".TP\n.B LIBISCSI_CHAP_TARGET_PASSWORD\nThe target\\(aqs own secret."
    yield from _exits()
    yield from _see("lundock/1")


def _helper() -> Lines:
    whole = of_parser(options.parser())
    yield from _head("lundock-helper", 8, whole.summary)
    yield from _synopsis(whole.usage)
    yield ".SH DESCRIPTION"
    yield from _text(whole)
    yield ".PP"
    yield escape(
        "It serves io.github.lundock.Initiator1 on D-Bus: on the system bus as root, started by systemd or by the bus,"
        " or with --session for one user. polkit says who may do what."
    )
    yield ".SH OPTIONS"
    yield from _options(whole)
    yield ".SH FILES"
    yield ".TP\n.B /var/lib/lundock\nSaved targets and what happened; with \\-\\-session ~/.local/state/lundock."
    yield ".TP\n.B /run/lundock\nSockets and mounts; with \\-\\-session $XDG_RUNTIME_DIR/lundock."
    yield ".TP\n.B /etc/lundock/*.toml\nSystem\\-wide settings."
    yield from _see("lundock/1")


PAGES = (
    Page(FOLDER / "lundock.1", _lundock),
    Page(FOLDER / "lundock-iscsi.1", _iscsi),
    Page(FOLDER / "lundock-helper.8", _helper),
)
#: What bash reads to complete `lundock`: installed as /usr/share/bash-completion/completions/lundock.
COMPLETION = Page(ROOT / "packaging" / "bash-completion" / "lundock", lambda: iter(script("bash").splitlines()))
