# SPDX-License-Identifier: Apache-2.0
"""What docs/security.md says of signals: everybody gets them, but those from whom the bus keeps them as told there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from support import buses, procs
from support.system import BECOME, NOBODY_LOOKS, rules, system_helper

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
LISTENER = """
async def main():
    connection = await Connection.open(sys.argv[1])
    seen = []
    await connection.subscribe(lambda signal: seen.append(signal.member), sender=names.BUS_NAME)
    print("ready", flush=True)
    enough = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, enough.set)
    await enough.wait()
    await connection.flush()
    print(json.dumps(seen))
    connection.close()
run(main)
"""


def listener(address: str, user: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", BECOME + LISTENER, str(buses.USERS[user]), address]
    started = procs.start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def heard(started: subprocess.Popen[str]) -> list[str]:
    said, _ = started.communicate("enough\n", timeout=30)
    return list(json.loads(said))


def test_signals_reach_everybody_but_those_from_whom_the_bus_keeps_them(tmp_path: Path) -> None:
    (example,) = re.findall(r"```xml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    policy = tmp_path / "quiet.conf"
    policy.write_text(example.replace('"guest"', f'"{buses.USERS["carol"]}"'), "utf-8")
    with system_helper(tmp_path, rules("configure") + NOBODY_LOOKS, [policy]) as system:
        bob, carol = (listener(system.bus.address, user) for user in ("bob", "carol"))
        portals = [{"address": "127.0.0.1", "port": 3260}]
        assert "value" in system.call("alice", "AddTarget", "iqn.2026-01.org.example:x", portals, {})
        assert "InterfacesAdded" in heard(bob)
        assert heard(carol) == []
        assert system.error("carol", "GetEvents", 0, {}) == "NotAuthorized"  # answers do reach her
