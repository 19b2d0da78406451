# SPDX-License-Identifier: Apache-2.0
"""`lundock nbd`: what is refused (tests/real/test_cli_shapes.py reads and copies a disk through it)."""

from __future__ import annotations

from pathlib import Path

from support.command_line import failure
from support.fake_helper import RunningFake


def test_what_cannot_be_served_is_refused_before_there_is_a_socket(fake: RunningFake, tmp_path: Path) -> None:
    fake.add("media")
    fake.connect(fake.add("backup", "Backup"))
    path = tmp_path / "disk.sock"
    assert failure(fake, "nbd", "media", "--unix", str(path)) == "NotConnected"
    assert failure(fake, "nbd", "Backup/9", "--unix", str(path)) == "NoSuchLun"
    assert failure(fake, "nbd", "Backup/0", "--unix", str(path)) == "NotConnected", "the service says no"
    assert failure(fake, "nbd", "Backup/0") == "Usage"
    assert not path.exists()
