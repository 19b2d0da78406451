# SPDX-License-Identifier: Apache-2.0
"""polkit's text agent beside a command: where it is of use, and that it ends with the command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lundock.app.client.link import Where
from lundock.app.commands import agent

SYSTEM = Where("system")


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person without rights at a terminal."""
    for stream in (agent.sys.stdin, agent.sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(agent.os, "geteuid", lambda: 1000)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Something in pkttyagent's place: says what it was called with, says that it is ready, and stays."""
    made = tmp_path / "pkttyagent"
    made.write_text(
        f'#!/bin/bash\necho "$@" > "{tmp_path}/called"\necho $$ > "{tmp_path}/pid"\neval "exec $4>&-"\nexec sleep 60\n'
    )
    made.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path / "called"


def test_it_stays_as_long_as_the_command_and_answers_for_this_process(at_a_terminal: None, program: Path) -> None:
    with agent.text_agent(SYSTEM):
        words = program.read_text().split()
        assert words[:3] == ["--process", str(os.getpid()), "--notify-fd"]
        process = Path("/proc", (program.parent / "pid").read_text().strip())
        assert process.exists()
    assert not process.exists()


@pytest.mark.parametrize("where", [Where("session"), Where("address", "unix:path=/x")])
def test_a_service_of_ones_own_needs_none(at_a_terminal: None, program: Path, where: Where) -> None:
    with agent.text_agent(where):
        assert not program.exists()


def test_root_and_programs_need_none(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent.sys.stdin, "isatty", lambda: False, raising=False)
    with agent.text_agent(SYSTEM):
        assert not program.exists()


def test_where_it_is_not_installed_the_command_goes_on(
    at_a_terminal: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with agent.text_agent(SYSTEM):
        pass
