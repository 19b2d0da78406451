# SPDX-License-Identifier: Apache-2.0
"""docs/settings.md from helper/api/settings.toml. `./dev docs` writes it; a test holds that it is fresh."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "helper" / "api" / "settings.toml"
PAGE = ROOT / "docs" / "settings.md"

HEAD = """<!-- Made by tools/settings_docs.py from helper/api/settings.toml: change that. -->
# Settings of a target

Every setting has the same name in a saved target (`Settings` on the bus, `--set NAME=VALUE` of `lundock add`) and in
an `iscsi://` URL (`?NAME=VALUE`). Numbers are written without their unit, lists with
commas. What a target does not set has the default. What comes in a later version is refused as `NotSupported`.

Keys are those of [RFC 7143](https://www.rfc-editor.org/rfc/rfc7143) that the setting offers in a login; what is agreed
upon then depends on the target, too. Sections are that RFC's.

| setting | default | values | key | section |
|---|---|---|---|---|
"""
_UNITS = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def page() -> str:
    """Return the page as it should be."""
    rows = tomllib.loads(TABLE.read_text("utf-8"))
    lines = [_line(name, row) for name, row in rows.items()]
    words = [f"**{name}**: {row['help']}\n" for name, row in rows.items()]
    return HEAD + "\n".join(lines) + "\n\n## What they do\n\n" + "\n".join(words)


def _line(name: str, row: Mapping[str, Any]) -> str:
    cells = (f"`{name}`", _shown(row["default"], row), _values(row), row.get("key", ""), row.get("rfc", ""))
    return "| " + " | ".join(cells) + " |"


def _values(row: Mapping[str, Any]) -> str:
    match row["type"]:
        case "bool":
            return "yes, no"
        case "int":
            return _range(row)
        case "list":
            return "in order of preference: " + ", ".join(row["choices"])
        case _:
            later = [f"{choice} (later)" for choice in row.get("later_choices", ())]
            return ", ".join([*row["choices"], *later])


def _range(row: Mapping[str, Any]) -> str:
    low, high = _shown(row["low"], row), _shown(row["high"], row)
    now = low if low == high else f"{low} to {high}"
    return f"{now} (later to {row['later_high']})" if "later_high" in row else now


def _shown(value: object, row: Mapping[str, Any]) -> str:
    """Return a value as a person reads it; the exact number is what is to be written."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    unit = row.get("unit", "")
    if unit == "B" and isinstance(value, int):
        for name, size in _UNITS:
            if value >= size and value % size == 0:
                return f"{value} ({value // size} {name})"
    return f"{value} {unit}".rstrip()
