# SPDX-License-Identifier: Apache-2.0
"""The main job with a real file system, as a client does it: tgtd in each way of signing in, and the built-in target.

What else can be said over the bus, and who may, is in test_bus_flow.py and test_polkit_calls.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lundock.app.client import operations
from lundock.app.client.client import Client
from lundock.app.client.link import Where
from lundock.app.client.operations import Attached, Secrets, SignIn
from lundock.helper.api.errors import Problem
from lundock.helper.target.chap import Account
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.server import Server
from support import need, procs
from support.helper import HelperProcess
from support.tgtd import LunSpec, Tgtd

MIB = 1 << 20
ALICE = ("alice", "secret-of-alice")
DISK = ("the-disk", "secret-of-disk1")


def flow(helper: HelperProcess, steps: Callable[[Client], Awaitable[None]]) -> None:
    """Run a client's steps."""

    async def whole() -> None:
        async with Client(Where("address", helper.bus)) as client:
            await steps(client)

    asyncio.run(whole())


@dataclass(frozen=True)
class Case:
    """A target somewhere, and how to sign in there."""

    name: str
    address: str
    sign_in: SignIn
    secrets: Secrets | None


CHAP = SignIn("chap", chap_name=ALICE[0])
MUTUAL = SignIn("mutual", chap_name=ALICE[0], target_chap_name=DISK[0])


@pytest.fixture(params=["tgtd-plain", "tgtd-chap", "tgtd-mutual", "tgtd-ipv6", "own-mutual", "own-4k-digests"])
def case(request: pytest.FixtureRequest, target_name: str) -> Iterator[Case]:
    kind = request.param
    if kind.startswith("tgtd"):
        tgtd: Tgtd = request.getfixturevalue("tgtd")
        chap = ALICE if kind in {"tgtd-chap", "tgtd-mutual"} else None
        mutual = DISK if kind == "tgtd-mutual" else None
        made = tgtd.add_target(target_name, [LunSpec(64 * MIB)], chap=chap, mutual=mutual)
        address = made.portal6 if kind == "tgtd-ipv6" else made.portal
        sign_in = MUTUAL if mutual else CHAP if chap else SignIn()
        yield Case(target_name, address, sign_in, Secrets(ALICE[1], DISK[1] if mutual else "") if chap else None)
        return
    four_k = kind == "own-4k-digests"
    disk = DiskConfig(size=64 * MIB, lun=1, block_size=4096 if four_k else 512)
    target = TargetConfig(
        target_name,
        (disk,),
        chap=None if four_k else Account(*ALICE),
        mutual=None if four_k else Account(*DISK),
        parameters={"HeaderDigest": "CRC32C", "DataDigest": "CRC32C"} if four_k else {},
    )
    with Server(ServerConfig((target,))) as server:
        if four_k:
            yield Case(target_name, server.address, SignIn(), None)
        else:
            yield Case(target_name, server.address, MUTUAL, Secrets(ALICE[1], DISK[1]))


async def only_disk(client: Client, luns: tuple[str, ...]) -> str:
    """Return the one disk among the units (tgtd shows a controller besides)."""
    disks = [path for path in luns if (await operations.wait_for(client, path)).kind == "disk"]
    assert len(disks) == 1
    return disks[0]


@contextlib.contextmanager
def mounted(attached: Attached, place: Path) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    procs.run("mount", attached.device, place)
    try:
        yield place
    finally:
        procs.run("umount", place)


def device_rights() -> None:
    need.root()
    need.fuse()
    need.loop()


def test_from_an_address_to_files_and_back(helper: HelperProcess, case: Case, tmp_path: Path):
    device_rights()
    data = os.urandom(24 * MIB)
    place = tmp_path / "mnt"

    async def steps(client: Client) -> None:
        found = {one.name: one for one in await operations.discover(client, case.address)}
        # A target tells every portal it has; the one that was asked is where we go.
        portals = [operations.parse_portal(case.address)]
        assert case.name in found
        target = await operations.add_target(client, case.name, portals, sign_in=case.sign_in)

        _, luns = await operations.login(client, target, secrets=case.secrets)
        lun = await only_disk(client, luns)
        seen = client.snapshot.luns[lun]
        assert (seen.size, seen.read_only) == (64 * MIB, False)
        attached = await operations.attach(client, lun)
        assert attached.reason
        procs.run("mkfs.ext4", "-q", "-F", attached.device)
        with mounted(attached, place):
            (place / "data").write_bytes(data)
            with pytest.raises(Problem) as busy:
                await operations.eject(client, lun)
            assert busy.value.code == "DeviceBusy"
            assert str(place) in str(busy.value.attrs["holders"])
            assert (place / "data").read_bytes() == data
        await operations.eject(client, lun)
        assert (await operations.statistics(client))[lun]["write-bytes"] >= len(data)
        await operations.logout(client, target)

        _, luns = await operations.login(client, target, secrets=case.secrets)
        lun = await only_disk(client, luns)
        attached = await operations.attach(client, lun)
        procs.run("e2fsck", "-f", "-n", attached.device)
        with mounted(attached, place):
            assert (place / "data").read_bytes() == data
        await operations.logout(client, target)  # ejects by itself
        await operations.remove_target(client, target)
        assert not client.snapshot.luns

    flow(helper, steps)


# -- what goes wrong, each with its own name ------------------------------------------------------------------------
@contextlib.contextmanager
def no_iscsi(answer: bytes) -> Iterator[str]:
    """A service that speaks something else."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(answer)
                        while connection.recv(4096):
                            pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


async def refused(work: Awaitable[object]) -> str:
    """Return the code with which something is refused."""
    try:
        await work
    except Problem as problem:
        return problem.code
    return ""


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("there is no such host", "AddressInvalid"),
        ("127.0.0.1:99999", "AddressInvalid"),
        ("[::1", "AddressInvalid"),
        ("a" * 301, "AddressInvalid"),
        ("no-such-host.invalid", "NameNotFound"),
    ],
)
def test_addresses_that_are_none(helper: HelperProcess, address: str, code: str):
    async def steps(client: Client) -> None:
        assert await refused(operations.discover(client, address)) == code

    flow(helper, steps)


def test_closed_port(helper: HelperProcess):
    async def steps(client: Client) -> None:
        address = f"127.0.0.1:{procs.free_port()}"
        assert await refused(operations.discover(client, address)) == "ConnectionRefused"

    flow(helper, steps)


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 4096])
def test_port_of_another_service(helper: HelperProcess, answer: bytes):
    async def steps(client: Client) -> None:
        with no_iscsi(answer) as address:
            assert await refused(operations.discover(client, address)) == "NotIscsi"

    flow(helper, steps)


def test_target_that_is_not_there(helper: HelperProcess, tgtd: Tgtd, target_name: str):
    async def steps(client: Client) -> None:
        portal = operations.parse_portal(f"127.0.0.1:{tgtd.port}")
        target = await operations.add_target(client, target_name, [portal])
        assert await refused(operations.login(client, target)) == "TargetNotFound"

    flow(helper, steps)


def test_secrets_wrong_and_missing(helper: HelperProcess, tgtd: Tgtd, target_name: str):
    made = tgtd.add_target(target_name, [LunSpec(MIB)], chap=ALICE, mutual=DISK)

    async def steps(client: Client) -> None:
        target = await operations.add_target(client, made.name, [operations.parse_portal(made.portal)], sign_in=MUTUAL)

        async def login(sign_in: SignIn | None, secrets: Secrets | None) -> str:
            return await refused(operations.login(client, target, sign_in=sign_in, secrets=secrets))

        assert await login(None, Secrets("not-the-secret-1", DISK[1])) == "AuthenticationFailed"
        assert await login(None, Secrets(ALICE[1], "not-the-secret-1")) == "TargetNotAuthenticated"
        assert await login(None, Secrets(DISK[1], DISK[1])) == "SecretReused"
        assert await login(None, None) == "SecretsUnavailable"
        assert await login(SignIn(), None) == "AuthenticationRequired"
        assert client.snapshot.targets[target].state == "disconnected"
        await operations.login(client, target, secrets=Secrets(ALICE[1], DISK[1]))
        await operations.logout(client, target)

    flow(helper, steps)


# -- a target that goes away ------------------------------------------------------------------------------------------
def write_and_sync(device: str, data: bytes) -> None:
    """Write to a device from its beginning until it is on the disk; OSError when it cannot be."""
    with Path(device).open("r+b", buffering=0) as disk:
        view = memoryview(data)
        while view:
            view = view[disk.write(view[:MIB]) :]
        os.fsync(disk.fileno())


def test_a_write_is_finished_when_the_target_is_back(helper: HelperProcess, own_tgtd: Tgtd, target_name: str):
    device_rights()
    made = own_tgtd.add_target(target_name, [LunSpec(64 * MIB)])
    data = os.urandom(48 * MIB)

    async def steps(client: Client) -> None:
        target = await operations.add_target(client, made.name, [operations.parse_portal(made.portal)])
        _, luns = await operations.login(client, target)
        lun = await only_disk(client, luns)
        attached = await operations.attach(client, lun)
        writing = asyncio.create_task(asyncio.to_thread(write_and_sync, attached.device, data))
        while not (await operations.statistics(client))[lun]["write-bytes"]:
            await asyncio.sleep(0.01)
        own_tgtd.stop()
        async with asyncio.timeout(30):
            while client.snapshot.targets[target].state != "lost":
                await asyncio.sleep(0.05)
        assert not writing.done()
        own_tgtd.start()
        async with asyncio.timeout(60):
            await writing
        assert made.luns[0].file.read_bytes()[: len(data)] == data
        session = next(iter(client.snapshot.sessions.values()))
        assert session.reconnects >= 1
        await operations.eject(client, lun)
        await operations.logout(client, target)

    flow(helper, steps)


def test_a_write_fails_when_the_target_stays_away(helper: HelperProcess, own_tgtd: Tgtd, target_name: str):
    device_rights()
    made = own_tgtd.add_target(target_name, [LunSpec(64 * MIB)])

    async def steps(client: Client) -> None:
        settings = {"recovery_timeout": 2, "connect_timeout": 1, "default_time2wait": 0}
        portals = [operations.parse_portal(made.portal)]
        target = await operations.add_target(client, made.name, portals, settings=settings)
        _, luns = await operations.login(client, target)
        lun = await only_disk(client, luns)
        attached = await operations.attach(client, lun)
        own_tgtd.stop()
        with pytest.raises(OSError, match=r"Input/output error"):
            async with asyncio.timeout(60):
                await asyncio.to_thread(write_and_sync, attached.device, os.urandom(4 * MIB))
        assert client.snapshot.targets[target].state == "lost"
        own_tgtd.start()
        async with asyncio.timeout(60):
            while client.snapshot.targets[target].state != "connected":
                await asyncio.sleep(0.05)
        await asyncio.to_thread(write_and_sync, attached.device, b"again" * 4096)
        assert made.luns[0].file.read_bytes()[:20480] == b"again" * 4096
        await operations.eject(client, lun)
        await operations.logout(client, target)

    flow(helper, steps)
