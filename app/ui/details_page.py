# SPDX-License-Identifier: Apache-2.0
"""The Details page: connection, names, and what was agreed at login, with its meaning."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..client.mirror import Snapshot
from ..client.objects import Target
from ..model.details import Detail, as_text, rows
from ..words import tr
from .widgets import button, copy, spaced


class DetailsPage(QWidget):
    """Shows `model.details.rows`."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Detail] = []
        self._tree = QTreeWidget()
        self._tree.setAccessibleName(tr("Details of this target"))
        self._tree.setColumnCount(3)
        self._tree.setHeaderHidden(True)
        self._tree.setRootIsDecorated(False)
        self._tree.setIndentation(14)
        self._tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._tree.setItemsExpandable(False)
        self._tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._tree.header().setStretchLastSection(True)
        layout = QVBoxLayout(self)
        spaced(layout, 16, 12)
        layout.addWidget(self._tree)
        row = QHBoxLayout()
        row.addWidget(button(tr("Copy all"), lambda: copy(as_text(self._rows)), icon="copy"))
        row.addStretch()
        layout.addLayout(row)

    def update_page(self, snapshot: Snapshot, target: Target | None) -> None:
        """Show a target's details as they are now."""
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
                section.setSizeHint(0, QSize(0, self.fontMetrics().height() + 24))
                section.setTextAlignment(0, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeading)
                self._tree.addTopLevelItem(section)
                section.setFirstColumnSpanned(True)
                section.setExpanded(True)
            elif section is not None:
                item = QTreeWidgetItem([row.name, row.value, row.meaning])
                for column in range(3):
                    item.setToolTip(column, item.text(column))
                item.setForeground(2, self.palette().placeholderText())
                section.addChild(item)
        self._tree.expandAll()
