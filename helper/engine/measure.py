# SPDX-License-Identifier: Apache-2.0
"""How fast a disk is: commands without a user, on the same path that the fronts take."""

from __future__ import annotations

import os
import random as random_numbers
import resource
import time
from collections.abc import Sequence

from ..api.errors import Problem
from ..api.settings import Value
from ..api.statistics import latency
from . import runs
from . import url as urls
from .client import Client, freeze, unit_of
from .front import Driver, Front, Job
from .scsi.disk import LunInfo
from .task import Task, Unit


class Load(Front):
    """A front without a user: keeps `depth` commands on their way."""

    def __init__(self, driver: Driver, unit: Unit, *, write: bool, random: bool, size: int, depth: int) -> None:
        super().__init__(driver, 0, unit, read_only=not write)
        self.depth = depth
        self.stopped = False
        self.failed = 0
        self._write = write
        self._random = random_numbers.random if random else None
        self._blocks = size >> self.shift
        self._length = size
        self._span = (self.size >> self.shift) // self._blocks
        self._cursor = 0
        self._data = memoryview(os.urandom(size)) if write else memoryview(b"")

    def stop(self) -> None:
        """Start no more."""
        self.stopped = True

    def go_on(self) -> None:
        """Start commands until `depth` are on their way."""
        session, unit, blocks, length = self.session, self.unit, self._blocks, self._length
        number = 0 if self.stopped else min(self.depth - self.used, len(session.free))
        if number <= 0:
            return
        self.used += number
        lbas, cookies = self._places(number), [0] * number
        if self._write:
            runs.writes(session, unit, self, cookies, lbas, blocks, [self._data] * number)
        else:
            runs.reads(session, unit, self, cookies, lbas, blocks, length)

    def _places(self, number: int) -> list[int]:
        """Return where the next commands go, in blocks."""
        random, span, blocks = self._random, self._span, self._blocks
        if random is not None:
            return [int(random() * span) * blocks for _ in range(number)]
        first, self._cursor = self._cursor, (self._cursor + number) % span
        return [(first + i) % span * blocks for i in range(number)]

    def read_ready(self, _task: Task, _view: memoryview, _start: int, _end: int) -> None:
        """Another one, when the round's are all counted."""
        self.used -= 1
        self.block()

    def reads_ready(self, tasks: list[Task], _view: memoryview, _starts: Sequence[int]) -> None:
        """As read_ready."""
        self.used -= len(tasks)
        self.block()

    def writes_done(self, tasks: list[Task]) -> None:
        """As read_ready."""
        self.used -= len(tasks)
        self.block()

    def done(self, _task: Task, error: int) -> None:
        """As read_ready."""
        self.used -= 1
        if error:
            self.failed += 1
            self.stopped = True
        self.block()

    def job_done(self, job: Job) -> None:
        """There are none."""

    def close(self) -> None:
        """Nothing to close."""

    def fileno(self) -> int:
        """No descriptor."""
        return -1


def perf(
    url: str, *, write: bool, random: bool, size: int, depth: int, seconds: float, initiator_name: str = "",
    interface: str = "",
) -> dict[str, float | int | str]:  # fmt: skip
    """Measure: what `lundock-iscsi perf` prints. `write` overwrites the disk with random bytes."""
    parsed = urls.parse(url)
    settings: dict[str, Value] = {"queue_depth": depth}
    with Client(parsed, settings, initiator_name, interface) as client:
        info = unit_of(client, parsed)
        _check_load(info, size, write=write)
        unit = client.engine.session.unit(info.address)
        load = Load(client.engine.driver, unit, write=write, random=random, size=size, depth=depth)
        client.engine.attach_front(load)
        freeze()
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        load.go_on()
        client.engine.wake()
        client.loop.call_later(seconds, load.stop)
        client.run_until(lambda: load.stopped and not load.used)
        elapsed, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF)
        if load.failed:
            raise Problem("IoError", detail="The target failed a command; nothing was measured.")
        counters = client.statistics.disk(info.address)
        histogram = counters.writes if write else counters.reads
        cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return _report(latency(histogram), elapsed, cpu, size, depth, write=write, random=random)


def _check_load(info: LunInfo, size: int, *, write: bool) -> None:
    if info.problem:
        raise Problem(info.problem, lun=f"{info.number}", kind=info.kind)
    if write and info.read_only:
        raise Problem("WriteProtected", lun=str(info.number))
    most = info.max_transfer_blocks * info.block_size or 16 << 20
    if size % info.block_size or not 0 < size <= min(most, info.size):
        detail = f"It is a multiple of {info.block_size} up to {min(most, info.size)} on this disk."
        raise Problem("InvalidArgument", argument="size", detail=detail)


def _report(
    found: dict[str, int], elapsed: float, cpu: float, size: int, depth: int, *, write: bool, random: bool
) -> dict[str, float | int | str]:  # fmt: skip
    count = found["count"]
    return {
        "rw": "write" if write else "read",
        "pattern": "random" if random else "sequential",
        "size": size,
        "depth": depth,
        "seconds": round(elapsed, 3),
        "ios": count,
        "iops": round(count / elapsed, 1),
        "mb_per_s": round(count * size / elapsed / 1e6, 3),
        "cpu_us_per_io": round(cpu * 1e6 / count, 3) if count else 0.0,
        "cpu_percent": round(cpu / elapsed * 100, 1),
        "p50_us": found["p50"],
        "p99_us": found["p99"],
    }
