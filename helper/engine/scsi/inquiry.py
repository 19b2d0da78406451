# SPDX-License-Identifier: Apache-2.0
"""Standard INQUIRY data (SPC-4, 6.6.2)."""

from __future__ import annotations

from dataclasses import dataclass

#: What is asked for: everything up to the version descriptors; older units only have 36 bytes.
LENGTH = 96
_MIN_LENGTH = 5

_DISK_TYPES = frozenset({0x00, 0x0E})  # direct access, and its reduced form
_KINDS = {0x01: "tape", 0x05: "cdrom", 0x07: "optical", 0x08: "changer", 0x0C: "controller", 0x0D: "enclosure"}
_KINDS |= {0x14: "disk"}  # host managed zones: a disk, though not one that any software can write to
NO_DEVICE_TYPE = 0x1F


class MalformedError(ValueError):
    """Data from a logical unit that is too short or contradicts itself."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """`present` is false for a LUN without a unit behind it (peripheral qualifier not 0)."""

    device_type: int
    present: bool
    kind: str
    removable: bool
    version: int
    vendor: str
    model: str
    revision: str


def parse(data: bytes) -> Inquiry:
    """Read standard INQUIRY data; raises MalformedError when not even its header is there."""
    if len(data) < _MIN_LENGTH:
        raise MalformedError("INQUIRY data is too short")
    data = data[: 5 + data[4]].ljust(36, b" ") if len(data) >= 36 else data.ljust(36, b" ")
    device_type = data[0] & 0x1F
    return Inquiry(
        device_type=device_type,
        present=data[0] >> 5 == 0 and device_type != NO_DEVICE_TYPE,
        kind="disk" if device_type in _DISK_TYPES else _KINDS.get(device_type, "other"),
        removable=bool(data[1] & 0x80),
        version=data[2],
        vendor=clean(data[8:16]),
        model=clean(data[16:32]),
        revision=clean(data[32:36]),
    )


def clean(raw: bytes) -> str:
    """Return text of a unit for display: ASCII (SPC-4, 4.3.1), without what does not print, without spaces around."""
    return "".join(chr(b) for b in raw if 0x20 <= b < 0x7F).strip()
