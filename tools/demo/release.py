# SPDX-License-Identifier: Apache-2.0
"""The end of the demo's disks: what somebody has mounted is unmounted while the target is still there to write to."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from .. import mounting

PATIENCE = 10.0


def release(run_dir: Path) -> None:
    """Unmount everything that lies on disks below `run_dir`; says what is in use and waits a while for its end."""
    deadline = time.monotonic() + PATIENCE
    told: set[str] = set()
    while places := [*mounting.places([run_dir])]:
        busy = [place for place in places if not mounting.unmount(place)]
        for place in busy:
            if place not in told:
                told.add(place)
                print(f"{place} is in use: close what uses it.", file=sys.stderr, flush=True)
        if busy and time.monotonic() > deadline:
            return  # the look for leftovers tells it
        if busy:
            time.sleep(0.2)
