# SPDX-License-Identifier: Apache-2.0
"""A worker that hands over something else than it says."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator

import pytest
from lundock.helper.adopting import HandedOver
from lundock.helper.api import control, statistics
from lundock.helper.api.control import Message
from lundock.helper.api.errors import Problem
from lundock.helper.api.sealed import SIZE as MAX_SECRETS
from lundock.helper.sealing import SealedSecrets
from lundock.helper.supervision import Secrets
from support import need


@pytest.fixture
def handing() -> Iterator[HandedOver]:
    made = HandedOver()
    yield made
    made.close()


def hello(handing: HandedOver, *, version: int = control.VERSION, role: str = "session") -> None:
    fronts = [{"front": 3, "lun": "0001000000000000", "kind": "fuse"}, {"front": 9, "lun": "0" * 16, "kind": "nbd"}]
    fields = {"version": version, "role": role, "fronts": fronts, "missing": []}
    control.encode(Message("hello", fields), control.FROM_WORKER)
    handing.hello(Message("hello", fields))


def give(handing: HandedOver, what: str, number: int, front: int = 0) -> bool:
    """Hand a descriptor over; returns whether it was taken. It is closed otherwise."""
    message = Message("handed", {"what": what, "front": front}, {"descriptor": number})
    control.encode(message, control.FROM_WORKER)
    handing.take(message)
    taken = "descriptor" not in message.descriptors
    message.close()
    return taken


def fuse() -> int:
    need.fuse()
    return os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)


def sealed(*secrets: str) -> int:
    """As a worker has them."""
    made = SealedSecrets.of(Secrets(*secrets))
    number = os.dup(made.fd)
    made.leave()
    return number


def memfd(size: int, seals: int) -> int:
    number = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.ftruncate(number, size)
    fcntl.fcntl(number, fcntl.F_ADD_SEALS, seals)
    return number


def test_everything_is_taken(handing: HandedOver) -> None:
    hello(handing)
    assert give(handing, "front", fuse(), 3)
    assert give(handing, "statistics", statistics.create())
    assert give(handing, "secrets", sealed("s" * 12, "t" * 12))
    handing.check(wants_secrets=True)
    assert (set(handing.fronts), handing.last_front) == ({3}, 9)


def test_nothing_is_taken_twice(handing: HandedOver) -> None:
    for what, make in (("front", fuse), ("statistics", statistics.create), ("secrets", lambda: sealed("x"))):
        assert give(handing, what, make(), 3)
        assert not give(handing, what, make(), 3)
    assert not give(handing, "front", fuse(), 0)


#: Reading from these could wait for ever, or end in a signal.
WRONG = {
    "pipe": lambda: os.pipe()[0],
    "socket": lambda: socket.socket().detach(),
    "file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "unsealed": lambda: memfd(statistics.SIZE, 0),
    "device": lambda: os.open("/dev/zero", os.O_RDWR),
}


@pytest.mark.parametrize("what", ["front", "statistics", "secrets"])
@pytest.mark.parametrize("kind", WRONG)
def test_what_is_not_what_it_is_said_to_be(handing: HandedOver, what: str, kind: str) -> None:
    assert not give(handing, what, WRONG[kind](), 3)


def test_sizes_are_checked(handing: HandedOver) -> None:
    all_seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    assert not give(handing, "statistics", memfd(statistics.SIZE - 8, all_seals))
    assert not give(handing, "secrets", memfd(MAX_SECRETS + 1, all_seals))
    assert not give(handing, "secrets", memfd(MAX_SECRETS, all_seals & ~fcntl.F_SEAL_SHRINK))
    assert give(handing, "secrets", memfd(MAX_SECRETS - 1, all_seals))
    handing.close()
    assert give(handing, "secrets", memfd(MAX_SECRETS, all_seals))


@pytest.mark.parametrize("how", [{"version": control.VERSION + 1}, {"role": "discovery"}, {"role": "idle"}])
def test_another_kind_of_worker(handing: HandedOver, how: dict[str, object]) -> None:
    hello(handing, **how)  # type: ignore[arg-type]
    give(handing, "statistics", statistics.create())
    with pytest.raises(Problem, match="ended"):
        handing.check(wants_secrets=False)


def test_something_is_missing(handing: HandedOver) -> None:
    hello(handing)
    with pytest.raises(Problem):
        handing.check(wants_secrets=False)
    give(handing, "statistics", statistics.create())
    handing.check(wants_secrets=False)
    with pytest.raises(Problem):
        handing.check(wants_secrets=True)
