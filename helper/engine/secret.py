# SPDX-License-Identifier: Apache-2.0
"""A secret that never prints, and can be wiped."""

from __future__ import annotations

import hmac
import secrets as random_source
from typing import NoReturn

#: RFC 7143, 9.2.1: less than 96 random bits is not to be used without IPsec.
MIN_LENGTH = 12
#: More than this is never read: longer than any target takes.
MAX_LENGTH = 1024
#: 64 letters that can be typed anywhere: each carries 6 bits.
_BITS_A_LETTER = 6
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Secret:
    """Bytes that only `value` shows. Not printed, not pickled, not copied into messages; `wipe` overwrites them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | bytearray | memoryview | str) -> None:
        # surrogateescape: what stands on the command line or in the environment need not be UTF-8, and is taken so.
        self._value = bytearray(value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value)

    @classmethod
    def generate(cls, bits: int = 128) -> Secret:
        """Return a random secret of so many bits at least (RFC 7143, 9.2.1: up to 128 are supported, less than 96 are
        not to be used), in letters that can be typed: 22 of them for 128 bits. For targets that take no more than 16
        characters, as Windows Server does, 96 bits are what fits.
        """
        return cls("".join(random_source.choice(_ALPHABET) for _ in range(-(-bits // _BITS_A_LETTER))))

    @property
    def value(self) -> bytearray:
        """The bytes themselves, not a copy."""
        return self._value

    @property
    def short(self) -> bool:
        """Fewer bytes than RFC 7143, 9.2.1 asks for."""
        return len(self._value) < MIN_LENGTH

    def wipe(self) -> None:
        """Overwrite the bytes; the secret is empty afterwards."""
        self._value[:] = bytes(len(self._value))
        del self._value[:]

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
