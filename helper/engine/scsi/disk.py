# SPDX-License-Identifier: Apache-2.0
"""What a logical unit is, found out by generators that need no I/O."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScsiRequest:
    """A command to be sent to `lun` (the 8 bytes as an int): reads up to `read_length` bytes, or sends `data`."""

    lun: int
    cdb: bytes
    read_length: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class ScsiResult:
    """What came back: SCSI status, data as long as it really was, sense data without its length."""

    status: int
    data: bytes = b""
    sense: bytes = b""


@dataclass(frozen=True, slots=True)
class LunInfo:
    """What is known of a logical unit; sizes in bytes, limits in blocks, 0 where the unit names no limit.

    `address` is the LUN field as an int, `number` what people write, `problem` a code of errors.toml when it is not
    usable.
    """

    address: int
    number: int
    kind: str = "disk"
    vendor: str = ""
    model: str = ""
    revision: str = ""
    serial: str = ""
    wwn: str = ""
    size: int = 0
    block_size: int = 0
    physical_block_size: int = 0
    read_only: bool = False
    fua: bool = False
    write_cache: bool = False
    thin: bool = False
    removable: bool = False
    rotational: bool = True
    read_zeros: bool = False
    unmap: bool = False
    max_unmap_blocks: int = 0
    max_unmap_extents: int = 0
    unmap_granularity: int = 0
    unmap_alignment: int = 0
    write_same: bool = False
    write_same_unmap: bool = False
    max_write_same_blocks: int = 0
    max_transfer_blocks: int = 0
    optimal_transfer_blocks: int = 0
    problem: str = ""


Steps = Generator[ScsiRequest, ScsiResult, LunInfo]
