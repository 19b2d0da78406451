# SPDX-License-Identifier: Apache-2.0
"""What we write, read by the library's reader: it knows the format from elsewhere."""

from __future__ import annotations

import os
from typing import Any

import pytest
from lundock.helper.api import messages
from lundock.helper.api.contract import Keys, parse_keys
from lundock.helper.api.encoding import Encoder, guess
from lundock.helper.api.messages import Variant
from lundock.helper.api.values import Decoder, Descriptor, ObjectPath, Typed, split


def received(signature: str, *values: Any, keys: Keys = None) -> list[Any]:
    """Return the library's body of a message with these values."""
    types = split(signature)
    encoder = Encoder()
    body = encoder.body(types, values, [keys] * len(types))
    message = messages.Message(path="/x", member="M", destination="a.b", serial=7)
    head = messages.header(message, signature, len(body), len(encoder.fds))
    encoder.close()
    found = messages.read(head + body, lambda _head: True)
    assert (found.path, found.member, found.destination, found.serial) == ("/x", "M", "a.b", 7)
    assert found.signature == signature
    return list(found.body)


@pytest.mark.parametrize(
    ("signature", "values"),
    [
        ("ynqiuxt", (255, -(2**15), 65535, -(2**31), 2**32 - 1, -(2**63), 2**64 - 1)),
        ("ydybysy", (1, 0.5, 2, True, 3, "ä", 4)),
        ("og", (ObjectPath("/a/b_1"), "a{sv}")),
        ("yay", (1, b"\0\xff")),
        ("yatyas", (1, [2**40, 2], 3, ["", "x", "longer"])),
        ("ya(ytd)", (1, [(1, 2, 0.25), (3, 4, -1.0)])),
        ("yatyaty", (1, [], 2, [5], 3)),
        ("aya{ss}a{ua{st}}", (b"abc", {"a": "b", "cc": "dd"}, {7: {"x": 1, "yyy": 2}, 8: {}})),
        ("aasaay", ([["a"], [], ["b", "c"]], [b"", b"z"])),
    ],
)
def test_every_type_comes_through_at_every_position(signature: str, values: tuple[Any, ...]) -> None:
    found = received(signature, *values)
    assert Decoder(Variant, []).body(signature, found) == values


def test_a_tree_of_objects_comes_through() -> None:
    tree = {
        "/a": {"i.X": {"Size": 1, "Name": "n", "Parts": [{"port": 5, "odd": -1}], "On": True}},
        "/a/b": {"i.X": {}, "i.Y": {"Ratio": 0.5, "Owner": ObjectPath("/a"), "Words": ["a", "b"], "Raw": b"xy"}},
        "/c": {},
    }
    (found,) = Decoder(Variant, []).body("a{oa{sa{sv}}}", received("a{oa{sa{sv}}}", tree))
    assert found == tree


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
    (found,) = received("v", value)
    assert found.signature == signature


def test_declared_keys_say_more() -> None:
    keys = parse_keys("port:q portals:aa{sv}(port:q) luns:ao")
    given = {"port": 3260, "portals": [{"port": 1, "other": 1}], "luns": [], "free": 1, "said": Typed("y", 2)}
    (found,) = received("a{sv}", given, keys=keys)
    assert found["port"] == Variant("q", 3260)
    assert found["portals"].value[0] == {"port": Variant("q", 1), "other": Variant("t", 1)}
    assert found["luns"] == Variant("ao", [])
    assert found["free"] == Variant("t", 1)
    assert found["said"] == Variant("y", 2)
    assert received("v", Typed("u", 7)) == [Variant("u", 7)]


@pytest.mark.parametrize(
    ("signature", "value"),
    [
        ("q", 65536), ("q", -1), ("y", "1"), ("s", 1), ("as", "text"), ("aa{sv}", {}), ("b", "yes"), ("v", None),
        ("o", "no path"), ("o", "/a/"), ("g", "&"), ("a{sv}", []), ("d", "x"), ("ay", "x"), ("r", 1),
    ],
)  # fmt: skip
def test_values_that_do_not_fit(signature: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        Encoder().body([signature], [value])


def test_text_that_cannot_be_sent_is_mended() -> None:
    assert received("s", "a\0b\udc80") == ["a�b?"]


def test_descriptors_are_copied() -> None:
    read, write = os.pipe()
    os.close(write)
    encoder = Encoder()
    encoder.body(["a{sv}"], [{"one": Descriptor(os.dup(read))}])
    (copy,) = encoder.fds
    assert os.path.sameopenfile(copy, read)
    encoder.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(copy)
    os.close(read)
    assert encoder.fds == []
