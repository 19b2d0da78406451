# SPDX-License-Identifier: Apache-2.0
"""Login and discovery against Debian's tgtd, with the smallest driver there can be: one blocking socket."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine.discovery import Discovery, FoundTarget
from lundock.helper.engine.login import ChapSecrets, Login, LoginConfig, LoginResult, Redirect, Secret
from lundock.helper.engine.names import Portal, parse_portal
from support.tgtd import LunSpec, Tgtd, TgtTarget

INITIATOR = "iqn.2026-01.example.client:one"
ACCOUNT = ("alice", "a-secret-of-alice")
MUTUAL = ("storage", "storage-own-secret")
SMALL = (LunSpec(1 << 20),)


@pytest.fixture(scope="module")
def tgtd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tgtd]:
    with Tgtd(tmp_path_factory.mktemp("tgtd")) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def plain(tgtd: Tgtd) -> TgtTarget:
    return tgtd.add_target("iqn.2026-01.example:login-plain", SMALL)


@pytest.fixture(scope="module")
def chap(tgtd: Tgtd) -> TgtTarget:
    return tgtd.add_target("iqn.2026-01.example:login-chap", SMALL, chap=ACCOUNT)


@pytest.fixture(scope="module")
def mutual(tgtd: Tgtd) -> TgtTarget:
    return tgtd.add_target("iqn.2026-01.example:login-mutual", SMALL, chap=ACCOUNT, mutual=MUTUAL)


def drive(machine: Login | Discovery, address: str) -> None:
    """Run `machine` over TCP until it is done or raises."""
    portal = parse_portal(address)
    with socket.create_connection((portal.address, portal.port), timeout=10) as sock:
        while not machine.done:
            sock.sendall(machine.to_send())
            if machine.done:
                break
            deadline = machine.next_deadline()
            assert deadline is not None
            readable, _, _ = select.select([sock], [], [], max(0.0, deadline - time.monotonic()))
            now = time.monotonic()
            if not readable:
                machine.on_timer(now)
            elif data := sock.recv(65536):
                machine.feed(data, now)
            else:
                machine.eof(now)


def config(target: TgtTarget | None, **more: object) -> LoginConfig:
    name = target.name if target else ""
    return LoginConfig(INITIATOR, "test", name, isid=b"\x80\x12\x34\x56\0\1", **more)  # type: ignore[arg-type]


def log_in(target: TgtTarget, address: str = "", **more: object) -> LoginResult:
    login = Login(config(target, **more), time.monotonic())
    try:
        drive(login, address or target.portal)
    except Problem:
        if login.fallback is None:
            raise
        login = Login(login.fallback, time.monotonic())
        drive(login, address or target.portal)
    assert login.result is not None
    return login.result


def secrets(ours: tuple[str, str], theirs: tuple[str, str] | None = None) -> ChapSecrets:
    return ChapSecrets(Secret(ours[1]), Secret(theirs[1]) if theirs else None)


def test_plain_login(plain: TgtTarget) -> None:
    result = log_in(plain)
    assert result.tsih != 0
    assert result.portal_group == 1
    assert result.cmd_sn == 1
    assert result.parameters.immediate_data
    assert result.leftover == b""


@pytest.mark.parametrize("stages", [(0, 1, 3), (0, 3), (1, 3)])
def test_stage_paths(plain: TgtTarget, stages: tuple[int, ...]) -> None:
    assert log_in(plain, stages=stages).tsih != 0


def test_ipv6(plain: TgtTarget) -> None:
    assert log_in(plain, plain.portal6).tsih != 0


def test_negotiates_with_unequal_values(tgtd: Tgtd) -> None:
    theirs = {
        "MaxRecvDataSegmentLength": "4096",
        "MaxBurstLength": "131072",
        "FirstBurstLength": "16384",
        "DefaultTime2Wait": "7",
        "DefaultTime2Retain": "3",
        "InitialR2T": "Yes",
        "ImmediateData": "No",
    }
    target = tgtd.add_target("iqn.2026-01.example:login-values", SMALL, parameters=theirs)
    ours = {
        "max_burst_length": 65536,
        "first_burst_length": 32768,
        "default_time2wait": 5,
        "default_time2retain": 9,
        "max_recv_data_segment_length": 20480,
    }
    found = log_in(target, settings=ours).parameters
    assert (found.max_burst_length, found.first_burst_length) == (65536, 16384)
    assert (found.default_time2wait, found.default_time2retain) == (7, 3)
    assert (found.initial_r2t, found.immediate_data) == (True, False)
    assert (found.max_send, found.max_recv) == (4096, 20480)


@pytest.mark.parametrize("offer", [("CRC32C",), ("CRC32C", "None")])
def test_digests(tgtd: Tgtd, offer: tuple[str, ...]) -> None:
    target = tgtd.add_target(f"iqn.2026-01.example:login-digests-{len(offer)}", SMALL, digests=True)
    found = log_in(target, settings={"header_digest": offer, "data_digest": offer}).parameters
    assert found.header_digest
    assert found.data_digest


def test_wanted_digest_is_not_given_up(plain: TgtTarget) -> None:
    with pytest.raises(Problem) as caught:
        log_in(plain, settings={"header_digest": ("CRC32C",)})
    assert caught.value.code in ("NegotiationFailed", "LoginInitiatorError")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-1", "SHA-256", "SHA3-256"])
def test_chap(chap: TgtTarget, algorithm: str) -> None:
    settings = {"chap_algorithms": (algorithm, "MD5")}
    result = log_in(chap, sign_in="chap", chap_name=ACCOUNT[0], secrets=secrets(ACCOUNT), settings=settings)
    assert result.tsih != 0


def test_mutual_chap(mutual: TgtTarget) -> None:
    names = {"chap_name": ACCOUNT[0], "target_chap_name": MUTUAL[0]}
    result = log_in(mutual, sign_in="mutual", secrets=secrets(ACCOUNT, MUTUAL), **names)
    assert result.tsih != 0


def problem_of(target: TgtTarget, **more: object) -> Problem:
    with pytest.raises(Problem) as caught:
        log_in(target, **more)
    return caught.value


def test_wrong_secret(chap: TgtTarget) -> None:
    given = secrets(("alice", "not-the-secret-at-all"))
    problem = problem_of(chap, sign_in="chap", chap_name=ACCOUNT[0], secrets=given)
    assert problem.code == "AuthenticationFailed"
    assert problem.attrs["initiator_name"] == INITIATOR


def test_wrong_name(chap: TgtTarget) -> None:
    problem = problem_of(chap, sign_in="chap", chap_name="nobody", secrets=secrets(ACCOUNT))
    assert problem.code == "AuthenticationFailed"


def test_sign_in_is_needed(chap: TgtTarget) -> None:
    assert problem_of(chap).code == "AuthenticationRequired"


def test_target_that_does_not_know_its_secret(mutual: TgtTarget) -> None:
    given = secrets(ACCOUNT, ("storage", "another-secret-of-it"))
    assert problem_of(mutual, sign_in="mutual", chap_name=ACCOUNT[0], secrets=given).code == "TargetNotAuthenticated"


def test_target_of_another_name(mutual: TgtTarget) -> None:
    more = {"chap_name": ACCOUNT[0], "target_chap_name": "somebody-else"}
    problem = problem_of(mutual, sign_in="mutual", secrets=secrets(ACCOUNT, MUTUAL), **more)
    assert problem.code == "TargetNotAuthenticated"


def test_target_without_mutual_account(chap: TgtTarget) -> None:
    problem = problem_of(chap, sign_in="mutual", chap_name=ACCOUNT[0], secrets=secrets(ACCOUNT, MUTUAL))
    assert problem.code in ("TargetNotAuthenticated", "AuthenticationFailed")


def test_target_that_wants_no_sign_in(plain: TgtTarget) -> None:
    problem = problem_of(plain, sign_in="mutual", chap_name=ACCOUNT[0], secrets=secrets(ACCOUNT, MUTUAL))
    assert problem.code in ("TargetNotAuthenticated", "AuthenticationMethodRefused")


def test_unknown_target(plain: TgtTarget) -> None:
    login = Login(LoginConfig(INITIATOR, target_name="iqn.2026-01.example:not-there"), time.monotonic())
    with pytest.raises(Problem) as caught:
        drive(login, plain.portal)
    assert caught.value.code == "TargetNotFound"
    assert caught.value.attrs["target"] == "iqn.2026-01.example:not-there"


@pytest.mark.parametrize(("reason", "permanent"), [("Temporary", False), ("Permanent", True)])
def test_redirect(tgtd: Tgtd, plain: TgtTarget, reason: str, *, permanent: bool) -> None:
    """11.13.5, 0101 and 0102: to another loopback address."""
    there = {"RedirectAddress": "127.0.0.2", "RedirectPort": "3261", "RedirectReason": reason}
    target = tgtd.add_target(f"iqn.2026-01.example:moved-{reason.lower()}", (), parameters=there)
    login = Login(config(target), time.monotonic())
    drive(login, plain.portal)
    assert login.result is None
    assert login.redirect == Redirect("127.0.0.2", 3261, permanent=permanent)


def test_reinstatement(plain: TgtTarget) -> None:
    """6.3.5: the same ISID with TSIH 0 takes the place of the session before."""
    assert log_in(plain).tsih != 0
    assert log_in(plain).tsih != 0


def discover(address: str, **more: object) -> tuple[FoundTarget, ...]:
    machine = Discovery(config(None, portal=parse_portal(address), **more), time.monotonic())
    try:
        drive(machine, address)
    except Problem:
        if machine.fallback is None:
            raise
        machine = Discovery(machine.fallback, time.monotonic())
        drive(machine, address)
    return machine.targets


@pytest.mark.parametrize("digest", ["None", "CRC32C"])
def test_discovery(tgtd: Tgtd, plain: TgtTarget, digest: str) -> None:
    found = discover(plain.portal, settings={"header_digest": ("None", digest) if digest != "None" else ("None",)})
    portals = {target.name: target.portals for target in found}[plain.name]
    assert Portal("127.0.0.1", tgtd.port, 1) in portals


def test_discovery_of_many(tmp_path: Path) -> None:
    """More targets than fit in one answer of the length that we can take."""
    with Tgtd(tmp_path, ipv6=False) as many:
        names = {many.add_target(f"iqn.2026-01.example:{'x' * 150}-{i}", ()).name for i in range(40)}
        found = discover(f"127.0.0.1:{many.port}", settings={"max_recv_data_segment_length": 512})
    assert {target.name for target in found} == names


def test_discovery_over_ipv6(tgtd: Tgtd, plain: TgtTarget) -> None:
    found = discover(plain.portal6)
    portals = {target.name: target.portals for target in found}[plain.name]
    assert Portal("::1", tgtd.port6, 1) in portals


def test_discovery_with_chap(tmp_path: Path) -> None:
    with Tgtd(tmp_path, ipv6=False) as private:
        private.add_target("iqn.2026-01.example:behind", ())
        private.discovery_account(ACCOUNT, MUTUAL)
        address = f"127.0.0.1:{private.port}"
        with pytest.raises(Problem) as caught:
            discover(address)
        assert caught.value.code == "AuthenticationRequired"
        one = discover(address, sign_in="chap", chap_name=ACCOUNT[0], secrets=secrets(ACCOUNT))
        both = discover(address, sign_in="mutual", chap_name=ACCOUNT[0], secrets=secrets(ACCOUNT, MUTUAL))
        assert [target.name for target in one] == [target.name for target in both] == ["iqn.2026-01.example:behind"]
