# SPDX-License-Identifier: Apache-2.0
"""A real X display that nobody sees."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from . import need, procs


@contextlib.contextmanager
def display(size: str = "1280x900x24") -> Iterator[str]:
    """Run Xvfb on a display number that it chooses itself; gives the name for DISPLAY."""
    reading, writing = os.pipe()
    try:
        process = procs.start(
            [need.program("Xvfb"), "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"],
            pass_fds=[writing],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    finally:
        os.close(writing)
    try:
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()  # end of file when it could not start
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        procs.stop(process)
