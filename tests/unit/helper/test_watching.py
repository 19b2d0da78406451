# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from pathlib import Path

from lundock.helper.watching import watch_mounts
from support import need, procs


def test_mounts_are_told_and_nothing_else(tmp_path: Path) -> None:
    need.root()
    told = 0

    def changed() -> None:
        nonlocal told
        told += 1
        something.set()

    something = asyncio.Event()

    async def wait() -> None:
        something.clear()
        await asyncio.wait_for(something.wait(), 30)

    async def body() -> None:
        with watch_mounts(changed):
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0)
            await asyncio.to_thread(procs.run, "mount", "-t", "tmpfs", "none", tmp_path)
            await waiting
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0)
            await asyncio.to_thread(procs.run, "umount", tmp_path)
            await waiting
            before = told
            for _ in range(100):  # rounds of the loop: a table that is always readable would be told in each
                await asyncio.sleep(0)
            assert told - before <= 1
        await asyncio.to_thread(procs.run, "mount", "-t", "tmpfs", "none", tmp_path)
        await asyncio.to_thread(procs.run, "umount", tmp_path)

    asyncio.run(body())
