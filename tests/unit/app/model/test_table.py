# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("PySide6")

from lundock.app.model.table import Table, take
from PySide6.QtCore import Qt


class Two(Table):
    columns = ("Name", "Size")


@pytest.fixture
def table() -> Two:
    return Two()


@pytest.fixture
def told(table: Two) -> list[Any]:
    """What the model tells its views."""
    seen: list[Any] = []
    table.modelReset.connect(lambda: seen.append("reset"))
    table.dataChanged.connect(lambda first, last: seen.append((first.row(), first.column(), last.row(), last.column())))
    return seen


def rows(table: Two, *new: tuple[str, int]) -> None:
    take(table, table._rows, list(new), lambda row: row[0], columns=2)


def test_other_rows_are_told_as_a_whole(table: Two, told: list[Any]) -> None:
    rows(table, ("a", 1), ("b", 2))
    assert table.rowCount() == 2
    rows(table, ("b", 2), ("a", 1))
    rows(table)
    assert told == ["reset"] * 3
    assert table.rowCount() == 0


def test_of_the_same_rows_only_what_changed_is_told(table: Two, told: list[Any]) -> None:
    rows(table, ("a", 1), ("b", 2), ("c", 3))
    rows(table, ("a", 1), ("b", 5), ("c", 3))
    rows(table, ("a", 1), ("b", 5), ("c", 3))
    assert told == ["reset", (1, 0, 1, 1)]
    assert table._rows[1] == ("b", 5)


def test_headings_stand_over_the_columns_and_nowhere_else(table: Two) -> None:
    heading = Qt.ItemDataRole.DisplayRole
    assert [table.headerData(n, Qt.Orientation.Horizontal, heading) for n in range(table.columnCount())] == [
        "Name",
        "Size",
    ]
    assert table.headerData(0, Qt.Orientation.Vertical, heading) is None


def test_a_cell_has_no_rows_below_it(table: Two) -> None:
    rows(table, ("a", 1))
    assert (table.rowCount(table.index(0, 0)), table.columnCount(table.index(0, 0))) == (0, 0)
