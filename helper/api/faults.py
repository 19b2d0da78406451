# SPDX-License-Identifier: Apache-2.0
"""What becomes of an exception that nobody foresaw: the log has it, and everybody else a number."""

from __future__ import annotations

import logging
import os

from .errors import Problem

log = logging.getLogger(__name__)


def internal(error: BaseException) -> Problem:
    """Log the exception under a new number, and return the Problem that tells this number and nothing else."""
    log_id = os.urandom(4).hex()
    log.error("internal error %s", log_id, exc_info=error)
    return Problem("Internal", log_id=log_id)
