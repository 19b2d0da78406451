# SPDX-License-Identifier: Apache-2.0
"""What the other tests stand on: buses, namespaces, the display, and that leftovers are seen."""

import os
import subprocess
from pathlib import Path

from support import need, procs
from support.buses import as_user, has_owner, polkit_bus
from support.netns import wire

from tools import traces


def test_session_bus(bus: str):
    assert has_owner(bus, "org.freedesktop.DBus")
    assert not has_owner(bus, "org.example.Nobody")


POLICY = """<?xml version="1.0"?>
<policyconfig>
  <action id="org.example.may">
    <description>x</description><message>x</message>
    <defaults><allow_any>no</allow_any><allow_inactive>no</allow_inactive><allow_active>no</allow_active></defaults>
  </action>
</policyconfig>
"""
RULES = 'polkit.addRule(function(action, subject) {{ if (subject.user == "{user}") return polkit.Result.YES; }});\n'


def _may(address: str, user: str) -> bool:
    """Ask, as this user, whether its own process is authorized (pkcheck comes with polkitd)."""
    script = 'exec pkcheck --action-id org.example.may --process "$$"'
    env = {"DBUS_SYSTEM_BUS_ADDRESS": address, "PATH": os.defpath}
    return procs.try_run("sh", "-c", script, env=env, **as_user(user)).returncode == 0


def test_polkit_answers_for_made_up_users(tmp_path: Path):
    policy = tmp_path / "org.example.policy"
    policy.write_text(POLICY)
    with polkit_bus([policy], rules=RULES.format(user="alice")) as bus:
        assert _may(bus.address, "alice")
        assert not _may(bus.address, "bob")
        bus.set_rules(RULES.format(user="bob"))
        assert _may(bus.address, "bob")
        assert not _may(bus.address, "alice")


def test_wire():
    with wire() as (left, right):
        server = procs.start(
            [
                *right.prefix,
                "python3",
                "-c",
                f"import socket; s = socket.create_server(('{right.address}', 7)); s.accept()",
            ]
        )
        try:
            probe = f"import socket; socket.create_connection(('{right.address}', 7))"
            command = [*left.prefix, "python3", "-c", probe]
            procs.wait_for("the wire", lambda: procs.try_run(*command).returncode == 0)
        finally:
            procs.stop(server)


def test_display(xvfb: str):
    assert Path(f"/tmp/.X11-unix/X{xvfb[1:]}").exists()


def test_leftovers_are_seen():
    process = subprocess.Popen(["sleep", "60"])
    try:
        # Popen returns when the program is being put in place: its environment can be read a moment later.
        procs.wait_for("it is seen", lambda: any(f" {process.pid}:" in line for line in traces.processes()))
    finally:
        process.kill()
        process.wait()
    assert not any(f" {process.pid}:" in line for line in traces.processes())


def test_programs_of_the_base_system():
    assert need.find_program("sh")
    assert need.find_program("there-is-no-such-program") is None
