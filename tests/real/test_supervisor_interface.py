# SPDX-License-Identifier: Apache-2.0
"""A session bound to a network interface goes through it: two wires, the same address at the far end of both."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import need, procs
from support.helper import running_helper
from support.nbd import CLI

from tools import traces

_ASK = """
import asyncio, json, sys, tempfile
from pathlib import Path
from lundock.helper.nursery import Nursery
nursery = Nursery.start()
from lundock.helper.api.errors import Problem
from lundock.helper.supervisor import DiscoverRequest, Supervisor

async def ask(boss, interface):
    request = DiscoverRequest("10.98.0.2:3260", "iqn.2026-01.io.github.lundock.test:me", interface=interface)
    try:
        return [one.name for one in await boss.discover(request, lambda _name: None)]
    except Problem as problem:
        return problem.code

async def main():
    with tempfile.TemporaryDirectory() as folder:
        boss = Supervisor(Path(folder), nursery)
        print(json.dumps([await ask(boss, name) for name in sys.argv[1:]]))
    await nursery.close()

asyncio.run(main())
"""


@dataclass(frozen=True)
class Star:
    """A namespace with two interfaces, and what it can reach by each."""

    namespace: str
    interfaces: tuple[str, str]
    targets: tuple[str, str]


@pytest.fixture
def star() -> Iterator[Star]:
    need.root()
    need.program("ip")
    tag = traces.NAMESPACE + secrets.token_hex(1)
    here, far = f"{tag}h", (f"{tag}x", f"{tag}y")
    with contextlib.ExitStack() as stack:
        for name in (here, *far):
            added = procs.try_run("ip", "netns", "add", name)
            if added.returncode:
                pytest.skip(f"network namespaces cannot be made: {added.stderr.strip()}")
            stack.callback(procs.run, "ip", "netns", "del", name)
        interfaces = ("wire-x", "wire-y")
        targets = ("iqn.2026-01.io.github.lundock.test:by-x", "iqn.2026-01.io.github.lundock.test:by-y")
        for number, (interface, name) in enumerate(zip(interfaces, far, strict=True)):
            _wire(here, interface, f"10.98.0.{10 + number}/24", name)
            _serve(stack, name, targets[number])
        yield Star(here, interfaces, targets)


def _wire(here: str, interface: str, address: str, far: str) -> None:
    procs.run("ip", "-n", here, "link", "add", interface, "type", "veth", "peer", "name", "far", "netns", far)
    for namespace, device, number in ((here, interface, address), (far, "far", "10.98.0.2/24")):
        procs.run("ip", "-n", namespace, "addr", "add", number, "dev", device)
        procs.run("ip", "-n", namespace, "link", "set", device, "up")


def _serve(stack: contextlib.ExitStack, namespace: str, target: str) -> None:
    words = ["-m", "lundock.helper.target", "--listen", "10.98.0.2:3260", "--target", target, "--disk", "8"]
    process = procs.start(
        ["ip", "netns", "exec", namespace, sys.executable, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(procs.stop, process)

    def listens() -> bool:
        return bool(
            procs.try_run("ip", "netns", "exec", namespace, "ss", "-Hltn", "sport", "=", ":3260").stdout.strip()
        )

    procs.wait_for("the target", listens)


def test_each_interface_leads_to_its_own_target(star: Star) -> None:
    words = ["ip", "netns", "exec", star.namespace, sys.executable, "-c", _ASK]
    first, second, missing = json.loads(procs.run(*words, *star.interfaces, "wire-z"))
    assert first == [star.targets[0]]
    assert second == [star.targets[1]]
    assert missing == "InterfaceNotFound"


def test_so_it_is_with_the_engine_alone(star: Star) -> None:
    for interface, target in zip(star.interfaces, star.targets, strict=True):
        words = ["ip", "netns", "exec", star.namespace, *CLI, "--interface", interface, "ls", "iscsi://10.98.0.2:3260"]
        assert f"Target: {target} " in procs.run(*words)


def test_a_saved_target_logs_in_through_its_interface(star: Star, tmp_path: Path) -> None:
    """The targets share an address: by the other interface the portal is there, and this target is not."""
    with running_helper(tmp_path, prefix=("ip", "netns", "exec", star.namespace)) as helper:

        def lundock(*words: str) -> dict[str, Any]:
            found = procs.try_run(sys.executable, "-m", "lundock.app.cli", "--bus", helper.bus, *words, "--json")
            answer: dict[str, Any] = json.loads(found.stdout)
            return answer

        for interface, target, alias in zip(star.interfaces, star.targets, "xy", strict=True):
            lundock("add", target, "--portal", "10.98.0.2:3260", "--interface", interface, "--alias", alias)
            assert "error" not in lundock("login", alias)
        assert {one["state"] for one in lundock("sessions")["sessions"]} == {"connected"}
        lundock("logout", "x")
        lundock("set", "x", f"interface={star.interfaces[1]}")
        assert lundock("login", "x")["error"]["code"] == "TargetNotFound"
