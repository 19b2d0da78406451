# SPDX-License-Identifier: Apache-2.0
"""The window as `lundock-gui` starts it, with a look from inside: says when it can be used, then stays.

It can be used when it is painted, knows the helper's targets, and has painted those: the line that is printed then is
CLOCK_MONOTONIC in seconds. With a word on its input it shows the live plot of everything.
"""

from __future__ import annotations

import sys
import time

from lundock.app.ui.application import main, make_application
from lundock.app.ui.window import Window
from PySide6.QtCore import QEvent, QObject, QSocketNotifier
from PySide6.QtWidgets import QWidget


class Probe(QObject):
    """Looks at every event of the program until the window can be used."""

    def __init__(self) -> None:
        super().__init__()
        self._window: Window | None = None
        self._said = False
        self._input = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
        self._input.activated.connect(self._on_input)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() is QEvent.Type.Paint and isinstance(watched, QWidget):
            top = watched.window()
            if isinstance(top, Window):
                self._painted(top)
        return False

    def _painted(self, window: Window) -> None:
        self._window = window
        if not self._said and window.target is not None and window.right.currentIndex() == 0:
            self._said = True
            print(time.monotonic(), flush=True)
            app.removeEventFilter(self)

    def _on_input(self) -> None:
        if not sys.stdin.readline():
            app.quit()
        elif self._window is not None:
            page = self._window.activity
            self._window.tabs.setCurrentWidget(page)


app = make_application("light")
probe = Probe()
app.installEventFilter(probe)
sys.exit(main(sys.argv[1:]))
