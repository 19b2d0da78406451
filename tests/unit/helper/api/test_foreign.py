# SPDX-License-Identifier: Apache-2.0
"""What descriptors are, and closing them behind one's back. With a file system that does not answer:
tests/real/test_bus_descriptors.py.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from lundock.helper.api import foreign

KINDS: dict[str, tuple[Callable[[Path], int], str]] = {
    "memfd": (lambda _: os.memfd_create("x", os.MFD_ALLOW_SEALING), "memory"),
    "pipe": (lambda _: os.pipe()[0], "pipe"),
    "socket": (lambda _: socket.socket().detach(), "socket"),
    "named pipe": (lambda folder: os.open(_fifo(folder), os.O_RDWR), ""),
    "path of a pipe": (lambda folder: os.open(_fifo(folder), os.O_PATH), ""),
    "file called like a pipe": (lambda folder: os.open(folder / "pipe:[1]", os.O_RDWR | os.O_CREAT), ""),
    "folder": (lambda folder: os.open(folder, os.O_RDONLY), ""),
    "event": (lambda _: os.eventfd(0), ""),
}


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


def is_open(fd: int) -> bool:
    return Path(f"/proc/self/fd/{fd}").is_symlink()


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def until(check: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("what", KINDS)
def test_kinds(what: str, tmp_path: Path) -> None:
    make, kind = KINDS[what]
    fd = make(tmp_path)
    assert foreign.kind(fd) == kind
    foreign.close(fd)
    until(lambda: not is_open(fd))
    assert foreign.kind(fd) == ""


def test_those_that_are_slow_to_close_keep_nobody_waiting_and_fill_no_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answered, closed = threading.Event(), []

    def close(fd: int) -> None:
        answered.wait(20)
        closed.append(fd)

    monkeypatch.setattr(foreign, "_close", close)
    monkeypatch.setattr(foreign, "kind", lambda _fd: "")
    before = threads()
    numbers = list(range(100_000, 105_000))
    with caplog.at_level(logging.WARNING):
        foreign.close_all(numbers.copy())
    assert threads() <= before + foreign.MAX_CLOSING
    assert len(caplog.records) < 10
    answered.set()
    until(lambda: len(closed) == len(numbers))
    assert sorted(closed) == numbers
