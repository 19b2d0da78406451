# SPDX-License-Identifier: Apache-2.0
"""Which bytes of a read are there, where its pieces may come in any order (RFC 7143, 13.18, 13.19)."""

from __future__ import annotations

from bisect import bisect_right

#: More gaps than this are not kept account of: it is many times what the smallest segments of the largest command make.
MAX_EXTENTS = 4096


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
