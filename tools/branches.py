# SPDX-License-Identifier: Apache-2.0
"""`./dev branches [MODULE...]`: how many branches of the engine's protocol modules their own unit tests take.

One run of tests/unit/helper/engine under coverage.py, each test under the name of its module; then each protocol module
is counted by what its own test modules did, and nothing else. The bar is 95 % of the branches of each. Words after the
command are parts of modules' names: only those are told, with the branches that no test takes.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import keeper

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / "helper" / "engine"
TESTS = ROOT / "tests" / "unit" / "helper" / "engine"
#: Per cent of the branches of each module.
BAR = 95

_SESSION = ("session", "connection", "outcomes", "aborting", "upkeep", "pipes")
_LOGIN = ("login/machine", "login/operational", "login/security")
#: The protocol's modules, and the test modules that are their own (test_ before the last part).
OWN: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("framing", "text", "keys", "chap", "secret", "names", "url", "discovery")},
    **{f"pdu/{name}": (f"pdu/{name}",) for name in ("codes", "requests", "responses", "serial")},
    **{name: (name,) for name in ("probe", "extents", "backoff", "connecting", "telling", "units")},
    **{name: (name,) for name in ("outbound", "runs")},
    "buffers": ("buffers", "pipes"),
    **dict.fromkeys(("task", *_SESSION), (*_SESSION, "outbound")),
    **{f"login/{name}": _LOGIN for name in ("machine", "operational", "security", "stage", "status")},
    "login/config": ("secret", "login/security"),
    "login/traced": ("probe",),
    **{f"scsi/{name}": (f"scsi/{name}",) for name in ("cdb", "disk", "luns", "sense")},
    **{f"scsi/{name}": ("scsi/parsers",) for name in ("capacity", "inquiry", "mode", "vpd")},
}


@dataclass(frozen=True, slots=True)
class Count:
    """Of one module."""

    name: str
    branches: int
    taken: int
    missing: tuple[tuple[int, int], ...]

    @property
    def percent(self) -> float:
        """Of its branches; a module without any has all of them."""
        return 100 * self.taken / self.branches if self.branches else 100.0


class Contexts:
    """Has coverage.py note which test module is running."""

    def __init__(self, measured: Any) -> None:
        self._measured = measured

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._measured.switch_context(Path(nodeid.partition("::")[0]).relative_to(TESTS.relative_to(ROOT)).as_posix())

    def pytest_runtest_logfinish(self) -> None:
        """It is over."""
        self._measured.switch_context("")


def test_module(own: str) -> str:
    """Return the test module that a word of OWN stands for, from TESTS on."""
    folder, _, name = own.rpartition("/")
    return f"{folder}/test_{name}.py" if folder else f"test_{name}.py"


def run(folder: Path) -> Any:
    """Run the tests; returns what was measured."""
    import coverage

    measured = coverage.Coverage(data_file=str(folder / "data"), branch=True, source=[str(ENGINE)], config_file=False)
    measured.start()
    code = pytest.main(["-q", str(TESTS)], plugins=[Contexts(measured)])
    measured.stop()
    measured.save()
    if code:
        raise SystemExit("branches: the tests do not pass")
    return measured


def count(measured: Any, name: str, folder: Path) -> Count:
    """Count one module by its own tests."""
    path = ENGINE / f"{name}.py"
    out = folder / "report.json"
    contexts = ["^$", *(f"^{re.escape(test_module(own))}$" for own in OWN[name])]
    measured.json_report(morfs=[str(path)], outfile=str(out), contexts=contexts)
    (found,) = json.loads(out.read_text())["files"].values()
    summary = found["summary"]
    missing = tuple((start, end) for start, end in found["missing_branches"])
    return Count(name, summary["num_branches"], summary["covered_branches"], missing)


def main(words: list[str]) -> int:
    """Run; returns the exit code."""
    keeper.hold()
    os.chdir(ROOT)
    wanted = [name for name in OWN if not words or any(word in name for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        measured = run(Path(folder))
        counts = [count(measured, name, Path(folder)) for name in wanted]
    for one in counts:
        verdict = "" if one.percent >= BAR else f"  below {BAR} %"
        print(f"{one.name:20} {one.taken:4} of {one.branches:4} branches  {one.percent:5.1f} %{verdict}")
        if words or verdict:
            print("".join(f"    line {start} to {end}\n" for start, end in one.missing), end="")
    below = [one for one in counts if one.percent < BAR]
    print(f"{len(counts)} modules, {len(below)} below {BAR} % of branches")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
