# SPDX-License-Identifier: Apache-2.0
"""Commands and their answers, by SPC-4 and SBC-3. More than these are put by iscsi-test-cu (tests/real)."""

import pytest
from lundock.helper.target import sense
from lundock.helper.target.config import DiskConfig
from lundock.helper.target.unit import Unit, lun_field, lun_number, report_luns, without_unit

NEXUS = 1


def _unit(**config: object) -> Unit:
    unit = Unit("iqn.2026-01.example:x", DiskConfig(**{"size": 1 << 20, **config}))
    unit.attach(NEXUS, None)
    return unit


def _do(unit: Unit, *cdb: int, data: bytes = b"") -> sense.Result:
    return unit.execute(NEXUS, bytes(cdb).ljust(16, b"\0"), data)


def _key(result: sense.Result) -> tuple[int, int, int]:
    assert result.status == sense.CHECK_CONDITION
    return result.sense[2] & 0xF, result.sense[12], result.sense[13]


WRITE_10_AT_2 = (0x2A, 0, 0, 0, 0, 2, 0, 0, 1, 0)
READ_10_AT_2 = (0x28, 0, 0, 0, 0, 2, 0, 0, 1, 0)


@pytest.mark.parametrize("size", [512, 520, 4096])
def test_blocks_of_any_size(size: int):
    unit = _unit(block_size=size, size=size * 100)
    assert _do(unit, *WRITE_10_AT_2, data=b"z" * size).status == sense.GOOD
    assert _do(unit, *READ_10_AT_2).data == b"z" * size
    assert unit.disk.read(2 * size, size) == b"z" * size
    assert _do(unit, 0x25).data == (99).to_bytes(4, "big") + size.to_bytes(4, "big")


def test_every_size_of_cdb_means_the_same():
    unit = _unit()
    _do(unit, *WRITE_10_AT_2, data=b"q" * 512)
    six = (0x08, 0, 0, 2, 1, 0)
    twelve = (0xA8, 0, 0, 0, 0, 2, 0, 0, 0, 1)
    sixteen = (0x88, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1)
    assert {_do(unit, *cdb).data for cdb in (six, READ_10_AT_2, twelve, sixteen)} == {b"q" * 512}


def test_errors():
    unit = _unit()
    assert _key(_do(unit, 0xFF)) == (5, 0x20, 0)
    assert _key(_do(unit, 0x28, 0, 0, 0, 8, 0, 0, 0, 1)) == (5, 0x21, 0)
    assert _key(_do(unit, 0x28, 0x20, 0, 0, 0, 0, 0, 0, 1)) == (5, 0x24, 0)
    assert _key(_do(_unit(read_only=True), *WRITE_10_AT_2, data=bytes(512))) == (7, 0x27, 0)


def test_too_much_at_once_is_refused_before_it_is_read():
    unit = _unit(max_transfer=1024)
    assert _key(_do(unit, 0x88, *[0] * 12, 3)) == (5, 0x24, 0)


def test_read_only_is_told():
    assert _do(_unit(read_only=True), 0x1A, 0, 0x3F, 0, 255).data[2] & 0x80
    assert not _do(_unit(), 0x1A, 0, 0x3F, 0, 255).data[2] & 0x80


def test_unmap_punches():
    unit = _unit()
    _do(unit, *WRITE_10_AT_2, data=b"z" * 512)
    parameters = bytes([0, 22, 0, 16, 0, 0, 0, 0]) + (2).to_bytes(8, "big") + (1).to_bytes(4, "big") + bytes(4)
    assert _do(unit, 0x42, 0, 0, 0, 0, 0, 0, 0, len(parameters), data=parameters).status == sense.GOOD
    assert _do(unit, *READ_10_AT_2).data == bytes(512)


def test_write_same():
    unit = _unit()
    assert _do(unit, 0x93, *[0] * 8, 4, 0, 0, 0, 8, data=b"ab" * 256).status == sense.GOOD
    assert unit.disk.read(4 * 512, 8 * 512) == b"ab" * 2048
    assert unit.disk.read(12 * 512, 1) == b"\0"


def test_attentions_come_once_to_each_session():
    unit = _unit()
    unit.attach(2, sense.POWER_ON)
    assert _key(unit.execute(2, bytes(6), b"")) == (6, 0x29, 0)
    unit.resize(2 << 20)
    for nexus in (NEXUS, 2):
        assert unit.execute(nexus, bytes([0x12, 0, 0, 0, 96, 0]), b"").status == sense.GOOD  # INQUIRY does not take it
        assert _key(unit.execute(nexus, bytes(6), b"")) == (6, 0x2A, 9)
        assert unit.execute(nexus, bytes(6), b"").status == sense.GOOD


def test_busy_and_offline():
    unit = _unit()
    unit.busy = 1
    assert _do(unit, 0x00).status == sense.BUSY
    assert _do(unit, 0x00).status == sense.GOOD
    unit.online = False
    assert _key(_do(unit, 0x00)) == (2, 4, 2)


def test_identity_stays_and_differs():
    page = [0x12, 1, 0x83, 0, 255]
    assert _do(_unit(), *page).data == _do(_unit(), *page).data
    assert _do(_unit(), *page).data != _do(_unit(lun=1), *page).data


@pytest.mark.parametrize("number", [0, 1, 255, 256, 16383])
def test_lun_fields(number: int):
    assert lun_number(lun_field(number)) == number


def test_lun_fields_of_other_forms():
    assert lun_number(0xC101 << 48) is None
    assert lun_number(0x0001000000000001) is None


def test_report_luns():
    cdb = bytes([0xA0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    assert report_luns([300, 1], cdb).data[8:] == bytes([0, 1, *[0] * 6, 0x41, 0x2C, *[0] * 6])
    assert _key(report_luns([1], bytes([0xA0, *[0] * 8, 8, 0, 0]))) == (5, 0x24, 0)


def test_where_no_unit_is():
    assert without_unit(bytes([0x12, 0, 0, 0, 96, 0])).data[0] == 0x7F
    assert _key(without_unit(bytes(6))) == (5, 0x25, 0)
