# SPDX-License-Identifier: Apache-2.0
"""Starts the window: `lundock-gui`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from ...helper.api.names import APP_ID
from ..client.link import Where
from ..model.bridge import Bus
from . import theme
from .window import Window


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("lundock-gui", description="Connect to iSCSI targets, use, watch and eject disks.")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--bus", metavar="ADDRESS", help="use the bus at this address")
    where.add_argument("--session", action="store_true", help="use the session bus")
    where.add_argument("--system", action="store_true", help="use the system bus")
    parser.add_argument("--scheme", choices=("light", "dark"), help="instead of the desktop's choice")
    return parser.parse_args(arguments)


def where_of(chosen: argparse.Namespace) -> Where:
    """Return the bus that was chosen."""
    if chosen.bus:
        return Where("address", chosen.bus)
    return Where("session" if chosen.session else "system" if chosen.system else "auto")


def make_application(scheme: str | None = None) -> QApplication:
    """Return the application, dressed."""
    app = QCoreApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(["lundock-gui"])
    app.setApplicationName("Lundock")
    app.setOrganizationName("lundock")
    app.setDesktopFileName(APP_ID)
    theme.apply(app, dark=None if scheme is None else scheme == "dark")
    app.setWindowIcon(theme.icon("lundock"))
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the window is closed."""
    chosen = options(arguments)
    app = make_application(chosen.scheme)
    signal.signal(signal.SIGINT, lambda *_: app.quit())
    heartbeat = QTimer()  # lets Python see signals while Qt waits
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start(500)
    bus = Bus(where_of(chosen))
    window = Window(bus, QSettings())
    bus.start()
    window.show()
    try:
        return app.exec()
    finally:
        bus.stop()


if __name__ == "__main__":
    sys.exit(main())
