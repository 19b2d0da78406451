# SPDX-License-Identifier: Apache-2.0
"""MODE SENSE: write protection, FUA, write cache (SPC-4, 7.5; SBC-3, 6.5.1 and 6.5.5)."""

from __future__ import annotations

from dataclasses import dataclass

from .inquiry import MalformedError

#: Page codes: caching, and all pages.
CACHING = 0x08
ALL_PAGES = 0x3F


@dataclass(frozen=True, slots=True)
class Mode:
    """DEVICE-SPECIFIC PARAMETER of a disk, and its caching page (None: it was not among the pages)."""

    write_protected: bool = False
    dpo_fua: bool = False
    write_cache: bool | None = None


def parse_6(data: bytes) -> Mode:
    """Read the data of MODE SENSE(6)."""
    if len(data) < 4:
        raise MalformedError("the data of MODE SENSE(6) is too short")
    end = min(len(data), 1 + data[0])
    return _mode(data[2], data[4 + data[3] : end])


def parse_10(data: bytes) -> Mode:
    """Read the data of MODE SENSE(10)."""
    if len(data) < 8:
        raise MalformedError("the data of MODE SENSE(10) is too short")
    end = min(len(data), 2 + int.from_bytes(data[:2], "big"))
    return _mode(data[3], data[8 + int.from_bytes(data[6:8], "big") : end])


def _mode(parameter: int, pages: bytes) -> Mode:
    return Mode(
        write_protected=bool(parameter & 0x80),
        dpo_fua=bool(parameter & 0x10),
        write_cache=_write_cache(pages),
    )


def _write_cache(pages: bytes) -> bool | None:
    """Find WCE in the caching page; a page with SPF set has a longer header (SPC-4, 7.5.7)."""
    at = 0
    while at + 2 <= len(pages):
        code, subpages = pages[at] & 0x3F, pages[at] & 0x40
        if subpages:
            if at + 4 > len(pages):
                return None
            at += 4 + int.from_bytes(pages[at + 2 : at + 4], "big")
            continue
        if code == CACHING and at + 3 <= len(pages):
            return bool(pages[at + 2] & 0x04)
        at += 2 + pages[at + 1]
    return None
