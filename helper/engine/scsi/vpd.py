# SPDX-License-Identifier: Apache-2.0
"""Vital product data: identity, limits, thin provisioning (SPC-4, 7.8; SBC-3, 6.6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from .inquiry import MalformedError, clean

#: What is asked for with each page: longer pages are read as far as this.
LENGTH = 1024
MAX_DESIGNATORS = 64


class Page(IntEnum):
    """Page codes."""

    SUPPORTED_PAGES = 0x00
    SERIAL = 0x80
    IDENTIFICATION = 0x83
    BLOCK_LIMITS = 0xB0
    CHARACTERISTICS = 0xB1
    PROVISIONING = 0xB2


def body(page: int, data: bytes) -> bytes:
    """Return what follows the page's header, as far as it is there; raises MalformedError for another page's data."""
    if len(data) < 4 or data[1] != page:
        raise MalformedError(f"this is not VPD page {page:#04x}")
    return data[4 : 4 + int.from_bytes(data[2:4], "big")]


def supported_pages(data: bytes) -> frozenset[int]:
    """Page 00h (SPC-4, 7.8.17)."""
    return frozenset(body(Page.SUPPORTED_PAGES, data))


def serial(data: bytes) -> str:
    """Page 80h (SPC-4, 7.8.18)."""
    return clean(body(Page.SERIAL, data))


# ---- page 83h ----------------------------------------------------------------------------------------------------


class DesignatorType(IntEnum):
    """Types of designators that identify (SPC-4, 7.8.6.2)."""

    T10 = 0x1
    EUI64 = 0x2
    NAA = 0x3
    NAME = 0x8


_ASSOCIATION_LUN = 0
_BINARY, _ASCII, _UTF8 = 1, 2, 3
#: NAA works best: fixed length, assigned by a registry; T10 only where there is nothing else.
_PREFERENCE = (DesignatorType.NAA, DesignatorType.EUI64, DesignatorType.NAME, DesignatorType.T10)
_NAA_LENGTHS = {2: 8, 3: 8, 5: 8, 6: 16}
_EUI_LENGTHS = frozenset({8, 12, 16})


@dataclass(frozen=True, slots=True)
class Designator:
    """One designator of page 83h."""

    type: int
    association: int
    code_set: int
    value: bytes


def designators(data: bytes) -> tuple[Designator, ...]:
    """Page 83h (SPC-4, 7.8.6): every designator that is there as a whole."""
    rest = body(Page.IDENTIFICATION, data)
    found: list[Designator] = []
    at = 0
    while at + 4 <= len(rest) and len(found) < MAX_DESIGNATORS:
        end = at + 4 + rest[at + 3]
        if end > len(rest):
            break
        found.append(Designator(rest[at + 1] & 0xF, (rest[at + 1] >> 4) & 3, rest[at] & 0xF, rest[at + 4 : end]))
        at = end
    return tuple(found)


def wwn(data: bytes) -> str:
    """Return the unit's own identity from page 83h, "naa.…", "eui.…", "name.…" or "t10.…"; empty when there is none."""
    own = [d for d in designators(data) if d.association == _ASSOCIATION_LUN]
    for kind in _PREFERENCE:
        names = [name for d in own if d.type == kind and (name := _name(d))]
        if names:
            return max(names, key=len)  # of several of one kind the longest is the most particular (NAA 6 over NAA 5)
    return ""


def _name(d: Designator) -> str:
    if d.type == DesignatorType.NAA:
        good = d.code_set == _BINARY and d.value and _NAA_LENGTHS.get(d.value[0] >> 4) == len(d.value)
        return f"naa.{d.value.hex()}" if good and any(d.value) else ""
    if d.type == DesignatorType.EUI64:
        return f"eui.{d.value.hex()}" if len(d.value) in _EUI_LENGTHS and any(d.value) else ""
    if d.type == DesignatorType.NAME:
        text = clean(d.value)
        return text if text.startswith(("naa.", "eui.", "iqn.")) else f"name.{text}" if text else ""
    text = clean(d.value) if d.code_set in (_ASCII, _UTF8) else d.value.hex()
    return f"t10.{text}" if text else ""


# ---- pages B0h, B1h, B2h -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BlockLimits:
    """Page B0h (SBC-3, 6.6.4), in blocks; 0 where the unit names no limit."""

    optimal_granularity: int = 0
    max_transfer: int = 0
    optimal_transfer: int = 0
    max_unmap_blocks: int = 0
    max_unmap_extents: int = 0
    unmap_granularity: int = 0
    unmap_alignment: int = 0
    max_write_same: int = 0
    write_same_no_zero: bool = False


def block_limits(data: bytes) -> BlockLimits:
    """Page B0h: of what older units do not have the fields are 0."""
    raw = body(Page.BLOCK_LIMITS, data)
    if len(raw) < 12:
        raise MalformedError("VPD page B0h is too short")
    raw = raw.ljust(60, b"\0")  # offsets below are those of SBC-3 less the four bytes of the header

    def field(start: int, size: int = 4) -> int:
        return int.from_bytes(raw[start : start + size], "big")

    alignment = field(28)
    return BlockLimits(
        optimal_granularity=field(2, 2),
        max_transfer=field(4),
        optimal_transfer=field(8),
        max_unmap_blocks=field(16),
        max_unmap_extents=field(20),
        unmap_granularity=field(24),
        unmap_alignment=alignment & 0x7FFFFFFF if alignment & 0x80000000 else 0,
        max_write_same=field(32, 8),
        write_same_no_zero=bool(raw[0] & 1),
    )


def is_rotational(data: bytes) -> bool:
    """Page B1h (SBC-3, 6.6.3): false only when the unit says that nothing turns (rate 1)."""
    raw = body(Page.CHARACTERISTICS, data)
    return len(raw) < 2 or int.from_bytes(raw[:2], "big") != 1


@dataclass(frozen=True, slots=True)
class Provisioning:
    """Page B2h (SBC-3, 6.6.5): what the unit does to give blocks back. `thin`: it promises more than it has."""

    unmap: bool = False
    write_same_16: bool = False
    write_same_10: bool = False
    read_zeros: bool = False
    thin: bool = False


def provisioning(data: bytes) -> Provisioning:
    """Page B2h."""
    raw = body(Page.PROVISIONING, data)
    if len(raw) < 3:
        raise MalformedError("VPD page B2h is too short")
    flags = raw[1]
    return Provisioning(
        unmap=bool(flags & 0x80),
        write_same_16=bool(flags & 0x40),
        write_same_10=bool(flags & 0x20),
        read_zeros=bool(flags & 0x04),
        thin=raw[2] & 7 == 2,
    )
