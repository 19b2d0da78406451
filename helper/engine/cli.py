# SPDX-License-Identifier: Apache-2.0
"""`lundock-iscsi`: the engine alone, without the helper, for one disk and one command.

Exit codes are those of errors.toml. Secrets are never printed; they are better given by LIBISCSI_CHAP_PASSWORD and
LIBISCSI_CHAP_TARGET_PASSWORD than in the URL, which other users of the computer can see.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from typing import Any

import click

from ..api.errors import Problem
from ..api.usage import Program
from . import client, measure
from . import url as urls
from .names import format_target_address
from .scsi.disk import LunInfo

#: How sizes are written: 4096, 4k, 1M, 2MiB.
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def _size(_ctx: click.Context, param: click.Parameter, value: str) -> int:
    text = value.upper().removesuffix("IB").removesuffix("B")
    unit = text[-1:] if text[-1:].isalpha() else ""
    number = text.removesuffix(unit)
    if unit not in _UNITS or not number.isascii() or not number.isdigit() or not 0 < len(number) < 12:
        raise click.BadParameter("a size is written 4096, 4k or 1M", param=param)
    return int(number) * _UNITS[unit]


_initiator_name = click.option(
    "-i",
    "--initiator-name",
    default="",
    metavar="IQN",
    help="This computer's name; one that stays the same is made up.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, errors as well.")


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="lundock", prog_name="lundock-iscsi")
@click.option("-v", "--verbose", count=True, help="Say what happens; twice: in detail.")
@click.option("--debug", is_flag=True, help="Say everything, also where in the program an error comes from.")
@click.option("--interface", default="", metavar="NAME", help="Reach the target through this network interface only.")
@click.pass_context
def main(ctx: click.Context, verbose: int, debug: bool, interface: str) -> None:
    """Use iSCSI disks without root and without a service.

    URL is iscsi://[user[%secret]@]host[:port]/target/lun, with parameters behind a "?": target_user, target_password,
    header_digest, data_digest and every other setting. Secrets are better given in the environment variables
    LIBISCSI_CHAP_PASSWORD and LIBISCSI_CHAP_TARGET_PASSWORD: other users of the computer can see the command line.

    \b
    For example:
      lundock-iscsi ls --luns iscsi://nas.local
      lundock-iscsi readcapacity iscsi://nas.local/iqn.2026-01.org.example:disk/1
      lundock-iscsi serve iscsi://nas.local/iqn.2026-01.org.example:disk/1 --unix /tmp/disk.sock
    """
    if verbose or debug:
        level = logging.INFO if verbose < 2 and not debug else logging.DEBUG
        logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
    else:
        logging.getLogger().setLevel(logging.ERROR)
    ctx.obj = interface


def _interface() -> str:
    found: str = click.get_current_context().obj
    return found


@main.command()
@click.argument("url")
@click.option("--luns", is_flag=True, help="Log in to each target and list its disks too.")
@_json
@_initiator_name
def ls(url: str, luns: bool, as_json: bool, initiator_name: str) -> None:
    """List the targets at iscsi://host[:port], or the disks of one target."""
    found = [_target(url, "", initiator_name)] if urls.parse(url).target else _discovered(url, luns, initiator_name)
    if as_json:
        click.echo(json.dumps({"targets": found}, indent=2))
        return
    for target in found:
        click.echo(f"Target: {target['name']}  Portals: {' '.join(target['portals'])}")
        for lun in target.get("luns", ()):
            click.echo(f"  LUN {lun['number']}: {_line(lun)}")
        if "error" in target:
            click.echo(f"  {target['error']}")


def _discovered(url: str, luns: bool, initiator_name: str) -> list[dict[str, Any]]:
    found = []
    for target in client.discover(url, initiator_name, _interface()):
        row: dict[str, Any] = {"name": target.name, "portals": [format_target_address(p) for p in target.portals]}
        if luns:
            try:
                row |= _target(url, target.name, initiator_name) | {"portals": row["portals"]}
            except Problem as problem:
                row |= {"luns": [], "error": str(problem), "code": problem.code}
        found.append(row)
    return found


def _target(url: str, name: str, initiator_name: str) -> dict[str, Any]:
    parsed = urls.parse(url)
    parsed = dataclasses.replace(parsed, target=name) if name else parsed
    with client.Client(parsed, initiator_name=initiator_name, interface=_interface()) as session:
        luns = [_lun(info) for info in session.found]
    return {"name": parsed.target, "portals": [str(parsed.portal)], "luns": luns}


def _lun(info: LunInfo) -> dict[str, Any]:
    row = dataclasses.asdict(info)
    row["address"] = f"{info.address:016x}"
    return row


def _line(lun: dict[str, Any]) -> str:
    what = f"{lun['kind']}, {lun['vendor']} {lun['model']}"
    if lun["size"]:
        what += f", {lun['size']} bytes in blocks of {lun['block_size']}"
    if lun["read_only"]:
        what += ", read-only"
    if lun["problem"] and lun["problem"] != "NotADisk":
        what += f", {lun['problem']}"
    return what


@main.command()
@click.argument("url")
@_json
@_initiator_name
def inq(url: str, as_json: bool, initiator_name: str) -> None:
    """Show what a disk says about itself."""
    row = _lun(_one(url, initiator_name))
    if as_json:
        click.echo(json.dumps(row, indent=2))
        return
    for key, value in row.items():
        click.echo(f"{key.replace('_', ' ')}: {value}")


@main.command()
@click.argument("url")
@_json
@_initiator_name
def readcapacity(url: str, as_json: bool, initiator_name: str) -> None:
    """Show a disk's size."""
    info = _one(url, initiator_name)
    if info.problem:
        raise Problem(info.problem, lun=f"{info.address:016x}", kind=info.kind)
    row = {
        "size": info.size,
        "block_size": info.block_size,
        "blocks": info.size // info.block_size,
        "physical_block_size": info.physical_block_size,
        "thin": info.thin,
    }
    click.echo(json.dumps(row) if as_json else "\n".join(f"{k.replace('_', ' ')}: {v}" for k, v in row.items()))


def _one(url: str, initiator_name: str) -> LunInfo:
    parsed = urls.parse(url)
    with client.Client(parsed, initiator_name=initiator_name, interface=_interface()) as session:
        return client.unit_of(session, parsed)


@main.command()
@click.argument("url")
@click.option("--unix", "path", required=True, metavar="PATH", help="The socket to make; only this user may connect.")
@click.option("--read-only", is_flag=True, help="Let nobody write.")
@_json
@_initiator_name
def serve(url: str, path: str, read_only: bool, as_json: bool, initiator_name: str) -> None:
    """Serve a disk by NBD on a Unix socket, to any number of programs, until Ctrl-C or SIGTERM.

    For example: nbdcopy, qemu-img or fio with nbd+unix:///?socket=PATH
    """

    def ready(info: LunInfo) -> None:
        uri = f"nbd+unix:///?socket={path}"
        click.echo(json.dumps({"uri": uri, "size": info.size}) if as_json else f"Serving {info.size} bytes on {uri}")

    client.serve(
        url, path, read_only=read_only, initiator_name=initiator_name, interface=_interface(), ready=ready
    )  # fmt: skip


@main.command()
@click.argument("url")
@click.option("--rw", type=click.Choice(["read", "write"]), default="read", show_default=True)
@click.option("--pattern", type=click.Choice(["random", "sequential"]), default="random", show_default=True)
@click.option("--size", default="4096", show_default=True, callback=_size, help="Of one command; 4096, 64k, 1M.")
@click.option("--depth", type=click.IntRange(1, 1024), default=32, show_default=True, help="Commands at once.")
@click.option("--seconds", type=click.FloatRange(0.1, 86400), default=10, show_default=True)
@_json
@_initiator_name
def perf(
    url: str, rw: str, pattern: str, size: int, depth: int, seconds: float, as_json: bool, initiator_name: str
) -> None:  # fmt: skip
    """Measure how fast a disk is.

    WITH --rw write THE DISK IS OVERWRITTEN WITH RANDOM BYTES, WITHOUT A QUESTION: everything on it is lost.
    """
    report = measure.perf(
        url, write=rw == "write", random=pattern == "random", size=size, depth=depth, seconds=seconds,
        initiator_name=initiator_name, interface=_interface(),
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(report))
        return
    for key, value in report.items():
        click.echo(f"{key}: {value}")


if __name__ == "__main__":
    main()
