# SPDX-License-Identifier: Apache-2.0
"""The connection to a real message bus, and what other programs and a dying bus can do to it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from lundock.helper.api import names, stream
from lundock.helper.api.bus import DBUS, PROPERTIES, BusError, Connection, Incoming, Reply, Signal
from lundock.helper.api.encoding import Encoder
from lundock.helper.api.errors import Problem
from lundock.helper.api.messages import MAX_CALL, Message, header
from lundock.helper.api.objects import MAX_CALLS, Call, ObjectServer, current_call
from lundock.helper.api.stream import Stream, connect
from lundock.helper.api.values import Descriptor, ObjectPath, split
from support.buses import session_bus

LUN_PATH = f"{names.ROOT_PATH}/sessions/1/luns/0001000000000000"


class Disk:
    """The contract's Lun, as a test wants it."""

    number, size, block_size, physical_block_size = 1, 1 << 40, 512, 4096
    session = target = ObjectPath("/")
    address = kind = vendor = model = serial = wwn = attach_method = attach_reason = device = ""
    read_only = thin = False

    def __init__(self) -> None:
        self.holders: list[dict[str, Any]] = []
        self.waiting = asyncio.Event()
        self.senders: list[str] = []

    async def attach(self, call: Call, options: dict[str, Any]) -> ObjectPath:
        await asyncio.sleep(0)
        assert current_call.get() is call
        self.senders.append(call.sender)
        if options.get("method") == "crash":
            raise RuntimeError("the secret is xyzzy")
        if options.get("method") == "busy":
            raise Problem("DeviceBusy", holders="bash, vim", count=2)
        if options.get("method") == "wrong":
            return 7  # type: ignore[return-value]
        return ObjectPath("/job")

    async def eject(self, _call: Call, _options: dict[str, Any]) -> ObjectPath:
        await self.waiting.wait()
        return ObjectPath("/job")

    async def open_nbd(self, _call: Call, _options: dict[str, Any]) -> Descriptor:
        read, write = os.pipe()
        os.write(write, b"over the bus")
        os.close(write)
        return Descriptor(read)


class Pair:
    """A service and a client of it."""

    def __init__(self, service: Connection, client: Connection) -> None:
        self.service, self.client = service, client
        self.disk = Disk()
        self.server = ObjectServer(service, names.ROOT_PATH)
        self.server.add(LUN_PATH, {names.LUN: self.disk})

    async def call(self, method: str, options: dict[str, Any] | None = None) -> Any:
        return await self.client.call(LUN_PATH, names.LUN, method, options or {})

    async def code(self, method: str, options: dict[str, Any] | None = None) -> str:
        try:
            await self.call(method, options)
        except Problem as problem:
            return problem.code
        return ""


def run(bus: str, steps: Callable[[Pair], Awaitable[None]]) -> None:
    async def whole() -> None:
        service, client = await Connection.open(bus), await Connection.open(bus)
        try:
            assert await service.request_name(names.BUS_NAME)
            await steps(Pair(service, client))
        finally:
            client.close()
            service.close()
            await asyncio.sleep(0)

    asyncio.run(whole())


def test_calls_and_errors(bus: str, caplog: pytest.LogCaptureFixture) -> None:
    async def steps(pair: Pair) -> None:
        assert await pair.call("Attach", {"method": "auto", "read-only": True}) == "/job"
        with pytest.raises(Problem) as busy:
            await pair.call("Attach", {"method": "busy"})
        assert (busy.value.code, busy.value.attrs) == ("DeviceBusy", {"holders": "bash, vim", "count": 2})
        assert caplog.text == ""  # a named error is nobody's surprise
        for method in ("crash", "wrong"):
            with pytest.raises(Problem) as crash:
                await pair.call("Attach", {"method": method})
            assert crash.value.code == "Internal"
            assert "xyzzy" not in repr(crash.value.attrs)
            assert str(crash.value.attrs["log_id"]) in caplog.text

    with caplog.at_level(logging.INFO, "lundock"):
        run(bus, steps)


def test_what_arrives_is_checked_against_the_contract(bus: str) -> None:
    async def raw(pair: Pair, signature: str, *args: Any, member: str = "Attach", path: str = LUN_PATH) -> str:
        try:
            await pair.client.call_raw(names.BUS_NAME, path, names.LUN, member, signature, args)
        except Problem as problem:
            return problem.code
        except BusError as error:
            return error.name
        return ""

    async def steps(pair: Pair) -> None:
        assert await raw(pair, "a{sv}", {"method": 7}) == "InvalidArgument"
        assert await raw(pair, "a{sv}", {"colour": "red"}) == "InvalidArgument"
        assert await raw(pair, "a{ss}", {"method": "auto"}) == "InvalidArgument"
        assert await raw(pair, "") == "InvalidArgument"
        assert await raw(pair, "a{sv}", {}, path="/nowhere") == "NotFound"
        assert await raw(pair, "a{sv}", {}, member="Format") == f"{DBUS}.Error.UnknownMethod"
        assert pair.disk.senders == []

    run(bus, steps)


def test_what_a_client_gives_wrong_is_named_before_it_is_sent(bus: str) -> None:
    async def steps(pair: Pair) -> None:
        assert await pair.code("Attach", {"method": 7}) == "InvalidArgument"

    run(bus, steps)


def test_each_call_knows_its_sender(bus: str) -> None:
    async def steps(pair: Pair) -> None:
        others = [await Connection.open(bus) for _ in range(5)]
        calls = [other.call(LUN_PATH, names.LUN, "Attach", {}) for other in others for _ in range(6)]
        await asyncio.gather(*calls)
        assert sorted(pair.disk.senders) == sorted(other.unique_name for other in others for _ in range(6))
        for other in others:
            other.close()

    run(bus, steps)


def test_thousands_of_signals_to_one_who_does_not_read(bus: str) -> None:
    """A full socket is waited for: with the library's own writer the connection ended at about 3,000 messages."""

    async def steps(pair: Pair) -> None:
        seen: list[Signal] = []
        await pair.client.subscribe(seen.append, sender=names.BUS_NAME, member="PropertiesChanged")
        await pair.client.flush()
        for number in range(10_000):
            pair.disk.size = number
            pair.server.refresh(LUN_PATH)
        assert not pair.service.closed
        assert await pair.call("Attach") == "/job"
        await pair.client.flush()
        assert [signal.args[1]["Size"] for signal in seen] == list(range(10_000))

    run(bus, steps)


def test_descriptors_go_through_a_full_socket(bus: str) -> None:
    async def steps(pair: Pair) -> None:
        for number in range(5_000):
            pair.disk.size = number
            pair.server.refresh(LUN_PATH)
        before = len(list(Path("/proc/self/fd").iterdir()))
        answers = await asyncio.gather(*(pair.call("OpenNbd") for _ in range(20)))
        for answer in answers:
            assert os.read(answer.fileno(), 100) == b"over the bus"
            assert not os.get_inheritable(answer.fileno())
            answer.close()
        assert len(list(Path("/proc/self/fd").iterdir())) == before

    run(bus, steps)


def test_one_sender_does_not_fill_the_service(bus: str) -> None:
    async def steps(pair: Pair) -> None:
        calls = [asyncio.create_task(pair.code("Eject")) for _ in range(MAX_CALLS + 8)]
        done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 8:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        assert {task.result() for task in done} == {"Busy"}
        other = await Connection.open(bus)
        assert await other.call(LUN_PATH, names.LUN, "Attach", {}) == "/job"
        other.close()
        pair.disk.waiting.set()
        assert {await task for task in waiting} == {""}

    run(bus, steps)


def test_large_answers_do_not_add_up(bus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Together they are more than may wait for the bus: the connection would end, and with it the service."""
    monkeypatch.setattr(stream, "_MAX_QUEUE", 1 << 20)
    monkeypatch.setattr(stream, "_ROOM", 1 << 16)

    async def steps(pair: Pair) -> None:
        pair.disk.model = "x" * 400_000
        others = [await Connection.open(bus) for _ in range(3)]
        answers = await asyncio.gather(*(other.get_managed_objects() for other in others for _ in range(MAX_CALLS)))
        assert {len(found[LUN_PATH][names.LUN]["Model"]) for found in answers} == {400_000}
        assert not pair.service.closed
        for other in others:
            other.close()

    run(bus, steps)


class Held:
    """The most that the service has held at once for others, looked at in each round of its loop."""

    def __init__(self, pair: Pair, sender: str) -> None:
        self._pair, self._sender = pair, sender
        self._before = self._descriptors()
        self.calls = self.tasks = self.queued = self.descriptors = 0
        self._look()

    @staticmethod
    def _descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    @property
    def descriptors_now(self) -> int:
        return self._descriptors() - self._before

    def _look(self) -> None:
        pair = self._pair
        if pair.service.closed:
            return
        self.calls = max(self.calls, len(pair.server._calls.get(self._sender, ())))
        self.tasks = max(self.tasks, len(pair.service._tasks))
        self.queued = max(self.queued, pair.service._stream._queued)
        self.descriptors = max(self.descriptors, self.descriptors_now)
        asyncio.get_running_loop().call_soon(self._look)


def _with_descriptors(connection: Connection, member: str, interface: str, signature: str, args: Any) -> bytes:
    """Return a call that says that four descriptors come with it, and names none."""
    body = Encoder().body(split(signature), args)
    head = {"destination": names.BUS_NAME, "path": LUN_PATH, "interface": interface, "member": member}
    return header(Message(**head, serial=connection._next_serial()), signature, len(body), 4) + body


def test_what_one_client_can_make_the_service_hold_is_bounded(bus: str) -> None:
    """It calls without end, for what takes long and for what is large, hands over descriptors, and reads nothing."""
    asked = [("Eject", names.LUN, "a{sv}", [{}]), ("GetAll", PROPERTIES, "s", [names.LUN])]
    answer = 400_000

    async def steps(pair: Pair) -> None:
        pair.disk.model = "x" * answer
        hog = await Connection.open(bus)
        loop = asyncio.get_running_loop()
        loop.remove_reader(hog._stream._sock)
        null = os.open(os.devnull, os.O_RDONLY)
        held = Held(pair, hog.unique_name)
        for number in range(4000):
            message = _with_descriptors(hog, *asked[number % 4 == 3])
            while hog._stream._queued > len(message) * 64:
                await asyncio.sleep(0)
            hog._stream.send(message, [os.dup(null) for _ in range(4)])
            if number % 500 == 0:
                assert await pair.call("Attach") == "/job"
        while hog._stream._queued:
            await asyncio.sleep(0)
        assert await pair.call("Attach") == "/job"
        assert (len(pair.server._calls[hog.unique_name]), held.descriptors_now) == (MAX_CALLS, 0)
        assert held.calls == MAX_CALLS
        assert held.tasks <= MAX_CALLS + 64 + 8  # those that are refused live for a round; 64 are read in one
        assert held.queued <= stream._ROOM + 2 * answer
        assert held.descriptors < 4 * (64 + 64 + 8)  # of messages that were read, or wait in the sender's queue
        hog.close()
        pair.server.forget(hog.unique_name)
        while pair.server._calls or pair.service._tasks:
            await asyncio.sleep(0)
        os.close(null)

    run(bus, steps)


def test_a_caller_that_leaves_gives_its_turn_to_others(bus: str) -> None:
    async def steps(pair: Pair) -> None:
        pair.disk.model = "x" * 400_000
        leaver = await Connection.open(bus)
        asked = [asyncio.create_task(leaver.get_managed_objects()) for _ in range(MAX_CALLS)]
        await leaver.flush()
        leaver.close()
        pair.server.forget(leaver.unique_name)
        await asyncio.gather(*asked, return_exceptions=True)
        assert LUN_PATH in await pair.client.get_managed_objects()

    run(bus, steps)


def test_a_large_answer_of_a_persons_program_is_not_taken_apart(bus: str) -> None:
    async def steps(pair: Pair) -> None:
        async def handle(incoming: Incoming) -> Reply:
            return Reply(["s"], ["x" * (MAX_CALL if incoming.member == "Large" else 1000)])

        pair.client.serve(handle)
        person = pair.client.unique_name
        assert await pair.service.call_raw(person, "/agent", names.SECRET_AGENT, "Small") == ("x" * 1000,)
        with pytest.raises(Problem) as refused:
            await pair.service.call_raw(person, "/agent", names.SECRET_AGENT, "Large")
        assert refused.value.code == "Internal"

    run(bus, steps)


def test_calls_end_when_the_bus_dies(tmp_path: Path) -> None:
    async def begin(address: str) -> tuple[Pair, asyncio.Task[str]]:
        service, client = await Connection.open(address), await Connection.open(address)
        await service.request_name(names.BUS_NAME)
        pair = Pair(service, client)
        waiting = asyncio.create_task(pair.code("Eject"))
        await pair.client.flush()
        return pair, waiting

    async def end(pair: Pair, waiting: asyncio.Task[str]) -> None:
        assert await waiting == "HelperUnavailable"
        await pair.client.wait_closed()
        await pair.service.wait_closed()
        assert await pair.code("Attach") == "HelperUnavailable"
        pair.server.refresh(LUN_PATH)
        pair.server.remove(LUN_PATH)

    with asyncio.Runner() as runner:
        with session_bus(tmp_path / "bus") as address:
            pair, waiting = runner.run(begin(address))
        runner.run(end(pair, waiting))


def test_nobody_there(bus: str) -> None:
    async def steps() -> None:
        with pytest.raises(Problem) as none:
            await Connection.open("unix:path=/nowhere/at/all")
        assert none.value.code == "HelperUnavailable"
        connection = await Connection.open(bus)
        for call in (
            connection.get_managed_objects(),
            connection.call(names.ROOT_PATH, names.MANAGER, "GetEvents", 0, {}),
            connection.get_all(names.ROOT_PATH, names.MANAGER),
        ):
            with pytest.raises(Problem) as absent:
                await call
            assert absent.value.code == "HelperUnavailable"
        connection.close()

    asyncio.run(steps())


def test_a_server_that_is_no_bus(tmp_path: Path) -> None:
    async def steps() -> None:
        path = tmp_path / "s"
        server = await asyncio.start_unix_server(lambda _r, w: w.write(b"220 mail\r\n"), path)
        async with server:
            with pytest.raises(Problem) as refused:
                await Connection.open(f"unix:path={path}", timeout=5)
        assert refused.value.code == "HelperUnavailable"

    asyncio.run(steps())


def test_a_call_without_an_answer_times_out(bus: str) -> None:
    async def steps(pair: Pair) -> None:
        with pytest.raises(Problem) as late:
            await pair.client.call(LUN_PATH, names.LUN, "Eject", {}, timeout=0.05)
        assert late.value.code == "Timeout"

    run(bus, steps)


def test_names_come_and_go(bus: str) -> None:
    async def steps(pair: Pair) -> None:
        owners: list[str] = []
        left: list[str] = []
        await pair.client.watch_name(names.BUS_NAME, owners.append)
        await pair.client.watch_leavers(left.append)
        other = await Connection.open(bus)
        assert not await other.request_name(names.BUS_NAME)
        await pair.service.release_name(names.BUS_NAME)
        assert await other.request_name(names.BUS_NAME)
        await pair.client.flush()
        assert owners == [pair.service.unique_name, "", other.unique_name]
        name = other.unique_name
        other.close()
        await other.wait_closed()
        while name not in left:
            await pair.client.flush()
        assert owners[-1] == ""

    run(bus, steps)


def test_signals_of_a_stranger_are_not_the_services(bus: str) -> None:
    async def steps(pair: Pair) -> None:
        seen: list[Signal] = []
        await pair.client.subscribe(seen.append, sender=names.BUS_NAME, namespace=names.ROOT_PATH)
        stranger = await connect(bus)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(stranger, _message(1, DBUS, "/", DBUS, "Hello"))
        # addressed to the client: the bus delivers it whatever the client asked for
        forged = _message(4, pair.client.unique_name, LUN_PATH, f"{DBUS}.Properties", "PropertiesChanged", serial=2)
        await loop.sock_sendall(stranger, forged)
        await loop.sock_sendall(stranger, _message(1, DBUS, "/", DBUS, "GetId", serial=3))
        answers = b""
        while b"NameAcquired" not in answers or len(answers) < 300:
            answers += await loop.sock_recv(stranger, 4096)
        stranger.close()
        await pair.client.flush()
        assert seen == []
        pair.disk.size = 5
        pair.server.refresh(LUN_PATH)
        assert await pair.call("Attach") == "/job"
        assert [signal.args[1] for signal in seen] == [{"Size": 5}]

    run(bus, steps)


def _message(
    kind: int, destination: str, path: str, interface: str, member: str, serial: int = 1, fields: bytes = b""
) -> bytes:
    """Return a message without a body, made by hand (D-Bus specification, "Message Format")."""

    def field(code: int, signature: str, text: str) -> bytes:
        data = bytes([code, 1]) + signature.encode() + b"\0" + len(text).to_bytes(4, "little") + text.encode() + b"\0"
        return data + bytes(-len(data) % 8)

    parts = field(1, "o", path) + field(2, "s", interface) + field(3, "s", member) + field(6, "s", destination) + fields
    length = len(parts.rstrip(b"\0")) + 1
    head = b"l" + bytes([kind, 0, 1]) + bytes(4) + serial.to_bytes(4, "little") + length.to_bytes(4, "little")
    data = head + parts[:length]
    return data + bytes(-len(data) % 8)


@pytest.mark.parametrize(
    "data",
    [
        _message(9, "x.y", "/", "a.b", "C"),  # an unknown type
        _message(1, "x.y", "/", "a.b", "C", fields=bytes([77, 1]) + b"s\0" + b"\1\0\0\0x\0"),  # an unknown field
    ],
)
def test_what_is_not_understood_is_ignored(data: bytes) -> None:
    """With the library's own reader, any program on the bus could end the service so."""

    async def steps() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        connection = Connection(ours)
        called: list[Incoming] = []

        async def handle(incoming: Incoming) -> Reply:
            called.append(incoming)
            return Reply()

        connection.serve(handle)
        theirs.sendall(data + _message(1, "x.y", "/", "a.b", "Good", serial=2))
        theirs.setblocking(False)
        await asyncio.wait_for(asyncio.get_running_loop().sock_recv(theirs, 4096), 10)
        assert [incoming.member for incoming in called] in (["Good"], ["C", "Good"])
        connection.close()
        theirs.close()

    asyncio.run(steps())


@pytest.mark.parametrize("data", [b"x" * 16, b"l\1\0\1" + b"\xff" * 12, b"B\1\0\1" + b"\x7f" * 12])
def test_what_is_no_message_ends_the_connection(data: bytes) -> None:
    async def steps() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        ended = asyncio.Event()
        stream = Stream(ours, lambda _data, _fds: None, ended.set)
        theirs.sendall(data)
        await asyncio.wait_for(ended.wait(), 10)
        stream.send(b"nothing happens", [])
        theirs.close()

    asyncio.run(steps())
