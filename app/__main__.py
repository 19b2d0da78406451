# SPDX-License-Identifier: Apache-2.0
"""`lundock-gui`, and `python -m lundock.app`: the window. Says what is missing when Qt is not installed."""

from __future__ import annotations

import sys


def main() -> int:
    """Start the window."""
    try:
        from .ui.application import main as run
    except ImportError as error:
        sys.stderr.write(f"lundock-gui: the window needs {error.name}; install lundock with its “gui” extra.\n")
        return 6
    return run()


if __name__ == "__main__":
    sys.exit(main())
