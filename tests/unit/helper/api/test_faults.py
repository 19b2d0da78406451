# SPDX-License-Identifier: Apache-2.0
"""An exception that nobody foresaw: a sentence and a number for the person, the rest for the log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lundock.helper.api import faults
from lundock.helper.api.errors import catalogue

#: Both command lines, with something in them that raises what nobody foresaw.
FAULTY = {
    "lundock": """
from lundock.app.client.client import Client
def open(*_, **__): raise ZeroDivisionError("the cause")
Client.open = open
from lundock.app.cli import main
main(["targets", *sys.argv[1:]], prog_name="lundock")
""",
    "lundock-iscsi": """
from lundock.helper.engine import client, cli
def discover(*_, **__): raise ZeroDivisionError("the cause")
client.discover = discover
words = [w for w in sys.argv[1:] if w == "--debug"]
cli.main([*words, "ls", "iscsi://nas.local", *(w for w in sys.argv[1:] if w not in words)], prog_name="lundock-iscsi")
""",
}


def run(program: str, state: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"XDG_STATE_HOME": str(state), "HOME": str(state)}
    argv = [sys.executable, "-c", "import sys" + FAULTY[program], *options]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("program", FAULTY)
def test_a_person_reads_a_sentence_and_the_file_has_the_traceback(program: str, tmp_path: Path) -> None:
    done = run(program, tmp_path)
    assert done.returncode == catalogue()["Internal"].exit
    assert "Traceback" not in done.stdout + done.stderr
    number = re.search(r"An error inside Lundock \((\w{8})\)", done.stderr)
    assert number is not None, done.stderr
    assert "https://github.com/lundock/lundock/issues" in done.stderr
    file = tmp_path / "lundock" / "faults.log"
    assert str(file) in done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    kept = file.read_text("utf-8")
    assert number[1] in kept
    assert kept.endswith("ZeroDivisionError: the cause\n")


@pytest.mark.parametrize("program", FAULTY)
def test_with_debug_the_traceback_is_on_the_terminal_and_in_no_file(program: str, tmp_path: Path) -> None:
    done = run(program, tmp_path, "--debug")
    assert done.returncode == catalogue()["Internal"].exit
    assert "ZeroDivisionError: the cause" in done.stderr
    assert not list(tmp_path.iterdir())


def test_with_json_it_is_an_object_like_every_error(tmp_path: Path) -> None:
    done = run("lundock", tmp_path, "--json")
    error = json.loads(done.stdout)["error"]
    assert (error["code"], error["exit"]) == ("Internal", done.returncode)
    assert set(error["attributes"]) == {"log_id", "log"}
    assert done.stderr == ""


def test_where_no_file_can_be_made_the_sentence_is_there_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "lundock").write_text("in the way")
    done = run("lundock", tmp_path)
    assert done.returncode == catalogue()["Internal"].exit
    assert "An error inside Lundock" in done.stderr
    assert "Traceback" not in done.stderr
    assert "The log is" not in done.stderr


def test_the_file_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(faults, "MAX_FILE", 100)
    for number in range(5):
        faults._write(ValueError("x" * 80), f"{number:08}")
    assert sorted(file.name for file in (tmp_path / "lundock").iterdir()) == ["faults.log", "faults.log.old"]
    assert "00000004" in faults.file().read_text("utf-8")
