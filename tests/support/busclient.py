# SPDX-License-Identifier: Apache-2.0
"""What a program does with the service on a bus: calls, and jobs that are waited for."""

from __future__ import annotations

import asyncio
import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable
from typing import Any

from lundock.helper.api import names
from lundock.helper.api.bus import Connection, Signal
from lundock.helper.api.contract import interfaces
from lundock.helper.api.errors import ERROR_PREFIX
from lundock.helper.api.objects import INTROSPECTABLE
from lundock.helper.api.values import ObjectPath


class Client:
    """What a program does with the service."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def manager(self, method: str, *args: Any) -> Any:
        return await self.connection.call(names.ROOT_PATH, names.MANAGER, method, *args)

    async def job(self, path: str, interface: str, method: str, *args: Any) -> dict[str, Any]:
        """Start a job and wait for its end; returns its properties."""
        ended: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

        def completed(signal: Signal) -> None:
            ends[signal.path] = signal.args
            if not ended.done() and signal.path == waiting:
                ended.set_result(signal.args)

        ends: dict[str, tuple[Any, ...]] = {}
        waiting = ""
        watching = await self.connection.subscribe(
            completed, sender=names.BUS_NAME, interface=names.JOB, member="Completed"
        )
        waiting = await self.connection.call(path, interface, method, *args)
        if waiting not in ends:
            async with asyncio.timeout(60):
                await ended
        watching.close()
        found = await self.connection.get_all(waiting, names.JOB)
        success, error, details = ends[waiting]
        assert (found["Finished"], found["Error"], found["Details"]) == (True, error, details)
        assert success == (error == "")
        return dict(found)

    async def details(self, *args: Any) -> dict[str, Any]:
        """Run a job that must go well."""
        found = await self.job(*args)
        assert found["Error"] == "", found["Details"]
        return dict(found["Details"])

    async def refused(self, *args: Any) -> tuple[str, dict[str, Any]]:
        """Run a job that must fail; returns the error's code and attributes."""
        found = await self.job(*args)
        assert found["Error"].startswith(ERROR_PREFIX)
        return found["Error"].removeprefix(ERROR_PREFIX), found["Details"]

    async def add(self, target: str, port: int, **options: Any) -> ObjectPath:
        portals = [{"address": "127.0.0.1", "port": port}]
        named = {name.replace("_", "-"): value for name, value in options.items()}
        return ObjectPath(await self.manager("AddTarget", target, portals, named))

    async def properties(self, path: str, interface: str) -> dict[str, Any]:
        return dict(await self.connection.get_all(path, interface))


async def introspected(connection: Connection, path: str, name: str) -> None:
    """Check that an object shows its interface exactly as the contract has it."""

    def no_space(text: str) -> str:
        return re.sub(r">\s+<", "><", text.strip())

    (text,) = await connection.call_raw(names.BUS_NAME, path, INTROSPECTABLE, "Introspect")
    found = {i.get("name"): i for i in ET.fromstring(text).findall("interface")}
    assert no_space(ET.tostring(found[name], "unicode")) == no_space(interfaces()[name].xml)


Steps = Callable[[Client], Awaitable[None]]


def run(bus: str, steps: Steps) -> None:
    """Run a test's steps as a client of the service on `bus`."""

    async def whole() -> None:
        connection = await Connection.open(bus)
        try:
            await steps(Client(connection))
        finally:
            connection.close()

    asyncio.run(whole())


def secrets_pipe(**secrets: str) -> int:
    """Return the end to read of a pipe with the secrets in it."""
    read, write = os.pipe()
    os.write(write, json.dumps({name.replace("_", "-"): value for name, value in secrets.items()}).encode())
    os.close(write)
    return read
