# SPDX-License-Identifier: Apache-2.0
"""Subcommands about what is found and what is saved: discover, targets, add, show, set, forget."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import click

from ...helper.api.errors import Problem
from ...helper.api.settings import Value
from ...helper.api.settings import table as settings_table
from .. import text
from ..client import operations
from ..client.client import Client
from ..client.objects import Target
from ..flows.link import is_link, parse_link
from . import shapes
from .common import on_bus
from .naming import ADDRESS, INTERFACE, SETTING, TARGET
from .options import Run, common_options
from .output import Cell, emit, progress, state_cell, table, tell
from .signing import Attempts, Given, forget_secrets, name_options, sign_in_of, sign_in_options

#: When a target is connected, and how that is said to the service.
STARTUPS = ("manual", "login")
startup_option = click.option(
    "--startup", type=click.Choice(STARTUPS), help="Connect by hand (manual), or by itself at log-in (login)."
)


def parse_settings(pairs: tuple[str, ...], *, may_reset: bool = False) -> dict[str, Value]:
    """Return `key=value` pairs as settings, checked against the table. Raises Problem("InvalidArgument")."""
    found: dict[str, Value] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        name = key.strip().replace("-", "_").lower()
        if not equals:
            raise Problem("InvalidArgument", argument="KEY=VALUE", detail=f"“{pair}” is not of the form key=value.")
        if name not in settings_table():
            detail = f"There is no setting “{name[:60]}”; `lundock show TARGET --settings` lists them."
            raise Problem("InvalidArgument", argument="KEY=VALUE", detail=detail)
        found[name] = "" if may_reset and value == "" else settings_table()[name].check(value)
    return found


def split_record(pairs: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what belongs to the record and is no setting, which people write in the same way, and the other pairs."""
    split = {pair: pair.partition("=") for pair in pairs}
    own = {key.strip().lower(): value for key, equals, value in split.values() if equals}
    own = {key: value for key, value in own.items() if key in {"alias", "interface"}}
    return own, tuple(pair for pair, (key, _, _) in split.items() if key.strip().lower() not in own)


async def target_now(client: Client, path: str) -> Target:
    """Return a target that was just made or changed; its signal may be a moment behind."""
    for _ in range(100):
        if path in client.snapshot.targets:
            return client.snapshot.targets[path]
        await asyncio.sleep(0.02)
    raise Problem("NotFound", what=path)


@click.command()
@click.argument("address")
@click.option("--interface", metavar="NAME", default="", type=INTERFACE, help="Go through this network interface.")
@sign_in_options
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    type=SETTING,
    help="A setting of this login; may be repeated.",
)
@common_options
@on_bus
async def discover(
    run: Run, client: Client, address: str, interface: str, settings: tuple[str, ...], **given: Any
) -> None:
    """Ask ADDRESS for the targets it offers. Nothing is saved.

    ADDRESS is a name or a number, with a port where it is not 3260. Some devices want a name and a secret even for
    the list.

    \b
    For example:
      lundock discover nas.local
      lundock discover "[2001:db8::5]:3261" --user me
    """
    checked = parse_settings(settings)
    said = Given(given)

    async def look(sign_in: operations.SignIn, secrets: operations.Secrets | None) -> tuple[operations.Found, ...]:
        with progress(run, f"Asking {address}") as on_step:
            return await operations.discover(
                client, address, interface=interface, sign_in=sign_in, secrets=secrets, settings=checked,
                on_step=on_step,
            )  # fmt: skip

    found = (await Attempts(run, said, address)(said.sign_in(operations.SignIn()), look)).result
    if run.json:
        targets = [{"name": t.name, "portals": shapes.keys(t.portals)} for t in found]
        emit({"address": address, "targets": targets})
        return
    rows = [(t.name, operations.portals_text(t.portals)) for t in found]
    table(run, ("Target", "Reached at"), rows, f"{address} offers no targets to this computer.")


@click.command()
@common_options
@on_bus
async def targets(run: Run, client: Client) -> None:
    """List the saved targets: number, alias, name, where they are reached, state."""
    known = sorted(client.snapshot.targets.values(), key=lambda t: t.number)
    if run.json:
        emit({"targets": [shapes.target(t) for t in known]})
        return
    rows = [(t.number, t.alias, t.name, operations.portals_text(t.portals), _state(t)) for t in known]
    nothing = "No target is saved yet. `lundock connect ADDRESS` asks a device and connects to what it offers."
    table(run, (">#", "Alias", "Target", "Reached at", "State"), rows, nothing)


def _state(target: Target) -> Cell:
    return Cell("not offered any more", "yellow", "▲") if target.vanished else state_cell(target.state)


async def found_at(
    run: Run, client: Client, address: str, name: str | None, interface: str, given: Given | None = None
) -> tuple[operations.Found, ...]:
    """Ask an address; return the target named, or all."""

    async def look(
        sign_in: operations.SignIn | None = None, secrets: operations.Secrets | None = None
    ) -> tuple[operations.Found, ...]:
        with progress(run, f"Asking {address}") as on_step:
            return await operations.discover(
                client, address, interface=interface, sign_in=sign_in, secrets=secrets, to_save=True, on_step=on_step
            )

    if given is None:
        found = await look()
    else:
        found = (await Attempts(run, given, address)(given.sign_in(operations.SignIn()), look)).result
    matching = tuple(t for t in found if name is None or t.name == name)
    matching = matching or tuple(t for t in found if name and name in t.name)
    if not matching:
        raise Problem("NotFound", what=f"target “{name}” at {address}" if name else f"target at {address}")
    return matching


def only(found: tuple[operations.Found, ...]) -> operations.Found:
    """Return the one that was found."""
    if len(found) != 1:
        names = ", ".join(t.name for t in found[:8])
        raise Problem("InvalidArgument", argument="NAME", detail=f"There are several; say which: {names}.")
    return found[0]


@click.command()
@click.argument("name", required=False)
@click.option("--portal", "portals", multiple=True, metavar="ADDR[:PORT]", help="Where it is reached; may be repeated.")
@click.option("--from", "source", metavar="ADDRESS", type=ADDRESS, help="Ask ADDRESS for the target and its portals.")
@click.option("--interface", metavar="NAME", default="", type=INTERFACE, help="Go through this network interface only.")
@click.option("--alias", metavar="TEXT", default="", help="A name for people.")
@name_options
@startup_option
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", type=SETTING, help="A setting; may be repeated.")
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
    chap_name: str | None,
    target_chap_name: str | None,
    method: str | None,
    startup: str | None,
    settings: tuple[str, ...],
) -> None:
    """Save the target NAME, reached at --portal, or as --from ADDRESS says. NAME may be an iscsi:// link.

    \b
    For example:
      lundock add --from nas.local --alias Backup
      lundock add iqn.2026-01.org.example:disk --portal 192.0.2.5 --set read_only=yes
      lundock add iscsi://me@nas.local/iqn.2026-01.org.example:disk
    """
    checked = parse_settings(settings)
    where: list[Mapping[str, Any]] = [operations.parse_portal(p) for p in portals]
    if name and is_link(name):
        link = parse_link(name)
        name, chap_name = link.target or None, chap_name or link.user
        where = where or [operations.parse_portal(link.address)]
        source = source if name or source else link.address
    if source is not None:
        found = only(await found_at(run, client, source, name, interface))
        name, where = found.name, where or list(found.portals)
    if not name or not where:
        raise Problem("InvalidArgument", argument="NAME", detail="Give a name and --portal, or --from ADDRESS.")
    path = await operations.add_target(
        client,
        name,
        where,
        alias=alias,
        startup=startup or "",
        interface=interface,
        sign_in=sign_in_of(chap_name, target_chap_name, method),
        settings=checked,
    )
    record = await target_now(client, path)
    if run.json:
        emit({"target": shapes.target(record)})
    else:
        tell(run, f"Saved as number {record.number}: {record.name}")


@click.command()
@click.argument("target", type=TARGET)
@click.option("--settings", "whole", is_flag=True, help="List every setting, also what is as usual, and what it does.")
@common_options
@on_bus
async def show(run: Run, client: Client, target: str, whole: bool) -> None:
    """Show everything about TARGET: what is saved, its state, and the settings that are not as usual."""
    record = operations.find_target(client.snapshot.targets, target)
    if run.json:
        emit({"target": shapes.target(record)})
        return
    source = client.snapshot.portals.get(record.source)
    rows: list[tuple[str, str]] = [
        ("Name", record.name),
        ("Alias", record.alias),
        ("Reached at", operations.portals_text(record.portals)),
        ("State", text.state(record.state)),
        ("Found at", (source.address if source else "") + (", not offered any more" if record.vanished else "")),
        ("Interface", record.interface or "the system's choice"),
        ("Sign-in", record.sign_in),
        ("Name to sign in", record.chap_name),
        ("Target's own name", record.target_chap_name),
        ("Connects", text.startup(record.startup)),
        ("Last error", record.last_error),
    ]
    table(run, ("", ""), [row for row in rows if row[1]], "")
    settings = [row for row in _settings(record) if whole or row[2] != "default"]
    if settings and run.out.is_terminal:
        run.out.print()
    usual = "Its settings are the usual ones; --settings lists them."
    table(run, ("Setting", "Value", "From", "What it does"), settings, usual)


def _settings(record: Target) -> Iterator[tuple[object, ...]]:
    for name, setting in settings_table().items():
        value = record.settings.get(name, setting.default)
        shown = _shown(value)
        usual = list(setting.default) if isinstance(setting.default, tuple) else setting.default
        origin = record.settings_origin.get(name, "default" if value in (usual, setting.default) else "target")
        yield (name, Cell(shown, "" if origin == "default" else "bold"), origin, setting.help)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


@click.command("set")
@click.argument("target", type=TARGET)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...", type=SETTING)
@click.option("--alias", metavar="TEXT", help="A name for people; empty takes it away.")
@click.option(
    "--portal", "portals", multiple=True, metavar="ADDR[:PORT]", help="Where it is reached, instead of before."
)
@click.option(
    "--interface", metavar="NAME", type=INTERFACE, help="Go through this interface only; empty: the system's choice."
)
@name_options
@startup_option
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
    chap_name: str | None,
    target_chap_name: str | None,
    method: str | None,
    startup: str | None,
) -> None:
    """Change TARGET's record: settings as KEY=VALUE, and what the options name.

    KEY= gives a setting back to its default; alias=TEXT and interface=NAME are the same as the options. A session that
    is up takes the changes when it connects the next time.

    \b
    For example:
      lundock set Backup read_only=yes --startup login
      lundock set Backup --alias "" ping_interval=
    """
    record = operations.find_target(client.snapshot.targets, target)
    named = (("alias", alias), ("interface", interface), ("startup", startup))
    own, settings = split_record(settings)
    changes: dict[str, Any] = own | {k: v for k, v in named if v is not None}
    if portals:
        changes["portals"] = [operations.parse_portal(p) for p in portals]
    sign = sign_in_of(chap_name, target_chap_name, method)
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
        tell(run, f"Changed: {record.name}")


@click.command()
@click.argument("target", type=TARGET)
@common_options
@on_bus
async def forget(run: Run, client: Client, target: str) -> None:
    """Forget TARGET's record, and its secrets in the keyring. Nothing on the target changes."""
    record = operations.find_target(client.snapshot.targets, target)
    await operations.remove_target(client, record.path)
    if record.sign_in != "none":
        await forget_secrets(record.name)
    if run.json:
        emit({"forgotten": record.name})
    else:
        tell(run, f"Forgotten: {record.name}")
