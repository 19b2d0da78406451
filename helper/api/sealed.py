# SPDX-License-Identifier: Apache-2.0
"""How secrets stand in the sealed descriptor that a worker gets: two lengths, and the two secrets in UTF-8.

So that the worker reads them to where they stay, and makes no copies that nobody could overwrite.
"""

from __future__ import annotations

from struct import Struct

_LENGTHS = Struct("=HH")
#: What a caller may give (JSON, at most 4096 bytes) fits.
SIZE = 2 * 4096 + _LENGTHS.size


def pack(secret: str, target_secret: str) -> bytes:
    """Return the form of both; an empty target_secret is none."""
    ours, theirs = secret.encode(), target_secret.encode()
    return _LENGTHS.pack(len(ours), len(theirs)) + ours + theirs


def unpack(data: memoryview) -> tuple[memoryview, memoryview]:
    """Return the two secrets where they lie in `data`. Raises ValueError."""
    if len(data) < _LENGTHS.size:
        raise ValueError("too short")
    ours, theirs = _LENGTHS.unpack_from(data)
    start, end = _LENGTHS.size, _LENGTHS.size + ours + theirs
    if not ours or end > len(data):
        raise ValueError("lengths")
    return data[start : start + ours], data[start + ours : end]
