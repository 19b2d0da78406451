# SPDX-License-Identifier: Apache-2.0
"""A secret that never prints, and can be wiped."""

from __future__ import annotations

import contextlib
import ctypes
import hmac
import mmap
import secrets as random_source
from functools import cache
from typing import NoReturn

#: RFC 7143, 9.2.1: less than 96 random bits is not to be used without IPsec.
MIN_LENGTH = 12
#: More than this is never read: longer than any target takes.
MAX_LENGTH = 1024
#: 64 letters that can be typed anywhere: each carries 6 bits.
_BITS_A_LETTER = 6
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def preload() -> None:
    """Load what `locked` needs: under a worker's filter no file can be opened."""
    locked(1)


def locked(size: int) -> memoryview:
    """Return zeroed memory of its own that is never swapped out and in no core dump, as far as the system allows."""
    area = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    lock(area)
    return memoryview(area)


def lock(area: mmap.mmap) -> None:
    """Have it never swapped out and in no core dump, as far as the system allows."""
    with contextlib.suppress(OSError):
        area.madvise(mmap.MADV_DONTDUMP)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    _libc().mlock(ctypes.c_void_p(start), ctypes.c_size_t(len(area)))  # refused above the user's limit: then it is not


class Secret:
    """Bytes that only `value` shows. Not printed, not pickled, not copied into messages; `wipe` overwrites them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | bytearray | memoryview | str) -> None:
        # surrogateescape: what stands on the command line or in the environment need not be UTF-8, and is taken so.
        data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        self._value = locked(max(len(data), 1))[: len(data)]
        self._value[:] = data

    @classmethod
    def at(cls, place: memoryview) -> Secret:
        """Return the secret that lies there, uncopied."""
        made = cls.__new__(cls)
        made._value = place  # noqa: SLF001 - it is our own
        return made

    @classmethod
    def generate(cls, bits: int = 128) -> Secret:
        """Return a random secret of so many bits at least (RFC 7143, 9.2.1: up to 128 are supported, less than 96 are
        not to be used), in letters that can be typed: 22 of them for 128 bits. For targets that take no more than 16
        characters, as Windows Server does, 96 bits are what fits.
        """
        return cls("".join(random_source.choice(_ALPHABET) for _ in range(-(-bits // _BITS_A_LETTER))))

    @property
    def value(self) -> memoryview:
        """The bytes themselves, not a copy."""
        return self._value

    @property
    def short(self) -> bool:
        """Fewer bytes than RFC 7143, 9.2.1 asks for."""
        return len(self._value) < MIN_LENGTH

    def wipe(self) -> None:
        """Overwrite the bytes; the secret is empty afterwards."""
        self._value[:] = bytes(len(self._value))
        self._value = self._value[:0]

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not copied")
