# SPDX-License-Identifier: Apache-2.0
"""Plain Python values to the bytes of a message's body (D-Bus specification, "Marshaling").

The library makes trees of variants first and bytes of them then; with a thousand disks one answer took it half a
second. Here each type has a writer that appends to the bytes, made once, and so has each key of a dictionary.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .contract import Keys
from .values import RANGES, Descriptor, ObjectPath, Typed, split

#: Appends one value. The position in the bytes is the position in the body: it decides about the padding.
Writer = Callable[["Encoder", bytearray, Any, Keys], None]

_PADDING = tuple(bytes(n) for n in range(8))
_U = struct.Struct("<I").pack
_D = struct.Struct("<d").pack
_PATH = re.compile(r"/|(/[A-Za-z0-9_]+)+", re.ASCII)
_SIGNATURE = re.compile(r"[ybnqiuxtdsogvha(){}]{0,255}", re.ASCII)
_ALIGNED_8 = frozenset("xtd({")
_ALIGNED_4 = frozenset("biuhaso")


class Encoder:
    """Makes a message's body. `fds` are the descriptors that go with it: copies, to be closed by who sends them."""

    def __init__(self) -> None:
        self.fds: list[int] = []

    def body(self, signatures: Iterable[str], values: Sequence[Any], keys: Iterable[Keys] | None = None) -> bytes:
        """Encode the values; raises TypeError or ValueError when one does not fit."""
        out = bytearray()
        types = list(signatures)
        for signature, value, known in zip(types, values, keys or [None] * len(types), strict=True):
            writer(signature)(self, out, value, known)
        return bytes(out)

    def close(self) -> None:
        """Close the copied descriptors."""
        while self.fds:
            os.close(self.fds.pop())


def alignment(signature: str) -> int:
    """Return what the position of a value of this type is a multiple of."""
    if signature[0] in _ALIGNED_8:
        return 8
    return 4 if signature[0] in _ALIGNED_4 else 2 if signature[0] in "nq" else 1


@lru_cache(maxsize=1024)
def writer(signature: str) -> Writer:
    """Return what writes values of one complete type."""
    if signature in RANGES:
        return _integer(signature)
    if signature == "ay":
        return _bytes
    if signature.startswith("a{"):
        return _dictionary(signature[2], signature[3:-1])
    if signature.startswith("a"):
        return _list(signature[1:])
    if signature.startswith("("):
        return _structure(split(signature[1:-1]))
    if signature not in _PLAIN:
        raise ValueError(f"signature: {signature}")
    return _PLAIN[signature]


def _integer(signature: str) -> Writer:
    low, high = RANGES[signature]
    pack = struct.Struct({"y": "<B", "n": "<h", "q": "<H", "i": "<i", "u": "<I", "x": "<q", "t": "<Q"}[signature]).pack
    mask = alignment(signature) - 1

    def write(_encoder: Encoder, out: bytearray, value: Any, _keys: Keys) -> None:
        if not isinstance(value, int):
            raise TypeError("integer")
        if not low <= value <= high:
            raise ValueError(f"{signature}: {value}")
        out += _PADDING[-len(out) & mask]
        out += pack(value)

    return write


def _boolean(_encoder: Encoder, out: bytearray, value: Any, _keys: Keys) -> None:
    if not isinstance(value, int):
        raise TypeError("boolean")
    out += _PADDING[-len(out) & 3]
    out += _U(bool(value))


def _double(_encoder: Encoder, out: bytearray, value: Any, _keys: Keys) -> None:
    out += _PADDING[-len(out) & 7]
    out += _D(float(value))


def _text(_encoder: Encoder, out: bytearray, value: Any, _keys: Keys) -> None:
    if not isinstance(value, str):
        raise TypeError("text")
    # what cannot be sent is replaced: lone surrogates and NUL are not allowed on the bus
    data = value.encode("utf-8", "replace")
    if b"\0" in data:
        data = data.replace(b"\0", "�".encode())
    out += _PADDING[-len(out) & 3]
    out += _U(len(data))
    out += data
    out.append(0)


def _path(encoder: Encoder, out: bytearray, value: Any, keys: Keys) -> None:
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        raise ValueError("object path")
    _text(encoder, out, value, keys)


def _signature(_encoder: Encoder, out: bytearray, value: Any, _keys: Keys) -> None:
    if not isinstance(value, str) or not _SIGNATURE.fullmatch(value):
        raise ValueError("signature")
    out.append(len(value))
    out += value.encode()
    out.append(0)


def _bytes(_encoder: Encoder, out: bytearray, value: Any, _keys: Keys) -> None:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError("bytes")
    out += _PADDING[-len(out) & 3]
    out += _U(len(value))
    out += value


def _descriptor(encoder: Encoder, out: bytearray, value: Any, _keys: Keys) -> None:
    encoder.fds.append(os.dup(value if isinstance(value, int) else value.fileno()))
    out += _PADDING[-len(out) & 3]
    out += _U(len(encoder.fds) - 1)


def _variant(encoder: Encoder, out: bytearray, value: Any, _keys: Keys) -> None:
    if not isinstance(value, Typed):
        value = Typed(guess(value), value)
    _signature(encoder, out, value.signature, None)
    writer(value.signature)(encoder, out, value.value, value.keys)


_PLAIN: Mapping[str, Writer] = {
    "b": _boolean,
    "d": _double,
    "s": _text,
    "o": _path,
    "g": _signature,
    "h": _descriptor,
    "v": _variant,
}


def _begin(out: bytearray, mask: int) -> tuple[int, int]:
    """Write the head of an array; returns where its length stands, and where its elements begin."""
    out += _PADDING[-len(out) & 3]
    at = len(out)
    out += b"\0\0\0\0"
    out += _PADDING[-len(out) & mask]
    return at, len(out)


def _list(item: str) -> Writer:
    mask = alignment(item) - 1

    def write(encoder: Encoder, out: bytearray, value: Any, keys: Keys) -> None:
        if isinstance(value, str | bytes | Mapping):
            raise TypeError("list")
        one = writer(item)
        at, start = _begin(out, mask)
        for element in value:
            one(encoder, out, element, keys)
        out[at : at + 4] = _U(len(out) - start)

    return write


def _dictionary(key_type: str, value_type: str) -> Writer:
    entries = _named if key_type + value_type == "sv" else _typed(key_type, value_type)

    def write(encoder: Encoder, out: bytearray, value: Any, keys: Keys) -> None:
        if not isinstance(value, Mapping):
            raise TypeError("dictionary")
        at, start = _begin(out, 7)
        entries(encoder, out, value, keys)
        out[at : at + 4] = _U(len(out) - start)

    return write


def _typed(key_type: str, value_type: str) -> Writer:
    def write(encoder: Encoder, out: bytearray, value: Any, keys: Keys) -> None:
        write_key, write_value = writer(key_type), writer(value_type)
        for name, item in value.items():
            out += _PADDING[-len(out) & 7]
            write_key(encoder, out, name, None)
            # one level down: the keys of the named entry, or the same for a dictionary by path
            inner = keys[name].keys if keys and name in keys else keys
            write_value(encoder, out, item, inner)

    return write


def _named(encoder: Encoder, out: bytearray, value: Any, keys: Keys) -> None:
    """Write the entries of an a{sv}: the types are those of the keys, else what the values are."""
    known = keys or {}
    for name, item in value.items():
        key = known.get(name)
        if isinstance(item, Typed):
            signature, item, inner = item.signature, item.value, item.keys  # noqa: PLW2901
        elif key is None:
            signature, inner = guess(item), None
        else:
            signature, inner = key.signature, key.keys
        head, write = _entry(name, signature)
        out += _PADDING[-len(out) & 7]
        out += head
        write(encoder, out, item, inner)


@lru_cache(maxsize=4096)
def _entry(name: str, signature: str) -> tuple[bytes, Writer]:
    """Return an entry's key and its variant's signature as bytes, and what writes the value."""
    out = bytearray()
    encoder = Encoder()
    _text(encoder, out, name, None)
    _signature(encoder, out, signature, None)
    return bytes(out), writer(signature)


def _structure(members: Sequence[str]) -> Writer:
    def write(encoder: Encoder, out: bytearray, value: Any, _keys: Keys) -> None:
        out += _PADDING[-len(out) & 7]
        for signature, item in zip(members, value, strict=True):
            writer(signature)(encoder, out, item, None)

    return write


_GUESSES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "b"),
    (float, "d"),
    (ObjectPath, "o"),
    (str, "s"),
    ((bytes, bytearray), "ay"),
    (Descriptor, "h"),
    (Mapping, "a{sv}"),
)
_EXACTLY: Mapping[type, str] = {bool: "b", float: "d", ObjectPath: "o", str: "s", dict: "a{sv}"}


def guess(value: Any) -> str:
    """Return the signature for a plain value inside a variant; raises TypeError when it has none."""
    known = _EXACTLY.get(type(value))
    if known is not None:
        return known
    for kind, signature in _GUESSES:
        if isinstance(value, kind):
            return signature
    if isinstance(value, int):
        return "t" if value >= 0 else "x"
    if isinstance(value, list | tuple):
        kinds = {guess(item) for item in value}
        if len(kinds) > 1:
            kinds = {"x"} if kinds == {"t", "x"} else {"v"}
        return "a" + (kinds.pop() if kinds else "s")
    raise TypeError(type(value).__name__)
