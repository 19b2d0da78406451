# SPDX-License-Identifier: Apache-2.0
"""Descriptors that came from others: what they are, and closing them, without waiting for whoever serves the file.

A file may lie in a file system of the sender's own (FUSE), or of a server that is away. There fstat(2) waits for an
answer, and so does each close(2), which lets the file system write what it holds (flush). Seen: one descriptor of a
FUSE file whose server answers others, and not us, stopped the service.
"""

from __future__ import annotations

import _thread
import fcntl
import logging
import os
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

#: So many may wait for their file systems at once; the others wait for their turn.
MAX_CLOSING = 16
_MANY = 1024
#: What the kernel calls files that lie in no file system (d_path); a file's path begins with "/".
_PIPE, _SOCKET, _OTHERS = "pipe:[", "socket:[", "anon_inode:"


def kind(fd: int) -> str:
    """Return "memory" (which has seals: memfd_create(2)), "pipe" (no named one), "socket", or "" for anything else."""
    try:
        fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError:
        name = _name(fd)
        return "pipe" if name.startswith(_PIPE) else "socket" if name.startswith(_SOCKET) else ""
    return "memory"


def _name(fd: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{fd}").readlink())
    except OSError:
        return ""


def close(fd: int) -> None:
    """Close it, at once or behind our back; never raises OSError."""
    if kind(fd) or _name(fd).startswith(_OTHERS) or sys.is_finalizing():  # no thread starts any more then
        _close(fd)
    else:
        _closers.add(fd)


def close_all(fds: list[int]) -> None:
    """Close and forget every descriptor of the list."""
    while fds:
        close(fds.pop())


def _close(fd: int) -> None:
    with suppress(OSError):
        os.close(fd)


class _Closers:
    """Threads that end when there is nothing to close. One that waits for a file system keeps nobody, but its like."""

    def __init__(self) -> None:
        # collecting garbage closes, too, at any time
        self._lock = threading.RLock()
        self._fds: deque[int] = deque()
        self._running = 0

    def add(self, fd: int) -> None:
        with self._lock:
            self._fds.append(fd)
            waiting = len(self._fds)
            if self._running >= MAX_CLOSING:
                if waiting >= _MANY and waiting & waiting - 1 == 0:  # seldom: it can be brought about without end
                    log.warning("%d descriptors of files that do not answer wait to be closed", waiting)
                return
            self._running += 1
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError:  # none can be had now: it is closed behind the next one
            with self._lock:
                self._running -= 1

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._fds:
                    self._running -= 1
                    return
                fd = self._fds.popleft()
            _close(fd)


_closers = _Closers()
