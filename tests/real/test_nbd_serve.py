# SPDX-License-Identifier: Apache-2.0
"""A disk of tgtd by NBD: with the clients that people use, and with one that misbehaves."""

import contextlib
import errno
import os
import random

import pytest
from support import nbd, need, procs
from support.nbd import NbdClient, cli, serving
from support.tgtd import LunSpec

MIB = 1 << 20
NOISE = random.Random(5).randbytes(4 * MIB)

LUNS = {
    "512": LunSpec(24 * MIB),
    "4096": LunSpec(24 * MIB, blocksize=4096),
    "thin": LunSpec(24 * MIB, thin=True),
}


@pytest.fixture
def disk(request, tgtd, target_name):
    """A target with one disk of the kind that the test is parametrized with (512 bytes a block unless)."""
    return tgtd.add_target(target_name, [LUNS[getattr(request, "param", "512")]])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nbd"


each_kind = pytest.mark.parametrize("disk", LUNS, indirect=True)


@each_kind
def test_nbdcopy_there_and_back(disk, path, tmp_path):
    need.program("nbdcopy")
    image, back = tmp_path / "image", tmp_path / "back"
    image.write_bytes(random.Random(1).randbytes(20 * MIB) + bytes(4 * MIB))
    with serving(disk.url(), path) as uri:
        procs.run("nbdcopy", "--flush", image, uri)
        procs.run("nbdcopy", uri, back)
        assert back.read_bytes() == image.read_bytes()
        procs.run("qemu-img", "compare", "-f", "raw", "-F", "raw", image, uri)
    assert disk.luns[0].file.read_bytes() == image.read_bytes()


def test_nbdinfo_shows_what_the_disk_can(disk, path):
    need.program("nbdinfo")
    with serving(disk.url(), path) as uri:
        text = procs.run("nbdinfo", uri)
        assert procs.run("nbdinfo", "--size", uri) == f"{24 * MIB}\n"
        assert procs.run("nbdinfo", "--list", uri)
    words = dict(line.strip().split(": ", 1) for line in text.splitlines() if ": " in line)
    assert words["is_read_only"] == "false"
    assert words["can_multi_conn"] == "true"
    assert words["can_flush"] == "true"
    assert words["can_trim"] == "false"
    assert words["block_size_minimum"] == "512"


@each_kind
def test_fio_verifies_what_it_wrote(disk, path):
    need.program("fio")
    with serving(disk.url(), path) as uri:
        job = ["--ioengine=nbd", f"--uri={uri}", "--verify=crc32c", "--verify_state_save=0", "--size=20m", "--minimal"]
        procs.run("fio", "--name=small", "--rw=randwrite", "--bs=4k", "--iodepth=32", *job)
        procs.run("fio", "--name=mixed", "--rw=randrw", "--bsrange=4k-3m", "--iodepth=8", *job)


@each_kind
def test_qemu_converts_zeroes_and_discards(disk, path, tmp_path):
    need.program("qemu-img")
    image = tmp_path / "image.qcow2"
    procs.run("qemu-img", "create", "-q", "-f", "qcow2", image, "24M")
    procs.run("qemu-io", "-c", "write -P 7 1M 9M", image)
    with serving(disk.url(), path) as uri:
        procs.run("qemu-img", "convert", "-n", "-f", "qcow2", "-O", "raw", image, uri)
        procs.run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", image, uri)
        steps = [
            "write -z 2M 4M",
            "read -P 0 2M 4M",
            "read -P 7 6M 4M",
            "discard 6M 1M",
            "write -f -P 5 8M 64k",
            "flush",
        ]
        words = [word for step in steps for word in ("-c", step)]
        out = procs.run("qemu-io", "-f", "raw", *words, "-c", "read -P 5 8M 64k", uri)
        assert "failed" not in out.lower()


def test_with_digests_on_the_wire(tgtd, target_name, path):
    need.program("fio")
    target = tgtd.add_target(target_name, [LUNS["512"]], digests=True)
    url = target.url() + "?header_digest=CRC32C&data_digest=CRC32C"
    with serving(url, path) as uri:
        job = [
            "--ioengine=nbd",
            f"--uri={uri}",
            "--rw=randwrite",
            "--bsrange=512-1m",
            "--blockalign=512",
            "--iodepth=8",
        ]
        procs.run("fio", "--name=v", *job, "--verify=crc32c", "--verify_state_save=0", "--size=20m", "--minimal")


@pytest.mark.parametrize(
    "keys",
    [
        "initial_r2t=yes&immediate_data=no",
        "initial_r2t=no&immediate_data=no&first_burst_length=20000",
        "initial_r2t=no&immediate_data=yes&first_burst_length=20000",
        "max_burst_length=8192&first_burst_length=4096&max_recv_data_segment_length=512",
    ],
)
def test_ways_to_send_data(tgtd, target_name, path, keys):
    parameters = {"InitialR2T": "No", "MaxRecvDataSegmentLength": "4096"} if "initial_r2t=no" in keys else {}
    target = tgtd.add_target(target_name, [LUNS["512"]], parameters=parameters)
    with serving(f"{target.url()}?{keys}", path), NbdClient(path) as client:
        for offset, length in ((0, 512), (4096, 30208), (MIB, MIB), (3 * MIB, 3 * MIB)):
            assert client.do(nbd.WRITE, offset, length, NOISE[:length]) == 0
            assert client.read(offset, length) == NOISE[:length]


# ---- by hand -----------------------------------------------------------------------------------------------------


def test_what_cannot_be_is_answered_and_the_connection_goes_on(disk, path):
    size = 24 * MIB
    with serving(disk.url(), path), NbdClient(path) as client:
        assert client.size == size
        assert client.do(nbd.READ, size, 512) == errno.EINVAL
        assert client.do(nbd.READ, 1, 512) == errno.EINVAL
        assert client.do(nbd.READ, 0, 0) == errno.EINVAL
        assert client.do(nbd.READ, 0, 40 * MIB) == errno.EINVAL
        assert client.do(nbd.READ, 2**64 - 512, 512) == errno.EINVAL
        assert client.do(nbd.WRITE, size - 512, 1024, bytes(1024)) == errno.ENOSPC
        assert client.do(nbd.WRITE, 3, 512, bytes(512)) == errno.EINVAL
        assert client.do(nbd.TRIM, size, 512) == errno.ENOSPC
        assert client.do(nbd.ZEROES, 0, 100) == errno.EINVAL
        assert client.do(42, 0, 0) == errno.EINVAL
        assert client.do(nbd.CACHE, 0, 512) == 0
        assert client.do(nbd.WRITE, 0, 512, b"\xab" * 512, flags=1) == 0
        assert client.do(nbd.FLUSH, 0, 0) == 0
        assert client.read(0, 512) == b"\xab" * 512


def test_a_request_of_the_largest_size(disk, path):
    with serving(disk.url(), path), NbdClient(path) as client:
        data = random.Random(2).randbytes(24 * MIB)
        assert client.do(nbd.WRITE, 0, len(data), data) == 0
        assert client.read(0, len(data)) == data


@pytest.mark.parametrize("raw", [b"\0" * 28, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_nonsense_ends_that_client_only(disk, path, raw):
    with serving(disk.url(), path), NbdClient(path) as good, NbdClient(path) as bad:
        bad.sock.sendall(raw)
        with pytest.raises((EOFError, ConnectionResetError)):
            bad.take(1)
        assert good.do(nbd.FLUSH, 0, 0) == 0


def test_a_write_of_more_than_is_announced_ends_the_client(disk, path):
    with serving(disk.url(), path), NbdClient(path) as client:
        client.ask(nbd.WRITE, 0, 1 << 31)
        with pytest.raises((EOFError, ConnectionResetError)):
            client.take(1)


def test_a_client_that_does_not_read_holds_up_nobody(disk, path):
    """It asks for 2 GiB and reads nothing: the process stays small, and another client works."""
    with serving(disk.url() + "?memory_limit=16777216", path), NbdClient(path) as stuck, NbdClient(path) as other:
        stuck.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for number in range(2000):
                stuck.ask(nbd.READ, (number % 20) * MIB, MIB, handle=number)
        for number in range(50):
            assert other.do(nbd.WRITE, number * 4096, 4096, NOISE[:4096]) == 0
            assert other.read(number * 4096, 4096) == NOISE[:4096]
        stuck.sock.settimeout(30)
        for _ in range(30):  # when it reads at last, its answers are right
            handle, error = stuck.answer()
            assert error == 0
            stuck.take(MIB)
            assert handle <= 2000


def test_a_client_that_leaves_in_the_middle(disk, path):
    with serving(disk.url(), path), NbdClient(path) as other:
        for _ in range(20):
            with NbdClient(path) as client:
                for number in range(32):
                    client.ask(nbd.READ, 0, MIB, handle=number)
                client.ask(nbd.WRITE, 0, MIB, NOISE[:1000])
        assert other.do(nbd.FLUSH, 0, 0) == 0


def test_disc_is_answered_by_closing_after_everything_is_done(disk, path):
    with serving(disk.url(), path), NbdClient(path) as client:
        client.ask(nbd.WRITE, 0, MIB, NOISE[:MIB], handle=5)
        client.ask(nbd.DISC, 0, 0)
        assert client.answer() == (5, 0)
        with pytest.raises(EOFError):
            client.take(1)
        with NbdClient(path) as again:
            assert again.read(0, MIB) == NOISE[:MIB]


def test_read_only(tgtd, target_name, path):
    target = tgtd.add_target(target_name, [LunSpec(8 * MIB, readonly=True), LUNS["512"]])
    for url, words in ((target.url(1), ()), (target.url(2), ("--read-only",)), (target.url(2) + "?read_only=yes", ())):
        with serving(url, path, *words), NbdClient(path) as client:
            assert client.flags & 2
            assert client.do(nbd.WRITE, 0, 512, bytes(512)) == errno.EPERM
            assert client.do(nbd.ZEROES, 0, 512) == errno.EPERM
            assert client.read(0, 512) == bytes(512)


def test_the_socket_is_the_users_alone_and_a_stale_one_is_replaced(disk, path):
    with serving(disk.url(), path):
        assert path.stat().st_mode & 0o777 == 0o700
        second = cli("serve", disk.url(), "--unix", path)
        assert second.returncode == 3
    os.mknod(path, 0o600)
    assert cli("serve", disk.url(), "--unix", path).returncode == 3
    assert path.exists()  # it was no socket of ours
