# SPDX-License-Identifier: Apache-2.0
"""A job's D-Bus error name and details to the Problem that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...helper.api.errors import ERROR_PREFIX, Problem, from_wire

#: Members of an error's details that are texts made by the service; the app makes its own from the code.
_TEXTS = frozenset({"summary", "meaning", "action"})


def to_problem(name: str, details: Mapping[str, Any]) -> Problem:
    """Return the Problem for the full D-Bus error name `name` (Job.Error) with the attributes among `details`."""
    if not name.startswith(ERROR_PREFIX):
        return Problem("Internal", log_id=name.rsplit(".", 1)[-1][:60] or "unknown")
    attrs = {k.replace("-", "_"): v for k, v in details.items() if k not in _TEXTS}
    return from_wire(name.removeprefix(ERROR_PREFIX), attrs)
