# SPDX-License-Identifier: Apache-2.0
"""Completion in a real bash: commands, options, and names of targets and disks, whatever letters are in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from lundock.app.commands.completing import script
from support import need
from support.fake_helper import IQN, RunningFake

#: Loads the script, puts a line where bash puts it, and prints what the function gives back, one a line.
ASK = """
source "$1"
COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
compopt() { :; }
_lundock_completion lundock
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def complete(fake: RunningFake, tmp_path: Path):
    """Give what bash would put there for a line."""
    need.program("bash")
    (tmp_path / "script").write_text(script("bash"))
    (tmp_path / "lundock").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lundock.app.cli "$@"\n')
    (tmp_path / "lundock").chmod(0o755)

    def ask(line: str) -> list[str]:
        environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "DBUS_SESSION_BUS_ADDRESS": fake.address, "HOME": str(tmp_path)}
        result = subprocess.run(
            ["bash", "--norc", "-c", ASK, "bash", tmp_path / "script", line],
            env=environ, capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        assert result.stderr == ""
        return result.stdout.split("\n")[:-1]

    return ask


def test_commands_and_options(complete) -> None:
    assert complete("lundock log") == ["login", "logout"]
    assert complete("lundock portal re") == ["refresh", "remove"]
    assert "--secret-file" in complete("lundock login --sec")
    assert complete("lundock set x --startup ") == ["manual", "login"]


def test_targets_and_disks(fake: RunningFake, complete) -> None:
    fake.connect(fake.add("backup", "Big disk"))
    fake.add("media")
    session = "lundock --session"
    assert complete(f"{session} show ") == ["Big\\ disk", IQN + "backup", IQN + "media"]
    assert complete(f"{session} show big") == ["Big\\ disk"]
    assert complete(f'{session} show "Big d') == ["Big disk"]
    assert complete(f"{session} show Big\\ ") == ["Big\\ disk"]
    assert complete(f"{session} show {IQN}m") == ["media"], "bash keeps what stands before the last colon"
    assert complete(f"{session} eject Big") == ["Big\\ disk/0", "Big\\ disk/1"]
    assert complete(f"{session} set media read_o") == ["read_only="]


def test_without_a_service_nothing_is_said(complete) -> None:
    assert complete("lundock --bus unix:path=/nonexistent show ") == [""]
