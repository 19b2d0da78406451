# SPDX-License-Identifier: Apache-2.0
"""Which bytes of a read are there, where its pieces may come in any order (RFC 7143, 13.18, 13.19)."""

from __future__ import annotations

from bisect import bisect_right


def most_extents(length: int) -> int:
    """Return how many ranges of a read of `length` bytes are kept account of: twice what segments of 512 bytes, the
    smallest that MaxRecvDataSegmentLength may be (13.12), make of it in the worst order; and some for a short one.
    """
    return 64 + (length >> 9)


class Extents:
    """Ranges that do not touch, in order. `len` is how many: no more than the gaps between what came."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, start: int, end: int) -> bool:
        """Add a range; False, and nothing done, when some of it is there already."""
        if start == end:
            return True
        starts, ends = self._starts, self._ends
        i = bisect_right(starts, start)  # behind those that begin before it, or with it
        if (i and ends[i - 1] > start) or (i < len(starts) and starts[i] < end):
            return False
        joins_left, joins_right = i > 0 and ends[i - 1] == start, i < len(starts) and starts[i] == end
        if joins_left and joins_right:
            ends[i - 1] = ends.pop(i)
            del starts[i]
        elif joins_left:
            ends[i - 1] = end
        elif joins_right:
            starts[i] = start
        else:
            starts.insert(i, start)
            ends.insert(i, end)
        return True
