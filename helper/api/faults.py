# SPDX-License-Identifier: Apache-2.0
"""What becomes of an exception that nobody foresaw: the log has it, and everybody else a number.

A service has a log. A program on the terminal has none unless its user asked for one: then it is a file of this user's.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from pathlib import Path

from .errors import Problem

log = logging.getLogger(__name__)

#: A file that has become larger takes the old one's place, and a new one is begun.
MAX_FILE = 1 << 20


def internal(error: BaseException) -> Problem:
    """Log the exception under a new number, and return the Problem that tells this number and nothing else.

    Where it was written to a file, the attribute `log` names it.
    """
    log_id = os.urandom(4).hex()
    if log.hasHandlers():
        log.error("internal error %s", log_id, exc_info=error)
        return Problem("Internal", log_id=log_id)
    try:
        return Problem("Internal", log_id=log_id, log=str(_write(error, log_id)))
    except (OSError, RuntimeError):  # nowhere to write, or nobody's home
        return Problem("Internal", log_id=log_id)


def file() -> Path:
    """Return this user's file (XDG Base Directory Specification: state)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state.startswith("/") else Path.home() / ".local" / "state") / "lundock" / "faults.log"


def _write(error: BaseException, log_id: str) -> Path:
    """Append it; nobody else may read what is in an exception."""
    place = file()
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.exists() and place.stat().st_size > MAX_FILE:
        place.replace(place.with_suffix(".log.old"))
    head = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {Path(sys.argv[0]).name}: internal error {log_id}\n"
    descriptor = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(head + "".join(traceback.format_exception(error)))
    return place
