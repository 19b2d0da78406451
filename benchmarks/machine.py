# SPDX-License-Identifier: Apache-2.0
"""The machine: what it is, and whether others were using it while we measured."""

from __future__ import annotations

import os
import platform
import re
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from tools import traces

from . import process, verdict

_LOOP = 150_000  # some 10 ms


def calibrate() -> float:
    """Return the seconds that a fixed loop takes: the better of two, as the first may find a sleeping processor."""
    best = 1e9
    for _ in range(2):
        start = time.perf_counter()
        total = 0
        for i in range(_LOOP):
            total += i & 7
        best = min(best, time.perf_counter() - start)
    return best


def _foreign_seconds() -> tuple[dict[int, float], float]:
    """Return the processor time of each process that is not ours and not the kernel's, and what the host took away."""
    of = traces.parents()
    ours = traces.descendants(os.getpid())
    found = {pid: process.cpu_seconds(pid) for pid, parent in of.items() if pid not in ours and 2 not in (pid, parent)}
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    stolen = int(fields[8]) / process.TICK if len(fields) > 8 else 0.0
    return found, stolen


@dataclass(slots=True)
class Watch:
    """Looks at the machine around each measurement."""

    calibrations: list[float] = field(default_factory=list)
    _before: tuple[dict[int, float], float] = field(default_factory=lambda: ({}, 0.0))
    _at: float = 0.0

    def begin(self) -> None:
        """Call before a round of a row."""
        self.calibrations.append(calibrate())
        self._before, self._at = _foreign_seconds(), time.monotonic()

    def end(self) -> Quiet:
        """Call after it."""
        (before, stolen_before), elapsed = self._before, time.monotonic() - self._at
        after, stolen = _foreign_seconds()
        used = sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items()) + stolen - stolen_before
        self.calibrations.append(calibrate())
        return Quiet(used / elapsed, max(self.calibrations[-2:]))

    def disturbed(self, seen: Quiet) -> bool:
        """Whether a round does not count; asked at the end, when all calibrations are known."""
        usual = statistics.median(self.calibrations)  # not the best: processors run faster for moments
        return seen.foreign > verdict.FOREIGN or seen.calibration > verdict.SLOWER * usual


@dataclass(frozen=True, slots=True)
class Quiet:
    """What others did in a round: processors used by them, and the slower calibration beside it."""

    foreign: float
    calibration: float


def describe() -> dict[str, str | int]:
    """Return what a reader of the figures wants to know about the machine; nothing that names it."""
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.*)$", info, re.MULTILINE)
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {
        "processor": model[1] if model else platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_mib": int(memory[1]) // 1024 if memory else 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "virtual": "yes" if "hypervisor" in info else "no",
    }
