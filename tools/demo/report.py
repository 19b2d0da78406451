# SPDX-License-Identifier: Apache-2.0
"""What is printed: numbered steps, what was seen in each, and how long it took."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator


class Failed(Exception):  # noqa: N818 - a step that failed is the demo's result
    """Something was not as it has to be; the text says what."""


class Report:
    """Prints the steps as they happen."""

    def __init__(self) -> None:
        self._number = 0
        self._begin = time.monotonic()
        self._live = ""
        self._live_told = 0.0

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step: everything in the block belongs to it."""
        self._number += 1
        print(f"{self._number:2}. {title}", flush=True)
        begin = time.monotonic()
        yield
        print(f"    done in {time.monotonic() - begin:.2f} s", flush=True)

    def say(self, text: str) -> None:
        """Tell what was seen."""
        print(f"    {text}", flush=True)

    def live(self, text: str) -> None:
        """Tell a figure that changes: on a terminal the next one is written over it, elsewhere one a second is told."""
        self._live = text
        if sys.stdout.isatty():
            print(f"\r    {text}\033[K", end="", flush=True)
        elif time.monotonic() - self._live_told >= 1:
            self._tell_live()

    def end_live(self) -> None:
        """The last figure stays."""
        if sys.stdout.isatty():
            print(flush=True)
        elif self._live:
            self._tell_live()

    def _tell_live(self) -> None:
        self.say(self._live)
        self._live, self._live_told = "", time.monotonic()

    def check(self, good: object, problem: str) -> None:
        """Fail with this text unless `good`."""
        if not good:
            raise Failed(problem)

    def total(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._begin


def size_text(size: float) -> str:
    """Write bytes as people do: 256 MiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if size >= 100 or size == int(size) else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError  # not reached
