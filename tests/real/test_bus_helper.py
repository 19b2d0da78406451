# SPDX-License-Identifier: Apache-2.0
"""lundock-helper as a process on a private bus: its face, its start, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from lundock.helper.api import names
from lundock.helper.api.bus import PROPERTIES, BusError, Connection, Signal
from lundock.helper.api.errors import Problem
from lundock.helper.api.objects import INTROSPECTABLE
from lundock.helper.api.values import ObjectPath
from support import need, procs
from support.busclient import introspected
from support.buses import session_bus
from support.helper import HelperProcess, running_helper

from tools import traces

NAME = "iqn.2026-01.org.example:disk"


def run(bus: str, steps: Callable[[Connection], Awaitable[None]]) -> None:
    async def whole() -> None:
        connection = await Connection.open(bus)
        try:
            await steps(connection)
        finally:
            connection.close()

    asyncio.run(whole())


async def add(connection: Connection, port: int, name: str = NAME) -> ObjectPath:
    portals = [{"address": "127.0.0.1", "port": port}]
    return ObjectPath(await connection.call(names.ROOT_PATH, names.MANAGER, "AddTarget", name, portals, {}))


def test_introspection_is_the_contract(helper: HelperProcess) -> None:
    async def steps(connection: Connection) -> None:
        target = await add(connection, procs.free_port())
        job = await connection.call(target, names.TARGET, "Login", {})
        portal = await connection.call(names.ROOT_PATH, names.MANAGER, "AddPortal", "127.0.0.1:1", {})
        shown = {names.ROOT_PATH: names.MANAGER, target: names.TARGET, job: names.JOB, portal: names.PORTAL}
        for path, name in shown.items():
            await introspected(connection, path, name)
        (text,) = await connection.call_raw(names.BUS_NAME, names.ROOT_PATH, INTROSPECTABLE, "Introspect")
        assert {node.get("name") for node in ET.fromstring(text).findall("node")} == {"targets", "jobs", "portals"}
        (text,) = await connection.call_raw(names.BUS_NAME, "/", INTROSPECTABLE, "Introspect")
        assert [node.get("name") for node in ET.fromstring(text).findall("node")] == ["io"]

    run(helper.bus, steps)


def test_properties_can_be_read_one_by_one_and_not_written(helper: HelperProcess) -> None:
    async def steps(connection: Connection) -> None:
        async def get(*args: str, member: str = "Get", signature: str = "ss") -> Any:
            return await connection.call_raw(names.BUS_NAME, names.ROOT_PATH, PROPERTIES, member, signature, args)

        (name,) = await get(names.MANAGER, "InitiatorName")
        assert name.startswith("iqn.2026-01.io.github.lundock:")
        for args, error in (
            ((names.MANAGER, "Colour"), "UnknownProperty"),
            (("org.example.None", "Version"), "UnknownInterface"),
        ):
            with pytest.raises(BusError) as refused:
                await get(*args)
            assert refused.value.name == f"org.freedesktop.DBus.Error.{error}"
        with pytest.raises(BusError) as refused:
            await get(names.MANAGER, "Version", "x", member="Set", signature="ssv")
        assert refused.value.name == "org.freedesktop.DBus.Error.PropertyReadOnly"

    run(helper.bus, steps)


def test_what_is_added_changed_and_removed_is_told(helper: HelperProcess) -> None:
    async def steps(connection: Connection) -> None:
        told: list[Signal] = []
        await connection.subscribe(told.append, sender=names.BUS_NAME, namespace=names.ROOT_PATH)
        target = await add(connection, 3260)
        await connection.call(target, names.TARGET, "Update", {"alias": "shelf"}, {})
        await connection.call(target, names.TARGET, "Remove", {})
        assert [signal.member for signal in told] == ["InterfacesAdded", "PropertiesChanged", "InterfacesRemoved"]
        assert told[0].args[1][names.TARGET]["Portals"] == [{"address": "127.0.0.1", "port": 3260, "portal-group": -1}]
        assert told[1].args == (names.TARGET, {"Alias": "shelf"}, [])
        assert told[2].args == (target, [names.TARGET])
        with pytest.raises(Problem) as gone:
            await connection.call(target, names.TARGET, "Remove", {})
        assert gone.value.code == "NotFound"

    run(helper.bus, steps)


def test_targets_are_there_again_after_a_restart(helper: HelperProcess) -> None:
    found: list[Any] = []

    async def first(connection: Connection) -> None:
        target = await add(connection, 3260)
        found.append((target, await connection.get_all(target, names.TARGET)))

    async def second(connection: Connection) -> None:
        target, record = found[0]
        assert await connection.get_all(target, names.TARGET) == record

    run(helper.bus, first)
    assert helper.stop() == 0
    helper.start()
    run(helper.bus, second)


def test_after_a_kill_nothing_is_lost(helper: HelperProcess) -> None:
    async def first(connection: Connection) -> None:
        await add(connection, 3260)

    async def second(connection: Connection) -> None:
        assert f"{names.ROOT_PATH}/targets/1" in await connection.get_managed_objects()

    run(helper.bus, first)
    helper.kill()
    helper.start()
    run(helper.bus, second)


def test_this_computers_name_and_alias(helper: HelperProcess) -> None:
    async def manager(connection: Connection) -> dict[str, Any]:
        return dict(await connection.get_all(names.ROOT_PATH, names.MANAGER))

    async def steps(connection: Connection) -> None:
        assert (await manager(connection))["InitiatorAlias"] == socket.gethostname()
        await connection.call(names.ROOT_PATH, names.MANAGER, "SetInitiatorAlias", "the shelf's client", {})
        before = await manager(connection)
        assert (before["InitiatorAlias"], before["InitiatorNameWarning"]) == ("the shelf's client", "")
        with pytest.raises(Problem) as refused:
            await connection.call(names.ROOT_PATH, names.MANAGER, "SetInitiatorName", "my computer", {})
        assert refused.value.code == "InvalidArgument"
        assert await manager(connection) == before

    async def cloned(connection: Connection) -> None:
        found = await manager(connection)
        assert (found["InitiatorNameWarning"], found["InitiatorAlias"]) == ("machine-changed", "the shelf's client")
        events: list[Any] = []
        while not events:
            events = await connection.call(names.ROOT_PATH, names.MANAGER, "GetEvents", 0, {})
        assert (events[0]["kind"], events[0]["detail"]) == ("machine-changed", {"name": found["InitiatorName"]})
        await connection.call(names.ROOT_PATH, names.MANAGER, "SetInitiatorName", "", {})
        after = await manager(connection)
        assert after["InitiatorNameWarning"] == ""
        assert after["InitiatorName"] != found["InitiatorName"]

    run(helper.bus, steps)
    helper.stop()
    database = sqlite3.connect(helper.state_dir / "lundock.db")
    with database:  # as if the disk had come from another machine
        database.execute("INSERT OR REPLACE INTO options VALUES ('machine', 'another')")
    database.close()
    helper.start()
    run(helper.bus, cloned)


def test_system_wide_settings(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "site.toml"
    file.parent.mkdir()
    file.write_text("[settings]\nping_interval = 11\n")

    with running_helper(tmp_path / "helper", "--config-dir", str(file.parent)) as helper:

        async def steps(connection: Connection) -> None:
            target = await add(connection, 3260)

            async def ping() -> tuple[int, str]:
                found = await connection.get_all(target, names.TARGET)
                return found["Settings"]["ping_interval"], found["SettingsOrigin"]["ping_interval"]

            assert await ping() == (11, str(file))
            await connection.call(target, names.TARGET, "Update", {"settings": {"ping_interval": 3}}, {})
            assert await ping() == (3, "target")
            await connection.call(target, names.TARGET, "Update", {"settings": {"ping_interval": ""}}, {})
            told = asyncio.Event()
            await connection.subscribe(
                lambda _signal: told.set(), sender=names.BUS_NAME, path=target, member="PropertiesChanged"
            )
            file.write_text("[settings]\nping_interval = 12\n")
            os.kill(helper.pid, signal.SIGHUP)
            async with asyncio.timeout(20):
                await told.wait()
            assert await ping() == (12, str(file))
            file.unlink()
            told.clear()
            os.kill(helper.pid, signal.SIGHUP)
            async with asyncio.timeout(20):
                await told.wait()
            assert (await ping())[1] == "default"

        run(helper.bus, steps)


def test_a_damaged_store_is_set_aside_and_told(helper: HelperProcess) -> None:
    helper.stop()
    for file in helper.state_dir.glob("lundock.db*"):
        file.unlink()
    (helper.state_dir / "lundock.db").write_bytes(b"\xff" * 10_000)
    helper.start()

    async def steps(connection: Connection) -> None:
        events: list[Any] = []
        while not events:
            events = await connection.call(names.ROOT_PATH, names.MANAGER, "GetEvents", 0, {})
        assert events[0]["kind"] == "store-damaged"
        assert Path(events[0]["detail"]["path"]).read_bytes() == b"\xff" * 10_000

    run(helper.bus, steps)


def _start(bus: str, state: Path, run_dir: Path, *more: str, **options: Any) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "lundock.helper", "--session", "--bus", bus]
    argv += ["--state-dir", str(state), "--run-dir", str(run_dir), *more]
    return procs.start(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


def _words_of_the_end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, err = process.communicate(timeout=30)
    return process.returncode, err.decode()


def test_a_second_one_says_why_it_does_not_start(helper: HelperProcess, tmp_path: Path) -> None:
    code, words = _words_of_the_end(_start(helper.bus, tmp_path / "other", tmp_path / "run"))
    assert code == 69
    assert "another program has the name io.github.lundock.Initiator1" in words
    code, words = _words_of_the_end(_start(helper.bus, helper.state_dir, tmp_path / "run"))
    assert code == 69
    assert "another lundock-helper uses" in words
    code, words = _words_of_the_end(_start("unix:path=/nowhere", tmp_path / "third", tmp_path / "run"))
    assert code == 69
    assert "there is no bus at" in words


def test_it_tells_systemd_and_leaves_when_idle(bus: str, tmp_path: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix=traces.PREFIX) as short,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify,
    ):
        notify.bind(f"{short}/notify")
        notify.settimeout(30)
        environ = {**os.environ, "NOTIFY_SOCKET": f"{short}/notify"}
        process = _start(bus, tmp_path / "state", Path(short) / "run", "--idle-exit", "0.4", env=environ)
        assert notify.recv(100) == b"READY=1"
        assert notify.recv(100) == b"STOPPING=1"
        code, words = _words_of_the_end(process)
    assert code == 0
    assert "nothing to do" in words


def test_it_ends_when_the_bus_is_gone(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=traces.PREFIX) as short:
        with session_bus(tmp_path / "bus") as address:
            helper = HelperProcess(address, tmp_path / "state", Path(short), tmp_path / "log")
            helper.start()
        assert helper.process is not None
        assert helper.process.wait(30) == 69
    assert "the bus is gone" in helper.log()
    assert "Traceback" not in helper.log()


def test_told_to_end_it_ends_quietly(helper: HelperProcess) -> None:
    assert helper.stop() == 0
    assert "ending: told to" in helper.log()
    assert "Traceback" not in helper.log()


def test_it_and_its_nursery_are_there_when_memory_is_short(helper: HelperProcess) -> None:
    """A session that is lost waits for both; what the machine refuses them is said."""
    need.root()
    line = next((line for line in helper.log().splitlines() if "The service runs without: " in line), "")
    refused = {what.split(":")[0] for what in line.partition("without: ")[2].split("; ") if what}
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    if int(status["CapEff"], 16) >> 24 & 1:  # CAP_SYS_RESOURCE, which containers take away
        assert refused == set()
    children = Path(f"/proc/{helper.pid}/task/{helper.pid}/children").read_text().split()
    (nursery,) = [pid for pid in children if Path(f"/proc/{pid}/comm").read_text() == "lundock-nursery\n"]
    for pid in (helper.pid, nursery):
        place = Path(f"/proc/{pid}")
        flags = int(place.joinpath("stat").read_text().rpartition(")")[2].split()[6])
        limit = next(line for line in place.joinpath("limits").read_text().splitlines() if "locked memory" in line)
        had = {
            "oom-score": place.joinpath("oom_score_adj").read_text() == "-1000\n",
            "io-flusher": bool(flags & 0x00080000),  # linux/sched.h: PF_MEMALLOC_NOIO
            "memory-lock": limit.split()[3:5] == ["unlimited"] * 2,
        }
        assert {name for name, yes in had.items() if not yes} == refused
