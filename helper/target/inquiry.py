# SPDX-License-Identifier: Apache-2.0
"""What a unit says of itself: INQUIRY, its pages, and the mode pages (SPC-4 6.6, 7.8, 7.5; SBC-3 6.5)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from .config import DiskConfig
from .sense import INVALID_FIELD, NOT_SAVED, Check


@dataclass(frozen=True, slots=True)
class Identity:
    """The unit's names: unlike any other unit's, the same after a restart."""

    vendor: str
    model: str
    serial: str
    naa: bytes

    @classmethod
    def of(cls, target: str, disk: DiskConfig) -> Identity:
        """Make them from the target's name and the LUN, or from the serial number that was given."""
        seed = hashlib.sha256(f"{target}\0{disk.serial or disk.lun}".encode()).digest()
        serial = disk.serial or seed.hex()[:16]
        return cls(disk.vendor, disk.model, serial, bytes([0x60 | seed[0] & 0x0F]) + seed[1:16])


def standard(identity: Identity, *, removable: bool) -> bytes:
    """Standard INQUIRY data of a disk."""
    data = bytearray(96)
    data[1] = 0x80 if removable else 0
    data[2] = 0x06  # SPC-4
    data[3] = 0x12  # HISUP, response data format 2
    data[4] = len(data) - 5
    data[7] = 0x02  # CMDQUE
    data[8:16] = identity.vendor.encode("ascii", "replace")[:8].ljust(8)
    data[16:32] = identity.model.encode("ascii", "replace")[:16].ljust(16)
    data[32:36] = b"1.0 "
    for place, version in enumerate((0x00A0, 0x0960, 0x0460, 0x04C0)):  # SAM-5, iSCSI, SPC-4, SBC-3
        data[58 + 2 * place : 60 + 2 * place] = version.to_bytes(2, "big")
    return bytes(data)


def no_unit() -> bytes:
    """Standard INQUIRY data where no unit is."""
    data = bytearray(standard(Identity("Lundock", "", "", b""), removable=False))
    data[0] = 0x7F
    return bytes(data)


def page(code: int, identity: Identity, disk: DiskConfig) -> bytes:
    """Return one VPD page; Check when there is none of this code."""
    if code == 0x00:
        body = bytes(sorted({0x00, *_PAGES}))
    elif code in _PAGES:
        body = _PAGES[code](identity, disk)
    else:
        raise Check(INVALID_FIELD)
    return bytes([0x00, code]) + len(body).to_bytes(2, "big") + body


def _serial(identity: Identity, disk: DiskConfig) -> bytes:
    return identity.serial.encode("ascii", "replace")


def _designators(identity: Identity, disk: DiskConfig) -> bytes:
    naa = bytes([0x01, 0x03, 0, len(identity.naa)]) + identity.naa
    name = identity.vendor.encode("ascii", "replace")[:8].ljust(8) + identity.serial.encode("ascii", "replace")
    return naa + bytes([0x02, 0x01, 0, len(name)]) + name


def _limits(identity: Identity, disk: DiskConfig) -> bytes:
    blocks = max(disk.max_transfer // disk.block_size, 1)
    data = bytearray(60)
    data[0] = 0x01  # WSNZ: WRITE SAME of no blocks does not mean the whole disk
    data[4:8] = blocks.to_bytes(4, "big")  # maximum transfer length
    data[8:12] = blocks.to_bytes(4, "big")  # optimal transfer length
    if disk.thin:
        data[16:20] = (0xFFFFFFFF).to_bytes(4, "big")  # maximum UNMAP LBA count
        data[20:24] = (256).to_bytes(4, "big")  # maximum UNMAP block descriptors
        data[24:28] = max(4096 // disk.block_size, 1).to_bytes(4, "big")  # optimal granularity
    data[32:40] = blocks.to_bytes(8, "big")  # maximum WRITE SAME length
    return bytes(data)


def _characteristics(identity: Identity, disk: DiskConfig) -> bytes:
    return (1).to_bytes(2, "big") + bytes(58)  # does not rotate


def _provisioning(identity: Identity, disk: DiskConfig) -> bytes:
    # LBPU, LBPWS, LBPWS10, LBPRZ; provisioned thin
    return bytes([0, 0xE4, 0x02, 0]) if disk.thin else bytes(4)


_PAGES = {0x80: _serial, 0x83: _designators, 0xB0: _limits, 0xB1: _characteristics, 0xB2: _provisioning}


#: Mode pages: the caching page says that there is a write cache, the control page nothing.
_MODE_PAGES = {0x08: bytes([0x08, 18, 0x04]) + bytes(17), 0x0A: bytes([0x0A, 10]) + bytes(10)}


def mode_pages(code: int, subpage: int, control: int) -> bytes:
    """Return the mode pages asked for; `control` 1 means which bits could be changed, which are none."""
    if control == 3:
        raise Check(NOT_SAVED)
    wanted = sorted(_MODE_PAGES) if code == 0x3F else [code]
    if any(one not in _MODE_PAGES for one in wanted) or subpage not in {0x00, 0xFF}:
        raise Check(INVALID_FIELD)
    if control == 1:
        return b"".join(_MODE_PAGES[one][:2] + bytes(len(_MODE_PAGES[one]) - 2) for one in wanted)
    return b"".join(_MODE_PAGES[one] for one in wanted)
