# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import errno
import socket

import pytest
from lundock.helper import connector
from lundock.helper.api.errors import Problem


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def problem(*args: object, **values: object) -> Problem:
    with pytest.raises(Problem) as caught:
        asyncio.run(connector.connect(*args, **values))  # type: ignore[arg-type]
    return caught.value


def test_it_connects_without_blocking_and_without_delay() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = asyncio.run(connector.connect(["127.0.0.1"], server.getsockname()[1]))
        with sock:
            assert not sock.getblocking()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) > 0


def test_the_next_address_is_tried_when_one_refuses() -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        with asyncio.run(connector.connect(["127.0.0.1", "127.0.0.2"], port)) as sock:
            assert sock.getpeername()[0] == "127.0.0.2"


def test_when_all_refuse_it_is_the_first_one_s_reason() -> None:
    port = closed_port()
    found = problem(["127.0.0.1", "127.0.0.2"], port, shown="nas.local")
    assert (found.code, found.attrs["address"], found.attrs["port"]) == ("ConnectionRefused", "nas.local", port)


def test_silence_is_a_timeout() -> None:
    """A listener whose queue is full answers nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        assert problem(["127.0.0.1"], port, seconds=0.3).code == "ConnectionTimeout"
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize("address", ["localhost", "", "127.0.0.1 ", "::g"])
def test_names_are_not_resolved_here(address: str) -> None:
    assert problem([address], 3260).code == "AddressInvalid"


@pytest.mark.parametrize("name", ["nosuch0", "x" * 16, "a\0b"])
def test_an_interface_that_is_not_there(name: str) -> None:
    found = problem(["127.0.0.1"], closed_port(), interface=name)
    assert found.code == "InterfaceNotFound"


def test_an_interface_that_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = asyncio.run(connector.connect(["127.0.0.1"], server.getsockname()[1], interface="lo"))
    with sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ECONNREFUSED, "ConnectionRefused"),
        (errno.EHOSTUNREACH, "HostUnreachable"),
        (errno.ENETUNREACH, "NetworkUnreachable"),
        (errno.ETIMEDOUT, "ConnectionTimeout"),
        (errno.ECONNRESET, "ConnectionLost"),
        (errno.EIO, "HostUnreachable"),
    ],
)
def test_each_failure_has_its_name(number: int, code: str) -> None:
    assert connector._problem(OSError(number, "x"), "192.0.2.1", 3260).code == code


def test_no_socket_is_left_open_when_cancelled() -> None:
    async def main() -> None:
        task = asyncio.create_task(connector.connect(["192.0.2.1", "192.0.2.2"], 3260))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises((asyncio.CancelledError, Problem)):
            await task

    asyncio.run(main())
