# SPDX-License-Identifier: Apache-2.0
"""The timeline as a table: the newest first, times in words, exact on hover."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import QObject, Qt

from .. import text
from ..words import mark
from .table import Index, Table
from .targets import ROW

COLUMNS = (mark("When"), mark("What"), mark("Details"))
#: Entries kept in the window.
MAX_EVENTS = 5000


class EventsModel(Table):
    """Serves the events of one target, or of all when `target` is empty."""

    columns = COLUMNS

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: dict[int, Mapping[str, Any]] = {}
        self._target = ""

    @property
    def last(self) -> int:
        """Number of the newest event that is known."""
        return max(self._all, default=0)

    def add(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take events in, in any order; those that are known already stay as they are."""
        for event in events:
            number = event.get("id")
            if isinstance(number, int):
                self._all.setdefault(number, event)
        for number in sorted(self._all)[:-MAX_EVENTS]:
            del self._all[number]
        self._filter()

    def show(self, target: str) -> None:
        """Show the events of the target with this iSCSI name."""
        if target != self._target:
            self._target = target
            self._filter()

    def tick(self) -> None:
        """Bring the times in words up to date."""
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, 0))

    def _filter(self) -> None:
        mine = [e for e in self._all.values() if not self._target or e.get("target") == self._target]
        mine.sort(key=lambda e: (e.get("time", 0), e["id"]), reverse=True)
        if mine != self._rows:
            self.beginResetModel()
            self._rows = mine
            self.endResetModel()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Serve one role of a cell."""
        if not index.isValid():
            return None
        event = self._rows[index.row()]
        if role == ROW:
            return event
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cell(event, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return text.exact(_when(event)) if index.column() == 0 else self._cell(event, index.column())
        return None

    def _cell(self, event: Mapping[str, Any], column: int) -> str:
        if column == 0:
            return text.ago(_when(event), time.time())
        if column == 1:
            return text.event(str(event.get("kind", "")))
        values = event.get("detail", {})
        return text.detail(values) if isinstance(values, Mapping) else ""


def _when(event: Mapping[str, Any]) -> int:
    value = event.get("time", 0)
    return value if isinstance(value, int) else 0
