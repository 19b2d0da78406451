# SPDX-License-Identifier: Apache-2.0
"""The built-in target against initiators that others wrote: libiscsi's tools and its conformance test, and qemu."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lundock.helper.target.chap import Account
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.server import Server
from support import need, procs

PLAIN = "iqn.2026-01.example:plain"
CHAP = "iqn.2026-01.example:chap"
DISKS = (
    DiskConfig(size=64 << 20, lun=1),
    # qemu 7.2 stops itself (an assertion) when a thin disk has blocks of 4096 bytes
    DiskConfig(size=64 << 20, lun=2, block_size=4096, thin=False),
    DiskConfig(size=1 << 20, lun=300),
)
#: Tests of iscsi-test-cu that a target cannot pass and keep to the RFC. Both are new in libiscsi 1.20, and want
#: SendTargets=All answered in a normal session: it "MUST NOT be supported on an operational session" (appendix C).
AGAINST_THE_RFC = frozenset({"iSCSISendTargets.Simple", "iSCSISendTargets.Invalid"})
ALICE, OWN = Account("alice", "secret-of-alice"), Account("disk", "secret-of-disk1")


@pytest.fixture
def server() -> Iterator[Server]:
    targets = (TargetConfig(PLAIN, DISKS), TargetConfig(CHAP, DISKS[:1], chap=ALICE, mutual=OWN))
    with Server(ServerConfig(targets, listen=(("127.0.0.1", 0), ("::1", 0)))) as made:
        yield made


def test_iscsi_ls(server: Server):
    ls = need.program("iscsi-ls")
    for portal in (server.address, f"[::1]:{server.addresses[1][1]}"):
        text = procs.run(ls, f"iscsi://{portal}")
        assert PLAIN in text
        assert CHAP in text
    server.remove_target(CHAP)  # iscsi-ls -s signs in everywhere without a secret
    assert re.search(r"Lun:1 .*Type:DIRECT_ACCESS", procs.run(ls, "-s", f"iscsi://{server.address}"))


def test_iscsi_ls_many_targets():
    targets = tuple(TargetConfig(f"iqn.2026-01.example:{'n' * 150}.{number}") for number in range(200))
    with Server(ServerConfig(targets)) as server:
        text = procs.run(need.program("iscsi-ls"), f"iscsi://{server.address}")
    assert text.count("Target:") == 200


def test_iscsi_ls_discovery_account():
    config = ServerConfig((TargetConfig(PLAIN),), discovery_chap=ALICE)
    ls = need.program("iscsi-ls")
    with Server(config) as server:
        assert procs.try_run(ls, f"iscsi://{server.address}").returncode != 0
        assert PLAIN in procs.run(ls, f"iscsi://alice%{ALICE.secret}@{server.address}")


def test_iscsi_inq(server: Server):
    url = f"iscsi://{server.address}/{PLAIN}/1"
    inq = need.program("iscsi-inq")
    assert "Vendor:Lundock" in procs.run(inq, url)
    assert "Unit Serial Number:[" in procs.run(inq, "-e", "1", "-c", "128", url)
    assert "lbpu:1" in procs.run(inq, "-e", "1", "-c", "178", url)
    assert "BLOCK LENGTH IN BYTES:4096" in procs.run(
        need.program("iscsi-readcapacity16"), f"iscsi://{server.address}/{PLAIN}/2"
    )


@pytest.mark.parametrize(
    ("secret", "own", "good"),
    [
        ("secret-of-alice", None, True),
        ("secret-of-alicf", None, False),
        ("secret-of-alice", "secret-of-disk1", True),
        ("secret-of-alice", "secret-of-disk2", False),
    ],
)
def test_chap(server: Server, secret: str, own: str | None, good: bool):
    url = f"iscsi://alice%{secret}@{server.address}/{CHAP}/1"
    if own:
        url += f"?target_user=disk&target_password={own}"
    result = procs.try_run(need.program("iscsi-inq"), url)
    assert ("Vendor:Lundock" in result.stdout) is good


def _patterns(tests: set[str], left_out: frozenset[str]) -> list[str]:
    """Return what to give iscsi-test-cu, one after the other, to run each SUITE.TEST once but those left out."""
    if not tests & left_out:
        return ["ALL.*.*"]
    cut = {name.split(".")[0] for name in left_out}
    whole = {f"ALL.{name.split('.')[0]}.*" for name in tests if name.split(".")[0] not in cut}
    return sorted(whole | {f"ALL.{name}" for name in tests - left_out if name.split(".")[0] in cut})


@pytest.mark.parametrize(
    "parameters", [{}, {"MaxRecvDataSegmentLength": "8192", "InitialR2T": "Yes", "ImmediateData": "No"}]
)
def test_conformance(parameters: dict[str, str]):
    """Every test of iscsi-test-cu (230 and more; commands that are not there it passes over)."""
    disk = replace(DISKS[0], size=32 << 20)
    cu = need.program("iscsi-test-cu")
    tests = set(re.findall(r"^ALL\.([^.\n]+\.[^.\n]+)$", procs.run(cu, "--list"), re.MULTILINE))
    total = 0
    with Server(ServerConfig((TargetConfig(PLAIN, (disk,), parameters=parameters),))) as server:
        url = f"iscsi://{server.address}/{PLAIN}/1"
        for pattern in _patterns(tests, AGAINST_THE_RFC):
            text = procs.run(cu, "--dataloss", "-n", "-t", pattern, url, patience=100)
            ran, passed, failed = re.search(r"^ +tests +\d+ +(\d+) +(\d+) +(\d+)", text, re.MULTILINE).groups()
            assert (passed, failed) == (ran, "0"), text
            total += int(ran)
    assert total == len(tests - AGAINST_THE_RFC) >= 230


@pytest.mark.parametrize("lun", [1, 2])
def test_qemu_reads_what_it_wrote(server: Server, lun: int):
    need.qemu_iscsi()
    url = f"iscsi://{server.address}/{PLAIN}/{lun}"
    steps = ["write -P 7 1M 5M", "read -P 7 1M 5M", "read -P 0 0 1M", "write -z 2M 512k", "read -P 0 2M 512k", "flush"]
    words = [word for step in steps for word in ("-c", step)]
    assert "failed" not in procs.run("qemu-io", "-f", "raw", *words, url)
    assert server.units(PLAIN)[lun].disk.read(1 << 20, 1 << 20) == b"\x07" * (1 << 20)


def test_qemu_copies_an_image(server: Server, tmp_path: Path):
    need.qemu_iscsi()
    image = tmp_path / "image"
    image.write_bytes(bytes(range(256)) * 4096 + bytes(1 << 20) + b"end" * 1000)
    url = f"iscsi://{server.address}/{PLAIN}/1"
    size = 64 << 20
    with image.open("ab") as file:
        file.truncate(size)
    procs.run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image, url)
    assert "Images are identical" in procs.run("qemu-img", "compare", "-f", "raw", "-F", "raw", image, url)
    assert server.units(PLAIN)[1].disk.read(0, size) == image.read_bytes()
    assert server.units(PLAIN)[1].disk.allocated() < 4 << 20  # zeroes were given back, not written


def test_initiator_comes_back_after_a_cut(server: Server):
    """libiscsi reconnects by itself: the target takes the new session in the place of the old."""
    need.qemu_iscsi()
    process = procs.start(
        ["qemu-io", "-f", "raw", f"iscsi://{server.address}/{PLAIN}/1"], stdin=-1, stdout=-1, stderr=-3, text=True
    )
    try:
        process.stdin.write("read 0 512\n")
        process.stdin.flush()
        next(line for line in process.stdout if "read 512/512" in line)  # before, a cut would end qemu-io
        number = server.sessions[0].number
        assert server.cut_connections(reset=True) == 1
        procs.wait_for("the next session", lambda: server.sessions and server.sessions[0].number != number)
    finally:
        procs.stop(process)
