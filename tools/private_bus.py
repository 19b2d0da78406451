# SPDX-License-Identifier: Apache-2.0
"""A message bus of one's own, for one user, at a path of one's own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from . import traces

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  {limits}
</busconfig>
"""
PATIENCE = 10.0


@contextlib.contextmanager
def private_bus(program: str = "dbus-daemon", limits: str = "") -> Iterator[str]:
    """Run dbus-daemon and give its address. Only this user may connect. FileNotFoundError when it is not installed."""
    # A Unix socket's path has at most 107 bytes: a short folder of its own.
    with tempfile.TemporaryDirectory(prefix=traces.PREFIX) as folder:
        path, config = Path(folder, "bus"), Path(folder, "config")
        config.write_text(CONFIG.format(socket=path, limits=limits), "utf-8")
        log = Path(folder, "log")
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [program, f"--config-file={config}", "--nofork", "--nopidfile"],
                stdin=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # a Ctrl-C in the terminal is not for the bus: others say goodbye on it
            )
        try:
            if not _appears(path, process):
                raise RuntimeError(f"dbus-daemon did not start: {log.read_text('utf-8', 'replace')}")
            yield f"unix:path={path}"
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _answers(path: Path) -> bool:
    """Whether somebody listens there: the file alone is made a moment earlier."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _appears(path: Path, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not _answers(path):
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
