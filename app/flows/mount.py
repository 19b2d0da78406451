# SPDX-License-Identifier: Apache-2.0
"""What can be done with an attached disk: open it where it is mounted, mount it, or the command to type."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ..client.objects import Lun


@dataclass(frozen=True, slots=True)
class MountAdvice:
    """`kind`: "open" (mounted on `place`), "udisks" (mount it), "command" (type `command`), or "none"."""

    kind: str
    place: str = ""
    command: str = ""


def advice(lun: Lun, *, udisks: bool) -> MountAdvice:
    """Return what the one button for a disk's contents does."""
    if lun.mounts:
        return MountAdvice("open", place=lun.mounts[0])
    if not lun.device:
        return MountAdvice("none")
    if lun.is_file:
        options = "-o ro" if lun.read_only else "-o rw"
        return MountAdvice("command", command=f"fuse2fs {options} {shlex.quote(lun.device)} FOLDER")
    if udisks:
        return MountAdvice("udisks")
    read_only = "-o ro " if lun.read_only else ""
    return MountAdvice("command", command=f"sudo mount {read_only}{shlex.quote(lun.device)} /mnt")
