# SPDX-License-Identifier: Apache-2.0
"""The targets: the responder without storage work, and tgtd over a file in memory."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from . import process
from .bench import Bench
from .build import PATH
from .process import CannotMeasureError

NAME = "iqn.2026-01.io.github.lundock:bench"
MIB = 1 << 20
_CONTROL = "1"


@dataclass(frozen=True, slots=True)
class Target:
    """A target that runs."""

    port: int
    name: str
    lun: int
    pid: int

    @property
    def url(self) -> str:
        """Return its disk as libiscsi writes it."""
        return f"iscsi://127.0.0.1:{self.port}/{self.name}/{self.lun}"


@contextlib.contextmanager
def responder(bench: Bench, *options: str) -> Iterator[Target]:
    """Run the responder; it ends when we do, whatever happens to us."""
    if bench.tools.responder is None:
        raise CannotMeasureError("the responder could not be built")
    with process.running(
        [bench.tools.responder, "--name", NAME, *options], bench.log, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        ready, _, _ = select.select([running.stdout], [], [], process.PATIENCE)
        line = running.stdout.readline() if ready else b""
        if not line.strip().isdigit():
            raise CannotMeasureError("the responder does not start")
        yield Target(int(line), NAME, 0, running.pid)


@contextlib.contextmanager
def tgtd(bench: Bench) -> Iterator[Target]:
    """Run tgtd over 256 MiB of memory."""
    folder = bench.folder / "tgtd"
    folder.mkdir(exist_ok=True)
    env = {**os.environ, "TGT_IPC_SOCKET": str(folder / "socket"), "PATH": PATH}
    port = process.free_port()
    disk = Path("/dev/shm") / f"{bench.folder.name}-disk"
    try:
        _fill(disk, 256 * MIB)
        words = ["tgtd", "-C", _CONTROL, "-f", "--iscsi", f"portal=127.0.0.1:{port}"]
        with process.running(words, bench.log, env=env) as running:
            process.wait_for("tgtd", lambda: running.poll() is not None or _answers(env))
            for line in _setup(disk):
                process.run(["tgtadm", "-C", _CONTROL, "--lld", "iscsi", *line.split()], env=env)
            yield Target(port, NAME, 1, running.pid)
    finally:
        disk.unlink(missing_ok=True)


def _fill(disk: Path, size: int) -> None:
    """Make every page of the file be there."""
    with disk.open("wb") as stream:
        block = os.urandom(MIB)
        for _ in range(size // MIB):
            stream.write(block)


def _answers(env: dict[str, str]) -> bool:
    try:
        process.run(["tgtadm", "-C", _CONTROL, "--op", "show", "--mode", "sys"], env=env)
    except CannotMeasureError:
        return False
    return True


def _setup(disk: Path) -> list[str]:
    return [
        f"--op new --mode target --tid 1 -T {NAME}",
        f"--op new --mode logicalunit --tid 1 --lun 1 --backing-store {disk}",
        "--op bind --mode target --tid 1 -I ALL",
    ]


TARGETS: dict[str, Callable[[Bench], AbstractContextManager[Target]]] = {"responder": responder, "tgtd": tgtd}


def get(bench: Bench, name: str) -> Target:
    """Return a target of TARGETS, started when it doesn't run."""
    return bench.get(("target", name), lambda: TARGETS[name](bench))
