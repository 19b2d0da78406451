# SPDX-License-Identifier: Apache-2.0
"""Lint and tests: `./dev test [ARGS...]`, `./dev lint`. The last line is `N passed, N failed, N skipped`.

Each linter counts as one test. An error while a test is set up or taken down counts as a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import keeper

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("app", "helper")
PYTHON_FOLDERS = ("app", "helper", "tests", "tools", "benchmarks")


@dataclass
class Counts:
    """How it went."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def line(self) -> str:
        """Return the closing line."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Counter:
    """Counts what pytest reports: each test once, and errors around it as failures."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of one test."""
        if report.failed:
            self.counts.failed += 1
        elif report.skipped:
            self.counts.skipped += 1
        elif report.when == "call":
            self.counts.passed += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count a module that could not be read, or that was skipped whole."""
        if report.failed:
            self.counts.failed += 1
        elif report.skipped:
            self.counts.skipped += 1


def link_for_mypy() -> None:
    """Lay the packages out under their import names: mypy follows folders, not an editable install's finder."""
    folder = ROOT / "build" / "typing" / "lundock"
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        link = folder / part
        if not link.is_symlink() or link.resolve() != ROOT / part:
            link.unlink(missing_ok=True)
            link.symlink_to(ROOT / part)


def linters() -> dict[str, list[str]]:
    """Return each linter's command."""
    python = [sys.executable, "-m"]
    folders = [name for name in PYTHON_FOLDERS if (ROOT / name).is_dir()]
    return {
        "ruff check": [*python, "ruff", "check", "--quiet", *folders],
        "ruff format": [*python, "ruff", "format", "--quiet", "--check", *folders],
        "mypy": [*python, "mypy", *(word for part in PARTS for word in ("-p", f"lundock.{part}")), "-p", "tools"],
    }


def lint(counts: Counts) -> None:
    """Run the linters."""
    link_for_mypy()
    for name, command in linters().items():
        result = subprocess.run(command, cwd=ROOT, check=False)
        good = result.returncode == 0
        print(f"{name}: {'clean' if good else 'FAILED'}", flush=True)
        counts.passed += good
        counts.failed += not good


def main(args: list[str]) -> int:
    """Run; returns the exit code."""
    keeper.hold()
    os.chdir(ROOT)
    counts = Counts()
    code = 0
    lint(counts)
    if "--lint-only" not in args:
        code = pytest.main(args, plugins=[Counter(counts)])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not counts.failed:
            counts.failed += 1  # interrupted, no tests found, an error of pytest itself
    print(counts.line(), flush=True)
    return 1 if counts.failed or code else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
