# SPDX-License-Identifier: Apache-2.0
"""Serial numbers of 32 bits: CmdSN, StatSN and their kin (RFC 7143, 4.2.2.1; RFC 1982)."""

from __future__ import annotations


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
