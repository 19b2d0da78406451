# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json
import socket
from typing import NoReturn

import pytest
from lundock.helper import resolver
from lundock.helper.api.errors import Problem


class NoNursery:
    """Fails when a child is asked for."""

    async def spawn(self, kind: str, descriptors: object) -> NoReturn:
        raise AssertionError(kind, descriptors)


@pytest.mark.parametrize("address", ["192.0.2.5", "2001:db8::5", "fe80::1%lo"])
def test_numbers_need_nobody(address: str) -> None:
    assert asyncio.run(resolver.resolve(NoNursery(), address)) == (address,)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["", "a b", "host:1", "[::1]", "1.2.3", "-x", "a" * 300, "a/b", "x\0"])
def test_what_is_no_name_is_not_asked_for(address: str) -> None:
    with pytest.raises(Problem) as caught:
        asyncio.run(resolver.resolve(NoNursery(), address))  # type: ignore[arg-type]
    assert caught.value.code == "AddressInvalid"


@pytest.mark.parametrize(
    "untrusted",
    [b"", b"null", b"[]", b"{}", b'["localhost"]', b"[1]", b"[" * 5000, json.dumps(["192.0.2.1"] * 17).encode(),
     b'["' + b"1" * 9000 + b'"]', b"\xff", b'["192.0.2.1", null]'],
)  # fmt: skip
def test_what_a_child_says_is_checked(untrusted: bytes) -> None:
    with pytest.raises(Problem) as caught:
        resolver._check(untrusted, "nas.local")
    assert (caught.value.code, caught.value.attrs) == ("NameNotFound", {"address": "nas.local"})


def test_addresses_are_kept_in_order_and_once() -> None:
    untrusted = json.dumps(["2001:db8::5", "192.0.2.5", "2001:db8::5"]).encode()
    assert resolver._check(untrusted, "nas.local") == ("2001:db8::5", "192.0.2.5")


@pytest.mark.parametrize(("name", "found"), [("localhost", True), ("nosuchhost.invalid", False)])
def test_the_child_answers_with_numbers(name: str, found: bool) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        ours.send(name.encode())
        resolver.serve(theirs.detach())
        said = json.loads(ours.recv(65536))
    assert bool(said) is found
    assert all(resolver.is_numeric(one) for one in said)
