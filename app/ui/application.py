# SPDX-License-Identifier: Apache-2.0
"""Starts the window: `lundock-gui`."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from ...helper.api.names import APP_ID
from ..client.link import Where
from ..model.bridge import Bus
from . import theme
from .desk import Desk
from .language import install
from .single import SingleInstance
from .window import Window

#: Milliseconds after the start in which the libraries of the plot are loaded, so that it is there at once later.
PLOT_LATER = 1_500


def load_plot() -> None:
    """Load them, in a thread: the window's own does not wait."""
    threading.Thread(target=lambda: importlib.import_module("pyqtgraph"), name="plot", daemon=True).start()


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("lundock-gui", description="Connect to iSCSI targets, use, watch and eject disks.")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--bus", metavar="ADDRESS", help="use the bus at this address")
    where.add_argument("--session", action="store_true", help="use the session bus")
    where.add_argument("--system", action="store_true", help="use the system bus")
    parser.add_argument("--background", action="store_true", help="only the tray's icon, no window yet")
    parser.add_argument("link", nargs="?", default="", metavar="iscsi://…", help="a target to connect to")
    parser.add_argument("--scheme", choices=("light", "dark"), help="instead of the desktop's choice")
    return parser.parse_args(arguments)


def where_of(chosen: argparse.Namespace) -> Where:
    """Return the bus that was chosen."""
    if chosen.bus:
        return Where("address", chosen.bus)
    return Where("session" if chosen.session else "system" if chosen.system else "auto")


def make_application(scheme: str | None = None, language: str | None = None) -> QApplication:
    """Return the application, dressed, in the person's language (or that of a translation file)."""
    app = QCoreApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(["lundock-gui"])
    app.setApplicationName("Lundock")
    app.setOrganizationName("lundock")
    app.setDesktopFileName(APP_ID)
    install(Path(language) if language else None)
    theme.start(app, dark=None if scheme is None else scheme == "dark")
    app.setWindowIcon(theme.icon("lundock"))
    return app


def end_on_signals(app: QApplication, window: Window) -> None:
    """End when the session or the terminal says so. Not `quit`: that closes the window, and closing may ask."""

    def end(*_: object) -> None:
        window.remember()
        app.exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until somebody quits; a second start of it only calls the first."""
    chosen = options(arguments)
    app = make_application(chosen.scheme)
    single = SingleInstance(chosen.bus or "")
    if not single.first(chosen.link):
        return 0
    app.setQuitOnLastWindowClosed(False)
    heartbeat = QTimer()  # lets Python see signals while Qt waits
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start(500)
    bus = Bus(where_of(chosen))
    settings = QSettings()
    window = Window(bus, settings)
    end_on_signals(app, window)
    desk = Desk(bus, window, settings)
    desk.quit_now.connect(app.quit)
    single.called.connect(desk.call)
    bus.start()
    QTimer.singleShot(PLOT_LATER, load_plot)
    desk.start(background=chosen.background, link=chosen.link)
    try:
        return app.exec()
    finally:
        single.close()
        bus.stop()


if __name__ == "__main__":
    sys.exit(main())
