# SPDX-License-Identifier: Apache-2.0
"""CDBs byte by byte (SPC-4, SBC-3)."""

from __future__ import annotations

import struct

import pytest
from lundock.helper.engine.scsi import cdb

EXPECTED = [
    (cdb.test_unit_ready(), "00"),
    (cdb.request_sense(), "03000000fc"),
    (cdb.request_sense(18, descriptor=True), "0301000012"),
    (cdb.inquiry(36), "120000002400"),
    (cdb.inquiry(0x1234, 0x83), "120183123400"),
    (cdb.inquiry(255, 0), "12010000ff00"),
    (cdb.report_luns(0x01020304), "a00000000000010203040000"),
    (cdb.report_luns(16, 2), "a00002000000000000100000"),
    (cdb.read_capacity_10(), "25"),
    (cdb.read_capacity_16(), "9e100000000000000000000000200000"),
    (cdb.mode_sense_6(0x3F), "1a083f00fc00"),
    (cdb.mode_sense_10(8, 0x0102), "5a0808000000000102"),
    (cdb.start_stop_unit(start=True), "1b00000001"),
    (cdb.start_stop_unit(start=False), "1b00000000"),
    (cdb.read16(0x0102030405060708, 0x090A0B0C), "880001020304050607080" + "90a0b0c0000"),
    (cdb.read16(1, 2, fua=True), "88080000000000000001000000020000"),
    (cdb.write16(1, 2), "8a000000000000000001000000020000"),
    (cdb.write16(1, 2, fua=True), "8a080000000000000001000000020000"),
    (cdb.read10(0x01020304, 0x0506), "28000102030400050600"),
    (cdb.write10(0x01020304, 0x0506, fua=True), "2a080102030400050600"),
    (cdb.synchronize_cache16(), "91"),
    (cdb.synchronize_cache16(3, 4), "91000000000000000003000000040000"),
    (cdb.synchronize_cache10(3, 4), "35000000000300000400"),
    (cdb.unmap(0x0118), "42000000000000011800"),
    (cdb.write_same16(5, 6), "93000000000000000005000000060000"),
    (cdb.write_same16(5, 6, unmap=True), "93080000000000000005000000060000"),
    (cdb.write_same16(5, 6, unmap=True, no_data=True), "93090000000000000005000000060000"),
]


@pytest.mark.parametrize(("found", "expected"), EXPECTED)
def test_bytes(found: bytes, expected: str) -> None:
    assert found == bytes.fromhex(expected).ljust(16, b"\0")


def test_unmap_data() -> None:
    """SBC-3, 5.28.2: both lengths, then a descriptor of 16 bytes for each extent."""
    found = cdb.unmap_data([(0x0102030405060708, 0x090A0B0C), (1, 2)])
    assert (
        found.hex()
        == "00260020" + "00000000" + "0102030405060708090a0b0c00000000" + "0000000000000001" + "0000000200000000"
    )
    assert cdb.unmap_data([]).hex() == "0006000000000000"


@pytest.mark.parametrize(
    "build",
    [
        lambda: cdb.inquiry(1 << 16),
        lambda: cdb.inquiry(36, 256),
        lambda: cdb.mode_sense_6(8, 256),
        lambda: cdb.unmap(1 << 16),
        lambda: cdb.unmap_data([(0, 0)] * 4096),
        lambda: cdb.unmap_data([(-1, 1)]),
        lambda: cdb.synchronize_cache10(1 << 32, 0),
        lambda: cdb.write_same16(0, 1 << 32),
    ],
)
def test_does_not_fit(build: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        build()  # type: ignore[operator]


def test_largest() -> None:
    assert len(cdb.unmap_data([(0, 0)] * 4095)) == 8 + 16 * 4095
    with pytest.raises(struct.error):
        cdb.read16(1 << 64, 0)


def test_never_replayed() -> None:
    assert {0x89, 0x5F} == cdb.NEVER_REPLAYED
