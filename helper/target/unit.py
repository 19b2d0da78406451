# SPDX-License-Identifier: Apache-2.0
"""A logical unit: a table of commands over a disk (SPC-4, SBC-3)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from . import inquiry
from .config import DiskConfig
from .sense import (
    BUSY,
    CAPACITY_CHANGED,
    GOOD,
    INVALID_FIELD,
    INVALID_FIELD_IN_UNIT,
    INVALID_OPCODE,
    INVALID_PARAMETER,
    LUN_RESET,
    MISCOMPARE,
    NO_SENSE,
    NO_SUCH_LUN,
    NOT_READY,
    OUT_OF_RANGE,
    PARAMETER_LENGTH,
    WRITE_PROTECTED,
    Check,
    Result,
    Sense,
)
from .storage import Disk

Data = bytes | memoryview
INQUIRY, REPORT_LUNS, REQUEST_SENSE, TEST_UNIT_READY = 0x12, 0xA0, 0x03, 0x00
#: These are answered in spite of a pending unit attention (SAM-5 5.14), and by a unit that is offline.
ALWAYS_ANSWERED = frozenset({INQUIRY, REPORT_LUNS, REQUEST_SENSE})
#: At most so many attentions wait for a session; the oldest are the interesting ones.
MAX_ATTENTIONS = 8


@dataclass(frozen=True, slots=True)
class Range:
    """Which blocks a command is about."""

    lba: int
    blocks: int


def _number(cdb: bytes, start: int, end: int) -> int:
    return int.from_bytes(cdb[start:end], "big")


def _range6(cdb: bytes) -> Range:
    return Range(_number(cdb, 1, 4) & 0x1FFFFF, cdb[4] or 256)


def _range10(cdb: bytes) -> Range:
    return Range(_number(cdb, 2, 6), _number(cdb, 7, 9))


def _range12(cdb: bytes) -> Range:
    return Range(_number(cdb, 2, 6), _number(cdb, 6, 10))


def _range16(cdb: bytes) -> Range:
    return Range(_number(cdb, 2, 10), _number(cdb, 10, 14))


#: Commands that move blocks, and where their CDB says which.
READS: dict[int, Callable[[bytes], Range]] = {0x08: _range6, 0x28: _range10, 0xA8: _range12, 0x88: _range16}
WRITES: dict[int, Callable[[bytes], Range]] = {0x0A: _range6, 0x2A: _range10, 0xAA: _range12, 0x8A: _range16}
WRITE_SAMES: dict[int, Callable[[bytes], Range]] = {0x41: _range10, 0x93: _range16}
VERIFIES: dict[int, Callable[[bytes], Range]] = {0x2F: _range10, 0xAF: _range12, 0x8F: _range16}
UNMAP = 0x42


class Unit:
    """One logical unit, shared by all sessions. Thread-safe: the disk's reads and writes are, the rest has a lock."""

    def __init__(self, target: str, config: DiskConfig) -> None:
        self.config = config
        self.identity = inquiry.Identity.of(target, config)
        self.disk = Disk(config.size, config.file, read_only=config.read_only)
        self.online = True
        self.busy = 0  # so many more commands are answered with BUSY
        self._attentions: dict[int, list[Sense]] = {}
        self._lock = threading.Lock()

    # -- for tests and for the session -------------------------------------------------------------------------
    def attach(self, nexus: int, first: Sense | None) -> None:
        """A new session sees this unit."""
        with self._lock:
            self._attentions[nexus] = [first] if first else []

    def detach(self, nexus: int) -> None:
        """A session is gone."""
        with self._lock:
            self._attentions.pop(nexus, None)

    def attention(self, sense: Sense, but: int | None = None) -> None:
        """Tell every session (`but` one) with its next command that something happened."""
        with self._lock:
            for nexus, waiting in self._attentions.items():
                if nexus != but and len(waiting) < MAX_ATTENTIONS:
                    waiting.append(sense)

    def resize(self, size: int) -> None:
        """Make the disk larger or smaller, and tell."""
        self.disk.resize(size)
        self.attention(CAPACITY_CHANGED)

    def reset(self) -> None:
        """LOGICAL UNIT RESET."""
        self.attention(LUN_RESET)

    @property
    def blocks(self) -> int:
        """How many blocks it has."""
        return self.disk.size // self.config.block_size

    # -- commands ----------------------------------------------------------------------------------------------
    def data_out_length(self, cdb: bytes) -> int:
        """Return how many bytes this command takes from the initiator."""
        op = cdb[0]
        if op in WRITES:
            return WRITES[op](cdb).blocks * self.config.block_size
        if op in VERIFIES:
            return VERIFIES[op](cdb).blocks * self.config.block_size if cdb[1] & 0x06 == 0x02 else 0
        if op in WRITE_SAMES:
            return 0 if op == 0x93 and cdb[1] & 0x01 else self.config.block_size
        return _number(cdb, 7, 9) if op == UNMAP else 0

    def execute(self, nexus: int, cdb: bytes, data: Data) -> Result:
        """Run one command to its end."""
        try:
            self._before(nexus, cdb[0])
            command = self._COMMANDS.get(cdb[0])
            if command is None:
                return Result.check(INVALID_OPCODE)
            if cdb[0] == REQUEST_SENSE:
                return self._request_sense(nexus, cdb)
            return self._cut_short(cdb, data) or command(self, cdb, data)
        except Check as check:
            return Result.check(check.sense)
        except _Busy:
            return Result(BUSY)
        except OSError:  # the file behind the disk
            return Result.check(Sense(0x4, 0x44, 0x00))

    def _cut_short(self, cdb: bytes, data: Data) -> Result | None:
        """Refuse a part of a list, of a pattern, or of what is to be compared: it is of no use (SPC-4: 0Eh/03h)."""
        wanted = 0 if cdb[0] in WRITES else self.data_out_length(cdb)
        return replace(Result.check(INVALID_FIELD_IN_UNIT), wanted=wanted) if len(data) < wanted else None

    def _before(self, nexus: int, op: int) -> None:
        if op in ALWAYS_ANSWERED:
            return
        with self._lock:
            waiting = self._attentions.get(nexus)
            if waiting:
                raise Check(waiting.pop(0))
            if self.busy:
                self.busy -= 1
                raise _Busy
        if not self.online:
            raise Check(NOT_READY)

    def _place(self, where: Range) -> tuple[int, int]:
        """Return offset and length in bytes; Check when it is not on the disk, or too much at once."""
        if where.lba + where.blocks > self.blocks:
            raise Check(replace(OUT_OF_RANGE, information=where.lba))
        return where.lba * self.config.block_size, where.blocks * self.config.block_size

    def _transfer(self, cdb: bytes, where: Range) -> tuple[int, int]:
        if cdb[0] not in {0x08, 0x0A} and cdb[1] >> 5:  # RDPROTECT, WRPROTECT: there is no protection information
            raise Check(INVALID_FIELD)
        offset, length = self._place(where)
        if length > self.config.max_transfer:
            raise Check(INVALID_FIELD)
        return offset, length

    def _writable(self) -> None:
        if self.config.read_only:
            raise Check(WRITE_PROTECTED)

    def _read(self, cdb: bytes, data: Data) -> Result:
        offset, length = self._transfer(cdb, READS[cdb[0]](cdb))
        return Result(data=self.disk.read(offset, length))

    def _write(self, cdb: bytes, data: Data) -> Result:
        self._writable()
        offset, length = self._transfer(cdb, WRITES[cdb[0]](cdb))
        # Where the initiator expected to send less than the CDB says, the rest is a residual overflow (RFC 7143,
        # 11.4.5.1): what was transferred is written to its last byte, a part of a block too.
        self.disk.write(offset, memoryview(data)[:length])
        if cdb[0] != 0x0A and cdb[1] & 0x08:  # FUA
            self.disk.flush()
        return Result(wanted=length)

    def _write_same(self, cdb: bytes, data: Data) -> Result:
        self._writable()
        unmap, anchor = cdb[1] & 0x08, cdb[1] & 0x10
        if cdb[1] >> 5 or anchor or (unmap and not self.config.thin):
            raise Check(INVALID_FIELD)
        where = WRITE_SAMES[cdb[0]](cdb)
        offset, length = self._place(where)
        if not 0 < length <= self.config.max_transfer:
            raise Check(INVALID_FIELD)
        block = bytes(data) or bytes(self.config.block_size)
        if not any(block):
            self.disk.punch(offset, length)
        else:
            self._fill(offset, length, block)
        return Result(wanted=self.data_out_length(cdb))

    def _fill(self, offset: int, length: int, block: bytes) -> None:
        piece = block * max((1 << 20) // len(block), 1)
        for start in range(offset, offset + length, len(piece)):
            self.disk.write(start, piece[: min(len(piece), offset + length - start)])

    def _unmap(self, cdb: bytes, data: Data) -> Result:
        if not self.config.thin:
            raise Check(INVALID_OPCODE)
        self._writable()
        if cdb[1] & 1:  # ANCHOR
            raise Check(INVALID_FIELD)
        for where in _unmap_ranges(bytes(data)):
            self.disk.punch(*self._place(where))
        return Result(wanted=self.data_out_length(cdb))

    def _synchronize(self, cdb: bytes, data: Data) -> Result:
        self._place((_range16 if cdb[0] == 0x91 else _range10)(cdb))
        self.disk.flush()
        return Result()

    def _verify(self, cdb: bytes, data: Data) -> Result:
        compare = cdb[1] >> 1 & 3  # BYTCHK: nothing, byte by byte, or others that are not there
        if compare > 1:
            raise Check(INVALID_FIELD)
        offset, length = self._transfer(cdb, VERIFIES[cdb[0]](cdb))
        if compare and self.disk.read(offset, length) != data:
            raise Check(MISCOMPARE)
        return Result(wanted=self.data_out_length(cdb))

    def _inquiry(self, cdb: bytes, data: Data) -> Result:
        length = _number(cdb, 3, 5)
        if cdb[1] & 1:
            return Result(data=inquiry.page(cdb[2], self.identity, self.config)[:length])
        if cdb[2]:
            raise Check(INVALID_FIELD)
        return Result(data=inquiry.standard(self.identity, removable=self.config.removable)[:length])

    def _ready(self, cdb: bytes, data: Data) -> Result:
        return Result()

    def _request_sense(self, nexus: int, cdb: bytes) -> Result:
        with self._lock:
            waiting = self._attentions.get(nexus)
            sense = waiting.pop(0) if waiting else NO_SENSE
        return Result(data=sense.pack()[: cdb[4]])

    def _capacity10(self, cdb: bytes, data: Data) -> Result:
        if _number(cdb, 2, 6) and not cdb[8] & 1:
            raise Check(INVALID_FIELD)
        last = min(self.blocks - 1, 0xFFFFFFFF)
        return Result(data=last.to_bytes(4, "big") + self.config.block_size.to_bytes(4, "big"))

    def _service_action_in(self, cdb: bytes, data: Data) -> Result:
        action = {0x10: self._capacity16, 0x12: self._lba_status}.get(cdb[1] & 0x1F)
        if action is None:
            raise Check(INVALID_FIELD)
        return Result(data=action(cdb)[: _number(cdb, 10, 14)])

    def _capacity16(self, cdb: bytes) -> bytes:
        config = self.config
        answer = bytearray(32)
        answer[0:8] = (self.blocks - 1).to_bytes(8, "big")
        answer[8:12] = config.block_size.to_bytes(4, "big")
        answer[13] = max(config.physical_block_size // config.block_size, 1).bit_length() - 1
        answer[14] = 0xC0 if config.thin else 0  # LBPME, LBPRZ
        return bytes(answer)

    def _lba_status(self, cdb: bytes) -> bytes:
        if not self.config.thin:
            raise Check(INVALID_FIELD)
        lba, size = _number(cdb, 2, 10), self.config.block_size
        offset, _ = self._place(Range(lba, 1))
        mapped, end = self.disk.extent(offset)
        blocks = min(max(-(-end // size) - lba, 1), self.blocks - lba, 0xFFFFFFFF)
        descriptor = lba.to_bytes(8, "big") + blocks.to_bytes(4, "big") + bytes([0 if mapped else 1, 0, 0, 0])
        return (20).to_bytes(4, "big") + bytes(4) + descriptor

    def _mode_sense(self, cdb: bytes, data: Data) -> Result:
        short = cdb[0] == 0x1A
        pages = inquiry.mode_pages(cdb[2] & 0x3F, cdb[3], cdb[2] >> 6)
        device = (0x80 if self.config.read_only else 0) | 0x10  # WP, DPOFUA
        blocks = b"" if cdb[1] & 0x08 else self._block_descriptor()
        if short:
            header = bytes([3 + len(blocks) + len(pages), 0, device, len(blocks)])
        else:
            header = (6 + len(blocks) + len(pages)).to_bytes(2, "big") + bytes([0, device, 0, 0])
            header += len(blocks).to_bytes(2, "big")
        return Result(data=(header + blocks + pages)[: cdb[4] if short else _number(cdb, 7, 9)])

    def _block_descriptor(self) -> bytes:
        return min(self.blocks, 0xFFFFFFFF).to_bytes(4, "big") + self.config.block_size.to_bytes(4, "big")

    _COMMANDS: ClassVar[Mapping[int, Callable[[Unit, bytes, Data], Result]]] = {
        TEST_UNIT_READY: _ready,
        REQUEST_SENSE: _ready,  # answered before the table is used: it needs the session
        INQUIRY: _inquiry,
        0x1A: _mode_sense,
        0x5A: _mode_sense,
        0x25: _capacity10,
        0x9E: _service_action_in,
        0x35: _synchronize,
        0x91: _synchronize,
        UNMAP: _unmap,
        **dict.fromkeys(READS, _read),
        **dict.fromkeys(WRITES, _write),
        **dict.fromkeys(VERIFIES, _verify),
        **dict.fromkeys(WRITE_SAMES, _write_same),
    }


class _Busy(Exception):  # noqa: N818 - a status
    pass


def _unmap_ranges(data: bytes) -> list[Range]:
    """Return what an UNMAP parameter list is about (SBC-3 5.28.2)."""
    if not data:
        return []
    if len(data) < 8:
        raise Check(PARAMETER_LENGTH)
    length = min(_number(data, 2, 4), len(data) - 8) // 16 * 16
    if length > 256 * 16:
        raise Check(INVALID_PARAMETER)
    return [Range(_number(data, at, at + 8), _number(data, at + 8, at + 12)) for at in range(8, 8 + length, 16)]


def lun_number(field: int) -> int | None:
    """Return the number in an 8-byte LUN field, of the peripheral or the flat form (SAM-5 4.7); None for others."""
    if field & 0xFFFFFFFFFFFF:
        return None
    form, number = field >> 62, field >> 48 & 0x3FFF
    if form == 0:
        return number if number < 256 else None
    return number if form == 1 else None


def lun_field(number: int) -> int:
    """Return the 8-byte LUN field of a number."""
    return (number if number < 256 else 0x4000 | number) << 48


def report_luns(numbers: list[int], cdb: bytes) -> Result:
    """REPORT LUNS (SPC-4 6.33)."""
    if cdb[2] not in {0x00, 0x01, 0x02} or _number(cdb, 6, 10) < 16:
        return Result.check(INVALID_FIELD)
    listed = [] if cdb[2] == 0x01 else sorted(numbers)  # 1: well known units, of which there are none
    body = b"".join(lun_field(number).to_bytes(8, "big") for number in listed)
    return Result(data=((len(body)).to_bytes(4, "big") + bytes(4) + body)[: _number(cdb, 6, 10)])


def without_unit(cdb: bytes) -> Result:
    """Answer a command to a LUN where no unit is."""
    if cdb[0] == INQUIRY and not cdb[1] & 1:
        return Result(data=inquiry.no_unit()[: _number(cdb, 3, 5)])
    if cdb[0] == REQUEST_SENSE:
        return Result(GOOD, data=NO_SUCH_LUN.pack()[: cdb[4]])
    return Result.check(NO_SUCH_LUN)
