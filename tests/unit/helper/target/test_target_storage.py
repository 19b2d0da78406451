# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from lundock.helper.target.storage import Disk


@pytest.fixture(params=["memory", "file"])
def disk(request: pytest.FixtureRequest, tmp_path: Path):
    file = None
    if request.param == "file":
        file = tmp_path / "disk"
        file.touch()
    made = Disk(1 << 20, file)
    yield made
    made.close()


def test_what_is_written_is_read(disk: Disk):
    disk.write(1000, b"hello")
    disk.flush()
    assert disk.read(998, 9) == b"\0\0hello\0\0"


def test_a_short_file_reads_as_zeroes(disk: Disk):
    assert disk.read((1 << 20) - 4, 4) == bytes(4)


def test_punched_blocks_are_given_back(disk: Disk):
    disk.write(0, b"x" * (1 << 20))
    disk.flush()
    before = disk.allocated()
    disk.punch(4096, 1 << 19)
    assert disk.allocated() < before
    assert disk.read(4095, 3) == b"x\0\0"
    assert disk.extent(4096) == (False, 4096 + (1 << 19))


def test_resize(disk: Disk):
    disk.resize(2 << 20)
    disk.write((2 << 20) - 1, b"!")
    assert disk.size == 2 << 20
