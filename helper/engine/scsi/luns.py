# SPDX-License-Identifier: Apache-2.0
"""LUNs: the list (SPC-4, 6.33) and the forms of addressing (SAM-5, 4.7). The eight bytes are kept as they came."""

from __future__ import annotations

#: More units than this are not read from one list.
MAX_LUNS = 1024
#: REPORT LUNS is asked with this much room first, and with what its answer says next.
FIRST_LENGTH = 4096
MAX_LENGTH = 8 + 8 * MAX_LUNS


def list_length(data: bytes) -> int:
    """Return how long the whole answer is, its header included (LUN LIST LENGTH), bounded by MAX_LENGTH."""
    if len(data) < 8:
        return 0
    return min(8 + int.from_bytes(data[:4], "big"), MAX_LENGTH)


def parse(data: bytes) -> tuple[int, ...]:
    """Return the LUNs of a REPORT LUNS answer as ints of eight bytes, as far as they are there, none twice."""
    end = min(list_length(data), len(data))
    found = (int.from_bytes(data[at : at + 8], "big") for at in range(8, end - 7, 8))
    return tuple(dict.fromkeys(found))


def number(lun: int) -> int:
    """Return what people write for a LUN: the number of its first level where there is only one, else all 64 bits.

    SAM-5, 4.7.7: peripheral (00b, bus 0), flat space (01b), and extended flat space (11b); the rest as it is.
    """
    first, rest = lun >> 48, lun & (1 << 48) - 1
    method = first >> 14
    if method == 0b11:
        return _extended(lun)
    if rest:
        return lun
    if method == 0b00 and first >> 8 == 0:
        return first & 0xFF
    if method == 0b01:
        return first & 0x3FFF
    return lun


def _extended(lun: int) -> int:
    """SAM-5, 4.7.7.5: extended (d2h, three bytes) and long extended (e2h, five bytes) flat space addressing."""
    for prefix, size in ((0xD2, 24), (0xE2, 40)):
        behind = 56 - size
        if lun >> 56 == prefix and not lun & (1 << behind) - 1:
            return (lun >> behind) & (1 << size) - 1
    return lun


def is_well_known(lun: int) -> bool:
    """Whether a LUN is a well-known logical unit (SAM-5, 4.7.7.5.2: c1h), which is no disk."""
    return lun >> 56 == 0xC1


def from_number(value: int) -> int:
    """Return the LUN field for a number that a person wrote: peripheral to 255, flat to 16383, else extended flat.

    Used where a person's number has no list to be looked up in; a listed LUN is sent back as it came.
    """
    if 0 <= value <= 0xFF:
        return value << 48
    if value <= 0x3FFF:
        return (0x4000 | value) << 48
    if value <= 0xFFFFFF:
        return (0xD2 << 56) | value << 32
    if value < 1 << 64:
        return value
    raise ValueError("not a LUN")


def describe(lun: int) -> str:
    """Return a LUN for display: its number where that says all, else its 16 hexadecimal digits."""
    found = number(lun)
    return str(found) if found < 1 << 24 else f"{lun:016x}"
