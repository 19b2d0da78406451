# SPDX-License-Identifier: Apache-2.0
"""What can be done with an attached disk: open it where it is mounted, mount it, format it when it is empty.

Where UDisks2 does not run there is a command to type.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from .. import text
from ..client.objects import Lun
from ..client.udisks import Contents, Volume
from ..words import mark, tr

#: File systems that are offered for an empty disk, the usual one first, and what each is good for.
FILE_SYSTEMS: Mapping[str, str] = {
    "ext4": mark("The usual one: right when you are not sure."),
    "xfs": mark("For large disks and large files. It can grow, and never shrink."),
    "btrfs": mark("Keeps snapshots, and finds damaged files."),
    "exfat": mark("Windows and macOS can read it, too. It knows no owners and rights."),
}


@dataclass(frozen=True, slots=True)
class MountAdvice:
    """`kind`: "open" (mounted on `place`), "udisks" (mount it), "format" (it is empty), "command" (to type), "none"."""

    kind: str
    place: str = ""
    command: str = ""


def advice(lun: Lun, *, udisks: bool, contents: Contents | None = None) -> MountAdvice:
    """Return what the one button for a disk's contents does; `contents` where UDisks2 has told them."""
    if lun.mounts:
        return MountAdvice("open", place=lun.mounts[0])
    if not lun.device:
        return MountAdvice("none")
    if lun.is_file:
        options = "-o ro" if lun.read_only else "-o rw"
        return MountAdvice("command", command=f"fuse2fs {options} {shlex.quote(lun.device)} FOLDER")
    if udisks:
        return _by_udisks(lun, contents)
    read_only = "-o ro " if lun.read_only else ""
    return MountAdvice("command", command=f"sudo mount {read_only}{shlex.quote(lun.device)} /mnt")


def _by_udisks(lun: Lun, contents: Contents | None) -> MountAdvice:
    if contents is None:
        return MountAdvice("udisks")
    mounted = [place for volume in contents.volumes for place in volume.mounts]
    if mounted:
        return MountAdvice("open", place=mounted[0])
    if contents.mountable:
        return MountAdvice("udisks")
    return MountAdvice("format" if contents.empty and not lun.read_only and not contents.read_only else "none")


def hint(lun: Lun, what: MountAdvice, contents: Contents | None) -> str:
    """Return what to do where no button does it; empty where one does."""
    if what.kind == "command":
        if lun.is_file or lun.read_only:
            return tr("To open its files, type in a terminal:")
        return tr("To open its files (a new disk needs a file system first), type in a terminal:")
    if what.kind != "none" or contents is None:
        return ""
    if contents.empty:
        return tr("It can only be read, so it cannot be formatted here.")
    return tr("The system's disk program can show and open it: {device}").format(device=lun.device)


def describe(contents: Contents | None) -> str:
    """Return in words what is on a disk; empty when that is not known."""
    if contents is None:
        return ""
    if contents.empty:
        return tr("Nothing is on it yet.")
    if contents.parts:
        parts = ", ".join(_volume(volume) for volume in contents.parts[:6])
        return tr("%n partition(s): {parts}", "", len(contents.parts)).format(parts=parts)
    if contents.table:
        return tr("A partition table without partitions.")
    return _volume(contents.whole)


def _volume(volume: Volume) -> str:
    if volume.usage == "crypto":
        return tr("encrypted")
    if volume.usage == "raid":
        return tr("a part of something larger ({kind})").format(kind=volume.kind)
    kind = volume.kind or tr("unknown")
    return f"{kind} “{volume.label}”" if volume.label else kind


def question(lun: Lun, kind: str) -> str:
    """Return the second question before a disk is formatted: it names the disk and its size."""
    words = tr("Make a new {kind} file system on “{disk}”, {size}, {device}? Everything that may be on it is lost.")
    return words.format(kind=kind, disk=lun.title, size=text.size_both(lun.size), device=lun.device)
