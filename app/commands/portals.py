# SPDX-License-Identifier: Apache-2.0
"""`lundock portal`: addresses that are kept, looked at from time to time, and what they name saved."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from ...helper.api.errors import Problem
from ...helper.api.usage import failure
from .. import text
from ..client import operations
from ..client.client import Client
from ..client.objects import Portal
from ..model import portals
from . import shapes
from .common import on_bus
from .naming import ADDRESS, INTERFACE
from .options import Run, common_options
from .output import Cell, emit, progress, state_cell, table, tell
from .signing import Given, name_options, saved_portal_sign_in, sign_in_of, sign_in_options

#: As the service says it: 5 seconds to 30 days; 0 is only when asked.
INTERVAL = click.IntRange(0, 2_592_000)
_COLUMNS = (">#", "Address", "Looked at", "Last look", "Result")


@click.group()
def portal() -> None:
    """Keep addresses: what they offer is saved, and kept up to date.

    \b
    For example:
      lundock portal add nas.local --interval 3600
      lundock portal refresh nas.local
      lundock portal login nas.local    everything that it offers
    """


def _row(view: Portal) -> tuple[object, ...]:
    last = text.ago(view.last_look) if view.last_look else "never"
    result = Cell(view.last_result, "yellow", "▲") if view.last_result else "good" if view.last_look else ""
    return (view.number, view.address, portals.every(view.interval), last, result)


@portal.command("list", short_help="List the kept addresses")
@common_options
@on_bus
async def list_(run: Run, client: Client) -> None:
    """List the kept addresses, when they were looked at last, and what came of it."""
    known = sorted(client.snapshot.portals.values(), key=lambda p: p.number)
    if run.json:
        emit({"portals": [shapes.address(p) for p in known]})
        return
    nothing = "No address is kept. `lundock portal add ADDRESS` keeps one."
    table(run, _COLUMNS, [_row(p) for p in known], nothing)


async def _now(client: Client, path: str) -> Portal:
    for _ in range(100):
        if path in client.snapshot.portals:
            return client.snapshot.portals[path]
        await asyncio.sleep(0.02)
    raise Problem("NotFound", what=path)


def _show(run: Run, view: Portal, words: str) -> None:
    if run.json:
        emit({"portal": shapes.address(view)})
    else:
        tell(run, f"{words} {view.number}: {view.address}")


@portal.command(short_help="Keep an address")
@click.argument("address")
@click.option(
    "--interval",
    type=INTERVAL,
    default=0,
    metavar="SECONDS",
    help="Look so often; 0: only when asked (refresh).",
)
@click.option("--interface", metavar="NAME", default="", type=INTERFACE, help="Go through this network interface.")
@name_options
@common_options
@on_bus
async def add(
    run: Run,
    client: Client,
    address: str,
    interval: int,
    interface: str,
    chap_name: str | None,
    target_chap_name: str | None,
    method: str | None,
) -> None:
    """Keep ADDRESS: the targets that it offers are saved, and marked when it does not offer them any more."""
    sign_in = sign_in_of(chap_name, target_chap_name, method)
    path = await operations.add_portal(client, address, interval=interval, interface=interface, sign_in=sign_in)
    _show(run, await _now(client, path), "Kept as number")


@portal.command("set", short_help="Change a kept address")
@click.argument("address", type=ADDRESS)
@click.option("--interval", type=INTERVAL, metavar="SECONDS", help="Look so often; 0: only when asked.")
@click.option("--interface", metavar="NAME", type=INTERFACE, help="Go through this one; empty: the system's choice.")
@name_options
@common_options
@on_bus
async def set_(
    run: Run,
    client: Client,
    address: str,
    interval: int | None,
    interface: str | None,
    chap_name: str | None,
    target_chap_name: str | None,
    method: str | None,
) -> None:
    """Change how the kept ADDRESS (or its number) is looked at."""
    view = operations.find_portal(client.snapshot.portals, address)
    changes: dict[str, Any] = {
        k: v for k, v in (("interval", interval), ("interface", interface)) if v is not None
    }  # fmt: skip
    sign_in = sign_in_of(chap_name, target_chap_name, method)
    changes |= sign_in.options() if sign_in else {}
    if not changes:
        raise Problem("InvalidArgument", argument="--interval", detail="There is nothing to change.")
    await operations.update_portal(client, view.path, changes)
    _show(run, client.snapshot.portals.get(view.path, view), "Changed number")


@portal.command(short_help="Look at a kept address now")
@click.argument("address", type=ADDRESS)
@sign_in_options
@common_options
@on_bus
async def refresh(run: Run, client: Client, address: str, **given: Any) -> None:
    """Look at the kept ADDRESS now, and list what it offers."""
    view = operations.find_portal(client.snapshot.portals, address)
    said = Given(given)
    secrets = await said.secrets(run, saved_portal_sign_in(view), view.address)
    with progress(run, f"Asking {view.address}") as on_step:
        found, new = await operations.refresh_portal(client, view.path, secrets=secrets, on_step=on_step)
    records = [client.snapshot.targets[path] for path in found if path in client.snapshot.targets]
    names = [record.name for record in records if record.path in new]
    if run.json:
        now = client.snapshot.portals.get(view.path, view)
        emit({"portal": shapes.address(now), "found": [shapes.target(t) for t in records], "new": names})
        return
    rows = [(t.number, t.name, operations.portals_text(t.portals), "new" if t.name in names else "") for t in records]
    table(run, (">#", "Target", "Reached at", ""), rows, f"{view.address} offers no targets to this computer.")


@portal.command(short_help="Connect to everything that a kept address offers")
@click.argument("address", type=ADDRESS)
@common_options
@on_bus
async def login(run: Run, client: Client, address: str) -> None:
    """Look at the kept ADDRESS, and connect to all targets that it offers, each as it is saved.

    One that cannot be connected does not keep the others from it; the exit code is then that of the first failure.
    """
    view = operations.find_portal(client.snapshot.portals, address)
    with progress(run, f"Asking {view.address}") as on_step:
        found, _new = await operations.refresh_portal(client, view.path, on_step=on_step)
    with progress(run, f"Connecting to {len(found)} targets"):
        ended = await operations.login_all(client, found)
    await client.connection.flush()  # what has become of them is known by then
    records = [client.snapshot.targets[path] for path in found if path in client.snapshot.targets]
    problems = {path: problem for path, problem in ended.items() if problem is not None}
    if run.json:
        failed = [{"name": t.name, "error": failure(problems[t.path])} for t in records if t.path in problems]
        emit({"targets": [shapes.target(t) for t in records], "failed": failed})
    else:
        rows = [(t.number, t.name, state_cell(t.state), _why(problems.get(t.path))) for t in records]
        table(run, (">#", "Target", "State", ""), rows, f"{view.address} offers no targets to this computer.")
    for problem in problems.values():
        raise SystemExit(problem.exit_code)


def _why(problem: Problem | None) -> str:
    return text.explain(problem).summary if problem is not None else ""


@portal.command(short_help="Keep an address no longer")
@click.argument("address", type=ADDRESS)
@click.option("--forget-targets", is_flag=True, help="Forget the targets that it named, too, if not connected.")
@common_options
@on_bus
async def remove(run: Run, client: Client, address: str, forget_targets: bool) -> None:
    """Keep ADDRESS no longer."""
    view = operations.find_portal(client.snapshot.portals, address)
    await operations.remove_portal(client, view.path, forget_targets=forget_targets)
    if run.json:
        emit({"removed": view.address})
    else:
        tell(run, f"Not kept any more: {view.address}")
