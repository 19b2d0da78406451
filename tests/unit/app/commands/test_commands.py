# SPDX-License-Identifier: Apache-2.0
"""`lundock` against a service with the contract's face: output, JSON, exit codes, secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner
from lundock.app.cli import main
from lundock.helper.api.errors import catalogue
from support.command_line import answer, failure, lundock
from support.fake_helper import IQN, RunningFake


def test_from_login_to_logout(fake: RunningFake) -> None:
    fake.add("backup", "Backup")
    done = answer(fake, "login", "Backup", "--attach")
    assert done["target"]["state"] == "connected"
    assert done["session"]["state"] == "connected"
    assert [lun["device"] for lun in done["luns"]] == ["/dev/loop7", "/dev/loop8"]
    assert answer(fake, "sessions")["sessions"][0]["target_name"] == IQN + "backup"
    assert len(answer(fake, "luns", "backup")["luns"]) == 2
    assert failure(fake, "attach", "backup/0") == "AlreadyAttached"
    assert answer(fake, "eject", "/dev/loop7")["lun"]["device"] == ""
    assert failure(fake, "eject", "backup/0") == "NotAttached"
    again = answer(fake, "attach", "backup/0", "--read-only")
    assert (again["device"], again["method"]) == ("/dev/loop7", "fuse")
    assert failure(fake, "attach", "backup/7") == "NoSuchLun"
    assert failure(fake, "login", "backup") == "AlreadyConnected"
    assert failure(fake, "forget", "backup") == "StillConnected"
    assert len(answer(fake, "rescan", "backup")["luns"]) == 2
    assert answer(fake, "logout", "backup")["target"]["state"] == "disconnected"
    assert failure(fake, "logout", "backup") == "NotConnected"
    assert failure(fake, "eject", "backup/0") == "NotConnected"
    kinds = [e["kind"] for e in answer(fake, "events")["events"]]
    assert kinds[0] == "connected"
    assert kinds[-1] == "disconnected"


def test_a_busy_disk_names_its_holders(fake: RunningFake) -> None:
    fake.connect(fake.add("backup"))
    answer(fake, "attach", "backup/0")

    def hold(helper: Any) -> None:
        lun = next(iter(helper.luns.values()))
        lun.holders = [{"kind": "mount", "name": "/mnt/backup"}]
        helper.server.refresh(lun.path)

    fake.do(hold)
    result = lundock(fake, "eject", "backup/0")
    assert result.exit_code == catalogue()["DeviceBusy"].exit
    assert "/mnt/backup" in result.stderr
    assert "[DeviceBusy]" in result.stderr
    assert result.stdout == ""


def commands(group: click.Group) -> Iterator[click.Command]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command) if isinstance(command, click.Group) else (command,)


def test_no_secret_is_an_argument() -> None:
    seen = 0
    for command in commands(main):
        for parameter in command.params:
            if "secret" in (parameter.name or ""):
                seen += 1
                assert (parameter.name or "").endswith(("_file", "_fd")), f"{command.name} {parameter.name}"
    assert seen


def test_status(fake: RunningFake) -> None:
    found = answer(fake, "status")
    assert (found["link"], found["version"], found["connected"]) == ("ready", "0.1.0", 0)
    assert found["attach_methods"][0]["name"] == "fuse"
    assert "iqn.2026-01.io.github.lundock" in lundock(fake, "status").stdout


def test_nothing_there_is_said_on_the_side(fake: RunningFake) -> None:
    for command in ("targets", "sessions", "luns", "events", "stats"):
        result = lundock(fake, command)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr


def test_options_of_the_bus_stand_before_or_behind(fake: RunningFake) -> None:
    result = CliRunner().invoke(main, ["targets", "--json", "--bus", fake.address])
    assert json.loads(result.stdout) == {"targets": []}


def test_without_a_helper(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--json", "--bus", f"unix:path={tmp_path}/none", "targets"])
    assert json.loads(result.stdout)["error"]["code"] == "HelperUnavailable"
    assert result.exit_code == catalogue()["HelperUnavailable"].exit


def test_the_command_line_starts_without_qt() -> None:
    code = "import sys, lundock.app.cli; sys.exit(any(name.startswith('PySide6') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))


def test_help_is_quick_because_it_imports_neither_the_bus_nor_tables() -> None:
    code = (
        "import sys; from lundock.app.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(', '.join({'asyncio', 'rich', 'dbus_next', 'dbus_fast', 'keyring'} & set(sys.modules)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "connect" in result.stdout


def test_a_reader_that_goes_away_is_no_error(fake: RunningFake) -> None:
    fake.add("backup")
    argv = [sys.executable, "-m", "lundock.app.cli", "--bus", fake.address, "show", "backup"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) in {0, 141}
    assert "Traceback" not in errors
