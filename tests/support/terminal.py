# SPDX-License-Identifier: Apache-2.0
"""A program of ours on a terminal: what it writes there, and keys for it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

from .fake_helper import RunningFake

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")
PATIENCE = 30.0


class Terminal:
    """A program on a terminal of this size; `screen` is everything that it has written so far."""

    def __init__(self, columns: int, lines: int, *words: str, **environ: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        own = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "COLUMNS", "LINES"}}
        own |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lundock.app.cli", *words],
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=own | environ,
        )  # fmt: skip
        os.close(theirs)
        self.screen = ""

    def read(self) -> bool:
        """Read what comes within a moment; whether there will be more."""
        if select.select([self._ours], [], [], 0.1)[0]:
            try:
                self.screen += os.read(self._ours, 1 << 16).decode("utf-8", "replace")
            except OSError:  # EIO: the program has ended
                return False
        return True

    def until(self, words: str) -> None:
        """Read until these words were written."""
        self.until_times(words, 1)

    def until_times(self, words: str, times: int) -> None:
        """Read until these words were written so often."""
        deadline = time.monotonic() + PATIENCE
        while ESCAPES.sub("", self.screen).count(words) < times:
            assert self.read(), f"it ended: {self.screen}"
            assert time.monotonic() < deadline, f"{words} did not come: {self.screen}"

    def types(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        """Read to the end; returns the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < deadline, f"it does not end: {self.screen}"
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@contextlib.contextmanager
def on_terminal(fake: RunningFake, columns: int, *words: str, **environ: str) -> Iterator[Terminal]:
    terminal = Terminal(columns, 24, "--bus", fake.address, *words, **environ)
    try:
        yield terminal
    finally:
        terminal.close()
