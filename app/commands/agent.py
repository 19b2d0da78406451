# SPDX-License-Identifier: Apache-2.0
"""polkit's text agent on this terminal: a person without a desktop can be asked for the password, as systemctl does."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ..client.link import Where

#: How long the agent may take to be ready; without it the answer is NotAuthorizedCanObtain, which says what to do.
PATIENCE = 3.0


@contextlib.contextmanager
def text_agent(where: Where) -> Iterator[None]:
    """Keep an agent for this process while the block runs, where one can be of use."""
    process = _start() if _useful(where) else None
    try:
        yield
    finally:
        if process is not None:
            process.terminate()
            process.wait()


def _useful(where: Where) -> bool:
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return where.kind in {"auto", "system"} and on_terminal and os.geteuid() != 0


def _rank() -> list[str]:
    """Return what lets the desktop's agent go before ours.

    polkit takes such an agent only for a process that belongs to a log-in session (seen with 122): without logind, and
    in a container, there is none, nor a desktop that could ask.
    """
    try:
        in_session = "/user.slice/" in Path("/proc/self/cgroup").read_text()
    except OSError:
        in_session = False
    return ["--fallback"] if in_session else []


def _start() -> subprocess.Popen[bytes] | None:
    program = shutil.which("pkttyagent")
    if program is None:
        return None
    ready, notify = os.pipe()
    try:
        process = subprocess.Popen(
            [program, "--process", str(os.getpid()), "--notify-fd", str(notify), *_rank()],
            pass_fds=(notify,),
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        os.close(ready)
        return None
    finally:
        os.close(notify)
    # The agent closes its end when it is registered, or when it has ended.
    select.select([ready], [], [], PATIENCE)
    os.close(ready)
    return process
