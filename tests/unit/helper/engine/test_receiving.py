# SPDX-License-Identifier: Apache-2.0
"""How much of a large payload is waited for, on a real connection."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest
from lundock.helper.engine.receiving import LowWater

KIB = 1024


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs = listener.accept()[0]
        with ours, theirs:
            yield ours, theirs


def low(sock: socket.socket) -> int:
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


@pytest.mark.parametrize(
    ("missing", "waits_for"), [(0, 1), (100, 1), (32 * KIB, 32 * KIB), (100_000, 100_000), (900 * KIB, 256 * KIB)]
)
def test_a_large_rest_is_waited_for_up_to_a_limit_and_never_for_more_than_comes(
    ends: tuple[socket.socket, socket.socket], missing: int, waits_for: int
) -> None:
    water = LowWater(ends[0])
    water.expect(missing)
    assert low(ends[0]) == waits_for
    water.relax()
    assert low(ends[0]) == 1


def test_poll_wakes_when_the_rest_is_there_or_the_connection_ends(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    poll = select.poll()
    poll.register(ours, select.POLLIN)
    LowWater(ours).expect(40 * KIB)
    theirs.sendall(bytes(39 * KIB))
    assert not poll.poll(50)
    theirs.sendall(bytes(KIB))
    assert poll.poll(10_000)
    assert len(ours.recv(40 * KIB)) == 40 * KIB
    theirs.sendall(b"a little")
    theirs.shutdown(socket.SHUT_WR)
    assert poll.poll(10_000), "an end is not waited for"


def test_a_socket_that_is_gone_is_left_alone(ends: tuple[socket.socket, socket.socket]) -> None:
    LowWater(None).expect(1 << 20)
    water = LowWater(ends[0])
    ends[0].close()
    water.expect(1 << 20)
    water.relax()
