# SPDX-License-Identifier: Apache-2.0
"""What every command does: secrets from files, questions, Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from lundock.app.commands import common
from lundock.helper.api.errors import Problem, catalogue
from support.fake_helper import RunningFake
from support.terminal import on_terminal


def test_secrets_have_a_limit(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * (common.MAX_SECRET + 10))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\n")
    for name in ("long", "binary"):
        with pytest.raises(Problem):
            common.read_secret(str(tmp_path / name), None, "--secret-file")


def test_ctrl_c_cancels_the_job(fake: RunningFake) -> None:
    fake.add("backup", address="slow.example")
    argv = [sys.executable, "-m", "lundock.app.cli", "--json", "--bus", fake.address, "login", "backup"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    reached = threading.Event()

    def watch(helper: Any) -> None:
        if any(job.step == "login" for job in helper.jobs.values()):
            reached.set()

    while not reached.wait(0.05):
        fake.do(watch)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == catalogue()["Cancelled"].exit
    assert json.loads(out)["error"]["code"] == "Cancelled"
    (job,) = fake.helper.jobs.values()
    assert job.error.endswith(".Cancelled")


def test_what_cannot_be_undone_is_asked(fake: RunningFake) -> None:
    fake.connect(fake.add("backup"))
    with on_terminal(fake, 80, "logout", "backup", "--force") as terminal:
        terminal.until("[y/N]")
        terminal.types("n\n")
        assert terminal.end() == 8
    assert "logout" not in fake.helper.calls
