# SPDX-License-Identifier: Apache-2.0
"""`lundock connect`: what the window's wizard does, in one command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import click

from ...helper.api.errors import Problem
from ..client import connecting, operations, udisks
from ..client.client import Client
from ..client.connecting import Options
from ..client.objects import Target, short_name
from ..flows.link import is_link, parse_link
from .common import ask, on_bus
from .connecting import show_connected
from .naming import ADDRESS, METHOD
from .options import Run, common_options
from .output import made, progress, say
from .records import STARTUPS, found_at, only
from .signing import Attempts, Given, ask_to_sign_in, keep_secrets, saved_sign_in, sign_in_options


@click.command()
@click.argument("where", metavar="ADDRESS", type=ADDRESS)
@click.argument("name", required=False)
@sign_in_options
@click.option("--keep", is_flag=True, help="Save the secrets in the keyring.")
@click.option("--attach/--no-attach", default=True, help="Make its disks devices (so unless told otherwise).")
@click.option("--mount", is_flag=True, help="Mount what is on them, too (through UDisks2).")
@click.option("--method", default="auto", metavar="NAME", type=METHOD, help="How they become devices.")
@click.option("--read-only", is_flag=True, help="Never write to them.")
@click.option(
    "--startup", type=click.Choice(STARTUPS), default="manual", help="Connect by hand, or by itself at log-in."
)
@common_options
@on_bus
async def connect(
    run: Run,
    client: Client,
    where: str,
    name: str | None,
    keep: bool,
    attach: bool,
    mount: bool,
    method: str,
    read_only: bool,
    startup: str,
    **given: Any,
) -> None:
    """Ask ADDRESS what it offers, connect to it, and attach its disks: all that is needed for a disk.

    NAME, or a part of it, says which target where there are several. ADDRESS may be an iscsi:// link, or a saved
    target.

    \b
    For example:
      lundock connect nas.local
      lundock connect nas.local backup --user me --keep --mount
      lundock connect iscsi://me@nas.local/iqn.2026-01.org.example:disk
    """
    said = Given(given)
    if is_link(where):
        link = parse_link(where)
        where, name, said.chap_name = link.address, link.target or name, said.chap_name or link.user or None
    record = _saved(client, where) if name is None else None
    found = _of(record) if record else await _choose(run, client, where, name, said)
    options = Options(startup=startup, attach=attach, mount=mount, method=method, read_only=read_only)
    known = {target.path for target in client.snapshot.targets.values()}
    try:
        sign_in, named = await _sign_in(run, client, found, said)
        attempts = Attempts(run, said, short_name(found.name), found.name, named)
        signed_in = await attempts(sign_in, partial(_connect, run, client, found, options))
    except BaseException:
        await _forget_new(client, found.name, known)
        raise
    done = signed_in.result
    if keep and signed_in.secrets:
        await keep_secrets(found.name, signed_in.secrets)
    disks = [await operations.wait_for(client, lun) for lun in done.luns]
    show_connected(run, client, done.target, client.snapshot.targets[done.target].session, disks)
    _raise_first(done.problems)


def _raise_first(problems: Mapping[str, Problem]) -> None:
    """What could not be attached or mounted ends the command with its code, after the rest was shown."""
    for problem in problems.values():
        raise problem


def _saved(client: Client, words: str) -> Target | None:
    for target in client.snapshot.targets.values():
        if words in {target.name, target.alias}:
            return target
    return None


def _of(record: Target) -> operations.Found:
    return operations.Found(record.name, record.portals)


async def _choose(run: Run, client: Client, where: str, name: str | None, said: Given) -> operations.Found:
    """Ask the address; a whole name needs no asking when the address is the target's own."""
    try:
        found = await found_at(run, client, where, name, "")
    except Problem as problem:
        if problem.code != "AuthenticationRequired" or not said.anything:
            raise
        found = await found_at(run, client, where, name, "", said)  # this device wants a sign-in for the list, too
    return _which(run, found) if len(found) > 1 and run.interactive else only(found)


def _which(run: Run, found: Sequence[operations.Found]) -> operations.Found:
    rows = [(number, t.name, operations.portals_text(t.portals)) for number, t in enumerate(found, 1)]
    run.err.print(made((">#", "Target", "Reached at"), rows))
    while True:
        answer = ask(f"Which one (1 to {len(found)})")
        if answer.isascii() and answer.isdigit() and 0 < int(answer) <= len(found):
            return found[int(answer) - 1]


async def _connect(
    run: Run,
    client: Client,
    found: operations.Found,
    options: Options,
    sign_in: operations.SignIn,
    secrets: operations.Secrets | None,
) -> connecting.Connected:
    with progress(run, f"Connecting to {short_name(found.name)}") as on_step:
        return await connecting.connect(
            client, found.name, found.portals, sign_in=sign_in, secrets=secrets, options=options,
            mount=udisks.mount_if_any, on_step=on_step,
        )  # fmt: skip


async def _sign_in(run: Run, client: Client, found: operations.Found, said: Given) -> tuple[operations.SignIn, bool]:
    """Return the sign-in to use, and whether a person has typed its name."""
    record = _saved(client, found.name)
    sign_in = said.sign_in(saved_sign_in(record) if record else operations.SignIn())
    if sign_in.method != "none":
        return sign_in, False
    with progress(run, f"Asking {short_name(found.name)}") as on_step:
        probed = await connecting.probe(client, found.name, found.portals, on_step=on_step)
    if probed.sign_in == "none":
        return sign_in, False
    if not run.interactive:
        raise Problem("AuthenticationRequired", target=found.name)
    say("The target asks for a name and a secret.")
    return await ask_to_sign_in(client), True


async def _forget_new(client: Client, name: str, known: Iterable[str]) -> None:
    """Remove the record that was made for what came to nothing."""
    for target in list(client.snapshot.targets.values()):
        if target.name == name and target.path not in known:
            await connecting.take_back(client, target.path, made=True)
