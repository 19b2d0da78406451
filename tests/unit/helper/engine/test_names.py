# SPDX-License-Identifier: Apache-2.0
"""Node names and addresses (RFC 7143, 4.2.7, 13.8; RFC 3722)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.api.errors import Problem
from lundock.helper.engine import names
from lundock.helper.engine.names import Portal

# ---- addresses ---------------------------------------------------------------------------------------------------

TYPED = {
    "nas.local": Portal("nas.local", 3260),
    "nas.local.": Portal("nas.local.", 3260),
    "NAS_2:860": Portal("NAS_2", 860),
    " 192.0.2.5 ": Portal("192.0.2.5", 3260),
    "192.0.2.5:3261": Portal("192.0.2.5", 3261),
    "[2001:db8::5]": Portal("2001:db8::5", 3260),
    "[2001:db8::5]:1": Portal("2001:db8::5", 1),
    "2001:db8::5": Portal("2001:db8::5", 3260),
    "::1": Portal("::1", 3260),
    "fe80::1%eth0": Portal("fe80::1%eth0", 3260),
    "[fe80::1%eth0]:65535": Portal("fe80::1%eth0", 65535),
    "speicher.büro.example": Portal("speicher.büro.example", 3260),
    "büro.:1": Portal("büro.", 1),
}


@pytest.mark.parametrize(("text", "portal"), TYPED.items())
def test_parse_portal(text: str, portal: Portal) -> None:
    assert names.parse_portal(text) == portal


NO_ADDRESSES = [
    "",
    " ",
    ":3260",
    "nas:",
    "nas:port",
    "nas:0",
    "nas:65536",
    "nas:-1",
    "nas:+1",
    "nas:\uff11\uff12",
    "nas:3260,1",
    "a b",
    "nas/disk",
    "user@nas",
    "-nas",
    "nas-",
    "a..b",
    ".",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4.5",
    "[::1",
    "::1]",
    "[nas]",
    "[::1]x",
    "[::1]:",
    "[::1%]",
    "[::1%a b]",
    "1::2::3",
    "x" * 64,
    "x" * 256,
    "x." * 200,
    "nas\n",
    "na\0s",
    "http://nas",
]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_no_address(text: str) -> None:
    if text == "nas\n":  # spaces around what a person types are passed over
        assert names.parse_portal(text).address == "nas"
        return
    with pytest.raises(Problem) as caught:
        names.parse_portal(text)
    assert caught.value.code == "AddressInvalid"


RFC_13_8 = {
    "10.0.0.1:5003,1": Portal("10.0.0.1", 5003, 1),
    "[1080:0:0:0:8:800:200C:417A],65": Portal("1080:0:0:0:8:800:200C:417A", 3260, 65),
    "[1080::8:800:200C:417A]:5003,1": Portal("1080::8:800:200C:417A", 5003, 1),
    "computingcenter.example.com,23": Portal("computingcenter.example.com", 3260, 23),
    "10.0.0.1": Portal("10.0.0.1", 3260, -1),
    "10.0.0.1,0": Portal("10.0.0.1", 3260, 0),
    "10.0.0.1,65535": Portal("10.0.0.1", 3260, 65535),
}


@pytest.mark.parametrize(("value", "portal"), RFC_13_8.items())
def test_target_address(value: str, portal: Portal) -> None:
    assert names.parse_target_address(value) == portal
    assert names.parse_target_address(names.format_target_address(portal)) == portal


@pytest.mark.parametrize("value", ["", ",1", "h,", "h,65536", "h,1,2", "h,x", "::1,1", "h:1:2,1", "x" * 301])
def test_no_target_address(value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        names.parse_target_address(value)


def test_format() -> None:
    assert str(Portal("2001:db8::5", 3260, 4)) == "[2001:db8::5]:3260"
    assert str(Portal("nas", 860)) == "nas:860"
    assert names.format_target_address(Portal("::1", 1, 0)) == "[::1]:1,0"
    assert names.format_target_address(Portal("nas")) == "nas:3260"


@given(st.text(max_size=40))
def test_any_address(text: str) -> None:
    with contextlib.suppress(Problem):
        portal = names.parse_portal(text)
        assert names.parse_portal(str(portal)) == portal
    with contextlib.suppress(ValueError):
        portal = names.parse_target_address(text)
        assert names.parse_target_address(names.format_target_address(portal)) == portal


# ---- node names --------------------------------------------------------------------------------------------------

GOOD = [
    # 4.2.7.4 to 4.2.7.6
    "iqn.2001-04.com.example:storage:diskarrays-sn-a8675309",
    "iqn.2001-04.com.example",
    "iqn.2001-04.com.example:storage.tape1.sys1.xyz",
    "eui.02004567a425678d",
    "naa.52004567ba64678d",
    "naa.62004567ba64678d0123456789abcdef",
    "iqn.2001-04.com.example:grösse",
]


@pytest.mark.parametrize("name", GOOD)
def test_names(name: str) -> None:
    assert names.is_name(name)
    assert names.check_name(f"  {name.upper()} ") == name
    assert names.is_target_name(name)


BAD = [
    "",
    "disk",
    "iqn.",
    "iqn.2001-04",
    "iqn.2001-4.com.example",
    "iqn.2001-13.com.example",
    "iqn.2001-00.com.example",
    "iqn.01-04.com.example",
    "eui.02004567a425678",
    "eui.02004567a425678d0",
    "eui.02004567a425678g",
    "naa.0123456789abcdef01",
    "iqn.2001-04.com.example:a b",
    "iqn.2001-04.com.example:a_b",
    "iqn.2001-04.com.example:a/b",
    "iqn.2001-04.com.example:a\u3002b",
    "iqn.2001-04.com.example:a\u202eb",
    "iqn.2001-04.com.example:a\ue000b",
    "iqn.2001-04.com.example:a\n",
    "iqn.2001-04.com.example:" + "x" * 200,
    "iqn.2001-04.com.example:" + "ö" * 100,
    "x" * 5000,
]


@pytest.mark.parametrize("name", BAD)
def test_no_names(name: str) -> None:
    if name.endswith("\n"):  # what stands around what a person types is passed over; inside it is not
        assert not names.is_name(name)
        return
    with pytest.raises(Problem) as caught:
        names.check_name(name, "initiator-name")
    assert caught.value.attrs["argument"] == "initiator-name"


def test_longest_name() -> None:
    """4.2.7.1: 223 bytes."""
    start = "iqn.2001-04.com.example:"
    assert names.is_name(start + "x" * (223 - len(start)))
    assert not names.is_name(start + "x" * (224 - len(start)))
    assert names.is_target_name(start + "X" * (223 - len(start)))
    assert not names.is_target_name(start + "X" * (224 - len(start)))


def test_normalized() -> None:
    """RFC 3722: NFKC and small letters, so that what looks the same is the same."""
    assert (
        names.normalize_name(" iqn.2001-04.COM.Example:\uff21\uff11\ufb01\u00adGröße")
        == "iqn.2001-04.com.example:a1figrösse"
    )
    assert not names.is_name("iqn.2001-04.com.example:größe")
    assert not names.is_name("iqn.2001-04.com.Example")


@pytest.mark.parametrize("name", ["iqn.x", "iqn.2001-04.com.example:Disk_1", "eui.02004567A425678D"])
def test_target_names_as_they_are_in_use(name: str) -> None:
    assert names.check_target_name(f" {name} ") == name


@pytest.mark.parametrize(
    "name", ["", "iqn.", "disk", "iqn.a b", "iqn.a\tb", "iqn.a\0", "iqn.a\u2028b", "IQN.2001-04.a"]
)
def test_no_target_names(name: str) -> None:
    with pytest.raises(Problem) as caught:
        names.check_target_name(name)
    assert caught.value.attrs["argument"] == "target"


@given(st.text(max_size=300))
def test_any_name(text: str) -> None:
    with contextlib.suppress(Problem):
        name = names.check_name(text)
        assert names.check_name(name) == name
        assert len(name.encode()) <= 223


def test_generated() -> None:
    first, second = names.generate_initiator_name(), names.generate_initiator_name()
    assert names.is_name(first)
    assert first != second


def test_generated_isid() -> None:
    """11.12.5: T is 10b (random), A is reserved."""
    isid = names.generate_isid()
    assert (len(isid), isid[0]) == (6, 0x80)
    assert isid != names.generate_isid()
