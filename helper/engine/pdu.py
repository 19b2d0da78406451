# SPDX-License-Identifier: Apache-2.0
"""iSCSI PDUs on the wire: opcodes, headers, flags, and serial numbers (RFC 7143, chapter 11; RFC 1982).

Requests are built by functions that return the 48 bytes of the header; `data_length` is the length of the data segment
that follows it, which the caller pads (`padding`). Responses are parsed into frozen types by `parse`; the data path may
unpack with `RESPONSE` by itself, the layouts are the same.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from ..api.errors import Problem

BHS_SIZE = 48
DIGEST_SIZE = 4
#: Reserved value of both task tags (11.2.1.8, 11.7.4).
NO_TAG = 0xFFFFFFFF
#: Largest DataSegmentLength that its 24 bits can say (11.2.1.6).
MAX_DATA_SEGMENT = 0xFFFFFF


class Opcode(IntEnum):
    """Opcodes (11.2.1.2)."""

    NOP_OUT = 0x00
    SCSI_COMMAND = 0x01
    TASK_MANAGEMENT = 0x02
    LOGIN = 0x03
    TEXT = 0x04
    DATA_OUT = 0x05
    LOGOUT = 0x06
    SNACK = 0x10
    NOP_IN = 0x20
    SCSI_RESPONSE = 0x21
    TASK_MANAGEMENT_RESPONSE = 0x22
    LOGIN_RESPONSE = 0x23
    TEXT_RESPONSE = 0x24
    DATA_IN = 0x25
    LOGOUT_RESPONSE = 0x26
    R2T = 0x31
    ASYNC_MESSAGE = 0x32
    REJECT = 0x3F


OPCODE_MASK = 0x3F
#: Byte 0, requests: immediate delivery (11.2.1.1).
IMMEDIATE = 0x40
#: Byte 1: last PDU of a sequence (11.2.1.3); in login PDUs the T bit (11.12.1).
FINAL = 0x80
TRANSIT = 0x80
#: Byte 1 of login and text: the text goes on in the next PDU (11.12.2, 11.10.2).
CONTINUE = 0x40
#: Byte 1 of a SCSI Command (11.3.1).
READ = 0x40
WRITE = 0x20
#: Byte 1 of a Data-In (11.7.2, 11.7.3) and of a SCSI Response (11.4.1).
ACKNOWLEDGE = 0x40
BIDI_OVERFLOW = 0x10
BIDI_UNDERFLOW = 0x08
OVERFLOW = 0x04
UNDERFLOW = 0x02
STATUS = 0x01


class Attribute(IntEnum):
    """Task attributes (11.3.1)."""

    UNTAGGED = 0
    SIMPLE = 1
    ORDERED = 2
    HEAD_OF_QUEUE = 3
    ACA = 4


class Stage(IntEnum):
    """Login stages (11.12.3)."""

    SECURITY = 0
    OPERATIONAL = 1
    FULL_FEATURE = 3


class Function(IntEnum):
    """Task management functions (11.5.1)."""

    ABORT_TASK = 1
    ABORT_TASK_SET = 2
    CLEAR_ACA = 3
    CLEAR_TASK_SET = 4
    LOGICAL_UNIT_RESET = 5
    TARGET_WARM_RESET = 6
    TARGET_COLD_RESET = 7
    TASK_REASSIGN = 8


class FunctionResponse(IntEnum):
    """Task management responses (11.6.1)."""

    COMPLETE = 0
    NO_TASK = 1
    NO_LUN = 2
    STILL_ALLEGIANT = 3
    REASSIGN_NOT_SUPPORTED = 4
    NOT_SUPPORTED = 5
    AUTHORIZATION_FAILED = 6
    REJECTED = 255


class LogoutReason(IntEnum):
    """Logout reasons (11.14.1)."""

    CLOSE_SESSION = 0
    CLOSE_CONNECTION = 1
    RECOVERY = 2


class AsyncEvent(IntEnum):
    """Asynchronous events (11.9.1); 248 to 255 are the vendor's."""

    SCSI = 0
    LOGOUT_REQUEST = 1
    CONNECTION_DROP = 2
    SESSION_DROP = 3
    NEGOTIATION_REQUEST = 4
    TASK_TERMINATION = 5


class RejectReason(IntEnum):
    """Reject reasons (11.17.1)."""

    DATA_DIGEST = 0x02
    SNACK = 0x03
    PROTOCOL = 0x04
    NOT_SUPPORTED = 0x05
    IMMEDIATE = 0x06
    TASK_IN_PROGRESS = 0x07
    INVALID_DATA_ACK = 0x08
    INVALID_FIELD = 0x09
    LONG_OPERATION = 0x0A
    NEGOTIATION_RESET = 0x0B
    WAITING_FOR_LOGOUT = 0x0C


class Response(IntEnum):
    """Response codes of a SCSI Response (11.4.3); from VENDOR on they are the vendor's, those between are reserved."""

    COMPLETED = 0x00
    TARGET_FAILURE = 0x01
    VENDOR = 0x80


# ---- layouts ---------------------------------------------------------------------------------------------------

#: Every response: byte 0 to 3, TotalAHSLength and DataSegmentLength in one word, LUN (ISID and TSIH in a login),
#: ITT, word 20 (TTT or SNACK tag), StatSN, ExpCmdSN, MaxCmdSN, words 36, 40 and 44.
RESPONSE = struct.Struct(">4BIQ8I")
#: 11.3: opcode, flags, lengths, LUN, ITT, Expected Data Transfer Length, CmdSN, ExpStatSN, CDB.
SCSI_COMMAND = struct.Struct(">BB2xIQIIII16s")
#: 11.7: opcode, flags, lengths, LUN, ITT, TTT, ExpStatSN, DataSN, Buffer Offset.
DATA_OUT = struct.Struct(">BB2xIQII4xI4xII4x")
#: 11.18, 11.10: opcode, flags, lengths, LUN, ITT, TTT, CmdSN, ExpStatSN.
TAGGED = struct.Struct(">BB2xIQIIII16x")
#: 11.5: opcode, flags and function, lengths, LUN, ITT, Referenced Task Tag, CmdSN, ExpStatSN, RefCmdSN, ExpDataSN.
TASK_MANAGEMENT = struct.Struct(">BB2xIQIIIIII8x")
#: 11.14: opcode, flags and reason, lengths, ITT, CID, CmdSN, ExpStatSN.
LOGOUT = struct.Struct(">BB2xI8xIH2xII16x")
#: 11.12: opcode, flags, Version-max, Version-min, lengths, ISID, TSIH, ITT, CID, CmdSN, ExpStatSN.
LOGIN = struct.Struct(">BBBBI6sHIH2xII16x")
#: 11.16: opcode, flags and type, lengths, LUN, ITT, TTT or SNACK tag, ExpStatSN, BegRun, RunLength.
SNACK = struct.Struct(">BB2xIQII4xI8xII")

_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


def padded(length: int) -> int:
    """Return `length` rounded up to whole words (11.2)."""
    return (length + 3) & ~3


def padding(length: int) -> bytes:
    """Return the zero bytes that follow `length` bytes of data (11.2)."""
    return _PADDING[length & 3]


# ---- serial numbers (RFC 1982, 32 bits) --------------------------------------------------------------------------


def sn_add(number: int, step: int = 1) -> int:
    """Return `number` advanced by `step`."""
    return (number + step) & 0xFFFFFFFF


def sn_diff(a: int, b: int) -> int:
    """Return how far `a` is ahead of `b`, negative when it is behind; -2**31 where RFC 1982 leaves it open."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def sn_lt(a: int, b: int) -> bool:
    """`a` < `b`; False where RFC 1982 leaves it open (a distance of exactly 2**31)."""
    return 0 < ((b - a) & 0xFFFFFFFF) < 0x80000000


def sn_le(a: int, b: int) -> bool:
    """`a` <= `b`, as sn_lt."""
    return a == b or sn_lt(a, b)


# ---- requests ----------------------------------------------------------------------------------------------------


def scsi_command(
    *,
    lun: int,
    itt: int,
    cdb: bytes,
    expected_length: int = 0,
    cmd_sn: int,
    exp_stat_sn: int,
    flags: int = FINAL,
    attribute: int = Attribute.SIMPLE,
    immediate: bool = False,
    data_length: int = 0,
) -> bytes:
    """11.3. `flags`: FINAL, READ, WRITE as 11.3.1 wants them; `cdb` of 16 bytes or less."""
    opcode = Opcode.SCSI_COMMAND | (IMMEDIATE if immediate else 0)
    flags |= attribute
    return SCSI_COMMAND.pack(opcode, flags, data_length, lun, itt, expected_length, cmd_sn, exp_stat_sn, cdb)


def data_out(
    *,
    lun: int,
    itt: int,
    ttt: int = NO_TAG,
    exp_stat_sn: int,
    data_sn: int,
    offset: int,
    data_length: int,
    final: bool,
) -> bytes:
    """11.7. For unsolicited data the TTT is NO_TAG; otherwise TTT and LUN are the R2T's."""
    flags = FINAL if final else 0
    return DATA_OUT.pack(Opcode.DATA_OUT, flags, data_length, lun, itt, ttt, exp_stat_sn, data_sn, offset)


def nop_out(
    *,
    itt: int = NO_TAG,
    ttt: int = NO_TAG,
    lun: int = 0,
    cmd_sn: int,
    exp_stat_sn: int,
    immediate: bool = True,
    data_length: int = 0,
) -> bytes:
    """11.18. Without an ITT it must be immediate; with a TTT both TTT and LUN are the NOP-In's."""
    opcode = Opcode.NOP_OUT | (IMMEDIATE if immediate else 0)
    return TAGGED.pack(opcode, FINAL, data_length, lun, itt, ttt, cmd_sn, exp_stat_sn)


def text_request(
    *,
    itt: int,
    ttt: int = NO_TAG,
    lun: int = 0,
    cmd_sn: int,
    exp_stat_sn: int,
    final: bool = True,
    more: bool = False,
    immediate: bool = False,
    data_length: int = 0,
) -> bytes:
    """11.10. `more` is the C bit; with it F is 0 (11.10.2)."""
    opcode = Opcode.TEXT | (IMMEDIATE if immediate else 0)
    flags = CONTINUE if more else FINAL if final else 0
    return TAGGED.pack(opcode, flags, data_length, lun, itt, ttt, cmd_sn, exp_stat_sn)


def task_management(
    function: int,
    *,
    lun: int,
    itt: int,
    referenced: int = NO_TAG,
    cmd_sn: int,
    ref_cmd_sn: int = 0,
    exp_data_sn: int = 0,
    exp_stat_sn: int,
    immediate: bool = True,
) -> bytes:
    """11.5. `referenced` and `ref_cmd_sn` as 11.5.4 and 11.5.5 want them for the function."""
    opcode = Opcode.TASK_MANAGEMENT | (IMMEDIATE if immediate else 0)
    values = (itt, referenced, cmd_sn, exp_stat_sn, ref_cmd_sn, exp_data_sn)
    return TASK_MANAGEMENT.pack(opcode, FINAL | function, 0, lun, *values)


def logout_request(
    reason: int, *, itt: int, cid: int = 0, cmd_sn: int, exp_stat_sn: int, immediate: bool = True
) -> bytes:
    """11.14. `cid` is only valid for the reasons that name a connection."""
    opcode = Opcode.LOGOUT | (IMMEDIATE if immediate else 0)
    return LOGOUT.pack(opcode, FINAL | reason, 0, itt, cid, cmd_sn, exp_stat_sn)


def login_request(
    *,
    isid: bytes,
    tsih: int,
    itt: int,
    cid: int,
    cmd_sn: int,
    exp_stat_sn: int,
    stage: int,
    next_stage: int | None = None,
    more: bool = False,
    data_length: int = 0,
) -> bytes:
    """11.12. `next_stage` sets T; `more` is the C bit, with which T must be 0 (11.12.2). Both versions are 0."""
    flags = stage << 2
    if more:
        flags |= CONTINUE
    elif next_stage is not None:
        flags |= TRANSIT | next_stage
    opcode = Opcode.LOGIN | IMMEDIATE
    return LOGIN.pack(opcode, flags, 0, 0, data_length, isid, tsih, itt, cid, cmd_sn, exp_stat_sn)


def snack_request(
    kind: int, *, lun: int = 0, itt: int = NO_TAG, tag: int = NO_TAG, exp_stat_sn: int, begin: int = 0, count: int = 0
) -> bytes:
    """11.16. Only sent at error recovery level 1 and above."""
    return SNACK.pack(Opcode.SNACK, FINAL | kind, 0, lun, itt, tag, exp_stat_sn, begin, count)


# ---- responses ---------------------------------------------------------------------------------------------------


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
