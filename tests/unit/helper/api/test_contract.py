# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from lundock.helper.api import names
from lundock.helper.api.contract import Key, interfaces, missing_actions, parse_keys, snake


def test_every_method_names_an_action() -> None:
    assert missing_actions() == []


def test_every_method_of_the_service_ends_with_options() -> None:
    for interface in interfaces().values():
        for method in interface.methods.values():
            if (interface.name, method.name) != (names.SECRET_AGENT, "GetSecrets"):
                last = method.inputs[-1]
                assert (last.name, last.signature) == ("options", "a{sv}"), f"{interface.name}.{method.name}"


def test_the_interfaces_are_those_of_names() -> None:
    expected = {names.MANAGER, names.TARGET, names.SESSION, names.LUN, names.JOB, names.SECRET_AGENT}
    assert set(interfaces()) == expected


def test_keys_nest() -> None:
    assert parse_keys("name:s portals:aa{sv}(address:s port:q) last:b") == {
        "name": Key("s"),
        "portals": Key("aa{sv}", {"address": Key("s"), "port": Key("q")}),
        "last": Key("b"),
    }
    assert parse_keys("") == {}


@pytest.mark.parametrize("text", ["name", "name:s)", "portals:a{sv}(address:s", "a:s, b:s", "(a:s)"])
def test_keys_of_another_form_are_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        parse_keys(text)


def test_python_names() -> None:
    assert [snake(n) for n in ("Discover", "GetManagedObjects", "OpenNbd")] == [
        "discover",
        "get_managed_objects",
        "open_nbd",
    ]
