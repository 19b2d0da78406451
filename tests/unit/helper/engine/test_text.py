# SPDX-License-Identifier: Apache-2.0
"""key=value text (RFC 7143, 6.1)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.engine import text


def test_encode() -> None:
    assert text.encode([]) == b""
    assert text.encode([("A", "b"), ("C", "")]) == b"A=b\0C=\0"


def test_decode() -> None:
    assert text.decode(b"") == []
    assert text.decode(b"A=b\0A=c=d\0E=\0") == [("A", "b"), ("A", "c=d"), ("E", "")]
    assert text.decode("TargetAlias=Größe, 1\0".encode()) == [("TargetAlias", "Größe, 1")]
    assert text.decode(b"X#NodeArchitecture=a\0iSCSIProtocolLevel=1\0")[1][0] == "iSCSIProtocolLevel"


@pytest.mark.parametrize("raw", [b"A=b", b"A\0", b"=b\0", b"A b=c\0", b"A=\xff\0", b"x" * 64 + b"=1\0"])
def test_wrong(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        text.decode(raw)


def test_too_many() -> None:
    with pytest.raises(ValueError, match="too many"):
        text.decode(b"A=b\0" * 5, 4)
    assert len(text.decode(b"A=b\0" * 4, 4)) == 4


NUMBERS = {"0": 0, "1": 1, "007": 7, "0x0": 0, "0XfF": 255, "18446744073709551615": 2**64 - 1}


@pytest.mark.parametrize(("value", "number"), NUMBERS.items())
def test_number(value: str, number: int) -> None:
    assert text.number(value) == number


@pytest.mark.parametrize(
    "value", ["", "x", "-1", "+1", "1 ", "0x", "0b1", "1_0", "0x1_0", "18446744073709551616", "²", "9" * 99]
)
def test_no_number(value: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        text.number(value)


BINARIES = {"0x00": b"\0", "0XaBc": b"\x0a\xbc", "0bAQID": b"\1\2\3", "0B/+8=": b"\xff\xef"}


@pytest.mark.parametrize(("value", "data"), BINARIES.items())
def test_binary(value: str, data: bytes) -> None:
    assert text.decode_binary(value, 3) == data


@pytest.mark.parametrize(
    "value", ["", "0x", "0b", "00", "12", "abc", "0xgg", "0b!", "0bAQI", "0bä", "0x" + "00" * 4, "0bAQIDBA=="]
)
def test_no_binary(value: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        text.decode_binary(value, 3)


def test_base64_too_long() -> None:
    """Denser than hexadecimal, so that the length of the text does not tell."""
    assert text.decode_binary("0bAAAAAAA=", 5) == bytes(5)
    with pytest.raises(ValueError, match="too long"):
        text.decode_binary("0bAAAAAAAA", 5)


@given(st.binary(max_size=1024))
def test_binary_both_ways(data: bytes) -> None:
    if data:
        assert text.decode_binary(text.encode_binary(data), 1024) == data


@given(st.binary(max_size=300))
def test_any_text(raw: bytes) -> None:
    with contextlib.suppress(ValueError):
        pairs = text.decode(raw)
        assert text.decode(text.encode(pairs)) == pairs


@given(st.text(max_size=50))
def test_any_value(value: str) -> None:
    with contextlib.suppress(ValueError):
        assert 0 <= text.number(value) < 2**64
    with contextlib.suppress(ValueError):
        assert 0 <= len(text.decode_binary(value, 16)) <= 16
