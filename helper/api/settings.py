# SPDX-License-Identifier: Apache-2.0
"""The settings of a target, read from settings.toml: the one table for records, URLs, command line and pages."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from .errors import Problem

Value = bool | int | str | tuple[str, ...]

_TRUE = frozenset({"yes", "true", "on", "1"})
_FALSE = frozenset({"no", "false", "off", "0"})


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of settings.toml. `default` is of the type that `type` names; lists are tuples.

    What the standard allows, and this version does not do, is `later`: numbers up to `later_high`, `later_choices`.
    """

    name: str
    type: str
    default: Value
    help: str
    low: int = 0
    high: int = 0
    unit: str = ""
    choices: tuple[str, ...] = ()
    key: str = ""
    rfc: str = ""
    later: str = ""
    later_high: int = 0
    later_choices: tuple[str, ...] = ()

    @property
    def free(self) -> bool:
        """Whether there is anything to choose."""
        return self.type != "int" or self.low < self.high

    def check(self, value: object) -> Value:
        """Return `value` as this setting's type; strings are read as a person writes them.

        Raises Problem("InvalidArgument") when it is of another type or out of range, Problem("NotSupported") when it
        is something that comes later.
        """
        readers: dict[str, Callable[[object], Value]] = {
            "bool": self._bool,
            "int": self._int,
            "choice": self._choice,
            "list": self._list,
        }
        return readers[self.type](value)

    def _bad(self, detail: str) -> Problem:
        return Problem("InvalidArgument", argument=self.name, detail=detail)

    def _not_yet(self) -> Problem:
        return Problem("NotSupported", what=self.later, detail="It comes in a later version.")

    def _bool(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        word = str(value).lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise self._bad("It is yes or no.")

    def _int(self, value: object) -> int:
        detail = f"It is {self.low}." if self.low == self.high else f"It is a number from {self.low} to {self.high}."
        if isinstance(value, bool) or not isinstance(value, int | str) or (isinstance(value, str) and len(value) > 20):
            raise self._bad(detail)
        try:
            number = int(value)
        except ValueError:
            raise self._bad(detail) from None
        if self.high < number <= self.later_high:
            raise self._not_yet()
        if not self.low <= number <= self.high:
            raise self._bad(detail)
        return number

    def _choice(self, value: object) -> str:
        for choice in self.choices:
            if isinstance(value, str) and value.lower() == choice.lower():
                return choice
        if isinstance(value, str) and value.lower() in map(str.lower, self.later_choices):
            raise self._not_yet()
        raise self._bad("It is one of: " + ", ".join(self.choices) + ".")

    def _list(self, value: object) -> tuple[str, ...]:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not 0 < len(items) <= len(self.choices):
            raise self._bad("It is a list of: " + ", ".join(self.choices) + ".")
        found = tuple(self._choice(item.strip() if isinstance(item, str) else item) for item in items)
        if len(set(found)) != len(found):
            raise self._bad("Each choice stands in it once.")
        return found


@cache
def table() -> Mapping[str, Setting]:
    """Return every setting by its name, in the file's order."""
    rows = tomllib.loads(resources.files(__package__).joinpath("settings.toml").read_text("utf-8"))
    return {name: _row(name, row) for name, row in rows.items()}


def _row(name: str, row: dict[str, object]) -> Setting:
    lists = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return Setting(name=name, **lists)  # type: ignore[arg-type]


def defaults() -> dict[str, Value]:
    """Return the default of every setting."""
    return {name: setting.default for name, setting in table().items()}


def check_all(values: Mapping[str, object]) -> dict[str, Value]:
    """Return `values` checked, name by name; raises Problem("InvalidArgument") at the first wrong one."""
    found: dict[str, Value] = {}
    for name, value in values.items():
        if name not in table():
            raise Problem("InvalidArgument", argument="settings", detail=f"There is no setting “{name[:60]}”.")
        found[name] = table()[name].check(value)
    return found


def complete(values: Mapping[str, object]) -> dict[str, Value]:
    """Return every setting: `values` checked, defaults for the rest."""
    return defaults() | check_all(values)
