# SPDX-License-Identifier: Apache-2.0
"""The window without a display, with the real helper and a real target: from a first start to a disk that reads."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

pytest.importorskip("PySide6")

from lundock.app.client.link import Where
from lundock.app.flows.connect import Step
from lundock.app.model.bridge import Bus
from lundock.app.secrets import Keyring
from lundock.app.ui import shots, theme
from lundock.app.ui.window import Window
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication
from support import need
from support.helper import HelperProcess
from support.memory import Memory
from support.tgtd import LunSpec, Tgtd

ACCOUNT = ("alice", "secret-of-alice")


class Bench:
    """A window on the real helper."""

    def __init__(self, qtbot: Any, helper: HelperProcess) -> None:
        self.qtbot = qtbot
        self.helper = helper
        self.memory = Memory()
        self.bus = Bus(Where("address", helper.bus), keyring=Keyring(self.memory))
        self.window = Window(self.bus)
        qtbot.addWidget(self.window)
        self.window.show()
        self.bus.start()
        self.until(lambda: self.bus.snapshot_now.ready)

    def until(self, condition: Any) -> None:
        try:
            self.qtbot.waitUntil(lambda: bool(condition()), timeout=20_000)
        except self.qtbot.TimeoutError as error:
            shown = self.window.banner.problem
            raise AssertionError(f"shown: {shown} {shown and shown.attrs}\n{self.helper.log()[-2000:]}") from error

    def click(self, control: QAbstractButton) -> None:
        assert control.isEnabled(), control.text()
        self.qtbot.mouseClick(control, Qt.MouseButton.LeftButton)

    def connect(self, address: str, name: str) -> None:
        """Go through the wizard."""
        dialog = self.window.connect_to_target()
        dialog.start_with(address, name)
        self.click(dialog._go)
        self.until(lambda: dialog.flow.step in {Step.SIGN_IN, Step.OPTIONS} or dialog._banner.isVisible())
        if dialog.flow.step is Step.SIGN_IN:
            dialog.form.name.setText(ACCOUNT[0])
            dialog.form.secret.field.setText(ACCOUNT[1])
            self.click(dialog._go)
        self.click(dialog._go)
        self.until(lambda: dialog.flow.step is Step.DONE)
        self.click(dialog._go)


@pytest.fixture
def bench(qtbot: Any, qapp: QApplication, helper: HelperProcess) -> Iterator[Bench]:
    theme.apply(qapp, dark=False)
    made = Bench(qtbot, helper)
    yield made
    made.window.close()
    made.bus.stop()


def test_from_a_first_start_to_a_disk_and_back(bench: Bench, tgtd: Tgtd, target_name: str) -> None:
    need.root()
    target = tgtd.add_target(target_name, [LunSpec(64 << 20)], chap=ACCOUNT)
    data = os.urandom(4 << 20)
    with target.luns[0].file.open("r+b") as stream:
        stream.write(data)
    bench.connect(target.portal, target.name)
    disks = bench.window.disks
    bench.until(lambda: disks._model.rowCount() == 1 and disks._eject.isVisible())
    (lun,) = [lun for lun in bench.bus.snapshot_now.luns.values() if lun.device]
    bench.window.tabs.setCurrentWidget(bench.window.activity)
    bench.until(lambda: bench.bus.rates.counters(lun.path))  # a rate is the difference to an earlier look
    with Path(lun.device).open("rb") as stream:
        assert stream.read(len(data)) == data
    bench.until(lambda: any(bench.bus.rates.history(lun.path, time.monotonic())["read"]))
    bench.until(lambda: any(bench.window.activity.plot.drawn[0]))
    bench.window.tabs.setCurrentWidget(disks)
    bench.until(disks._eject.isEnabled)
    bench.click(disks._eject)
    bench.until(disks._attach.isVisible)
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "disconnected")
    # Once more, by the main button alone: the helper asks our agent, and the agent the keyring.
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "connected")
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "disconnected")


def test_a_target_that_goes_away_and_comes_back(own_tgtd: Tgtd, bench: Bench, target_name: str) -> None:
    target = own_tgtd.add_target(target_name, [LunSpec(16 << 20)])
    bench.connect(target.portal, target.name)
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "connected")
    own_tgtd.stop()
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "lost")
    assert "lost" in bench.window.header._state.words()
    own_tgtd.start()
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "connected")
    bench.until(lambda: "restored" in {e.get("kind") for e in bench.window.events._model._rows})
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "disconnected")


def test_pictures_are_drawn(bench: Bench, tgtd: Tgtd, target_name: str, tmp_path: Path) -> None:
    target = tgtd.add_target(target_name, [LunSpec(16 << 20)])
    bench.connect(target.portal, target.name)
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "connected")
    paths = shots.shoot_window(bench.bus, shots.Camera(tmp_path, ""), seconds=0.5, address=target.portal)
    assert {"activity.png", "disks.png", "details.png", "events.png", "connect-choose.png"} <= {p.name for p in paths}
    assert all(path.stat().st_size > 5_000 for path in paths)
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.window.target is not None and bench.window.target.state == "disconnected")
