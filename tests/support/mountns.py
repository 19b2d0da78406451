# SPDX-License-Identifier: Apache-2.0
"""A mount namespace of one's own."""

from __future__ import annotations

from . import need

#: Disks that others have mounted just now are let go of first: what is mounted here, too, cannot be ejected there.
_LET_GO = """set -e
while read -r device place kind _; do
    case "$device $kind" in
        /dev/loop*|/dev/nbd*|*" fuse"*) umount -l "$(printf %b "$place")" || true ;;
    esac
done < /proc/self/mounts
"""


def own(script: str, *, network: bool = False) -> list[str]:
    """Return the words that run a shell's script in one; its arguments come behind. For root only."""
    alone = [need.program("unshare"), "-m", *(["-n"] if network else []), "--propagation", "private"]
    return [*alone, "sh", "-c", _LET_GO + script, "sh"]
