# SPDX-License-Identifier: Apache-2.0
import asyncio
import hashlib
from pathlib import Path

from support import need, procs

from tools.demo import contents


def test_the_image_holds_the_files(tmp_path: Path):
    need.program("mke2fs")
    image, sums = contents.make(tmp_path)
    assert image.stat().st_size == contents.DISK_SIZE
    assert image.stat().st_blocks * 512 < contents.DISK_SIZE // 4  # it takes no more than it holds
    need.program("e2fsck")
    procs.run("e2fsck", "-f", "-n", image)
    for name, wanted in sums.items():
        copy = tmp_path / "copy"
        procs.run("debugfs", "-R", f'dump "/{name}" {copy}', image)
        assert contents.checksum(copy) == wanted


def test_noise(tmp_path: Path):
    file = tmp_path / "noise"
    digest = asyncio.run(contents.write_noise(file, 2 << 20))
    assert digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert file.stat().st_size == 2 << 20
