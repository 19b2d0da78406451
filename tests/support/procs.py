# SPDX-License-Identifier: Apache-2.0
"""Starting, waiting for and ending processes; ports and conditions. Nothing here sleeps for a fixed time."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from . import need

#: How long a thing that takes milliseconds may take on a loaded machine.
PATIENCE = 30.0


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on at the moment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


def wait_for(what: str, check: Callable[[], object], patience: float = PATIENCE) -> None:
    """Call `check` until it returns something true; AssertionError with `what` when it does not."""
    deadline = time.monotonic() + patience
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:.0f} s in vain for: {what}")
        select.select([], [], [], 0.01)


def open_files(pid: int) -> list[str]:
    """Return what a process's descriptors name; those that it closes meanwhile are left out."""
    found = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(fd.readlink()))
    return found


def listening(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def listening_at(path: Path) -> bool:
    """Whether something accepts connections on this Unix socket: its file is there before."""
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(str(path)) == 0


def start(argv: list[str], **options: object) -> subprocess.Popen[bytes]:
    """Start a process that `stop` will end; in its own session, so that a Ctrl-C in the terminal is pytest's alone."""
    return subprocess.Popen(argv, start_new_session=True, **options)  # type: ignore[call-overload, no-any-return]


def stop(process: subprocess.Popen[bytes], patience: float = 10.0) -> int:
    """Ask a process to end, then end it; returns its exit code. Fine when it has ended already."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    code = process.wait(patience)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    return code


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process started with `start` and what it started in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def run(*argv: str | Path, patience: float = 60.0, **options: object) -> str:
    """Run to the end; returns what it printed, AssertionError with everything it said when it failed."""
    result = try_run(*argv, patience=patience, **options)
    assert result.returncode == 0, f"{argv} ended with {result.returncode}:\n{result.stdout}{result.stderr}"
    return result.stdout


def try_run(*argv: str | Path, patience: float = 60.0, **options: object) -> subprocess.CompletedProcess[str]:
    """Run to the end and return how it went. Programs are found in the folders of the administrator's, too."""
    words = [need.find_program(str(argv[0])) or str(argv[0]), *(str(word) for word in argv[1:])]
    options = {"text": True, "errors": "replace"} | options  # nbdinfo without file(1) prints bytes of anything
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        words, capture_output=True, timeout=patience, check=False, **options
    )
