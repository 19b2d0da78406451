# SPDX-License-Identifier: Apache-2.0
"""`./dev docs`: write again every page that is made from something else. Tests hold that they are fresh."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from . import command_docs, dbus_docs, man_docs, settings_docs

ROOT = Path(__file__).resolve().parent.parent


class Generator(Protocol):
    """What makes a page: a module, or a page of the manual."""

    @property
    def PAGE(self) -> Path:  # noqa: N802 - as modules call it
        """Where it is."""

    def page(self) -> str:
        """Return it as it should be."""


#: Pages and what makes them.
GENERATORS: Sequence[Generator] = (
    command_docs,
    dbus_docs,
    settings_docs,
    *man_docs.PAGES,
    man_docs.COMPLETION,
)


def main() -> int:
    """Write them all; returns the exit code."""
    for generator in GENERATORS:
        old = generator.PAGE.read_text("utf-8") if generator.PAGE.exists() else ""
        new = generator.page()
        generator.PAGE.parent.mkdir(parents=True, exist_ok=True)
        generator.PAGE.write_text(new, "utf-8")
        print(f"{generator.PAGE.relative_to(ROOT)}: {'as it was' if new == old else 'written'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
