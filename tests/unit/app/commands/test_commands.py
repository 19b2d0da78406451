# SPDX-License-Identifier: Apache-2.0
"""`lundock` against a service with the contract's face: output, JSON, exit codes, secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from lundock.app.cli import main
from lundock.app.commands import common
from lundock.app.commands.records import parse_settings
from lundock.helper.api.errors import Problem, catalogue
from support.fake_helper import IQN, SECRETS, RunningFake


class Absent:
    """A machine without a keyring."""

    def __init__(self, *_: object) -> None:
        pass

    def __getattr__(self, _name: str) -> Any:
        from concurrent.futures import Future

        def absent(*_: object) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(Problem("SecretsUnavailable", target="", detail="none"))
            return future

        return absent


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lundock.app.commands.signing.Keyring", Absent)


def lundock(fake: RunningFake, *arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["--bus", fake.address, *arguments], input=given)


def answer(fake: RunningFake, *arguments: str, given: str | None = None) -> Any:
    result = lundock(fake, "--json", *arguments, given=given)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def failure(fake: RunningFake, *arguments: str, given: str | None = None) -> str:
    result = lundock(fake, "--json", *arguments, given=given)
    error = json.loads(result.stdout)["error"]
    assert result.exit_code == error["exit"] == catalogue()[error["code"]].exit
    assert error["summary"]
    assert error["action"]
    return str(error["code"])


def test_discover(fake: RunningFake) -> None:
    found = answer(fake, "discover", "nas.local")
    assert found["address"] == "nas.local"
    assert found["targets"][0] == {
        "name": IQN + "backup", "portals": [{"address": "192.0.2.5", "port": 3260, "portal_group": 1}],
    }  # fmt: skip
    assert IQN + "media\t192.0.2.5\n" in lundock(fake, "discover", "nas.local").stdout
    assert failure(fake, "discover", "refused.example") == "ConnectionRefused"
    assert failure(fake, "discover", "nobody.example") == "NameNotFound"


def test_the_life_of_a_record(fake: RunningFake) -> None:
    added = answer(
        fake, "add", IQN + "x", "--portal", "nas:3261", "--portal", "[fe80::1]", "--interface", "eth7", "--alias", "X",
        "--chap-name", "me", "--set", "ping-interval=7", "--set", "header_digest=crc32c,none",
    )["target"]  # fmt: skip
    assert (added["alias"], added["sign_in"], added["chap_name"], added["interface"]) == ("X", "chap", "me", "eth7")
    assert [p["address"] for p in added["portals"]] == ["nas", "fe80::1"]
    assert (added["settings"]["ping_interval"], added["settings"]["header_digest"]) == (7, ["CRC32C", "None"])
    assert answer(fake, "targets")["targets"][0]["number"] == 1
    shown = answer(fake, "set", "X", "interface=lo", "alias=X2")["target"]
    assert (shown["interface"], shown["alias"]) == ("lo", "X2")
    answer(fake, "set", "X2", "interface=", "ping_interval=", "read_only=yes", "--alias", "Y", "--sign-in", "none")
    shown = answer(fake, "show", "1")["target"]
    assert (shown["alias"], shown["sign_in"]) == ("Y", "none")
    assert (shown["settings"]["ping_interval"], shown["settings"]["read_only"]) == (8, True)
    assert "read_only\tyes\ttarget" in lundock(fake, "show", "y").stdout
    assert "ping_interval" not in lundock(fake, "show", "y").stdout
    assert "ping_interval\t8\tdefault" in lundock(fake, "show", "y", "--settings").stdout
    assert answer(fake, "forget", "Y") == {"forgotten": IQN + "x"}
    assert answer(fake, "targets") == {"targets": []}


def test_adding_from_an_address(fake: RunningFake) -> None:
    assert answer(fake, "add", "--from", "one.local")["target"]["name"] == IQN + "backup"
    assert answer(fake, "add", "media", "--from", "nas.local")["target"]["name"] == IQN + "media"
    assert failure(fake, "add", "--from", "nas.local") == "InvalidArgument"
    assert failure(fake, "add", "nothing", "--from", "nas.local") == "NotFound"
    assert failure(fake, "add", "--from", "one.local") == "AlreadyExists"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add", "iqn.2026-01.a:b"], "InvalidArgument"),
        (["add", "iqn.2026-01.a:b", "--portal", "a b"], "AddressInvalid"),
        (["add", "iqn.2026-01.a:b", "--portal", "a", "--set", "nonsense=1"], "InvalidArgument"),
        (["add", "iqn.2026-01.a:b", "--portal", "a", "--set", "ping_interval=many"], "InvalidArgument"),
        (["add", "iqn.2026-01.a:b", "--portal", "a", "--set", "error_recovery_level=1"], "NotSupported"),
        (["add", "iqn.2026-01.a:b", "--portal", "a", "--set", "error_recovery_level=3"], "InvalidArgument"),
        (["set", "nothing", "read_only=1"], "NotFound"),
        (["show", "nothing"], "NotFound"),
        (["login", "nothing"], "NotFound"),
        (["attach", "nothing/0"], "NotFound"),
        (["rescan", "nothing"], "NotFound"),
        (["luns", "nothing"], "NotFound"),
    ],
)
def test_wrong_input_has_a_named_error(fake: RunningFake, arguments: list[str], code: str) -> None:
    assert failure(fake, *arguments) == code
    assert fake.helper.targets == {}


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


def test_secrets_from_a_file_standard_input_and_a_descriptor(fake: RunningFake, tmp_path: Path) -> None:
    fake.add("mutual-vault", "Vault")
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.write_text(SECRETS[0] + "\nmore\n")
    theirs.write_text(SECRETS[1] + "\r\n")
    assert failure(fake, "login", "Vault") == "AuthenticationRequired"
    assert failure(fake, "login", "Vault", "--user", "me") == "SecretsUnavailable"
    assert (
        failure(fake, "login", "Vault", "--user", "me", "--secret-file", "-", given="wrong\n") == "AuthenticationFailed"
    )
    assert failure(fake, "login", "Vault", "--secret-file", str(tmp_path / "none")) == "InvalidArgument"
    assert failure(fake, "login", "Vault", "--secret-file", "-", given="\n") == "InvalidArgument"
    with theirs.open("rb") as stream:
        arguments = ("--user", "me", "--secret-file", str(mine), "--target-secret-fd", str(stream.fileno()))
        done = answer(fake, "login", "Vault", *arguments)
    assert done["session"]["state"] == "connected"


def test_a_record_that_signs_in_never_waits_for_what_cannot_come(fake: RunningFake) -> None:
    fake.add("chap-vault", **{"sign-in": "chap", "chap-name": "me"})
    assert failure(fake, "login", "vault") == "SecretsUnavailable"
    assert "login" not in fake.helper.calls


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


def test_figures(fake: RunningFake) -> None:
    fake.connect(fake.add("backup"))
    assert {"path", "target", "lun", "reads", "read_bytes", "read_rate", "read_latency"} <= set(
        answer(fake, "stats")["luns"][0]
    )
    lines = lundock(fake, "--json", "stats", "--watch", "--count", "2", "--interval", "0.25").stdout.splitlines()
    assert [json.loads(line)["luns"][0]["read_rate"] for line in lines] == [0.0, 0.0]
    assert "backup/0\t0.0 MB/s" in lundock(fake, "stats").stdout


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


@pytest.mark.parametrize("pair", ["nothing", "=1", "unknown=1", "read_only=perhaps", "queue_depth=0"])
def test_settings_that_are_none(pair: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_settings((pair,))
    assert caught.value.code == "InvalidArgument"


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


def test_secrets_have_a_limit(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * (common.MAX_SECRET + 10))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\n")
    for name in ("long", "binary"):
        with pytest.raises(Problem):
            common.read_secret(str(tmp_path / name), None, "--secret-file")
