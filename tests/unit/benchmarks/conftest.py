# SPDX-License-Identifier: Apache-2.0
"""What the benchmark's tests share: its compiled parts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import need, procs

from benchmarks import build

ROOT = Path(__file__).parents[3]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

NAME = "iqn.2026-01.io.github.lundock:responder"


class Responder:
    """A responder that runs, and its process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        assert process.stdout is not None
        self.port = int(process.stdout.readline())

    @property
    def url(self) -> str:
        return f"iscsi://127.0.0.1:{self.port}/{NAME}/0"


@pytest.fixture(scope="session")
def responder_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The responder, compiled so that it ends at its first mistake with memory."""
    out = tmp_path_factory.mktemp("bench") / "responder"
    sources = sorted((ROOT / "benchmarks" / "responder").glob("*.c"))
    words = ["-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    procs.run(need.program("cc"), *words, "-o", out, *sources, *build.responder_libraries())
    return out


@pytest.fixture
def start_responder(responder_program: Path) -> Iterator[Callable[..., Responder]]:
    """Start responders with options; whoever ends with a complaint of the sanitizer fails the test."""
    started: list[Responder] = []

    def start(*options: str) -> Responder:
        process = procs.start(
            [str(responder_program), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.append(Responder(process))
        return started[-1]

    yield start
    for one in started:
        _, said = one.process.communicate(timeout=procs.PATIENCE)  # closes its standard input, which ends it
        procs.stop(one.process)
        assert one.process.returncode == 0, said.decode()
