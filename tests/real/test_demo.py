# SPDX-License-Identifier: Apache-2.0
"""`./dev demo --headless`, whole; and that it cleans up when it is stopped in the middle."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import need, procs

from tools import traces

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tools.demo", "--headless", "--watch", "1"]


def needs() -> None:
    need.fuse()
    for name in ("dbus-daemon", "mke2fs", *(() if os.geteuid() == 0 else ("fuse2fs", "fusermount3"))):
        need.program(name)
    pytest.importorskip("PySide6")


def left(tmp_path: Path) -> list[str]:
    """Return what lies in the folder for temporary files, and what else is left of a run there."""
    return [
        *traces.mounts([tmp_path]),
        *traces.loops([tmp_path]),
        *(str(file) for file in (tmp_path / "tmp").iterdir()),
    ]


def start(tmp_path: Path) -> subprocess.Popen[bytes]:
    (tmp_path / "tmp").mkdir()
    return procs.start(
        [*COMMAND, "--pictures", str(tmp_path / "pictures")],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_every_step_works_and_nothing_is_left(tmp_path: Path):
    needs()
    process = start(tmp_path)
    text = process.communicate(timeout=100)[0].decode()
    assert procs.stop(process) == 0, text
    assert "Every step worked" in text
    assert "MiB/s" in text
    pictures = sorted(file.name for file in (tmp_path / "pictures").iterdir())
    assert {"activity.png", "disks.png", "details.png", "events.png"} <= set(pictures)
    assert all(str(tmp_path / "pictures" / name) in text or name in text for name in pictures)
    assert not left(tmp_path)


@pytest.mark.parametrize("step", ["1. Discover", "4. Attach", "6. Write", "7. Draw"])
def test_stopped_in_the_middle(tmp_path: Path, step: str):
    needs()
    process = start(tmp_path)
    assert process.stdout is not None
    said = ""
    while step not in said and (line := process.stdout.readline()):
        said += line.decode()
    assert step in said
    process.send_signal(signal.SIGINT)
    said += process.communicate(timeout=60)[0].decode()
    assert procs.stop(process) == 130, said
    assert "Stopped" in said
    assert not left(tmp_path)
