# SPDX-License-Identifier: Apache-2.0
"""The live plot: one kind of figure over the last minutes or the last hour, with a readout under the pointer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from .. import text
from ..model.rates import Points
from ..words import figure, tr
from . import theme
from .kinds import KINDS, Kind, Line
from .widgets import spaced

#: More points than this are drawn in groups: there are not many more pixels, and each point costs.
MAX_DRAWN = 360
#: The least room at the ends of an axis, where half of a word stands out, in pixels.
EDGE = 20
#: How many seconds are shown, by how many there are: a new plot is not an empty one.
SPANS = {False: (10, 20, 30, 60, 120, 180, 240, 300), True: (60, 300, 900, 1800, 3600)}


def _groups(times: Any, now: float, span: float) -> Any:
    """Return where groups of points begin, of which the highest is drawn; None when there are few enough.

    Groups lie on the clock, so that peaks do not dance while the points move on.
    """
    if len(times) <= MAX_DRAWN:
        return None
    return np.flatnonzero(np.diff(np.floor((times + now) * (MAX_DRAWN / span)), prepend=-1.0))


def _rounded(value: float) -> float:
    """Return a round number that is not less: an axis that stands still is easier to read, and drawn only once."""
    step = 10.0 ** math.floor(math.log10(value))
    return next(part * step for part in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if part * step >= value)


def _room(metrics: QFontMetrics) -> int:
    """Return how much room the last word of the time axis needs beyond its end."""
    return max(EDGE, metrics.horizontalAdvance(tr("now")) // 2 + 4)


class _Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis whose first and last words may stand out: pyqtgraph leaves them out where there is a grid."""

    def boundingRect(self) -> QRectF:
        """Return where it draws."""
        room = _room(QFontMetrics(QGuiApplication.font()))
        return QRectF(super().boundingRect()).adjusted(-room, -EDGE / 2, room, EDGE / 2)


class _Amount(_Axis):
    """The axis of the values, with numbers as the person writes them."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Name the ticks."""
        return [figure(made) for made in super().tickStrings(values, scale, spacing)]


class _Ago(_Axis):
    """The time axis: how long ago."""

    def tickStrings(self, values: list[float], _scale: float, _spacing: float) -> list[str]:
        """Name the ticks."""
        return [self._words(value) for value in values]

    @staticmethod
    def _words(value: float) -> str:
        if value > -1:
            return tr("now")
        if value % 60 == 0:
            return tr("{number} min", "minutes, short").format(number=round(-value / 60))
        return tr("{number} s", "seconds").format(number=round(-value))

    def tickValues(self, low: float, high: float, _size: float) -> list[tuple[float, list[float]]]:
        """Place them: five to seven."""
        step = next((s for s in (2, 5, 10, 15, 30, 60, 180, 300) if (high - low) / s < 7), 600)
        first = int(low // step) * step
        return [(step, [float(v) for v in range(first, 1, step) if low <= v <= high])]


class Plot(QWidget):
    """Shows Points. `pointed` tells the words for what is under the pointer, "" for nothing."""

    pointed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._word, self._kind = "throughput", KINDS["throughput"]
        self._points: Points | None = None
        self._times: Any = np.empty(0)
        self._now = 0.0
        self._hour = False
        self._span = 0.0
        self._top = 0.0
        self._pointed: float | None = None
        self._plot = pg.PlotWidget(axisItems={"bottom": _Ago("bottom"), "left": _Amount("left")})
        self._curves: list[Any] = []
        self._cursor = pg.InfiniteLine(angle=90)
        self._quiet = pg.TextItem(tr("Nothing is read or written just now"), anchor=(0.5, 0.5))
        layout = QVBoxLayout(self)
        spaced(layout, 0, 0)
        layout.addWidget(self._plot)
        # Time runs as it does on every axis, and numbers stand before it, whatever the language.
        for one in (self._plot, self._plot.getPlotItem()):
            one.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self._set_up()
        theme.follow(self, Plot._dress)

    def _dress(self) -> None:
        """Draw everything in the colours that are in use."""
        now = theme.colours()
        self._plot.setBackground(now.base)
        self._cursor.setPen(pg.mkPen(now.muted, width=1))
        self._quiet.setColor(now.muted)
        for name in ("left", "bottom"):
            axis = self._plot.getAxis(name)
            axis.setPen(QColor(now.border))
            axis.setTextPen(QColor(now.muted))
        self.show_kind(self._word)

    def _set_up(self) -> None:
        plot = self._plot
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.setLimits(yMin=0)
        plot.getPlotItem().layout.setContentsMargins(0, EDGE / 2, _room(self.fontMetrics()), 0)
        plot.showGrid(x=True, y=True, alpha=0.22)
        plot.setClipToView(True)
        plot.setDownsampling(auto=True, mode="peak")
        for name in ("left", "bottom"):
            axis = plot.getAxis(name)
            axis.setCacheMode(axis.CacheMode.DeviceCoordinateCache)  # drawn anew only when it is another
        plot.getAxis("bottom").setStyle(tickTextOffset=7)
        plot.getAxis("left").setWidth(62)
        plot.getAxis("left").enableAutoSIPrefix(False)
        plot.getAxis("left").setTickDensity(0.6)
        self._cursor.hide()
        self._cursor.setZValue(5)
        plot.addItem(self._cursor, ignoreBounds=True)
        self._quiet.hide()
        plot.addItem(self._quiet, ignoreBounds=True)
        plot.scene().sigMouseMoved.connect(self._on_pointer)
        self._set_span(float(SPANS[False][0]))

    # ---- what is shown

    @property
    def kind(self) -> Kind:
        """What is shown."""
        return self._kind

    @property
    def drawn(self) -> list[list[float]]:
        """The values of each line as they are drawn."""
        return [[] if curve.yData is None else [float(v) for v in curve.yData] for curve in self._curves]

    def show_kind(self, word: str) -> None:
        """Show another kind of figure, a word of KINDS."""
        self._word, self._kind = word, KINDS[word]
        kind = self._kind
        for curve in self._curves:
            self._plot.removeItem(curve)
        self._curves = [self._curve(line, first=n == 0) for n, line in enumerate(kind.lines)]
        self._plot.setLabel("left", tr(kind.unit))
        self.setAccessibleName(tr(kind.name))
        if self._points is not None:
            self.show_points(self._points, self._now, hour=self._hour)

    def event(self, event: QEvent) -> bool:
        """On another screen lines are drawn for it."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.show_kind(self._word)
        return super().event(event)

    def _curve(self, line: Line, *, first: bool) -> Any:
        colours = theme.colours()
        colour = getattr(colours, line.colour)
        style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
        # The ground is drawn below the first line only, and opaque: two would mix to grey where they overlap.
        ground = (
            {"fillLevel": 0, "brush": theme.mixed(colours.base, colour, 0.18)} if first and self._kind.filled else {}
        )
        pen = pg.mkPen(colour, width=2 * self.devicePixelRatioF(), style=style)  # a cosmetic pen does not scale
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)  # where two pieces meet nothing stands out
        curve = self._plot.plot(pen=pen, antialias=True, **ground)
        if not line.dashed:
            # One long antialiased path of two pixels' width takes three times as long to draw as its pieces.
            curve.curve.setSegmentedLineMode("on")
        curve.setZValue(1 if first else 2)
        return curve

    def show_points(self, points: Points, now: float, *, hour: bool) -> None:
        """Show the points; `now` is where the time axis ends."""
        self._points, self._now, self._hour = points, now, hour
        self._times = np.frombuffer(points.times, dtype=np.float64) - now if len(points) else np.empty(0)
        age = -float(self._times[0]) if len(points) else 0.0
        span = float(next((s for s in SPANS[hour] if s >= age), SPANS[hour][-1]))
        starts = _groups(self._times, now, span)
        top = self._kind.least
        for curve, line in zip(self._curves, self._kind.lines, strict=True):
            values: Any = np.frombuffer(points[line.column], dtype=np.float32) * self._kind.factor
            top = max(top, float(np.max(values, initial=0.0)))
            if starts is None:
                curve.setData(self._times, values)
            else:
                curve.setData(self._times[starts], np.maximum.reduceat(values, starts))
        self._set_top(_rounded(top * 1.05))
        self._set_span(span)
        self._say_quiet(points, top)
        if self._pointed is not None:
            self.point_at(self._pointed)

    def _set_top(self, top: float) -> None:
        if top != self._top:
            self._top = top
            self._plot.setYRange(0, top, padding=0)

    def _set_span(self, seconds: float) -> None:
        if seconds != self._span:
            self._span = seconds
            self._plot.setXRange(-seconds, 0, padding=0.004)

    def _say_quiet(self, points: Points, top: float) -> None:
        tail = [points[name][-3:] for name in ("read", "write")] if len(points) else []
        quiet = not any(any(values) for values in tail)
        self._quiet.setVisible(quiet and self._kind.filled)
        if quiet:
            self._quiet.setPos(-self._span / 2, top * 0.56)

    @property
    def span(self) -> float:
        """How many seconds are shown."""
        return self._span

    # ---- under the pointer

    def _on_pointer(self, place: QPointF) -> None:
        box = self._plot.getPlotItem().vb
        inside = len(self._times) > 0 and box.sceneBoundingRect().contains(place)
        if not inside:
            self.leave()
            return
        self.point_at(box.mapSceneToView(place).x())

    def point_at(self, when: float) -> None:
        """Read out the moment that is nearest to `when` (seconds, negative: ago)."""
        self._pointed, points = when, self._points
        if points is None or not len(points):
            self.leave()
            return
        at = int(np.abs(self._times - when).argmin())
        self._cursor.setPos(self._times[at])
        self._cursor.show()
        seconds = -float(self._times[at])
        ago = text.span(seconds, past=True) if seconds >= 1 else tr("now")
        parts = [f"{tr(line.name)} {self._kind.words(points[line.column][at])}" for line in self._kind.lines]
        self.pointed.emit(f"{ago}: {', '.join(parts)}")

    def leave(self) -> None:
        """The pointer is elsewhere."""
        self._pointed = None
        self._cursor.hide()
        self.pointed.emit("")
