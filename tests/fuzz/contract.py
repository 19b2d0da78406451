# SPDX-License-Identifier: Apache-2.0
"""What processes say to each other: control messages, statistics, D-Bus values."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from lundock.helper.api import contract, control, names, statistics, values
from lundock.helper.api.errors import Problem, describe

from .harness import Target, codes, named

# ---- control messages --------------------------------------------------------------------------------------------

#: No process has descriptors of this size: closing them does no harm.
_FAR = 1 << 28


def messages(data: bytes) -> None:
    """First byte: who listens, and how many descriptors came."""
    flags = data[0] if data else 0
    table = control.FROM_WORKER if flags & 1 else control.TO_WORKER
    descriptors = [_FAR + i for i in range(flags >> 1 & 7)]
    message = control.decode(data[1:], descriptors, table)
    assert set(message.descriptors.values()) == set(descriptors)
    again = control.Message(message.type, message.fields, message.descriptors)
    raw = control.encode(again, table)
    assert control.decode(raw, descriptors, table) == message
    problem = message.problem
    if problem is not None:
        assert str(problem)
        describe(problem.code, problem.attrs)
    message.close()


# ---- statistics --------------------------------------------------------------------------------------------------

_FD = statistics.create()


def counters(data: bytes) -> None:
    """First byte: words before the input in the file."""
    at = (data[0] if data else 0) * 64
    os.pwrite(_FD, data[1:], at)
    try:
        reader = statistics.Reader(_FD)
        assert all(0 <= value < 2**64 for value in reader.session().values())
        disks = reader.disks()
        assert len(disks) <= statistics.MAX_DISKS
        for found in disks.values():
            assert found["in-flight"] < 2**32  # type: ignore[operator]
            latency = found["read-latency"]
            assert isinstance(latency, dict)
            assert latency["p50"] <= latency["p99"] <= 110_000_000
    finally:
        os.pwrite(_FD, bytes(len(data)), at)


# ---- D-Bus values ------------------------------------------------------------------------------------------------


class _Variant:
    def __init__(self, signature: str, value: Any) -> None:
        self.signature = signature
        self.value = value


_BASIC = "ybnqiuxtdsogh"
_WIDTHS = {"y": 1, "n": 2, "q": 2, "i": 4, "u": 4, "x": 8, "t": 8}


class _Made:
    """Any value of any type, as the bus hands them over: made out of the input's bytes."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)

    def byte(self) -> int:
        return next(self._bytes, 0)

    def signature(self, depth: int = 0) -> str:
        kind = self.byte() % (len(_BASIC) + 4)
        if kind < len(_BASIC) or depth > 5:
            return _BASIC[kind % len(_BASIC)]
        match kind - len(_BASIC):
            case 0:
                return "v"
            case 1:
                return "a" + self.signature(depth + 1)
            case 2:
                return "a{s" + self.signature(depth + 1) + "}"
            case _:
                return "(" + "".join(self.signature(depth + 1) for _ in range(1 + self.byte() % 3)) + ")"

    def value(self, signature: str, depth: int = 0) -> Any:
        kind = signature[0]
        if kind in _WIDTHS:
            raw = bytes(self.byte() for _ in range(_WIDTHS[kind]))
            return int.from_bytes(raw, "little", signed=kind in "nix")
        match kind:
            case "b":
                return bool(self.byte() & 1)
            case "d":
                return self.byte() / 3
            case "h":
                return self.byte()
            case "s" | "o" | "g":
                return self._text()
            case "v":
                inner = self.signature(depth) if depth < 6 else "s"
                return _Variant(inner, self.value(inner, depth + 1))
            case "(":
                return [self.value(one, depth + 1) for one in values.split(signature[1:-1])]
        return self._array(signature, depth)

    def _array(self, signature: str, depth: int) -> Any:
        count = range(self.byte() % 5)
        if signature == "ay":
            return bytes(self.byte() for _ in count)
        if signature[1] == "{":
            return {self._text(): self.value(signature[3:-1], depth + 1) for _ in count}
        return [self.value(signature[1:], depth + 1) for _ in count]

    def _text(self) -> str:
        kind = self.byte()
        if kind < 2 * len(_NAMES):
            return _NAMES[kind % len(_NAMES)]
        return bytes(self.byte() for _ in range(kind % 6)).decode("utf-8", "replace").replace("\0", "")


def _declared() -> Iterator[tuple[str, Any]]:
    """Give every dictionary of the contract that a caller may fill."""
    for interface in contract.interfaces().values():
        for method in interface.methods.values():
            for argument in method.inputs:
                if argument.keys is not None:
                    yield f"{interface.name}.{method.name}.{argument.name}", argument.keys


def _all_names(keys: Any) -> Iterator[str]:
    for name, key in keys.items():
        yield name
        if key.keys:
            yield from _all_names(key.keys)


def bus_values(data: bytes) -> None:
    made = _Made(data)
    signature = made.signature()
    value = made.value(signature)
    decoder = values.Decoder(_Variant, [os.dup(_FD)])
    try:
        (found,) = decoder.body(signature, [value])
        options = (
            found if isinstance(found, dict) and all(isinstance(name, str) for name in found) else {"value": found}
        )
        for _, keys in _DECLARED:
            try:
                values.check_keys(options, keys)
            except Problem as problem:
                named(problem, ("InvalidArgument",))
    finally:
        decoder.close()


_DECLARED = tuple(_declared())
_NAMES = sorted({name for _, keys in _DECLARED for name in _all_names(keys)})

TARGETS = (
    Target(
        "control",
        run=messages,
        errors=(control.ControlError,),
        memory=4 << 20,
        words=(
            *control.TO_WORKER,
            *control.FROM_WORKER,
            '"type":',
            '"fields":{',
            '"descriptors":[]',
            "true",
            "null",
            '"id":1',
        ),
    ),
    Target("statistics", run=counters, codes=codes("Internal"), longest=20000, memory=16 << 20),
    Target("values", run=bus_values, codes=codes("InvalidArgument"), longest=400, words=(names.BUS_NAME,)),
)
