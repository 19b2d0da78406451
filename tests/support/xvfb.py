# SPDX-License-Identifier: Apache-2.0
"""A real X display that nobody sees."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import need, procs


@contextlib.contextmanager
def display(size: str = "1280x900x24", folder: Path | None = None) -> Iterator[str]:
    """Run Xvfb on a display number that it chooses itself; gives the name for DISPLAY.

    With `folder` what is on the screen lies there, for `pixels`.
    """
    # -noreset: else it begins anew when its last client leaves, and the next one may come at that moment in vain.
    kept = ["-noreset"] + (["-fbdir", str(folder)] if folder is not None else [])
    reading, writing = os.pipe()
    try:
        process = procs.start(
            [need.program("Xvfb"), "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp", *kept],
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


def pixels(folder: Path, box: tuple[int, int, int, int]) -> bytes:
    """Return a rectangle (x, y, width, height) of the screen of a `display` with that folder, row by row."""
    screen = (folder / "Xvfb_screen0").read_bytes()  # XWD: a header of big-endian numbers, colours, rows
    header = struct.unpack_from(">25I", screen)
    start, depth, line = header[0] + header[19] * 12, header[11] // 8, header[12]
    x, y, width, height = box
    rows = (start + row * line + x * depth for row in range(max(y, 0), min(y + height, header[5])))
    return b"".join(screen[row : row + width * depth] for row in rows)
