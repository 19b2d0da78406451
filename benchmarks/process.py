# SPDX-License-Identifier: Apache-2.0
"""Processes: started, asked what they cost, and ended by their own number."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

TICK = os.sysconf("SC_CLK_TCK")
#: How long a thing that takes milliseconds may take on a loaded machine.
PATIENCE = 20.0


class CannotMeasureError(Exception):
    """A row that cannot be measured here and now; the text says why."""


def wait_for(what: str, check: Callable[[], object], patience: float = PATIENCE) -> None:
    """Call `check` until it returns something true."""
    deadline = time.monotonic() + patience
    while not check():
        if time.monotonic() > deadline:
            raise CannotMeasureError(f"waited {patience:.0f} s in vain for {what}")
        time.sleep(0.01)


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def running(argv: Sequence[str | Path], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the background; what it says goes to `log`."""
    with log.open("ab") as stream:
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": stream, "stderr": stream, **options}
        process = subprocess.Popen([str(word) for word in argv], start_new_session=True, **given)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, then end it; fine when it has ended."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
    streams: tuple[IO[bytes] | None, ...] = (process.stdin, process.stdout, process.stderr)
    for stream in streams:
        if stream is not None:
            stream.close()


def run(argv: Sequence[str | Path], timeout: float = 60.0, env: Mapping[str, str] | None = None) -> str:
    """Run to the end and return what it printed; CannotMeasureError with its last words when it fails."""
    words = [str(word) for word in argv]
    try:
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, start_new_session=True
        )
    except FileNotFoundError:
        raise CannotMeasureError(f"{words[0]} is not installed") from None
    try:
        out, err = process.communicate(timeout=timeout)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # fio has children; the group is this program's own
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise CannotMeasureError(f"{words[0]} did not end within {timeout:.0f} s") from None
        raise
    if process.returncode:
        said = (err.strip() or out.strip())[-300:]
        raise CannotMeasureError(f"{Path(words[0]).name} ended with {process.returncode}: {said}")
    return out


# ---- what they cost ------------------------------------------------------------------------------------------------


def _stat(pid: int | str) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name, the third (state) first."""
    return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process with all its threads; 0 when it is gone."""
    try:
        fields = _stat(pid)
        precise = sum(_on_cpu(task) for task in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return 0.0
    ticks = (int(fields[11]) + int(fields[12])) / TICK
    # schedstat is exact, but knows nothing of threads that have ended.
    return precise if abs(precise - ticks) < 0.1 + ticks * 0.02 else ticks


def _on_cpu(task: Path) -> float:
    return int((task / "schedstat").read_text().split()[0]) / 1e9


def cpu_of(pids: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Return the processor time of groups of processes."""
    return {role: sum(cpu_seconds(pid) for pid in group) for role, group in pids.items()}


def name_of(pid: int) -> str:
    """Return what a process calls itself (15 characters)."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def private_memory(pid: int) -> int:
    """Return the bytes that belong to this process alone."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(int(size) for size in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", text, re.MULTILINE))


def resident_memory(pid: int) -> int:
    """Return the bytes that a process has in memory, shared ones included."""
    found = re.search(r"^Rss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def locked_memory(pid: int) -> int:
    """Return the bytes that cannot be swapped out."""
    found = re.search(r"^VmLck:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return _stat(pid)[0] not in "ZX"
    except OSError:
        return False
