# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys

from support import netns, procs

WATCH = """
import asyncio
from lundock.helper.netwatch import NetworkWatch

async def main():
    changed = asyncio.Event()
    watch = NetworkWatch(changed.set)
    watch.start()
    print("watching", flush=True)
    async with asyncio.timeout(30):
        await changed.wait()
    print("changed", flush=True)
    changed.clear()
    watch.close()
    watch.close()

asyncio.run(main())
"""


def test_a_wire_that_is_pulled_is_seen() -> None:
    with netns.wire() as (here, there):
        process = procs.start([*here.prefix, sys.executable, "-c", WATCH], stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"watching\n"
            there.link(up=False)
            assert process.stdout.readline() == b"changed\n"
            assert process.wait(30) == 0
        finally:
            procs.stop(process)
