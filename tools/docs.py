# SPDX-License-Identifier: Apache-2.0
"""`./dev docs`: write again every page that is made from something else. Tests hold that they are fresh."""

from __future__ import annotations

import sys

from . import dbus_docs, settings_docs

#: Pages and what makes them.
GENERATORS = (dbus_docs, settings_docs)


def main() -> int:
    """Write them all; returns the exit code."""
    for generator in GENERATORS:
        old = generator.PAGE.read_text("utf-8") if generator.PAGE.exists() else ""
        new = generator.page()
        generator.PAGE.write_text(new, "utf-8")
        print(f"docs/{generator.PAGE.name}: {'as it was' if new == old else 'written'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
