# SPDX-License-Identifier: Apache-2.0
"""`lundock` as a person uses it: the real helper, a real target, every step its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lundock.helper.api.errors import catalogue
from support import need
from support.helper import HelperProcess
from support.tgtd import LunSpec, Tgtd, TgtTarget

ACCOUNT = ("alice", "secret-of-alice")
MUTUAL = ("target", "secret-of-target")


class Cli:
    """Runs `lundock` on a helper's bus."""

    def __init__(self, helper: HelperProcess) -> None:
        self._helper = helper

    def run(self, *arguments: str, given: str = "", **kwargs: Any) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "lundock.app.cli", "--bus", self._helper.bus, *arguments]
        env = self._helper.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        return subprocess.run(
            argv, input=given, capture_output=True, text=True, timeout=60, env=env, check=False, **kwargs
        )  # fmt: skip

    def json(self, *arguments: str, given: str = "", **kwargs: Any) -> Any:
        result = self.run("--json", *arguments, given=given, **kwargs)
        assert result.returncode == 0, result.stdout + result.stderr + self._helper.log()
        return json.loads(result.stdout)

    def fails(self, *arguments: str, given: str = "") -> str:
        result = self.run("--json", *arguments, given=given)
        error = json.loads(result.stdout)["error"]
        assert result.returncode == catalogue()[error["code"]].exit
        assert "Traceback" not in result.stderr
        return str(error["code"])


@pytest.fixture
def cli(helper: HelperProcess) -> Cli:
    return Cli(helper)


@pytest.fixture
def plain(tgtd: Tgtd, target_name: str) -> TgtTarget:
    return tgtd.add_target(target_name, [LunSpec(64 << 20)])


def add(cli: Cli, target: TgtTarget, alias: str, portal: str = "") -> dict[str, Any]:
    added: dict[str, Any] = cli.json("add", target.name, "--portal", portal or target.portal, "--alias", alias)[
        "target"
    ]
    return added


def usable(luns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [lun for lun in luns if lun["kind"] == "disk"]


def test_discover_add_connect_and_leave(cli: Cli, plain: TgtTarget) -> None:
    assert plain.name in [t["name"] for t in cli.json("discover", plain.portal)["targets"]]
    added = cli.json("add", plain.name, "--from", plain.portal)["target"]
    assert added["state"] == "disconnected"
    done = cli.json("login", plain.name)
    (disk,) = usable(done["luns"])
    assert (disk["size"], disk["block_size"], disk["lun"]) == (64 << 20, 512, 1)
    (session,) = cli.json("sessions")["sessions"]
    assert session["state"] == "connected"
    assert session["parameters"]["MaxBurstLength"] > 0
    assert cli.json("targets")["targets"][0]["state"] == "connected"
    assert cli.json("stats")["luns"]
    assert cli.json("logout", plain.name)["target"]["state"] == "disconnected"
    assert cli.json("sessions") == {"sessions": []}
    assert [e["kind"] for e in cli.json("events")["events"]][-1] == "disconnected"
    assert cli.json("forget", plain.name) == {"forgotten": plain.name}


def test_a_disk_becomes_a_device_that_reads_what_the_target_has(cli: Cli, plain: TgtTarget) -> None:
    need.root()
    data = os.urandom(1 << 20)
    with plain.luns[0].file.open("r+b") as stream:
        stream.write(data)
    add(cli, plain, "Disk")
    cli.json("login", "Disk")
    attached = cli.json("attach", "Disk/1")
    device = Path(attached["device"])
    with device.open("rb", buffering=0) as stream:
        assert b"".join(iter(lambda: stream.read(1 << 16), b""))[: len(data)] == data
    assert cli.json("stats")["luns"]
    assert sum(lun["read_bytes"] for lun in cli.json("stats")["luns"]) >= len(data)
    assert cli.fails("attach", "Disk") == "AlreadyAttached"
    assert cli.json("eject", str(device))["lun"]["device"] == ""
    assert cli.fails("eject", "Disk") == "NotAttached"
    cli.json("logout", "Disk")


def test_logging_in_can_attach_at_once(cli: Cli, plain: TgtTarget) -> None:
    need.root()
    add(cli, plain, "Disk")
    (disk,) = usable(cli.json("login", "Disk", "--attach")["luns"])
    assert Path(disk["device"]).exists()
    cli.json("logout", "Disk")
    assert usable(cli.json("luns")["luns"]) == []


def test_signing_in_one_way(cli: Cli, tgtd: Tgtd, target_name: str, tmp_path: Path) -> None:
    target = tgtd.add_target(target_name, [LunSpec(16 << 20)], chap=ACCOUNT)
    add(cli, target, "Vault")
    secret = tmp_path / "secret"
    secret.write_text(ACCOUNT[1] + "\n")
    assert cli.fails("login", "Vault") == "AuthenticationRequired"
    assert (
        cli.fails("login", "Vault", "--user", "alice", "--secret-file", "-", given="wrong-secret\n")
        == "AuthenticationFailed"
    )
    assert cli.fails("login", "Vault", "--user", "bob", "--secret-file", str(secret)) == "AuthenticationFailed"
    assert cli.json("login", "Vault", "--user", "alice", "--secret-file", str(secret))["target"]["state"] == "connected"
    cli.json("logout", "Vault")
    cli.json("set", "Vault", "--chap-name", "alice")
    assert cli.fails("login", "Vault") == "SecretsUnavailable"
    reading, writing = os.pipe()
    os.write(writing, ACCOUNT[1].encode() + b"\n")
    os.close(writing)
    try:
        done = cli.json("login", "Vault", "--secret-fd", str(reading), pass_fds=(reading,))
    finally:
        os.close(reading)
    assert done["session"]["state"] == "connected"
    cli.json("logout", "Vault")


def test_signing_in_both_ways(cli: Cli, tgtd: Tgtd, target_name: str, tmp_path: Path) -> None:
    target = tgtd.add_target(target_name, [LunSpec(16 << 20)], chap=ACCOUNT, mutual=MUTUAL)
    add(cli, target, "Vault")
    mine, theirs, wrong = (tmp_path / name for name in ("mine", "theirs", "wrong"))
    mine.write_text(ACCOUNT[1])
    theirs.write_text(MUTUAL[1])
    wrong.write_text("not-the-targets")
    login = ["login", "Vault", "--user", "alice", "--secret-file", str(mine), "--target-user", MUTUAL[0]]
    assert cli.fails(*login, "--target-secret-file", str(wrong)) == "TargetNotAuthenticated"
    assert cli.fails(*login, "--target-secret-file", str(mine)) == "SecretReused"
    assert cli.json(*login, "--target-secret-file", str(theirs))["session"]["state"] == "connected"
    cli.json("logout", "Vault")


def test_through_ipv6(cli: Cli, plain: TgtTarget) -> None:
    assert plain.name in [t["name"] for t in cli.json("discover", plain.portal6)["targets"]]
    add(cli, plain, "Six", plain.portal6)
    assert cli.json("login", "Six")["session"]["portal"]["address"] == "::1"
    cli.json("logout", "Six")


def test_each_wrong_input_has_its_own_answer(cli: Cli, plain: TgtTarget, tgtd: Tgtd) -> None:
    import socket

    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    port = closed.getsockname()[1]  # bound and not listening: refused, and nobody else takes it meanwhile
    assert cli.fails("discover", "not an address") == "AddressInvalid"
    assert cli.fails("discover", f"127.0.0.1:{port}") == "ConnectionRefused"
    assert cli.fails("discover", "no-such-host.invalid") == "NameNotFound"
    cli.json("add", "iqn.2026-01.io.github.lundock.test:not-there", "--portal", plain.portal, "--alias", "None")
    assert cli.fails("login", "None") == "TargetNotFound"
    assert cli.fails("logout", "None") == "NotConnected"
    assert cli.fails("add", "iqn.2026-01.io.github.lundock.test:not-there", "--portal", plain.portal) == "AlreadyExists"
    assert cli.fails("attach", "None/1") == "NotConnected"
    closed.close()


def test_settings_reach_the_target(cli: Cli, plain: TgtTarget) -> None:
    added = cli.json("add", plain.name, "--portal", plain.portal, "--alias", "Set", "--set", "max_burst_length=65536")
    assert added["target"]["settings"]["max_burst_length"] == 65536
    session = cli.json("login", "Set")["session"]
    assert session["parameters"]["MaxBurstLength"] == 65536
    cli.json("logout", "Set")


def test_records_outlive_the_helper(cli: Cli, helper: HelperProcess, plain: TgtTarget) -> None:
    add(cli, plain, "Kept")
    helper.stop()
    assert cli.fails("targets") == "HelperUnavailable"
    helper.start()
    assert [t["alias"] for t in cli.json("targets")["targets"]] == ["Kept"]
