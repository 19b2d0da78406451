# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, cast

from lundock.helper.nursery import Nursery
from lundock.helper.reaching import MAX_TRIED, answering, reachable_first
from lundock.helper.supervision import Portal
from support import procs

NO_NURSERY = cast("Nursery", None)  # numbers are not resolved


def first(*portals: Portal, seconds: float = 600) -> tuple[Portal, ...]:
    return asyncio.run(reachable_first(NO_NURSERY, portals, "", seconds))


def listening() -> tuple[Any, Portal]:
    server = socket.create_server(("127.0.0.1", 0))
    return server, Portal("127.0.0.1", server.getsockname()[1])


@contextlib.contextmanager
def silence(number: int) -> Iterator[list[Portal]]:
    """Addresses of loopback that take no connection and refuse none: whose queue is full, its kernel is silent."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")  # all of 127/8, and nothing else
        server.bind(("", 0))
        server.listen(0)
        port = server.getsockname()[1]
        while True:
            filling = stack.enter_context(socket.socket())
            filling.settimeout(0.2)
            try:
                filling.connect(("127.0.1.1", port))
            except TimeoutError:
                break
        yield [Portal(f"127.0.1.{place}", port) for place in range(1, number + 1)]


def test_the_one_that_answers_comes_first() -> None:
    server, good = listening()
    with server, silence(1) as (silent,):
        closed = Portal("127.0.0.1", procs.free_port())
        assert first(silent, closed, good) == (good, silent, closed)


def test_of_two_that_answer_the_preferred_one() -> None:
    one, preferred = listening()
    two, other = listening()
    with one, two:
        assert first(preferred, other) == (preferred, other)


def test_which_of_many_answer_and_no_more_are_tried_than_that() -> None:
    server, good = listening()
    with server, silence(MAX_TRIED) as silent:
        closed = Portal("127.0.0.1", procs.free_port())
        found = asyncio.run(answering(NO_NURSERY, [good, closed, good, *silent], "", 0.2))
        assert found[good.address, good.port]
        assert not found[closed.address, closed.port]
        assert len(found) == MAX_TRIED
        assert not any(found.get((portal.address, portal.port)) for portal in silent)


def test_when_none_answers_all_is_as_it_was() -> None:
    closed = [Portal("127.0.0.1", procs.free_port()), Portal("127.0.0.1", procs.free_port())]
    assert first(*closed) == tuple(closed)
    assert first(closed[0]) == (closed[0],)
