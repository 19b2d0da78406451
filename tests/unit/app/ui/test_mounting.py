# SPDX-License-Identifier: Apache-2.0
"""Disks of targets that connect by themselves are mounted where their settings say so."""

from __future__ import annotations

import os

import pytest
from lundock.app.client.objects import Target
from lundock.app.ui import actions
from lundock.app.ui.mounting import wanted
from support.window import Bench

SETTINGS = {"startup_disks": "mount"}


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """UDisks2 as the window sees it: what it was told to mount. Ask for it before the window."""
    told: list[str] = []

    async def available() -> bool:
        return True

    async def mount(device: str, *, patience: float) -> str:
        told.append(device)
        return "/media/data"

    monkeypatch.setattr(actions.udisks, "available", available)
    monkeypatch.setattr(actions.udisks, "mount_if_any", mount)
    return told


def test_what_comes_is_mounted_once(mounted: list[str], bench: Bench) -> None:
    lun = bench.attached(bench.fake.add("media", startup="login", settings=SETTINGS))
    bench.until(lambda: mounted)
    bench.hold(lun, {"kind": "mount", "name": "/media/data"})
    bench.hold(lun)
    bench.until(lambda: not bench.window.actions_on._work)
    assert mounted == ["/dev/loop7"], "what was unmounted stays so"


def test_what_a_person_attaches_is_left_alone(mounted: list[str], bench: Bench) -> None:
    bench.fake.connect(bench.fake.add("media", startup="login", settings=SETTINGS))
    bench.until(lambda: bench.window.disks._attach.isVisible() and bench.window.disks._attach.isEnabled())
    bench.click(bench.window.disks._attach)
    bench.until(bench.window.disks._eject.isVisible)
    bench.until(lambda: bench.window.actions_on.udisks and not bench.window.actions_on._work)
    assert mounted == []


@pytest.mark.parametrize(
    ("startup", "disks", "owner", "yes"),
    [
        ("login", "mount", os.getuid(), True),
        ("login", "attach", os.getuid(), False),
        ("manual", "mount", os.getuid(), False),
        ("login", "mount", os.getuid() + 1, False),
    ],
)
def test_whose_disks_are_mounted(startup: str, disks: str, owner: int, yes: bool) -> None:
    assert wanted(Target("/t", startup=startup, settings={"startup_disks": disks}, owner=owner)) is yes
