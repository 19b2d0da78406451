# SPDX-License-Identifier: Apache-2.0
"""Settings of a target as the engine reads them."""

from __future__ import annotations

from collections.abc import Mapping

from ..api.settings import Value, table


def number(settings: Mapping[str, Value], name: str) -> int:
    """Return a setting of type int; its default when it is not there."""
    value = settings.get(name, table()[name].default)
    if not isinstance(value, int):
        raise TypeError(name)
    return value
