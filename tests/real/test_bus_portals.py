# SPDX-License-Identifier: Apache-2.0
"""Kept addresses over the bus, against tgtd: what comes, goes and returns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from lundock.helper.api import names
from lundock.helper.api.bus import Signal
from lundock.helper.api.errors import Problem
from support.busclient import Client, run
from support.helper import HelperProcess
from support.tgtd import LunSpec, Tgtd

MIB = 1 << 20


@asynccontextmanager
async def timeline(client: Client) -> AsyncIterator[Callable[[str, str], Awaitable[dict[str, Any]]]]:
    """Give a function that waits for an event of a kind about a target."""
    heard: list[dict[str, Any]] = []
    something = asyncio.Event()

    def on_event(signal: Signal) -> None:
        heard.append(signal.args[0])
        something.set()

    subscription = await client.connection.subscribe(on_event, sender=names.BUS_NAME, member="Event")

    async def wait_for(kind: str, target: str) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while True:
                found = [event for event in heard if (event["kind"], event["target"]) == (kind, target)]
                if found:
                    heard.remove(found[0])
                    return found[0]
                something.clear()
                await something.wait()

    yield wait_for
    subscription.close()


async def _targets(client: Client) -> dict[str, dict[str, Any]]:
    objects = await client.connection.get_managed_objects()
    found = [interfaces[names.TARGET] for interfaces in objects.values() if names.TARGET in interfaces]
    return {target["Name"]: target for target in found}


def test_what_an_address_names_is_kept_up_to_date(helper: HelperProcess, own_tgtd: Tgtd, target_name: str) -> None:
    first = own_tgtd.add_target(target_name + "-a", [LunSpec(MIB)])

    async def steps(client: Client) -> None:
        address = f"127.0.0.1:{own_tgtd.port}"
        async with timeline(client) as event:
            portal = await client.manager("AddPortal", address, {"interval": 5})
            with pytest.raises(Problem) as refused:
                await client.manager("AddPortal", address, {})
            assert refused.value.code == "AlreadyExists"
            assert (await event("target-found", first.name))["detail"] == {"address": address}
            details = await client.details(portal, names.PORTAL, "Refresh", {})
            assert (len(details["found"]), details["new"]) == (1, [])
            known = await client.properties(portal, names.PORTAL)
            assert (known["Address"], known["LastResult"], known["Interval"]) == (address, "", 5)
            assert known["LastSeen"] > 0

            # from here on nobody asks: the interval does
            own_tgtd.remove_target(first)
            own_tgtd.add_target(target_name + "-b", [LunSpec(MIB)])
            await event("target-found", target_name + "-b")
            await event("target-vanished", first.name)
            found = await _targets(client)
            assert {name: one["Vanished"] for name, one in found.items()} == {
                first.name: True,
                target_name + "-b": False,
            }
            assert {one["Source"] for one in found.values()} == {portal}
            own_tgtd.add_target(first.name, [LunSpec(MIB)])
            await event("target-returned", first.name)

        # what was found connects like any other
        target = details["found"][0]
        await client.details(target, names.TARGET, "Login", {})
        await client.connection.call(portal, names.PORTAL, "Remove", {"forget-targets": True})
        found = await _targets(client)
        assert {name: (one["Source"], one["State"]) for name, one in found.items()} == {first.name: ("/", "connected")}
        await client.details(target, names.TARGET, "Logout", {})

    run(helper.bus, steps)


def test_after_a_restart_it_goes_on(helper: HelperProcess, own_tgtd: Tgtd, target_name: str) -> None:
    own_tgtd.add_target(target_name + "-a", [LunSpec(MIB)])
    kept: list[str] = []

    async def first(client: Client) -> None:
        portal = await client.manager("AddPortal", f"127.0.0.1:{own_tgtd.port}", {"interval": 5})
        await client.details(portal, names.PORTAL, "Refresh", {})
        kept.append(portal)

    async def second(client: Client) -> None:
        async with timeline(client) as event:
            own_tgtd.add_target(target_name + "-b", [LunSpec(MIB)])
            await event("target-found", target_name + "-b")
        assert {one["Source"] for one in (await _targets(client)).values()} == set(kept)

    run(helper.bus, first)
    helper.kill()
    helper.start()
    run(helper.bus, second)


def test_an_address_that_does_not_answer_says_so_once(helper: HelperProcess, own_tgtd: Tgtd, target_name: str) -> None:
    own_tgtd.add_target(target_name, [LunSpec(MIB)])

    async def steps(client: Client) -> None:
        portal = await client.manager("AddPortal", f"127.0.0.1:{own_tgtd.port}", {})
        details = await client.details(portal, names.PORTAL, "Refresh", {})
        assert len(details["found"]) == 1
        assert details["new"] == details["found"]
        own_tgtd.stop()
        for _ in range(2):
            assert (await client.refused(portal, names.PORTAL, "Refresh", {}))[0] == "ConnectionRefused"
        known = await client.properties(portal, names.PORTAL)
        assert (known["LastResult"], known["LastLook"] > known["LastSeen"]) == ("ConnectionRefused", True)
        assert {"address": "127.0.0.1", "port": own_tgtd.port}.items() <= known["LastResultFacts"].items()
        assert [one["Vanished"] for one in (await _targets(client)).values()] == [False]
        kinds = [event["kind"] for event in await client.manager("GetEvents", 0, {})]
        assert kinds.count("discovery-failed") == 1
        with pytest.raises(Problem) as refused:
            await client.manager("AddPortal", "no host at all", {})
        assert refused.value.code == "AddressInvalid"

    run(helper.bus, steps)
