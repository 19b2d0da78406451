# SPDX-License-Identifier: Apache-2.0
"""Subcommands about what is found and what is saved: discover, targets, add, show, set, forget, status, events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import click

from ...helper.api.errors import Problem
from ...helper.api.settings import Value
from ...helper.api.settings import table as settings_table
from .. import text
from ..client import operations
from ..client.client import Client
from ..client.mirror import Snapshot
from ..client.objects import Target, portal_text
from ..secrets import Keyring
from . import shapes
from .common import Run, ask_secret, common_options, emit, on_bus, progress, read_secret, state_cell, table


def parse_settings(pairs: tuple[str, ...], *, may_reset: bool = False) -> dict[str, Value]:
    """Return `key=value` pairs as settings, checked against the table. Raises Problem("InvalidArgument")."""
    found: dict[str, Value] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        name = key.strip().replace("-", "_").lower()
        if not equals:
            raise Problem("InvalidArgument", argument="--set", detail=f"“{pair}” is not of the form key=value.")
        if name not in settings_table():
            raise Problem("InvalidArgument", argument="--set", detail=f"There is no setting “{name[:60]}”.")
        found[name] = "" if may_reset and value == "" else settings_table()[name].check(value)
    return found


def split_record(pairs: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what belongs to the record and is no setting, which people write in the same way, and the other pairs."""
    split = {pair: pair.partition("=") for pair in pairs}
    own = {key.strip().lower(): value for key, equals, value in split.values() if equals}
    own = {key: value for key, value in own.items() if key in {"alias", "interface"}}
    return own, tuple(pair for pair, (key, _, _) in split.items() if key.strip().lower() not in own)


def _portals(found: operations.Found) -> str:
    return operations.portals_text(found.portals)


async def target_now(client: Client, path: str) -> Target:
    """Return a target that was just made or changed; its signal may be a moment behind."""
    for _ in range(100):
        if path in client.snapshot.targets:
            return client.snapshot.targets[path]
        await asyncio.sleep(0.02)
    raise Problem("NotFound", what=path)


_chap = (
    click.option("--chap-name", metavar="NAME", default="", help="Sign in (CHAP) under this name."),
    click.option(
        "--target-chap-name", metavar="NAME", default="", help="The target must prove itself under this name."
    ),
    click.option("--sign-in", type=click.Choice(["none", "chap", "mutual"]), help="How to sign in."),
)


def chap_options(command: Any) -> Any:
    """Add the names of a sign-in."""
    for option in reversed(_chap):
        command = option(command)
    return command


def sign_in_of(chap_name: str, target_chap_name: str, method: str | None) -> operations.SignIn | None:
    """Return the sign-in that the options mean, None when they say nothing."""
    if not (chap_name or target_chap_name or method):
        return None
    return operations.SignIn(method or ("mutual" if target_chap_name else "chap"), chap_name, target_chap_name)


@click.command()
@click.argument("address")
@click.option("--interface", metavar="NAME", default="", help="Go through this network interface.")
@chap_options
@click.option(
    "--secret-file", metavar="FILE", help="Read our secret from the first line of FILE (- is standard input)."
)
@click.option("--secret-fd", metavar="N", type=int, help="Read our secret from this descriptor.")
@common_options
@on_bus
async def discover(
    run: Run,
    client: Client,
    address: str,
    interface: str,
    chap_name: str,
    target_chap_name: str,
    sign_in: str | None,
    secret_file: str | None,
    secret_fd: int | None,
) -> None:
    """Ask ADDRESS for the targets it offers. Nothing is saved."""
    sign = sign_in_of(chap_name, target_chap_name, sign_in)
    secret = read_secret(secret_file, secret_fd, "--secret-file")
    if sign is not None and sign.method != "none" and secret is None:
        secret = ask_secret(run, f"Secret of {sign.chap_name or 'this computer'} for {address}")
    with progress(run, f"Asking {address}") as on_step:
        found = await operations.discover(
            client,
            address,
            interface=interface,
            sign_in=sign,
            secrets=operations.Secrets(secret or ""),
            on_step=on_step,
        )
    if run.json:
        targets = [{"name": t.name, "portals": shapes.keys(t.portals)} for t in found]
        emit({"address": address, "targets": targets})
        return
    table(run, ("Target", "Reached at"), [(t.name, _portals(t)) for t in found], f"{address} offers no targets to us.")


@click.command()
@common_options
@on_bus
async def targets(run: Run, client: Client) -> None:
    """List the saved targets."""
    known = sorted(client.snapshot.targets.values(), key=lambda t: t.number)
    if run.json:
        emit({"targets": [shapes.target(t) for t in known]})
        return
    rows = [(t.number, t.alias, t.name, operations.portals_text(t.portals), state_cell(t.state)) for t in known]
    table(
        run,
        (">#", "Alias", "Target", "Reached at", "State"),
        rows,
        "No target is saved. `lundock add --from ADDRESS` asks an address and saves what it offers.",
    )


async def _from_address(run: Run, client: Client, address: str, name: str | None, interface: str) -> operations.Found:
    """Ask an address; return the target named, or the only one."""
    with progress(run, f"Asking {address}") as on_step:
        found = await operations.discover(client, address, interface=interface, on_step=on_step)
    matching = [t for t in found if name is None or t.name == name] or [t for t in found if name and name in t.name]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise Problem("NotFound", what=f"target “{name}” at {address}" if name else f"target at {address}")
    names = ", ".join(t.name for t in matching[:8])
    raise Problem("InvalidArgument", argument="NAME", detail=f"There are several; say which: {names}.")


@click.command()
@click.argument("name", required=False)
@click.option("--portal", "portals", multiple=True, metavar="ADDR[:PORT]", help="Where it is reached; may be repeated.")
@click.option("--from", "source", metavar="ADDRESS", help="Ask ADDRESS for the target and its portals.")
@click.option("--interface", metavar="NAME", default="", help="Bind the session to this network interface.")
@click.option("--alias", metavar="TEXT", default="", help="A name for people.")
@chap_options
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting; may be repeated.")
@common_options
@on_bus
async def add(
    run: Run,
    client: Client,
    name: str | None,
    portals: tuple[str, ...],
    source: str | None,
    interface: str,
    alias: str,
    chap_name: str,
    target_chap_name: str,
    sign_in: str | None,
    settings: tuple[str, ...],
) -> None:
    """Save the target NAME, reached at --portal, or as --from ADDRESS says."""
    checked = parse_settings(settings)
    where: list[Mapping[str, Any]] = [operations.parse_portal(p) for p in portals]
    if source is not None:
        found = await _from_address(run, client, source, name, interface)
        name, where = found.name, where or list(found.portals)
    if not name or not where:
        raise Problem("InvalidArgument", argument="NAME", detail="Give a name and --portal, or --from ADDRESS.")
    path = await operations.add_target(
        client,
        name,
        where,
        alias=alias,
        interface=interface,
        sign_in=sign_in_of(chap_name, target_chap_name, sign_in),
        settings=checked,
    )
    record = await target_now(client, path)
    if run.json:
        emit({"target": shapes.target(record)})
    else:
        run.out.print(f"Saved as number {record.number}: {record.name}")


@click.command()
@click.argument("target")
@common_options
@on_bus
async def show(run: Run, client: Client, target: str) -> None:
    """Show everything about TARGET (name, alias, number or a part of the name)."""
    record = operations.find_target(client.snapshot.targets, target)
    if run.json:
        emit({"target": shapes.target(record)})
        return
    rows: list[tuple[str, str]] = [
        ("Name", record.name),
        ("Alias", record.alias),
        ("Reached at", operations.portals_text(record.portals)),
        ("State", text.state(record.state)),
        ("Interface", record.interface or "the system's choice"),
        ("Sign-in", record.sign_in),
        ("CHAP name", record.chap_name),
        ("Target's CHAP name", record.target_chap_name),
        ("Start-up", record.startup),
        ("Last error", record.last_error),
    ]
    table(run, ("", ""), [row for row in rows if row[1]], "")
    if run.out.is_terminal:
        run.out.print()
    table(run, ("Setting", "Value", "What it does"), list(_settings(record)), "")


def _settings(record: Target) -> Any:
    for name, setting in settings_table().items():
        value = record.settings.get(name, setting.default)
        shown = ",".join(value) if isinstance(value, list | tuple) else str(value)
        changed = value != (list(setting.default) if isinstance(setting.default, tuple) else setting.default)
        yield (name, shown + (" *" if changed else ""), setting.help)


@click.command("set")
@click.argument("target")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--alias", metavar="TEXT", help="A name for people; empty takes it away.")
@click.option(
    "--portal", "portals", multiple=True, metavar="ADDR[:PORT]", help="Where it is reached, instead of before."
)
@click.option("--interface", metavar="NAME", help="Bind the session to this interface; empty: the system's choice.")
@chap_options
@common_options
@on_bus
async def set_(
    run: Run,
    client: Client,
    target: str,
    settings: tuple[str, ...],
    alias: str | None,
    portals: tuple[str, ...],
    interface: str | None,
    chap_name: str,
    target_chap_name: str,
    sign_in: str | None,
) -> None:
    """Change TARGET's record: settings as KEY=VALUE (KEY= is the default again), and what the options name.

    alias=TEXT and interface=NAME are the same as the options.
    """
    record = operations.find_target(client.snapshot.targets, target)
    own, settings = split_record(settings)
    changes: dict[str, Any] = own | {k: v for k, v in (("alias", alias), ("interface", interface)) if v is not None}
    if portals:
        changes["portals"] = [operations.parse_portal(p) for p in portals]
    sign = sign_in_of(chap_name, target_chap_name, sign_in)
    if sign is not None:
        changes |= sign.options()
    if settings:
        changes["settings"] = parse_settings(settings, may_reset=True)
    if not changes:
        raise Problem("InvalidArgument", argument="KEY=VALUE", detail="There is nothing to change.")
    await operations.update_target(client, record.path, changes)
    if run.json:
        emit({"target": shapes.target(client.snapshot.targets.get(record.path, record))})
    else:
        run.out.print(f"Changed: {record.name}")


@click.command()
@click.argument("target")
@common_options
@on_bus
async def forget(run: Run, client: Client, target: str) -> None:
    """Forget TARGET's record, and its secrets in the keyring. Nothing on the target changes."""
    record = operations.find_target(client.snapshot.targets, target)
    await operations.remove_target(client, record.path)
    if record.sign_in != "none":
        await _forget_secrets(record.name)
    if run.json:
        emit({"forgotten": record.name})
    else:
        run.out.print(f"Forgotten: {record.name}")


async def _forget_secrets(name: str) -> None:
    try:
        await asyncio.wrap_future(Keyring().forget(name))
    except Problem:
        return  # no keyring, so nothing in it


def _status(snapshot: Snapshot) -> dict[str, Any]:
    manager = snapshot.manager
    return {
        "link": snapshot.link.value,
        "bus": snapshot.bus,
        "version": manager.version,
        "initiator_name": manager.initiator_name,
        "initiator_alias": manager.initiator_alias,
        "attach_methods": shapes.keys(manager.attach_methods),
        "targets": len(snapshot.targets),
        "connected": sum(1 for s in snapshot.sessions.values() if s.state == "connected"),
    }


@click.command()
@common_options
@on_bus
async def status(run: Run, client: Client) -> None:
    """Show the service, this computer's iSCSI name, and what it can do."""
    values = _status(client.snapshot)
    if run.json:
        emit(values)
        return
    run.out.print(f"Lundock {values['version']}, {values['targets']} saved targets, {values['connected']} connected")
    run.out.print(f"This computer's name: {values['initiator_name']}")
    rows = [
        (m.get("name", ""), "yes" if m.get("available") else "no", m.get("reason", ""))
        for m in client.snapshot.manager.attach_methods
    ]
    table(run, ("Attach as", "Possible", "Why"), rows, "No way to attach disks.")


@click.command()
@click.option("--since", metavar="ID", type=int, default=0, help="Only those after this one.")
@click.option("--limit", metavar="N", type=click.IntRange(1, 100_000), default=100, help="At most so many, the newest.")
@common_options
@on_bus
async def events(run: Run, client: Client, since: int, limit: int) -> None:
    """Show the timeline: connected, lost, restored, ejected."""
    found = await operations.events(client, since=since, limit=limit)
    if run.json:
        emit({"events": [shapes.keys(e) for e in found]})
        return
    rows = [
        (
            text.exact(int(e.get("time", 0))),
            e.get("target", ""),
            text.event(str(e.get("kind", ""))),
            text.detail(e.get("detail", {})),
        )
        for e in found
    ]
    table(run, ("When", "Target", "What", ""), rows, "Nothing has happened yet.")


def portal_cell(portal: Mapping[str, Any]) -> str:
    """Return a session's portal for a table."""
    return portal_text(portal) if portal else ""
