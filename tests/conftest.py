# SPDX-License-Identifier: Apache-2.0
"""Fixtures shared by all tests, and what is checked after the last one."""

from __future__ import annotations

import itertools
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from support import need, raised
from support.buses import session_bus
from support.helper import HelperProcess, running_helper
from support.tgtd import Tgtd
from support.xvfb import display

from tools import keeper, traces

keeper.hold()  # here for a plain pytest; `./dev test` does it earlier
_names = itertools.count(1)

#: Reasons of skips that mean "this package is not installed".
PACKAGE_MISSING = re.compile(r"install the package|could not import|not installed", re.IGNORECASE)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let an interruption end the run."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        session.shouldstop = "interrupted"
        _leave_qt()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupted)


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer() -> Iterator[object]:
    """Let a time-out end the test."""
    done = yield
    if callable(timed_out := signal.getsignal(signal.SIGALRM)):
        signal.signal(signal.SIGALRM, lambda number, frame: (_leave_qt(), timed_out(number, frame)))
    return done


def _leave_qt() -> None:
    """End Qt's loops, in which an exception is written down and goes no further; a dialog's would go on for ever."""
    core = sys.modules.get("PySide6.QtCore")
    if core is not None and (application := core.QCoreApplication.instance()) is not None:
        application.exit(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where everything is supposed to be installed, a skip for a missing package is a failure."""
    report = yield
    if (
        report.skipped
        and need.in_ci()
        and isinstance(report.longrepr, tuple)
        and PACKAGE_MISSING.search(report.longrepr[2])
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr[2]}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _nothing_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set up first, so torn down last: fails the run when something is left behind."""
    folder = tmp_path_factory.getbasetemp()
    keeper.covers(folder)
    yield
    left = traces.left([folder, Path(tempfile.gettempdir(), traces.PREFIX)])
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture(scope="session", autouse=True)
def _every_error_raised(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every error of the list was brought about by some test; said when all of them have run."""
    with raised.recorded() as seen:
        yield
    if whole_run(request.session):
        seen.write()
        missed, skipped = ", ".join(seen.never()), _skipped(request.config)
        unable = skipped and os.geteuid()  # without root some cannot be brought about
        assert not missed or unable, f"no test brings about {missed} ({skipped} tests were skipped)"


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter is not None else 0


def whole_run(session: pytest.Session) -> bool:
    """Whether every test there is was to run, and did."""
    option = session.config.option
    chosen = option.keyword or option.markexpr or option.deselect or option.lf or option.stepwise
    everything = session.config.args_source is pytest.Config.ArgsSource.TESTPATHS and not chosen
    return everything and not session.shouldstop and not session.shouldfail


@pytest.fixture(scope="session")
def tgtd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tgtd]:
    """One tgtd for all tests: make targets of your own name in it (`target_name`), do not stop it."""
    with Tgtd(tmp_path_factory.mktemp("tgtd")) as daemon:
        yield daemon


@pytest.fixture
def own_tgtd(tmp_path: Path) -> Iterator[Tgtd]:
    """A tgtd for one test, to stop, restart or set discovery accounts on."""
    with Tgtd(tmp_path / "tgtd") as daemon:
        yield daemon


@pytest.fixture
def target_name(request: pytest.FixtureRequest) -> str:
    """A target's name that no other test has."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60]
    return f"iqn.2026-01.io.github.lundock.test:{words}.{next(_names)}"


@pytest.fixture
def bus() -> Iterator[str]:
    """The address of a private session bus."""
    with session_bus() as address:
        yield address


@pytest.fixture
def helper(tmp_path: Path) -> Iterator[HelperProcess]:
    """A helper on a private session bus."""
    with running_helper(tmp_path / "helper") as process:
        yield process


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    """A display's name."""
    with display() as name:
        yield name
