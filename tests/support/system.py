# SPDX-License-Identifier: Apache-2.0
"""The helper as a system service, on a system bus with a real polkitd, and its callers as made-up users."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lundock.helper.api import names

from tools import traces

from . import buses, procs, raised

ROOT = Path(__file__).parents[2]
POLICY = ROOT / "polkit" / "io.github.lundock.initiator1.policy"
BUS_POLICY = ROOT / "packaging" / "dbus" / "io.github.lundock.Initiator1.conf"

#: Becomes the user, for whom the interpreter's own folders may be closed, once everything is loaded.
BECOME = """
import asyncio, json, os, sys
from lundock.helper.api import names
from lundock.helper.api.bus import BusError, Connection, Reply
from lundock.helper.api.contract import interfaces
from lundock.helper.api.errors import Problem, catalogue
from lundock.helper.api.objects import ObjectServer
from lundock.helper.api.values import ObjectPath, Typed

interfaces(), catalogue()

def run(main):
    async def whole():
        if group := os.environ.get("CONTROL_GROUP"):
            open(group + "/cgroup.procs", "w").write(str(os.getpid()))
        user = int(sys.argv.pop(1))
        os.setgroups([]), os.setresgid(user, user, user), os.setresuid(user, user, user)
        return await main()
    return asyncio.run(whole())
"""

#: Makes one call and prints what came of it.
CALLER = """
async def main():
    address, path, interface, method, arguments, interactive = sys.argv[1:]
    connection = await Connection.open(address)
    try:
        if interface == "managed":
            return {"value": sorted(await connection.get_managed_objects())}
        value = await connection.call(
            path, interface, method, *json.loads(arguments), interactive=interactive == "yes", timeout=30)
        return {"value": value}
    except Problem as problem:
        return {"error": problem.code, "attrs": problem.attrs}
    finally:
        connection.close()

print(json.dumps(run(main)))
"""

ALICE_CONNECTS = """
polkit.addRule(function (action, subject) {
    if (action.id == "io.github.lundock.initiator1.ACTION" && subject.user == "alice") { return polkit.Result.YES; }
});
"""
NOBODY_LOOKS = """
polkit.addRule(function (action, subject) {
    if (action.id == "io.github.lundock.initiator1.view" && subject.user == "carol") { return polkit.Result.NO; }
});
"""


def rules(*actions: str) -> str:
    """Let alice do these without a question."""
    return "".join(ALICE_CONNECTS.replace("ACTION", action) for action in actions)


def as_user(user: str, code: str, *words: str, group: Path | None = None) -> str:
    """Run Python code that ends with run(main) as a user, in a control group; returns what it prints."""
    number = {"root": 0, **buses.USERS}[user]
    environ = {**os.environ, "CONTROL_GROUP": str(group)} if group else {**os.environ}
    return procs.run(sys.executable, "-c", BECOME + code, str(number), *words, env=environ)


class SystemHelper:
    """The helper as a system service on the private system bus."""

    def __init__(self, bus: buses.PolkitBus, folder: Path, run_dir: Path) -> None:
        self.bus = bus
        self.log_path = folder / "helper.log"
        argv = [sys.executable, "-m", "lundock.helper", "--bus", bus.address]
        argv += ["--state-dir", str(folder / "state"), "--run-dir", str(run_dir)]
        with self.log_path.open("wb") as log:
            self.process = procs.start(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        procs.wait_for(
            "the helper", lambda: self.process.poll() is not None or buses.has_owner(bus.address, names.BUS_NAME)
        )
        assert self.process.poll() is None, self.log_path.read_text("utf-8")

    def call(self, user: str, method: str, *args: Any, path: str = names.ROOT_PATH, interface: str = names.MANAGER,
             interactive: bool = False, group: Path | None = None) -> dict[str, Any]:  # fmt: skip
        """Call as a user; returns {"value": …} or {"error": code}."""
        words = [self.bus.address, path, interface, method, json.dumps(args), "yes" if interactive else "no"]
        return dict(json.loads(as_user(user, CALLER, *words, group=group)))

    def error(self, user: str, method: str, *args: Any, **how: Any) -> str:
        """Call, and return the error's code; empty when it went well."""
        code = str(self.call(user, method, *args, **how).get("error", ""))
        raised.told(code)
        return code


@contextlib.contextmanager
def system_helper(folder: Path, rules: str = "// none\n", policies: Sequence[Path] = ()) -> Iterator[SystemHelper]:
    """Run it all; what it saves and says lies in `folder`. `policies`: more .conf files of the bus."""
    with (
        buses.polkit_bus([POLICY], [BUS_POLICY, *policies], rules) as bus,
        tempfile.TemporaryDirectory(prefix=traces.PREFIX) as run_dir,
    ):
        helper = SystemHelper(bus, folder, Path(run_dir))
        try:
            yield helper
        finally:
            procs.stop(helper.process, patience=20)
