# SPDX-License-Identifier: Apache-2.0
"""The Activity page: what is read and written, live. Drawn only while it can be seen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, QStandardPaths, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from .. import text
from ..client.mirror import Snapshot
from ..client.objects import Target
from ..model.bridge import Bus
from ..model.rates import ALL, Rate
from ..words import figure, tr
from .kinds import KINDS, Kind, Swatch
from .widgets import Choice, Elided, button, clear, label, name_button, set_icon, spaced, tool

if TYPE_CHECKING:
    from .plot import Plot

#: Around the page, and between two figures, in pixels.
MARGIN, GAP = 16, 28
#: Where is remembered what was chosen.
_KIND, _RANGE = "activity/kind", "activity/range"


class Figure(QWidget):
    """A figure with its name and the colour of its line, a word of the style sheet's."""

    def __init__(self, name: str, colour: str) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        spaced(row, 0, 8)
        line = QWidget()
        line.setFixedSize(4, 34)
        line.setObjectName("line")
        line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        line.setProperty("colour", colour)
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

    def value(self) -> str:
        """Return what is shown."""
        return self._value.text()


class ActivityPage(QWidget):
    """Figures of a disk, a target or everything: throughput, operations, latency, queue; five minutes or an hour."""

    paused = Signal(bool)

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus
        self._target: Target | None = None
        self._scopes: tuple[tuple[str, str], ...] = ()
        self._own = False  # whether the person chose of what, and not this page
        self._read = Figure(tr("Read"), "read")
        self._write = Figure(tr("Written"), "write")
        self._ops = Figure(tr("Commands/s"), "border")
        self._latency = Figure(tr("Latency, median / 99 %"), "border")
        self._kind = Choice(tr("What is shown"))
        for word, kind in KINDS.items():
            self._kind.addItem(tr(kind.name), word)
        self._range = Choice(tr("How far back"))
        self._range.addItem(tr("Last 5 minutes"), "minutes")
        self._range.addItem(tr("Last hour"), "hour")
        for control in (self._kind, self._range):  # in a narrow window the third one gives way
            control.setMinimumWidth(control.sizeHint().width())
        self._scope = Choice(tr("Of what"), least=14)
        self._pause = button(tr("Pause"), self._on_pause, icon="pause")
        self._pause.setCheckable(True)
        self._pause.setShortcut(QKeySequence("Ctrl+P"))
        self._save = tool("save", tr("Save a picture …"), self._on_save)
        self._readout = Elided("", "muted")
        self._legend = QGridLayout()
        spaced(self._legend, 0, 6)
        self._legend.setColumnMinimumWidth(2, 10)
        self._legend.setColumnStretch(5, 1)
        self._plot: Plot | None = None
        self._plot_place = QVBoxLayout()
        self._picture = QWidget()
        self._build()
        self._kind.currentIndexChanged.connect(self._on_kind)
        self._range.currentIndexChanged.connect(lambda _n: self._draw())
        self._scope.currentIndexChanged.connect(self._on_scope)
        bus.figures.connect(self._on_figures)
        self._on_kind()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        spaced(layout, MARGIN, 10)
        choices = QHBoxLayout()
        spaced(choices, 0, 8)
        for control in (self._kind, self._range, self._scope):
            choices.addWidget(control)
        choices.addStretch()
        choices.addWidget(self._pause)
        choices.addWidget(self._save)
        layout.addLayout(choices)
        inside = QVBoxLayout(self._picture)
        spaced(inside, 0, 10)
        head = QHBoxLayout()
        spaced(head, 0, GAP)
        for one in (self._read, self._write, self._ops, self._latency):
            head.addWidget(one)
        head.addStretch()
        inside.addLayout(head)
        inside.addLayout(self._plot_place, 1)
        foot = QVBoxLayout()
        spaced(foot, 0, 4)
        foot.addWidget(self._readout)
        foot.addLayout(self._legend)
        inside.addLayout(foot)
        layout.addWidget(self._picture, 1)

    @property
    def plot(self) -> Plot:
        """The plot, made when it is first needed: who does not look at it need not wait for its libraries."""
        if self._plot is None:
            from .plot import Plot

            self._plot = Plot()
            self._plot.pointed.connect(self._readout.setText)
            self._plot.show_kind(self._kind_word)
            self._plot_place.addWidget(self._plot)
        return self._plot

    def restore(self, settings: QSettings) -> None:
        """Show what was chosen the last time."""
        for key, choice in ((_KIND, self._kind), (_RANGE, self._range)):
            at = choice.findData(settings.value(key))
            if at >= 0:
                choice.setCurrentIndex(at)

    def save(self, settings: QSettings) -> None:
        """Remember what is chosen."""
        settings.setValue(_KIND, self._kind.currentData())
        settings.setValue(_RANGE, self._range.currentData())

    @property
    def _kind_word(self) -> str:
        return str(self._kind.currentData())

    # ---- what is shown

    def update_page(self, snapshot: Snapshot, target: Target | None) -> None:
        """Show another target, or the same with other disks."""
        scopes: list[tuple[str, str]] = []
        if target is not None and target.connected:
            scopes.append((target.session, tr("This target")))
            scopes += [(lun.path, f"LUN {lun.lun}: {lun.title}") for lun in snapshot.shown_luns(target)]
        scopes.append((ALL, tr("All targets")))
        moved = (self._target.path if self._target else "") != (target.path if target else "")
        self._target = target
        self._own = self._own and not moved
        if tuple(scopes) != self._scopes:
            chosen = self._scope.currentData()
            self._scopes = tuple(scopes)
            self._scope.blockSignals(True)
            self._scope.clear()
            for key, words in scopes[:60]:
                self._scope.addItem(words, key)
            self._scope.setCurrentIndex(max(self._scope.findData(chosen), 0) if self._own else 0)
            self._scope.blockSignals(False)
            self._scope.tell()
            self._draw()

    @property
    def scope(self) -> str:
        """The key of the history that is shown."""
        return str(self._scope.currentData() or ALL)

    def _on_figures(self) -> None:
        if self.isVisible() and not self._pause.isChecked():
            self._draw()

    def _draw(self) -> None:
        if self._plot is None and not self.isVisible():
            return
        now, hour = time.monotonic(), self._range.currentData() == "hour"
        self._set_figures(self._bus.rates.sum_of(self._bus.rates.in_scope(self.scope)) or Rate())
        self.plot.show_points(self._bus.rates.history(self.scope, now, hour=hour), now, hour=hour)

    def _set_figures(self, rate: Rate) -> None:
        self._read.set_value(text.rate(rate.read))
        self._write.set_value(text.rate(rate.write))
        self._ops.set_value(figure(f"{rate.read_ops + rate.write_ops:,.0f}"))
        median, worst = max(rate.read_median, rate.write_median), max(rate.read_worst, rate.write_worst)
        words = f"{text.microseconds(median)} / {text.microseconds(worst)}" if worst else "—"
        self._latency.set_value(words)
        self._fit_figures()

    def _on_kind(self) -> None:
        if self._plot is not None:
            self._plot.show_kind(self._kind_word)
        kind: Kind = KINDS[self._kind_word]
        clear(self._legend)
        for number, line in enumerate(kind.lines):
            row, column = divmod(number, 2)
            self._legend.addWidget(Swatch(line), row, 3 * column)
            self._legend.addWidget(label(tr(line.name), "muted"), row, 3 * column + 1)
        self._draw()

    def _on_scope(self) -> None:
        self._own = True
        self._draw()

    def _on_pause(self) -> None:
        on = self._pause.isChecked()
        name_button(self._pause, tr("Go on") if on else tr("Pause"))
        set_icon(self._pause, "play" if on else "pause")
        self.paused.emit(on)
        self._on_figures()

    # ---- a picture of it

    def _on_save(self) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        title = self._target.title if self._target is not None else "lundock"
        name = "".join(c if c.isalnum() or c in "-_." else "-" for c in title)[:60]
        dialog = QFileDialog(self, tr("Save a picture"), folder, tr("Pictures (*.png)"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("png")
        dialog.selectFile(f"{name}-{time.strftime('%Y-%m-%d-%H%M%S')}.png")
        dialog.fileSelected.connect(lambda file: self.save_picture(Path(file)))
        dialog.open()

    def save_picture(self, file: Path) -> bool:
        """Save figures and plot as they are now; False when the file cannot be written."""
        ground = self._picture.autoFillBackground()
        self._picture.setAutoFillBackground(True)
        done = self._picture.grab().save(str(file), "PNG")
        self._picture.setAutoFillBackground(ground)
        return bool(done)

    # ---- seen or not

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the lesser figures give way."""
        super().resizeEvent(event)
        self._fit_figures()

    def _fit_figures(self) -> None:
        room = self.width() - 2 * MARGIN
        for one in (self._read, self._write, self._ops, self._latency):
            room -= one.sizeHint().width()
            one.setVisible(room >= 0 or one in {self._read, self._write})
            room -= GAP

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came in while it was hidden."""
        super().showEvent(event)
        self._on_figures()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is drawn while nobody looks."""
        super().hideEvent(event)
        if self._plot is not None:
            self._plot.leave()
