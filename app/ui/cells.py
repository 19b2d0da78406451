# SPDX-License-Identifier: Apache-2.0
"""Draws table cells of two lines: the main one, and a smaller, quieter one below."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ..model.targets import ROW
from . import theme
from .widgets import leading

_PAD = 10


@dataclass(frozen=True, slots=True)
class Cells:
    """A row of pairs of lines, for lists that have no model of their own; an icon before it, in a colour of theme's."""

    cells: tuple[tuple[str, str], ...]
    icon: str = ""
    colour: str = "text"


class TwoLines(QStyledItemDelegate):
    """For models whose ROW has `cells`: pairs of lines by column. The first column is the name.

    `known`: what the rows say is so now, and not only when it was last heard of; else they are greyed.
    """

    known = True

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """As wide as its longer line."""
        metrics = QFontMetrics(option.font)
        first, second = index.data(ROW).cells[index.column()]
        width = max(metrics.horizontalAdvance(first) * 1.08, metrics.horizontalAdvance(second))
        return QSize(round(width) + 2 * _PAD + 4, metrics.height() * 2 + 22)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw a cell."""
        row = index.data(ROW)
        first, second = row.cells[index.column()]
        state: QStyle.StateFlag = option.state
        rect: QRect = option.rect
        font: QFont = option.font
        painter.save()
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)  # a path is written as a path
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(theme.colours().selected))
        painter.setPen(QPen(QColor(theme.colours().border), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(theme.colours().accent), 1.5))
            painter.drawRect(QRectF(rect).adjusted(1, 1, -2, -2))
        inside = rect.adjusted(_PAD, 9, -_PAD, -9)
        if isinstance(row, Cells) and row.icon:
            size: QSize = option.decorationSize
            place = QStyle.alignedRect(
                option.direction, Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter, size, inside
            )
            theme.icon(row.icon, row.colour).paint(painter, place)
            away = size.width() + _PAD
            mirrored = option.direction == Qt.LayoutDirection.RightToLeft
            inside = inside.adjusted(0, 0, -away, 0) if mirrored else inside.adjusted(away, 0, 0, 0)
        self._lines(painter, inside, font, first, second, bold=index.column() == 0)
        painter.restore()

    def _lines(self, painter: QPainter, rect: QRect, font: QFont, first: str, second: str, *, bold: bool) -> None:
        main = QFont(font)
        if bold:
            main.setWeight(QFont.Weight.DemiBold)
        height = QFontMetrics(font).height()
        align = leading()
        whole = second == ""
        top = QRect(rect.left(), rect.top(), rect.width(), rect.height() if whole else height)
        painter.setFont(main)
        painter.setPen(QColor(theme.colours().text if self.known else theme.colours().muted))
        painter.drawText(top, align, QFontMetrics(main).elidedText(first, Qt.TextElideMode.ElideRight, rect.width()))
        if whole:
            return
        below = QRect(rect.left(), rect.bottom() - height + 1, rect.width(), height)
        painter.setFont(font)
        painter.setPen(QColor(theme.colours().muted))
        painter.drawText(below, align, QFontMetrics(font).elidedText(second, Qt.TextElideMode.ElideRight, rect.width()))
