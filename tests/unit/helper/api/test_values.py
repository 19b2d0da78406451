# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest
from lundock.helper.api.contract import Key, parse_keys
from lundock.helper.api.errors import Problem
from lundock.helper.api.values import Decoder, Descriptor, Encoder, ObjectPath, Typed, check_keys, guess, split


@dataclass
class FakeVariant:
    signature: str
    value: Any


def encode(signature: str, value: Any, keys: Any = None) -> Any:
    return Encoder(FakeVariant).value(signature, value, keys)


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


@pytest.mark.parametrize(
    ("value", "signature"),
    [
        (True, "b"), (7, "t"), (-7, "x"), (0.5, "d"), ("x", "s"), (ObjectPath("/x"), "o"), (b"x", "ay"), ([], "as"),
        (["a"], "as"), ((ObjectPath("/"),), "ao"), ([1, -1], "ax"), ([{"a": 1}], "aa{sv}"), ({"a": 1}, "a{sv}"),
        (["a", 1], "av"),
    ],
)  # fmt: skip
def test_what_python_says(value: Any, signature: str) -> None:
    assert guess(value) == signature


def test_declared_keys_say_more() -> None:
    keys = parse_keys("port:q portals:aa{sv}(port:q) luns:ao")
    found = encode("a{sv}", {"port": 3260, "portals": [{"port": 1, "other": 1}], "luns": [], "free": 1}, keys)
    assert found["port"] == FakeVariant("q", 3260)
    assert found["portals"].value[0] == {"port": FakeVariant("q", 1), "other": FakeVariant("t", 1)}
    assert found["luns"] == FakeVariant("ao", [])
    assert found["free"] == FakeVariant("t", 1)
    assert encode("v", Typed("u", 7)) == FakeVariant("u", 7)


@pytest.mark.parametrize(
    ("signature", "value"),
    [("q", 65536), ("q", -1), ("y", "1"), ("s", 1), ("as", "text"), ("aa{sv}", {}), ("b", "yes"), ("v", None)],
)
def test_values_that_do_not_fit(signature: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        encode(signature, value)


def test_text_that_cannot_be_sent_is_mended() -> None:
    assert encode("s", "a\0b\udc80") == "a�b?"


def test_descriptors_are_copied_out_and_owned_in() -> None:
    read, write = os.pipe()
    encoder = Encoder(FakeVariant)
    assert encoder.value("a{sv}", {"one": Descriptor(os.dup(read))}) == {"one": FakeVariant("h", 0)}
    (copy,) = encoder.fds
    assert os.path.sameopenfile(copy, read)
    encoder.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(copy)
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
