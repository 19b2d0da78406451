# SPDX-License-Identifier: Apache-2.0
"""Running Python as a person without rights, from tests that run as root."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

from . import need

USER = 65534
#: Puts an empty folder in the place of one that others may not enter, with only the interpreter's own part of it in it.
_ENTER = """
if [ -n "$1" ]; then
    mount -t tmpfs -o mode=755 none /mnt && mkdir "/mnt/$2" && mount --bind "$1/$2" "/mnt/$2" && mount --rbind /mnt "$1"
fi
shift 2
exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all env HOME=/ "$@"
"""


def prefix() -> list[str]:
    """Return the words before a command that is to run as nobody, in a mount namespace of its own. For root only."""
    need.root()
    need.program("setpriv")
    hidden, part = _hidden(Path(sys.base_prefix))
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh", hidden, part]


def _hidden(interpreter: Path) -> tuple[str, str]:
    """Return the folder on the way to the interpreter that others may not enter, and what comes next; or nothing."""
    way = [interpreter, *interpreter.parents]
    for child, folder in pairwise(way):
        if not folder.stat().st_mode & 0o001:
            return str(folder), child.name
    return "", ""
