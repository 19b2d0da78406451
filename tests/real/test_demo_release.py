# SPDX-License-Identifier: Apache-2.0
"""The demo's end: what a person has mounted from its disks is unmounted, and nothing else is."""

from pathlib import Path

from support import need, procs

from tools import traces
from tools.demo import release


def mounted(file: Path, place: Path) -> None:
    with file.open("wb") as disk:
        disk.truncate(4 << 20)
    procs.run("mkfs.ext4", "-q", file)
    place.mkdir()
    procs.run("mount", "-o", "loop", file, place)


def test_only_what_lies_on_the_demos_disks(tmp_path: Path, monkeypatch):
    need.root()
    need.loop()
    need.program("mkfs.ext4")
    monkeypatch.setattr(release, "PATIENCE", 0.0)
    run_dir, other = tmp_path / "run", tmp_path / "other"
    run_dir.mkdir()
    other.mkdir()
    mounted(run_dir / "disk", tmp_path / "a place with blanks")
    mounted(other / "disk", tmp_path / "elsewhere")
    try:
        with (tmp_path / "a place with blanks" / "in-use").open("w"):
            release.release(run_dir)
            assert len([*traces.loops([run_dir])]) == 1, "it was in use"
        release.release(run_dir)
        assert not [*traces.loops([run_dir])]
        assert len([*traces.loops([other])]) == 1
    finally:
        procs.run("umount", tmp_path / "elsewhere")
