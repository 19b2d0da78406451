# SPDX-License-Identifier: Apache-2.0
"""Counters that a worker writes and the helper reads without asking: a memfd of fixed layout.

All numbers are unsigned 64-bit, in the machine's own order. A header page, then one area for each disk::

    0        magic
    1        number of disks in use
    8..15    SESSION, in order
    then for each disk DISK_WORDS words:
    0        lun (the 8-byte LUN field as a number)
    1..12    DISK, in order
    16..     BUCKETS of read latency, then BUCKETS of write latency

A latency of t microseconds lies in bucket int(log(t) / log(1.02)): 1 µs to 100 s in steps of 2 %. The writer is
trusted with its own numbers only: the reader checks sizes and counts, reads with pread (a file that shrinks gives an
error, not a signal), and anything out of range is a Problem.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import time
import weakref
from struct import Struct

from .errors import Problem

MAGIC = 0x4C444B5354415431  # "LDKSTAT1"
SESSION = ("bytes-received", "bytes-sent", "pdus-received", "pdus-sent", "reconnects")
DISK = ("reads", "read-bytes", "writes", "write-bytes", "flushes", "discards", "errors", "retries", "in-flight")

BUCKETS = 928
MAX_DISKS = 256
HEADER_WORDS = 512
HISTOGRAMS_AT = 16
DISK_WORDS = 2048
SIZE = (HEADER_WORDS + MAX_DISKS * DISK_WORDS) * 8

#: Disks that are mapped together; divides MAX_DISKS.
_MAPPED = 8
_SESSION_AT = 8
_DISK_AT = 1
_IN_FLIGHT = DISK.index("in-flight")
_STEP = math.log(1.02)
_U32 = 2**32 - 1
_HEADER = Struct(f"={_SESSION_AT + len(SESSION)}Q")
_DISK = Struct(f"={_DISK_AT + len(DISK)}Q")
_HISTOGRAM = Struct(f"={BUCKETS}Q")
_EMPTY = bytes(_HISTOGRAM.size)
_DISK_SIZE = (HISTOGRAMS_AT + 2 * BUCKETS) * 8


def bucket(seconds: float) -> int:
    """Return the histogram's bucket for a latency."""
    micros = seconds * 1e6
    return 0 if micros < 1.0 else min(int(math.log(micros) / _STEP), BUCKETS - 1)


def bucket_micros(index: int) -> int:
    """Return the middle of a bucket, in microseconds."""
    return round(math.exp((index + 0.5) * _STEP))


def create() -> int:
    """Return a new descriptor: sized, empty, and sealed so that nobody can change its size. The memory is taken as it
    is used.
    """
    fd = os.memfd_create("lundock-statistics", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, SIZE)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    except OSError:
        os.close(fd)
        raise
    return fd


class DiskWriter:
    """Where the counters of one disk go. The attributes are memoryviews of 64-bit words: `counters[i] += n`, i as in
    DISK.
    """

    __slots__ = ("counters", "reads", "writes")

    def __init__(self, words: memoryview) -> None:
        self.counters = words[_DISK_AT : _DISK_AT + len(DISK)]
        self.reads = words[HISTOGRAMS_AT : HISTOGRAMS_AT + BUCKETS]
        self.writes = words[HISTOGRAMS_AT + BUCKETS : HISTOGRAMS_AT + 2 * BUCKETS]


class Writer:
    """The worker's side. With no descriptor the counters are kept in private memory."""

    def __init__(self, fd: int | None = None) -> None:
        self._fd = -1 if fd is None else os.dup(fd)
        if self._fd >= 0:
            weakref.finalize(self, os.close, self._fd)
        self._words = self._map(0, HEADER_WORDS)
        self._areas: dict[int, memoryview] = {}
        self._words[0] = MAGIC
        #: Indexed as SESSION.
        self.session = self._words[_SESSION_AT : _SESSION_AT + len(SESSION)]
        self._disks: dict[int, DiskWriter] = {}
        for i in range(min(self._words[1], MAX_DISKS)):
            area = self._area(i)
            self._disks[area[0]] = DiskWriter(area)
        self._spare: DiskWriter | None = None

    def disk(self, lun: int) -> DiskWriter:
        """Return the counters of a disk, new ones at first; disks above MAX_DISKS share counters that nobody reads."""
        found = self._disks.get(lun)
        if found is None:
            found = self._disks[lun] = self._new(lun)
        return found

    def _new(self, lun: int) -> DiskWriter:
        index = self._words[1]
        if index >= MAX_DISKS:
            self._spare = self._spare or DiskWriter(memoryview(bytearray(DISK_WORDS * 8)).cast("Q"))
            return self._spare
        area = self._area(index)
        area[0] = lun
        self._words[1] = index + 1
        return DiskWriter(area)

    def _area(self, index: int) -> memoryview:
        """Return a disk's words. Mapped a few disks at a time: a worker's memory is locked, and what is mapped then is
        there, whether it is used or not.
        """
        chunk, place = divmod(index, _MAPPED)
        words = self._areas.get(chunk)
        if words is None:
            start = HEADER_WORDS + chunk * _MAPPED * DISK_WORDS
            words = self._areas[chunk] = self._map(start, _MAPPED * DISK_WORDS)
        return words[place * DISK_WORDS : (place + 1) * DISK_WORDS]

    def _map(self, start: int, words: int) -> memoryview:
        if self._fd < 0:
            return memoryview(mmap.mmap(-1, words * 8)).cast("Q")
        return memoryview(mmap.mmap(self._fd, words * 8, offset=start * 8)).cast("Q")


class Reader:
    """The helper's side. The descriptor stays the caller's; nothing that the writer does can do more than give wrong
    numbers.
    """

    def __init__(self, fd: int) -> None:
        if os.fstat(fd).st_size != SIZE:
            raise _malformed()
        self._fd = fd

    def session(self) -> dict[str, int]:
        """Return the session's counters by their names in SESSION, and `time`: now, in microseconds of
        CLOCK_MONOTONIC.
        """
        words = self._header()
        found = dict(zip(SESSION, words[_SESSION_AT:], strict=False))
        found["time"] = time.monotonic_ns() // 1000
        return found

    def disks(self) -> dict[int, dict[str, int | dict[str, int]]]:
        """Return each disk's counters by its LUN field: those of DISK, `time`, `read-latency` and `write-latency`."""
        count = self._header()[1]
        if count > MAX_DISKS:
            raise _malformed()
        found: dict[int, dict[str, int | dict[str, int]]] = {}
        for index in range(count):
            data = self._read(_DISK_SIZE, (HEADER_WORDS + index * DISK_WORDS) * 8)
            lun, row = _disk(data)
            if lun in found:
                raise _malformed()
            found[lun] = row
        return found

    def _header(self) -> tuple[int, ...]:
        words = _HEADER.unpack(self._read(_HEADER.size, 0))
        if words[0] not in (MAGIC, 0):  # 0: the worker has not begun
            raise _malformed()
        return words

    def _read(self, size: int, offset: int) -> bytes:
        data = os.pread(self._fd, size, offset)
        if len(data) != size:
            raise _malformed()
        return data


def _disk(data: bytes) -> tuple[int, dict[str, int | dict[str, int]]]:
    lun, *counters = _DISK.unpack_from(data)
    found: dict[str, int | dict[str, int]] = dict(zip(DISK, counters, strict=True))
    found["in-flight"] = min(counters[_IN_FLIGHT], _U32)
    found["time"] = time.monotonic_ns() // 1000
    found["read-latency"] = _latency_at(data, HISTOGRAMS_AT * 8)
    found["write-latency"] = _latency_at(data, (HISTOGRAMS_AT + BUCKETS) * 8)
    return lun, found


def _latency_at(data: bytes, offset: int) -> dict[str, int]:
    part = data[offset : offset + _HISTOGRAM.size]
    return latency(_HISTOGRAM.unpack(part) if part != _EMPTY else ())  # most disks of many do nothing


def latency(buckets: tuple[int, ...] | memoryview) -> dict[str, int]:
    """Return `count`, and the 50th and 99th percentile in microseconds (0 without any), of a histogram."""
    count = sum(buckets)
    return {
        "count": min(count, 2**64 - 1),
        "p50": percentile(buckets, count, 50),
        "p99": percentile(buckets, count, 99),
    }


def percentile(buckets: tuple[int, ...] | memoryview, count: int, percent: int) -> int:
    """Return the latency in microseconds that `percent` of `count` stayed within."""
    if count == 0:
        return 0
    wanted = -(-count * percent // 100)
    seen = 0
    for index, number in enumerate(buckets):
        seen += number
        if seen >= wanted:
            return bucket_micros(index)
    return bucket_micros(BUCKETS - 1)


def _malformed() -> Problem:
    return Problem("Internal", log_id="malformed-statistics")
