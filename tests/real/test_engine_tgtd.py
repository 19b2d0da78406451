# SPDX-License-Identifier: Apache-2.0
"""The whole engine, in this process, against tgtd: signing in, digests, blocks, redirects, disks that come and go."""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from conformance.harness import Call, User
from lundock.helper.api.errors import Problem
from lundock.helper.engine import url as urls
from lundock.helper.engine.client import Client, discover
from support import procs
from support.tgtd import LunSpec, Tgtd

MIB = 1 << 20
NOISE = random.Random(31).randbytes(3 * MIB)
ACCOUNT, MUTUAL = ("alice", "secret-of-alice"), ("storage", "secret-of-storage")
DIGESTS = "header_digest=CRC32C&data_digest=CRC32C"


@pytest.fixture(scope="module")
def tgtd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tgtd]:
    with Tgtd(tmp_path_factory.mktemp("tgtd"), ipv6=False) as running:
        yield running


class Using:
    """A client that is logged in, and uses its disks."""

    def __init__(self, url: str) -> None:
        self.client = Client(urls.parse(url))
        self.users: dict[int, User] = {}

    def __enter__(self) -> Self:
        self.client.log_in()
        for info in self.client.found:
            if not info.problem:
                self.use(info.number)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.log_out()

    def use(self, number: int) -> None:
        engine = self.client.engine
        (info,) = (info for info in self.client.found if info.number == number)
        self.users[number] = User(engine.driver, number, engine.session.units[info.address], read_only=False)
        engine.attach_front(self.users[number])

    def until(self, check: Callable[[], object]) -> None:
        deadline = time.monotonic() + procs.PATIENCE
        while not check():
            assert time.monotonic() < deadline, (self.client.state, self.client.problem, self.client.events)
            self.client.loop.run_once(0.05)

    def _ask(self, ask: Callable[[User, Call], None], number: int) -> Call:
        call = Call()
        self.client.engine.session.now = time.monotonic()
        ask(self.users[number], call)
        self.client.engine.wake()
        self.until(lambda: call.over)
        return call

    def read(self, offset: int, length: int, number: int = 1) -> bytes:
        def ask(user: User, call: Call) -> None:
            size = user.block_size
            self.client.engine.session.read(user.unit, call, 0, offset // size, length // size, length)

        call = self._ask(ask, number)
        assert call.error == 0, self.client.events
        return call.data

    def write(self, offset: int, data: bytes, number: int = 1) -> int | None:
        def ask(user: User, call: Call) -> None:
            size = user.block_size
            self.client.engine.session.write(user.unit, call, 0, offset // size, len(data) // size, data, None)

        return self._ask(ask, number).error

    def numbers(self) -> list[int]:
        return [info.number for info in self.client.found if info.kind == "disk"]

    def problems(self) -> list[str]:
        """Of its disks, after another look."""
        over: list[Problem | None] = []
        self.client.engine.rescan(over.append)
        self.until(lambda: over)
        assert over == [None]
        return [info.problem for info in self.client.found if info.kind == "disk"]

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.client.events]


CASES: dict[str, tuple[LunSpec, dict[str, object], str, str]] = {
    "plain": (LunSpec(8 * MIB), {}, "", ""),
    "chap": (LunSpec(8 * MIB), {"chap": ACCOUNT}, "alice%secret-of-alice@", ""),
    "mutual": (
        LunSpec(8 * MIB), {"chap": ACCOUNT, "mutual": MUTUAL}, "alice%secret-of-alice@",
        "target_user=storage&target_password=secret-of-storage",
    ),
    "digests": (LunSpec(8 * MIB), {"digests": True}, "", DIGESTS),
    "blocks-of-4096": (LunSpec(8 * MIB, blocksize=4096), {}, "", ""),
    "thin": (LunSpec(8 * MIB, thin=True), {}, "", ""),
    "asks-for-everything": (
        LunSpec(8 * MIB), {"parameters": {"InitialR2T": "Yes", "ImmediateData": "No", "MaxBurstLength": "65536"}}, "",
        "max_recv_data_segment_length=16384",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_written_is_read_and_is_in_the_file(tgtd: Tgtd, case: str) -> None:
    spec, how, account, query = CASES[case]
    target = tgtd.add_target(f"iqn.2026-01.example:matrix-{case}", [spec], **how)  # type: ignore[arg-type]
    with Using(f"{target.url(account=account)}?{query}") as one:
        digest = "CRC32C" if "CRC32C" in query else "None"
        assert (one.client.agreed["HeaderDigest"], one.client.agreed["DataDigest"]) == (digest, digest)
        assert one.users[1].block_size == spec.blocksize
        assert one.write(MIB, NOISE) == 0
        assert one.write(4096, NOISE[:4096]) == 0
        assert one.read(MIB, len(NOISE)) == NOISE
        assert one.read(4096, 8192) == NOISE[:4096] + bytes(4096)
    raw = target.luns[0].file.read_bytes()
    assert raw == bytes(4096) + NOISE[:4096] + bytes(MIB - 8192) + NOISE + bytes(4 * MIB)


def test_discovery_has_an_account_of_its_own(tmp_path: Path) -> None:
    """One way and mutual; the account of a target does not open the list."""
    with Tgtd(tmp_path, ipv6=False) as private:
        target = private.add_target("iqn.2026-01.example:listed", [LunSpec(MIB)], chap=ACCOUNT)
        private.discovery_account(("lister", "secret-of-lists"), ("teller", "secret-of-teller"))
        mutual = "?target_user=teller&target_password=secret-of-teller"
        for query in ("", mutual):
            found = discover(f"iscsi://lister%secret-of-lists@{target.portal}/{query}")
            assert [one.name for one in found] == [target.name]
        for account, query, code in (
            ("", "", "AuthenticationRequired"),
            ("alice%secret-of-alice@", "", "AuthenticationFailed"),
            ("lister%secret-of-lists@", "?target_user=teller&target_password=something-else", "TargetNotAuthenticated"),
        ):
            with pytest.raises(Problem) as caught:
                discover(f"iscsi://{account}{target.portal}/{query}")
            assert caught.value.code == code
        with Using(target.url(account="alice%secret-of-alice@")) as one:
            assert one.read(0, 512) == bytes(512)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tgtd]:
    """Another tgtd, which listens on another loopback address, too: one alone sends on whoever comes, anywhere."""
    with Tgtd(tmp_path_factory.mktemp("elsewhere"), ipv6=False) as running:
        yield running


@pytest.mark.parametrize(("reason", "kind"), [("Temporary", "redirected"), ("Permanent", "moved")])
def test_a_redirect_to_another_loopback_address_is_followed(
    tgtd: Tgtd, elsewhere: Tgtd, reason: str, kind: str
) -> None:
    name = f"iqn.2026-01.example:followed-{reason.lower()}"
    port = elsewhere.add_portal("127.0.0.2")
    there = elsewhere.add_target(name, [LunSpec(MIB)])
    redirect = {"RedirectAddress": "127.0.0.2", "RedirectPort": str(port), "RedirectReason": reason}
    here = tgtd.add_target(name, (), parameters=redirect)
    with Using(here.url()) as one:
        assert one.client.events[0] == (kind, {"address": f"127.0.0.2:{port}"})
        assert (one.client.portal.address, one.client.portal.port) == ("127.0.0.2", port)
        assert one.write(0, NOISE[:4096]) == 0
        elsewhere.cut_connections(there)
        assert one.read(0, 4096) == NOISE[:4096]
        # 11.13.5: where we were told; a target that moved for good is asked at its new place.
        assert one.kinds().count(kind) == (2 if kind == "redirected" else 1)
    assert there.luns[0].file.read_bytes()[:4096] == NOISE[:4096]


def test_disks_that_come_and_go_while_logged_in(tgtd: Tgtd) -> None:
    """06/3F/0E: told, and the list is read again; what is in use keeps working, what is gone fails with a name."""
    target = tgtd.add_target("iqn.2026-01.example:coming", [LunSpec(MIB), LunSpec(2 * MIB)])
    with Using(target.url()) as one:
        assert one.numbers() == [1, 2]
        tgtd.add_lun(target, 3, LunSpec(3 * MIB))
        assert one.read(0, 512) == bytes(512)  # a unit attention comes with a command
        one.until(lambda: one.numbers() == [1, 2, 3])
        assert "luns-changed" in one.kinds()
        one.use(3)
        assert one.write(2 * MIB, NOISE[:MIB], 3) == 0
        assert one.read(2 * MIB, MIB, 3) == NOISE[:MIB]
        tgtd.remove_lun(target, 2)
        assert one.write(0, NOISE[:512], 2) == errno.EIO
        assert dict(one.client.events)["io-error"]["code"] == "NoSuchLun"
        one.until(lambda: one.numbers() == [1, 3])
        assert one.read(0, 512) == bytes(512)
        assert one.client.state == "connected"


def test_changes_are_noticed_when_nobody_reads_or_writes(tgtd: Tgtd) -> None:
    """tgtd tells it to its own controller, LUN 0, at which nobody else asks; the disk that was swapped says nothing."""
    target = tgtd.add_target("iqn.2026-01.example:idle", [LunSpec(MIB)])
    with Using(target.url() + "?look_interval=1") as one:
        tgtd.add_lun(target, 2, LunSpec(MIB))
        one.until(lambda: one.numbers() == [1, 2])
        tgtd.remove_lun(target, 1)
        tgtd.add_lun(target, 1, LunSpec(MIB), scsi_id="another", scsi_sn="another")
        one.until(lambda: "identity-changed" in one.kinds())
        assert one.write(0, NOISE[:512]) == errno.EIO


def test_a_disk_that_becomes_read_only_and_goes_offline_while_logged_in(tgtd: Tgtd) -> None:
    target = tgtd.add_target("iqn.2026-01.example:changing", [LunSpec(MIB)])
    with Using(target.url()) as one:
        assert one.write(0, NOISE[:512]) == 0
        tgtd.set_lun(target.tid, 1, readonly=1)
        assert one.write(0, NOISE[512:1024]) == errno.EROFS
        assert dict(one.client.events)["io-error"]["code"] == "WriteProtected"
        assert one.read(0, 512) == NOISE[:512]
        tgtd.set_lun(target.tid, 1, readonly=0)
        # tgtd says of an offline unit that it is not ready, but goes on reading and writing.
        assert one.problems() == [""]
        tgtd.set_lun(target.tid, 1, online=0)
        assert one.problems() == ["NotReady"]
        tgtd.set_lun(target.tid, 1, online=1)
        assert one.problems() == [""]
        assert one.write(512, NOISE[512:1024]) == 0
        assert one.read(0, 1024) == NOISE[:1024]


def test_another_disk_at_the_same_number_is_refused(tgtd: Tgtd) -> None:
    """Never swapped in under who uses the first. tgtd tells it (06/3F/0E) at the units that were there before."""
    target = tgtd.add_target("iqn.2026-01.example:swapped", [LunSpec(MIB), LunSpec(MIB)])
    with Using(target.url()) as one:
        assert one.write(0, NOISE[:512], 2) == 0
        tgtd.remove_lun(target, 2)
        made = tgtd.add_lun(target, 2, LunSpec(4 * MIB), scsi_id="another", scsi_sn="another")
        assert one.read(0, 512) == bytes(512)
        one.until(lambda: "identity-changed" in one.kinds())
        assert one.write(0, NOISE[:512], 2) == errno.EIO
        assert one.write(0, NOISE[:512], 1) == 0
    assert made.file.read_bytes() == bytes(4 * MIB)
