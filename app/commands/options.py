# SPDX-License-Identifier: Apache-2.0
"""What every subcommand takes: which bus, and words or JSON. Imports little: `lundock --help` needs no more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from ..client.link import Where


@dataclass
class Run:
    """What was chosen on the command line: the bus ("auto", "system", "session", "address") and the output."""

    bus: str = "auto"
    address: str = ""
    json: bool = False

    @property
    def where(self) -> Where:
        """The bus to use."""
        from ..client.link import Where

        return Where(self.bus, self.address)

    @cached_property
    def out(self) -> Console:
        """Where results go."""
        from rich.console import Console

        return Console(highlight=False, markup=False, emoji=False)

    @cached_property
    def err(self) -> Console:
        """Where everything else goes."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, markup=False, emoji=False)

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.json


def _choose(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    run = ctx.ensure_object(Run)
    if not value:
        return
    if param.name == "json":
        run.json = True
    elif param.name == "debug":
        import logging

        logging.basicConfig(level=logging.DEBUG, format="%(name)s: %(message)s", stream=sys.stderr)
    elif param.name == "bus":
        run.bus, run.address = "address", value
    else:
        run.bus = str(param.name)


_OPTIONS = (
    click.option("--json", is_flag=True, expose_value=False, callback=_choose, help="Print one JSON object."),
    click.option(
        "--debug", is_flag=True, expose_value=False, callback=_choose,
        help="Say what happens, also where in the program an error comes from.",
    ),
    click.option(
        "--bus", metavar="ADDRESS", expose_value=False, callback=_choose, help="Use the service on the bus there."
    ),
    click.option(
        "--session", is_flag=True, expose_value=False, callback=_choose, help="Use this user's service (session bus)."
    ),
    click.option(
        "--system", is_flag=True, expose_value=False, callback=_choose, help="Use the computer's service (system bus)."
    ),
)  # fmt: skip


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --json, --debug, --bus, --session and --system; they may stand before or behind the subcommand."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
