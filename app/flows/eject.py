# SPDX-License-Identifier: Apache-2.0
"""Ejecting a disk that may be in use: who has it, what can be done about it. No Qt, no bus."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import text
from ..client.objects import Lun
from ..words import tr


@dataclass(frozen=True, slots=True)
class Held:
    """Something that has a disk: in words, and the command that ends it (empty: a person closes the program)."""

    kind: str
    words: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the one button does: "eject" (nobody has it), "unmount" (then eject), or "wait" until it is free."""

    kind: str
    held: tuple[Held, ...] = ()

    @property
    def programs_only(self) -> bool:
        """Nothing but programs has it, as far as the last look goes: they may have let go of it since."""
        return all(one.kind == "process" for one in self.held)

    @property
    def commands(self) -> tuple[str, ...]:
        """What can be typed to free it, each once."""
        return tuple(dict.fromkeys(one.command for one in self.held if one.command))


def plan(luns: Iterable[Lun], *, udisks: bool) -> Plan:
    """Return what ejecting these disks takes."""
    attached = [lun for lun in luns if lun.device]
    held = tuple(_held(lun, holder) for lun in attached for holder in lun.holders)
    if not held:
        return Plan("eject")
    by_udisks = udisks and all(not lun.is_file for lun in attached if lun.holders)
    # A program that has the device open may be the one that serves the mount: unmounting ends it, too.
    mounted = all(any(h.get("kind") == "mount" for h in lun.holders) for lun in attached if lun.holders)
    others = any(one.kind not in {"mount", "process"} for one in held)
    return Plan("unmount" if by_udisks and mounted and not others else "wait", held)


def _held(lun: Lun, holder: Mapping[str, Any]) -> Held:
    kind, name = str(holder.get("kind", "")), str(holder.get("name", ""))
    command = _COMMANDS.get(kind, _no_command)(lun, name)
    return Held(kind, _sentence(kind, name, holder), command)


def _sentence(kind: str, name: str, holder: Mapping[str, Any]) -> str:
    if kind == "process":
        return tr("{program} has it open").format(program=text.holder(holder))
    words = {
        "mount": tr("It is mounted on {name}"),
        "swap": tr("It is swap space ({name})"),
        "device": tr("It is a part of {name}"),
    }
    return words.get(kind, "{name}").format(name=name or "?")


def _no_command(_lun: Lun, _name: str) -> str:
    return ""


def _unmount(lun: Lun, name: str) -> str:
    program = "fusermount3 -u" if lun.is_file else "sudo umount"
    return f"{program} {shlex.quote(name)}"


def _swap_off(_lun: Lun, name: str) -> str:
    return f"sudo swapoff {shlex.quote(name)}"


def _close_device(_lun: Lun, name: str) -> str:
    """Return the command for what stands on the disk: RAID, else what the device mapper made (LUKS, LVM)."""
    if name.startswith("/dev/md"):
        return f"sudo mdadm --stop {shlex.quote(name)}"
    if name.startswith("/dev/loop"):
        return f"sudo losetup -d {shlex.quote(name)}"
    return f"sudo dmsetup remove {shlex.quote(name.removeprefix('/dev/mapper/'))}"


_COMMANDS: Mapping[str, Callable[[Lun, str], str]] = {
    "mount": _unmount,
    "swap": _swap_off,
    "device": _close_device,
}
