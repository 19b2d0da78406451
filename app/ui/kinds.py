# SPDX-License-Identifier: Apache-2.0
"""What the live plot can show. Without the plot itself, whose libraries take a third of the time to start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from .. import text
from ..words import figure, mark
from . import theme


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot: a column of Rate, its name, its colour (a field of theme.Colours), and its pen."""

    column: str
    name: str
    colour: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """What a plot shows. `factor`: from the column to what is drawn; `words`: of a value, for the readout."""

    name: str
    unit: str
    lines: tuple[Line, ...]
    factor: float
    words: Callable[[float], str]
    least: float
    filled: bool = True


def _count(value: float) -> str:
    return figure(f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}")


KINDS: Mapping[str, Kind] = {
    "throughput": Kind(
        mark("Throughput"), "MB/s",
        (Line("read", mark("read"), "read"), Line("write", mark("written"), "write")),
        1e-6, text.rate, 1.0,
    ),
    "operations": Kind(
        mark("Operations"), mark("commands a second"),
        (Line("read_ops", mark("reads"), "read"), Line("write_ops", mark("writes"), "write")),
        1.0, _count, 10.0,
    ),
    "latency": Kind(
        mark("Latency"), "ms",
        (
            Line("read_median", mark("reads, median"), "read"),
            Line("read_worst", mark("reads, 99 %"), "read", dashed=True),
            Line("write_median", mark("writes, median"), "write"),
            Line("write_worst", mark("writes, 99 %"), "write", dashed=True),
        ),
        1e-3, text.microseconds, 1.0, filled=False,
    ),
    "queue": Kind(
        mark("Queue"), mark("commands under way"), (Line("queue", mark("under way"), "read"),), 1.0, _count, 4.0
    ),
}  # fmt: skip


class Swatch(QWidget):
    """A short piece of a line, for the legend."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line
        self.setFixedSize(26, 12)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        style = Qt.PenStyle.DashLine if self._line.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(QColor(getattr(theme.colours(), self._line.colour)), 2, style))
        painter.drawLine(QPointF(1, self.height() / 2), QPointF(self.width() - 1, self.height() / 2))
        painter.end()
