# SPDX-License-Identifier: Apache-2.0
"""iSCSI PDUs as the target reads and writes them (RFC 7143, section 11).

A `Pdu` is the 48 bytes of the basic header, what follows it, and names for the fields. Fields that share a place have
several names: which one is right depends on the opcode. Nothing is checked here, so that a script can build what the
standard forbids.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol, Self, overload

import crc32c

BHS_LENGTH = 48
NO_TAG = 0xFFFFFFFF
#: No initiator of ours or others' sends longer ones; a length field of 24 bits must not become an allocation.
MAX_AHS = 255 * 4


class Op(IntEnum):
    """Opcodes (11.2.1.2)."""

    NOP_OUT = 0x00
    SCSI_COMMAND = 0x01
    TASK_REQUEST = 0x02
    LOGIN_REQUEST = 0x03
    TEXT_REQUEST = 0x04
    DATA_OUT = 0x05
    LOGOUT_REQUEST = 0x06
    SNACK = 0x10
    NOP_IN = 0x20
    SCSI_RESPONSE = 0x21
    TASK_RESPONSE = 0x22
    LOGIN_RESPONSE = 0x23
    TEXT_RESPONSE = 0x24
    DATA_IN = 0x25
    LOGOUT_RESPONSE = 0x26
    R2T = 0x31
    ASYNC = 0x32
    REJECT = 0x3F


class _Field:
    """A big-endian number in the basic header."""

    def __init__(self, offset: int, size: int) -> None:
        self._at = slice(offset, offset + size)
        self._size = size

    @overload
    def __get__(self, pdu: None, kind: type) -> Self: ...
    @overload
    def __get__(self, pdu: Pdu, kind: type) -> int: ...
    def __get__(self, pdu: Pdu | None, kind: type) -> int | Self:
        return self if pdu is None else int.from_bytes(pdu.bhs[self._at], "big")

    def __set__(self, pdu: Pdu, value: int) -> None:
        pdu.bhs[self._at] = value.to_bytes(self._size, "big")


class _Bit:
    """One bit of the basic header."""

    def __init__(self, offset: int, mask: int) -> None:
        self._offset = offset
        self._mask = mask

    @overload
    def __get__(self, pdu: None, kind: type) -> Self: ...
    @overload
    def __get__(self, pdu: Pdu, kind: type) -> bool: ...
    def __get__(self, pdu: Pdu | None, kind: type) -> bool | Self:
        return self if pdu is None else bool(pdu.bhs[self._offset] & self._mask)

    def __set__(self, pdu: Pdu, value: bool) -> None:
        rest = pdu.bhs[self._offset] & ~self._mask
        pdu.bhs[self._offset] = rest | (self._mask if value else 0)


@dataclass
class Pdu:
    """One PDU. The two lengths in the header are set when it is written, unless `keep_lengths`."""

    bhs: bytearray = field(default_factory=lambda: bytearray(BHS_LENGTH))
    ahs: bytes = b""
    data: bytes | memoryview = b""
    keep_lengths: bool = False

    immediate = _Bit(0, 0x40)
    final = _Bit(1, 0x80)
    go_on = _Bit(1, 0x40)  # C: the text goes on in the next PDU; also A in Data-In
    flags = _Field(1, 1)
    version = _Field(2, 1)
    version_min = _Field(3, 1)
    response = _Field(2, 1)
    reason = _Field(2, 1)
    status = _Field(3, 1)
    data_length = _Field(5, 3)
    lun = _Field(8, 8)
    isid = _Field(8, 6)
    tsih = _Field(14, 2)
    itt = _Field(16, 4)
    ttt = _Field(20, 4)
    cid = _Field(20, 2)
    edtl = _Field(20, 4)
    ref_tag = _Field(20, 4)
    cmd_sn = _Field(24, 4)
    stat_sn = _Field(24, 4)
    exp_stat_sn = _Field(28, 4)
    exp_cmd_sn = _Field(28, 4)
    max_cmd_sn = _Field(32, 4)
    ref_cmd_sn = _Field(32, 4)
    data_sn = _Field(36, 4)
    r2t_sn = _Field(36, 4)
    login_status = _Field(36, 2)
    offset = _Field(40, 4)
    residual = _Field(44, 4)
    desired = _Field(44, 4)
    time2wait = _Field(40, 2)
    time2retain = _Field(42, 2)
    async_event = _Field(36, 1)
    async_code = _Field(37, 1)
    parameter1 = _Field(38, 2)
    parameter2 = _Field(40, 2)
    parameter3 = _Field(42, 2)

    @classmethod
    def make(cls, op: int, data: bytes | memoryview = b"", **fields: int | bool) -> Pdu:
        """Make a PDU: the opcode, its data, and fields by the names above."""
        pdu = cls(data=data)
        pdu.bhs[0] = op
        pdu.final = True
        for name, value in fields.items():
            setattr(pdu, name, value)
        return pdu

    @property
    def op(self) -> int:
        """The opcode without the immediate bit."""
        return self.bhs[0] & 0x3F

    @property
    def cdb(self) -> bytes:
        """The first 16 bytes of the SCSI command."""
        return bytes(self.bhs[32:48])

    @property
    def stages(self) -> tuple[int, int]:
        """CSG and NSG of a login PDU (11.12.3)."""
        return self.bhs[1] >> 2 & 3, self.bhs[1] & 3

    def copy(self) -> Pdu:
        """Return one that can be altered on its own."""
        return Pdu(bytearray(self.bhs), self.ahs, bytes(self.data), self.keep_lengths)

    def __repr__(self) -> str:
        try:
            name = Op(self.op).name
        except ValueError:
            name = f"{self.op:#x}"
        return f"<{name} itt={self.itt:x} flags={self.flags:02x} data={len(self.data)}>"

    def pack(self, *, header_digest: bool = False, data_digest: bool = False) -> bytes:
        """Return it as sent: padded to four bytes, with the digests (11.2.3, 11.2.4)."""
        if not self.keep_lengths:
            self.bhs[4] = len(self.ahs) // 4
            self.data_length = len(self.data)
        header = bytes(self.bhs) + self.ahs
        parts = [header]
        if header_digest:
            parts.append(digest(header))
        if self.data:
            body = bytes(self.data) + bytes(-len(self.data) % 4)
            parts.append(body)
            if data_digest:
                parts.append(digest(body))
        return b"".join(parts)


class Disconnected(Exception):  # noqa: N818 - the peer's right, not an error
    """The peer closed, in the middle of a PDU or between two."""


class BadDigest(Exception):  # noqa: N818 - named for what it is
    """A checksum did not fit; `pdu` is what came when the header is good."""

    def __init__(self, pdu: Pdu | None) -> None:
        super().__init__("data" if pdu else "header")
        self.pdu = pdu


class TooLong(Exception):  # noqa: N818 - named for what it is
    """A data segment above our MaxRecvDataSegmentLength."""


def digest(data: bytes) -> bytes:
    """CRC32C as it goes over the wire (13.1; the examples of RFC 7143 appendix A.4 hold)."""
    return int(crc32c.crc32c(data)).to_bytes(4, "little")


class Readable(Protocol):
    """A buffered stream."""

    def read(self, length: int, /) -> bytes:
        """Return so many bytes, fewer only at the end."""
        ...


def read(stream: Readable, limit: int, *, header_digest: bool, data_digest: bool) -> Pdu:
    """Read one PDU of at most `limit` bytes of data."""
    bhs = _exactly(stream, BHS_LENGTH)
    pdu = Pdu(bytearray(bhs))
    pdu.ahs = _exactly(stream, bhs[4] * 4)
    if header_digest and _exactly(stream, 4) != digest(bhs + pdu.ahs):
        raise BadDigest(None)
    length = pdu.data_length
    if length > limit:
        raise TooLong
    if length:
        body = _exactly(stream, length + -length % 4)
        good = not data_digest or _exactly(stream, 4) == digest(body)
        pdu.data = memoryview(body)[:length]
        if not good:
            raise BadDigest(pdu)
    return pdu


def _exactly(stream: Readable, length: int) -> bytes:
    data = stream.read(length) if length else b""
    if len(data) != length:
        raise Disconnected
    return data
