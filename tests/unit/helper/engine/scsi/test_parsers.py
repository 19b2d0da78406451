# SPDX-License-Identifier: Apache-2.0
"""INQUIRY, VPD pages, READ CAPACITY, MODE SENSE: right, cut off, and made up."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper.engine.scsi import capacity, inquiry, mode, vpd
from lundock.helper.engine.scsi.inquiry import MalformedError
from lundock.helper.engine.scsi.vpd import Page

# ---- INQUIRY -----------------------------------------------------------------------------------------------------


def inquiry_data(first: int = 0, *, more: int = 31, removable: bool = False) -> bytes:
    head = bytes((first, 0x80 if removable else 0, 6, 2, more, 0, 0, 2))
    return head + b"ACME    Disk of Stone   1.05"


def test_inquiry() -> None:
    found = inquiry.parse(inquiry_data(removable=True))
    assert (found.kind, found.present, found.removable, found.version) == ("disk", True, True, 6)
    assert (found.vendor, found.model, found.revision) == ("ACME", "Disk of Stone", "1.05")


KINDS = {0x00: "disk", 0x01: "tape", 0x05: "cdrom", 0x0C: "controller", 0x0D: "enclosure", 0x0E: "disk", 0x11: "other"}


@pytest.mark.parametrize(("device_type", "kind"), KINDS.items())
def test_kinds(device_type: int, kind: str) -> None:
    assert inquiry.parse(inquiry_data(device_type)).kind == kind


@pytest.mark.parametrize("first", [0x20, 0x60, 0x7F, 0x1F])
def test_nothing_behind_the_lun(first: int) -> None:
    """SPC-4, 6.6.2: peripheral qualifier."""
    assert not inquiry.parse(inquiry_data(first)).present


def test_short_inquiry() -> None:
    found = inquiry.parse(inquiry_data()[:20])
    assert (found.vendor, found.model, found.revision) == ("ACME", "Disk", "")
    found = inquiry.parse(inquiry_data(more=11))
    assert (found.vendor, found.model) == ("ACME", "")
    with pytest.raises(MalformedError):
        inquiry.parse(inquiry_data()[:4])


def test_text_of_units_is_clean() -> None:
    assert inquiry.clean(b" a\0b\x1b[31m\xff c \n") == "ab[31m c"


# ---- VPD ---------------------------------------------------------------------------------------------------------


def page(code: int, body: bytes, length: int | None = None) -> bytes:
    return bytes((0, code)) + (len(body) if length is None else length).to_bytes(2, "big") + body


def test_supported_pages() -> None:
    assert vpd.supported_pages(page(0, b"\x00\x80\x83")) == {0, 0x80, 0x83}


@pytest.mark.parametrize("raw", [b"", b"\0\0\0", page(0x80, b"x")])
def test_another_page(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        vpd.supported_pages(raw)


def test_serial() -> None:
    assert vpd.serial(page(0x80, b"  A123\0 ")) == "A123"
    assert vpd.serial(page(0x80, b"A123456", length=4)) == "A123"
    assert vpd.serial(page(0x80, b"A12", length=400)) == "A12"


def designator(kind: int, value: bytes, *, code_set: int = 1, association: int = 0) -> bytes:
    return bytes((code_set, association << 4 | kind, 0, len(value))) + value


NAA6 = bytes.fromhex("6001405a1b2c3d4e5f60718293a4b5c6")
NAA5 = bytes.fromhex("5001405a1b2c3d4e")
EUI8, EUI16 = bytes(range(1, 9)), bytes(range(1, 17))
T10 = designator(1, b"ACME    disk-1", code_set=2)
WWNS = [
    ([designator(3, NAA6)], "naa." + NAA6.hex()),
    ([T10, designator(2, EUI8), designator(3, NAA5)], "naa." + NAA5.hex()),  # NAA first of all
    ([designator(3, NAA5), designator(3, NAA6)], "naa." + NAA6.hex()),
    ([T10, designator(2, EUI8)], "eui." + EUI8.hex()),
    ([designator(2, EUI8), designator(2, EUI16)], "eui." + EUI16.hex()),
    ([T10], "t10.ACME    disk-1"),
    ([designator(8, b"naa.600140\0\0", code_set=3)], "naa.600140"),
    ([designator(8, b"mine\0", code_set=3), T10], "name.mine"),
    ([designator(1, b"\1\2", code_set=1)], "t10.0102"),
    # of the target port or the target device: not the unit's
    ([designator(3, NAA6, association=1), designator(3, NAA6, association=2)], ""),
    # of a wrong length, all zeros, of another coding, of a type that identifies nothing
    ([designator(3, NAA6[:8])], ""),
    ([designator(3, bytes(8))], ""),
    ([designator(3, NAA6, code_set=2)], ""),
    ([designator(3, b"")], ""),
    ([designator(2, EUI8[:7])], ""),
    ([designator(2, bytes(8))], ""),
    ([designator(4, b"\0\0\0\1")], ""),
    ([designator(1, b"\0", code_set=2)], ""),
    ([designator(8, b"\0", code_set=3)], ""),
    ([], ""),
]


@pytest.mark.parametrize(("parts", "wwn"), WWNS)
def test_wwn(parts: list[bytes], wwn: str) -> None:
    assert vpd.wwn(page(0x83, b"".join(parts))) == wwn


def test_designators_that_are_cut_off() -> None:
    raw = designator(2, EUI8) + designator(3, NAA6)
    assert vpd.wwn(page(0x83, raw[:-1])) == "eui." + EUI8.hex()
    assert len(vpd.designators(page(0x83, designator(2, b"") * 500))) == vpd.MAX_DESIGNATORS


def test_block_limits() -> None:
    """SBC-3, 6.6.4, at the offsets of its table."""
    raw = bytearray(64)
    raw[1], raw[3] = 0xB0, 60
    raw[4] = 1
    fields = {6: (2, 8), 8: (4, 1024), 12: (4, 256), 20: (4, 0xFFFF), 24: (4, 16), 28: (4, 32), 36: (8, 1 << 33)}
    for at, (size, value) in fields.items():
        raw[at : at + size] = value.to_bytes(size, "big")
    raw[32:36] = (0x80000000 | 5).to_bytes(4, "big")
    found = vpd.block_limits(bytes(raw))
    assert (found.optimal_granularity, found.max_transfer, found.optimal_transfer) == (8, 1024, 256)
    assert (found.max_unmap_blocks, found.max_unmap_extents) == (0xFFFF, 16)
    assert (found.unmap_granularity, found.unmap_alignment, found.max_write_same) == (32, 5, 1 << 33)
    assert found.write_same_no_zero
    raw[32] = 0  # UGAVALID: the alignment means nothing without it
    assert vpd.block_limits(bytes(raw)).unmap_alignment == 0


def test_block_limits_of_older_units() -> None:
    """SBC-2: 12 bytes."""
    found = vpd.block_limits(page(0xB0, bytes(4) + (512).to_bytes(4, "big") + bytes(4)))
    assert (found.max_transfer, found.max_unmap_blocks, found.max_write_same) == (512, 0, 0)
    with pytest.raises(MalformedError):
        vpd.block_limits(page(0xB0, bytes(11)))


@pytest.mark.parametrize(("rate", "rotational"), [(0, True), (1, False), (7200, True)])
def test_characteristics(rate: int, *, rotational: bool) -> None:
    assert vpd.is_rotational(page(0xB1, rate.to_bytes(2, "big") + bytes(58))) is rotational
    assert vpd.is_rotational(page(0xB1, b""))


def test_provisioning() -> None:
    found = vpd.provisioning(page(0xB2, bytes((0, 0x80 | 0x40 | 0x04, 2, 0))))
    assert (found.unmap, found.write_same_16, found.write_same_10) == (True, True, False)
    assert (found.read_zeros, found.thin) == (True, True)
    found = vpd.provisioning(page(0xB2, bytes((0, 0x20, 1))))
    assert (found.unmap, found.write_same_16, found.write_same_10, found.thin) == (False, False, True, False)
    with pytest.raises(MalformedError):
        vpd.provisioning(page(0xB2, bytes(2)))


# ---- READ CAPACITY -----------------------------------------------------------------------------------------------


def capacity_16(last: int, size: int, *, b12: int = 0, b13: int = 0, b14: int = 0) -> bytes:
    return last.to_bytes(8, "big") + size.to_bytes(4, "big") + bytes((b12, b13, b14, 7)) + bytes(16)


@pytest.mark.parametrize("size", [512, 1024, 2048, 4096])
def test_capacity_16(size: int) -> None:
    found = capacity.parse_16(capacity_16((1 << 33) - 1, size, b12=1, b13=0x53, b14=0xC1))
    assert (found.blocks, found.block_size, found.size) == (1 << 33, size, size << 33)
    assert (found.physical_block_size, found.lowest_aligned) == (size * 8, 0x107)
    assert (found.provisioning, found.read_zeros, found.protection) == (True, True, True)
    assert capacity.parse_16(capacity_16(0, size)[:12]).size == size


@pytest.mark.parametrize("size", [0, 1, 256, 511, 513, 520, 4160, 8192, 0xFFFFFFFF])
def test_blocks_that_cannot_be_served(size: int) -> None:
    with pytest.raises(MalformedError):
        capacity.parse_16(capacity_16(100, size))
    with pytest.raises(MalformedError):
        capacity.parse_10(bytes(4) + size.to_bytes(4, "big"))


@pytest.mark.parametrize("last", [(1 << 64) - 1, (1 << 54) - 1])
def test_a_size_that_cannot_be(last: int) -> None:
    with pytest.raises(MalformedError):
        capacity.parse_16(capacity_16(last, 512))


def test_capacity_10() -> None:
    found = capacity.parse_10(bytes.fromhex("00000fff00001000"))
    assert found is not None
    assert (found.blocks, found.block_size, found.physical_block_size) == (4096, 4096, 4096)
    assert capacity.parse_10(bytes.fromhex("ffffffff00000200")) is None
    with pytest.raises(MalformedError):
        capacity.parse_10(bytes(7))
    with pytest.raises(MalformedError):
        capacity.parse_16(bytes(11))


# ---- MODE SENSE --------------------------------------------------------------------------------------------------

CACHING_ON = bytes((0x08, 0x12, 0x04)) + bytes(17)
CACHING_OFF = bytes((0x88, 0x12, 0x00)) + bytes(17)
OTHER = bytes((0x0A, 0x0A)) + bytes(10)
SUBPAGE = bytes((0x4A, 0x01, 0x00, 0x04)) + bytes(4)


def mode_6(parameter: int, pages: bytes = b"", descriptors: bytes = b"") -> bytes:
    return bytes((3 + len(descriptors) + len(pages), 0, parameter, len(descriptors))) + descriptors + pages


def mode_10(parameter: int, pages: bytes = b"", descriptors: bytes = b"") -> bytes:
    length = 6 + len(descriptors) + len(pages)
    head = length.to_bytes(2, "big") + bytes((0, parameter, 0, 0)) + len(descriptors).to_bytes(2, "big")
    return head + descriptors + pages


@pytest.mark.parametrize(("build", "parser"), [(mode_6, mode.parse_6), (mode_10, mode.parse_10)])
@pytest.mark.parametrize("descriptors", [b"", bytes(8)])
def test_mode(build: object, parser: object, descriptors: bytes) -> None:
    def parsed(parameter: int, pages: bytes = b"") -> mode.Mode:
        return parser(build(parameter, pages, descriptors))  # type: ignore[operator,no-any-return]

    assert parsed(0x80) == mode.Mode(write_protected=True)
    assert parsed(0x10, OTHER) == mode.Mode(dpo_fua=True)
    assert parsed(0, OTHER + SUBPAGE + CACHING_ON) == mode.Mode(write_cache=True)
    assert parsed(0, CACHING_OFF + CACHING_ON) == mode.Mode(write_cache=False)
    assert parsed(0, SUBPAGE[:3]) == mode.Mode()


def test_mode_cut_off() -> None:
    raw = mode_6(0x80, CACHING_ON)
    assert mode.parse_6(raw[:6]) == mode.Mode(write_protected=True)
    assert mode.parse_6(bytes((3, 0, 0x80, 200))) == mode.Mode(write_protected=True)
    for parser, length in ((mode.parse_6, 3), (mode.parse_10, 7)):
        with pytest.raises(MalformedError):
            parser(bytes(length))


# ---- anything ----------------------------------------------------------------------------------------------------

PARSERS = [
    inquiry.parse,
    capacity.parse_16,
    capacity.parse_10,
    mode.parse_6,
    mode.parse_10,
    vpd.supported_pages,
    vpd.serial,
    vpd.wwn,
    vpd.block_limits,
    vpd.is_rotational,
    vpd.provisioning,
]


@given(st.sampled_from(PARSERS), st.sampled_from(list(Page)), st.binary(max_size=120))
def test_only_malformed_comes_out(parser: object, code: Page, raw: bytes) -> None:
    for data in (raw, page(code, raw), page(code, raw, length=0xFFFF)):
        with contextlib.suppress(MalformedError):
            parser(data)  # type: ignore[operator]
