# SPDX-License-Identifier: Apache-2.0
"""What the person asks for is done once, can be stopped, and its end is told."""

from __future__ import annotations

import pytest

pytest.importorskip("PySide6")

from PySide6.QtWidgets import QLabel, QMessageBox
from support.fake_helper import IQN
from support.window import Bench


def test_cancel_while_connecting(bench: Bench) -> None:
    path = bench.fake.add("media", address="slow.example")
    bench.until(lambda: bench.window.target is not None)
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.window.header._main.text() == "Cancel")
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.state(path) == "disconnected")
    assert not bench.window.banner.isVisible()


def test_a_failure_is_explained_and_can_be_dismissed(bench: Bench) -> None:
    bench.fake.add("media", address="refused.example")
    bench.until(lambda: bench.window.target is not None)
    bench.click(bench.window.header._main)
    bench.until(bench.window.banner.isVisible)
    words = [w.text() for w in bench.window.banner.findChildren(QLabel)]
    assert "refused.example refuses connections on port 3260." in words
    bench.click(bench.shown_button(bench.window.banner, "Try again"))
    bench.until(lambda: len(bench.fake.helper.jobs) == 2 and not bench.window.actions_on._work)
    assert bench.window.banner.isVisible()
    bench.click(bench.shown_button(bench.window.banner, "Dismiss"))
    assert not bench.window.banner.isVisible()


def test_a_target_without_disks_is_looked_at_again(bench: Bench) -> None:
    path = bench.fake.add("empty")
    bench.fake.connect(path)
    again = bench.window.disks._again
    bench.until(lambda: again.isVisible() and again.isEnabled())
    bench.click(again)
    bench.until(lambda: "rescan" in bench.fake.helper.calls)


def test_disks_are_attached_and_ejected(bench: Bench) -> None:
    path = bench.fake.add("backup")
    bench.fake.connect(path)
    disks = bench.window.disks
    bench.until(lambda: disks._attach.isVisible() and disks._attach.isEnabled())
    bench.click(disks._attach)
    bench.until(lambda: disks._eject.isVisible() and disks._eject.isEnabled())
    bench.click(disks._eject)
    bench.until(disks._attach.isVisible)
    assert bench.fake.helper.calls == ["login", "attach", "eject"]


def test_forgetting_asks_first_and_takes_the_secrets_out(bench: Bench) -> None:
    bench.memory.kept["io.github.lundock.Lundock: " + IQN + "media", "secret"] = "kept"
    bench.fake.add("media")
    bench.until(lambda: bench.window.target is not None)
    bench.window._on_header("forget")
    box = bench.window.findChild(QMessageBox)
    assert box is not None
    bench.click(bench.shown_button(box, "Forget"))
    bench.until(lambda: not bench.fake.helper.targets and not bench.memory.kept)


def test_a_problem_goes_when_the_next_attempt_begins(bench: Bench) -> None:
    path = bench.fake.add("media", address="refused.example")
    bench.until(lambda: bench.window.target is not None)
    actions = bench.window.actions_on
    target = bench.bus.snapshot_now.targets[path]
    actions.connect_target(target)
    assert actions.busy(path)
    bench.until(lambda: path in actions.problems)
    assert not actions.busy(path)
    actions.connect_target(target)
    assert path not in actions.problems
    bench.until(lambda: path in actions.problems)
