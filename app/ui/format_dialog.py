# SPDX-License-Identifier: Apache-2.0
"""Making a file system on an empty disk, through UDisks2, after a second question that names the disk and its size."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from ...helper.api.errors import Problem
from .. import text
from ..client import udisks
from ..client.objects import Lun
from ..flows.mount import FILE_SYSTEMS, question
from ..model.bridge import Bus
from ..words import tr
from .widgets import Banner, Choice, Elided, Fitting, button, label, name_button, spaced, stress


class FormatDialog(QDialog):
    """Asks what for, asks again, and does it. `formatted` at the end."""

    formatted = Signal()

    def __init__(self, bus: Bus, lun: Lun, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._lun = lun
        self._working = False
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Format"))
        self.setAccessibleName(tr("Format"))
        self.setMinimumWidth(480)
        self._heading = label("", "title", wrap=True)
        self._sentence = label("", "muted", wrap=True)
        self._banner = Banner()
        self._banner.dismissed.connect(lambda: self._banner.show_problem(None))
        self._kind = Choice(tr("File system"))
        for kind in FILE_SYSTEMS:
            self._kind.addItem(kind)
        self._good_for = Elided("", "muted")
        self._kind.currentTextChanged.connect(lambda _kind: self._explain())
        self._label = QLineEdit()
        self._label.setAccessibleName(tr("Name of the disk"))
        self._label.setMaxLength(11)  # the shortest that any of the file systems allows
        self._progress = QProgressBar()
        self._progress.setRange(0, 0)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName(tr("Progress"))
        self._pages = QStackedWidget()
        self._form = QWidget()
        self._sure = QWidget()
        self._cancel = button(tr("Cancel"), self.reject)
        self._go = button(tr("Format …"), self._on_go, primary=True)
        self._build()
        self._explain()
        Fitting(self)
        self._show_form()

    def _build(self) -> None:
        form = QFormLayout(self._form)
        spaced(form, 0, 10)
        kind, name = label(tr("&File system")), label(tr("&Name"))
        kind.setBuddy(self._kind)
        name.setBuddy(self._label)
        for one, control in ((kind, self._kind), (name, self._label)):
            one.setMinimumHeight(control.sizeHint().height())
        form.addRow(kind, self._kind)
        form.addRow("", self._good_for)
        form.addRow(name, self._label)
        busy = QVBoxLayout(self._sure)
        spaced(busy, 0, 0)
        busy.addWidget(self._progress)
        busy.addStretch()
        layout = QVBoxLayout(self)
        spaced(layout, 24, 10)
        for widget in (self._heading, self._sentence, self._banner):
            layout.addWidget(widget)
        layout.addSpacing(4)
        for page in (self._form, self._sure):
            self._pages.addWidget(page)
        layout.addWidget(self._pages, 1)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self._cancel)
        row.addWidget(self._go)
        layout.addLayout(row)

    def _show_form(self, problem: Problem | None = None) -> None:
        self._working = False
        size = text.size_both(self._lun.size)
        self._heading.setText(tr("Format “{disk}”").format(disk=self._lun.title))
        words = tr("{size}, {device}. It is empty: a file system makes it usable.")
        self._sentence.setText(words.format(size=size, device=self._lun.device))
        self._pages.setCurrentWidget(self._form)
        self._banner.show_problem(problem if problem is not None and problem.code != "Cancelled" else None)
        name_button(self._cancel, tr("Cancel"))
        name_button(self._go, tr("Format …"))
        stress(self._go, "danger", on=False)
        self._cancel.show()
        self._go.show()
        self._go.setDefault(True)
        self._label.setFocus()

    def _explain(self) -> None:
        self._good_for.setText(tr(FILE_SYSTEMS[self._kind.currentText()]))

    def _ask(self) -> None:
        self._pages.setCurrentWidget(self._sure)
        self._progress.hide()
        self._banner.show_problem(None)
        self._heading.setText(tr("Are you sure?"))
        self._sentence.setText(question(self._lun, self._kind.currentText()))
        name_button(self._cancel, tr("Back"))
        name_button(self._go, tr("Format"))
        stress(self._go, "danger", on=True)
        self._cancel.setDefault(True)
        self._cancel.setFocus()

    def _on_go(self) -> None:
        if self._pages.currentWidget() is self._form:
            self._ask()
            return
        self._working = True
        self._heading.setText(tr("Formatting “{disk}”").format(disk=self._lun.title))
        words = tr("{size}, {device}. This can take a while, and cannot be stopped.")
        self._sentence.setText(words.format(size=text.size_both(self._lun.size), device=self._lun.device))
        self._progress.show()
        self._cancel.hide()
        self._go.hide()
        device, kind, name = self._lun.device, self._kind.currentText(), self._label.text().strip()
        self._bus.run_alone(lambda: udisks.format_empty(device, kind, name), self._on_done, self._on_problem)

    def _on_done(self, _none: object) -> None:
        if isValid(self):
            self.formatted.emit()
            self.accept()

    def _on_problem(self, problem: Problem) -> None:
        if isValid(self):
            self._show_form(problem)

    def reject(self) -> None:
        """Escape: back from the second question; formatting that has begun cannot be stopped."""
        if self._working:
            return
        if self._pages.currentWidget() is self._sure:
            self._show_form()
            return
        super().reject()
