# SPDX-License-Identifier: Apache-2.0
"""What is worth a notification."""

from __future__ import annotations

from typing import Any

import pytest
from lundock.app.client.mirror import Link, Snapshot
from lundock.app.client.objects import Target
from lundock.app.flows.notices import CONNECT, SIGN_IN, needs_secret, notification

NAME = "iqn.2026-01.a:disk"
SNAPSHOT = Snapshot(Link.READY, targets={"/t/1": Target("/t/1", name=NAME, alias="Backup")})


def made(kind: str, **detail: Any) -> Any:
    return notification({"kind": kind, "target": NAME, "detail": detail}, SNAPSHOT)


@pytest.mark.parametrize("kind", ["connected", "attached", "target-found", "something new"])
def test_most_things_are_not(kind: str) -> None:
    assert made(kind) is None


def test_lost_and_restored_take_each_others_place() -> None:
    lost, restored = made("lost", error="ConnectionLost"), made("restored")
    assert "“Backup”" in lost.summary
    assert lost.urgent
    assert not restored.urgent
    assert lost.key == restored.key == NAME


def test_who_disconnected_it_knows_it() -> None:
    assert made("disconnected") is None
    away = made("disconnected", error="TargetRemoved")
    assert CONNECT in away.actions
    assert away.body


def test_ejected_says_that_it_may_be_unplugged() -> None:
    assert "unplug" in made("ejected", lun="0000000000000000").body


def test_another_size_is_said_in_numbers() -> None:
    assert "2 GB" in made("resized", **{"old-size": 10**9, "new-size": 2 * 10**9}).body
    assert made("resized").body == ""


def test_a_target_that_is_not_saved_is_called_by_its_short_name() -> None:
    event = {"kind": "lost", "target": "iqn.2026-01.b:other", "detail": None}
    assert "“other”" in notification(event, SNAPSHOT).summary


def test_needing_a_secret_leads_to_signing_in() -> None:
    assert SIGN_IN in needs_secret(NAME, "Backup").actions
