# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/using-from-your-program.md, as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import need, procs
from support.helper import HelperProcess
from support.tgtd import LunSpec, Tgtd, TgtTarget

PAGE = Path(__file__).parents[2] / "docs" / "using-from-your-program.md"
MIB = 1 << 20
ACCOUNT = ("alice-chap", "correct horse b")
SYSTEM_PYTHON = "/usr/bin/python3"


def programs() -> dict[str, str]:
    """Return the page's programs by the names in their first comments."""
    blocks = re.findall(r"^```(?:sh|python)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    named = [(re.search(r"^# ([a-z]+\.(?:sh|py))", block, re.MULTILINE), block) for block in blocks]
    return {match[1]: block for match, block in named if match}


class Runner:
    """Runs them where the helper's bus is the system bus."""

    def __init__(self, helper: HelperProcess, folder: Path) -> None:
        self._environ = {**helper.environ, "DBUS_SYSTEM_BUS_ADDRESS": helper.bus}
        for name, text in programs().items():
            (folder / name).write_text(text, "utf-8")
        self._folder = folder

    def run(self, interpreter: str, name: str, *words: str, given: str = "") -> str:
        argv = [interpreter, self._folder / name, *words]
        return procs.run(*argv, env=self._environ, input=given).strip()

    def prints(self, name: str, words: str) -> None:
        """Run one that goes on for ever until it has printed these words."""
        process = self.start("sh", name)
        try:
            assert process.stdout is not None
            seen = b""
            while words.encode() not in seen:
                more = os.read(process.stdout.fileno(), 4096)
                assert more, seen
                seen += more
        finally:
            procs.kill_group(process)

    def refused(self, interpreter: str, name: str, *words: str, given: str = "") -> str:
        argv = [interpreter, self._folder / name, *words]
        done = procs.try_run(*argv, env=self._environ, input=given)
        assert done.returncode == 1
        return done.stderr

    def start(self, interpreter: str, name: str) -> subprocess.Popen[bytes]:
        argv = [interpreter, str(self._folder / name)]
        return procs.start(argv, env=self._environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.fixture
def runner(helper: HelperProcess, tmp_path: Path) -> Runner:
    return Runner(helper, tmp_path)


@pytest.fixture
def plain(own_tgtd: Tgtd, target_name: str) -> TgtTarget:
    return own_tgtd.add_target(target_name, [LunSpec(8 * MIB)])


@pytest.fixture
def locked(tgtd: Tgtd, target_name: str) -> TgtTarget:
    return tgtd.add_target(target_name, [LunSpec(8 * MIB)], chap=ACCOUNT)


def test_every_program_is_tried() -> None:
    text = Path(__file__).read_text("utf-8")
    assert programs()
    assert [name for name in programs() if f'"{name}"' not in text] == []


def test_shell(runner: Runner, plain: TgtTarget) -> None:
    need.program("busctl")
    need.program("gdbus")
    device = runner.run("sh", "connect.sh", plain.portal)
    assert Path(device).exists()
    runner.prints("list.sh", "/io/github/lundock/Initiator1/targets/1")
    runner.prints("list.sh", "is owned by")
    assert "is already there" in runner.refused("sh", "connect.sh", plain.portal)
    runner.run("sh", "disconnect.sh", device)
    assert "No disk" in runner.refused("sh", "disconnect.sh", device)
    assert "ConnectionRefused" in runner.refused("sh", "connect.sh", f"127.0.0.1:{procs.free_port()}")


def test_dbus_next(runner: Runner, locked: TgtTarget) -> None:
    device = runner.run(sys.executable, "connect.py", locked.portal, locked.name, ACCOUNT[0], given=ACCOUNT[1] + "\n")
    assert Path(device).exists()
    again = runner.refused(sys.executable, "connect.py", locked.portal, locked.name, ACCOUNT[0], given="x\n")
    assert "Error.AlreadyExists" in again


def test_glib(runner: Runner, plain: TgtTarget) -> None:
    if procs.try_run(SYSTEM_PYTHON, "-c", "import gi").returncode:
        need.missing("python3-gi", "Python has no GLib")
    assert runner.run(SYSTEM_PYTHON, "peek.py", plain.portal, plain.name) == f"{8 * MIB} {'00' * 16}"
    runner.run(SYSTEM_PYTHON, "peek.py", plain.portal, plain.name)  # it has left nothing behind


@pytest.fixture
def agent(runner: Runner) -> Iterator[subprocess.Popen[bytes]]:
    process = runner.start(sys.executable, "agent.py")
    try:
        yield process
    finally:
        procs.stop(process)


def test_a_secret_agent(
    runner: Runner, agent: subprocess.Popen[bytes], locked: TgtTarget, helper: HelperProcess
) -> None:
    need.program("gdbus")
    assert agent.stdin is not None
    assert agent.stdout is not None
    agent.stdin.write(ACCOUNT[1].encode() + b"\n")
    agent.stdin.flush()
    assert agent.stdout.readline() == b"ready\n"
    service, root = "io.github.lundock.Initiator1", "/io/github/lundock/Initiator1"
    call = ["gdbus", "call", "--address", helper.bus, "--dest", service, "--object-path"]
    host, port = locked.portal.rsplit(":", 1)
    made = procs.run(
        *call, root, "--method", f"{service}.Manager.AddTarget", locked.name,
        f"[{{'address': <'{host}'>, 'port': <uint16 {port}>}}]",
        f"{{'sign-in': <'chap'>, 'chap-name': <'{ACCOUNT[0]}'>}}",
    )  # fmt: skip
    target = made.split("'")[1]
    procs.run(*call, target, "--method", f"{service}.Target.Login", "{'keep': <true>}")

    def state() -> str:
        get = "org.freedesktop.DBus.Properties.Get"
        return procs.run(*call, target, "--method", get, f"{service}.Target", "State")

    procs.wait_for("the session", lambda: "'connected'" in state())
