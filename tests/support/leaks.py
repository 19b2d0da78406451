# SPDX-License-Identifier: Apache-2.0
"""After the last test: nothing of ours is left, whatever the tests said."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools import traces

from . import netns

#: For tempfile: short paths outside of pytest's folders begin with this.
PREFIX = f"lundock-{secrets.token_hex(3)}-"


def namespaces() -> Iterator[str]:
    """Give every network namespace of this run."""
    folder = Path("/run/netns")
    if folder.is_dir():
        yield from (f"network namespace {e.name}" for e in folder.iterdir() if e.name.startswith(netns.PREFIX))


def all_of(folders: Sequence[Path]) -> list[str]:
    """Return everything that is left."""
    return [*traces.left(folders), *namespaces()]
