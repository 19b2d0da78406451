# SPDX-License-Identifier: Apache-2.0
"""The bus interfaces as data, read from interfaces/*.xml: the server serves from it and the client calls through it.

Besides D-Bus's own elements the files use four annotations:

    io.github.lundock.Action   on a method: the polkit action (without its prefix) that it needs; none is without
    io.github.lundock.OptionActions  on a method: options with the action that takes the place of the method's when the
                               option is given and is not false, "force:eject-force"
    io.github.lundock.Keys     on an argument or property of type a{sv}, aa{sv} or a{oa{sv}}: the keys of its
                               dictionaries and their types, "name:s portals:aa{sv}(address:s port:q)"; empty: no keys
                               at all. Where it is missing, keys are free
    io.github.lundock.Secret   on an argument: which of its parts are secret
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from .names import ACTIONS

ACTION_ANNOTATION = "io.github.lundock.Action"
OPTION_ACTIONS_ANNOTATION = "io.github.lundock.OptionActions"
KEYS_ANNOTATION = "io.github.lundock.Keys"

_TOKEN = re.compile(r"[a-z0-9-]+:[a-z{}]+|[()]")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a dictionary: its D-Bus signature, and the keys of the dictionaries in it (None: free)."""

    signature: str
    keys: Mapping[str, Key] | None = None


Keys = Mapping[str, Key] | None


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument of a method or signal, or a property."""

    name: str
    signature: str
    keys: Keys = None


@dataclass(frozen=True, slots=True)
class Method:
    """A method; `action` is empty when the file names none."""

    name: str
    action: str
    inputs: tuple[Arg, ...]
    outputs: tuple[Arg, ...]
    option_actions: Mapping[str, str] = field(default_factory=dict)

    def needs(self, args: tuple[Any, ...]) -> str:
        """Return the action that a call with these arguments needs; its options, if any, come last."""
        options = args[-1] if args and isinstance(args[-1], Mapping) else {}
        return next((action for name, action in self.option_actions.items() if options.get(name)), self.action)

    @property
    def signature(self) -> str:
        """The signature of the arguments that go in."""
        return "".join(arg.signature for arg in self.inputs)


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of the contract. `xml` is its element without comments, as it is shown to those who introspect."""

    name: str
    methods: Mapping[str, Method]
    properties: Mapping[str, Arg]
    signals: Mapping[str, tuple[Arg, ...]]
    xml: str = field(repr=False)


def snake(name: str) -> str:
    """Return the Python name of a member: "GetManagedObjects" is "get_managed_objects"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def parse_keys(text: str) -> Mapping[str, Key]:
    """Read the value of a Keys annotation; raises ValueError when it is not of the form."""
    if _TOKEN.sub("", text).strip():
        raise ValueError(text)
    tokens = iter([*_TOKEN.findall(text), ")"])
    found = _group(tokens)
    if next(tokens, None) is not None:
        raise ValueError(text)
    return found


def _group(tokens: Iterator[str]) -> dict[str, Key]:
    found: dict[str, Key] = {}
    last = ""
    for token in tokens:
        if token == ")":  # noqa: S105 - a bracket
            return found
        if token == "(":  # noqa: S105 - a bracket
            found[last] = Key(found[last].signature, _group(tokens))
            continue
        last, _, signature = token.partition(":")
        found[last] = Key(signature)
    raise ValueError("unbalanced")


def _annotation(element: ET.Element, name: str) -> str | None:
    for note in element.findall("annotation"):
        if note.get("name") == name:
            return note.get("value", "")
    return None


def _arg(element: ET.Element) -> Arg:
    keys = _annotation(element, KEYS_ANNOTATION)
    return Arg(element.get("name", ""), element.get("type", ""), None if keys is None else parse_keys(keys))


def _method(element: ET.Element) -> Method:
    args = element.findall("arg")
    return Method(
        element.get("name", ""),
        _annotation(element, ACTION_ANNOTATION) or "",
        tuple(_arg(arg) for arg in args if arg.get("direction") != "out"),
        tuple(_arg(arg) for arg in args if arg.get("direction") == "out"),
        dict(entry.split(":") for entry in (_annotation(element, OPTION_ACTIONS_ANNOTATION) or "").split()),
    )


def _interface(element: ET.Element) -> Interface:
    copy = ET.fromstring(ET.tostring(element))  # noqa: S314 - our own file
    ET.indent(copy)
    return Interface(
        element.get("name", ""),
        {m.name: m for m in map(_method, element.findall("method"))},
        {p.name: p for p in map(_arg, element.findall("property"))},
        {s.get("name", ""): tuple(map(_arg, s.findall("arg"))) for s in element.findall("signal")},
        ET.tostring(copy, "unicode").rstrip(),
    )


@cache
def interfaces() -> Mapping[str, Interface]:
    """Return every interface of the contract by its full name."""
    found: dict[str, Interface] = {}
    folder = resources.files(__package__).joinpath("interfaces")
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".xml"):
            for element in ET.fromstring(entry.read_text("utf-8")).findall("interface"):  # noqa: S314 - our own file
                interface = _interface(element)
                found[interface.name] = interface
    return found


def missing_actions() -> list[str]:
    """Return the methods that name no action, or an unknown one; a service with any does not start."""
    return [
        f"{interface.name}.{method.name}"
        for interface in interfaces().values()
        for method in interface.methods.values()
        if not {method.action, *method.option_actions.values()} <= set(ACTIONS)
    ]
