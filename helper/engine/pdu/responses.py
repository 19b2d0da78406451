# SPDX-License-Identifier: Apache-2.0
"""What a target sends: `parse` makes frozen types of headers; the data path may unpack with `RESPONSE` by itself."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ...api.errors import Problem
from .codes import CONTINUE, FINAL, OPCODE_MASK, TRANSIT, Opcode

#: Every response: byte 0 to 3, TotalAHSLength and DataSegmentLength in one word, LUN (ISID and TSIH in a login),
#: ITT, word 20 (TTT or SNACK tag), StatSN, ExpCmdSN, MaxCmdSN, words 36, 40 and 44.
RESPONSE = struct.Struct(">4BIQ8I")


@dataclass(frozen=True, slots=True)
class Header:
    """What every response has. `ttt` is word 20: Target Transfer Tag, or the SNACK tag of a SCSI Response."""

    opcode: int
    flags: int
    ahs_length: int
    data_length: int
    lun: int
    itt: int
    ttt: int
    stat_sn: int
    exp_cmd_sn: int
    max_cmd_sn: int

    @property
    def final(self) -> bool:
        """The F bit."""
        return bool(self.flags & FINAL)


@dataclass(frozen=True, slots=True)
class ScsiResponse(Header):
    """11.4. Status, residuals and `exp_data_sn` mean something only when `response` is COMPLETED."""

    response: int
    status: int
    exp_data_sn: int
    bidi_residual: int
    residual: int


@dataclass(frozen=True, slots=True)
class DataIn(Header):
    """11.7. `status`, `stat_sn` and `residual` mean something only with the STATUS flag."""

    status: int
    data_sn: int
    offset: int
    residual: int


@dataclass(frozen=True, slots=True)
class R2t(Header):
    """11.8."""

    r2t_sn: int
    offset: int
    desired_length: int


@dataclass(frozen=True, slots=True)
class TaskManagementResponse(Header):
    """11.6."""

    response: int


@dataclass(frozen=True, slots=True)
class NopIn(Header):
    """11.19."""


@dataclass(frozen=True, slots=True)
class TextResponse(Header):
    """11.11."""

    @property
    def more(self) -> bool:
        """The C bit."""
        return bool(self.flags & CONTINUE)


@dataclass(frozen=True, slots=True)
class LoginResponse(Header):
    """11.13. The numbers mean something only when the status class is 0."""

    version_max: int
    version_active: int
    status_class: int
    status_detail: int

    @property
    def transit(self) -> bool:
        """The T bit."""
        return bool(self.flags & TRANSIT)

    @property
    def more(self) -> bool:
        """The C bit."""
        return bool(self.flags & CONTINUE)

    @property
    def stage(self) -> int:
        """CSG."""
        return (self.flags >> 2) & 3

    @property
    def next_stage(self) -> int:
        """NSG, valid when T is 1."""
        return self.flags & 3

    @property
    def isid(self) -> bytes:
        """The six bytes of the initiator's part of the session's name."""
        return (self.lun >> 16).to_bytes(6, "big")

    @property
    def tsih(self) -> int:
        """The target's part of the session's name."""
        return self.lun & 0xFFFF


@dataclass(frozen=True, slots=True)
class LogoutResponse(Header):
    """11.15."""

    response: int
    time2wait: int
    time2retain: int


@dataclass(frozen=True, slots=True)
class AsyncMessage(Header):
    """11.9."""

    event: int
    vendor_code: int
    parameter1: int
    parameter2: int
    parameter3: int


@dataclass(frozen=True, slots=True)
class Reject(Header):
    """11.17. The data segment is the header of the PDU that was refused."""

    reason: int
    data_sn: int


AnyResponse = (
    ScsiResponse
    | DataIn
    | R2t
    | TaskManagementResponse
    | NopIn
    | TextResponse
    | LoginResponse
    | LogoutResponse
    | AsyncMessage
    | Reject
)


def parse(header: bytes | bytearray | memoryview) -> AnyResponse:
    """Parse the 48 bytes of a target's PDU; the lengths in it are the reader's to check (framing.py).

    Raises Problem("ProtocolError") for an opcode that no target may send.
    """
    b0, flags, b2, b3, lengths, lun, itt, ttt, stat_sn, exp_cmd_sn, max_cmd_sn, w36, w40, w44 = RESPONSE.unpack(header)
    opcode = b0 & OPCODE_MASK
    ahs_length, data_length = (lengths >> 24) * 4, lengths & 0xFFFFFF
    common = (opcode, flags, ahs_length, data_length, lun, itt, ttt, stat_sn, exp_cmd_sn, max_cmd_sn)
    match opcode:
        case Opcode.SCSI_RESPONSE:
            return ScsiResponse(*common, b2, b3, w36, w40, w44)
        case Opcode.DATA_IN:
            return DataIn(*common, b3, w36, w40, w44)
        case Opcode.R2T:
            return R2t(*common, w36, w40, w44)
        case Opcode.LOGIN_RESPONSE:
            return LoginResponse(*common, b2, b3, w36 >> 24, (w36 >> 16) & 0xFF)
        case _:
            return _parse_rare(common, b2, w36, w40)


_Common = tuple[int, int, int, int, int, int, int, int, int, int]


def _parse_rare(common: _Common, b2: int, w36: int, w40: int) -> AnyResponse:
    match common[0]:
        case Opcode.NOP_IN:
            return NopIn(*common)
        case Opcode.TEXT_RESPONSE:
            return TextResponse(*common)
        case Opcode.TASK_MANAGEMENT_RESPONSE:
            return TaskManagementResponse(*common, b2)
        case Opcode.LOGOUT_RESPONSE:
            return LogoutResponse(*common, b2, w40 >> 16, w40 & 0xFFFF)
        case Opcode.ASYNC_MESSAGE:
            return AsyncMessage(*common, w36 >> 24, (w36 >> 16) & 0xFF, w36 & 0xFFFF, w40 >> 16, w40 & 0xFFFF)
        case Opcode.REJECT:
            return Reject(*common, b2, w36)
        case opcode:
            raise Problem("ProtocolError", detail=f"It sent a message of the unknown kind {opcode:#04x}.")


def split_sense(data: bytes) -> tuple[bytes, bytes]:
    """Split the data segment of a SCSI Response or an Async Message into sense data and the rest (11.4.7, 11.9.4).

    Raises Problem("ProtocolError") when the length in it points behind its end.
    """
    if not data:
        return b"", b""
    length = int.from_bytes(data[:2], "big")
    if len(data) < 2 + length:
        raise Problem("ProtocolError", detail="Sense data is longer than the message that carries it (11.4.7).")
    return data[2 : 2 + length], data[2 + length :]
