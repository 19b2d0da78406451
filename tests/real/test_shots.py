# SPDX-License-Identifier: Apache-2.0
"""Everything that `./dev shots` draws, on a real target: in a language twice as long nothing is clipped."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

pytest.importorskip("PySide6")

from lundock.app.ui import language, theme
from lundock.app.ui.shots import Camera
from lundock.app.ui.widgets import Elided, Fitting
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QToolButton,
    QWidget,
)
from support import need

from tools.demo.scene import scene
from tools.shots.tour import Tour, more_targets
from tools.texts import Text, collect, document, release


def longer(text: Text, form: int) -> str:
    """Twice as long, its placeholders once, and each plural form another; the marks in numbers stay."""
    if len(text.source) == 1:
        return text.source
    again = re.sub(r"\{[^}]*\}|%n|&", "", text.source).upper().strip()
    return f"{text.source} {again}{'' if form == 0 else '+'}"


@pytest.fixture
def long_language(tmp_path: Path, qapp: QApplication) -> Iterator[None]:
    """The window speaks a language twice as long, through Qt's own translation."""
    source, made = tmp_path / "lundock_de.ts", tmp_path / "lundock_de.qm"
    document("de", collect(), longer, 2).write(source, "utf-8", xml_declaration=True)
    release(source, made)
    assert language.install(made)
    try:
        yield
    finally:
        language.install(tmp_path / "none.qm")


class Looker(Camera):
    """Looks at what is shown instead of drawing it, and notes what is clipped."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "")
        self.seen: set[str] = set()
        self.texts: set[str] = set()
        self.clipped: dict[str, str] = {}

    def shoot(self, widget: QWidget, name: str) -> Path:
        """Look at every label, button, list of choices and tab that can be seen."""
        QApplication.processEvents()
        self.seen.add(name)
        for one in widget.findChildren(QWidget):
            if isinstance(one, QLabel | QAbstractButton | QComboBox | QTabBar) and one.isVisibleTo(widget):
                self._look(widget, one, name)
            if isinstance(one, QScrollArea) and one.isVisibleTo(widget) and one.horizontalScrollBar().maximum():
                self.clipped[f"{one.accessibleName()} scrolls sideways"] = name
        return Path(name)

    def _look(self, top: QWidget, one: QWidget, name: str) -> None:
        if isinstance(one, QToolButton) and isinstance(one.parent(), QTabBar):
            return  # the arrows of a bar that is too long for its window
        if isinstance(one, QToolButton) and isinstance(one.parent(), QLineEdit):
            return  # what empties a field: an icon of Qt's, its text is its name
        said = words_of(one)
        self.texts.add(said)
        if not said:
            return
        wrong = "cut" if is_cut(one) else "outside" if is_outside(top, one) else ""
        if wrong:
            self.clipped.setdefault(f"{type(one).__name__} “{said}” {wrong}", name)


def words_of(one: QWidget) -> str:
    if isinstance(one, Elided):
        return one.words()
    return (
        one.currentText()
        if isinstance(one, QComboBox)
        else str(getattr(one, "text", str)())
        if not isinstance(one, QTabBar)
        else one.tabText(one.currentIndex())
    )


def is_cut(one: QWidget) -> bool:
    if isinstance(one, Elided):
        return one.text() != one.words() and one.words() not in one.toolTip()
    if isinstance(one, QTabBar):
        return any(
            one.tabRect(n).width() < one.fontMetrics().horizontalAdvance(one.tabText(n)) for n in range(one.count())
        )
    if isinstance(one, QComboBox):
        option = QStyleOptionComboBox()
        one.initStyleOption(option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = one.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, one).width()
        cut = one.fontMetrics().horizontalAdvance(one.currentText()) > room
        return cut and one.currentText() not in one.toolTip()
    if isinstance(one, QLabel) and one.wordWrap():
        return one.heightForWidth(one.width()) > one.height()
    return one.sizeHint().width() > one.width() + 1 or one.sizeHint().height() > one.height() + 1


def is_outside(top: QWidget, one: QWidget) -> bool:
    """Whether it goes over the edge of the window, and nothing can be scrolled there."""
    above = one.parentWidget()
    while above is not None and above is not top:
        if isinstance(above, QAbstractScrollArea | QTabBar):
            return False
        above = above.parentWidget()
    return not top.rect().contains(QRect(one.mapTo(top, QPoint(0, 0)), one.size()))


def test_in_a_language_twice_as_long_nothing_is_clipped(
    qapp: QApplication, long_language: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need.root()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "")
    monkeypatch.setattr(Fitting, "room", lambda _self: QSize(1920, 1080))  # "offscreen" has 800 by 600
    theme.apply(qapp, dark=False)
    looker = Looker(tmp_path)
    with scene(more_targets(tmp_path)) as stage:
        tour = Tour(stage, looker, tmp_path, 1.0)
        try:
            tour.run()
        finally:
            tour.close()
    assert len(looker.seen) > 40
    assert any("CONNECT TO A TARGET" in text for text in looker.texts)
    assert not looker.clipped, "\n".join(f"{place}: {what}" for what, place in sorted(looker.clipped.items()))
