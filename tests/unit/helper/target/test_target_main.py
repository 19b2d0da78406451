# SPDX-License-Identifier: Apache-2.0
"""The target as a process of its own."""

import json
import subprocess
import sys

import pytest
from lundock.helper.target import __main__ as main
from support import procs
from support.raw import RawInitiator

NAME = "iqn.2026-01.example:one"
COMMAND = [sys.executable, "-m", "lundock.helper.target"]


def test_runs_until_told_to_end():
    process = procs.start(
        [*COMMAND, "--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--target", NAME, "--disk", "16"],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    with RawInitiator(told["port"]) as raw:
        assert raw.login(NAME).login_status == 0
    assert told["addresses"][1].startswith("[::1]:")
    assert procs.stop(process) == 0


def test_configuration_with_secrets_comes_by_standard_input():
    config = {"targets": [{"name": NAME, "disks": [{"size": 1 << 20}], "chap": {"name": "alice", "secret": "s" * 12}}]}
    process = procs.start([*COMMAND, "--config", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(config).encode())
    process.stdin.close()
    with RawInitiator(json.loads(process.stdout.readline())["port"]) as raw:
        assert raw.login(NAME).login_status == 0x0201
    assert procs.stop(process) == 0


@pytest.mark.parametrize("argv", [[], ["--config", "/nonexistent.toml"], ["--target", "x", "--disk", "/nonexistent"]])
def test_mistakes_are_told(argv: list[str], capsys: pytest.CaptureFixture[str]):
    assert main.main(argv) == 2
    assert "lundock target:" in capsys.readouterr().err
