# SPDX-License-Identifier: Apache-2.0
"""Processes that are not our children: told apart from later ones with the same number, watched, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
from pathlib import Path

from .nursery import Child


def started(pid: int) -> int:
    """Return when a process was started, in clock ticks since boot (proc(5), stat, field 22); 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def watch(pid: int, start: int) -> Child:
    """Watch a process that was started at `start`. Raises ProcessLookupError when it has ended.

    Its wait status is its parent's to know: `exited` becomes None.
    """
    number = os.pidfd_open(pid)
    # The descriptor is a process's, whatever becomes of the number: now see whose. A dead one is readable.
    if started(pid) != start or select.select([number], [], [], 0)[0]:
        os.close(number)
        raise ProcessLookupError(pid)
    loop = asyncio.get_running_loop()
    exited: asyncio.Future[int | None] = loop.create_future()

    def ended() -> None:
        loop.remove_reader(number)
        os.close(number)
        exited.set_result(None)

    def kill(_pid: int) -> None:
        if not exited.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(number, signal.SIGKILL)

    loop.add_reader(number, ended)
    return Child(pid, exited, kill)
