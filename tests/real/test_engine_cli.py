# SPDX-License-Identifier: Apache-2.0
"""lundock-iscsi against tgtd: what it prints, and how it fails."""

import json
import os

import pytest
from lundock.helper.api.errors import catalogue
from support import need, procs
from support.nbd import CLI, cli
from support.tgtd import LunSpec

MIB = 1 << 20
CHAP = ("alice", "secret-of-alice")
MUTUAL = ("target", "secret-of-target")


@pytest.fixture
def target(tgtd, target_name):
    return tgtd.add_target(target_name, [LunSpec(16 * MIB), LunSpec(8 * MIB, blocksize=4096, readonly=True)])


def test_ls_of_a_portal(target):
    result = cli("ls", f"iscsi://{target.portal}")
    assert result.returncode == 0
    assert f"Target: {target.name}  Portals: {target.portal},1" in result.stdout


def test_ls_with_disks_as_json(target):
    found = json.loads(cli("ls", f"iscsi://{target.portal}", "--luns", "--json").stdout)
    luns = next(row["luns"] for row in found["targets"] if row["name"] == target.name)
    assert [(lun["number"], lun["kind"], lun["size"], lun["block_size"]) for lun in luns] == [
        (0, "controller", 0, 0), (1, "disk", 16 * MIB, 512), (2, "disk", 8 * MIB, 4096),
    ]  # fmt: skip
    assert luns[1]["address"] == "0001000000000000"


def test_ls_over_ipv6(target):
    result = cli("ls", f"iscsi://{target.portal6}/{target.name}")
    assert result.returncode == 0
    assert "LUN 1: disk" in result.stdout


def test_a_network_interface_that_is_not_there_or_leads_nowhere_else(target):
    found = cli("--interface", "lo", "ls", f"iscsi://{target.portal}")
    assert found.returncode == 0
    assert target.name in found.stdout
    for name in ("nosuch0", "far-too-long-for-a-name"):
        refused = cli("--interface", name, "inq", target.url(1))
        assert refused.returncode == catalogue()["InterfaceNotFound"].exit
        assert name in refused.stderr


def test_ls_finds_what_libiscsi_finds(target):
    need.program("iscsi-ls")
    theirs = procs.run("iscsi-ls", f"iscsi://{target.portal}")
    ours = cli("ls", f"iscsi://{target.portal}").stdout
    names = [line.split()[0].removeprefix("Target:") for line in theirs.splitlines()]
    assert sorted(line.split()[1] for line in ours.splitlines()) == sorted(names)


def test_inq_and_readcapacity(target):
    row = json.loads(cli("inq", target.url(2), "--json").stdout)
    assert (row["vendor"], row["read_only"], row["size"]) == ("IET", True, 8 * MIB)
    assert row["wwn"].startswith("naa.")
    capacity = json.loads(cli("readcapacity", target.url(2), "--json").stdout)
    assert (capacity["blocks"], capacity["block_size"]) == (2048, 4096)
    assert "size: 16777216" in cli("readcapacity", target.url(1)).stdout


@pytest.mark.parametrize("words", [(), ("--rw", "write", "--pattern", "sequential", "--size", "64k", "--depth", "4")])
def test_perf_prints_one_object(target, words):
    result = cli("perf", target.url(), *words, "--seconds", "0.3", "--json")
    assert result.returncode == 0, result.stderr
    (line,) = result.stdout.splitlines()
    report = json.loads(line)
    assert {"iops", "mb_per_s", "cpu_us_per_io", "p50_us", "p99_us"} <= set(report)
    assert report["ios"] > 0
    assert report["p99_us"] >= report["p50_us"] > 0


def test_perf_write_writes(target):
    assert cli("perf", target.url(), "--rw", "write", "--size", "4k", "--seconds", "0.2", "--json").returncode == 0
    assert any(target.luns[0].file.read_bytes())


def test_chap_from_url_and_environment(tgtd, target_name):
    target = tgtd.add_target(target_name, chap=CHAP, mutual=MUTUAL)
    query = f"?target_user={MUTUAL[0]}&target_password={MUTUAL[1]}"
    assert cli("inq", target.url(account=f"{CHAP[0]}%{CHAP[1]}@")).returncode == 0
    assert cli("inq", target.url(account=f"{CHAP[0]}%{CHAP[1]}@") + query).returncode == 0
    environ = {
        "LIBISCSI_CHAP_USERNAME": CHAP[0], "LIBISCSI_CHAP_PASSWORD": CHAP[1],
        "LIBISCSI_CHAP_TARGET_USERNAME": MUTUAL[0], "LIBISCSI_CHAP_TARGET_PASSWORD": MUTUAL[1],
    }  # fmt: skip
    assert cli("inq", target.url(), env={**os.environ, **environ}).returncode == 0


def test_secrets_are_never_printed(tgtd, target_name):
    target = tgtd.add_target(target_name, chap=CHAP)
    for word in ("wrong-secret-of-alice", CHAP[1]):
        result = procs.try_run(*CLI, "-vv", "inq", target.url(account=f"{CHAP[0]}%{word}@"))
        assert word not in result.stdout + result.stderr


def failures(target, tgtd):
    portal, name = target.portal, target.name
    closed = procs.free_port()
    yield f"iscsi://{portal}/{name}/9", "NoSuchLun"
    yield f"iscsi://{portal}/{name}/0", "NotADisk"
    yield f"iscsi://{portal}/{name}", "InvalidArgument"
    yield f"iscsi://{portal}/iqn.2026-01.no.such:target/1", "TargetNotFound"
    yield f"iscsi://127.0.0.1:{closed}/{name}/1", "ConnectionRefused"
    yield f"iscsi://no-such-host.invalid/{name}/1", "NameNotFound"
    yield f"iscsi://:/{name}/1", "AddressInvalid"
    yield "http://127.0.0.1/", "InvalidArgument"


def test_each_failure_has_its_exit_code_and_text(target, tgtd):
    for url, code in failures(target, tgtd):
        result = cli("readcapacity", url)
        assert f"[{code}]" in result.stderr, (url, result.stderr)
        assert result.returncode == catalogue()[code].exit
        assert "Traceback" not in result.stderr


def test_with_json_errors_are_json_as_well(target):
    for words, code in (
        (["inq", "--json", f"iscsi://{target.portal}/{target.name}/9"], "NoSuchLun"),
        (["inq", "--json"], "Usage"),
        (["nonsense", "--json"], "Usage"),
    ):
        result = cli(*words)
        error = json.loads(result.stdout)["error"]
        assert (error["code"], error["exit"]) == (code, result.returncode)
        assert result.returncode == catalogue()[code].exit
    assert cli("inq").stdout == "", "without it a usage error is words on the other stream"


def test_a_wrong_secret(tgtd, target_name):
    target = tgtd.add_target(target_name, chap=CHAP)
    result = cli("inq", target.url(account="alice%not-her-secret-at-all@"))
    assert "[AuthenticationFailed]" in result.stderr
    assert result.returncode == 31


@pytest.mark.parametrize("size", ["0", "1000", "4q", "-4096", "1T"])
def test_sizes_that_do_not_fit(target, size):
    result = cli("perf", target.url(), f"--size={size}", "--seconds", "0.1")
    assert result.returncode in (2, 3)
    assert "Traceback" not in result.stderr


def test_writing_to_a_protected_disk(target):
    result = cli("perf", target.url(2), "--rw", "write", "--seconds", "0.1")
    assert "[WriteProtected]" in result.stderr
