# SPDX-License-Identifier: Apache-2.0
"""The service under load, and under programs that mean it no good: the others are answered."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import Any

import pytest
from lundock.helper.api import names
from lundock.helper.api.bus import DBUS, BusError, Connection
from lundock.helper.api.encoding import Encoder
from lundock.helper.api.errors import Problem
from lundock.helper.api.objects import MAX_CALLS
from lundock.helper.api.stream import connect
from lundock.helper.api.values import ObjectPath, Typed
from support.busclient import Client, run
from support.helper import HelperProcess

MANY = 100


async def _code(connection: Connection, method: str, *args: Any) -> str:
    try:
        await connection.call(names.ROOT_PATH, names.MANAGER, method, *args)
    except Problem as problem:
        return problem.code
    return ""


async def _use_it(bus: str, number: int) -> None:
    """Do what a program does."""
    connection = await Connection.open(bus)
    client = Client(connection)
    target = await client.add(f"iqn.2026-01.org.example:load.{number}", 1, alias=str(number))
    assert (await client.properties(target, names.TARGET))["Alias"] == str(number)
    assert await client.manager("GetStatistics", {}) == {}
    await connection.call(target, names.TARGET, "Remove", {})
    connection.close()


def test_a_hundred_programs_at_once(helper: HelperProcess) -> None:
    async def whole() -> None:
        await asyncio.gather(*(_use_it(helper.bus, number) for number in range(MANY)))

    asyncio.run(whole())


def test_ten_thousand_calls_in_flight(helper: HelperProcess) -> None:
    """More than 32 are answered Busy; the connection, which the library's own would have lost, stays."""

    async def steps(client: Client) -> None:
        calls = (_code(client.connection, "GetEvents", 0, {}) for _ in range(10_000))
        found = Counter(await asyncio.gather(*calls))
        assert set(found) == {"", "Busy"}
        assert found[""] >= MAX_CALLS
        assert not client.connection.closed
        assert await _code(client.connection, "GetEvents", 0, {}) == ""

    run(helper.bus, steps)


def _deep(levels: int) -> Any:
    value: Any = Typed("u", 7)
    for _ in range(levels):
        value = Typed("v", value)
    return value


_BIG = "x" * 3_000_000

#: Signature and arguments of calls to Manager.Discover that are all wrong.
WRONG: dict[str, tuple[str, tuple[Any, ...]]] = {
    "nothing": ("", ()),
    "too much": ("sa{sv}s", ("nas", {}, "x")),
    "other types": ("ua{ss}", (7, {"a": "b"})),
    "an address of megabytes": ("sa{sv}", (_BIG, {})),
    "an option of megabytes": ("sa{sv}", ("nas", {"interface": _BIG})),
    "a name of megabytes": ("sa{sv}", ("nas", {_BIG: 1})),
    "many options": ("sa{sv}", ("nas", {f"o{number}": number for number in range(20_000)})),
    "deep variants": ("sa{sv}", ("nas", {"interface": _deep(50)})),
    "a deep option": ("sa{sv}", ("nas", {"settings": Typed("a{sv}", {"x": _deep(50)})})),
    "settings of no such name": ("sa{sv}", ("nas", {"settings": Typed("a{sv}", {"colour": "red"})})),
    "settings of another type": ("sa{sv}", ("nas", {"settings": Typed("a{sv}", {"ping_interval": {"a": 1}})})),
    "a number for a text": ("sa{sv}", ("nas", {"sign-in": 3.5})),
    "a descriptor that is none": ("sa{sv}", ("nas", {"secrets": "descriptor"})),
    "control characters": ("sa{sv}", ("na\ns\x1b[31m", {})),
    "a path": ("sa{sv}", ("../../etc/passwd", {})),
}


async def _error(
    client: Client, path: str, interface: str, member: str, signature: str, args: Any
) -> Problem | BusError:
    with pytest.raises((Problem, BusError)) as refused:
        await client.connection.call_raw(names.BUS_NAME, path, interface, member, signature, args)
    return refused.value  # type: ignore[return-value]


def test_what_is_wrong_gets_a_name_and_tells_nothing(helper: HelperProcess) -> None:
    async def steps(client: Client) -> None:
        for what, (signature, args) in WRONG.items():
            error = await _error(client, names.ROOT_PATH, names.MANAGER, "Discover", signature, args)
            assert isinstance(error, Problem), what
            assert error.code in {"InvalidArgument", "AddressInvalid"}, what
            assert not re.search(r"Traceback|Error\b|File \"|0x[0-9a-f]{6}", str(error.attrs)), what
            assert all(len(str(value)) <= 500 for value in error.attrs.values()), what
            assert await _code(client.connection, "GetEvents", 0, {}) == "", what

    run(helper.bus, steps)
    assert "Traceback" not in helper.log()


ABSENT = (
    ("/", names.MANAGER, "Discover", "NotFound"),
    (f"{names.ROOT_PATH}/targets/18446744073709551616", names.TARGET, "Remove", "NotFound"),
    (f"{names.ROOT_PATH}/targets/1/x", "org.freedesktop.DBus.Properties", "GetAll", "UnknownMethod"),
    (names.ROOT_PATH, "org.freedesktop.DBus.Properties", "Get", "UnknownMethod"),
    (names.ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "Evil", "UnknownMethod"),
    (names.ROOT_PATH, names.TARGET, "Login", "UnknownMethod"),
    (names.ROOT_PATH, names.MANAGER, "__class__", "UnknownMethod"),
    (names.ROOT_PATH, names.MANAGER, "prompt", "UnknownMethod"),
)


def test_what_is_not_there(helper: HelperProcess) -> None:
    async def steps(client: Client) -> None:
        for path, interface, member, expected in ABSENT:
            error = await _error(client, path, interface, member, "", ())
            found = error.code if isinstance(error, Problem) else error.name.rpartition(".")[2]
            assert found == expected, (path, interface, member)

    run(helper.bus, steps)


def _call(serial: int, method: str, body: bytes, signature: str, path: str = names.ROOT_PATH) -> bytes:
    """Return a call to the Manager with any body, right or not."""
    fields = [
        (1, Typed("o", ObjectPath(path))), (2, Typed("s", names.MANAGER)), (3, Typed("s", method)),
        (6, Typed("s", names.BUS_NAME)), (8, Typed("g", signature)),
    ]  # fmt: skip
    head = Encoder().body(["y", "y", "y", "y", "u", "u", "a(yv)"], [108, 1, 0, 1, len(body), serial, fields])
    return head + bytes(-len(head) % 8) + body


async def _hello(bus: str) -> Any:
    sock = await connect(bus)
    fields = [
        (1, Typed("o", "/org/freedesktop/DBus")),
        (2, Typed("s", DBUS)),
        (3, Typed("s", "Hello")),
        (6, Typed("s", DBUS)),
    ]
    head = Encoder().body(["y", "y", "y", "y", "u", "u", "a(yv)"], [108, 1, 0, 1, 0, 1, fields])
    await asyncio.get_running_loop().sock_sendall(sock, head + bytes(-len(head) % 8))
    return sock


BROKEN = (
    b"",
    b"\xff" * 64,
    b"\xff\xff\xff\x7f" + b"x" * 60,
    b"\3\0\0\0na",
    Encoder().body(["s"], ["nas"]) + b"\xff" * 9,
)


def test_a_broken_message_hurts_its_sender_alone(helper: HelperProcess) -> None:
    async def steps(client: Client) -> None:
        for body in BROKEN:
            sock = await _hello(helper.bus)
            await asyncio.get_running_loop().sock_sendall(sock, _call(2, "Discover", body, "sa{sv}"))
            assert await _code(client.connection, "GetEvents", 0, {}) == ""
            sock.close()

    run(helper.bus, steps)
    assert "Traceback" not in helper.log()


def test_one_who_never_reads_keeps_nobody_waiting(helper: HelperProcess) -> None:
    options = Encoder().body(["t", "a{sv}"], [0, {}])

    async def steps(client: Client) -> None:
        sock = await _hello(helper.bus)
        for serial in range(2, 20_000):
            try:
                sent = sock.send(_call(serial, "GetEvents", options, "ta{sv}"))
            except BlockingIOError:
                break  # the bus takes no more from it
            except OSError:
                break  # or wants no more of it
            assert sent
            if serial % 1000 == 0:
                assert await _code(client.connection, "GetEvents", 0, {}) == ""
        for _ in range(50):
            assert await _code(client.connection, "GetEvents", 0, {}) == ""
        sock.close()

    run(helper.bus, steps)


def test_a_large_message_is_not_taken_apart(helper: HelperProcess) -> None:
    """A call of 20 MiB of small values is refused without being read, and a signal that nobody asked for is dropped."""
    many = [7] * (5 << 20)

    async def steps(client: Client) -> None:
        error = await _error(client, names.ROOT_PATH, names.MANAGER, "Discover", "au", (many,))
        assert isinstance(error, Problem)
        assert error.attrs["detail"] == "They have at most 64 KiB."
        sock = await _hello(helper.bus)
        body = Encoder().body(["au"], [many])
        signal = bytearray(_call(2, "PropertiesChanged", body, "au"))
        signal[1] = 4
        await asyncio.get_running_loop().sock_sendall(sock, signal)
        assert await _code(client.connection, "GetEvents", 0, {}) == ""
        sock.close()

    run(helper.bus, steps)
