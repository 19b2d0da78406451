# SPDX-License-Identifier: Apache-2.0
"""Views of objects: made from properties, never broken by them."""

from __future__ import annotations

import pytest
from lundock.app.client.objects import VIEWS, Lun, Target, portal_text, short_name
from lundock.helper.api.contract import interfaces, snake


def test_every_property_of_the_contract_has_its_field() -> None:
    for interface, view in VIEWS.items():
        names = {
            ("lun" if view is Lun and name == "Number" else snake(name)) for name in interfaces()[interface].properties
        }
        assert names <= set(view.__dataclass_fields__), interface


def test_properties_become_fields() -> None:
    target = Target.from_properties(
        "/targets/7", {"Name": "iqn.2026-01.a:b", "Portals": [{"address": "x"}], "Owner": 1000}
    )
    assert (target.name, target.owner, target.number) == ("iqn.2026-01.a:b", 1000, 7)
    assert target.portals == ({"address": "x"},)
    assert target.title == "b"


def test_properties_of_another_type_or_name_are_left_out() -> None:
    target = Target.from_properties(
        "/t/x", {"Name": 5, "State": ["connected"], "Owner": True, "Path": "/evil", "New": 1}
    )
    assert (target.name, target.state, target.owner, target.path) == ("", "disconnected", 0, "/t/x")
    assert target.number == 0


def test_a_lun_has_a_number_and_mounts() -> None:
    holders = [{"kind": "mount", "name": "/mnt"}, {"kind": "process", "name": "fio", "pid": 3}]
    lun = Lun.from_properties("/l", {"Number": 3, "Vendor": "IET ", "Model": " VIRTUAL", "Holders": holders})
    assert (lun.lun, lun.title, lun.mounts) == (3, "IET VIRTUAL", ("/mnt",))
    assert Lun("/l", lun=4).title == "LUN 4"


@pytest.mark.parametrize(
    ("name", "short"),
    [("iqn.2026-01.org.example:disk:1", "disk:1"), ("iqn.2026-01.org.example", "iqn.2026-01.org.example"),
     ("eui.0123456789abcdef", "eui.0123456789abcdef"), ("iqn.2026-01.org:", "iqn.2026-01.org:")],
)  # fmt: skip
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short


@pytest.mark.parametrize(
    ("portal", "words"),
    [({"address": "nas", "port": 3260}, "nas"), ({"address": "nas", "port": 3261}, "nas:3261"),
     ({"address": "2001:db8::5", "port": 3260}, "[2001:db8::5]"), ({"address": "fe80::5", "port": 1}, "[fe80::5]:1"),
     ({}, "")],
)  # fmt: skip
def test_portals_as_people_write_them(portal: dict[str, object], words: str) -> None:
    assert portal_text(portal) == words
