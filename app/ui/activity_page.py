# SPDX-License-Identifier: Apache-2.0
"""The Activity page: what is read and written, live. Drawn only while it can be seen."""

from __future__ import annotations

import time
from bisect import bisect_left
from math import ceil
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from .. import text
from ..client.mirror import Snapshot
from ..client.objects import Target
from ..model.bridge import Bus
from ..model.rates import HISTORY
from ..words import tr
from . import theme
from .widgets import button, label, set_icon, spaced


class _Ago(pg.AxisItem):  # type: ignore[misc]
    """The time axis: minutes ago."""

    def tickStrings(self, values: list[float], _scale: float, _spacing: float) -> list[str]:
        return ["now" if v > -1 else f"{-v / 60:.0f} min" if v % 60 == 0 else f"{-v:.0f} s" for v in values]

    def tickValues(self, low: float, high: float, _size: float) -> list[tuple[float, list[float]]]:
        step = 15.0 if high - low < 70 else 30.0 if high - low < 130 else 60.0
        first = int(low // step) * step
        return [(step, [v for v in (first + step * n for n in range(20)) if low <= v <= high])]


class Figure(QWidget):
    """A figure with its name and the colour of its line."""

    def __init__(self, name: str, colour: str) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        spaced(row, 0, 8)
        line = QWidget()
        line.setFixedSize(4, 34)
        line.setStyleSheet(f"background: {colour}; border-radius: 2px;")
        words = QVBoxLayout()
        spaced(words, 0, 0)
        self._value = label("", "figure")
        self._name = label(name, "muted")
        words.addWidget(self._value)
        words.addWidget(self._name)
        row.addWidget(line)
        row.addLayout(words)

    def set_value(self, words: str) -> None:
        """Show another value."""
        self._value.setText(words)


class ActivityPage(QWidget):
    """Throughput of a target's disks: the last five minutes, a readout under the pointer, a pause."""

    paused = Signal(bool)

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus
        self._paths: tuple[str, ...] = ()
        self._watching = False
        self._pause = button(tr("Pause"), self._on_pause, icon="pause")
        self._pause.setCheckable(True)
        self._pause.setShortcut(QKeySequence("Ctrl+P"))
        self._points: tuple[list[float], list[float], list[float]] = ([], [], [])
        now = theme.colours()
        self._read = Figure(tr("Read"), now.read)
        self._write = Figure(tr("Written"), now.write)
        self._ops = Figure(tr("Commands/s"), now.border)
        self._latency = Figure(tr("Read latency, median / 99 %"), now.border)
        self._readout = label("", "muted")
        self._range = label(tr("last minute"), "muted")
        self._plot = self._make_plot()
        self._build()
        bus.figures.connect(self._on_figures)

    def _make_plot(self) -> Any:
        now = theme.colours()
        plot = pg.PlotWidget(axisItems={"bottom": _Ago("bottom")}, background=now.base)
        plot.setAccessibleName(tr("Throughput, last five minutes"))
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.setXRange(-60, 0, padding=0.005)
        plot.setLimits(yMin=0)
        plot.showGrid(x=True, y=True, alpha=0.13)
        plot.setLabel("left", "MB/s")
        for name in ("left", "bottom"):
            axis = plot.getAxis(name)
            axis.setPen(QColor(now.border))
            axis.setTextPen(QColor(now.muted))
        plot.getAxis("left").setWidth(58)
        plot.getAxis("left").enableAutoSIPrefix(False)
        plot.getAxis("left").setTickDensity(0.6)
        self._curves = []
        for colour in (now.read, now.write):
            fill = QColor(colour)
            fill.setAlpha(38)
            self._curves.append(plot.plot(pen=pg.mkPen(colour, width=2), fillLevel=0, brush=fill, antialias=True))
        self._cursor = pg.InfiniteLine(angle=90, pen=pg.mkPen(now.muted, width=1))
        self._cursor.hide()
        plot.addItem(self._cursor, ignoreBounds=True)
        plot.scene().sigMouseMoved.connect(self._on_pointer)
        return plot

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        spaced(layout, 16, 10)
        head = QHBoxLayout()
        spaced(head, 0, 28)
        for figure in (self._read, self._write, self._ops, self._latency):
            head.addWidget(figure)
        head.addStretch()
        head.addWidget(self._pause, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addLayout(head)
        layout.addWidget(self._plot, 1)
        foot = QGridLayout()
        foot.addWidget(self._readout, 0, 0)
        foot.addWidget(self._range, 0, 1, Qt.AlignmentFlag.AlignRight)
        layout.addLayout(foot)
        self._set_figures()

    # ---- what is shown

    def update_page(self, snapshot: Snapshot, target: Target | None) -> None:
        """Show another target, or the same with other disks."""
        paths = tuple(lun.path for lun in snapshot.luns_of(target)) if target is not None and target.connected else ()
        if paths != self._paths:
            self._paths = paths
            self._on_figures()

    def _on_figures(self) -> None:
        if not self.isVisible() or self._pause.isChecked():
            return
        self._set_figures()
        times, reads, writes = self._bus.rates.history(self._paths)
        now = time.monotonic()
        self._points = ([t - now for t in times], [r / 1e6 for r in reads], [w / 1e6 for w in writes])
        self._curves[0].setData(self._points[0], self._points[1])
        self._curves[1].setData(self._points[0], self._points[2])
        self._show_range(-self._points[0][0] if times else 0.0)
        top = max([1.0, *self._points[1], *self._points[2]])
        self._plot.setYRange(0, top * 1.1, padding=0)

    def _show_range(self, seconds: float) -> None:
        """Show as many minutes as there are, from one to five."""
        minutes = max(1, min(ceil(seconds / 60), round(HISTORY / 60)))
        self._plot.setXRange(-60.0 * minutes, 0, padding=0.005)
        self._range.setText(tr("last minute") if minutes == 1 else f"last {minutes} minutes")

    def _set_figures(self) -> None:
        rate = self._bus.rates.sum_of(self._paths)
        self._read.set_value(text.rate(rate.read) if rate else "0 MB/s")
        self._write.set_value(text.rate(rate.write) if rate else "0 MB/s")
        self._ops.set_value(f"{rate.read_ops + rate.write_ops:,.0f}" if rate else "0")
        self._latency.set_value(self._latency_words())

    def _latency_words(self) -> str:
        worst = (0, 0)
        for path in self._paths:
            values = self._bus.rates.counters(path).get("read-latency")
            if isinstance(values, dict) and values.get("count"):
                worst = max(worst, (int(values.get("p99", 0)), int(values.get("p50", 0))))
        return f"{text.microseconds(worst[1])} / {text.microseconds(worst[0])}" if worst[0] else "none yet"

    def _on_pointer(self, place: QPointF) -> None:
        times, reads, writes = self._points
        box = self._plot.getPlotItem().vb
        inside = bool(times) and box.sceneBoundingRect().contains(place)
        self._cursor.setVisible(inside)
        if not inside:
            self._readout.setText("")
            return
        when = box.mapSceneToView(place).x()
        at = min(bisect_left(times, when), len(times) - 1)
        self._cursor.setPos(times[at])
        reading = (
            f"{text.span(-times[at])} ago: read {text.rate(reads[at] * 1e6)}, written {text.rate(writes[at] * 1e6)}"
        )
        self._readout.setText(reading)

    def _on_pause(self) -> None:
        on = self._pause.isChecked()
        self._pause.setText(tr("Go on") if on else "Pause")
        self._pause.setAccessibleName(self._pause.text())
        set_icon(self._pause, "play" if on else "pause")
        self.paused.emit(on)
        self._on_figures()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the lesser figures give way."""
        super().resizeEvent(event)
        wide = self.width() / max(self.fontMetrics().averageCharWidth(), 1)
        self._ops.setVisible(wide >= 85)
        self._latency.setVisible(wide >= 100)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came in while it was hidden."""
        super().showEvent(event)
        self._on_figures()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is drawn while nobody looks."""
        super().hideEvent(event)
        self._cursor.hide()
