# SPDX-License-Identifier: Apache-2.0
"""Programs that were written for the first version go on working: it only gains members.

contract-1.0.txt is the first version, one fact a line. It is never edited; a later version gets a file of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lundock.helper.api.contract import Arg, Interface, Keys, interfaces
from lundock.helper.api.errors import catalogue

FROZEN = Path(__file__).with_name("contract-1.0.txt")


def facts() -> set[str]:
    """Return what programs rely on."""
    errors = {f"error {code}" for code in catalogue()}
    return errors.union(*(set(_of_interface(interface)) for interface in interfaces().values()))


def _of_interface(interface: Interface) -> Iterator[str]:
    short = interface.name.rpartition(".")[2]
    for name, arg in interface.properties.items():
        yield f"property {short}.{name} {arg.signature}"
        yield from _keys(f"{short}.{name}", arg.keys)
    for name, method in interface.methods.items():
        outputs = "".join(arg.signature for arg in method.outputs)
        yield f"method {short}.{name} ({method.signature}) -> ({outputs}) {method.action}"
        yield from _args(f"{short}.{name}", (*method.inputs, *method.outputs))
        yield from (f"action {short}.{name} {option} {action}" for option, action in method.option_actions.items())
    for name, args in interface.signals.items():
        yield f"signal {short}.{name} ({''.join(arg.signature for arg in args)})"
        yield from _args(f"{short}.{name}", args)


def _args(member: str, args: tuple[Arg, ...]) -> Iterator[str]:
    for arg in args:
        yield from _keys(f"{member} {arg.name}", arg.keys)


def _keys(place: str, keys: Keys) -> Iterator[str]:
    for name, key in (keys or {}).items():
        yield f"key {place} {name}:{key.signature}"
        yield from _keys(f"{place} {name}", key.keys)


def test_nothing_of_the_first_version_is_gone_or_different() -> None:
    assert sorted(set(FROZEN.read_text("utf-8").splitlines()) - facts()) == []
