# SPDX-License-Identifier: Apache-2.0
"""`./dev demo [--headless]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from lundock.helper.api.errors import Problem, describe

from .. import keeper, traces
from . import steps
from .pictures import display_works, show
from .report import Failed, Report
from .scene import CHAP_NAME, Scene, scene

PICTURES = Path("build/demo")
MAX_WATCH = 600


def main() -> int:
    """Run; returns 0 only when every step was seen to work."""
    parser = argparse.ArgumentParser("./dev demo", description=__doc__)
    parser.add_argument("--headless", action="store_true", help="print the steps instead of showing the window")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="where the window is drawn to (build/demo)")
    parser.add_argument("--watch", type=_seconds, default=3.0, help="seconds of activity in the pictures (3)")
    options = parser.parse_args()
    try:
        options.pictures.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=options.pictures).close()
    except OSError as error:
        parser.error(f"--pictures: nothing can be written to {options.pictures}: {error.strerror}")
    keeper.hold()
    report = Report()
    folders: list[Path] = []
    try:
        headless = options.headless or not _display()
        with scene() as stage:
            folders.append(stage.folder)
            work = steps.run(stage, report, options.pictures, options.watch) if headless else _window(stage, report)
            asyncio.run(work)
        _nothing_left(stage.folder, report)
    except Failed as failed:
        return _failed(str(failed))
    except Problem as problem:
        text = describe(problem.code, problem.attrs)
        return _failed(f"{text.summary} {text.meaning} ({problem.code})")
    except KeyboardInterrupt:
        return _stopped(folders)
    if headless:
        print(f"Every step worked ({report.total():.1f} s).")
    return 0


def _seconds(words: str) -> float:
    seconds = float(words)
    if not 0 <= seconds <= MAX_WATCH:
        raise argparse.ArgumentTypeError(f"it is a number from 0 to {MAX_WATCH}")
    return seconds


def _display() -> bool:
    if display_works():
        return True
    print("There is no display: the steps go through the D-Bus interface, and the window is drawn to files.")
    return False


async def _window(stage: Scene, report: Report) -> None:
    await steps.wait_for_helper(stage)
    print("A target runs on this computer, with a disk of 256 MiB. In the window choose “Connect to a target”:")
    print(f"    address  {stage.address}\n    name     {CHAP_NAME}\n    secret   {stage.secret}")
    print("Closing the window (or Ctrl-C) ends everything.", flush=True)
    code = await show(stage)
    report.check(code == 0, f"the window ended with {code}")


def _nothing_left(folder: Path, report: Report) -> None:
    """Look for devices, mounts, processes and files of this run."""
    with report.step("Look whether anything is left behind"):
        left = traces.left([folder])
        left += [f"folder {folder}"] if folder.exists() else []
        report.check(not left, "left behind:\n" + "\n".join(left))
        report.say("no device, no mount, no process, no file")


def _stopped(folders: list[Path]) -> int:
    left = traces.left(folders) if folders else []
    left += [f"folder {folder}" for folder in folders if folder.exists()]
    said = "everything was taken down." if not left else "left behind:\n" + "\n".join(left)
    print(f"\nStopped; {said}", file=sys.stderr)
    return 130


def _failed(text: str) -> int:
    print(f"\nThe demo has failed: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
