# SPDX-License-Identifier: Apache-2.0
"""Every command of `lundock` on the real helper and a real target: what --json prints has the documented shape."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lundock.app.cli import main
from lundock.app.commands import shapes
from lundock.helper.api.errors import catalogue
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.server import Server
from support import need, procs
from support.helper import HelperProcess, running_helper
from support.shapes import misfits
from support.tgtd import LunSpec, Tgtd, TgtTarget

ACCOUNT = ("alice", "secret-of-alice")
#: Commands seen by `Cli.whole`, over all tests of this file; the last one asks whether any is missing.
SEEN: set[str] = set()
#: Shown elsewhere: they need UDisks2, or go on until they are stopped.
ELSEWHERE = {"mount", "unmount", "format"}


class Cli:
    """Runs `lundock` in this process, on a helper's bus."""

    def __init__(self, helper: HelperProcess) -> None:
        self.helper = helper

    def whole(self, *words: str, given: str = "") -> Any:
        """Run with --json; returns the answer, whose shape has been looked at."""
        result = CliRunner().invoke(main, ["--json", "--bus", self.helper.bus, *words], input=given)
        assert result.exit_code == 0, result.output + self.helper.log()
        answer = json.loads(result.stdout)
        name = " ".join(words[:2]) if words[0] == "portal" else words[0]
        assert misfits(answer, shapes.OUTPUT[name], name) == []
        SEEN.add(name)
        return answer

    def fails(self, *words: str, given: str = "") -> str:
        """Run with --json; returns the error's code."""
        result = CliRunner().invoke(main, ["--json", "--bus", self.helper.bus, *words], input=given)
        answer = json.loads(result.stdout)
        assert misfits(answer, {"error": shapes.FAILURE}) == []
        assert result.exit_code == answer["error"]["exit"] == catalogue()[answer["error"]["code"]].exit
        return str(answer["error"]["code"])


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    before = os.environ.get("PYTHON_KEYRING_BACKEND")
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    with running_helper(tmp_path_factory.mktemp("helper")) as helper:
        yield Cli(helper)
    os.environ.pop("PYTHON_KEYRING_BACKEND")
    if before is not None:
        os.environ["PYTHON_KEYRING_BACKEND"] = before


@pytest.fixture
def target(tgtd: Tgtd, target_name: str) -> TgtTarget:
    return tgtd.add_target(target_name, [LunSpec(64 << 20)])


def test_what_is_saved_and_connected(cli: Cli, target: TgtTarget) -> None:
    need.root()
    found = cli.whole("discover", target.portal, "--set", "header_digest=none")
    assert target.name in [t["name"] for t in found["targets"]]
    assert cli.fails("discover", target.portal, "--set", "nonsense=1") == "InvalidArgument"
    added = cli.whole("add", f"iscsi://{target.portal}/{target.name}", "--startup", "manual", "--alias", "Some")
    number = str(added["target"]["number"])
    assert cli.whole("show", number)["target"]["settings_origin"]["read_only"] == "default"
    assert cli.whole("set", number, "read_only=yes")["target"]["settings"]["read_only"] is True
    assert cli.whole("show", number)["target"]["settings_origin"]["read_only"] == "target"
    assert [t["name"] for t in cli.whole("targets")["targets"]] == [target.name]
    assert cli.whole("probe", number)["sign_in"] == "none"
    assert cli.whole("login", number)["session"]["state"] == "connected"
    assert cli.whole("set", number, "--startup", "login")["target"]["startup"] == "login"
    assert cli.whole("set", number, "--startup", "manual")["target"]["startup"] == "manual"
    assert cli.whole("sessions")["sessions"][0]["target_name"] == target.name
    assert cli.whole("rescan", number)["luns"]
    assert [lun["read_only"] for lun in cli.whole("luns")["luns"] if lun["kind"] == "disk"] == [True]
    device = cli.whole("attach", number)["device"]
    assert cli.whole("diagnose", number)["verdict"] == "ok"
    assert cli.whole("stats")["luns"]
    assert cli.whole("watch", "--count", "1", "--interval", "0.25")["sessions"]
    assert cli.whole("eject", device, "--force", "--yes")["lun"]["device"] == ""
    assert cli.whole("logout", number)["target"]["state"] == "disconnected"
    assert cli.whole("forget", number) == {"forgotten": target.name}


def test_connecting_with_one_command(cli: Cli, target: TgtTarget) -> None:
    need.root()
    done = cli.whole("connect", target.portal, target.name)
    assert [Path(lun["device"]).exists() for lun in done["luns"] if lun["kind"] == "disk"] == [True]
    cli.whole("logout", target.name)
    assert cli.whole("connect", target.name, "--no-attach")["target"]["state"] == "connected", (
        "a saved one, by its name"
    )
    cli.whole("logout", target.name)
    cli.whole("forget", target.name)


def test_what_comes_to_nothing_leaves_no_record(cli: Cli, tgtd: Tgtd, target_name: str) -> None:
    target = tgtd.add_target(target_name, [LunSpec(16 << 20)], chap=ACCOUNT)
    where = ("connect", target.portal, target.name)
    assert cli.fails(*where) == "AuthenticationRequired"
    assert cli.fails(*where, "--user", "alice", "--secret-file", "-", given="wrong-secret-it-is\n") == (
        "AuthenticationFailed"
    )
    assert cli.whole("targets")["targets"] == []
    done = cli.whole(*where, "--user", "alice", "--secret-file", "-", "--no-attach", given=ACCOUNT[1] + "\n")
    assert (done["target"]["sign_in"], done["target"]["chap_name"]) == ("chap", "alice")
    cli.whole("logout", target.name)
    cli.whole("forget", target.name)


def test_kept_addresses(cli: Cli, target: TgtTarget) -> None:
    kept = cli.whole("portal", "add", target.portal)["portal"]
    assert cli.fails("portal", "add", target.portal) == "AlreadyExists"
    found = cli.whole("portal", "refresh", target.portal)
    assert target.name in found["new"]
    assert cli.whole("portal", "set", str(kept["number"]), "--interval", "600")["portal"]["interval"] == 600
    assert cli.whole("portal", "list")["portals"][0]["last_result"] == ""
    assert cli.whole("portal", "remove", target.portal, "--forget-targets") == {"removed": target.portal}
    assert cli.whole("targets")["targets"] == []


def test_everything_that_an_address_offers(cli: Cli, own_tgtd: Tgtd, target_name: str) -> None:
    open_ones = [own_tgtd.add_target(f"{target_name}.{number}", [LunSpec(8 << 20)]) for number in range(3)]
    portal = open_ones[0].portal
    cli.whole("portal", "add", portal)
    done = cli.whole("portal", "login", portal)
    assert [(t["state"], t["name"]) for t in done["targets"]] == [("connected", one.name) for one in open_ones]
    protected = own_tgtd.add_target(f"{target_name}.protected", [LunSpec(8 << 20)], chap=ACCOUNT)
    result = CliRunner().invoke(main, ["--json", "--bus", cli.helper.bus, "portal", "login", portal])
    assert result.exit_code == catalogue()["AuthenticationRequired"].exit
    answer = json.loads(result.stdout)
    assert misfits(answer, shapes.OUTPUT["portal login"]) == []
    (failed,) = answer["failed"]
    assert (failed["name"], failed["error"]["code"]) == (protected.name, "AuthenticationRequired")
    for one in open_ones:
        cli.whole("logout", one.name)
    cli.whole("portal", "remove", portal, "--forget-targets")


def test_this_computer(cli: Cli) -> None:
    before = cli.whole("status")["initiator_name"]
    assert cli.whole("name")["initiator_name"] == before
    changed = cli.whole("name", "iqn.2026-01.org.example:desk", "--alias", "the desk")
    assert (changed["initiator_name"], changed["initiator_alias"]) == ("iqn.2026-01.org.example:desk", "the desk")
    assert cli.whole("name", "--new")["initiator_name"].startswith("iqn.2026-01.io.github.lundock:")
    assert cli.fails("name", "nonsense") == "InvalidArgument"
    assert cli.fails("name", "iqn.2026-01.org.example:desk", "--new") == "Usage"
    assert cli.whole("events", "--limit", "5")["events"]
    assert "complete" in cli.whole("completion", "bash")["script"]


def test_a_diagnosis_ends_with_the_code_of_what_is_wrong(cli: Cli) -> None:
    words = ["--json", "--bus", cli.helper.bus, "diagnose", "no-such-host.invalid"]
    result = CliRunner().invoke(main, words)
    found = json.loads(result.stdout)
    assert misfits(found, shapes.OUTPUT["diagnose"]) == []
    assert (found["verdict"], found["cause"]) == ("failed", "NameNotFound")
    assert result.exit_code == catalogue()["NameNotFound"].exit


def test_a_diagnosis_says_what_the_target_s_administrator_needs(cli: Cli, target_name: str) -> None:
    """0202: the target's list of computers does not have this one."""
    listed = TargetConfig(target_name, (DiskConfig(size=1 << 20),), initiators=("iqn.2026-01.org.example:other",))
    with Server(ServerConfig(targets=(listed,))) as server:
        number = str(cli.whole("add", target_name, "--portal", server.address)["target"]["number"])
        result = CliRunner().invoke(main, ["--json", "--bus", cli.helper.bus, "diagnose", number])
        found, name = json.loads(result.stdout), cli.whole("name")["initiator_name"]
        assert (found["verdict"], found["cause"]) == ("failed", "AuthorizationFailed")
        assert [step["detail"]["status"] for step in found["steps"] if step["verdict"] == "failed"] == ["0202"]
        for words in ([], ["--report"]):
            said = CliRunner().invoke(main, ["--bus", cli.helper.bus, "diagnose", number, *words])
            assert said.exit_code == catalogue()["AuthorizationFailed"].exit
            assert name in said.output
            assert ("Reach the port" in said.output) is (not words), "the window's words; the report has the codes"
        cli.whole("forget", number)


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["login"], ["show", "--nonsense"], ["stats", "--interval", "soon"], ["portal", "nonsense"], []],
)
def test_a_usage_error_is_json_as_well(cli: Cli, words: list[str]) -> None:
    assert cli.fails(*words) == "Usage"
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: " in result.stderr


class Endless:
    """A command that goes on until Ctrl-C, as a process of its own."""

    def __init__(self, cli: Cli, *words: str) -> None:
        argv = [sys.executable, "-m", "lundock.app.cli", "--json", "--bus", cli.helper.bus, *words]
        self.process = procs.start(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def line(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        self.process.wait(30)
        return procs.stop(self.process)


def test_a_disk_on_a_socket(cli: Cli, target: TgtTarget, tmp_path: Path) -> None:
    nbdinfo, nbdcopy = need.program("nbdinfo"), need.program("nbdcopy")
    data = os.urandom(4 << 20)
    with target.luns[0].file.open("r+b") as stream:
        stream.write(data)
    cli.whole("connect", target.portal, target.name, "--no-attach")
    path = tmp_path / "disk.sock"
    serving = Endless(cli, "nbd", target.name, "--unix", str(path))
    answer = serving.line()
    assert misfits(answer, shapes.OUTPUT["nbd"]) == []
    assert path.stat().st_mode & 0o777 == 0o600
    assert procs.run(nbdinfo, "--size", answer["uri"]).strip() == str(64 << 20)
    procs.run(nbdcopy, answer["uri"], tmp_path / "image")
    assert (tmp_path / "image").read_bytes()[: len(data)] == data
    assert cli.fails("nbd", target.name, "--unix", str(tmp_path / "none" / "x")) == "InvalidArgument"
    assert serving.end(signal.SIGTERM) == 0
    assert not path.exists()
    assert cli.fails("nbd", f"{target.name}/7", "--unix", str(path)) == "NoSuchLun"
    cli.whole("logout", target.name)
    assert cli.fails("nbd", target.name, "--unix", str(path)) == "NotConnected"
    cli.whole("forget", target.name)
    SEEN.add("nbd")


def test_events_as_they_happen(cli: Cli, target: TgtTarget) -> None:
    following = Endless(cli, "events", "--follow")
    assert misfits(following.line(), shapes.OUTPUT["events"]) == []
    cli.whole("connect", target.portal, target.name, "--no-attach")
    event = following.line()["event"]
    assert misfits(event, shapes.EVENT) == []
    assert (event["kind"], event["target"]) == ("connected", target.name)
    cli.whole("logout", target.name)
    assert following.line()["event"]["kind"] == "disconnected"
    assert following.end() == 0
    cli.whole("forget", target.name)


def test_an_agent_answers_and_a_job_is_cancelled(cli: Cli, tgtd: Tgtd, target_name: str) -> None:
    target = tgtd.add_target(target_name, [LunSpec(16 << 20)], chap=ACCOUNT)
    answering = Endless(cli, "agent")
    assert misfits(answering.line(), shapes.OUTPUT["agent"]) == []
    SEEN.add("agent")
    assert cli.whole("jobs") == {"jobs": []}
    assert cli.fails("cancel", "1") == "NotFound"
    silent = procs.free_port()  # nobody answers there: the job lasts until it is cancelled
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", silent))
        listening.listen()
        looking = Endless(cli, "discover", f"127.0.0.1:{silent}")
        found: list[Any] = []
        procs.wait_for("the job", lambda: found.extend(cli.whole("jobs")["jobs"]) or found)
        assert found[0]["kind"] == "discover"
        cli.whole("cancel", str(found[0]["number"]))
        assert looking.line()["error"]["code"] == "Cancelled"
        assert looking.process.wait(30) == catalogue()["Cancelled"].exit
        procs.stop(looking.process)
    assert answering.end() == 0
    assert target.name


def test_no_command_was_left_out() -> None:
    if len(SEEN) < 3:
        pytest.skip("the other tests of this file did not run")
    assert set(shapes.OUTPUT) - SEEN - ELSEWHERE == set()
