# SPDX-License-Identifier: Apache-2.0
"""A disk as a file: what is written to it is at the target when it is closed, and it grows with its disk."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.server import Server
from support import need, procs
from support.supervised import Recorder, disk, no_step, program, spec, supervisor
from support.tgtd import LunSpec, Tgtd, TgtTarget

WRITTEN = b"".join(bytes([number]) * 1000 for number in range(256))
NAME = "iqn.2026-01.io.github.lundock.test:grows"


def write_in_pieces(file: Path) -> None:
    with file.open("r+b", buffering=0) as stream:
        for start in range(0, len(WRITTEN), 1000):
            stream.write(WRITTEN[start : start + 1000])


@pytest.fixture
def target(tgtd: Tgtd, target_name: str) -> TgtTarget:
    return tgtd.add_target(target_name, [LunSpec(64 << 20)])


def test_what_is_closed_is_written_and_what_is_open_is_not_ejected(target: TgtTarget) -> None:
    need.fuse()
    need.program("mkfs.ext4")

    async def body() -> None:
        async with supervisor() as (boss, _):
            session = await boss.open_session(spec(target), Recorder(), no_step)
            lun = disk(session)
            made = await session.attach(lun, "file", False, no_step)
            assert Path(made.device).stat().st_size == 64 << 20
            await program("mkfs.ext4", "-q", "-F", made.device)
            await program("e2fsck", "-fn", made.device)
            await asyncio.to_thread(write_in_pieces, Path(made.device))
            assert Path(target.luns[0].file).read_bytes()[: len(WRITTEN)] == WRITTEN, "it is closed, and not there"
            with await asyncio.to_thread(Path(made.device).open, "rb"):
                with pytest.raises(Problem) as caught:
                    await session.eject(lun, no_step)
                assert caught.value.code == "DeviceBusy"
            await session.eject(lun, no_step)
            assert not Path(made.device).exists()
            await session.logout()

    asyncio.run(body())


def test_it_grows_with_its_disk() -> None:
    need.fuse()

    async def body(server: Server) -> None:
        async with supervisor() as (boss, _):
            where = SimpleNamespace(portal=server.address, name=NAME, chap=None, mutual=None)
            session = await boss.open_session(spec(where), Recorder(), no_step)
            made = await session.attach(disk(session), "file", False, no_step)
            file = Path(made.device)
            assert file.stat().st_size == 8 << 20
            server.units(NAME)[0].resize(12 << 20)
            await session.rescan()
            await asyncio.to_thread(procs.wait_for, "the new size", lambda: file.stat().st_size == 12 << 20)
            await session.logout()

    with Server(ServerConfig((TargetConfig(NAME, (DiskConfig(size=8 << 20),)),))) as server:
        asyncio.run(body(server))
