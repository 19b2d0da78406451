# SPDX-License-Identifier: Apache-2.0
"""A running helper on a bus of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lundock.helper.api.names import BUS_NAME

from tools import traces

from . import buses, procs


@dataclass
class HelperProcess:
    """`lundock-helper --session` and where to find it; `environ` makes `lundock` and the window use it.

    `prefix`: words before the command, such as "ip netns exec NAME".
    """

    bus: str
    state_dir: Path
    run_dir: Path
    log_path: Path
    arguments: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and wait until it owns its name."""
        argv = [*self.prefix, sys.executable, "-m", "lundock.helper", "--session", "--bus", self.bus]
        argv += ["--state-dir", str(self.state_dir), "--run-dir", str(self.run_dir)]
        argv += ["--stop-policy", "logout", *self.arguments]  # so that a test that fails leaves nothing behind
        with self.log_path.open("ab") as log:
            self.process = procs.start(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environ)
        process = self.process
        procs.wait_for("the helper", lambda: process.poll() is not None or buses.has_owner(self.bus, BUS_NAME))
        assert process.poll() is None, f"the helper ended with {process.returncode}:\n{self.log()}"

    def stop(self) -> int:
        """End it as a service manager would; returns its exit code."""
        assert self.process is not None
        return procs.stop(self.process, patience=20)

    def kill(self) -> None:
        """End it without a warning (workers stay)."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        procs.stop(self.process)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def log(self) -> str:
        """What it has written."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    @property
    def environ(self) -> dict[str, str]:
        """An environment whose session bus is this one."""
        return {**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.bus}


@contextlib.contextmanager
def running_helper(folder: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> Iterator[HelperProcess]:
    """Run a private session bus and the helper on it; its state and log lie in `folder`."""
    with (
        buses.session_bus() as address,
        # Sockets lie below it: a short path.
        tempfile.TemporaryDirectory(prefix=traces.PREFIX) as run_dir,
    ):
        state = folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        helper = HelperProcess(address, state, Path(run_dir), folder / "helper.log", arguments, prefix)
        try:
            helper.start()
            yield helper
        finally:
            if helper.process is not None and helper.process.poll() is None:
                helper.stop()
