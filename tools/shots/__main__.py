# SPDX-License-Identifier: Apache-2.0
"""`./dev shots`: every page, dialog and state, light and dark, at 100 and 200 %, to PNG files; prints their paths.

Each scheme and scale is drawn by a process of its own (Qt takes its scale once), on a scene of its own: a target, the
helper and a bus. What is drawn has happened: the disk is attached, mounted, read and written, the target killed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .. import keeper, traces

OUT = Path("build/shots")
#: Without this a screen of 800 by 600, into which no window of ours fits as it does on a person's.
_SCREEN = {"name": "screen", "x": 0, "y": 0, "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}


def main() -> int:
    """Draw; returns 0 when everything could be drawn and nothing was left behind."""
    parser = argparse.ArgumentParser("./dev shots", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="where to (build/shots)")
    parser.add_argument("--schemes", default="light,dark")
    parser.add_argument("--scales", default="1,2")
    parser.add_argument("--watch", type=float, default=20.0, help="seconds of activity in the pictures (20)")
    parser.add_argument("--rtl", action="store_true", help="laid out from right to left")
    parser.add_argument("--language", default="", help="a .qm file of another language")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    keeper.hold()
    if options.one:
        from .tour import draw

        suffix = ("-dark" if options.schemes == "dark" else "") + (
            "" if options.scales == "1" else f"@{options.scales}x"
        )
        return draw(options.out, suffix, options.schemes, options.watch, rtl=options.rtl, language=options.language)
    codes = [
        _one(options, scheme, scale) for scheme in options.schemes.split(",") for scale in options.scales.split(",")
    ]
    return max(codes)


def _one(options: argparse.Namespace, scheme: str, scale: str) -> int:
    command = [sys.executable, "-m", "tools.shots", "--one", "--out", str(options.out), "--watch", str(options.watch)]
    command += ["--schemes", scheme, "--scales", scale, "--language", options.language]
    with tempfile.NamedTemporaryFile("w", prefix=traces.PREFIX, suffix=".json") as screen:
        size = {side: round(pixels * float(scale)) for side, pixels in (("width", 1920), ("height", 1080))}
        json.dump({"screens": [_SCREEN | size]}, screen)
        screen.flush()
        environ = os.environ | {"QT_QPA_PLATFORM": f"offscreen:configfile={screen.name}", "QT_SCALE_FACTOR": scale}
        return subprocess.run([*command, *(["--rtl"] if options.rtl else [])], env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
