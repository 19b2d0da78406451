# SPDX-License-Identifier: Apache-2.0
"""Plain Python values and the types of D-Bus, guided by signatures and by the Keys of the contract.

Received values are decoded here; encoding.py makes the bytes that are sent.

y n q i u x t   int        b  bool       d  float      s g  str      o  ObjectPath (a str)
ay              bytes      aX list       a{..} dict    (..) tuple    h  Descriptor (owned)
v               the value itself; on the way out its type is the declared key's, else what Python says:
                bool b, int t or x when negative, float d, str s, ObjectPath o, bytes ay, Descriptor h,
                list of str as, list of ObjectPath ao, list of dict aa{sv}, dict a{sv}; Typed(signature, value) says it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import foreign
from .contract import Key, Keys
from .errors import Problem

RANGES = {
    "y": (0, 2**8 - 1),
    "n": (-(2**15), 2**15 - 1),
    "q": (0, 2**16 - 1),
    "i": (-(2**31), 2**31 - 1),
    "u": (0, 2**32 - 1),
    "x": (-(2**63), 2**63 - 1),
    "t": (0, 2**64 - 1),
}


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
            foreign.close(fd)

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


class Decoder:
    """Turns a received body into plain values. Descriptors become owned; `descriptors` lists all that came."""

    def __init__(self, variant: type, fds: Sequence[int]) -> None:
        self._variant = variant
        self.descriptors = [Descriptor(fd) for fd in fds]
        self._named: set[int] = set()

    def body(self, signature: str, values: Sequence[Any]) -> tuple[Any, ...]:
        """Decode a body; raises Problem("InvalidArgument") when a descriptor is named that did not come.

        Those that came and are not named are closed: a call may wait for a person for minutes, and there are only so
        many.
        """
        found = tuple(self.value(s, v) for s, v in zip(split(signature), values, strict=True))
        for index, descriptor in enumerate(self.descriptors):
            if index not in self._named:
                descriptor.close()
        return found

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
        self._named.add(index)
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
    if key.signature in RANGES:
        low, high = RANGES[key.signature]
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
