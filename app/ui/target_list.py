# SPDX-License-Identifier: Apache-2.0
"""The list of targets on the left."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ..client.mirror import Snapshot
from ..model.rates import Rates
from ..model.targets import PATH, ROW, Row, TargetsModel
from ..words import tr
from . import theme
from .widgets import paint_state

_PAD = 10


class TargetDelegate(QStyledItemDelegate):
    """Draws a target: mark, name, rate, and a smaller line below."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Two lines and air; a heading is one small line."""
        height = QFontMetrics(option.font).height()
        row: Row = index.data(ROW)
        return QSize(160, height * 2 + 18 if row.path else height + 18)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw a row."""
        row: Row = index.data(ROW)
        rect: QRect = option.rect
        font: QFont = option.font
        painter.save()
        if row.path:
            self._ground(painter, option)
            self._target(painter, rect, font, row, option.direction)
        else:
            small = QFont(font)
            small.setPointSizeF(font.pointSizeF() * 0.9)
            small.setWeight(QFont.Weight.DemiBold)
            painter.setFont(small)
            painter.setPen(QColor(theme.colours().muted))
            place = rect.adjusted(_PAD + 6, 0, -_PAD, -4)
            painter.drawText(place, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeading, row.title)
        painter.restore()

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        state: QStyle.StateFlag = option.state
        rect = QRectF(option.rect).adjusted(6, 1, -6, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(theme.colours().selected))
            painter.drawRoundedRect(rect, 7, 7)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(theme.colours().hover))
            painter.drawRoundedRect(rect, 7, 7)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.colours().accent), 1.5))
            painter.drawRoundedRect(rect, 7, 7)

    def _target(self, painter: QPainter, whole: QRect, font: QFont, row: Row, direction: Qt.LayoutDirection) -> None:
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)  # a figure is written as a figure
        align = {
            side: QStyle.visualAlignment(direction, side | Qt.AlignmentFlag.AlignVCenter)
            for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
        }
        before, behind = align.values()
        rect = whole.adjusted(_PAD + 6, 6, -_PAD - 4, -6)

        def placed(left: int, top: int, width: int, height: int) -> QRect:
            return QStyle.visualRect(direction, whole, QRect(left, top, width, height))

        line = QFontMetrics(font).height()
        mark = placed(rect.left(), rect.top() + (line - 13) // 2 + 1, 13, 13)
        paint_state(painter, QRectF(mark), row.state)
        words = rect.adjusted(23, 0, 0, 0)
        metrics = QFontMetrics(font)
        rate_width = metrics.horizontalAdvance(row.rate) + 8 if row.rate else 0
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(QColor(theme.colours().muted if row.state == "unknown" else theme.colours().text))
        top = placed(words.left(), words.top(), words.width() - rate_width, line)
        title = QFontMetrics(bold).elidedText(row.title, Qt.TextElideMode.ElideRight, top.width())
        painter.drawText(top, before, title)
        painter.setFont(font)
        painter.setPen(QColor(theme.colours().muted))
        if row.rate:
            painter.drawText(placed(words.left(), words.top(), words.width(), line), behind, row.rate)
        below = placed(words.left(), words.top() + line + 3, words.width(), line)
        subtitle = metrics.elidedText(row.subtitle, Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, before, subtitle)


class TargetList(QListView):
    """The list; `chosen` says which target's page to show."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("targets")
        self.setAccessibleName(tr("Targets"))
        self._model = TargetsModel(self)
        self._path = ""
        self.setModel(self._model)
        self.setItemDelegate(TargetDelegate(self))
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.selectionModel().currentChanged.connect(self._on_current)

    def update_rows(self, snapshot: Snapshot, rates: Rates) -> None:
        """Show what is there now; the chosen target stays chosen, wherever it moved."""
        self._model.update(snapshot, rates)
        wanted = self._path if self._model.row_of(self._path) >= 0 else self._model.first()
        if wanted != self._path or self.path_of(self.currentIndex()) != wanted:
            self.choose(wanted)

    def choose(self, path: str) -> None:
        """Choose a target."""
        number = self._model.row_of(path)
        if number < 0:
            if self._path:
                self._path = ""
                self.chosen.emit("")
            return
        index = self._model.index(number)
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def moveCursor(self, action: QListView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Home and End lead to targets: Qt alone stays where it is when a heading stands there."""
        rows = range(self._model.rowCount())
        ways = {QListView.CursorAction.MoveHome: rows, QListView.CursorAction.MoveEnd: reversed(rows)}
        for row in ways.get(action, ()):
            index = self._model.index(row)
            if self.path_of(index):
                return index
        return super().moveCursor(action, modifiers)

    @staticmethod
    def path_of(index: QModelIndex) -> str:
        """Return the target's path at an index."""
        return str(index.data(PATH) or "")

    def _on_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        path = self.path_of(current)
        if path and path != self._path:
            self._path = path
            self.chosen.emit(path)
