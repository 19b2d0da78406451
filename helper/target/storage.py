# SPDX-License-Identifier: Apache-2.0
"""Where a disk's bytes lie: a file, or memory; both can give blocks back."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]

#: linux/falloc.h
_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_ZEROES = bytes(1 << 20)


class Disk:
    """So many bytes. All offsets and lengths have been checked by the caller."""

    def __init__(self, size: int, file: Path | None = None, *, read_only: bool = False) -> None:
        self._memory = file is None
        if file is None:
            self._fd = os.memfd_create("lundock-target-disk")
            os.ftruncate(self._fd, size)
        else:
            self._fd = os.open(file, os.O_RDONLY if read_only else os.O_RDWR)
            size = size or os.fstat(self._fd).st_size
        self.size = size

    def close(self) -> None:
        """Let it go; a disk in memory is gone."""
        os.close(self._fd)

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes; where the file is shorter than the disk there are zeroes."""
        data = os.pread(self._fd, length, offset)
        while len(data) < length:
            more = os.pread(self._fd, length - len(data), offset + len(data))
            data += more or bytes(length - len(data))
        return data

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Write all of it."""
        view = memoryview(data)
        while view:
            done = os.pwrite(self._fd, view, offset)
            offset += done
            view = view[done:]

    def flush(self) -> None:
        """Make what was written durable."""
        if not self._memory:
            os.fdatasync(self._fd)

    def punch(self, offset: int, length: int) -> None:
        """Give blocks back; they read as zeroes afterwards."""
        if length and _libc.fallocate(self._fd, _PUNCH_HOLE | _KEEP_SIZE, offset, length):
            for start in range(offset, offset + length, len(_ZEROES)):
                self.write(start, _ZEROES[: min(len(_ZEROES), offset + length - start)])

    def extent(self, offset: int) -> tuple[bool, int]:
        """Return whether there is data at `offset`, and where this ends."""
        try:
            data = os.lseek(self._fd, offset, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole from here on
            return False, self.size
        if data > offset:
            return False, data
        return True, min(os.lseek(self._fd, offset, os.SEEK_HOLE), self.size)

    def allocated(self) -> int:
        """Return how many bytes it takes where it lies."""
        return os.fstat(self._fd).st_blocks * 512

    def resize(self, size: int) -> None:
        """Grow or shrink."""
        os.ftruncate(self._fd, size)
        self.size = size
