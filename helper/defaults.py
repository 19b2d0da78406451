# SPDX-License-Identifier: Apache-2.0
"""System-wide settings: *.toml in /etc/lundock, in the order of their names, later ones over earlier ones.

    [settings]
    ping_interval = 10
    header_digest = ["CRC32C", "None"]

The names are those of settings.toml. A target's own settings go before them. A file with anything wrong in it is not
used at all, which the timeline tells.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .api.errors import Problem
from .api.settings import Value, check_all, complete, table

log = logging.getLogger(__name__)

MAX_FILES = 64
MAX_SIZE = 64 * 1024

#: Where a setting comes from, besides a file's path.
DEFAULT, TARGET = "default", "target"


@dataclass(frozen=True, slots=True)
class Defaults:
    """The values, the file that each came from, and the files that are not used: path to why."""

    values: Mapping[str, Value] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def complete(self, values: Mapping[str, object]) -> dict[str, Value]:
        """Return every setting: `values` checked, for the rest these, and what is built in."""
        return complete({**self.values, **values})

    def one(self, values: Mapping[str, Value], name: str) -> Value:
        """Return one of what `complete` returns, of values that are checked."""
        return values.get(name, self.values.get(name, table()[name].default))

    def origins(self, own: Iterable[str]) -> dict[str, str]:
        """Return for every setting where its value comes from, when those of `own` are the target's."""
        return dict.fromkeys(table(), DEFAULT) | dict(self.files) | dict.fromkeys(own, TARGET)


def load(folder: Path) -> Defaults:
    """Read the files of a folder; none is there when the folder is not."""
    values: dict[str, Value] = {}
    files: dict[str, str] = {}
    refused: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml"))[:MAX_FILES]:
        try:
            found = _read(path)
        except (OSError, ValueError) as error:  # TOML's errors, and those of text, are ValueErrors
            refused[str(path)] = str(error)
        except Problem as problem:
            refused[str(path)] = f"{problem} {problem.attrs.get('detail', '')}".strip()
        else:
            values |= found
            files |= dict.fromkeys(found, str(path))
    for path_text, why in refused.items():
        log.warning("%s is not used: %s", path_text, why)
    return Defaults(values, files, refused)


def _read(path: Path) -> dict[str, Value]:
    with path.open("rb") as file:
        raw = file.read(MAX_SIZE + 1)
    if len(raw) > MAX_SIZE:
        raise ValueError(f"It has more than {MAX_SIZE} bytes.")
    found = tomllib.loads(raw.decode("utf-8"))
    unknown = sorted(set(found) - {"settings"})
    if unknown:
        raise ValueError(f"It has “{unknown[0]}”, and [settings] is all that it may have.")
    settings = found.get("settings", {})
    if not isinstance(settings, dict):
        raise ValueError("“settings” is not a table.")  # noqa: TRY004 - it is the file's error
    return check_all(settings)
