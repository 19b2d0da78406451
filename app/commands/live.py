# SPDX-License-Identifier: Apache-2.0
"""Subcommands about what is connected: login, logout, sessions, luns, attach, eject, rescan, stats."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click
from rich.live import Live
from rich.table import Table

from ...helper.api.errors import Problem
from .. import text
from ..client import operations
from ..client.client import Client
from ..client.objects import Lun, Target
from ..model.rates import Rate, Rates
from ..secrets import Keyring
from . import shapes
from .common import Run, ask_secret, common_options, emit, on_bus, progress, read_secret, state_cell, table
from .records import portal_cell, target_now

_WANTS_SIGN_IN = frozenset({"AuthenticationRequired"})


def _lun_row(lun: Lun, target: Target | None) -> tuple[object, ...]:
    flags = [word for word, on in (("read-only", lun.read_only), ("thin", lun.thin)) if on]
    holders = ", ".join(text.holder(h) for h in lun.holders)
    place = f"{target.title if target else '?'}/{lun.lun}"
    if lun.kind != "disk":
        return (place, lun.title, f"({lun.kind})", "", "", "")
    size = text.size(lun.size) if lun.size else "not ready"
    return (place, lun.title, size, " ".join(flags), lun.device or "not attached", holders)


_LUN_COLUMNS = ("Disk", "Model", ">Size", "", "Device", "In use")


async def _from_keyring(name: str) -> operations.Secrets | None:
    try:
        return await asyncio.wrap_future(Keyring().get(name))
    except Problem:
        return None


async def _secrets_for(
    run: Run, record: Target, sign_in: operations.SignIn, secret: str | None, target_secret: str | None
) -> operations.Secrets | None:
    """Return what the sign-in needs: as given, from the keyring, or typed."""
    if sign_in.method == "none":
        return None
    given = operations.Secrets(secret or "", target_secret or "")
    if not given.secret:
        kept = await _from_keyring(record.name)
        given = kept or given
    if not given.secret and run.interactive:
        who = sign_in.chap_name or "this computer"
        given = operations.Secrets(ask_secret(run, f"Secret of {who} for {record.title}"), given.target_secret)
    if sign_in.method == "mutual" and not given.target_secret and run.interactive:
        given = operations.Secrets(given.secret, ask_secret(run, f"Secret of the target {record.title}"))
    if not given.secret or (sign_in.method == "mutual" and not given.target_secret):
        # The service asks its caller's agent next, and we have none: say so here, where it can be said better.
        raise Problem("SecretsUnavailable", target=record.name, detail="Give it with --secret-file or --secret-fd.")
    return given


@click.command()
@click.argument("target")
@click.option("--user", metavar="NAME", help="Sign in (CHAP) under this name.")
@click.option(
    "--secret-file", metavar="FILE", help="Read our secret from the first line of FILE (- is standard input)."
)
@click.option("--secret-fd", metavar="N", type=int, help="Read our secret from this descriptor.")
@click.option("--target-user", metavar="NAME", help="The target must prove itself under this name.")
@click.option("--target-secret-file", metavar="FILE", help="Read the target's secret from the first line of FILE.")
@click.option("--target-secret-fd", metavar="N", type=int, help="Read the target's secret from this descriptor.")
@click.option("--attach", "and_attach", is_flag=True, help="Attach its disks, too.")
@click.option("--keep", is_flag=True, help="Save the names in the record and the secrets in the keyring.")
@common_options
@on_bus
async def login(
    run: Run,
    client: Client,
    target: str,
    user: str | None,
    secret_file: str | None,
    secret_fd: int | None,
    target_user: str | None,
    target_secret_file: str | None,
    target_secret_fd: int | None,
    and_attach: bool,
    keep: bool,
) -> None:
    """Connect to TARGET. Secrets are asked for, or read from a file or descriptor; never given as an argument."""
    record = operations.find_target(client.snapshot.targets, target)
    secret = read_secret(secret_file, secret_fd, "--secret-file")
    target_secret = read_secret(target_secret_file, target_secret_fd, "--target-secret-file")
    sign_in = _sign_in(record, user, target_user, mutual=target_secret is not None, chap=secret is not None)
    secrets = await _secrets_for(run, record, sign_in, secret, target_secret)
    try:
        session, luns = await _login(run, client, record, sign_in, secrets)
    except Problem as problem:
        if problem.code not in _WANTS_SIGN_IN or not run.interactive or sign_in.method != "none":
            raise
        run.err.print("The target asks for a name and a secret.")
        name = click.prompt("Name", default=client.snapshot.manager.initiator_name, err=True)
        sign_in = operations.SignIn("chap", name)
        secrets = await _secrets_for(run, record, sign_in, None, None)
        session, luns = await _login(run, client, record, sign_in, secrets)
    if keep:
        await _keep(client, record, sign_in, secrets)
    disks = [await operations.wait_for(client, lun) for lun in luns]
    if and_attach:
        disks = [await _attach_one(run, client, lun) for lun in disks]
    await _show_login(run, client, record, session, disks)


def _sign_in(
    record: Target, user: str | None, target_user: str | None, *, mutual: bool, chap: bool
) -> operations.SignIn:
    if user is None and target_user is None and not mutual and not chap:
        return operations.SignIn(record.sign_in, record.chap_name, record.target_chap_name)
    wants_mutual = mutual or target_user is not None or record.sign_in == "mutual"
    return operations.SignIn(
        "mutual" if wants_mutual else "chap",
        record.chap_name if user is None else user,
        record.target_chap_name if target_user is None else target_user,
    )


async def _login(
    run: Run, client: Client, record: Target, sign_in: operations.SignIn, secrets: operations.Secrets | None
) -> tuple[str, tuple[str, ...]]:
    with progress(run, f"Connecting to {record.title}") as on_step:
        return await operations.login(client, record.path, sign_in=sign_in, secrets=secrets, on_step=on_step)


async def _keep(client: Client, record: Target, sign_in: operations.SignIn, secrets: operations.Secrets | None) -> None:
    await operations.update_target(client, record.path, sign_in.options())
    if secrets:
        await asyncio.wrap_future(Keyring().store(record.name, secrets))


async def _attach_one(run: Run, client: Client, lun: Lun) -> Lun:
    if lun.usable and not lun.device:
        with progress(run, f"Attaching {lun.title}") as on_step:
            await operations.attach(client, lun.path, on_step=on_step)
    return client.snapshot.luns.get(lun.path, lun)


async def _show_login(run: Run, client: Client, record: Target, session: str, disks: list[Lun]) -> None:
    record = client.snapshot.targets.get(record.path, record)
    if run.json:
        view = client.snapshot.sessions.get(session)
        emit(
            {
                "target": shapes.target(record),
                "session": shapes.session(view, client.snapshot) if view else None,
                "luns": [shapes.lun(lun, client.snapshot) for lun in disks],
            }
        )
        return
    run.out.print(f"Connected to {record.title}.")
    table(run, _LUN_COLUMNS, [_lun_row(lun, record) for lun in disks], "The target shows no disks to this computer.")


@click.command()
@click.argument("target")
@common_options
@on_bus
async def logout(run: Run, client: Client, target: str) -> None:
    """Eject TARGET's disks and disconnect."""
    record = operations.find_target(client.snapshot.targets, target)
    with progress(run, f"Disconnecting {record.title}") as on_step:
        await operations.logout(client, record.path, on_step)
    if run.json:
        emit({"target": shapes.target(await target_now(client, record.path))})
    else:
        run.out.print(f"Disconnected from {record.title}.")


@click.command()
@common_options
@on_bus
async def sessions(run: Run, client: Client) -> None:
    """List the live sessions."""
    snapshot = client.snapshot
    live = sorted(snapshot.sessions.values(), key=lambda s: s.number)
    if run.json:
        emit({"sessions": [shapes.session(s, snapshot) for s in live]})
        return
    rows = []
    for session in live:
        record = snapshot.targets.get(session.target)
        since = text.ago(session.since) if session.since else ""
        rows.append(
            (
                session.number,
                record.name if record else session.target,
                state_cell(session.state),
                portal_cell(session.portal),
                since,
                session.reconnects,
            )
        )
    table(run, (">#", "Target", "State", "Connected at", "Since", ">Reconnects"), rows, "Nothing is connected.")


@click.command()
@click.argument("target", required=False)
@common_options
@on_bus
async def luns(run: Run, client: Client, target: str | None) -> None:
    """List the disks of all sessions, or of TARGET."""
    snapshot = client.snapshot
    wanted = operations.find_target(snapshot.targets, target).path if target else None
    found = sorted(
        (x for x in snapshot.luns.values() if wanted in {None, x.target}), key=lambda x: (x.target, x.address)
    )
    if run.json:
        emit({"luns": [shapes.lun(lun, snapshot) for lun in found]})
        return
    table(
        run,
        _LUN_COLUMNS,
        [_lun_row(x, snapshot.targets.get(x.target)) for x in found],
        "No disks: nothing is connected.",
    )


@click.command()
@click.argument("disk")
@click.option("--method", default="auto", metavar="NAME", help="How it becomes a device; see `lundock status`.")
@click.option("--read-only", is_flag=True, help="Never write to it.")
@common_options
@on_bus
async def attach(run: Run, client: Client, disk: str, method: str, read_only: bool) -> None:
    """Make DISK (target/lun, or the target's only disk) a device."""
    lun = operations.find_lun(client.snapshot.luns, client.snapshot.targets, disk)
    with progress(run, f"Attaching {lun.title}") as on_step:
        done = await operations.attach(client, lun.path, method=method, read_only=read_only, on_step=on_step)
    if run.json:
        view = client.snapshot.luns.get(lun.path, lun)
        emit(
            {
                "lun": shapes.lun(view, client.snapshot),
                "device": done.device,
                "method": done.method,
                "reason": done.reason,
            }
        )
    else:
        run.out.print(done.device)
        run.err.print(f"Attached as {done.method}: {done.reason}")


@click.command()
@click.argument("disk")
@common_options
@on_bus
async def eject(run: Run, client: Client, disk: str) -> None:
    """Write out what is pending and take DISK's device (target/lun, or the device) away."""
    lun = operations.find_lun(client.snapshot.luns, client.snapshot.targets, disk)
    with progress(run, f"Ejecting {lun.title}") as on_step:
        await operations.eject(client, lun.path, on_step)
    if run.json:
        emit({"lun": shapes.lun(client.snapshot.luns.get(lun.path, lun), client.snapshot)})
    else:
        run.out.print(f"Ejected: {lun.title}. It is safe to unplug.")


@click.command()
@click.argument("target")
@common_options
@on_bus
async def rescan(run: Run, client: Client, target: str) -> None:
    """Ask TARGET for its disks again."""
    record = operations.find_target(client.snapshot.targets, target)
    if not record.connected or record.session == "/":
        raise Problem("NotConnected", target=record.title)
    with progress(run, f"Asking {record.title}") as on_step:
        await operations.rescan(client, record.session, on_step)
    disks = client.snapshot.luns_of(record)
    if run.json:
        emit({"luns": [shapes.lun(lun, client.snapshot) for lun in disks]})
    else:
        table(
            run, _LUN_COLUMNS, [_lun_row(lun, record) for lun in disks], "The target shows no disks to this computer."
        )


# ---- live figures


def _figures(client: Client, statistics: dict[str, dict[str, Any]], rates: Rates) -> dict[str, Any]:
    snapshot = client.snapshot
    sessions, disks = [], []
    for path, values in sorted(statistics.items()):
        if path in snapshot.luns:
            lun = snapshot.luns[path]
            record = snapshot.targets.get(lun.target)
            disks.append(
                {"path": path, "target": record.name if record else "", "lun": lun.lun}
                | shapes.keys(values)
                | _rates(rates.of(path))
            )
        elif path in snapshot.sessions:
            record = snapshot.targets.get(snapshot.sessions[path].target)
            mine = [lun.path for lun in snapshot.luns.values() if lun.session == path]
            sessions.append(
                {"path": path, "target": record.name if record else ""}
                | shapes.keys(values)
                | _rates(rates.sum_of(mine))
            )
    return {"time": int(time.time() * 1e6), "sessions": sessions, "luns": disks}


def _rates(rate: Rate | None) -> dict[str, float | None]:
    if rate is None:
        return {"read_rate": None, "write_rate": None}
    return {"read_rate": round(rate.read, 1), "write_rate": round(rate.write, 1)}


_FIGURES = ("Disk", ">Read", ">Write", ">Reads/s", ">Writes/s", ">Read p50/p99", ">Write p50/p99", ">Queue", ">Errors")


def _figures_table(client: Client, figures: dict[str, Any], rates: Rates) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in _FIGURES:
        right = column.startswith(">")
        made.add_column(column.removeprefix(">"), justify="right" if right else "left", no_wrap=True)
    for cells in _figures_rows(client, figures, rates):
        made.add_row(*cells)
    return made


def _figures_rows(client: Client, figures: dict[str, Any], rates: Rates) -> list[list[str]]:
    return [_figures_row(client, row, rates.of(row["path"])) for row in figures["luns"]]


def _figures_row(client: Client, row: dict[str, Any], rate: Rate | None) -> list[str]:
    lun = client.snapshot.luns.get(row["path"])
    record = client.snapshot.targets.get(lun.target) if lun else None
    now = rate or Rate()
    return [
        f"{record.title if record else row['target']}/{row['lun']}",
        text.rate(now.read),
        text.rate(now.write),
        f"{now.read_ops:.0f}",
        f"{now.write_ops:.0f}",
        _latency(row.get("read_latency")),
        _latency(row.get("write_latency")),
        str(row.get("in_flight", 0)),
        str(row.get("errors", 0)),
    ]


def _latency(values: Any) -> str:
    if not isinstance(values, dict) or not values.get("count"):
        return "-"
    return f"{text.microseconds(values.get('p50', 0))} / {text.microseconds(values.get('p99', 0))}"


@click.command()
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--interval", default=1.0, type=click.FloatRange(0.25, 3600), help="Seconds between two looks.")
@click.option("--count", default=0, type=click.IntRange(0), help="End after so many looks.")
@common_options
@on_bus
async def stats(run: Run, client: Client, watch: bool, interval: float, count: int) -> None:
    """Show what is read and written, and how fast."""
    rates = Rates()
    if not watch and not count:
        await _look(client, rates)
        await asyncio.sleep(min(interval, 0.5))
        figures = await _look(client, rates)
        if run.json:
            emit(figures)
        else:
            table(run, _FIGURES, _figures_rows(client, figures, rates), "No disks: nothing is connected.")
        return
    live = None if run.json or not run.out.is_terminal else Live(console=run.out, auto_refresh=False)
    try:
        if live is not None:
            live.start()
        await _watch(run, client, rates, live, interval, count)
    finally:
        if live is not None:
            live.stop()


async def _look(client: Client, rates: Rates) -> dict[str, Any]:
    statistics = await operations.statistics(client)
    rates.take(statistics, time.monotonic())
    return _figures(client, statistics, rates)


async def _watch(run: Run, client: Client, rates: Rates, live: Live | None, interval: float, count: int) -> None:
    looks = 0
    await _look(client, rates)
    while not count or looks < count:
        await asyncio.sleep(interval)
        figures = await _look(client, rates)
        looks += 1
        if run.json:
            emit(figures)
        elif live is not None:
            live.update(_figures_table(client, figures, rates), refresh=True)
        else:
            table(run, _FIGURES, _figures_rows(client, figures, rates), "No disks: nothing is connected.")
