# SPDX-License-Identifier: Apache-2.0
"""Subcommands about the service and this computer: status, name, events, jobs, cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import click

from ...helper.api.errors import Problem
from .. import text
from ..client import operations
from ..client.client import Client
from ..client.objects import Job
from . import shapes
from .common import on_bus, until_ctrl_c
from .naming import JOB
from .options import Run, common_options
from .output import Cell, emit, say, table, tell

_WARNINGS = {
    "machine-changed": "This name was made for another computer, as on a copy of a system. Two computers with one name"
    " end each other's connections: `lundock name --new` gives this one a name of its own.",
}


@click.command()
@common_options
@on_bus
async def status(run: Run, client: Client) -> None:
    """Show the service, this computer's iSCSI name, and the ways in which a disk can become a device here."""
    snapshot = client.snapshot
    manager = snapshot.manager
    connected = sum(1 for session in snapshot.sessions.values() if session.state == "connected")
    if run.json:
        emit(
            {
                "link": snapshot.link.value, "bus": snapshot.bus, "version": manager.version,
                "initiator_name": manager.initiator_name, "initiator_alias": manager.initiator_alias,
                "initiator_name_warning": manager.initiator_name_warning,
                "attach_methods": shapes.keys(manager.attach_methods), "targets": len(snapshot.targets),
                "connected": connected,
            }
        )  # fmt: skip
        return
    tell(run, f"Lundock {manager.version}, {len(snapshot.targets)} saved targets, {connected} connected")
    tell(run, f"This computer's name: {manager.initiator_name}")
    _warn(manager.initiator_name_warning)
    rows = [
        (m.get("name", ""), Cell("yes", "green", "✓") if m.get("available") else Cell("no", "dim"), m.get("reason", ""))
        for m in manager.attach_methods
    ]
    table(run, ("Attach as", "Possible", "Why"), rows, "No way to attach disks.")


def _warn(word: str) -> None:
    if word:
        say("Warning: " + _WARNINGS.get(word, word))


@click.command()
@click.argument("name", required=False)
@click.option("--new", is_flag=True, help="Have a new name made.")
@click.option("--alias", metavar="TEXT", help="The readable name sent along; empty: the host's name.")
@common_options
@on_bus
async def name(run: Run, client: Client, name: str | None, new: bool, alias: str | None) -> None:
    """Show this computer's iSCSI name, or change it to NAME.

    Devices that let in only those on a list want this name on it. What is connected keeps the old name until it
    connects anew.

    \b
    For example:
      lundock name
      lundock name iqn.2026-01.org.example:desk
    """
    if new and name:
        raise click.UsageError("NAME and --new exclude each other.")
    if name or new:
        await operations.set_initiator_name(client, name or "")
    if alias is not None:
        await operations.set_initiator_alias(client, alias)
    if name or new or alias is not None:
        await client.look_again()
    manager = client.snapshot.manager
    if run.json:
        emit(
            {
                "initiator_name": manager.initiator_name, "initiator_alias": manager.initiator_alias,
                "warning": manager.initiator_name_warning,
            }
        )  # fmt: skip
        return
    tell(run, manager.initiator_name)
    say(f"Sent along with it: {manager.initiator_alias}")
    _warn(manager.initiator_name_warning)


_EVENTS = ("When", "Target", "What", "")


def _event_row(event: Mapping[str, Any]) -> tuple[str, ...]:
    when = text.exact(int(event.get("time", 0)))
    return (when, event.get("target", ""), text.event(str(event.get("kind", ""))), text.detail(event.get("detail", {})))


@click.command()
@click.option("--since", metavar="ID", type=click.IntRange(0), default=0, help="Only those after this one.")
@click.option("--limit", metavar="N", type=click.IntRange(1, 100_000), default=100, help="At most so many, the newest.")
@click.option("--follow", is_flag=True, help="Then go on with what happens, until Ctrl-C.")
@common_options
@until_ctrl_c
async def events(run: Run, client: Client, since: int, limit: int, follow: bool) -> None:
    """Show what happened: connected, lost, restored, ejected, refused."""
    coming: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    if follow:
        client.listen(coming.put_nowait)
    found = await operations.events(client, since=since, limit=limit)
    if run.json:
        emit({"events": [shapes.keys(e) for e in found]})
    else:
        table(run, _EVENTS, [_event_row(e) for e in found], "Nothing has happened yet.")
    if follow:
        await _follow(run, client, coming, max([since, *(int(e.get("id", 0)) for e in found)]))


async def _follow(run: Run, client: Client, coming: asyncio.Queue[Mapping[str, Any]], last: int) -> None:
    gone = asyncio.ensure_future(client.wait_closed())
    while True:
        following = asyncio.ensure_future(coming.get())
        await asyncio.wait((gone, following), return_when=asyncio.FIRST_COMPLETED)
        if not following.done():
            following.cancel()
            raise Problem("HelperUnavailable")
        event = following.result()
        if int(event.get("id", 0)) <= last:
            continue  # was in the list already
        if run.json:
            emit({"event": shapes.keys(event)})
        else:
            tell(run, ("   " if run.out.is_terminal else "\t").join(_event_row(event)))


@click.command()
@common_options
@on_bus
async def jobs(run: Run, client: Client) -> None:
    """List what the service is doing just now, for whomever."""
    working = [job for job in client.snapshot.jobs.values() if not job.finished]
    working.sort(key=lambda job: job.number)
    if run.json:
        emit({"jobs": [shapes.job(job) for job in working]})
        return
    rows = [(job.number, text.kind(job.kind), text.step(job.step, job.kind), _far(job)) for job in working]
    table(run, (">#", "Job", "Step", ">Done"), rows, "Nothing is being done.")


def _far(job: Job) -> str:
    return f"{job.progress:.0%}" if job.progress_valid else ""


@click.command()
@click.argument("job", type=JOB)
@common_options
@on_bus
async def cancel(run: Run, client: Client, job: str) -> None:
    """Stop JOB, a number of `lundock jobs`."""
    for view in client.snapshot.jobs.values():
        if job in {str(view.number), view.path} and not view.finished:
            await operations.cancel(client, view.path)
            if run.json:
                emit({"cancelled": view.path})
            else:
                tell(run, f"Cancelled: {text.kind(view.kind)}")
            return
    raise Problem("NotFound", what=f"job {job}")
