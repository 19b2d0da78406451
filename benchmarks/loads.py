# SPDX-License-Identifier: Apache-2.0
"""How one side of a row is measured once."""

from __future__ import annotations

import json
import math
import re
import resource
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from . import process, servers, targets
from .bench import Bench
from .build import find
from .process import CannotMeasureError
from .rows import Work
from .servers import Server
from .targets import Target

#: Roles whose processor time is the side's own; "target" and "fio" are the same program on both sides.
OWN = ("initiator", "server")


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement. `cpu`: seconds of processor time by role, while `ios` commands were done."""

    seconds: float
    ios: int
    size: int
    p50_us: float
    p99_us: float
    cpu: dict[str, float]

    @property
    def iops(self) -> float:
        """Return commands a second."""
        return self.ios / self.seconds

    @property
    def gb(self) -> float:
        """Return how much was moved, in 10^9 bytes."""
        return self.ios * self.size / 1e9

    @property
    def own_cpu(self) -> float:
        """Return the side's own processor time."""
        return sum(self.cpu.get(role, 0.0) for role in OWN)

    def cpu_us_per_io(self, role: str) -> float:
        """Return the processor time of a role for one command."""
        return self.cpu.get(role, 0.0) * 1e6 / self.ios if self.ios else 0.0

    def cpu_s_per_gb(self, role: str) -> float:
        """Return the processor time of a role for 10^9 bytes."""
        return self.cpu.get(role, 0.0) / self.gb if self.ios else 0.0


Load = Callable[[Bench, str, Work, float], Measured]
Start = Callable[[Bench, Target], AbstractContextManager[Server]]


# ---- initiators alone ----------------------------------------------------------------------------------------------


def _perf_words(work: Work, seconds: float) -> list[str]:
    words = {"rw": work.rw, "pattern": work.pattern, "size": work.size, "depth": work.depth, "seconds": seconds}
    return [word for key, value in words.items() for word in (f"--{key}", str(value))]


def _initiator(words: list[str], target: Target, work: Work, seconds: float) -> Measured:
    before = process.cpu_seconds(target.pid)
    found = json.loads(process.run(words, seconds + process.PATIENCE))
    spent = process.cpu_seconds(target.pid) - before
    cpu = {"initiator": found["cpu_us_per_io"] * found["ios"] / 1e6, "target": spent}
    return Measured(found["seconds"], found["ios"], work.size, found["p50_us"], found["p99_us"], cpu)


def lundock_iscsi(query: str) -> Load:
    """Return the load of `lundock-iscsi perf` with these parameters in the URL."""

    def load(bench: Bench, target_name: str, work: Work, seconds: float) -> Measured:
        target = targets.get(bench, target_name)
        words = [servers.LUNDOCK_ISCSI, "perf", target.url + query, "--json", *_perf_words(work, seconds)]
        return _initiator(words, target, work, seconds)

    return load


def libiscsi(*options: str) -> Load:
    """Return the load of libiscsi/async_rw.c."""

    def load(bench: Bench, target_name: str, work: Work, seconds: float) -> Measured:
        if bench.tools.async_rw is None:
            raise CannotMeasureError("the program on libiscsi could not be built")
        target = targets.get(bench, target_name)
        words = [str(bench.tools.async_rw), *_perf_words(work, seconds), *options, target.url]
        return _initiator(words, target, work, seconds)

    return load


def iscsi_perf(bench: Bench, target_name: str, work: Work, seconds: float) -> Measured:
    """libiscsi's own tool: reads only, whole seconds, no latencies."""
    target = targets.get(bench, target_name)
    whole = math.ceil(seconds)
    words = ["iscsi-perf", "-m", str(work.depth), "-b", str(work.size // 512), "-t", str(whole)]
    words += ["-r"] if work.pattern == "random" else []
    before, target_before = _children_cpu(), process.cpu_seconds(target.pid)
    printed = process.run([*words, target.url], whole + process.PATIENCE)
    found = re.findall(r"iops average (\d+)", printed)
    if not found or work.rw != "read":
        raise CannotMeasureError("iscsi-perf says no average")
    cpu = {"initiator": _children_cpu() - before, "target": process.cpu_seconds(target.pid) - target_before}
    return Measured(whole, int(found[-1]) * whole, work.size, 0.0, 0.0, cpu)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# ---- fio on a server -----------------------------------------------------------------------------------------------


def fio(start: Start, *, device: bool) -> Load:
    """Return the load of fio on an NBD socket, or on a block device with direct I/O."""

    def load(bench: Bench, target_name: str, work: Work, seconds: float) -> Measured:
        target = targets.get(bench, target_name)
        key: Hashable = f"{start.__name__} on {target_name}"
        server = bench.get(key, lambda: start(bench, target))
        pids = {**server.pids, "target": (target.pid,)}
        before = process.cpu_of(pids)
        try:
            printed = process.run(_fio_words(server, work, seconds, device=device), seconds + process.PATIENCE)
        except CannotMeasureError:
            bench.drop(key)
            raise
        after = process.cpu_of(pids)
        return _fio_result(_fio_json(printed), work, {role: after[role] - before[role] for role in pids})

    return load


def _fio_words(server: Server, work: Work, seconds: float, *, device: bool) -> list[str]:
    if device:
        where = ["--ioengine=libaio", "--direct=1", f"--filename={server.place}", "--allow_file_create=0"]
    else:
        where = ["--ioengine=nbd", f"--uri=nbd+unix:///?socket={server.place}"]
    return [
        find("fio") or "fio",
        "--name=bench",
        *where,
        f"--rw={'rand' if work.pattern == 'random' else ''}{work.rw}",
        f"--bs={work.size}",
        f"--iodepth={work.depth}",
        f"--runtime={round(seconds * 1000)}ms",
        "--time_based",
        "--norandommap",  # both sides spare fio's own work
        "--disable_slat=1",
        "--output-format=json",
    ]


def _fio_json(printed: str) -> dict[str, Any]:
    """Return fio's object: its engines write lines of their own in front of it."""
    try:
        found: dict[str, Any] = json.loads(printed[printed.index("{") :])
    except ValueError:
        raise CannotMeasureError(f"fio said no JSON: {printed[:200]}") from None
    return found


def _fio_result(printed: dict[str, Any], work: Work, cpu: dict[str, float]) -> Measured:
    job = printed["jobs"][0]
    if job["error"]:
        raise CannotMeasureError(f"fio met error {job['error']}")
    side = job[work.rw]
    seconds = side["runtime"] / 1000
    if not side["total_ios"] or not seconds:
        raise CannotMeasureError("fio did nothing")
    percentiles = side["clat_ns"].get("percentile", {})
    p50, p99 = (percentiles.get(key, 0) / 1000 for key in ("50.000000", "99.000000"))
    cpu = {**cpu, "fio": (job["usr_cpu"] + job["sys_cpu"]) / 100 * job["job_runtime"] / 1000}
    return Measured(seconds, side["total_ios"], work.size, p50, p99, cpu)


LOADS: dict[str, Load] = {
    "lundock-iscsi": lundock_iscsi(""),
    "lundock-iscsi, header digest": lundock_iscsi("?header_digest=crc32c"),
    "lundock-iscsi, both digests": lundock_iscsi("?header_digest=crc32c&data_digest=crc32c"),
    "libiscsi": libiscsi(),
    "libiscsi, header digest": libiscsi("--header-digest"),
    "iscsi-perf": iscsi_perf,
    "lundock-iscsi serve": fio(servers.lundock_serve, device=False),
    "qemu-nbd": fio(servers.qemu_nbd, device=False),
    "fuse device": fio(servers.fuse_device, device=True),
    "qemu-nbd, nbdfuse, loop": fio(servers.nbdfuse_loop, device=True),
}
