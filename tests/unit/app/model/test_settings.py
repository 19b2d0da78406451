# SPDX-License-Identifier: Apache-2.0
"""The Settings page as data."""

from __future__ import annotations

from typing import Any

import pytest
from lundock.app.client.objects import Target
from lundock.app.model import settings
from lundock.helper.api.errors import Problem
from lundock.helper.api.settings import defaults, table

FIELDS = {field.name: field for group in settings.groups() for field in group.fields}


def record(**changed: Any) -> Target:
    values = {k: list(v) if isinstance(v, tuple) else v for k, v in defaults().items()}
    portals = ({"address": "nas", "port": 3260, "portal-group": 1},)
    return Target("/t", name="iqn.2026-01.a:b", portals=portals, settings={**values, **changed})


CHOOSABLE = sorted(set(table()) - {"max_connections", "error_recovery_level"})


def test_every_setting_with_something_to_choose_is_on_the_page_once() -> None:
    names = [f.name for group in settings.groups() for f in group.fields if f.setting]
    assert sorted(names) == CHOOSABLE


@pytest.mark.parametrize("name", CHOOSABLE)
def test_each_has_a_name_a_line_of_help_and_its_default(name: str) -> None:
    field = FIELDS[name]
    assert field.label
    assert "_" not in field.label
    assert field.help == table()[name].help
    if field.kind == "choice":
        assert field.default in [value for value, _words in field.choices]
    if field.kind in {"int", "size"}:
        assert field.low <= field.default <= field.high


def test_only_what_is_different_is_told() -> None:
    target = record(ping_interval=7)
    assert settings.changes(target, {"ping_interval": 7, "read_only": False, "alias": ""}) == {}
    assert settings.changes(target, {"ping_interval": 8, "read_only": True, "sign_in": "chap"}) == {
        "sign-in": "chap", "settings": {"ping_interval": "", "read_only": True},
    }  # fmt: skip


def test_digests_are_compared_as_the_bus_has_them() -> None:
    assert settings.changes(record(), {"data_digest": ("None", "CRC32C")}) == {}
    assert settings.changes(record(), {"data_digest": ("CRC32C",)}) == {"settings": {"data_digest": ("CRC32C",)}}


def test_addresses_are_read_as_a_person_writes_them() -> None:
    found = settings.changes(record(), {"portals": "nas:3261, [2001:db8::5]"})["portals"]
    assert [(p["address"], p["port"]) for p in found] == [("nas", 3261), ("2001:db8::5", 3260)]
    for wrong in ("", "a b", "nas:0"):
        with pytest.raises(Problem) as caught:
            settings.changes(record(), {"portals": wrong})
        assert caught.value.code == "AddressInvalid"


def test_a_way_to_attach_that_is_not_there_says_so() -> None:
    methods = [{"name": "fuse", "available": False}, {"name": "file", "available": True}]
    (field,) = [f for g in settings.groups(methods) for f in g.fields if f.name == "attach_method"]
    words = dict(field.choices)
    assert "not on this computer" in words["fuse"]
    assert words["file"] == "file"
