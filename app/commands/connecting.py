# SPDX-License-Identifier: Apache-2.0
"""Subcommands about what is connected: login, logout, sessions, rescan, probe, agent."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import click

from ...helper.api.errors import Problem
from .. import text
from ..client import operations
from ..client.agent import AGENT_PATH, Question, SecretAgent
from ..client.client import Client
from ..client.objects import Lun, Target, portal_text
from . import shapes
from .common import ask, on_bus, sure, until_ctrl_c
from .disks import COLUMNS, NO_DISKS, attach_one, lun_row
from .naming import TARGET
from .options import Run, common_options
from .output import emit, progress, say, state_cell, table, tell
from .records import target_now
from .signing import Attempts, Given, ask_to_sign_in, keep_secrets, saved_sign_in, sign_in_options

force_option = click.option(
    "--force", is_flag=True, help="Even when it is in use or the target is away: what is not written is lost."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask whether that is meant.")


@click.command()
@click.argument("target", type=TARGET)
@sign_in_options
@click.option("--attach", "and_attach", is_flag=True, help="Attach its disks, too.")
@click.option("--keep", is_flag=True, help="Save the names in the record and the secrets in the keyring.")
@common_options
@on_bus
async def login(run: Run, client: Client, target: str, and_attach: bool, keep: bool, **given: Any) -> None:
    """Connect to TARGET.

    Secrets come from the keyring, are asked for, or are read from a file or a descriptor; never from an argument.

    \b
    For example:
      lundock login Backup --attach
      lundock login Vault --user me --keep
      pass show nas | lundock login Vault --user me --secret-file -
    """
    record = operations.find_target(client.snapshot.targets, target)
    if record.connected:
        raise Problem("AlreadyConnected", target=record.title)  # before a secret is asked for
    said = Given(given)
    sign_in = said.sign_in(saved_sign_in(record))
    attempts = Attempts(run, said, record.title, record.name)
    log_in = partial(_login, run, client, record)
    try:
        done = await attempts(sign_in, log_in)
    except Problem as problem:
        if problem.code != "AuthenticationRequired" or not run.interactive or sign_in.method != "none":
            raise
        say("The target asks for a name and a secret.")
        attempts.named = True
        done = await attempts(await ask_to_sign_in(client), log_in)
    if keep:
        await operations.update_target(client, record.path, done.sign_in.options())
        if done.secrets:
            await keep_secrets(record.name, done.secrets)
    session, luns = done.result
    disks = [await operations.wait_for(client, lun) for lun in luns]
    if and_attach:
        disks = [await attach_one(run, client, lun) for lun in disks]
    show_connected(run, client, record.path, session, disks)


async def _login(
    run: Run, client: Client, record: Target, sign_in: operations.SignIn, secrets: operations.Secrets | None
) -> tuple[str, tuple[str, ...]]:
    with progress(run, f"Connecting to {record.title}") as on_step:
        return await operations.login(client, record.path, sign_in=sign_in, secrets=secrets, on_step=on_step)


def show_connected(run: Run, client: Client, path: str, session: str, disks: list[Lun]) -> None:
    """Show a target that has just been connected."""
    record = client.snapshot.targets[path]
    view = client.snapshot.sessions.get(session)
    if run.json:
        emit(
            {
                "target": shapes.target(record),
                "session": shapes.session(view, client.snapshot) if view else None,
                "luns": [shapes.lun(lun, client.snapshot) for lun in disks],
            }
        )
        return
    tell(run, f"Connected to {record.title}.")
    table(run, COLUMNS, [lun_row(lun, record) for lun in disks], NO_DISKS)


@click.command()
@click.argument("target", type=TARGET)
@force_option
@yes_option
@common_options
@on_bus
async def logout(run: Run, client: Client, target: str, force: bool, yes: bool) -> None:
    """Eject TARGET's disks and disconnect. When one of them is in use, nothing is changed."""
    record = operations.find_target(client.snapshot.targets, target)
    if force:
        sure(run, f"Take away {record.title}'s disks, whoever uses them? What is not written is lost.", yes=yes)
    with progress(run, f"Disconnecting {record.title}") as on_step:
        await operations.logout(client, record.path, on_step, force=force)
    if run.json:
        emit({"target": shapes.target(await target_now(client, record.path))})
    else:
        tell(run, f"Disconnected from {record.title}.")


@click.command()
@common_options
@on_bus
async def sessions(run: Run, client: Client) -> None:
    """List what is connected: where, since when, and how often it was lost and came back."""
    snapshot = client.snapshot
    live = sorted(snapshot.sessions.values(), key=lambda s: s.number)
    if run.json:
        emit({"sessions": [shapes.session(s, snapshot) for s in live]})
        return
    rows = []
    for session in live:
        record = snapshot.targets.get(session.target)
        name = record.name if record else session.target
        since = text.ago(session.since) if session.since else ""
        where = portal_text(session.portal) if session.portal else ""
        rows.append((session.number, name, state_cell(session.state), where, since, session.reconnects))
    table(run, (">#", "Target", "State", "Connected at", "Since", ">Came back"), rows, "Nothing is connected.")


@click.command()
@click.argument("target", type=TARGET)
@common_options
@on_bus
async def rescan(run: Run, client: Client, target: str) -> None:
    """Ask TARGET for its disks again: after one was added, taken away or changed its size there."""
    record = operations.find_target(client.snapshot.targets, target)
    if not record.connected or record.session == "/":
        raise Problem("NotConnected", target=record.title)
    with progress(run, f"Asking {record.title}") as on_step:
        await operations.rescan(client, record.session, on_step)
    disks = client.snapshot.luns_of(record)
    if run.json:
        emit({"luns": [shapes.lun(lun, client.snapshot) for lun in disks]})
    else:
        table(run, COLUMNS, [lun_row(lun, record) for lun in disks], NO_DISKS)


_WANTS = {"none": "no sign-in", "chap": "a name and a secret (CHAP)"}


@click.command()
@click.argument("target", type=TARGET)
@common_options
@on_bus
async def probe(run: Run, client: Client, target: str) -> None:
    """Ask TARGET which sign-in it wants, without connecting."""
    record = operations.find_target(client.snapshot.targets, target)
    with progress(run, f"Asking {record.title}") as on_step:
        wants = await operations.probe(client, record.path, on_step)
    if run.json:
        emit({"target": shapes.target(record), "sign_in": wants})
    else:
        tell(run, f"{record.title} wants {_WANTS.get(wants, wants)}.")


@click.command()
@common_options
@until_ctrl_c
async def agent(run: Run, client: Client) -> None:
    """Answer the service's questions for secrets until Ctrl-C.

    Targets that connect by themselves and sign in need somebody who has their secrets: the window, while it runs, or
    this. It looks into the keyring, and asks on the terminal where there is one.
    """
    await SecretAgent(client, lambda question: _answer(run, question)).register()
    if run.json:
        emit({"agent": AGENT_PATH})
    else:
        say("Waiting for questions; Ctrl-C ends it.")
    await client.wait_closed()
    raise Problem("HelperUnavailable")


async def _answer(run: Run, question: Question) -> operations.Secrets:
    given = Given(dict.fromkeys(_NOTHING))
    method = "mutual" if question.mutual else "chap"
    sign_in = operations.SignIn(method, question.chap_name, question.target_chap_name)
    title = question.target or question.path
    silent = Run(json=True)  # nobody is asked
    kept = None if question.retry else await _kept(given, silent, sign_in, title)
    if kept is not None:
        return kept
    if question.background or not run.interactive:
        raise Problem("NotFound", what="secret")
    say(f"{title} asks for a secret{'; the last one was refused' if question.retry else ''}.")
    mine = await asyncio.to_thread(ask, f"Secret of {question.chap_name or 'this computer'}", secret=True)
    theirs = await asyncio.to_thread(ask, "Secret of the target itself", secret=True) if question.mutual else ""
    return operations.Secrets(mine, theirs)


async def _kept(given: Given, run: Run, sign_in: operations.SignIn, title: str) -> operations.Secrets | None:
    try:
        return await given.secrets(run, sign_in, title, title)
    except Problem:
        return None


_NOTHING = ("chap_name", "target_chap_name", "secret_file", "secret_fd", "target_secret_file", "target_secret_fd")
