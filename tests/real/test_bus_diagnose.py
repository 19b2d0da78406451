# SPDX-License-Identifier: Apache-2.0
"""Diagnoses over the bus, against tgtd: what works, and where it does not."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import pytest
from lundock.helper.api import names
from lundock.helper.api.errors import Problem
from support import procs
from support.busclient import Client, run, secrets_pipe
from support.helper import HelperProcess
from support.tgtd import LunSpec, Tgtd, TgtTarget

MIB = 1 << 20
ACCOUNT = ("alice-chap", "correct horse b")
NETWORK = ["name", "route", "interface", "port", "tcp"]


@pytest.fixture
def plain(tgtd: Tgtd, target_name: str) -> TgtTarget:
    return tgtd.add_target(target_name, [LunSpec(8 * MIB)])


@pytest.fixture
def locked(tgtd: Tgtd, target_name: str) -> TgtTarget:
    return tgtd.add_target(target_name + "-chap", [LunSpec(8 * MIB)], chap=ACCOUNT)


def steps_of(details: dict[str, Any]) -> list[str]:
    return [step["name"] for step in details["steps"]]


def the(details: dict[str, Any], name: str) -> dict[str, Any]:
    return next(step for step in details["steps"] if step["name"] == name)


def test_a_target_that_works(helper: HelperProcess, tgtd: Tgtd, plain: TgtTarget) -> None:
    async def steps(client: Client) -> None:
        target = await client.add(plain.name, tgtd.port)
        details = await client.details(target, names.TARGET, "Diagnose", {})
        assert (details["verdict"], details["cause"]) == ("ok", ""), details["report"]
        login = ["security", "operational", "full-feature", "logout"]
        assert steps_of(details) == [*NETWORK, *login, "disks", "unit", "unit", "attachment"]
        assert the(details, "interface")["detail"]["interface"] == "lo"
        assert the(details, "port")["detail"] == {"port": tgtd.port}
        assert the(details, "tcp")["detail"]["round-trip-us"] > 0
        assert the(details, "security")["detail"]["AuthMethod"] == "None"
        assert the(details, "security")["time"] > 0
        assert the(details, "disks")["detail"] == {"count": 1}
        assert (await client.properties(target, names.TARGET))["State"] == "disconnected"
        assert tgtd.connections(plain) == ()
        name = (await client.properties(names.ROOT_PATH, names.MANAGER))["InitiatorName"]
        assert name in details["report"]
        assert "Result: ok" in details["report"]

        # one that is up is left alone
        session = (await client.details(target, names.TARGET, "Login", {}))["session"]
        details = await client.details(target, names.TARGET, "Diagnose", {})
        assert details["verdict"] == "ok"
        assert steps_of(details) == [*NETWORK, "session", "disks", "unit", "unit", "attachment"]
        live = await client.properties(session, names.SESSION)
        assert (live["State"], live["Reconnects"]) == ("connected", 0)
        await client.details(target, names.TARGET, "Logout", {})

    run(helper.bus, steps)


def test_a_target_that_wants_a_secret(helper: HelperProcess, tgtd: Tgtd, locked: TgtTarget) -> None:
    async def steps(client: Client) -> None:
        name = (await client.properties(names.ROOT_PATH, names.MANAGER))["InitiatorName"]
        target = await client.add(locked.name, tgtd.port, sign_in="chap", chap_name=ACCOUNT[0])

        async def diagnose(secret: str, **options: Any) -> dict[str, Any]:
            pipe = secrets_pipe(secret=secret)
            try:
                return await client.details(target, names.TARGET, "Diagnose", {"secrets": pipe, **options})
            finally:
                os.close(pipe)

        details = await diagnose(ACCOUNT[1])
        assert details["verdict"] == "ok", details["report"]
        assert the(details, "challenge")["detail"]["CHAP-A"] in ("5", "6", "7", "8")
        assert {"secrets", "proof", "disks"} <= set(steps_of(details))

        details = await diagnose("another secret it is")
        assert (details["verdict"], details["cause"]) == ("failed", "AuthenticationFailed")
        proof = [step for step in details["steps"] if step["name"] == "proof"][-1]  # tgtd cannot do the best algorithm
        assert (proof["cause"], proof["detail"]["status"]) == ("AuthenticationFailed", "0201")
        assert "disks" not in steps_of(details)
        assert details["initiator-name"] == name
        assert f"The target's administrator needs this computer's name: {name}" in details["report"]
        for secret in (ACCOUNT[1], "another secret", ACCOUNT[0]):
            assert secret not in repr(details)

        # nobody to ask: what can be seen without is seen
        details = await client.details(target, names.TARGET, "Diagnose", {})
        assert (details["verdict"], details["cause"]) == ("failed", "SecretsUnavailable")
        assert the(details, "sign-in")["detail"]["method"] == "chap"
        details = await client.details(target, names.TARGET, "Diagnose", {"sign-in": "none"})
        assert details["cause"] in ("AuthenticationRequired", "AuthenticationMethodRefused")

    run(helper.bus, steps)
    for secret in (ACCOUNT[1], "another secret"):
        assert secret not in helper.log()


def test_what_stands_in_the_way(helper: HelperProcess, tgtd: Tgtd, plain: TgtTarget) -> None:
    async def steps(client: Client) -> None:
        nowhere = await client.add(plain.name + "-nowhere", tgtd.port)
        details = await client.details(nowhere, names.TARGET, "Diagnose", {})
        assert (details["verdict"], details["cause"]) == ("failed", "TargetNotFound")
        assert the(details, "security")["detail"]["status"] == "0203"
        assert "administrator needs this computer's name" in details["report"]

        closed = procs.free_port()
        target = await client.manager(
            "AddTarget",
            plain.name,
            [{"address": "127.0.0.1", "port": closed}, {"address": "localhost", "port": tgtd.port}],
            {},
        )
        details = await client.details(target, names.TARGET, "Diagnose", {})
        assert (details["verdict"], details["cause"]) == ("warning", "ConnectionRefused")
        refused = [s for s in details["steps"] if s["verdict"] == "failed"]
        assert [s["portal"] for s in refused if s["portal"].endswith(str(closed))] == [f"127.0.0.1:{closed}"]
        assert "disks" in steps_of(details)

    run(helper.bus, steps)


def test_an_address(helper: HelperProcess, tgtd: Tgtd, plain: TgtTarget) -> None:
    async def steps(client: Client) -> None:
        async def diagnose(address: str, **options: Any) -> dict[str, Any]:
            return await client.details(names.ROOT_PATH, names.MANAGER, "Diagnose", address, options)

        details = await diagnose(f"127.0.0.1:{tgtd.port}")
        assert details["verdict"] == "ok", details["report"]
        assert steps_of(details) == [*NETWORK, "security", "operational", "full-feature", "logout", "targets"]
        assert the(details, "targets")["detail"]["count"] > 0

        for address, name, code in (
            (f"127.0.0.1:{procs.free_port()}", "port", "ConnectionRefused"),
            ("name.invalid", "name", "NameNotFound"),
        ):
            details = await diagnose(address)
            assert (details["verdict"], details["cause"]) == ("failed", code)
            assert the(details, name)["verdict"] == "failed"
            assert the(details, "login")["verdict"] == "skipped"
            assert details["action"]
            assert code in details["report"]
        details = await diagnose("127.0.0.1:3260", interface="no-such")
        assert (the(details, "route")["cause"], details["cause"]) == ("InterfaceNotFound", "InterfaceNotFound")
        with pytest.raises(Problem) as refused:
            await client.manager("Diagnose", "no host at all", {})
        assert refused.value.code == "AddressInvalid"

        with socket.create_server(("127.0.0.1", 0)) as server:
            speaking = asyncio.create_task(_speak_ssh(server))
            details = await diagnose(f"127.0.0.1:{server.getsockname()[1]}")
            assert (details["verdict"], details["cause"]) == ("failed", "NotIscsi")
            await speaking

    run(helper.bus, steps)


async def _speak_ssh(server: socket.socket) -> None:
    """Answer two connections as something else would: one that is only tried, one with a login."""
    loop = asyncio.get_running_loop()
    server.setblocking(False)
    for _ in range(2):
        connection, _ = await loop.sock_accept(server)
        with connection:
            try:
                await loop.sock_sendall(connection, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n" * 4)
                while await loop.sock_recv(connection, 4096):
                    pass
            except ConnectionError:
                continue
