# SPDX-License-Identifier: Apache-2.0
"""`lundock` on a terminal, as a person without rights: polkit's own text agent and PAM ask for a password."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lundock.helper.api.errors import catalogue
from lundock.helper.api.names import ROOT_PATH
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.server import Server
from support import buses, need, procs
from support.system import SystemHelper, rules, system_helper

ADMINISTRATOR = 'polkit.addAdminRule(function () { return ["unix-user:alice"]; });\n'
PROMPT = "Authentication is required to look for disks at 127.0.0.1:1"

#: The interpreter's folders may be closed for the user: the first run, as root, loads everything.
LUNDOCK = """
import os, sys
from lundock.app.cli import main

lines = [line.split("\\t") for line in "\\t".join(sys.argv[2:]).split("\\t--then\\t")]

def lundock(line):
    try:
        main(["--system", *line], prog_name="lundock")
    except SystemExit as end:
        return end.code

for line in lines:
    lundock(line)
if group := os.environ["CONTROL_GROUP"]:
    open(group + "/cgroup.procs", "w").write(str(os.getpid()))
user = int(sys.argv[1])
os.setgroups([]), os.setresgid(user, user, user), os.setresuid(user, user, user)
print("NOW THE USER", flush=True)
for line in lines:
    print("ENDED WITH", lundock(line), flush=True)
"""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[SystemHelper]:
    with system_helper(tmp_path, rules("configure")) as helper:
        yield helper


class Terminal:
    """A program on a terminal, and who sits before it."""

    def __init__(self, argv: list[str], environ: dict[str, str]) -> None:
        self._ours, theirs = os.openpty()
        self.seen = ""
        self.process = procs.start(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, env={**environ, "TERM": "dumb"},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)

    def wait_for(self, words: str) -> str:
        """Read until the words come; returns what came before them."""
        deadline = time.monotonic() + procs.PATIENCE
        while words not in self.seen:
            ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
            with contextlib.suppress(OSError):  # EIO: the program has ended
                self.seen += os.read(self._ours, 4096).decode("utf-8", "replace") if ready else ""
            assert time.monotonic() < deadline, f"waited for {words!r}: {self.seen}"
        before, _, self.seen = self.seen.partition(words)
        return before

    def type(self, words: str) -> None:
        """Type a password: what comes before the echo is off is thrown away."""
        procs.wait_for("the echo to be off", lambda: not termios.tcgetattr(self._ours)[3] & termios.ECHO)
        os.write(self._ours, f"{words}\n".encode())

    def interrupt(self) -> None:
        os.write(self._ours, b"\x03")

    def close(self) -> None:
        procs.kill_group(self.process)
        os.close(self._ours)


@contextlib.contextmanager
def lundock(helper: SystemHelper, *words: str, group: str = "") -> Iterator[Terminal]:
    for program in ("pkttyagent", "polkit-agent-helper-1"):
        need.program(program)
    helper.bus.set_rules(ADMINISTRATOR)  # and with it a new polkitd, which knows of no answers
    argv = [*helper.bus.inside, sys.executable, "-c", LUNDOCK, str(buses.USERS["bob"]), *words]
    terminal = Terminal(argv, {**helper.bus.environ, "CONTROL_GROUP": group})
    try:
        terminal.wait_for("NOW THE USER")
        yield terminal
    finally:
        terminal.close()


def ended(terminal: Terminal, code: str) -> None:
    terminal.wait_for(f"[{code}]")
    terminal.wait_for(f"ENDED WITH {catalogue()[code].exit}")


def test_the_right_password_lets_one_in(system: SystemHelper) -> None:
    with lundock(system, "discover", "127.0.0.1:1") as terminal:
        asked = terminal.wait_for("Password: ")
        assert PROMPT in asked
        assert "alice" in asked
        terminal.type(buses.PASSWORD)
        ended(terminal, "ConnectionRefused")  # it was looked at: nobody listens on port 1


def test_setting_a_disk_up_asks_once(system: SystemHelper) -> None:
    """Looking is one action, saving another; the target that is saved is one's own."""
    name = "iqn.2026-01.io.github.lundock.test:asked"
    with (
        Server(ServerConfig(targets=(TargetConfig(name, (DiskConfig(size=1 << 20),)),))) as server,
        lundock(system, "add", name, "--from", server.address, "--then", "forget", name) as terminal,
    ):
        terminal.wait_for("Password: ")
        terminal.type(buses.PASSWORD)
        assert "Password:" not in terminal.wait_for("ENDED WITH 0")
    there = system.call("root", "", interface="managed")["value"]
    assert f"{ROOT_PATH}/targets/2" in there, "the first one was root's, who loads the program, and is forgotten"


def test_a_wrong_password_does_not(system: SystemHelper) -> None:
    with lundock(system, "discover", "127.0.0.1:1") as terminal:
        terminal.wait_for("Password: ")
        terminal.type("wrong")
        ended(terminal, "NotAuthorizedDismissed")


def test_who_closes_the_question_is_told_so(system: SystemHelper) -> None:
    with lundock(system, "discover", "127.0.0.1:1") as terminal:
        terminal.wait_for("Password: ")
        terminal.interrupt()
        terminal.wait_for(f"ENDED WITH {catalogue()['Cancelled'].exit}")


def test_one_answer_is_enough_for_setting_up_a_disk(system: SystemHelper) -> None:
    """`configure` is kept for a while, and implies `discover` and `connect`, of another's target, too."""
    portals = [{"address": "127.0.0.1", "port": 1}]
    assert "value" in system.call("alice", "AddTarget", "iqn.2026-01.org.example:x", portals, {})
    change, look, connect = ("set", "x", "--alias", "X"), ("discover", "127.0.0.1:1"), ("login", "x")
    with lundock(system, *change, "--then", *look, "--then", *connect) as terminal:
        assert "Authentication is required to change the iSCSI targets" in terminal.wait_for("Password: ")
        terminal.type(buses.PASSWORD)
        terminal.wait_for("ENDED WITH 0")
        ended(terminal, "ConnectionRefused")
        ended(terminal, "ConnectionRefused")


def test_the_desktop_s_agent_goes_before_the_terminal_s(system: SystemHelper) -> None:
    with (
        system.bus.logged_in("bob") as group,
        lundock(system, "discover", "127.0.0.1:1", group=str(group)) as terminal,
    ):
        assert PROMPT in terminal.wait_for("Password: ")  # there is no other: the terminal's asks
        terminal.type(buses.PASSWORD)
        ended(terminal, "ConnectionRefused")
