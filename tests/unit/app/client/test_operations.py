# SPDX-License-Identifier: Apache-2.0
"""What a person types is read: addresses, targets, disks, secrets."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.app.client.objects import Lun, Target
from lundock.app.client.operations import Secrets, find_lun, find_target, parse_portal, secrets_descriptor
from lundock.helper.api.errors import Problem


@pytest.mark.parametrize(
    ("words", "address", "port"),
    [("nas.local", "nas.local", 3260), (" nas:3261 ", "nas", 3261), ("192.0.2.5", "192.0.2.5", 3260),
     ("[2001:db8::5]:1", "2001:db8::5", 1), ("[2001:db8::5]", "2001:db8::5", 3260), ("fe80::5", "fe80::5", 3260)],
)  # fmt: skip
def test_addresses(words: str, address: str, port: int) -> None:
    assert parse_portal(words) == {"address": address, "port": port, "portal-group": -1}


@pytest.mark.parametrize(
    "words",
    [
        "",
        " ",
        "nas:",
        "nas:0",
        "nas:65536",
        "nas:x",
        "a b",
        "[::1",
        "[::1]x",
        "[]:1",
        ":1",
        "x" * 301,
        "a\x00b",
        "nas:\uff11",
    ],
)
def test_what_is_no_address_says_so(words: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_portal(words)
    assert caught.value.code == "AddressInvalid"


@given(st.text(max_size=320))
def test_any_text_is_an_address_or_a_named_error(words: str) -> None:
    try:
        portal = parse_portal(words)
    except Problem as problem:
        portal = {"address": "-", "port": problem.exit_code}
        assert problem.code == "AddressInvalid"  # noqa: PT017 - either is right
    assert portal["address"]
    assert 0 < portal["port"] < 65536


TARGETS = {
    t.path: t
    for t in (
        Target("/t/1", name="iqn.2026-01.a:backup", alias="NAS"),
        Target("/t/2", name="iqn.2026-01.a:backup-2", state="connected"),
        Target("/t/3", name="iqn.2026-01.a:media", state="connected"),
    )
}
LUNS = {
    x.path: x
    for x in (
        Lun("/l/0", target="/t/2", lun=0, address="0000000000000000", device="/dev/loop7", serial="S0"),
        Lun("/l/1", target="/t/2", lun=1, address="0001000000000000"),
        Lun("/l/2", target="/t/3", lun=0, address="0000000000000000"),
    )
}


@pytest.mark.parametrize(
    ("words", "path"),
    [("1", "/t/1"), ("nas", "/t/1"), ("iqn.2026-01.a:backup", "/t/1"), ("backup-2", "/t/2"), ("MEDIA", "/t/3")],
)
def test_a_target_is_found_by_what_people_call_it(words: str, path: str) -> None:
    assert find_target(TARGETS, words).path == path


@pytest.mark.parametrize(
    ("words", "code"), [("backup", "InvalidArgument"), ("nothing", "NotFound"), ("", "NotFound"), ("9", "NotFound")]
)
def test_a_target_that_is_not_one_is_said(words: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        find_target(TARGETS, words)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("words", "path"),
    [("backup-2/1", "/l/1"), ("/dev/loop7", "/l/0"), ("S0", "/l/0"), ("media", "/l/2"), ("2/0001000000000000", "/l/1")],
)
def test_a_disk_is_found(words: str, path: str) -> None:
    assert find_lun(LUNS, TARGETS, words).path == path


@pytest.mark.parametrize(
    ("words", "code"),
    [("backup-2", "InvalidArgument"), ("media/7", "NoSuchLun"), ("nas/0", "NotConnected"), ("/dev/sdz", "NotFound")],
)
def test_a_disk_that_is_not_one_is_said(words: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        find_lun(LUNS, TARGETS, words)
    assert caught.value.code == code


def test_secrets_never_print_and_travel_sealed() -> None:
    secrets = Secrets("söcret ünd more", "other")
    assert repr(secrets) == "Secrets()"
    descriptor = secrets_descriptor(secrets)
    with pytest.raises(PermissionError):
        os.write(descriptor.fileno(), b"x")
    with os.fdopen(descriptor.take(), "rb") as stream:
        assert json.load(stream) == {"secret": "söcret ünd more", "target-secret": "other"}


def test_secrets_that_are_too_long_are_refused() -> None:
    with pytest.raises(Problem):
        secrets_descriptor(Secrets("x" * 5000))
