# SPDX-License-Identifier: Apache-2.0
"""Subcommands about disks: luns, attach, eject; mount, unmount and format through UDisks2."""

from __future__ import annotations

import click

from ...helper.api.errors import Problem
from .. import text
from ..client import operations, udisks
from ..client.client import Client
from ..client.objects import Lun, Target
from ..flows import mount as mounting
from . import shapes
from .common import on_bus, sure
from .naming import DISK, METHOD, TARGET
from .options import Run, common_options
from .output import emit, progress, say, table, tell

COLUMNS = ("Disk", "Model", ">Size", "", "Device", "In use")
NO_DISKS = "The target shows no disks to this computer."


def place(lun: Lun, target: Target | None) -> str:
    """Return how a person names a disk: "target/lun"."""
    return f"{target.title if target else '?'}/{lun.lun}"


def lun_row(lun: Lun, target: Target | None) -> tuple[object, ...]:
    """Return a disk's row for COLUMNS."""
    flags = [word for word, on in (("read-only", lun.read_only), ("thin", lun.thin)) if on]
    holders = ", ".join(text.holder(h) for h in lun.holders)
    if lun.kind != "disk":
        return (place(lun, target), lun.title, f"({lun.kind})", "", "", "")
    size = text.size(lun.size) if lun.size else "not ready"
    return (place(lun, target), lun.title, size, " ".join(flags), lun.device or "not attached", holders)


async def attach_one(run: Run, client: Client, lun: Lun, method: str = "auto", *, read_only: bool = False) -> Lun:
    """Attach a disk unless it is attached, or is none; return how it is then."""
    if lun.usable and not lun.device:
        with progress(run, f"Attaching {lun.title}") as on_step:
            await operations.attach(client, lun.path, method=method, read_only=read_only, on_step=on_step)
    return client.snapshot.luns.get(lun.path, lun)


def _find(client: Client, words: str) -> Lun:
    return operations.find_lun(client.snapshot.luns, client.snapshot.targets, words)


def _shape(client: Client, lun: Lun) -> dict[str, object]:
    return shapes.lun(client.snapshot.luns.get(lun.path, lun), client.snapshot)


@click.command()
@click.argument("target", required=False, type=TARGET)
@common_options
@on_bus
async def luns(run: Run, client: Client, target: str | None) -> None:
    """List the disks of everything that is connected, or of TARGET: size, device, and what uses them."""
    snapshot = client.snapshot
    wanted = operations.find_target(snapshot.targets, target).path if target else None
    found = [lun for lun in snapshot.luns.values() if wanted in {None, lun.target}]
    found.sort(key=lambda lun: (lun.target, lun.address))
    if run.json:
        emit({"luns": [shapes.lun(lun, snapshot) for lun in found]})
        return
    rows = [lun_row(lun, snapshot.targets.get(lun.target)) for lun in found]
    table(run, COLUMNS, rows, "No disks: nothing is connected." if wanted is None else "No disks.")


@click.command()
@click.argument("disk", type=DISK)
@click.option("--method", default="auto", metavar="NAME", type=METHOD, help="How; `lundock status` lists the ways.")
@click.option("--read-only", is_flag=True, help="Never write to it.")
@common_options
@on_bus
async def attach(run: Run, client: Client, disk: str, method: str, read_only: bool) -> None:
    """Make DISK (target/lun, or the target's only disk) a device, and print the device.

    \b
    For example:
      lundock attach Backup
      mount "$(lundock attach Backup/1)" /mnt
    """
    lun = _find(client, disk)
    with progress(run, f"Attaching {lun.title}") as on_step:
        done = await operations.attach(client, lun.path, method=method, read_only=read_only, on_step=on_step)
    if run.json:
        emit(
            {"lun": _shape(client, lun), "device": done.device, "method": done.method, "reason": done.reason}
        )  # fmt: skip
    else:
        tell(run, done.device)
        say(f"Attached as {done.method}: {done.reason}")


@click.command()
@click.argument("disk", type=DISK)
@click.option("--unmount", "unmounts", is_flag=True, help="Unmount it first (through UDisks2).")
@click.option("--force", is_flag=True, help="Whoever uses it, also when the target is away: data may be lost.")
@click.option("--yes", is_flag=True, help="Do not ask whether that is meant.")
@common_options
@on_bus
async def eject(run: Run, client: Client, disk: str, unmounts: bool, force: bool, yes: bool) -> None:
    """Write out what is pending and take DISK's device away. A disk that is in use stays as it is.

    \b
    For example:
      lundock eject Backup --unmount
      lundock eject /dev/loop7
    """
    lun = _find(client, disk)
    if force:
        sure(run, f"Take {lun.title} away, whoever uses it? What is not written is lost.", yes=yes)
    if unmounts and lun.device:
        await udisks.unmount(await _usable(lun, "sudo umount {}"))
    with progress(run, f"Ejecting {lun.title}") as on_step:
        await operations.eject(client, lun.path, on_step, force=force)
    if run.json:
        emit({"lun": _shape(client, lun)})
    else:
        tell(run, f"Ejected: {lun.title}. It is safe to unplug.")


# ---- through UDisks2


async def _usable(lun: Lun, instead: str) -> str:
    """Return the disk's device. Where UDisks2 is not there, a Problem that says what to type `instead`."""
    if not lun.device:
        raise Problem("NotAttached")
    if lun.is_file or not await udisks.available():
        why = "It is attached as a file." if lun.is_file else "UDisks2 is not running."
        command = mounting.advice(lun, udisks=False).command if instead == "mount" else instead.format(lun.device)
        raise Problem("NotSupported", what=f"through UDisks2: {lun.device}", detail=f"{why} Type: {command}")
    return lun.device


@click.command()
@click.argument("disk", type=DISK)
@common_options
@on_bus
async def mount(run: Run, client: Client, disk: str) -> None:
    """Mount DISK's file systems through UDisks2, as the desktop does; attach it first if it is not. Prints where."""
    lun = await attach_one(run, client, _find(client, disk))
    where = await udisks.mount(await _usable(lun, "mount"))
    if run.json:
        emit({"lun": _shape(client, lun), "mounted": where})
    else:
        tell(run, where)


@click.command()
@click.argument("disk", type=DISK)
@common_options
@on_bus
async def unmount(run: Run, client: Client, disk: str) -> None:
    """Unmount everything on DISK through UDisks2. It stays attached."""
    lun = _find(client, disk)
    await udisks.unmount(await _usable(lun, "sudo umount {}"))
    if run.json:
        emit({"lun": _shape(client, lun)})
    else:
        tell(run, f"Unmounted: {lun.title}.")


@click.command("format")
@click.argument("disk", type=DISK)
@click.option(
    "--type", "kind", type=click.Choice(list(mounting.FILE_SYSTEMS)), default="ext4", show_default=True, help="Which."
)
@click.option("--label", metavar="TEXT", default="", help="The file system's name.")
@click.option("--yes", is_flag=True, help="Do not ask whether that is meant.")
@common_options
@on_bus
async def format_(run: Run, client: Client, disk: str, kind: str, label: str, yes: bool) -> None:
    """Make a file system on DISK, when it is empty, through UDisks2. A disk with anything on it is refused."""
    lun = await attach_one(run, client, _find(client, disk))
    device = await _usable(lun, f"sudo mkfs.{kind} {{}}")
    sure(run, mounting.question(lun, kind), yes=yes)
    await udisks.format_empty(device, kind, label)
    if run.json:
        emit({"lun": _shape(client, lun), "kind": kind, "label": label})
    else:
        tell(run, f"{device} has an empty {kind} file system now. `lundock mount {disk}` mounts it.")
