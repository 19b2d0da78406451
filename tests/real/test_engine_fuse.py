# SPDX-License-Identifier: Apache-2.0
"""A disk of tgtd as a FUSE file, and a loop device over it, with the engine in a process of its own."""

import contextlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from lundock.helper.attach import linux
from support import need, procs
from support.tgtd import LunSpec

MIB = 1 << 20
SERVER = Path(__file__).parents[1] / "support" / "engine_server.py"

LUNS = {"512": LunSpec(96 * MIB), "4096": LunSpec(96 * MIB, blocksize=4096), "thin": LunSpec(96 * MIB, thin=True)}


class Mounted:
    """A FUSE file and the process behind it, which can be killed and started anew."""

    def __init__(self, url: str, file: Path) -> None:
        self.url = url
        self.file = file
        file.touch()
        self.fd = linux.mount_fuse(file, read_only=False, max_read=MIB)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        argv = [sys.executable, str(SERVER), self.url, str(self.fd), *words]
        self.process = procs.start(argv, stdout=subprocess.PIPE, pass_fds=[self.fd])
        for line in self.process.stdout:
            if line == b"ready\n":
                return
        raise AssertionError("it does not serve")

    def kill(self) -> None:
        self.process.kill()
        procs.stop(self.process)

    def close(self) -> None:
        """Take it away, in the order that works even when the server is dead: nobody must hold the descriptor."""
        code = procs.stop(self.process, 20) if self.process else 0
        os.close(self.fd)
        linux.unmount(str(self.file), 0)
        assert code == 0


@pytest.fixture
def mounted(request, tgtd, target_name, tmp_path):
    need.root()
    need.fuse()
    target = tgtd.add_target(target_name, [LUNS[getattr(request, "param", "512")]])
    mounted = Mounted(target.url(), tmp_path / "disk")
    mounted.behind = target.luns[0].file
    try:
        mounted.start()
        yield mounted
    finally:
        mounted.close()


@contextlib.contextmanager
def loop_device(mounted, block=512):
    need.loop()
    device = procs.run("losetup", "-f", "--show", "--direct-io=on", "-b", str(block), mounted.file).strip()
    try:
        yield device
    finally:
        procs.run("losetup", "-d", device)


@contextlib.contextmanager
def file_system(device, folder):
    folder.mkdir()
    procs.run("mount", device, folder)
    try:
        yield folder
    finally:
        procs.run("umount", folder)


def fio(*words, patience=90):
    need.program("fio")
    verify = ["--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", "--minimal"]
    procs.run("fio", "--name=v", "--ioengine=libaio", *verify, *words, patience=patience)


@pytest.mark.parametrize("mounted", LUNS, indirect=True)
def test_a_file_system(request, mounted, tmp_path):
    kind = request.node.callspec.params["mounted"]
    with loop_device(mounted, 4096 if kind == "4096" else 512) as device:
        procs.run("mkfs.ext4", "-q", "-F", device)
        with file_system(device, tmp_path / "mnt") as folder:
            fio(f"--directory={folder}", "--direct=1", "--rw=randwrite", "--bs=4k", "--iodepth=32", "--size=16m")
            fio(f"--directory={folder}", "--rw=randwrite", "--bsrange=4k-512k", "--iodepth=8", "--size=16m")
            if kind == "thin":
                before = mounted.behind.stat().st_blocks
                (folder / "v.0.0").unlink()
                procs.run("sync", folder)
                assert "trimmed" in procs.run("fstrim", "-v", folder)
                assert mounted.behind.stat().st_blocks < before
        procs.run("e2fsck", "-fn", device)


def test_every_unaligned_range(mounted):
    """A file's users do not keep to blocks; many at once must not undo each other's bytes."""
    source = random.Random(4)
    size = MIB // 2
    model = bytearray(size)
    fd = os.open(mounted.file, os.O_RDWR)
    try:
        os.pwrite(fd, model, 0)
        for _ in range(150):
            at = source.randrange(size - 1)
            data = source.randbytes(source.randrange(1, min(70_000, size - at) + 1))
            assert os.pwrite(fd, data, at) == len(data)
            model[at : at + len(data)] = data
            at = source.randrange(size - 1)
            assert os.pread(fd, 5000, at) == bytes(model[at : at + 5000])[: max(0, size - at)] or at + 5000 > size
        os.fsync(fd)
    finally:
        os.close(fd)
    assert mounted.behind.read_bytes()[:size] == bytes(model)


def test_neighbours_in_one_block_written_at_once(mounted):
    """Eight processes, each with its own bytes of the same blocks."""
    script = (
        "import os,sys\nfd=os.open(sys.argv[1],os.O_RDWR|os.O_DSYNC)\nn=int(sys.argv[2])\n"
        "for i in range(100): os.pwrite(fd,bytes([n])*64,i*512+n*64)\n"
    )
    jobs = [procs.start([sys.executable, "-c", script, str(mounted.file), str(n)]) for n in range(8)]
    assert [job.wait(60) for job in jobs] == [0] * 8
    for job in jobs:
        procs.stop(job)
    assert mounted.behind.read_bytes()[: 100 * 512] == b"".join(bytes([n]) * 64 for n in range(8)) * 100


def test_the_files_edges(mounted):
    size = 96 * MIB
    assert mounted.file.stat().st_size == size
    fd = os.open(mounted.file, os.O_RDWR)
    try:
        assert os.pread(fd, 4096, size) == b""
        assert len(os.pread(fd, 4096, size - 100)) == 100
        with pytest.raises(OSError, match="space"):
            os.pwrite(fd, b"x" * 4096, size)
        with pytest.raises(PermissionError):
            os.ftruncate(fd, size // 2)
        os.ftruncate(fd, size)
    finally:
        os.close(fd)


def test_a_server_that_dies_loses_nothing(mounted):
    """Killed twice under load; a new one goes on with the same descriptor, and the kernel asks again."""
    if tuple(int(part) for part in os.uname().release.split(".")[:2]) < (6, 9):
        pytest.skip("FUSE_NOTIFY_RESEND needs Linux 6.9")
    need.program("fio")
    with loop_device(mounted) as device:
        words = ["--name=v", "--ioengine=libaio", f"--filename={device}", "--direct=1", "--rw=randwrite", "--bs=4k"]
        words += [
            "--iodepth=32",
            "--size=48m",
            "--loops=3",
            "--verify=crc32c",
            "--verify_fatal=1",
            "--verify_state_save=0",
            "--minimal",
        ]
        job = procs.start(["fio", *words], stdout=subprocess.DEVNULL)
        try:
            for _ in range(2):
                blocks = mounted.behind.stat().st_mtime_ns
                procs.wait_for("writes", lambda blocks=blocks: mounted.behind.stat().st_mtime_ns != blocks)
                mounted.kill()
                mounted.start("resume")
            assert job.wait(60) == 0
        finally:
            procs.stop(job)


def test_a_target_that_is_cut_while_a_file_system_writes(own_tgtd, target_name, tmp_path):
    need.root()
    need.fuse()
    target = own_tgtd.add_target(target_name, [LUNS["512"]])
    mounted = Mounted(target.url(), tmp_path / "disk")
    try:
        mounted.start()
        with loop_device(mounted) as device:
            procs.run("mkfs.ext4", "-q", "-F", device)
            with file_system(device, tmp_path / "mnt") as folder:
                data = random.Random(9).randbytes(32 * MIB)
                job = procs.start([sys.executable, "-c", _COPY, str(folder / "file")], stdin=subprocess.PIPE)
                job.stdin.write(data[: 8 * MIB])
                job.stdin.flush()
                own_tgtd.cut_connections(target)
                job.stdin.write(data[8 * MIB :])
                job.stdin.close()
                job.stdin = None
                assert job.wait(60) == 0
                procs.stop(job)
            procs.run("e2fsck", "-fn", device)
            procs.run("mount", "-o", "ro", device, tmp_path / "mnt")
            try:
                assert (tmp_path / "mnt" / "file").read_bytes() == data
            finally:
                procs.run("umount", tmp_path / "mnt")
    finally:
        mounted.close()


_COPY = (
    "import os,sys\nout=open(sys.argv[1],'wb')\n"
    "while data:=sys.stdin.buffer.read(65536): out.write(data)\n"
    "out.flush(); os.fsync(out.fileno())\n"
)
