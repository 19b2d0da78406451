# SPDX-License-Identifier: Apache-2.0
"""The list on the left: targets in groups, with state and rate. A plain function makes the rows; Qt serves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt

from .. import text
from ..client.mirror import Snapshot
from ..client.objects import Target
from ..words import tr
from .rates import Rates
from .table import Index, take

#: What the delegate asks for: the Row itself, and its target's path.
ROW = Qt.ItemDataRole.UserRole
PATH = Qt.ItemDataRole.UserRole + 1

#: Below this it is not worth a figure in the list (bytes a second).
BUSY = 50_000.0


@dataclass(frozen=True, slots=True)
class Row:
    """A row: a group's heading when `path` is empty."""

    title: str
    path: str = ""
    subtitle: str = ""
    state: str = ""
    rate: str = ""


def rows(snapshot: Snapshot, rates: Rates) -> list[Row]:
    """Return the rows: what is connected, then what is saved, each group by name."""
    connected, saved, found_ones = tr("Connected"), tr("Saved"), tr("Found")
    groups: dict[str, list[Row]] = {connected: [], saved: [], found_ones: []}
    for target in sorted(snapshot.targets.values(), key=lambda t: (t.title.casefold(), t.name)):
        rate = rates.sum_of(lun.path for lun in snapshot.luns_of(target)) if target.connected else None
        row = Row(
            title=target.title,
            path=target.path,
            subtitle=_subtitle(target),
            state=target.state if snapshot.ready else "unknown",
            rate=text.rate(rate.total) if rate is not None and rate.total >= BUSY else "",
        )
        kept = saved if target.source == "/" else found_ones
        groups[connected if target.state != "disconnected" else kept].append(row)
    found: list[Row] = []
    for title, members in groups.items():
        if members:
            found += [Row(title), *members]
    return found


def _subtitle(target: Target) -> str:
    if target.state == "disconnected":
        return (
            tr("{address} · not offered any more").format(address=target.address) if target.vanished else target.address
        )
    return f"{target.address} · {short(target.state)}"


def short(state: str) -> str:
    """Return a state in a word or two."""
    return {
        "connected": tr("connected"),
        "lost": tr("reconnecting"),
        "connecting": tr("connecting"),
        "disconnecting": tr("disconnecting"),
    }.get(state, state)


def _spoken(row: Row) -> str:
    parts = (row.title, text.state(row.state) if row.path else tr("group"), row.subtitle, row.rate)
    return ", ".join(part for part in parts if part)


_SERVE: Mapping[int, Callable[[Row], Any]] = {
    ROW: lambda row: row,
    PATH: lambda row: row.path,
    Qt.ItemDataRole.DisplayRole: lambda row: row.title,
    Qt.ItemDataRole.AccessibleTextRole: _spoken,
    Qt.ItemDataRole.ToolTipRole: lambda row: f"{row.title}\n{row.subtitle}" if row.path else None,
}


class TargetsModel(QAbstractListModel):
    """Serves the rows, and tells only what changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []

    def update(self, snapshot: Snapshot, rates: Rates) -> None:
        """Take new rows."""
        take(self, self._rows, rows(snapshot, rates), lambda row: (row.path, row.title))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's own default and name
        """How many rows."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Serve one role of a row."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        serve = _SERVE.get(role)
        return serve(row) if serve is not None else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings cannot be chosen."""
        if not index.isValid() or not self._rows[index.row()].path:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def row_of(self, path: str) -> int:
        """Return the row of a target, -1 when it is not there."""
        for number, row in enumerate(self._rows):
            if path and row.path == path:
                return number
        return -1

    def first(self) -> str:
        """Return the first target's path, or ""."""
        return next((row.path for row in self._rows if row.path), "")
