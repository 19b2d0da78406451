# SPDX-License-Identifier: Apache-2.0
"""“Check the connection”: goes every step from the name to the disks, and says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from ...helper.api.errors import Problem
from ..client.client import Client, Step
from ..client.objects import Job
from ..client.thread import Work
from ..flows.connect import DIAGNOSIS
from ..model import diagnosis
from ..model.bridge import Bus
from ..model.diagnosis import Diagnosis, Line
from ..model.targets import ROW
from ..words import tr
from .cells import Cells, TwoLines
from .steps import Steps
from .widgets import Banner, Code, Fitting, button, copy, label, name_button, show_picture, spaced

#: Does it: as operations.diagnose, with all but the last argument given.
Diagnose = Callable[[Client, Step], Awaitable[Mapping[str, Any]]]

#: What was found about a step, to its icon and the colour of it.
_ICONS = {"ok": ("check", "good"), "warning": ("warning", "warning"), "failed": ("error", "bad")}
_SKIPPED = ("skipped", "muted")


class DiagnosisDialog(QDialog):
    """Begins at once. `subject` is what is looked at, as a person calls it."""

    def __init__(self, bus: Bus, subject: str, diagnose: Diagnose, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._subject = subject
        self._diagnose = diagnose
        self._work: Work | None = None
        self._run = 0
        self.found: Diagnosis | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Check the connection"))
        self.setAccessibleName(tr("Check the connection"))
        self.setMinimumSize(600, 520)
        self._mark = QLabel()
        self._heading = label("", "title", wrap=True, selectable=True)
        self._meaning = label("", wrap=True, selectable=True)
        self._action = label("", "strong", wrap=True, selectable=True)
        self._name = Code(tip=tr("Copy this computer's iSCSI name"))
        self._banner = Banner()
        self.steps = Steps()
        self.list = QListWidget()
        self._pages = QStackedWidget()
        self._copy = button(tr("Copy the report"), self._copy_report, icon="copy")
        self._again = button(tr("Look again"), self.begin, icon="refresh")
        self._close = button(tr("Close"), self.reject, primary=True)
        self._build()
        Fitting(self)
        self.begin()

    def _build(self) -> None:
        self.list.setAccessibleName(tr("What was looked at"))
        self.list.setIconSize(QSize(20, 20))
        self.list.setItemDelegate(TwoLines(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        head = QHBoxLayout()
        spaced(head, 0, 12)
        head.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        spaced(words, 0, 4)
        for widget in (self._heading, self._meaning, self._action, self._name):
            words.addWidget(widget)
        head.addLayout(words, 1)
        layout = QVBoxLayout(self)
        spaced(layout, 24, 12)
        layout.addLayout(head)
        layout.addWidget(self._banner)
        self._banner.dismissed.connect(lambda: self._banner.show_problem(None))
        for page in (self.steps, self.list):
            self._pages.addWidget(page)
        layout.addWidget(self._pages, 1)
        row = QHBoxLayout()
        row.addWidget(self._copy)
        row.addWidget(self._again)
        row.addStretch()
        row.addWidget(self._close)
        layout.addLayout(row)

    # ---- doing it

    def begin(self) -> None:
        """Look, from the beginning."""
        self._stop()
        run, self.found = self._run, None
        self.steps.set_steps([(word, tr(words)) for word, words in DIAGNOSIS])
        self._show_working()
        on_step = self._bus.steps(lambda job: self._on_step(job) if self._is(run) else None)
        self._work = self._bus.run(
            lambda client: self._diagnose(client, on_step),
            lambda details: self._on_done(details) if self._is(run) else None,
            lambda problem: self._on_problem(problem) if self._is(run) else None,
        )

    def _is(self, run: int) -> bool:
        return isValid(self) and run == self._run

    def _stop(self) -> None:
        self._run += 1
        if self._work is not None:
            self._work.cancel()
            self._work = None

    def _on_step(self, job: Job) -> None:
        self.steps.reach(job.step)

    def _on_done(self, details: Mapping[str, Any]) -> None:
        self._work = None
        self.found = diagnosis.read(details)
        self._show(self.found)

    def _on_problem(self, problem: Problem) -> None:
        self._work = None
        self.steps.hide()
        self._meaning.hide()
        self._heading.setText(tr("It could not be looked at"))
        self._again.show()
        name_button(self._close, tr("Close"))
        self._banner.show_problem(problem if problem.code != "Cancelled" else None)

    # ---- what is shown

    def _show_working(self) -> None:
        self._mark.hide()
        self._banner.show_problem(None)
        self._heading.setText(tr("Looking at “{target}”").format(target=self._subject))
        self._meaning.setText(tr("Each step from the name to the disks is tried. Nothing is changed."))
        self._meaning.show()
        for widget in (self._action, self._name, self._copy, self._again):
            widget.hide()
        self.steps.show()
        self._pages.setCurrentWidget(self.steps)
        name_button(self._close, tr("Cancel"))

    def _show(self, found: Diagnosis) -> None:
        icon, colour = _ICONS.get(found.verdict, _SKIPPED)
        show_picture(self._mark, icon, 32, colour)
        self._mark.setAccessibleName(diagnosis.verdict_words(found.verdict))
        self._mark.show()
        self._heading.setText(found.heading)
        for widget, words in ((self._meaning, found.meaning), (self._action, found.action)):
            widget.setText(words)
            widget.setVisible(bool(words))
        self._name.set_command(found.initiator_name)
        self._fill(found)
        self._pages.setCurrentWidget(self.list)
        self._copy.setVisible(bool(found.report))
        self._again.show()
        name_button(self._close, tr("Close"))
        self.list.setFocus()

    def _fill(self, found: Diagnosis) -> None:
        self.list.clear()
        for line in found.lines:
            self.list.addItem(_item(line))
        worst = next((n for n, line in enumerate(found.lines) if line.verdict == "failed"), -1)
        self.list.setCurrentRow(worst)
        if worst >= 0:
            self.list.scrollToItem(self.list.item(worst))

    def _copy_report(self) -> None:
        if self.found is not None:
            copy(self.found.report)

    def done(self, result: int) -> None:
        """Leave: nothing stays under way."""
        self._stop()
        super().done(result)


def _item(line: Line) -> QListWidgetItem:
    name = f"{line.name} · {line.took}" if line.took else line.name
    item = QListWidgetItem(f"{name}\n{line.said}")
    item.setData(ROW, Cells(((name, line.said),), *_ICONS.get(line.verdict, _SKIPPED)))
    item.setToolTip("\n".join(part for part in (name, line.said, line.action) if part))
    item.setData(Qt.ItemDataRole.AccessibleTextRole, line.spoken)
    return item
