# SPDX-License-Identifier: Apache-2.0
"""A target's disks as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt

from .. import text
from ..client.mirror import Snapshot
from ..client.objects import Lun, Target
from ..words import mark, tr
from .rates import Rates
from .table import Index, Table, take
from .targets import PATH, ROW

COLUMNS = (mark("Disk"), mark("Size"), mark("Device"), mark("In use"), mark("Activity"))


@dataclass(frozen=True, slots=True)
class DiskRow:
    """What a disk's row shows: a line and a smaller one below it for each column."""

    path: str
    cells: tuple[tuple[str, str], ...]
    attached: bool
    usable: bool
    kind: str = "disk"


def row(lun: Lun, rates: Rates) -> DiskRow:
    """Return a disk's row."""
    flags = [word for word, on in ((tr("read-only"), lun.read_only), (tr("thin"), lun.thin)) if on]
    rate = rates.of(lun.path)
    activity = ("", "")
    if rate is not None and lun.device:
        activity = (f"↓ {text.rate(rate.read)}", f"↑ {text.rate(rate.write)}")
    cells = (
        (lun.title, " · ".join([f"LUN {lun.lun}", *flags])),
        (text.size(lun.size) if lun.size else tr("Not ready"), _binary(lun.size)),
        (lun.device or tr("Not attached"), _as(lun)),
        _use(lun),
        activity,
    )
    return DiskRow(lun.path, cells, attached=bool(lun.device), usable=lun.usable, kind=lun.kind)


def _binary(size: int) -> str:
    binary = text.size_binary(size)
    return binary if size and binary != text.size(size) else ""


def _as(lun: Lun) -> str:
    return tr("as {method}").format(method=lun.attach_method) if lun.device else ""


def _use(lun: Lun) -> tuple[str, str]:
    if lun.mounts:
        rest = len(lun.holders) - 1
        return lun.mounts[0], tr("mounted, and %n more", "", rest) if rest > 0 else tr("mounted")
    if lun.holders:
        return text.holder(lun.holders[0]), "" if len(lun.holders) == 1 else tr("and %n more", "", len(lun.holders) - 1)
    return (tr("Not in use"), "") if lun.device else ("", "")


class DisksModel(Table):
    """Serves the rows of one target's disks."""

    columns = COLUMNS

    def update(self, snapshot: Snapshot, target: Target | None, rates: Rates) -> None:
        """Take new rows."""
        luns = snapshot.shown_luns(target) if target is not None and target.connected else ()
        take(self, self._rows, [row(lun, rates) for lun in luns], lambda one: one.path, columns=len(COLUMNS))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Serve one role of a cell."""
        if not index.isValid():
            return None
        found = self._rows[index.row()]
        first, second = found.cells[index.column()]
        if role == ROW:
            return found
        if role == PATH:
            return found.path
        if role == Qt.ItemDataRole.DisplayRole:
            return first
        if role in {Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole}:
            return f"{first}\n{second}" if second else first
        return None
