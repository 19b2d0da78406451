# SPDX-License-Identifier: Apache-2.0
"""key=value text, as login and text PDUs carry it (RFC 7143, 6.1).

What is wrong with a text is a ValueError here: the caller knows whose text it was.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

Pair = tuple[str, str]

#: 6.1: a standard-label; iSCSIProtocolLevel begins with a small letter, X#NodeArchitecture has a "#".
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9.\-+@_#]{0,62}")
#: A message is joined from at most this many pairs.
MAX_PAIRS = 4096

NOT_UNDERSTOOD = "NotUnderstood"
IRRELEVANT = "Irrelevant"
REJECT = "Reject"
#: 6.2: constants that nobody may propose.
RESERVED = frozenset({NOT_UNDERSTOOD, IRRELEVANT, REJECT})


def encode(pairs: Iterable[Pair]) -> bytes:
    """Return the pairs as text: each ends with a null, the last too."""
    return b"".join(f"{key}={value}".encode() + b"\0" for key, value in pairs)


def decode(text: bytes, max_pairs: int = MAX_PAIRS) -> list[Pair]:
    """Read a whole text. Nulls beyond the one that each pair ends with are passed over."""
    if not text:
        return []
    if not text.endswith(b"\0"):
        raise ValueError("the text does not end with a null")
    raw = [part for part in text.split(b"\0", max_pairs + len(text)) if part]
    if len(raw) > max_pairs:
        raise ValueError("too many keys")
    return [_pair(part) for part in raw]


def _pair(raw: bytes) -> Pair:
    try:
        key, equals, value = raw.decode("utf-8").partition("=")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    if not equals or not _KEY.fullmatch(key):
        raise ValueError("not of the form key=value")
    return key, value


def number(value: str) -> int:
    """Read a numerical-value: decimal or hexadecimal, below 2**64 (6.1)."""
    if len(value) > 20:
        raise ValueError("not a number")
    if re.fullmatch(r"0[xX][0-9a-fA-F]+", value):
        found = int(value, 0)
    elif re.fullmatch(r"[0-9]+", value):
        found = int(value)
    else:
        raise ValueError("not a number")
    if found >= 2**64:
        raise ValueError("not a number below 2**64")
    return found


def encode_binary(data: bytes) -> str:
    """Return a hex-constant (6.1)."""
    return "0x" + data.hex()


def decode_binary(value: str, max_length: int) -> bytes:
    """Read a hex-constant or a base64-constant of at most `max_length` bytes (6.1)."""
    form, digits = value[:2].lower(), value[2:]
    if len(value) > 2 * max_length + 2:
        raise ValueError("too long")
    if form == "0x" and re.fullmatch(r"[0-9a-fA-F]+", digits):
        found = bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
    elif form == "0b" and digits:
        found = base64.b64decode(digits.encode("ascii", "strict"), validate=True)
    else:
        raise ValueError("neither hexadecimal nor base64")
    if len(found) > max_length:
        raise ValueError("too long")
    return found
