# SPDX-License-Identifier: Apache-2.0
"""The harness's tgtd against real foreign initiators: that what other tests stand on is there."""

from pathlib import Path

import pytest
from support import need, procs
from support.tgtd import LunSpec, Tgtd


def test_several_run_at_once(tmp_path: Path):
    with Tgtd(tmp_path / "a") as one, Tgtd(tmp_path / "b") as two:
        one.add_target("iqn.2026-01.example:one")
        two.add_target("iqn.2026-01.example:two")
        ls = need.program("iscsi-ls")
        assert "example:one" in procs.run(ls, f"iscsi://127.0.0.1:{one.port}")
        assert "example:two" in procs.run(ls, f"iscsi://127.0.0.1:{two.port}")


def test_both_loopbacks_and_block_sizes(tgtd: Tgtd, target_name: str):
    target = tgtd.add_target(
        target_name, [LunSpec(1 << 20), LunSpec(2 << 20, blocksize=4096, readonly=True, thin=True)]
    )
    ls = need.program("iscsi-ls")
    for portal in (target.portal, target.portal6):
        assert target_name in procs.run(ls, f"iscsi://{portal}")
    text = procs.run(need.program("iscsi-readcapacity16"), target.url(2))
    assert "4096" in text


def test_chap_is_wanted(tgtd: Tgtd, target_name: str):
    target = tgtd.add_target(target_name, chap=("alice", "secret-of-alice"), mutual=("disk", "secret-of-disk"))
    inq = need.program("iscsi-inq")
    assert procs.try_run(inq, target.url()).returncode != 0
    assert "IET" in procs.run(inq, target.url(account="alice%secret-of-alice@"))
    url = target.url(account="alice%secret-of-alice@") + "?target_user=disk&target_password=secret-of-disk"
    assert "IET" in procs.run(inq, url)


def test_discovery_account(own_tgtd: Tgtd, target_name: str):
    target = own_tgtd.add_target(target_name)
    own_tgtd.discovery_account(("finder", "secret-of-finder"))
    ls = need.program("iscsi-ls")
    assert procs.try_run(ls, f"iscsi://{target.portal}").returncode != 0
    assert target_name in procs.run(ls, f"iscsi://finder%secret-of-finder@{target.portal}")


def test_restart_keeps_targets_and_contents(own_tgtd: Tgtd, target_name: str):
    need.qemu_iscsi()
    target = own_tgtd.add_target(target_name, [LunSpec(1 << 20)], chap=("alice", "secret-of-alice"))
    url = target.url(account="alice%secret-of-alice@")
    procs.run("qemu-io", "-f", "raw", "-c", "write -P 0x5a 0 64k", url)
    own_tgtd.restart()
    procs.run("qemu-io", "-f", "raw", "-c", "read -P 0x5a 0 64k", url)
    assert target.luns[0].file.read_bytes()[: 64 << 10] == b"\x5a" * (64 << 10)
    own_tgtd.remove_target(target)
    with pytest.raises(AssertionError):
        procs.run("qemu-io", "-f", "raw", "-c", "read 0 64k", url)
