# SPDX-License-Identifier: Apache-2.0
"""SCSI results and sense data (SAM-5, SPC-4 4.5)."""

from __future__ import annotations

from dataclasses import dataclass

GOOD, CHECK_CONDITION, BUSY, RESERVATION_CONFLICT, TASK_SET_FULL = 0x00, 0x02, 0x08, 0x18, 0x28


@dataclass(frozen=True, slots=True)
class Sense:
    """Sense key, additional sense code and qualifier; `information` is a block's address where one is meant."""

    key: int
    asc: int
    ascq: int
    information: int | None = None

    def pack(self) -> bytes:
        """Return it in the fixed format."""
        data = bytearray(18)
        data[0] = 0x70
        data[2] = self.key
        data[7] = 10
        data[12], data[13] = self.asc, self.ascq
        if self.information is not None:
            data[0] |= 0x80
            data[3:7] = (self.information & 0xFFFFFFFF).to_bytes(4, "big")
        return bytes(data)


NO_SENSE = Sense(0x0, 0x00, 0x00)
MEDIUM_ERROR = Sense(0x3, 0x11, 0x00)
INVALID_OPCODE = Sense(0x5, 0x20, 0x00)
INVALID_FIELD_IN_UNIT = Sense(0x5, 0x0E, 0x03)  # in the command information unit: the transport's fields
OUT_OF_RANGE = Sense(0x5, 0x21, 0x00)
INVALID_FIELD = Sense(0x5, 0x24, 0x00)
NO_SUCH_LUN = Sense(0x5, 0x25, 0x00)
INVALID_PARAMETER = Sense(0x5, 0x26, 0x00)
PARAMETER_LENGTH = Sense(0x5, 0x1A, 0x00)
NOT_SAVED = Sense(0x5, 0x39, 0x00)
POWER_ON = Sense(0x6, 0x29, 0x00)
LUN_RESET = Sense(0x6, 0x29, 0x03)
NEXUS_LOSS = Sense(0x6, 0x29, 0x07)
CAPACITY_CHANGED = Sense(0x6, 0x2A, 0x09)
LUNS_CHANGED = Sense(0x6, 0x3F, 0x0E)
WRITE_PROTECTED = Sense(0x7, 0x27, 0x00)
UNEXPECTED_DATA = Sense(0xB, 0x0C, 0x0C)
WRONG_AMOUNT = Sense(0xB, 0x0C, 0x0D)
CRC_ERROR = Sense(0xB, 0x47, 0x05)
MISCOMPARE = Sense(0xE, 0x1D, 0x00)
NOT_READY = Sense(0x2, 0x04, 0x02)


class Check(Exception):  # noqa: N818 - CHECK CONDITION is a status, and an everyday one
    """Ends a command with CHECK CONDITION."""

    def __init__(self, sense: Sense) -> None:
        super().__init__(f"{sense.key:x}/{sense.asc:02x}/{sense.ascq:02x}")
        self.sense = sense


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended: `data` for the initiator, `wanted` how many bytes the command itself asked for or gave."""

    status: int = GOOD
    data: bytes = b""
    sense: bytes = b""
    wanted: int | None = None

    @classmethod
    def check(cls, sense: Sense) -> Result:
        """A CHECK CONDITION."""
        return cls(CHECK_CONDITION, sense=sense.pack())
