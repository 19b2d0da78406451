# SPDX-License-Identifier: Apache-2.0
"""Which errors of errors.toml the tests have really brought about, and by which test first.

Counted is an error that the program itself brought about while a test ran: in this process, or, where the other process
is a real one (tests/real), in one from which it came: as an answer, at the end of a job, in an entry of the timeline.
What tests make themselves, to be thrown by a stand-in or to compare with, does not count.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from lundock.helper.api import errors
from lundock.helper.api.errors import ERROR_PREFIX, Problem, catalogue
from lundock.helper.api.signals import Signal
from lundock.helper.engine.outcomes import Outcomes

ROOT = Path(__file__).resolve().parents[2]
#: For who wants to know: errors, and the first test that brought each about.
FILE = ROOT / "build" / "errors-raised.json"
_PROGRAM = tuple(f"{ROOT / part}{os.sep}" for part in ("helper", "app"))
_REAL = "tests/real/"
_recording: list[Raised] = []


class Raised:
    """What was seen so far."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}
        self._tests_own: defaultdict[str, set[str]] = defaultdict(set)

    def made(self, code: str, frame: FrameType, test: str) -> None:
        """A Problem was made by the function of `frame`, while `test` ran."""
        if not frame.f_code.co_filename.startswith(_PROGRAM):
            self._tests_own[test].add(code)
            if self.first.get(code) == test:
                del self.first[code]
        elif frame.f_code is not errors.from_wire.__code__ or test.startswith(_REAL):
            self.happened(code, test)

    def happened(self, code: str, test: str) -> None:
        """The program brought it about."""
        if test and code in catalogue() and code not in self._tests_own[test]:
            self.first.setdefault(code, test)

    def never(self) -> list[str]:
        """Return the errors that no test has brought about."""
        return sorted(catalogue().keys() - self.first.keys())

    def write(self) -> None:
        """Write it down."""
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(json.dumps(dict(sorted(self.first.items())), indent=1) + "\n", "utf-8")


def told(code: str) -> None:
    """A program that a test ran tells that the service has answered it with this error."""
    for raised in _recording:
        raised.happened(code, running_test())


def codes_in(value: Any) -> Iterator[str]:
    """Give the errors that a signal's argument names."""
    if isinstance(value, str) and value.startswith(ERROR_PREFIX):
        yield value.removeprefix(ERROR_PREFIX)
    elif isinstance(value, dict):
        yield from (str(value[key]) for key in ("code", "error") if key in value)
        for item in value.values():
            yield from codes_in(item)


def running_test() -> str:
    """Return the test that runs, without its phase."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]


@contextmanager
def recorded() -> Iterator[Raised]:
    """Look at every Problem that is made, every command that fails, and every signal that comes."""
    raised = Raised()
    problem, fail, signal = Problem.__init__, Outcomes.fail, Signal.__init__

    def made(self: Problem, code: str, **attrs: Any) -> None:
        problem(self, code, **attrs)
        raised.made(code, sys._getframe(1), running_test())

    def failed(self: Outcomes, task: Any, error: int, code: str, attrs: dict[str, Any]) -> None:
        raised.happened(code, running_test())
        fail(self, task, error, code, attrs)

    def came(self: Signal, path: str, interface: str, member: str, args: tuple[Any, ...], sender: str) -> None:
        signal(self, path, interface, member, args, sender)
        test = running_test()
        for code in (code for arg in args for code in codes_in(arg) if test.startswith(_REAL)):
            raised.happened(code, test)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Problem, "__init__", made)
        patch.setattr(Outcomes, "fail", failed)
        patch.setattr(Signal, "__init__", came)
        _recording.append(raised)
        try:
            yield raised
        finally:
            _recording.remove(raised)
