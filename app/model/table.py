# SPDX-License-Identifier: Apache-2.0
"""What Qt's models of rows have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from ..words import tr

Index = QModelIndex | QPersistentModelIndex
Row = TypeVar("Row")


def take(
    model: QAbstractItemModel, rows: list[Row], new: list[Row], key: Callable[[Row], object], *, columns: int = 1
) -> None:
    """Make a model's rows these, and tell only what changed: rows with the same keys stay where they are."""
    if [key(row) for row in new] != [key(row) for row in rows]:
        model.beginResetModel()
        rows[:] = new
        model.endResetModel()
        return
    for number, (old, now) in enumerate(zip(rows, new, strict=True)):
        if old != now:
            rows[number] = now
            model.dataChanged.emit(model.index(number, 0), model.index(number, columns - 1))


class Table(QAbstractTableModel):
    """Rows under headings, which are marked words."""

    columns: tuple[str, ...] = ()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Any] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's own default and name
        """How many rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """How many columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802
        """Serve a column's heading."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return tr(self.columns[section])
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None
