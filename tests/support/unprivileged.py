# SPDX-License-Identifier: Apache-2.0
"""Running Python as a person without rights, from tests that run as root."""

from __future__ import annotations

import shlex
import sys
from itertools import pairwise
from pathlib import Path

from . import mountns, need

USER = 65534
ROOT = Path(__file__).resolve().parents[2]
_DROP = "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all env HOME=/"


def prefix() -> list[str]:
    """Return the words before a command that is to run as nobody, in a mount namespace of its own. For root only.

    Where others may not enter a folder on the way to the interpreter or to this project (/root), an empty one is put
    in its place, with only what is needed in it.
    """
    need.root()
    need.program("setpriv")
    parts: dict[Path, set[str]] = {}
    for needed in (Path(sys.base_prefix), Path(sys.prefix), ROOT):
        if found := _hidden(needed):
            parts.setdefault(found[0], set()).add(found[1])
    script = "".join(_replaced(folder, sorted(names)) for folder, names in parts.items())
    return mountns.own(f'{script}exec {_DROP} "$@"')


def _hidden(needed: Path) -> tuple[Path, str] | None:
    """Return the folder on the way there that others may not enter, and what comes next."""
    for child, folder in pairwise([needed, *needed.parents]):
        if not folder.stat().st_mode & 0o001:
            return folder, child.name
    return None


def _replaced(folder: Path, names: list[str]) -> str:
    place = shlex.quote(str(folder))
    lines = ["mount -t tmpfs -o mode=755 none /mnt"]
    for name in map(shlex.quote, names):
        lines += [f"mkdir /mnt/{name}", f"mount --bind {place}/{name} /mnt/{name}"]
    return "\n".join([*lines, f"mount --rbind /mnt {place}", ""])
