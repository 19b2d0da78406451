# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from lundock.helper.api import names
from lundock.helper.policy import action_for

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("action", "owner", "uid", "expected"),
    [
        ("connect", None, 1000, "connect"),
        ("connect", 1000, 1000, "connect-own"),
        ("connect", 1000, 1001, "connect"),
        ("connect", 1000, 0, "connect"),
        ("configure", 1000, 1000, "configure"),
        ("discover", None, 1000, "discover"),
        ("discover", 1000, 1000, "connect-own"),
        ("discover", 1000, 1001, "discover"),
        ("view", None, 1000, "view"),
        ("view", 1000, 1000, "view"),
        ("view", 1000, 1001, "configure"),
    ],
)
def test_whose_it_is_matters(action: str, owner: int | None, uid: int, expected: str) -> None:
    assert action_for(action, owner=owner, uid=uid) == expected


def test_polkit_knows_exactly_the_contracts_actions() -> None:
    tree = ET.parse(ROOT / "polkit" / "io.github.lundock.initiator1.policy")
    found = [action.get("id") for action in tree.iter("action")]
    assert found == [names.ACTION_PREFIX + action for action in names.ACTIONS]
    implied = tree.find(".//annotate[@key='org.freedesktop.policykit.imply']")
    assert implied is not None
    assert (implied.text or "").split() == [names.ACTION_PREFIX + a for a in ("discover", "connect")]


def test_packaging_has_the_contracts_names() -> None:
    activation = (ROOT / "packaging" / "dbus" / f"{names.BUS_NAME}.service").read_text("utf-8")
    assert f"Name={names.BUS_NAME}\n" in activation
    assert "SystemdService=lundock.service\n" in activation
    unit = (ROOT / "packaging" / "systemd" / "lundock.service").read_text("utf-8")
    assert f"BusName={names.BUS_NAME}\n" in unit
    bus = ET.parse(ROOT / "packaging" / "dbus" / f"{names.BUS_NAME}.conf")
    assert [rule.get("own") for rule in bus.iter("allow") if rule.get("own")] == [names.BUS_NAME]
    assert names.SECRET_AGENT in [rule.get("send_interface") for rule in bus.iter("allow")]
