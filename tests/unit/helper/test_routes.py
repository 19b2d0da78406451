# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import json
import struct
import sys

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.routes import Link, Route, link, route
from support import netns, procs

ASK = """
import json, sys
from lundock.helper.api.errors import Problem
from lundock.helper.routes import link, route

def ask(number, interface=""):
    try:
        found = route(number, interface)
    except Problem as problem:
        return problem.code
    return [found.interface, found.source, found.gateway]

interface, *numbers = sys.argv[1:]
print(json.dumps([[ask(n) for n in numbers], ask(numbers[0], interface), link(interface).carrier]))
"""


def test_ourselves() -> None:
    assert route("127.0.0.1") == Route("lo", "127.0.0.1", "")
    assert link("lo").up


def test_an_interface_that_is_not_there() -> None:
    for ask in (lambda: link("no-such"), lambda: route("127.0.0.1", "no-such"), lambda: route("fe80::1%no-such")):
        with pytest.raises(Problem) as caught:
            ask()
        assert caught.value.code == "InterfaceNotFound"


def test_a_system_that_cannot_be_asked_says_nothing_of_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """EOPNOTSUPP instead of an answer, as in some containers."""
    refused = struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -errno.EOPNOTSUPP) + bytes(16)
    monkeypatch.setattr("lundock.helper.routes._ask", lambda _message: refused)
    with pytest.raises(Problem) as caught:
        route("127.0.0.1")
    assert caught.value.code == "NotSupported"


def test_a_gateway_no_way_and_a_wire_that_is_pulled() -> None:
    with netns.wire() as (here, there):
        inside = ("ip", "-n", here.namespace)
        procs.run(*inside, "route", "add", "198.51.100.0/24", "via", there.address)
        procs.run(*inside, "route", "add", "unreachable", "203.0.113.0/24")
        ask = [*here.prefix, sys.executable, "-c", ASK, here.interface]
        numbers = (there.address, there.address6, "198.51.100.7", "203.0.113.7", "2001:db8::1")
        ways, bound, carrier = json.loads(procs.run(*ask, *numbers))
        assert ways == [
            [here.interface, here.address, ""],
            [here.interface, here.address6, ""],
            [here.interface, here.address, there.address],
            "NetworkUnreachable",
            "NetworkUnreachable",
        ]
        assert bound == [here.interface, here.address, ""]
        assert carrier is True
        there.link(up=False)
        # the kernel's own watch of links takes up to a second
        procs.wait_for("the link's end", lambda: json.loads(procs.run(*ask, there.address))[2] is False)


def test_a_link_is_what_it_is() -> None:
    assert isinstance(link("lo"), Link)
    assert link("lo").mtu > 1000
