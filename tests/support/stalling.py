# SPDX-License-Identifier: Apache-2.0
"""A file whose file system (FUSE) answers everybody but one process, which waits as long as it likes."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from pathlib import Path
from typing import Self

from . import need

#: linux/fuse.h
GETATTR, OPEN, RELEASE, FLUSH, INIT = 3, 14, 18, 25, 26
_HEADER = struct.Struct("<IIQQIIII")
_ANSWERS = {
    INIT: struct.pack("<IIIIHHIIHHI7I", 7, 31, 65536, 0, 12, 10, 65536, 1, 0, 0, 0, *[0] * 7),
    GETATTR: struct.pack("<QII", 0, 0, 0)
    + struct.pack("<6Q10I", 1, 4096, 8, 0, 0, 0, 0, 0, 0, 0o100644, 1, 0, 0, 0, 4096, 0),
    OPEN: struct.pack("<QII", 1, 0, 0),
    RELEASE: b"",
    FLUSH: b"",
}
_ENOSYS, _EIO = 38, 5
_NOSUID_NODEV, _FORCE_DETACH = 6, 3


class StallingFile:
    """`what` of process `victim` gets no answer; `stalled` tells that one waits. For root."""

    def __init__(self, path: Path, victim: int, what: int) -> None:
        need.root()
        need.fuse()
        self.path, self._victim, self._what = path, victim, what
        self.stalled = threading.Event()
        self._unanswered: list[int] = []

    def __enter__(self) -> Self:
        self.path.touch()
        self._fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._fuse},rootmode=100644,user_id=0,group_id=0,allow_other".encode()
        libc = self._libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"stalling", bytes(self.path), b"fuse", _NOSUID_NODEV, options):
            os.close(self._fuse)
            raise OSError(ctypes.get_errno(), "mount")
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._libc.umount2(bytes(self.path), _FORCE_DETACH)
        for unique in self._unanswered:
            self._answer(unique, b"", _EIO)
        self._thread.join(10)
        os.close(self._fuse)
        self.path.unlink()

    def _serve(self) -> None:
        while True:
            try:
                asked = os.read(self._fuse, 1 << 17)
            except OSError:
                return
            _, what, unique, _, _, _, pid, _ = _HEADER.unpack_from(asked)
            if what == self._what and _process(pid) == self._victim:
                self._unanswered.append(unique)
                self.stalled.set()
            elif what in _ANSWERS:
                self._answer(unique, _ANSWERS[what])
            elif pid:  # what comes from nobody wants no answer (FORGET, INTERRUPT)
                self._answer(unique, b"", _ENOSYS)

    def _answer(self, unique: int, data: bytes, error: int = 0) -> None:
        try:
            os.write(self._fuse, struct.pack("<IiQ", 16 + len(data), -error, unique) + data)
        except OSError:
            return


def _process(thread: int) -> int:
    """Return which process a thread is of; 0 when it has ended."""
    try:
        status = Path(f"/proc/{thread}/status").read_text("utf-8")
    except OSError:
        return 0
    return int(status.partition("Tgid:")[2].split()[0])
