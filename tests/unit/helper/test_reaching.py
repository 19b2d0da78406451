# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import socket
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


def test_the_one_that_answers_comes_first() -> None:
    server, good = listening()
    with server:
        closed, silent = Portal("127.0.0.1", procs.free_port()), Portal("192.0.2.1", 3260)
        assert first(silent, closed, good) == (good, silent, closed)


def test_of_two_that_answer_the_preferred_one() -> None:
    one, preferred = listening()
    two, other = listening()
    with one, two:
        assert first(preferred, other) == (preferred, other)


def test_which_of_many_answer_and_no_more_are_tried_than_that() -> None:
    server, good = listening()
    with server:
        closed = Portal("127.0.0.1", procs.free_port())
        silent = [Portal(f"192.0.2.{number}", 3260) for number in range(1, MAX_TRIED + 1)]
        found = asyncio.run(answering(NO_NURSERY, [good, closed, good, *silent], "", 0.2))
        assert found[good.address, good.port]
        assert not found[closed.address, closed.port]
        assert len(found) == MAX_TRIED
        assert not any(found.get((portal.address, portal.port)) for portal in silent)


def test_when_none_answers_all_is_as_it_was() -> None:
    closed = [Portal("127.0.0.1", procs.free_port()), Portal("127.0.0.1", procs.free_port())]
    assert first(*closed) == tuple(closed)
    assert first(closed[0]) == (closed[0],)
