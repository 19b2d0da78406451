# SPDX-License-Identifier: Apache-2.0
"""Everything that runs for the demo: the target, a bus, the helper. Leaving the scene ends it all, in order."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import traces
from ..private_bus import private_bus
from . import contents
from .release import release
from .report import Failed

TARGET_NAME = "iqn.2026-01.io.github.lundock:demo"
CHAP_NAME = "demo"
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Scene:
    """What runs, and what one needs to know of it. `sums`: the SHA-256 of each file on the disk."""

    folder: Path
    bus: str
    address: str
    port: int
    secret: str
    sums: Mapping[str, str]
    target: subprocess.Popen[bytes]
    helper: subprocess.Popen[bytes]

    @property
    def environ(self) -> dict[str, str]:
        """An environment in which the session bus is the demo's."""
        return {**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.bus}

    def log(self) -> str:
        """Return the end of what the helper has said."""
        return (self.folder / "helper.log").read_text("utf-8", "replace")[-3000:]


@contextlib.contextmanager
def scene(more: Sequence[Mapping[str, Any]] = ()) -> Iterator[Scene]:
    """Make the disk, start everything, and end it. `more`: further targets, as the software target's file has them."""
    # What cannot be removed is told by the look for leftovers, or lies there because of what is told anyway.
    with tempfile.TemporaryDirectory(prefix=traces.PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        image, sums = contents.make(folder)
        secret = secrets.token_urlsafe(12)
        with _target(image, secret, more) as (target, port), private_bus() as bus, _helper(folder, bus) as helper:
            try:
                yield Scene(folder, bus, f"127.0.0.1:{port}", port, secret, sums, target, helper)
            finally:
                release(folder / "run")


@contextlib.contextmanager
def _target(
    image: Path, secret: str, more: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the software target; its secret goes through a pipe."""
    disk = {"file": str(image), "serial": "LUNDOCK-DEMO"}
    account = {"name": CHAP_NAME, "secret": secret}
    demo = {"name": TARGET_NAME, "alias": "Demo disk", "chap": account, "disks": [disk]}
    config = {"targets": [demo, *more]}
    command = [sys.executable, "-m", "lundock.helper.target", "--config", "-", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    with _ending(process):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(config).encode())
        process.stdin.close()
        told = process.stdout.readline()
        if not told:
            raise Failed("the software target did not start")
        yield process, int(json.loads(told)["port"])


@contextlib.contextmanager
def _helper(folder: Path, bus: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the helper on the demo's bus: as root, or as the one who runs the demo."""
    command = [sys.executable, "-m", "lundock.helper", "--session", "--bus", bus]
    command += ["--state-dir", str(folder / "state"), "--run-dir", str(folder / "run"), "--stop-policy", "logout"]
    with (folder / "helper.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    with _ending(process):
        yield process


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"{process.args!r} did not end when told to, and was killed") from None
        finally:
            if process.stdout is not None:
                process.stdout.close()
