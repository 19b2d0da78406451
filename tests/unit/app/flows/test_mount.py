# SPDX-License-Identifier: Apache-2.0
"""What the one button for a disk's contents does."""

from __future__ import annotations

import pytest
from lundock.app.client.objects import Lun
from lundock.app.flows.mount import MountAdvice, advice

MOUNTED = Lun("/l", device="/dev/loop7", attach_method="fuse", holders=({"kind": "mount", "name": "/mnt/a b"},))


@pytest.mark.parametrize(
    ("lun", "udisks", "expected"),
    [
        (Lun("/l"), True, MountAdvice("none")),
        (MOUNTED, False, MountAdvice("open", place="/mnt/a b")),
        (Lun("/l", device="/dev/loop7"), True, MountAdvice("udisks")),
        (Lun("/l", device="/dev/loop7"), False, MountAdvice("command", command="sudo mount /dev/loop7 /mnt")),
        (
            Lun("/l", device="/d 1", read_only=True),
            False,
            MountAdvice("command", command="sudo mount -o ro '/d 1' /mnt"),
        ),
        (
            Lun("/l", device="/run/x/disk", attach_method="file"),
            True,
            MountAdvice("command", command="fuse2fs -o rw /run/x/disk FOLDER"),
        ),
    ],
)
def test_advice(lun: Lun, udisks: bool, expected: MountAdvice) -> None:
    assert advice(lun, udisks=udisks) == expected
