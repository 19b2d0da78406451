# SPDX-License-Identifier: Apache-2.0
"""Scan and bring-up with units made of bytes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lundock.helper.api.errors import catalogue
from lundock.helper.engine.scsi import disk, luns
from lundock.helper.engine.scsi.disk import LunInfo, ScsiRequest, ScsiResult, Steps

GOOD, CHECK, BUSY, CONFLICT = 0x00, 0x02, 0x08, 0x18
LUN = 1 << 48


def sense(key: int, asc: int, ascq: int = 0) -> ScsiResult:
    return ScsiResult(CHECK, b"", bytes((0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0)))


UNKNOWN = sense(5, 0x20)
ATTENTION = sense(6, 0x29)


def page(code: int, body: bytes) -> bytes:
    return bytes((0, code)) + len(body).to_bytes(2, "big") + body


def put(size: int, **fields: int) -> bytes:
    """Return bytes with 4-byte fields at w<offset>, 8-byte ones at q<offset>, bytes at b<offset>."""
    raw = bytearray(size)
    for name, value in fields.items():
        width = {"b": 1, "w": 4, "q": 8}[name[0]]
        at = int(name[1:])
        raw[at : at + width] = value.to_bytes(width, "big")
    return bytes(raw)


class Unit:
    """A disk of 4096-byte blocks with everything; `answers` replaces what it says, by what it is asked for."""

    def __init__(self, **answers: ScsiResult) -> None:
        self.log: list[str] = []
        self.answers = answers
        self.attentions = 0
        self.pages = {
            0x00: b"\x00\x80\x83\xb0\xb1\xb2",
            0x80: b"SN-1",
            0x83: b"\x01\x03\x00\x10" + bytes.fromhex("6001405a1b2c3d4e5f60718293a4b5c6"),
            0xB0: put(60, w4=2048, w8=128, w16=65536, w20=8, w24=16, w28=0x80000003, q32=4096),
            0xB1: b"\x00\x01" + bytes(58),
            0xB2: bytes((0, 0xC4, 2, 0)),
        }

    def __call__(self, request: ScsiRequest) -> ScsiResult:
        name = self._name(request.cdb)
        self.log.append(name)
        if self.attentions and name != "inquiry":
            self.attentions -= 1
            return ATTENTION
        if name in self.answers:
            return self.answers[name]
        result = self._answer(name)
        assert len(result.data) <= request.read_length
        return result

    @staticmethod
    def _name(cdb: bytes) -> str:
        if cdb[0] == 0x12:
            return f"page{cdb[2]:02x}" if cdb[1] else "inquiry"
        names = {0x00: "ready", 0x1A: f"mode6_{cdb[2]:02x}", 0x5A: "mode10", 0x25: "capacity10", 0x9E: "capacity16"}
        return (names | {0xA0: "luns"})[cdb[0]]

    def _answer(self, name: str) -> ScsiResult:
        if name.startswith("page"):
            code = int(name[4:], 16)
            return ScsiResult(GOOD, page(code, self.pages[code])) if code in self.pages else sense(5, 0x24)
        data = {
            "inquiry": b"\x00\x80\x06\x02\x1f\0\0\x02ACME    Disk of Stone   1.05",
            "ready": b"",
            "capacity16": put(32, q0=(1 << 32) - 1, w8=4096, b13=2, b14=0xC0),
            "capacity10": put(8, w0=0xFFFF, w4=512),
            "mode6_3f": b"\x17\x00\x10\x00\x08\x12\x04" + bytes(17),
            "mode6_08": b"\x03\x00\x80\x00",
            "mode10": b"\x00\x06\x00\x80\x00\x00\x00\x00",
        }
        return ScsiResult(GOOD, data[name])


def run(steps: Steps[disk.T], unit: Callable[[ScsiRequest], ScsiResult]) -> disk.T:
    try:
        request = next(steps)
        while True:
            request = steps.send(unit(request))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def bring_up(unit: Unit) -> LunInfo:
    return run(disk.bring_up(LUN), unit)


def test_everything() -> None:
    unit = Unit()
    assert bring_up(unit) == LunInfo(
        address=LUN,
        number=1,
        kind="disk",
        vendor="ACME",
        model="Disk of Stone",
        revision="1.05",
        serial="SN-1",
        wwn="naa.6001405a1b2c3d4e5f60718293a4b5c6",
        size=1 << 44,
        block_size=4096,
        physical_block_size=16384,
        read_only=False,
        fua=True,
        write_cache=True,
        thin=True,
        removable=True,
        rotational=False,
        read_zeros=True,
        unmap=True,
        max_unmap_blocks=65536,
        max_unmap_extents=8,
        unmap_granularity=16,
        unmap_alignment=3,
        write_same=True,
        write_same_unmap=True,
        max_write_same_blocks=4096,
        max_transfer_blocks=2048,
        optimal_transfer_blocks=128,
        problem="",
    )
    assert unit.log == [
        *("inquiry", "page00", "page80", "page83", "ready"),
        *("capacity16", "pageb0", "pageb2", "pageb1", "mode6_3f"),
    ]


def test_no_page_is_asked_for_that_is_not_listed() -> None:
    unit = Unit()
    unit.pages[0] = b"\x00"
    found = bring_up(unit)
    assert [name for name in unit.log if name.startswith("page")] == ["page00"]
    assert (found.wwn, found.serial, found.unmap, found.thin, found.problem) == ("", "", False, False, "")


def test_unit_without_vital_product_data() -> None:
    assert bring_up(Unit(page00=sense(5, 0x24))).size == 1 << 44


def test_pages_that_make_no_sense() -> None:
    garbage = ScsiResult(GOOD, b"\0\0\0\0garbage")
    found = bring_up(Unit(page80=garbage, page83=garbage, pageb0=garbage, pageb1=garbage, pageb2=garbage))
    assert (found.serial, found.wwn, found.unmap, found.rotational, found.problem) == ("", "", False, True, "")


def test_unit_attentions_are_eaten() -> None:
    unit = Unit()
    unit.attentions = 5
    found = bring_up(unit)
    assert (found.problem, found.size) == ("", 1 << 44)


def test_unit_that_never_calms_down() -> None:
    unit = Unit(ready=ATTENTION)
    assert bring_up(unit).problem == "IoError"
    assert unit.log.count("ready") == disk.MAX_ATTENTIONS + 1


def test_capacity_10() -> None:
    """For a unit that does not know READ CAPACITY(16): 512e and thin are not for it to say."""
    found = bring_up(Unit(capacity16=UNKNOWN))
    assert (found.size, found.block_size, found.thin, found.problem) == (1 << 25, 512, False, "")


PROBLEMS = {
    "no unit": ({"inquiry": ScsiResult(GOOD, b"\x7f\0\x06\x02\x1f" + bytes(31))}, "other", "NoSuchLun"),
    "no lun": ({"inquiry": sense(5, 0x25)}, "other", "NoSuchLun"),
    "empty inquiry": ({"inquiry": ScsiResult(GOOD)}, "other", "ScsiError"),
    "cdrom": ({"inquiry": ScsiResult(GOOD, b"\x05\x80\x06\x02\x1f" + bytes(31))}, "cdrom", "NotADisk"),
    "not ready": ({"ready": sense(2, 4, 3)}, "disk", "NotReady"),
    "becoming ready": ({"ready": sense(2, 4, 1), "capacity16": sense(2, 4, 1)}, "disk", "NotReady"),
    "no medium": ({"ready": sense(2, 0x3A), "capacity16": sense(2, 0x3A)}, "disk", "NotReady"),
    "busy": ({"ready": ScsiResult(BUSY), "capacity16": ScsiResult(BUSY)}, "disk", "NotReady"),
    "reserved": ({"ready": ScsiResult(CONFLICT), "capacity16": ScsiResult(CONFLICT)}, "disk", "ReservationConflict"),
    "blocks of 520": ({"capacity16": ScsiResult(GOOD, put(32, q0=9, w8=520))}, "disk", "NotSupported"),
    "too large for (10)": (
        {"capacity16": UNKNOWN, "capacity10": ScsiResult(GOOD, put(8, w0=0xFFFFFFFF, w4=512))},
        "disk",
        "NotSupported",
    ),
    "no capacity at all": ({"capacity16": UNKNOWN, "capacity10": sense(4, 0x44)}, "disk", "IoError"),
    "short capacity": ({"capacity16": ScsiResult(GOOD, b"\0\0")}, "disk", "NotSupported"),
}


@pytest.mark.parametrize(("answers", "kind", "problem"), PROBLEMS.values(), ids=PROBLEMS)
def test_problems(answers: dict[str, ScsiResult], kind: str, problem: str) -> None:
    found = bring_up(Unit(**answers))
    assert (found.kind, found.problem, found.address) == (kind, problem, LUN)
    assert problem in catalogue()


def test_reservation_that_lets_the_size_be_seen() -> None:
    found = bring_up(Unit(ready=ScsiResult(CONFLICT)))
    assert (found.size, found.problem) == (1 << 44, "")


MODES = [
    ({}, False, True, True),
    ({"mode6_3f": ScsiResult(GOOD, b"\x03\x00\x80\x00")}, True, False, True),
    ({"mode6_3f": ScsiResult(GOOD, b"\x17\x00\x00\x00\x08\x12\x00" + bytes(17))}, False, False, False),
    ({"mode6_3f": UNKNOWN}, True, False, True),  # MODE SENSE(10) says that it is write protected
    ({"mode6_3f": ScsiResult(GOOD, b"\0"), "mode10": UNKNOWN}, True, False, True),  # page 08 says it
    ({"mode6_3f": UNKNOWN, "mode10": UNKNOWN, "mode6_08": UNKNOWN}, False, False, True),
]


@pytest.mark.parametrize(("answers", "read_only", "fua", "cache"), MODES)
def test_mode(answers: dict[str, ScsiResult], *, read_only: bool, fua: bool, cache: bool) -> None:
    """A unit that knows no MODE SENSE is writable, and flushed."""
    found = bring_up(Unit(**answers))
    assert (found.read_only, found.fua, found.write_cache) == (read_only, fua, cache)


def test_write_same_without_unmap() -> None:
    unit = Unit()
    unit.pages[0xB0] = put(60, w4=2048, q32=64)
    unit.pages[0xB2] = bytes((0, 0x40, 2, 0))
    found = bring_up(unit)
    assert (found.unmap, found.thin, found.write_same, found.write_same_unmap) == (False, True, True, True)


# ---- scan --------------------------------------------------------------------------------------------------------


def report(*found: int) -> ScsiResult:
    raw = b"".join(lun.to_bytes(8, "big") for lun in found)
    return ScsiResult(GOOD, len(raw).to_bytes(4, "big") + bytes(4) + raw)


def test_scan() -> None:
    """Well-known units are no disks; the rest in the order of the list."""
    found = run(disk.scan(), Unit(luns=report(LUN, 0xC101 << 48, 0x4100 << 48)))
    assert [unit.number for unit in found] == [1, 256]


def test_long_list() -> None:
    """RFC 7143, 11.4.5.3: asked again with room for all of it."""
    all_of_them = [luns.from_number(number) for number in range(600)]
    asked: list[int] = []
    unit = Unit(inquiry=ScsiResult(GOOD, b"\x0c\0\x06\x02\x1f" + bytes(31)))

    def target(request: ScsiRequest) -> ScsiResult:
        if request.cdb[0] != 0xA0:
            return unit(request)
        asked.append(request.read_length)
        assert int.from_bytes(request.cdb[6:10], "big") == request.read_length
        return ScsiResult(GOOD, report(*all_of_them).data[: request.read_length])

    found = run(disk.scan(), target)
    assert asked == [4096, 8 + 8 * 600]
    assert [unit.number for unit in found] == list(range(600))


def test_no_report_luns() -> None:
    assert [unit.number for unit in run(disk.scan(), Unit(luns=UNKNOWN))] == [0]


def test_empty_list() -> None:
    assert run(disk.scan(), Unit(luns=report())) == ()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 2, 2, 0x18, 0x28]), st.binary(max_size=80), st.binary(max_size=20)), min_size=1
    )
)
def test_any_answers(answers: list[tuple[int, bytes, bytes]]) -> None:
    """Whatever units say, a scan ends, and says of each unit what it is or what is wrong with it."""
    count = 0

    def target(request: ScsiRequest) -> ScsiResult:
        nonlocal count
        count += 1
        status, data, raw = answers[count % len(answers)]
        return ScsiResult(status, data[: request.read_length], raw)

    for unit in run(disk.scan(), target):
        assert unit.problem in catalogue() or (unit.problem == "" and unit.block_size >= 512)
    assert count < 20 * 40 * disk.MAX_ATTENTIONS
