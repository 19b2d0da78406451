# SPDX-License-Identifier: Apache-2.0
"""What a disk answers, and what a computer cannot do, through a real service: each has its name on the bus."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lundock.helper.api import names
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.script import Rules
from lundock.helper.target.sense import Result, Sense
from lundock.helper.target.server import Server
from support import mountns, need
from support.busclient import Client, run
from support.helper import HelperProcess, running_helper
from support.nbd import READ, WRITE, NbdClient

MIB = 1 << 20
READ_16, WRITE_16 = 0x88, 0x8A
RESERVATION_CONFLICT = 0x18
#: What the disk answers (SPC-4, tables 33 and 48; SAM-5, table 40), and what becomes of it for whoever asked.
ANSWERS: list[tuple[int, Result, str, int]] = [
    (READ_16, Result.check(Sense(0x3, 0x11, 0x00, 8)), "MediumError", errno.EIO),
    (READ_16, Result.check(Sense(0x4, 0x44, 0x00)), "IoError", errno.EIO),
    (WRITE_16, Result.check(Sense(0x2, 0x04, 0x03)), "NotReady", errno.EIO),
    (WRITE_16, Result.check(Sense(0x7, 0x27, 0x07)), "NoSpace", errno.ENOSPC),
    (WRITE_16, Result(status=RESERVATION_CONFLICT), "ReservationConflict", errno.EIO),
    (WRITE_16, Result.check(Sense(0x5, 0x24, 0x00)), "ScsiError", errno.EIO),
    (WRITE_16, Result.check(Sense(0x7, 0x27, 0x00)), "WriteProtected", errno.EPERM),
]


def test_what_a_disk_answers_stands_in_the_timeline(helper: HelperProcess, target_name: str) -> None:
    script = Rules()
    for opcode, result, _, _ in ANSWERS:  # each rule sees what those before it let pass
        script.when_executing(opcode, result, nth=1)

    def use(fd: int) -> list[int]:
        with NbdClient(socket.socket(fileno=fd)) as disk:
            return [
                disk.do(READ, 4096, 4096) if opcode == READ_16 else disk.do(WRITE, 4096, 4096, bytes(4096))
                for opcode, *_ in ANSWERS
            ]

    async def steps(client: Client) -> None:
        told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        await client.connection.subscribe(
            lambda signal: told.put_nowait(signal.args[0]), sender=names.BUS_NAME, member="Event"
        )
        target = await client.add(target_name, server.port)
        (lun,) = (await client.details(target, names.TARGET, "Login", {}))["luns"]
        socket_ = await client.connection.call(lun, names.LUN, "OpenNbd", {})
        assert await asyncio.to_thread(use, socket_.take()) == [number for *_, number in ANSWERS]
        codes: list[str] = []
        async with asyncio.timeout(30):
            while len(codes) < len(ANSWERS):
                event = await told.get()
                codes += [event["detail"]["code"]] if event["kind"] == "io-error" else []
        assert codes == [code for _, _, code, _ in ANSWERS]
        await client.details(target, names.TARGET, "Logout", {})

    config = TargetConfig(target_name, (DiskConfig(size=8 * MIB),))
    with Server(ServerConfig((config,)), script=script) as server:
        run(helper.bus, steps)


@pytest.fixture
def without_fuse(tmp_path: Path) -> Iterator[HelperProcess]:
    """A service on a computer whose kernel has no FUSE."""
    need.root()
    script = """mount -t tmpfs dev "$1"
        cp -a /dev/null /dev/random /dev/urandom "$1"
        mount --bind "$1" /dev
        shift
        exec "$@"
    """
    (tmp_path / "dev").mkdir()
    hide = [*mountns.own(script), str(tmp_path / "dev")]
    with running_helper(tmp_path / "helper", prefix=tuple(hide)) as process:
        yield process


@pytest.mark.parametrize("method", ["auto", "fuse"])
def test_where_no_device_can_be_made_the_reason_is_told(
    without_fuse: HelperProcess, target_name: str, method: str
) -> None:
    async def steps(client: Client) -> None:
        methods = (await client.properties(names.ROOT_PATH, names.MANAGER))["AttachMethods"]
        reasons = [one["reason"] for one in methods if not one["available"]]
        target = await client.add(target_name, server.port)
        (lun,) = (await client.details(target, names.TARGET, "Login", {}))["luns"]
        code, attrs = await client.refused(lun, names.LUN, "Attach", {"method": method})
        assert code == "AttachMethodUnavailable"
        assert attrs["reason"]
        assert attrs["reason"] in " ".join(reasons)
        await client.details(target, names.TARGET, "Logout", {})

    config = TargetConfig(target_name, (DiskConfig(size=8 * MIB),))
    with Server(ServerConfig((config,))) as server:
        run(without_fuse.bus, steps)
