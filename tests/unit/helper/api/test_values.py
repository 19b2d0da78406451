# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest
from lundock.helper.api.contract import Key
from lundock.helper.api.errors import Problem
from lundock.helper.api.values import Decoder, check_keys, split


@dataclass
class FakeVariant:
    signature: str
    value: Any


@pytest.mark.parametrize(
    ("signature", "parts"),
    [
        ("", []),
        ("sa{sv}h", ["s", "a{sv}", "h"]),
        ("a{oa{sa{sv}}}aas(bba{ss})u", ["a{oa{sa{sv}}}", "aas", "(bba{ss})", "u"]),
    ],
)
def test_signatures_split(signature: str, parts: list[str]) -> None:
    assert split(signature) == parts


def test_descriptors_that_come_are_owned() -> None:
    read, write = os.pipe()
    decoder = Decoder(FakeVariant, [read, write])
    first, second = decoder.body("hh", [0, 1])
    assert second.take() == write
    decoder.close()
    os.close(write)
    with pytest.raises(ValueError, match="closed"):
        first.fileno()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(read)


def test_a_descriptor_that_did_not_come() -> None:
    with pytest.raises(Problem):
        Decoder(FakeVariant, []).body("h", [0])


def test_plain_values_come_back() -> None:
    wire = {"/a": {"X": {"Size": FakeVariant("t", 1), "Inner": FakeVariant("v", FakeVariant("s", "x"))}}}
    assert Decoder(FakeVariant, []).value("a{oa{sa{sv}}}", wire) == {"/a": {"X": {"Size": 1, "Inner": "x"}}}
    assert Decoder(FakeVariant, []).value("(sa{ss})", ["a", {"b": "c"}]) == ("a", {"b": "c"})


KEYS = {
    "name": Key("s"),
    "port": Key("q"),
    "on": Key("b"),
    "words": Key("as"),
    "fd": Key("h"),
    "settings": Key("a{sv}"),
    "portals": Key("aa{sv}", {"port": Key("q")}),
}


def test_what_is_declared_passes() -> None:
    check_keys(
        {"name": "x", "port": 3260, "on": True, "words": ["a"], "settings": {"a": 1}, "portals": [{"port": 1}]}, KEYS
    )


@pytest.mark.parametrize(
    ("values", "argument"),
    [
        ({"colour": 1}, "colour"),
        ({"c" * 9999: 1}, "c" * 60),
        ({"name": 1}, "name"),
        ({"port": 65536}, "port"),
        ({"port": True}, "port"),
        ({"on": 1}, "on"),
        ({"words": ["a", 1]}, "words"),
        ({"words": "a"}, "words"),
        ({"fd": 3}, "fd"),
        ({"settings": []}, "settings"),
        ({"portals": [{"port": "x"}]}, "port"),
        ({"portals": [1]}, "portals"),
        ({"portals": [{"other": 1}]}, "other"),
    ],
)
def test_what_is_not_declared_is_refused(values: dict[str, Any], argument: str) -> None:
    with pytest.raises(Problem) as refused:
        check_keys(values, KEYS)
    assert (refused.value.code, refused.value.attrs["argument"]) == ("InvalidArgument", argument)
