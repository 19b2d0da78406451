# SPDX-License-Identifier: Apache-2.0
"""A window on a service, and what tests do with it. Import it only where PySide6 is there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from lundock.app.client.link import Where
from lundock.app.model.bridge import Bus
from lundock.app.secrets import Keyring
from lundock.app.ui.window import Window
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from .fake_helper import RunningFake
from .memory import Memory


class Bench:
    """A window on a service with the contract's face."""

    def __init__(self, qtbot: Any, fake: RunningFake) -> None:
        self.qtbot = qtbot
        self.fake = fake
        self.memory = Memory()
        self.bus = Bus(Where("address", fake.address), keyring=Keyring(self.memory))
        self.window = Window(self.bus)
        qtbot.addWidget(self.window)
        self.window.show()
        self.bus.start()
        self.until(lambda: self.bus.snapshot_now.ready)

    def until(self, condition: Any) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=10_000)

    def click(self, control: QAbstractButton) -> None:
        assert control.isEnabled(), control.text()
        self.qtbot.mouseClick(control, Qt.MouseButton.LeftButton)

    def state(self, path: str) -> str:
        target = self.bus.snapshot_now.targets.get(path)
        return target.state if target is not None else ""

    def shown_button(self, parent: QWidget, name: str) -> QAbstractButton:
        found = [b for b in parent.findChildren(QAbstractButton) if b.isVisible() and b.accessibleName() == name]
        assert len(found) == 1, [b.accessibleName() for b in parent.findChildren(QAbstractButton) if b.isVisible()]
        return found[0]

    def words(self, parent: QWidget) -> str:
        """Every text that can be seen in a widget."""
        return "\n".join(label.text() for label in parent.findChildren(QLabel) if label.isVisible())

    def go_from_address(self, dialog: Any, address: str) -> None:
        dialog.start_with(address)
        self.click(dialog._go)

    def attached(self, path: str, **holders: Any) -> str:
        """Connect a target, attach its first disk as the real one would be, and return the disk's path."""
        self.fake.connect(path)

        async def attach(helper: Any) -> str:
            lun = next(lun for lun in helper.luns.values() if lun.target == path)
            lun.device, lun.attach_method = "/dev/loop7", "fuse"
            helper.server.refresh(lun.path)
            return str(lun.path)

        lun = self.fake.do(attach)
        self.until(lambda: lun in self.bus.snapshot_now.luns and self.bus.snapshot_now.luns[lun].device)
        return str(lun)

    def hold(self, lun: str, *holders: dict[str, Any]) -> None:
        """Let somebody have a disk, or nobody."""

        async def hold(helper: Any) -> None:
            helper.luns[lun].holders = list(holders)
            helper.server.refresh(lun)

        self.fake.do(hold)
        self.until(lambda: len(self.bus.snapshot_now.luns[lun].holders) == len(holders))


@contextlib.contextmanager
def bench_on(qtbot: Any, fake: RunningFake) -> Iterator[Bench]:
    """Open a window on the service, and close it."""
    made = Bench(qtbot, fake)
    try:
        yield made
    finally:
        made.window.close()
        made.bus.stop()
