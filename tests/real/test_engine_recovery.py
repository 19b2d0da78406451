# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on the way to a real target, with data that is compared afterwards."""

import errno
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support import nbd, need, procs
from support.nbd import NbdClient, serving
from support.proxy import Proxy
from support.tgtd import LunSpec

MIB = 1 << 20
NOISE = random.Random(11).randbytes(4 * MIB)
#: tgtd wants DefaultTime2Wait of 2 s, whatever we say: each loss takes at least that.
#: Both sides want no pause before a new login (13.15): it would be two seconds after each loss, in all of these tests.
QUICK = "?recovery_timeout=30&login_timeout=5&ping_interval=1&ping_timeout=2&default_time2wait=0"
NO_PAUSE = {"DefaultTime2Wait": "0"}


@pytest.fixture
def disk(own_tgtd, target_name):
    return own_tgtd.add_target(target_name, [LunSpec(16 * MIB)], parameters=NO_PAUSE)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nbd"


def fio(uri, *words):
    need.program("fio")
    argv = [
        "fio",
        "--name=v",
        "--ioengine=nbd",
        f"--uri={uri}",
        "--rw=randwrite",
        "--verify=crc32c",
        "--verify_fatal=1",
    ]
    return procs.start(
        [*argv, "--verify_state_save=0", "--size=16m", "--minimal", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def ended(process):
    try:
        return process.wait(60), process.stderr.read().decode()
    finally:
        procs.stop(process)


@pytest.mark.parametrize("words", [["--bs=4k", "--iodepth=32"], ["--bs=1m", "--iodepth=8"]])
def test_a_connection_cut_while_writing(own_tgtd, disk, path, words):
    with serving(disk.url() + QUICK, path) as uri:
        job = fio(uri, *words, "--loops=8")
        for _ in range(2):
            procs.wait_for("the session", lambda: own_tgtd.connections(disk))
            own_tgtd.cut_connections(disk)
        assert ended(job)[0] == 0


@pytest.mark.parametrize("sent", [47, 48, 49, 3000, 8192 + 48, 500_000, 1_500_000])
def test_a_reset_in_the_middle_of_a_write_at_any_byte(own_tgtd, disk, path, sent):
    with Proxy(own_tgtd.port) as proxy:
        url = disk.url().replace(f":{own_tgtd.port}/", f":{proxy.port}/") + QUICK
        with serving(url, path), NbdClient(path) as client:
            proxy.cut_after(sent)
            assert client.do(nbd.WRITE, MIB, 2 * MIB, NOISE[: 2 * MIB]) == 0
            assert proxy.accepted == 2
            assert client.read(MIB, 2 * MIB) == NOISE[: 2 * MIB]
            assert client.do(nbd.FLUSH, 0, 0) == 0
    assert disk.luns[0].file.read_bytes()[MIB : 3 * MIB] == NOISE[: 2 * MIB]


def test_a_reset_in_the_middle_of_a_read(own_tgtd, disk, path):
    disk.luns[0].file.write_bytes(NOISE * 4)
    with Proxy(own_tgtd.port) as proxy:
        url = disk.url().replace(f":{own_tgtd.port}/", f":{proxy.port}/") + QUICK
        with serving(url, path), NbdClient(path) as client:
            proxy.cut_after(30 * 48)  # 30 of 64 commands arrive
            for number in range(64):
                client.ask(nbd.READ, number * 65536, 65536, handle=number)
            seen = set()
            for _ in range(64):
                handle, error = client.answer()
                assert error == 0
                assert client.take(65536) == NOISE[handle * 65536 :][:65536]
                seen.add(handle)
            assert len(seen) == 64


def test_a_target_that_restarts(own_tgtd, disk, path):
    with serving(disk.url() + QUICK, path) as uri:
        job = fio(uri, "--bs=4k", "--iodepth=32", "--loops=8")
        procs.wait_for("some writes", lambda: any(disk.luns[0].file.read_bytes()))
        own_tgtd.restart()
        assert ended(job)[0] == 0


def test_a_target_that_is_gone_for_good(own_tgtd, disk, path):
    """Errors when the time is over, not before and not much later; and when it is back it serves again."""
    with serving(disk.url() + "?recovery_timeout=3", path), NbdClient(path) as client:
        assert client.do(nbd.WRITE, 0, 4096, NOISE[:4096]) == 0
        own_tgtd.stop()
        begin = time.monotonic()
        client.ask(nbd.WRITE, 0, 4096, NOISE[4096:8192], handle=5)
        client.ask(nbd.READ, 0, 4096, handle=6)
        assert sorted([client.answer(), client.answer()]) == [(5, errno.EIO), (6, errno.EIO)]
        assert 2.5 < time.monotonic() - begin < 20
        assert client.do(nbd.WRITE, 0, 4096, bytes(4096)) == errno.EIO  # at once
        own_tgtd.start()
        procs.wait_for("the disk to be served again", lambda: client.do(nbd.WRITE, 0, 4096, NOISE[:4096]) == 0, 40)
        assert client.read(0, 4096) == NOISE[:4096]


def test_no_waiting_when_the_policy_says_so(own_tgtd, disk, path):
    with serving(disk.url() + "?recovery_timeout=0", path), NbdClient(path) as client:
        assert client.do(nbd.WRITE, 0, 4096, NOISE[:4096]) == 0
        own_tgtd.stop()
        procs.wait_for("an error", lambda: client.do(nbd.WRITE, 0, 4096, bytes(4096)) == errno.EIO, 10)


def connections_to(port: int) -> set[str]:
    """Return the local ends of the connections to a port of this computer, as the kernel writes them (proc(5))."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[1] for row in rows if int(row[2].rpartition(":")[2], 16) == port}


def test_a_target_that_is_silent(own_tgtd, disk, path):
    """No reset and no FIN: only the pings tell."""
    with serving(disk.url() + QUICK, path), NbdClient(path) as client:
        assert client.do(nbd.WRITE, 0, 4096, NOISE[:4096]) == 0
        os.kill(own_tgtd.pid, signal.SIGSTOP)
        try:
            before = connections_to(own_tgtd.port)
            client.ask(nbd.WRITE, 4096, 4096, NOISE[4096:8192])
            procs.wait_for(
                "the connection to be given up, and another one", lambda: connections_to(own_tgtd.port) - before, 30
            )
        finally:
            os.kill(own_tgtd.pid, signal.SIGCONT)
        assert client.answer() == (1, 0)
        assert client.read(0, 8192) == NOISE[:8192]


def test_another_disk_at_the_same_place_is_refused(own_tgtd, disk, path):
    """Nothing is written to the new one, and the old one's reads fail instead of giving its data."""
    with serving(disk.url() + QUICK, path), NbdClient(path) as client:
        assert client.do(nbd.WRITE, 0, 4096, NOISE[:4096]) == 0
        own_tgtd.set_lun(disk.tid, 1, scsi_id="another-one", scsi_sn="4711")
        own_tgtd.cut_connections(disk)
        begin = time.monotonic()
        client.ask(nbd.WRITE, 0, 4096, bytes(4096), handle=1)
        assert client.answer() == (1, errno.EIO)
        assert time.monotonic() - begin < 20  # not because the time to wait was over
        client.ask(nbd.READ, 0, 4096, handle=2)
        assert client.answer() == (2, errno.EIO)
    assert disk.luns[0].file.read_bytes()[:4096] == NOISE[:4096]


def test_digests_survive_a_loss(own_tgtd, target_name, path):
    target = own_tgtd.add_target(target_name, [LunSpec(16 * MIB)], digests=True, parameters=NO_PAUSE)
    with serving(target.url() + QUICK + "&header_digest=CRC32C&data_digest=CRC32C", path) as uri:
        job = fio(uri, "--bsrange=4k-256k", "--iodepth=8", "--loops=4")
        procs.wait_for("some writes", lambda: any(target.luns[0].file.read_bytes()))
        own_tgtd.cut_connections(target)
        assert ended(job)[0] == 0
