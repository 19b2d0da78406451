# SPDX-License-Identifier: Apache-2.0
"""Log lines of a worker, to its helper."""

from __future__ import annotations

import logging
import os
import traceback

from ..api import control

_MAX_LINE = 1000


def last_words(error: BaseException) -> str:
    """Describe an error by its places alone: there are no sources to be read here, and no values to be shown."""
    places = [
        f"{os.path.basename(frame.f_code.co_filename)}:{line} {frame.f_code.co_name}"  # noqa: PTH119 - no file
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return f"{type(error).__name__}: {error} in " + " < ".join(reversed(places))


class _PipeHandler(logging.Handler):
    """Log lines to the helper: bounded, and dropped when nobody reads."""

    def __init__(self, pipe: int) -> None:
        super().__init__()
        os.set_blocking(pipe, False)
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, its lines joined."""
        try:
            text = " | ".join(f"{record.name.rpartition('.')[2]}: {record.getMessage()}".splitlines())
            line = f"{record.levelname} {control.clean(text, _MAX_LINE)}\n"
            os.write(self._pipe, line.encode())
        except OSError:
            return

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._pipe)
        super().close()


def log_to(pipe: int) -> None:
    """From now on every log line goes there, and to no pipe from before."""
    root = logging.getLogger()
    before, root.handlers = root.handlers, [_PipeHandler(pipe)]
    for handler in before:
        if isinstance(handler, _PipeHandler):
            handler.close()
    root.setLevel(logging.INFO)
