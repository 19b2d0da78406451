# SPDX-License-Identifier: Apache-2.0
"""Draws the window's pages to PNG files from a live connection, and prints their paths.

``python -m lundock.app.ui.shots --bus ADDRESS --out FOLDER [--dark] [--seconds N] [--target NAME] [--address ADDRESS]``

With `--address` the wizard is drawn, too: its first page, and what that address offers. Nothing is changed by it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from ..client.link import Where
from ..client.operations import find_target
from ..flows.connect import Step
from ..model.bridge import Bus
from .application import make_application
from .connect_dialog import ConnectDialog
from .window import Window


def pump(seconds: float, until: Callable[[], bool] | None = None) -> bool:
    """Let Qt work for so long, or until the condition holds; says whether it does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if until is not None and until():
            return True
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()
    return until is None or until()


class Camera:
    """Saves widgets as pictures in a folder."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder = folder
        self._suffix = suffix
        self.paths: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)

    def shoot(self, widget: QWidget, name: str) -> Path:
        """Draw a widget."""
        QApplication.processEvents()
        path = self._folder / f"{name}{self._suffix}.png"
        if not widget.grab().save(str(path), "PNG"):
            raise OSError(f"{path} cannot be written")
        self.paths.append(path)
        return path


def shoot_window(bus: Bus, camera: Camera, *, target: str = "", seconds: float = 3.0, address: str = "") -> list[Path]:
    """Draw the main pages of a target, and the wizard; `bus` has been started."""
    window = Window(bus)
    window.show()
    pump(10, lambda: bus.snapshot_now.ready)
    if target and bus.snapshot_now.targets:
        window.list.choose(find_target(bus.snapshot_now.targets, target).path)
    if not bus.snapshot_now.targets:
        camera.shoot(window, "empty" if bus.snapshot_now.ready else "no-service")
    else:
        window.tabs.setCurrentWidget(window.activity)
        pump(seconds)
        camera.shoot(window, "activity")
        for page, name in ((window.disks, "disks"), (window.details, "details"), (window.events, "events")):
            window.tabs.setCurrentWidget(page)
            pump(0.2)
            camera.shoot(window, name)
    if bus.snapshot_now.ready:
        _shoot_wizard(window.connect_to_target(), camera, address)
    window.close()
    return camera.paths


def _shoot_wizard(dialog: ConnectDialog, camera: Camera, address: str) -> None:
    dialog.start_with(address)
    pump(0.2)
    camera.shoot(dialog, "connect-address")
    if address:
        dialog.go()
        pump(10, lambda: dialog.flow.step is not Step.LOOKING)
        camera.shoot(dialog, f"connect-{dialog.flow.step.value}")
    dialog.reject()


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, and print the paths."""
    parser = argparse.ArgumentParser("lundock.app.ui.shots", description="Draw the window's pages to PNG files.")
    parser.add_argument("--bus", required=True, metavar="ADDRESS")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long to watch before the activity is drawn")
    parser.add_argument("--target", default="", help="name, alias or number; the first one otherwise")
    parser.add_argument("--address", default="", help="an address to look for targets in the wizard")
    chosen = parser.parse_args(arguments)
    make_application("dark" if chosen.dark else "light")
    bus = Bus(Where("address", chosen.bus))
    bus.start()
    try:
        camera = Camera(chosen.out, "-dark" if chosen.dark else "")
        paths = shoot_window(bus, camera, target=chosen.target, seconds=chosen.seconds, address=chosen.address)
    finally:
        bus.stop()
    for path in paths:
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
