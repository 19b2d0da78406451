# SPDX-License-Identifier: Apache-2.0
"""Good news above the pages: said once, gone by itself."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout

from ..words import tr
from .widgets import label, picture, spaced, tool

#: Milliseconds that it stands.
STAYS = 12_000


class Notice(QFrame):
    """A line with a mark; hidden while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setProperty("side", "good")
        mark = picture("check", 20, "good")
        self._words = label("", wrap=True, selectable=True)
        row = QHBoxLayout(self)
        spaced(row, 10, 10)
        row.addWidget(mark)
        row.addWidget(self._words, 1)
        row.addWidget(tool("close", tr("Dismiss"), self.hide))
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.setInterval(STAYS)
        self._clock.timeout.connect(self.hide)
        self.hide()

    def tell(self, words: str) -> None:
        """Say something for a while."""
        self._words.setText(words)
        self.setAccessibleName(words)
        self.show()
        self._clock.start()

    def words(self) -> str:
        """Return what is said."""
        return self._words.text() if self.isVisible() else ""
