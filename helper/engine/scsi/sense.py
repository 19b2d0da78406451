# SPDX-License-Identifier: Apache-2.0
"""SCSI status and sense data (SPC-4, 4.5; SAM-5, 5.3.1), and what is to be done about them.

`classify` is a walk down a table: the first row whose status, key, ASC and ASCQ fit says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

#: Longer sense data is cut: 252 bytes is what its length fields can say.
MAX_SENSE = 252


class Status(IntEnum):
    """SCSI status codes (SAM-5, 5.3.1)."""

    GOOD = 0x00
    CHECK_CONDITION = 0x02
    CONDITION_MET = 0x04
    BUSY = 0x08
    INTERMEDIATE = 0x10
    INTERMEDIATE_CONDITION_MET = 0x14
    RESERVATION_CONFLICT = 0x18
    TASK_SET_FULL = 0x28
    ACA_ACTIVE = 0x30
    TASK_ABORTED = 0x40


class SenseKey(IntEnum):
    """Sense keys (SPC-4, 4.5.6)."""

    NO_SENSE = 0x0
    RECOVERED_ERROR = 0x1
    NOT_READY = 0x2
    MEDIUM_ERROR = 0x3
    HARDWARE_ERROR = 0x4
    ILLEGAL_REQUEST = 0x5
    UNIT_ATTENTION = 0x6
    DATA_PROTECT = 0x7
    BLANK_CHECK = 0x8
    VENDOR_SPECIFIC = 0x9
    COPY_ABORTED = 0xA
    ABORTED_COMMAND = 0xB
    VOLUME_OVERFLOW = 0xD
    MISCOMPARE = 0xE
    COMPLETED = 0xF


@dataclass(frozen=True, slots=True)
class Sense:
    """What sense data says. `information` is the block number of a bad place, None when it is not valid.

    `valid` is false where there was nothing that could be read: that says nothing, least of all that all is well.
    """

    key: int = 0
    asc: int = 0
    ascq: int = 0
    information: int | None = None
    deferred: bool = False
    valid: bool = True

    def __str__(self) -> str:
        return f"{self.key:x}/{self.asc:02x}/{self.ascq:02x}"


NO_SENSE = Sense(valid=False)


def parse(data: bytes) -> Sense:
    """Read sense data of either format; what is too short or of no known format is NO_SENSE.

    Fixed format: SPC-4, 4.5.3 (response codes 70h, 71h); descriptor format: 4.5.2 (72h, 73h).
    """
    data = data[:MAX_SENSE]
    if len(data) < 3:
        return NO_SENSE
    code = data[0] & 0x7F
    if code in (0x70, 0x71):
        return _fixed(data, deferred=code == 0x71)
    if code in (0x72, 0x73) and len(data) >= 4:
        return _descriptors(data, deferred=code == 0x73)
    return NO_SENSE


def _fixed(data: bytes, *, deferred: bool) -> Sense:
    # ADDITIONAL SENSE LENGTH (byte 7) says how much of the rest means something; where it is cut off, the rest is 0.
    end = min(len(data), 8 + data[7]) if len(data) > 7 else len(data)
    data = data[:end].ljust(18, b"\0")
    information = int.from_bytes(data[3:7], "big") if data[0] & 0x80 else None
    return Sense(data[2] & 0x0F, data[12], data[13], information, deferred)


def _descriptors(data: bytes, *, deferred: bool) -> Sense:
    end = min(len(data), 8 + data[7]) if len(data) > 7 else len(data)
    return Sense(data[1] & 0x0F, data[2], data[3], _information(data[8:end]), deferred)


def _information(descriptors: bytes) -> int | None:
    """Find the information descriptor (type 0, SPC-4, 4.5.2.2) with its VALID bit."""
    at = 0
    while at + 2 <= len(descriptors):
        kind, length = descriptors[at], descriptors[at + 1]
        body = descriptors[at + 2 : at + 2 + length]
        if kind == 0 and len(body) >= 10 and body[0] & 0x80:
            return int.from_bytes(body[2:10], "big")
        at += 2 + length
    return None


# ---- what to do --------------------------------------------------------------------------------------------------


class Action(Enum):
    """What to do about a command that ended."""

    SUCCESS = "success"
    RETRY_NOW = "retry now"
    RETRY_LATER = "retry later"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a status means: `code` of errors.toml for FAIL (and for a retry that does not help), `event` to report.

    `event` names what else has to be done: read the capacity, the mode, the inquiry data, or the LUN list again.
    """

    action: Action
    code: str = ""
    event: str = ""
    sense: Sense = NO_SENSE


_S, _NOW, _LATER, _FAIL = Action.SUCCESS, Action.RETRY_NOW, Action.RETRY_LATER, Action.FAIL
_ANY = -1

#: By status, everything but CHECK CONDITION: what, code, event.
_STATUS: dict[int, tuple[Action, str, str]] = {
    Status.GOOD: (_S, "", ""),
    Status.CONDITION_MET: (_S, "", ""),
    Status.INTERMEDIATE: (_S, "", ""),
    Status.INTERMEDIATE_CONDITION_MET: (_S, "", ""),
    Status.BUSY: (_LATER, "NotReady", "busy"),
    Status.RESERVATION_CONFLICT: (_FAIL, "ReservationConflict", "reservation-conflict"),
    Status.TASK_SET_FULL: (_LATER, "NotReady", "queue-full"),
    Status.ACA_ACTIVE: (_LATER, "NotReady", ""),
    Status.TASK_ABORTED: (_NOW, "IoError", "aborted"),
}

#: CHECK CONDITION: key, ASC, ASCQ (-1 fits all), what, code, event. The first row that fits holds.
_SENSE: tuple[tuple[int, int, int, Action, str, str], ...] = (
    (SenseKey.NO_SENSE, _ANY, _ANY, _S, "", ""),
    (SenseKey.RECOVERED_ERROR, 0x38, 0x07, _S, "", "thin-threshold"),
    (SenseKey.RECOVERED_ERROR, 0x5D, _ANY, _S, "", "failure-predicted"),
    (SenseKey.RECOVERED_ERROR, _ANY, _ANY, _S, "", "recovered-error"),
    (SenseKey.COMPLETED, _ANY, _ANY, _S, "", ""),
    # Not ready: what passes by itself is waited for, the rest wants a person.
    (SenseKey.NOT_READY, 0x04, 0x01, _LATER, "NotReady", ""),  # becoming ready
    (SenseKey.NOT_READY, 0x04, 0x02, _FAIL, "NotReady", "needs-start"),  # START UNIT needed
    (SenseKey.NOT_READY, 0x04, 0x03, _FAIL, "NotReady", ""),  # manual intervention
    (SenseKey.NOT_READY, 0x04, 0x04, _LATER, "NotReady", ""),  # format in progress
    (SenseKey.NOT_READY, 0x04, 0x07, _LATER, "NotReady", ""),  # operation in progress
    (SenseKey.NOT_READY, 0x04, 0x09, _LATER, "NotReady", ""),  # self-test in progress
    (SenseKey.NOT_READY, 0x04, 0x0A, _LATER, "NotReady", ""),  # asymmetric access state transition
    (SenseKey.NOT_READY, 0x04, 0x0B, _FAIL, "NotReady", "access-changed"),  # standby
    (SenseKey.NOT_READY, 0x04, 0x0C, _FAIL, "NotReady", "access-changed"),  # unavailable
    (SenseKey.NOT_READY, 0x04, 0x14, _LATER, "NoSpace", ""),  # space allocation in progress
    (SenseKey.NOT_READY, 0x04, 0x1B, _FAIL, "NotReady", ""),  # sanitize in progress: takes hours
    (SenseKey.NOT_READY, 0x3A, _ANY, _FAIL, "NotReady", "no-medium"),  # medium not present
    (SenseKey.NOT_READY, _ANY, _ANY, _FAIL, "NotReady", ""),
    (SenseKey.MEDIUM_ERROR, _ANY, _ANY, _FAIL, "MediumError", "medium-error"),
    (SenseKey.HARDWARE_ERROR, _ANY, _ANY, _FAIL, "IoError", "hardware-error"),
    (SenseKey.ILLEGAL_REQUEST, 0x25, _ANY, _FAIL, "NoSuchLun", "luns-changed"),  # logical unit not supported
    (SenseKey.ILLEGAL_REQUEST, 0x20, _ANY, _FAIL, "ScsiError", "unsupported"),  # operation code
    (SenseKey.ILLEGAL_REQUEST, 0x21, _ANY, _FAIL, "IoError", "out-of-range"),  # block address
    (SenseKey.ILLEGAL_REQUEST, 0x22, _ANY, _FAIL, "ScsiError", "unsupported"),  # illegal function
    (SenseKey.ILLEGAL_REQUEST, 0x24, _ANY, _FAIL, "ScsiError", "unsupported"),  # field in CDB
    (SenseKey.ILLEGAL_REQUEST, 0x26, _ANY, _FAIL, "ScsiError", "unsupported"),  # field in parameter list
    (SenseKey.ILLEGAL_REQUEST, _ANY, _ANY, _FAIL, "ScsiError", ""),
    # Unit attentions are told once, and the command was not executed: again, after what they ask for.
    (SenseKey.UNIT_ATTENTION, 0x28, _ANY, _NOW, "IoError", "capacity-changed"),  # medium may have changed
    (SenseKey.UNIT_ATTENTION, 0x29, 0x07, _NOW, "IoError", "nexus-lost"),
    (SenseKey.UNIT_ATTENTION, 0x29, _ANY, _NOW, "IoError", "reset"),
    (SenseKey.UNIT_ATTENTION, 0x2A, 0x01, _NOW, "IoError", "mode-changed"),
    (SenseKey.UNIT_ATTENTION, 0x2A, 0x03, _NOW, "IoError", "reservations-changed"),
    (SenseKey.UNIT_ATTENTION, 0x2A, 0x04, _NOW, "IoError", "reservations-changed"),
    (SenseKey.UNIT_ATTENTION, 0x2A, 0x05, _NOW, "IoError", "reservations-changed"),
    (SenseKey.UNIT_ATTENTION, 0x2A, 0x06, _NOW, "IoError", "access-changed"),  # ALUA
    (SenseKey.UNIT_ATTENTION, 0x2A, 0x09, _NOW, "IoError", "capacity-changed"),
    (SenseKey.UNIT_ATTENTION, 0x38, 0x07, _NOW, "IoError", "thin-threshold"),
    (SenseKey.UNIT_ATTENTION, 0x3F, 0x03, _NOW, "IoError", "inquiry-changed"),
    (SenseKey.UNIT_ATTENTION, 0x3F, 0x05, _NOW, "IoError", "inquiry-changed"),  # device identifier changed
    (SenseKey.UNIT_ATTENTION, 0x3F, 0x0E, _NOW, "IoError", "luns-changed"),
    (SenseKey.UNIT_ATTENTION, 0x47, 0x7F, _NOW, "IoError", "cleared"),  # RFC 7143, 11.14.5
    (SenseKey.UNIT_ATTENTION, _ANY, _ANY, _NOW, "IoError", "unit-attention"),
    (SenseKey.DATA_PROTECT, 0x27, 0x07, _FAIL, "NoSpace", "no-space"),  # space allocation failed
    (SenseKey.DATA_PROTECT, 0x27, _ANY, _FAIL, "WriteProtected", "write-protected"),
    (SenseKey.DATA_PROTECT, _ANY, _ANY, _FAIL, "WriteProtected", ""),
    (SenseKey.BLANK_CHECK, _ANY, _ANY, _FAIL, "MediumError", ""),
    # Aborted: again, but not what protection information or a timeout in the target says (10, 2E): it comes again.
    (SenseKey.ABORTED_COMMAND, 0x10, _ANY, _FAIL, "IoError", ""),
    (SenseKey.ABORTED_COMMAND, 0x2E, _ANY, _FAIL, "IoError", ""),
    (SenseKey.ABORTED_COMMAND, 0x47, 0x05, _NOW, "IoError", "digest-error"),  # RFC 7143, 11.4.7.2
    (SenseKey.ABORTED_COMMAND, 0x0C, 0x0C, _FAIL, "IoError", "protocol-error"),  # unexpected unsolicited data
    (SenseKey.ABORTED_COMMAND, 0x0C, 0x0D, _FAIL, "IoError", "protocol-error"),  # incorrect amount of data
    (SenseKey.ABORTED_COMMAND, 0x11, 0x13, _NOW, "IoError", ""),  # SNACK rejected
    (SenseKey.ABORTED_COMMAND, _ANY, _ANY, _NOW, "IoError", "aborted"),
    (SenseKey.VOLUME_OVERFLOW, _ANY, _ANY, _FAIL, "NoSpace", ""),
    (SenseKey.MISCOMPARE, _ANY, _ANY, _FAIL, "ScsiError", "miscompare"),
)


def classify(status: int, sense: bytes | Sense = b"") -> Verdict:
    """Return what to do about a command that ended with `status` and this sense data."""
    if status != Status.CHECK_CONDITION:
        return Verdict(*_STATUS.get(status, (_FAIL, "ScsiError", "")))
    found = parse(sense) if isinstance(sense, bytes) else sense
    if not found.valid:  # RFC 7143, 11.4.7: a target must send sense data
        return Verdict(_FAIL, "IoError", "no-sense", found)
    if found.deferred:  # SPC-4, 4.5.7: about an earlier command; this one was not executed
        return Verdict(_NOW, "IoError", "deferred-error", found)
    for key, asc, ascq, action, code, event in _SENSE:
        if key == found.key and asc in (_ANY, found.asc) and ascq in (_ANY, found.ascq):
            return Verdict(action, code, event, found)
    return Verdict(_FAIL, "ScsiError", "", found)
