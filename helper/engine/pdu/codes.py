# SPDX-License-Identifier: Apache-2.0
"""Opcodes, flags, and what else the fields of PDUs can say (RFC 7143, chapter 11); sizes and padding."""

from __future__ import annotations

from enum import IntEnum

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


_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


def padded(length: int) -> int:
    """Return `length` rounded up to whole words (11.2)."""
    return (length + 3) & ~3


def padding(length: int) -> bytes:
    """Return the zero bytes that follow `length` bytes of data (11.2)."""
    return _PADDING[length & 3]
