# SPDX-License-Identifier: Apache-2.0
"""The Details page: connection, names, and what was agreed at login, with its meaning."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..client.mirror import Snapshot
from ..client.objects import Target
from ..model.details import Detail, as_text, rows
from ..words import tr
from . import theme
from .widgets import button, copy, leading, spaced

MEANING = Qt.ItemDataRole.UserRole + 1
_PAD = 4


class _Meaning(QStyledItemDelegate):
    """A value, and below it, quieter, what it means. `known`: it is so now; else it is greyed."""

    known = True

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """One line or two."""
        height = QFontMetrics(option.font).height()
        return QSize(super().sizeHint(option, index).width(), height * (2 if index.data(MEANING) else 1) + 2 * _PAD)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw them."""
        state: QStyle.StateFlag = option.state
        rect: QRect = option.rect
        metrics = QFontMetrics(option.font)
        painter.save()
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)  # an address is written as an address
        align = (leading() & ~Qt.AlignmentFlag.AlignVCenter) | Qt.AlignmentFlag.AlignTop
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(theme.colours().selected))
        inside = rect.adjusted(_PAD, _PAD, -_PAD, -_PAD)
        for words, colour, elide in (
            (
                str(index.data() or ""),
                theme.colours().text if self.known else theme.colours().muted,
                Qt.TextElideMode.ElideMiddle,
            ),
            (str(index.data(MEANING) or ""), theme.colours().muted, Qt.TextElideMode.ElideRight),
        ):
            painter.setPen(QColor(colour))
            fitted = metrics.elidedText(words, elide, inside.width())
            painter.drawText(inside, align, fitted)
            inside = inside.adjusted(0, metrics.height(), 0, 0)
        painter.restore()


class DetailsPage(QWidget):
    """Shows `model.details.rows`."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Detail] = []
        self._tree = QTreeWidget()
        self._tree.setAccessibleName(tr("Details of this target"))
        self._tree.setColumnCount(2)
        self._values = _Meaning(self._tree)
        self._tree.setItemDelegateForColumn(1, self._values)
        self._tree.setHeaderHidden(True)
        self._tree.setRootIsDecorated(False)
        self._tree.setIndentation(14)
        self._tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._tree.setItemsExpandable(False)
        self._tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._tree.header().setStretchLastSection(True)
        self._tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        layout = QVBoxLayout(self)
        spaced(layout, 16, 12)
        layout.addWidget(self._tree)
        row = QHBoxLayout()
        row.addWidget(button(tr("Copy all"), lambda: copy(as_text(self._rows)), icon="copy"))
        row.addStretch()
        layout.addLayout(row)

    def update_page(self, snapshot: Snapshot, target: Target | None) -> None:
        """Show a target's details as they are now."""
        if self._values.known != snapshot.ready:
            self._values.known = snapshot.ready
            self._tree.viewport().update()
        new = rows(snapshot, target) if target is not None else []
        if new == self._rows:
            return
        same = [(r.section, r.name) for r in new] == [(r.section, r.name) for r in self._rows]
        self._rows = new
        if same:
            self._renew()
        else:
            self._fill()

    def _renew(self) -> None:
        items = [self._tree.topLevelItem(n) for n in range(self._tree.topLevelItemCount())]
        lines = [item.child(n) for item in items if item is not None for n in range(item.childCount())]
        for item, row in zip(lines, (r for r in self._rows if r.name), strict=True):
            if item is not None:
                item.setText(1, row.value)

    def _fill(self) -> None:
        self._tree.clear()
        section: QTreeWidgetItem | None = None
        for row in self._rows:
            if not row.name:
                section = QTreeWidgetItem([row.section])
                font = QFont(self._tree.font())
                font.setWeight(QFont.Weight.DemiBold)
                section.setFont(0, font)
                section.setFlags(Qt.ItemFlag.ItemIsEnabled)
                section.setData(1, Qt.ItemDataRole.AccessibleTextRole, row.section)
                section.setSizeHint(0, QSize(0, self.fontMetrics().height() + 24))
                section.setTextAlignment(0, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeading)
                self._tree.addTopLevelItem(section)
                section.setFirstColumnSpanned(True)
                section.setExpanded(True)
            elif section is not None:
                item = QTreeWidgetItem([row.name, row.value])
                item.setData(1, MEANING, row.meaning)
                item.setData(1, Qt.ItemDataRole.AccessibleDescriptionRole, row.meaning)
                item.setTextAlignment(0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeading)
                item.setToolTip(0, row.name)
                item.setToolTip(1, "\n".join(words for words in (row.value, row.meaning) if words))
                section.addChild(item)
        self._tree.expandAll()
