# SPDX-License-Identifier: Apache-2.0
"""lundock-helper: the service. Run by D-Bus or systemd as root, or by a person with --session."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service until it is told to end; returns the exit code."""
    from .options import parse

    options = parse(sys.argv[1:] if arguments is None else list(arguments))

    # before asyncio, threads and the bus are there: what is forked later is a copy of this
    from .nursery import Nursery

    nursery = Nursery.start()

    from .daemon import run

    return run(options, nursery)


if __name__ == "__main__":
    sys.exit(main())
