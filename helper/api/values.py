# SPDX-License-Identifier: Apache-2.0
"""Plain Python values to D-Bus bodies and back, guided by signatures and by the Keys of the contract.

y n q i u x t   int        b  bool       d  float      s g  str      o  ObjectPath (a str)
ay              bytes      aX list       a{..} dict    (..) tuple    h  Descriptor (owned)
v               the value itself; on the way out its type is the declared key's, else what Python says:
                bool b, int t or x when negative, float d, str s, ObjectPath o, bytes ay, Descriptor h,
                list of str as, list of ObjectPath ao, list of dict aa{sv}, dict a{sv}; Typed(signature, value) says it
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .contract import Key, Keys
from .errors import Problem

_RANGES = {
    "y": (0, 2**8 - 1),
    "n": (-(2**15), 2**15 - 1),
    "q": (0, 2**16 - 1),
    "i": (-(2**31), 2**31 - 1),
    "u": (0, 2**32 - 1),
    "x": (-(2**63), 2**63 - 1),
    "t": (0, 2**64 - 1),
}

MakeVariant = Callable[[str, Any], Any]


class ObjectPath(str):
    """A D-Bus object path."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """A value with the D-Bus signature that it shall have inside a variant."""

    signature: str
    value: Any
    keys: Keys = None


class Descriptor:
    """An open file descriptor that is owned: closed with this object unless it was taken."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """Return the number; it stays owned here. Raises ValueError when it was taken or closed."""
        if self._fd < 0:
            raise ValueError("closed")
        return self._fd

    def take(self) -> int:
        """Return the number; from now on the caller owns it."""
        fd, self._fd = self.fileno(), -1
        return fd

    def close(self) -> None:
        """Close it; a second time does nothing."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            with contextlib.suppress(OSError):
                os.close(fd)

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Descriptor({self._fd})"


def split(signature: str) -> list[str]:
    """Split a signature into its complete types: "sa{sv}h" is ["s", "a{sv}", "h"]."""
    found: list[str] = []
    start = 0
    while start < len(signature):
        end = _end(signature, start)
        found.append(signature[start:end])
        start = end
    return found


def _end(signature: str, start: int) -> int:
    while signature[start : start + 1] == "a":
        start += 1
    closing = {"(": ")", "{": "}"}.get(signature[start : start + 1])
    if closing is None:
        return start + 1
    depth = 0
    for place in range(start, len(signature)):
        depth += (signature[place] in "({") - (signature[place] in ")}")
        if depth == 0:
            return place + 1
    raise ValueError(signature)


class Encoder:
    """Builds a message's body. `fds` are the descriptors that go with it: copies, to be closed by who sends them."""

    def __init__(self, variant: MakeVariant) -> None:
        self._variant = variant
        self.fds: list[int] = []

    def body(self, signatures: Iterable[str], values: Sequence[Any], keys: Iterable[Keys]) -> list[Any]:
        """Encode the values; raises TypeError or ValueError when one does not fit."""
        return [self.value(s, v, k) for s, v, k in zip(signatures, values, keys, strict=True)]

    def value(self, signature: str, value: Any, keys: Keys = None) -> Any:
        """Encode one value of a complete type."""
        if signature in _RANGES:
            return _integer(signature, value)
        return self._ENCODERS[signature[0] if signature != "ay" else "ay"](self, signature, value, keys)

    def close(self) -> None:
        """Close the copied descriptors."""
        while self.fds:
            os.close(self.fds.pop())

    def _boolean(self, _signature: str, value: Any, _keys: Keys) -> bool:
        if not isinstance(value, bool | int):
            raise TypeError("boolean")
        return bool(value)

    def _double(self, _signature: str, value: Any, _keys: Keys) -> float:
        return float(value)

    def _text(self, _signature: str, value: Any, _keys: Keys) -> str:
        if not isinstance(value, str):
            raise TypeError("text")
        # what cannot be sent is replaced: lone surrogates and NUL are not allowed on the bus
        return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "�")

    def _bytes(self, _signature: str, value: Any, _keys: Keys) -> bytes:
        return bytes(value)

    def _descriptor(self, _signature: str, value: Any, _keys: Keys) -> int:
        self.fds.append(os.dup(value if isinstance(value, int) else value.fileno()))
        return len(self.fds) - 1

    def _array(self, signature: str, value: Any, keys: Keys) -> Any:
        if signature[1] == "{":
            return self._dictionary(signature, value, keys)
        if isinstance(value, str | bytes | Mapping):
            raise TypeError("list")
        return [self.value(signature[1:], item, keys) for item in value]

    def _dictionary(self, signature: str, value: Any, keys: Keys) -> dict[Any, Any]:
        key_type, value_type = signature[2], signature[3:-1]
        if value_type != "v":
            return {self.value(key_type, k): self.value(value_type, v, _inner(keys, k)) for k, v in value.items()}
        return {self.value(key_type, k): self._named(k, v, keys) for k, v in value.items()}

    def _named(self, name: Any, value: Any, keys: Keys) -> Any:
        key = keys.get(name) if keys else None
        if key is None or isinstance(value, Typed):
            return self._free("v", value, None)
        return self._variant(key.signature, self.value(key.signature, value, key.keys))

    def _free(self, _signature: str, value: Any, _keys: Keys) -> Any:
        if not isinstance(value, Typed):
            value = Typed(guess(value), value)
        return self._variant(value.signature, self.value(value.signature, value.value, value.keys))

    def _structure(self, signature: str, value: Any, _keys: Keys) -> list[Any]:
        return [self.value(s, v) for s, v in zip(split(signature[1:-1]), value, strict=True)]

    _ENCODERS: ClassVar[Mapping[str, Callable[[Encoder, str, Any, Keys], Any]]] = {
        "b": _boolean,
        "d": _double,
        "s": _text,
        "o": _text,
        "g": _text,
        "ay": _bytes,
        "h": _descriptor,
        "a": _array,
        "v": _free,
        "(": _structure,
    }


def _inner(keys: Keys, name: str) -> Keys:
    """Return the keys one level down: those of the named entry, or the same for a dictionary by path."""
    return keys[name].keys if keys and name in keys else keys


def _integer(signature: str, value: Any) -> int:
    low, high = _RANGES[signature]
    if not isinstance(value, int):
        raise TypeError("integer")
    if not low <= value <= high:
        raise ValueError(f"{signature}: {value}")
    return int(value)


_GUESSES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "b"),
    (float, "d"),
    (ObjectPath, "o"),
    (str, "s"),
    ((bytes, bytearray), "ay"),
    (Descriptor, "h"),
    (Mapping, "a{sv}"),
)


def guess(value: Any) -> str:
    """Return the signature for a plain value inside a variant; raises TypeError when it has none."""
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


class Decoder:
    """Turns a received body into plain values. Descriptors become owned; `descriptors` lists all that came."""

    def __init__(self, variant: type, fds: Sequence[int]) -> None:
        self._variant = variant
        self.descriptors = [Descriptor(fd) for fd in fds]

    def body(self, signature: str, values: Sequence[Any]) -> tuple[Any, ...]:
        """Decode a body; raises Problem("InvalidArgument") when a descriptor is named that did not come."""
        return tuple(self.value(s, v) for s, v in zip(split(signature), values, strict=True))

    def value(self, signature: str, value: Any) -> Any:
        """Decode one value of a complete type."""
        kind = signature[0]
        if kind == "v":
            return self.value(value.signature, value.value)
        if kind == "o":
            return ObjectPath(value)
        if kind == "h":
            return self._descriptor(value)
        if kind == "(":
            return tuple(self.value(s, v) for s, v in zip(split(signature[1:-1]), value, strict=True))
        if kind == "a" and signature != "ay":
            return self._array(signature, value)
        return value

    def _array(self, signature: str, value: Any) -> Any:
        if signature[1] == "{":
            key, item = signature[2], signature[3:-1]
            return {self.value(key, k): self.value(item, v) for k, v in value.items()}
        return [self.value(signature[1:], item) for item in value]

    def _descriptor(self, index: int) -> Descriptor:
        if not 0 <= index < len(self.descriptors):
            raise Problem("InvalidArgument", argument="descriptor", detail="It did not come with the message.")
        return self.descriptors[index]

    def close(self) -> None:
        """Close every descriptor that nobody took."""
        for descriptor in self.descriptors:
            descriptor.close()


_WORDS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "b": (bool, "It is a boolean (b)."),
    "s": (str, "It is text (s)."),
    "o": (str, "It is an object path (o)."),
    "d": ((float, int), "It is a number (d)."),
    "h": (Descriptor, "It is a file descriptor (h)."),
    "as": (list, "It is a list of text (as)."),
    "ao": (list, "It is a list of object paths (ao)."),
    "a{sv}": (dict, "It is a dictionary (a{sv})."),
    "aa{sv}": (list, "It is a list of dictionaries (aa{sv})."),
}


def check(name: str, value: Any, key: Key) -> None:
    """Check a received value against its declared key, deeply; integers may be of any width that holds them.

    Raises Problem("InvalidArgument", argument=…) at the first unknown key or value of another type.
    """
    if key.signature in _RANGES:
        low, high = _RANGES[key.signature]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Problem("InvalidArgument", argument=name, detail=f"It is a number from {low} to {high}.")
        return
    kind, words = _WORDS.get(key.signature, (object, ""))
    if not isinstance(value, kind) or (isinstance(value, bool) and key.signature != "b"):
        raise Problem("InvalidArgument", argument=name, detail=words)
    _check_inside(name, value, key, words)


def _check_inside(name: str, value: Any, key: Key, words: str) -> None:
    if key.signature in ("as", "ao") and not all(isinstance(item, str) for item in value):
        raise Problem("InvalidArgument", argument=name, detail=words)
    if key.signature == "a{sv}" and key.keys is not None:
        check_keys(value, key.keys)
    if key.signature == "aa{sv}":
        for item in value:
            check(name, item, Key("a{sv}", key.keys))


def check_keys(values: Mapping[str, Any], keys: Mapping[str, Key]) -> None:
    """Check a received dictionary: every key declared, every value of its type. Raises Problem("InvalidArgument")."""
    for name, value in values.items():
        if name not in keys:
            raise Problem("InvalidArgument", argument=name[:60], detail="There is no such option.")
        check(name, value, keys[name])
