# SPDX-License-Identifier: Apache-2.0
"""The steps of a piece of work, each with a mark: done, under way, to come."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from ..words import tr
from . import theme
from .widgets import label, row_of, show_picture, spaced


class Steps(QWidget):
    """A line a step, and a bar below them while nothing is known of how long it takes."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[str, QLabel, QLabel]] = []
        self._at = 0
        self._rows = QVBoxLayout()
        spaced(self._rows, 0, 12)
        self._progress = QProgressBar()
        self._progress.setAccessibleName(tr("Progress"))
        self._progress.setTextVisible(False)
        layout = QVBoxLayout(self)
        spaced(layout, 4, 20)
        layout.addLayout(self._rows)
        layout.addWidget(self._progress)
        layout.addStretch()

    def set_steps(self, steps: Sequence[tuple[str, str]]) -> None:
        """Show these steps (a job's word, and words for it), all to come."""
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._lines = []
        self._progress.setRange(0, 0)
        for word, words in steps:
            mark, name = QLabel(), label(words, "muted")
            mark.setFixedSize(20, 20)
            self._rows.addWidget(row_of(mark, name, spacing=10, stretch=name))
            self._lines.append((word, mark, name))
        self._at = -1
        self.reach(steps[0][0] if steps else "")

    @property
    def reached(self) -> str:
        """The step that is under way."""
        return self._lines[self._at][0] if self._lines else ""

    def reach(self, step: str, progress: float | None = None) -> None:
        """Show that `step` is under way, and those before it are done; one that is not known changes nothing."""
        words = [word for word, _mark, _name in self._lines]
        self._progress.setRange(0, 0 if progress is None else 1000)
        if progress is not None:
            self._progress.setValue(round(progress * 1000))
        if step not in words or words.index(step) == self._at:
            return
        self._at = words.index(step)
        for number, (_word, mark, name) in enumerate(self._lines):
            if number <= self._at:
                show_picture(mark, *(("check", 18, "good") if number < self._at else ("play", 18, "busy")))
            else:
                theme.follow(mark, QLabel.clear)
            name.setProperty("role", "" if number <= self._at else "muted")
            name.style().unpolish(name)
            name.style().polish(name)
