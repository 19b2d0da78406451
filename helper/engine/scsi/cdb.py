# SPDX-License-Identifier: Apache-2.0
"""SCSI command descriptor blocks (SPC-4, SBC-3), as the 16 bytes that a SCSI Command PDU carries (RFC 7143, 11.3.5).

Lengths and block numbers that do not fit their field raise ValueError: they are made by our own side.
"""

from __future__ import annotations

import struct
from enum import IntEnum

CDB_SIZE = 16


class Operation(IntEnum):
    """Operation codes of what is used here."""

    TEST_UNIT_READY = 0x00
    REQUEST_SENSE = 0x03
    INQUIRY = 0x12
    MODE_SENSE_6 = 0x1A
    START_STOP_UNIT = 0x1B
    READ_CAPACITY_10 = 0x25
    READ_10 = 0x28
    WRITE_10 = 0x2A
    SYNCHRONIZE_CACHE_10 = 0x35
    UNMAP = 0x42
    MODE_SENSE_10 = 0x5A
    PERSISTENT_RESERVE_OUT = 0x5F
    READ_16 = 0x88
    COMPARE_AND_WRITE = 0x89
    WRITE_16 = 0x8A
    SYNCHRONIZE_CACHE_16 = 0x91
    WRITE_SAME_16 = 0x93
    SERVICE_ACTION_IN_16 = 0x9E
    REPORT_LUNS = 0xA0


READ_CAPACITY_16_ACTION = 0x10

#: Never sent again after a lost session: a second execution is another outcome than the first.
NEVER_REPLAYED = frozenset({Operation.COMPARE_AND_WRITE, Operation.PERSISTENT_RESERVE_OUT})

_FUA = 0x08
_READ_WRITE_16 = struct.Struct(">BBQIBB")
_READ_WRITE_10 = struct.Struct(">BBIBHB6x")
_UNMAP_BLOCK = struct.Struct(">QI4x")


def _pack(layout: str, *values: int) -> bytes:
    try:
        return struct.pack(layout, *values).ljust(CDB_SIZE, b"\0")
    except struct.error as error:
        raise ValueError(f"does not fit its field: {error}") from None


def test_unit_ready() -> bytes:
    """SPC-4, 6.47."""
    return bytes(CDB_SIZE)


def request_sense(length: int = 252, *, descriptor: bool = False) -> bytes:
    """SPC-4, 6.39."""
    return _pack(">BB2xBx", Operation.REQUEST_SENSE, int(descriptor), length)


def inquiry(length: int, page: int | None = None) -> bytes:
    """SPC-4, 6.6: standard data, or the vital product data page `page`."""
    return _pack(">BBBHx", Operation.INQUIRY, 0 if page is None else 1, page or 0, length)


def report_luns(length: int, select: int = 0) -> bytes:
    """SPC-4, 6.33. `length` of at least 16."""
    return _pack(">BxB3xI2x", Operation.REPORT_LUNS, select, length)


def read_capacity_10() -> bytes:
    """SBC-3, 5.15."""
    return _pack(">B9x", Operation.READ_CAPACITY_10)


def read_capacity_16(length: int = 32) -> bytes:
    """SBC-3, 5.16."""
    return _pack(">BB8xI2x", Operation.SERVICE_ACTION_IN_16, READ_CAPACITY_16_ACTION, length)


def mode_sense_6(page: int, length: int = 252) -> bytes:
    """SPC-4, 6.11: the current values of `page`, without block descriptors (DBD)."""
    return _pack(">BBBxBx", Operation.MODE_SENSE_6, 0x08, page, length)


def mode_sense_10(page: int, length: int = 252) -> bytes:
    """SPC-4, 6.12: the current values of `page`, without block descriptors (DBD)."""
    return _pack(">BBB4xHx", Operation.MODE_SENSE_10, 0x08, page, length)


def start_stop_unit(*, start: bool) -> bytes:
    """SBC-3, 5.25."""
    return _pack(">B3xBx", Operation.START_STOP_UNIT, int(start))


def read16(lba: int, blocks: int, *, fua: bool = False) -> bytes:
    """SBC-3, 5.13."""
    return _READ_WRITE_16.pack(Operation.READ_16, _FUA if fua else 0, lba, blocks, 0, 0)


def write16(lba: int, blocks: int, *, fua: bool = False) -> bytes:
    """SBC-3, 5.34."""
    return _READ_WRITE_16.pack(Operation.WRITE_16, _FUA if fua else 0, lba, blocks, 0, 0)


def read10(lba: int, blocks: int, *, fua: bool = False) -> bytes:
    """SBC-3, 5.11: for a unit that does not know READ(16)."""
    return _READ_WRITE_10.pack(Operation.READ_10, _FUA if fua else 0, lba, 0, blocks, 0)


def write10(lba: int, blocks: int, *, fua: bool = False) -> bytes:
    """SBC-3, 5.32: for a unit that does not know WRITE(16)."""
    return _READ_WRITE_10.pack(Operation.WRITE_10, _FUA if fua else 0, lba, 0, blocks, 0)


def synchronize_cache16(lba: int = 0, blocks: int = 0) -> bytes:
    """SBC-3, 5.27; 0 blocks from 0 is the whole unit."""
    return _pack(">BBQIBB", Operation.SYNCHRONIZE_CACHE_16, 0, lba, blocks, 0, 0)


def synchronize_cache10(lba: int = 0, blocks: int = 0) -> bytes:
    """SBC-3, 5.26: for a unit that does not know SYNCHRONIZE CACHE(16)."""
    return _pack(">BBIBHB", Operation.SYNCHRONIZE_CACHE_10, 0, lba, 0, blocks, 0)


def unmap(data_length: int) -> bytes:
    """SBC-3, 5.28; `data_length` is that of `unmap_data`."""
    return _pack(">B6xHx", Operation.UNMAP, data_length)


def unmap_data(extents: list[tuple[int, int]]) -> bytes:
    """Return UNMAP's parameter list for (block, number of blocks) pairs; at most 4095 of them fit its length field."""
    if len(extents) > 4095:
        raise ValueError("too many extents")
    try:
        blocks = b"".join(_UNMAP_BLOCK.pack(lba, count) for lba, count in extents)
    except struct.error as error:
        raise ValueError(str(error)) from None
    return struct.pack(">HH4x", len(blocks) + 6, len(blocks)) + blocks


def write_same16(lba: int, blocks: int, *, unmap: bool = False, no_data: bool = False) -> bytes:
    """SBC-3, 5.40: the one block of data is written `blocks` times; `no_data` (NDOB) means zeros without data."""
    return _pack(">BBQIBB", Operation.WRITE_SAME_16, (8 if unmap else 0) | int(no_data), lba, blocks, 0, 0)
