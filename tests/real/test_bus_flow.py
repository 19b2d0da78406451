# SPDX-License-Identifier: Apache-2.0
"""The whole way over the bus, against tgtd: look, save, connect, attach, eject, disconnect; and what goes wrong."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from lundock.helper.api import names
from lundock.helper.api.bus import Connection
from lundock.helper.api.errors import ERROR_PREFIX, Problem
from lundock.helper.api.objects import Call, ObjectServer
from lundock.helper.api.values import Descriptor, ObjectPath
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.server import Server
from support import need, procs
from support.busclient import Client, introspected, run, secrets_pipe
from support.helper import HelperProcess
from support.tgtd import LunSpec, Tgtd, TgtTarget

MIB = 1 << 20
ACCOUNT = ("alice-chap", "correct horse b")
TARGETS_ACCOUNT = ("target-chap", "target battery s")


@pytest.fixture
def plain(tgtd: Tgtd, target_name: str) -> TgtTarget:
    return tgtd.add_target(target_name, [LunSpec(8 * MIB), LunSpec(16 * MIB)])


@pytest.fixture
def locked(tgtd: Tgtd, target_name: str) -> TgtTarget:
    return tgtd.add_target(target_name + "-chap", [LunSpec(8 * MIB)], chap=ACCOUNT, mutual=TARGETS_ACCOUNT)


def test_look_save_connect_and_disconnect(helper: HelperProcess, tgtd: Tgtd, plain: TgtTarget) -> None:
    async def steps(client: Client) -> None:
        found = await client.details(
            names.ROOT_PATH, names.MANAGER, "Discover", f"127.0.0.1:{tgtd.port}", {"sign-in": "none"}
        )
        mine = [t for t in found["targets"] if t["name"] == plain.name]
        assert [p["port"] for t in mine for p in t["portals"] if p["address"] == "127.0.0.1"] == [tgtd.port]

        target = await client.add(plain.name, tgtd.port, alias="shelf")
        assert (await client.properties(target, names.TARGET))["State"] == "disconnected"

        details = await client.details(target, names.TARGET, "Login", {})
        session = details["session"]
        disks = [await client.properties(lun, names.LUN) for lun in details["luns"]]
        assert sorted(d["Size"] for d in disks if d["Kind"] == "disk") == [8 * MIB, 16 * MIB]
        assert {d["Target"] for d in disks} == {target}
        await introspected(client.connection, session, names.SESSION)
        await introspected(client.connection, details["luns"][0], names.LUN)
        live = await client.properties(session, names.SESSION)
        assert (live["State"], live["Portal"]["port"]) == ("connected", tgtd.port)
        assert live["Parameters"]["MaxRecvDataSegmentLength"] > 0
        record = await client.properties(target, names.TARGET)
        assert (record["State"], record["Session"], record["LastError"]) == ("connected", session, "")

        async with asyncio.timeout(20):  # the worker writes them now and then
            while not (figures := await client.manager("GetStatistics", {}))[session]["bytes-received"]:
                await client.connection.flush()
        assert set(figures) == {session, *details["luns"]}

        code, _ = await client.refused(target, names.TARGET, "Login", {})
        assert code == "AlreadyConnected"
        with pytest.raises(Problem) as refused:
            await client.connection.call(target, names.TARGET, "Remove", {})
        assert refused.value.code == "StillConnected"

        await client.details(session, names.SESSION, "Logout", {})
        objects = await client.connection.get_managed_objects()
        assert not [path for path in objects if "/sessions/" in path]
        kinds = [event["kind"] for event in await client.manager("GetEvents", 0, {})]
        assert [kind for kind in kinds if kind in ("connected", "disconnected")] == ["connected", "disconnected"]
        await client.connection.call(target, names.TARGET, "Remove", {})

    run(helper.bus, steps)


def test_secrets_by_descriptor(helper: HelperProcess, tgtd: Tgtd, locked: TgtTarget) -> None:
    async def steps(client: Client) -> None:
        target = await client.add(locked.name, tgtd.port, sign_in="mutual", chap_name=ACCOUNT[0])
        pipe = secrets_pipe(secret=ACCOUNT[1], target_secret=TARGETS_ACCOUNT[1])
        await client.details(target, names.TARGET, "Login", {"secrets": pipe})
        os.close(pipe)
        await client.details(target, names.TARGET, "Logout", {})

        for secret, target_secret, code in (
            ("wrong horse batt", TARGETS_ACCOUNT[1], "AuthenticationFailed"),
            (ACCOUNT[1], "wrong battery st", "TargetNotAuthenticated"),
        ):
            pipe = secrets_pipe(secret=secret, target_secret=target_secret)
            assert (await client.refused(target, names.TARGET, "Login", {"secrets": pipe}))[0] == code
            os.close(pipe)
            assert (await client.properties(target, names.TARGET))["LastError"] == code
        assert (await client.refused(target, names.TARGET, "Login", {}))[0] == "SecretsUnavailable"
        code, _ = await client.refused(target, names.TARGET, "Login", {"sign-in": "none"})
        assert code in ("AuthenticationRequired", "AuthenticationFailed", "AuthenticationMethodRefused")

    run(helper.bus, steps)
    log = helper.log()
    assert ACCOUNT[1] not in log
    assert TARGETS_ACCOUNT[1] not in log
    assert "wrong horse" not in log


def test_a_program_can_ask_before_it_asks_a_person(
    helper: HelperProcess, tgtd: Tgtd, plain: TgtTarget, locked: TgtTarget
) -> None:
    async def steps(client: Client) -> None:
        for target, sign_in in ((plain, "none"), (locked, "chap")):
            record = await client.add(target.name, tgtd.port)
            assert await client.details(record, names.TARGET, "Probe", {}) == {"sign-in": sign_in}
            assert (await client.properties(record, names.TARGET))["State"] == "disconnected"
        nowhere = await client.add(plain.name + "-nowhere", tgtd.port)
        assert (await client.refused(nowhere, names.TARGET, "Probe", {}))[0] == "TargetNotFound"

    run(helper.bus, steps)


def test_nobody_waits_for_an_address_that_does_not_answer(helper: HelperProcess, tgtd: Tgtd, plain: TgtTarget) -> None:
    async def steps(client: Client) -> None:
        # 192.0.2.0/24 is nobody's (RFC 5737); where it is not routed it fails at once
        portals = [{"address": "192.0.2.1", "port": 3260}, {"address": "127.0.0.1", "port": tgtd.port}]
        settings = {"connect_timeout": 600}
        target = await client.manager("AddTarget", plain.name, portals, {"settings": settings})
        await client.details(target, names.TARGET, "Login", {})
        session = (await client.properties(target, names.TARGET))["Session"]
        assert (await client.properties(session, names.SESSION))["Portal"]["address"] == "127.0.0.1"
        await client.details(target, names.TARGET, "Logout", {})

    run(helper.bus, steps)


class Keyring:
    """A secret agent whose first answer is wrong."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def get_secrets(self, _call: Call, _target: str, scope: str, hints: dict[str, Any]) -> Descriptor:
        self.asked.append({"scope": scope, **hints})
        if not hints["retry"]:
            return Descriptor(secrets_pipe(secret="no horse at all", target_secret=TARGETS_ACCOUNT[1]))
        return Descriptor(secrets_pipe(secret=ACCOUNT[1], target_secret=TARGETS_ACCOUNT[1]))

    async def cancel_get_secrets(self, _call: Call, target: str, scope: str, options: dict[str, Any]) -> None:
        pass


def test_secrets_by_agent_which_is_asked_again(helper: HelperProcess, tgtd: Tgtd, locked: TgtTarget) -> None:
    async def steps(client: Client) -> None:
        keyring = Keyring()
        ObjectServer(client.connection).add("/agent", {names.SECRET_AGENT: keyring})
        await client.manager("RegisterSecretAgent", ObjectPath("/agent"), {})
        target = await client.add(locked.name, tgtd.port, sign_in="mutual", chap_name=ACCOUNT[0])
        await client.details(target, names.TARGET, "Login", {})
        assert [asked["retry"] for asked in keyring.asked] == [False, True]
        assert keyring.asked[0]["target-name"] == locked.name
        assert keyring.asked[0]["wants"] == ["secret", "target-secret"]
        await client.details(target, names.TARGET, "Logout", {})

    run(helper.bus, steps)


def test_what_goes_wrong_has_names(helper: HelperProcess, tgtd: Tgtd, target_name: str) -> None:
    async def steps(client: Client) -> None:
        async def look(address: str) -> str:
            try:
                return (await client.refused(names.ROOT_PATH, names.MANAGER, "Discover", address, {}))[0]
            except Problem as problem:
                return problem.code

        assert await look("") == "AddressInvalid"
        assert await look("no host at all") == "AddressInvalid"
        assert await look("name.invalid") == "NameNotFound"
        assert await look(f"127.0.0.1:{procs.free_port()}") == "ConnectionRefused"
        with socket.create_server(("127.0.0.1", 0)) as server:
            speaking = asyncio.create_task(_speak_ssh(server))
            assert await look(f"127.0.0.1:{server.getsockname()[1]}") == "NotIscsi"
            await speaking
        nowhere = await client.add(target_name + "-nowhere", tgtd.port)
        code, details = await client.refused(nowhere, names.TARGET, "Login", {})
        assert code == "TargetNotFound"
        assert target_name in details["summary"]
        events = await client.manager("GetEvents", 0, {"limit": 1})
        assert [(e["kind"], e["detail"]["error"]) for e in events] == [("refused", "TargetNotFound")]

    run(helper.bus, steps)


async def _speak_ssh(server: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    server.setblocking(False)
    connection, _ = await loop.sock_accept(server)
    with connection:
        await loop.sock_sendall(connection, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n" * 4)
        while await loop.sock_recv(connection, 4096):
            pass


def test_attach_use_and_eject(helper: HelperProcess, tgtd: Tgtd, plain: TgtTarget) -> None:
    need.root()
    need.fuse()
    need.loop()

    async def steps(client: Client) -> None:
        target = await client.add(plain.name, tgtd.port)
        details = await client.details(target, names.TARGET, "Login", {})
        disks = {lun: await client.properties(lun, names.LUN) for lun in details["luns"]}
        lun = next(path for path, disk in disks.items() if disk["Size"] == 8 * MIB)
        attached = await client.details(lun, names.LUN, "Attach", {"method": "auto"})
        device = Path(attached["device"])
        assert (await client.properties(lun, names.LUN))["Device"] == str(device)
        data = os.urandom(MIB)
        await asyncio.to_thread(_write, device, data)
        assert (await client.refused(lun, names.LUN, "Attach", {}))[0] == "AlreadyAttached"

        held = os.open(device, os.O_RDONLY)
        code, busy = await client.refused(lun, names.LUN, "Eject", {})
        assert (code, bool(busy["holders"])) == ("DeviceBusy", True)
        assert (await client.refused(target, names.TARGET, "Logout", {}))[0] == "DeviceBusy"
        assert (await client.properties(lun, names.LUN))["Holders"]
        os.close(held)

        await client.details(lun, names.LUN, "Eject", {})
        after = await client.properties(lun, names.LUN)
        assert (after["Device"], after["Holders"]) == ("", [])
        assert (await client.refused(lun, names.LUN, "Eject", {}))[0] == "NotAttached"
        number = disks[lun]["Number"]
        backing = next(unit.file for unit in plain.luns if unit.number == number)
        assert backing.read_bytes()[:MIB] == data
        await client.details(target, names.TARGET, "Logout", {})

    run(helper.bus, steps)


def test_what_happens_to_a_session_is_in_the_timeline(helper: HelperProcess, target_name: str) -> None:
    config = TargetConfig(target_name, (DiskConfig(size=8 * MIB),))

    async def steps(client: Client, server: Server) -> None:
        told: list[dict[str, Any]] = []
        something = asyncio.Event()

        def on_event(signal: Any) -> None:
            told.append(signal.args[0])
            something.set()

        async def until(kind: str) -> dict[str, Any]:
            async with asyncio.timeout(60):
                while not (found := [event for event in told if event["kind"] == kind]):
                    something.clear()
                    await something.wait()
            return dict(found[0]["detail"])

        await client.connection.subscribe(on_event, sender=names.BUS_NAME, member="Event")
        target = await client.add(target_name, server.port)
        session = (await client.details(target, names.TARGET, "Login", {}))["session"]
        server.units(target_name)[0].resize(12 * MIB)
        await client.details(session, names.SESSION, "Rescan", {})
        assert await until("resized") == {"lun": "0" * 16, "old-size": 8 * MIB, "new-size": 12 * MIB}
        server.cut_connections()
        assert (await until("lost"))["error"] == "ConnectionLost"
        await until("restored")
        await client.details(target, names.TARGET, "Logout", {})
        await until("disconnected")
        kept = await client.manager("GetEvents", 0, {})
        assert [event["kind"] for event in kept if event["target"] == target_name] == [one["kind"] for one in told]

    with Server(ServerConfig((config,))) as server:
        run(helper.bus, lambda client: steps(client, server))


def _write(device: Path, data: bytes) -> None:
    with device.open("r+b", buffering=0) as disk:
        disk.write(data)
        os.fsync(disk.fileno())


def test_a_caller_that_leaves_takes_its_login_along(helper: HelperProcess, target_name: str) -> None:
    async def steps(client: Client) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            target = await client.add(target_name, silent.getsockname()[1])
            other = await Connection.open(helper.bus)
            job = await other.call(target, names.TARGET, "Login", {})
            other.close()
            async with asyncio.timeout(20):
                while not (found := await client.properties(job, names.JOB))["Finished"]:
                    await client.connection.flush()
            assert found["Error"] == ERROR_PREFIX + "Cancelled"
            assert (await client.properties(target, names.TARGET))["State"] == "disconnected"

    run(helper.bus, steps)


def test_an_nbd_socket_comes_as_a_descriptor(helper: HelperProcess, tgtd: Tgtd, plain: TgtTarget) -> None:
    async def steps(client: Client) -> None:
        target = await client.add(plain.name, tgtd.port)
        details = await client.details(target, names.TARGET, "Login", {})
        disks = {path: await client.properties(path, names.LUN) for path in details["luns"]}
        lun = next(path for path, disk in disks.items() if disk["Size"] == 8 * MIB)
        answer = await client.connection.call(lun, names.LUN, "OpenNbd", {"read-only": True})
        with socket.socket(fileno=answer.take()) as nbd:
            nbd.setblocking(False)
            greeting = await asyncio.get_running_loop().sock_recv(nbd, 18)
        assert greeting.startswith(b"NBDMAGICIHAVEOPT")
        await client.details(target, names.TARGET, "Logout", {})

    run(helper.bus, steps)
