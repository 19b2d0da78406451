# SPDX-License-Identifier: Apache-2.0
"""READ CAPACITY (SBC-3, 5.15 and 5.16)."""

from __future__ import annotations

from dataclasses import dataclass

from .inquiry import MalformedError

#: The sizes of blocks that can be served.
BLOCK_SIZES = frozenset({512, 1024, 2048, 4096})
#: RETURNED LOGICAL BLOCK ADDRESS of READ CAPACITY(10) for “too large for this command”.
TOO_LARGE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Capacity:
    """Size in bytes, block sizes, and what READ CAPACITY(16) says of provisioning and protection."""

    blocks: int
    block_size: int
    physical_block_size: int
    lowest_aligned: int = 0
    provisioning: bool = False
    read_zeros: bool = False
    protection: bool = False

    @property
    def size(self) -> int:
        """In bytes."""
        return self.blocks * self.block_size


def parse_16(data: bytes) -> Capacity:
    """Read the data of READ CAPACITY(16)."""
    if len(data) < 12:
        raise MalformedError("the data of READ CAPACITY(16) is too short")
    data = data.ljust(32, b"\0")
    last = int.from_bytes(data[:8], "big")
    size = _block_size(int.from_bytes(data[8:12], "big"))
    exponent = data[13] & 0x0F
    return Capacity(
        blocks=_blocks(last, size),
        block_size=size,
        physical_block_size=size << exponent,
        lowest_aligned=int.from_bytes(data[14:16], "big") & 0x3FFF,
        provisioning=bool(data[14] & 0x80),
        read_zeros=bool(data[14] & 0x40),
        protection=bool(data[12] & 1),
    )


def parse_10(data: bytes) -> Capacity | None:
    """Read the data of READ CAPACITY(10); None when the unit is too large for it."""
    if len(data) < 8:
        raise MalformedError("the data of READ CAPACITY(10) is too short")
    last = int.from_bytes(data[:4], "big")
    if last == TOO_LARGE:
        return None
    size = _block_size(int.from_bytes(data[4:8], "big"))
    return Capacity(blocks=_blocks(last, size), block_size=size, physical_block_size=size)


def _block_size(size: int) -> int:
    if size not in BLOCK_SIZES:
        raise MalformedError(f"blocks of {size} bytes")
    return size


def _blocks(last: int, size: int) -> int:
    """A unit of more than 2**63 bytes is nobody's: offsets of files end there."""
    if (last + 1) * size >= 1 << 63:
        raise MalformedError("a size that cannot be")
    return last + 1
