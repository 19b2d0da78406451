# SPDX-License-Identifier: Apache-2.0
"""Targets that connect by themselves, over the bus: when the network comes, and when there is somebody to ask."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

from lundock.helper.api import names
from lundock.helper.api.objects import Call, ObjectServer
from lundock.helper.api.values import Descriptor, ObjectPath
from support import netns, procs
from support.busclient import Client, run, secrets_pipe
from support.helper import HelperProcess, running_helper
from support.tgtd import LunSpec, Tgtd

ACCOUNT = ("alice-chap", "correct horse b")


async def until_state(client: Client, target: str, state: str) -> dict[str, Any]:
    """Wait until a target is in a state; returns its properties."""
    changed = asyncio.Event()
    subscription = await client.connection.subscribe(
        lambda _signal: changed.set(), sender=names.BUS_NAME, path=target, member="PropertiesChanged"
    )
    async with asyncio.timeout(90):
        while (found := await client.properties(target, names.TARGET))["State"] != state:
            await changed.wait()
            changed.clear()
    subscription.close()
    return found


def test_it_comes_back_when_the_network_does(tmp_path: Path) -> None:
    name = "iqn.2026-01.io.github.lundock.test:startup"
    with netns.wire() as (here, there):
        words = ["-m", "lundock.helper.target", "--listen", f"{there.address}:3260", "--target", name, "--disk", "8"]
        target = procs.start([*there.prefix, sys.executable, *words], stdout=subprocess.PIPE)
        try:
            assert target.stdout is not None
            assert target.stdout.readline()
            here.link(up=False)
            with running_helper(tmp_path, prefix=tuple(here.prefix)) as helper:

                async def steps(client: Client) -> None:
                    portals = [{"address": there.address}]
                    options = {"startup": "login"}
                    record = ObjectPath(await client.manager("AddTarget", name, portals, options))
                    async with asyncio.timeout(60):
                        while not (found := await client.properties(record, names.TARGET))["LastError"]:
                            await client.connection.flush()
                    assert found["LastError"] in ("NetworkUnreachable", "HostUnreachable")
                    here.link(up=True)
                    await until_state(client, record, "connected")
                    refused = [e for e in await client.manager("GetEvents", 0, {}) if e["kind"] == "refused"]
                    assert len(refused) == 1

                run(helper.bus, steps)
                assert "the network has changed" in helper.log()
        finally:
            procs.stop(target)


def test_its_disks_are_attached_where_the_record_says_so(helper: HelperProcess, tgtd: Tgtd, target_name: str) -> None:
    target = tgtd.add_target(target_name, [LunSpec(8 << 20)])

    async def steps(client: Client) -> None:
        portals = [{"address": "127.0.0.1", "port": tgtd.port}]
        options = {"startup": "login", "settings": {"startup_disks": "attach", "attach_method": "file"}}
        record = ObjectPath(await client.manager("AddTarget", target.name, portals, options))
        await until_state(client, record, "connected")
        async with asyncio.timeout(60):
            while "attached" not in (kinds := [e["kind"] for e in await client.manager("GetEvents", 0, {})]):
                await client.connection.flush()
        assert kinds == ["connected", "attached"]
        await client.details(record, names.TARGET, "Logout", {})

    run(helper.bus, steps)


class Keyring:
    """A secret agent."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def get_secrets(self, _call: Call, _target: str, _scope: str, hints: dict[str, Any]) -> Descriptor:
        self.asked.append(hints)
        return Descriptor(secrets_pipe(secret=ACCOUNT[1]))

    async def cancel_get_secrets(self, _call: Call, target: str, scope: str, options: dict[str, Any]) -> None:
        pass


def test_with_a_sign_in_it_waits_for_its_owner(helper: HelperProcess, tgtd: Tgtd, target_name: str) -> None:
    locked = tgtd.add_target(target_name, [LunSpec(1 << 20)], chap=ACCOUNT)
    records: list[ObjectPath] = []

    async def first(client: Client) -> None:
        records.append(await client.add(locked.name, tgtd.port, sign_in="chap", chap_name=ACCOUNT[0], startup="login"))
        async with asyncio.timeout(30):
            while (await client.properties(records[0], names.TARGET))["LastError"] != "SecretsUnavailable":
                await client.connection.flush()

    async def second(client: Client) -> None:
        keyring = Keyring()
        ObjectServer(client.connection).add("/agent", {names.SECRET_AGENT: keyring})
        await client.manager("RegisterSecretAgent", ObjectPath("/agent"), {})
        await until_state(client, records[0], "connected")
        assert keyring.asked[0]["background"] is True
        # disconnected on request it stays so, also for the agent that comes again
        await client.details(records[0], names.TARGET, "Logout", {})
        await client.manager("UnregisterSecretAgent", {})
        await client.manager("RegisterSecretAgent", ObjectPath("/agent"), {})
        assert (await client.properties(records[0], names.TARGET))["State"] == "disconnected"
        assert len(keyring.asked) == 1

    run(helper.bus, first)
    run(helper.bus, second)
    assert helper.stop() == 0
    helper.start()
    run(helper.bus, second)
