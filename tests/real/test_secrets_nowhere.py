# SPDX-License-Identifier: Apache-2.0
"""After everything that is done with secrets, they are looked for wherever others could read."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lundock.helper.api import names
from lundock.helper.api.objects import Call, ObjectServer
from lundock.helper.api.values import Descriptor, ObjectPath
from support import need, procs
from support.busclient import Client, run, secrets_pipe
from support.helper import HelperProcess
from support.tgtd import LunSpec, Tgtd, TgtTarget

ACCOUNT = ("alice-chap-name", "Plum-Tree-Secret")
TARGETS_ACCOUNT = ("target-chap-name", "Pear-Tree-Secret")
WRONG = "Wrong-Nut-Secret"
SECRETS = (ACCOUNT[1], TARGETS_ACCOUNT[1], WRONG)


@pytest.fixture
def locked(tgtd: Tgtd, target_name: str) -> TgtTarget:
    return tgtd.add_target(target_name, [LunSpec(8 << 20)], chap=ACCOUNT, mutual=TARGETS_ACCOUNT)


class Record:
    """Everything that goes over the bus, and what is seen of processes."""

    def __init__(self, helper: HelperProcess, folder: Path) -> None:
        self._helper = helper
        self._bus = folder / "bus.record"
        self.seen: dict[str, bytes] = {}
        with self._bus.open("wb") as out:
            argv = [need.program("dbus-monitor"), "--address", helper.bus, "--binary"]
            self._monitor = procs.start(argv, stdout=out, stdin=subprocess.DEVNULL)
        procs.wait_for("the monitor", lambda: self._bus.stat().st_size)

    def look_at(self, *pids: int) -> None:
        """Read what anybody may see of processes, and whether they could leave a core dump."""
        for pid in pids:
            for name in ("cmdline", "environ"):
                found, before = Path(f"/proc/{pid}/{name}").read_bytes(), self.seen.get(f"{name} of {pid}", b"")
                self.seen[f"{name} of {pid}"] = before if found in before else before + found

    def look_at_the_service(self) -> None:
        """Look at the helper and everything below it; children that only look at devices come and go."""
        names = set()
        for pid in (self._helper.pid, *_below(self._helper.pid)):
            with contextlib.suppress(OSError):
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                self.look_at(pid)
                if pid == self._helper.pid or name == "lundock-engine":
                    assert "Max core file size        0 " in Path(f"/proc/{pid}/limits").read_text(), name
                names.add(name)
        assert {"lundock-nursery", "lundock-engine"} < names

    def close(self) -> None:
        procs.stop(self._monitor)

    def everything(self) -> dict[str, bytes]:
        files = [self._bus, self._helper.log_path, *self._helper.state_dir.rglob("*"), *self._helper.run_dir.rglob("*")]
        return self.seen | {str(file): file.read_bytes() for file in files if file.is_file()}


def _below(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):  # it has ended
        found = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*found, *(child for one in found for child in _below(one))]


@pytest.fixture
def record(helper: HelperProcess, tmp_path: Path) -> Iterator[Record]:
    made = Record(helper, tmp_path)
    try:
        yield made
    finally:
        made.close()


class Agent:
    async def get_secrets(self, _call: Call, _target: str, _scope: str, _hints: dict[str, object]) -> Descriptor:
        return Descriptor(secrets_pipe(secret=ACCOUNT[1], target_secret=TARGETS_ACCOUNT[1]))

    async def cancel_get_secrets(self, _call: Call, _target: str, _scope: str, _options: dict[str, object]) -> None:
        return


def _on_the_bus(helper: HelperProcess, record: Record, port: int, target: TgtTarget) -> None:
    async def steps(client: Client) -> None:
        sign_in = {"sign_in": "mutual", "chap_name": ACCOUNT[0], "target_chap_name": TARGETS_ACCOUNT[0]}
        path = await client.add(target.name, port, **sign_in)
        wrong = secrets_pipe(secret=WRONG, target_secret=TARGETS_ACCOUNT[1])
        code, _ = await client.refused(path, names.TARGET, "Login", {"secrets": Descriptor(wrong)})
        assert code == "AuthenticationFailed"
        given = secrets_pipe(secret=ACCOUNT[1], target_secret=TARGETS_ACCOUNT[1])
        await client.details(path, names.TARGET, "Diagnose", {"secrets": Descriptor(given)})
        ObjectServer(client.connection).add("/agent", {names.SECRET_AGENT: Agent()})
        await client.manager("RegisterSecretAgent", ObjectPath("/agent"), {})
        details = await client.details(path, names.TARGET, "Login", {})
        for lun in details["luns"]:
            if (await client.properties(lun, names.LUN))["Kind"] == "disk":
                await client.details(lun, names.LUN, "Attach", {})
        record.look_at_the_service()
        await client.manager("GetStatistics", {})
        await client.manager("GetEvents", 0, {})

    run(helper.bus, steps)


def _on_the_command_line(helper: HelperProcess, record: Record, folder: Path, target: TgtTarget) -> None:
    ours, theirs = folder / "ours", folder / "theirs"
    ours.write_text(ACCOUNT[1])
    theirs.write_text(TARGETS_ACCOUNT[1])
    lundock = [sys.executable, "-m", "lundock.app.cli", "--bus", helper.bus]
    environ = helper.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    procs.run(*lundock, "logout", target.name, env=environ)
    words = ["login", target.name, "--secret-file", str(ours), "--target-secret-file", str(theirs)]
    process = procs.start([*lundock, *words], env=environ, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        with contextlib.suppress(OSError):  # it has just ended
            record.look_at(process.pid)
    assert procs.stop(process) == 0
    assert record.seen[f"cmdline of {process.pid}"]


def _forms(secret: str) -> tuple[bytes, ...]:
    data = secret.encode()
    return (
        data,
        data.hex().encode(),
        base64.b64encode(data)[:-4],
        secret.encode("utf-16-le"),
        json.dumps(secret).encode(),
    )


def test_secrets_are_in_no_log_record_or_file(
    helper: HelperProcess, record: Record, tmp_path: Path, tgtd: Tgtd, locked: TgtTarget
) -> None:
    _on_the_bus(helper, record, tgtd.port, locked)
    _on_the_command_line(helper, record, tmp_path, locked)
    everything = record.everything()
    assert any(ACCOUNT[0].encode() in data for place, data in everything.items() if place.endswith(".record"))
    assert any(place.endswith("lundock.db") for place in everything)
    found = [
        (place, secret)
        for place, data in everything.items()
        for secret in SECRETS
        for form in _forms(secret)
        if form in data
    ]
    assert found == []
