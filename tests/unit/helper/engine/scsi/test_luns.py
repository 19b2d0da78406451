# SPDX-License-Identifier: Apache-2.0
"""REPORT LUNS and the forms of addressing (SPC-4, 6.33; SAM-5, 4.7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.engine.scsi import luns


def answer(*found: int, length: int | None = None) -> bytes:
    raw = b"".join(lun.to_bytes(8, "big") for lun in found)
    return (len(raw) if length is None else length).to_bytes(4, "big") + bytes(4) + raw


def test_parse() -> None:
    assert luns.parse(answer(0, 1 << 48, 0x4100 << 48)) == (0, 1 << 48, 0x4100 << 48)
    assert luns.parse(answer()) == ()
    assert luns.parse(answer(1, 1, 2)) == (1, 2)


def test_lengths_that_do_not_fit() -> None:
    """Cut off: what is there as a whole; more than the list says: what it says."""
    assert luns.parse(answer(1, 2, 3)[:-1]) == (1, 2)
    assert luns.parse(answer(1, 2, 3, length=16)) == (1, 2)
    assert luns.parse(answer(1, 2, length=23)) == (1, 2)
    assert luns.parse(answer(1, length=0xFFFFFFF8)) == (1,)
    assert luns.parse(b"\0\0\0\x08\0\0\0") == ()
    assert luns.list_length(answer(length=80)) == 88
    assert luns.list_length(answer(length=0xFFFFFFFF)) == luns.MAX_LENGTH
    assert luns.list_length(b"") == 0


FORMS = {
    # the eight bytes, the number that people write
    "0000000000000000": 0,
    "0001000000000000": 1,
    "00ff000000000000": 255,
    "4001000000000000": 1,  # flat, though peripheral would do
    "4100000000000000": 256,
    "7fff000000000000": 16383,
    "d200012300000000": 0x123,
    "d2ffffff00000000": 0xFFFFFF,
    "e200000001230000": 0x123,
}


@pytest.mark.parametrize(("raw", "number"), FORMS.items())
def test_number(raw: str, number: int) -> None:
    assert luns.number(int(raw, 16)) == number
    assert luns.describe(int(raw, 16)) == str(number)


#: Bus not 0, logical unit addressing, second levels, well-known units: shown as they are.
AS_THEY_ARE = [
    "0101000000000000",
    "8021000000000000",
    "0001000200000000",
    "4001000000000001",
    "c101000000000000",
    "d200012300000001",
    "ffffffffffffffff",
]


@pytest.mark.parametrize("raw", AS_THEY_ARE)
def test_shown_as_they_are(raw: str) -> None:
    assert luns.number(int(raw, 16)) == int(raw, 16)
    assert luns.describe(int(raw, 16)) == raw


def test_well_known() -> None:
    assert luns.is_well_known(0xC101 << 48)
    assert not luns.is_well_known(0x4101 << 48)


@pytest.mark.parametrize("number", [0, 1, 255, 256, 16383, 16384, 0xFFFFFF])
def test_from_number(number: int) -> None:
    assert luns.number(luns.from_number(number)) == number


def test_from_number_forms() -> None:
    assert luns.from_number(255) >> 48 == 0x00FF
    assert luns.from_number(256) >> 48 == 0x4100
    assert luns.from_number(16384) >> 32 == 0xD2004000
    assert luns.from_number(1 << 48) == 1 << 48
    with pytest.raises(ValueError, match="LUN"):
        luns.from_number(1 << 64)


@given(st.binary(max_size=200))
def test_anything(raw: bytes) -> None:
    found = luns.parse(raw)
    assert len(found) <= len(raw) // 8
    for lun in found:
        assert 0 <= luns.number(lun) < 1 << 64
        assert luns.describe(lun)
