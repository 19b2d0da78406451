# SPDX-License-Identifier: Apache-2.0
"""What ejecting a disk takes, without Qt and without a bus."""

from __future__ import annotations

from typing import Any

import pytest
from lundock.app.client.objects import Lun
from lundock.app.flows.eject import plan


def disk(*holders: dict[str, Any], device: str = "/dev/loop7", method: str = "fuse") -> Lun:
    return Lun("/l", device=device, attach_method=method, holders=holders)


MOUNT = {"kind": "mount", "name": "/media/my disk"}
PROGRAM = {"kind": "process", "name": "fio", "pid": 77}


def test_a_disk_that_nobody_has_is_ejected() -> None:
    assert plan([disk()], udisks=False).kind == "eject"
    assert plan([disk(MOUNT, device="")], udisks=True).kind == "eject", "what is not attached is in nobody's way"
    assert plan([], udisks=True).kind == "eject"


def test_what_is_mounted_is_unmounted_where_udisks2_runs() -> None:
    assert plan([disk(MOUNT)], udisks=True).kind == "unmount"
    here = plan([disk(MOUNT)], udisks=False)
    assert (here.kind, here.commands) == ("wait", ("sudo umount '/media/my disk'",))
    file = plan([disk(MOUNT, device="/run/x/disk", method="file")], udisks=True)
    assert (file.kind, file.commands) == ("wait", ("fusermount3 -u '/media/my disk'",))


def test_a_program_is_named_and_nothing_is_offered_to_type() -> None:
    held = plan([disk(PROGRAM)], udisks=True)
    assert (held.kind, held.commands) == ("wait", ())
    assert held.held[0].words == "fio (process 77) has it open"


@pytest.mark.parametrize(
    ("holder", "command"),
    [
        ({"kind": "swap", "name": "/dev/loop7p2"}, "sudo swapoff /dev/loop7p2"),
        ({"kind": "device", "name": "/dev/md0"}, "sudo mdadm --stop /dev/md0"),
        ({"kind": "device", "name": "/dev/mapper/luks-1 2"}, "sudo dmsetup remove 'luks-1 2'"),
        ({"kind": "device", "name": "/dev/loop9"}, "sudo losetup -d /dev/loop9"),
        ({"kind": "something new", "name": "x"}, ""),
    ],
)
def test_each_kind_of_holder(holder: dict[str, Any], command: str) -> None:
    held = plan([disk(holder, MOUNT)], udisks=True)
    assert held.kind == "wait", "unmounting alone would not do"
    assert held.held[0].command == command
    assert str(holder["name"]) in held.held[0].words


def test_several_disks_are_looked_at_together() -> None:
    assert plan([disk(), disk(MOUNT)], udisks=True).kind == "unmount"
    assert plan([disk(PROGRAM), disk(MOUNT)], udisks=True).kind == "wait"
