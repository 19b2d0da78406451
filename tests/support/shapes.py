# SPDX-License-Identifier: Apache-2.0
"""Holds what `lundock --json` prints against app/commands/shapes.py: no member missing, none besides, types right."""

from __future__ import annotations

from typing import Any

from lundock.app.commands import shapes


def misfits(value: Any, shape: Any, where: str = "") -> list[str]:
    """Return what is not as the shape says; empty when everything is."""
    if isinstance(shape, shapes.Maybe):
        return [] if value is None else misfits(value, shape.shape, where)
    if isinstance(shape, shapes.Record):
        return misfits(value, shape.members, f"{where}<{shape.name}>")
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where}: {value!r} is no list"]
        return [said for number, one in enumerate(value) for said in misfits(one, shape[0], f"{where}[{number}]")]
    if isinstance(shape, dict):
        if not isinstance(value, dict) or value.keys() != shape.keys():
            return [f"{where}: {value!r} has not the members {sorted(shape)}"]
        return [said for name, one in shape.items() for said in misfits(value[name], one, f"{where}.{name}")]
    return [] if type(value) is (dict if shape is object else shape) else [f"{where}: {value!r} is no {shape.__name__}"]
