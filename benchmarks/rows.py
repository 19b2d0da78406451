# SPDX-License-Identifier: Apache-2.0
"""What is measured, beside whom, and what is to be reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

KIB, MIB = 1 << 10, 1 << 20


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked of a disk."""

    rw: str  # "read" or "write"
    pattern: str  # "random" or "sequential"
    size: int
    depth: int

    @property
    def size_text(self) -> str:
        """4 KiB, 1 MiB."""
        return f"{self.size // MIB} MiB" if self.size % MIB == 0 else f"{self.size // KIB} KiB"

    @property
    def text(self) -> str:
        """Return it for people."""
        return f"{self.size_text} {self.pattern} {self.rw}, depth {self.depth}"

    @property
    def key(self) -> str:
        """Return it for --only and files."""
        return f"{self.size_text.replace(' ', '').replace('iB', '').lower()}-{self.pattern}-{self.rw}-d{self.depth}"


@dataclass(frozen=True, slots=True)
class Row:
    """Ours beside a peer's. `ours` and `peer` are names of loads.LOADS, `target` one of targets.TARGETS.

    `bar`: at least this part of the peer's commands a second. `cpu_bar`: at most this part of its CPU per GB.
    """

    group: str
    target: str
    work: Work
    ours: str
    peer: str
    bar: float
    cpu_bar: float | None = None

    @property
    def key(self) -> str:
        """Return its name for --only and files."""
        return f"{self.group}/{self.target}/{self.work.key}"


@dataclass(frozen=True, slots=True)
class Limit:
    """A row without a peer: `measure` is a name of MEASURES in small, live or scale, `at_most` what it may be."""

    key: str
    text: str
    measure: str
    unit: str
    at_most: float


def read(size: int, depth: int, pattern: str = "random") -> Work:
    """Return a reading work."""
    return Work("read", pattern, size, depth)


def write(size: int, depth: int, pattern: str = "random") -> Work:
    """Return a writing work."""
    return Work("write", pattern, size, depth)


#: The engine alone beside libiscsi on the target without storage work: what, at least, and at most of its CPU per GB.
_ENGINE: tuple[tuple[Work, float, float | None], ...] = (
    (read(4 * KIB, 32), 1.2, None),
    (read(4 * KIB, 128), 1.6, None),
    (write(4 * KIB, 32), 1.5, None),
    (write(4 * KIB, 128), 1.5, None),
    (read(256 * KIB, 8, "sequential"), 1.0, 1.0),
    (write(256 * KIB, 8, "sequential"), 1.0, 1.0),
    (read(MIB, 8, "sequential"), 1.0, 1.0),
    (write(MIB, 8, "sequential"), 1.0, 1.0),
    (read(4 * KIB, 1), 0.9, None),
    (write(4 * KIB, 1), 0.9, None),
)


def _all() -> Iterator[Row]:
    for work, bar, cpu_bar in _ENGINE:
        yield Row("engine", "responder", work, "lundock-iscsi", "libiscsi", bar, cpu_bar)
    for work, _, _ in _ENGINE:  # tgtd itself is the limit
        yield Row("engine", "tgtd", work, "lundock-iscsi", "libiscsi", 1.0)
    for work, bar in (
        (read(4 * KIB, 32), 1.2),
        (write(4 * KIB, 32), 1.2),
        (read(MIB, 8, "sequential"), 1.0),
        (write(MIB, 8, "sequential"), 1.0),
    ):
        yield Row("header-digest", "responder", work, "lundock-iscsi, header digest", "libiscsi, header digest", bar)
    for work in (
        read(4 * KIB, 32),
        write(4 * KIB, 32),
        read(MIB, 8, "sequential"),
        write(MIB, 8, "sequential"),
    ):
        yield Row("digests", "responder", work, "lundock-iscsi, both digests", "lundock-iscsi", 0.6)
    for work, bar in (
        (read(4 * KIB, 32), 4.0),
        (write(4 * KIB, 32), 3.0),
        (read(64 * KIB, 8), 1.4),
        (write(64 * KIB, 8), 1.4),
        (read(MIB, 8, "sequential"), 1.8),
        (write(MIB, 8, "sequential"), 1.4),
    ):
        yield Row("nbd", "responder", work, "lundock-iscsi serve", "qemu-nbd", bar)
    for work, bar in (
        (read(4 * KIB, 32), 3.0),
        (write(4 * KIB, 32), 3.0),
        (read(MIB, 8, "sequential"), 1.3),
        (write(MIB, 8, "sequential"), 1.3),
    ):
        yield Row("device", "responder", work, "fuse device", "qemu-nbd, nbdfuse, loop", bar)
    # Whether our program on libiscsi gets out of it what its own tool does: otherwise the rows above would flatter us.
    for work in (read(4 * KIB, 32), read(4 * KIB, 128), read(MIB, 8, "sequential")):
        yield Row("cross-check", "responder", work, "libiscsi", "iscsi-perf", 0.95)


ROWS = tuple(_all())

LIMITS = (
    Limit("small/worker-memory", "private memory of a worker, one idle session", "worker-memory", "MiB", 6),
    Limit("small/worker-memory-locked", "the same with its memory locked", "worker-memory-locked", "MiB", 24),
    Limit("small/helper-memory", "memory of the helper", "helper-memory", "MiB", 45),
    Limit("small/login-to-device", "from Login to a block device that answers", "login-to-device", "ms", 150),
    Limit("small/32-logins", "32 logins at once", "32-logins", "s", 3),
    Limit("small/idle-cpu", "CPU of an idle session", "idle-cpu", "% of a core", 0.1),
    Limit("scale/start", "from the service's start to 200 sessions with 1,000 disks", "scale-start", "s", 10),
    Limit("scale/managed-objects", "GetManagedObjects with all of them", "scale-managed-objects", "ms", 300),
    Limit("scale/statistics", "GetStatistics with all of them", "scale-statistics", "ms", 50),
    Limit("live/start", "from the window's start until the targets are on the screen (warm)", "live-start", "s", 1),
    Limit("live/memory", "memory of the window, 10 sessions at work, after a minute", "live-memory", "MiB", 180),
    Limit("live/cpu", "CPU of the window's live plot, 2 updates a second of 10 sessions", "live-cpu", "% of a core", 3),
    Limit("scale/idle-cpu", "CPU of the service and 200 idle workers together", "scale-idle", "% of a core", 1),
)
