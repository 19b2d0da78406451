# SPDX-License-Identifier: Apache-2.0
"""`lundock diagnose`: every step from the name to the disks, with a cause and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ...helper.api.errors import Problem, catalogue
from ..client import operations
from ..client.client import Client
from ..client.objects import Target
from ..model import diagnosis
from . import shapes
from .common import on_bus
from .naming import INTERFACE, TARGET
from .options import Run, common_options
from .output import Cell, emit, progress, say, table, tell
from .signing import Given, saved_sign_in, sign_in_options

_VERDICTS = {"ok": ("green", "✓"), "warning": ("yellow", "▲"), "failed": ("red", "✗"), "skipped": ("dim", "·")}


@click.command()
@click.argument("where", metavar="TARGET|ADDRESS", type=TARGET)
@click.option("--interface", metavar="NAME", default="", type=INTERFACE, help="Go through this network interface.")
@click.option("--report", is_flag=True, help="Print the whole report, to send to somebody; it holds no secrets.")
@sign_in_options
@common_options
@on_bus
async def diagnose(run: Run, client: Client, where: str, interface: str, report: bool, **given: Any) -> None:
    """Find out why TARGET, or ADDRESS, does not work: the name, the way there, the sign-in, the disks.

    The exit code is that of what is wrong, and 0 when nothing is.

    \b
    For example:
      lundock diagnose nas.local
      lundock diagnose Backup --report > report.txt
    """
    record = _saved(client, where)
    said = Given(given)
    sign_in = said.sign_in(saved_sign_in(record) if record else operations.SignIn())
    secrets = await _secrets(run, said, sign_in, where, record)
    with progress(run, f"Looking at {where}") as on_step:
        found = await operations.diagnose(
            client, record.path if record else where, interface="" if record else interface, sign_in=sign_in,
            secrets=secrets, on_step=on_step,
        )  # fmt: skip
    if run.json:
        emit({"address": where} | _shape(found))
    elif report:
        tell(run, str(found.get("report", "")))
    else:
        _show(run, found)
    code = str(found.get("cause", ""))
    if found.get("verdict") == "failed" and code in catalogue():
        raise SystemExit(catalogue()[code].exit)


async def _secrets(
    run: Run, said: Given, sign_in: operations.SignIn, where: str, record: Target | None
) -> operations.Secrets | None:
    """Return what there is: that there is none is for the diagnosis to say, and a session that is up needs none."""
    if record is not None and record.connected:
        return None
    try:
        return await said.secrets(run, sign_in, where, record.name if record else "")
    except Problem as problem:
        if problem.code != "SecretsUnavailable":
            raise
        return None


def _saved(client: Client, words: str) -> Target | None:
    try:
        return operations.find_target(client.snapshot.targets, words)
    except Problem as problem:
        if problem.code != "NotFound":
            raise
        return None


def _shape(found: Mapping[str, Any]) -> dict[str, Any]:
    words = {k: str(found.get(k.replace("_", "-"), "")) for k in _WORDS}
    return words | {
        "facts": shapes.keys(found.get("facts", {})),
        "steps": [dict(_STEP) | shapes.keys(step) for step in found.get("steps", ())],
    }


#: What a step has that says nothing of it.
_STEP: Mapping[str, Any] = {
    **dict.fromkeys(("name", "portal", "address", "number", "verdict", "cause", "summary", "action"), ""),
    "time": 0, "facts": {}, "detail": {},
}  # fmt: skip
_WORDS = ("verdict", "cause", "summary", "meaning", "action", "initiator_name", "report")


def _show(run: Run, found: Mapping[str, Any]) -> None:
    told = diagnosis.read(found)
    rows = [
        (Cell(line.verdict, *_VERDICTS.get(line.verdict, ("", ""))), line.name, line.took, line.place, line.found)
        for line in told.lines
    ]
    table(run, ("", "Step", ">Took", "At", ""), rows, "Nothing was looked at.")
    say("")
    for sentence in filter(None, (told.heading, told.meaning, told.action)):
        say(sentence)
    if told.verdict == "failed":
        say(f"This computer's name: {found.get('initiator-name', '')}")
