# SPDX-License-Identifier: Apache-2.0
"""The one error type that crosses boundaries, and the list it is taken from (errors.toml).

    Problem(code, **attrs)         anything that can be named; code is a key of errors.toml

Code raises ``Problem("ConnectionRefused", address="192.0.2.5", port=3260)``: attributes, never prose. The text is made
at the edge (`describe`). An exception that is not a Problem never crosses a boundary: it becomes ``Internal`` and a log
id.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from .names import BUS_NAME

#: Attributes are short: what a peer sent is cut to this many characters before it becomes part of an error.
MAX_ATTRIBUTE = 500
#: No more attributes than this are read from a peer.
MAX_ATTRIBUTES = 16

ERROR_PREFIX = f"{BUS_NAME}.Error."


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """A row of errors.toml."""

    code: str
    exit: int
    side: str
    summary: str
    meaning: str
    action: str
    rfc: str = ""


@cache
def catalogue() -> Mapping[str, ErrorInfo]:
    """Return every known error by its code."""
    text = resources.files(__package__).joinpath("errors.toml").read_text("utf-8")
    return {code: ErrorInfo(code=code, **row) for code, row in tomllib.loads(text).items()}


class Problem(Exception):  # noqa: N818 - it is the name used everywhere, also for what is nobody's error
    """Something that went wrong and has a name.

    `code` is a key of errors.toml; `attrs` are short strings and integers that its texts mention.
    """

    def __init__(self, code: str, **attrs: str | int) -> None:
        if code not in catalogue():
            raise ValueError(code)
        super().__init__(code, attrs)
        self.code = code
        self.attrs: dict[str, str | int] = {k: _short(v) for k, v in attrs.items()}

    def __str__(self) -> str:
        return describe(self.code, self.attrs).summary

    @property
    def dbus_name(self) -> str:
        """The D-Bus error name."""
        return ERROR_PREFIX + self.code

    @property
    def exit_code(self) -> int:
        """The exit code on the command line."""
        return catalogue()[self.code].exit


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


def describe(code: str, attrs: Mapping[str, str | int]) -> ErrorInfo:
    """Return the texts for `code` with the attributes filled in; an unknown code is described as Internal."""
    info = catalogue().get(code) or catalogue()["Internal"]
    values = _Blank(attrs)

    def fill(text: str) -> str:
        return string.Formatter().vformat(text, (), values).strip()

    return ErrorInfo(
        info.code, info.exit, info.side, fill(info.summary), fill(info.meaning), fill(info.action), info.rfc
    )


def from_wire(code: object, attrs: object) -> Problem:
    """Build a Problem from what a less trusted process sent; anything that is not of the form becomes Internal."""
    if not isinstance(code, str) or code not in catalogue() or not isinstance(attrs, dict):
        return Problem("Internal", log_id="malformed-error")
    good = {
        k: v
        for k, v in list(attrs.items())[:MAX_ATTRIBUTES]
        if isinstance(k, str) and k.isidentifier() and isinstance(v, str | int)
    }
    good.pop("code", None)
    good.pop("self", None)
    return Problem(code, **good)


def _short(value: str | int) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str):
        return int(value) if -(2**63) <= int(value) < 2**64 else 0
    text = "".join(c if c.isprintable() else "�" for c in value[:MAX_ATTRIBUTE])
    return text.encode("utf-8", "replace").decode("utf-8")
