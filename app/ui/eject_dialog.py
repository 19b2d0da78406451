# SPDX-License-Identifier: Apache-2.0
"""Ejecting what is in use: who has it, unmounting it, a second question before any force, and “safe to unplug”."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ...helper.api.errors import Problem
from ..client import operations, udisks
from ..client.client import Client
from ..client.mirror import Snapshot
from ..client.objects import Job, Lun
from ..client.thread import Work
from ..flows import eject as ejecting
from ..model.bridge import Bus
from ..words import tr
from .steps import Steps
from .widgets import Banner, Code, Fitting, button, clear, label, name_button, picture, row_of, spaced, stress


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be ejected: one disk, or (with `lun` empty) all disks of a target, which is disconnected then."""

    target: str
    lun: str
    title: str

    def luns(self, snapshot: Snapshot) -> tuple[Lun, ...]:
        """Return the disks that it is about."""
        if self.lun:
            return (snapshot.luns[self.lun],) if self.lun in snapshot.luns else ()
        target = snapshot.targets.get(self.target)
        return snapshot.luns_of(target) if target is not None else ()


class EjectDialog(QDialog):
    """Shows flows.eject and carries it out."""

    def __init__(self, bus: Bus, wanted: Wanted, *, udisks_there: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._wanted = wanted
        self._udisks = udisks_there
        self._work: Work | None = None
        self._run = 0
        self._plan = ejecting.Plan("wait")
        self._shown: tuple[object, ...] = ()
        self.setModal(True)
        self.setMinimumSize(520, 340)
        title = tr("Disconnect") if not wanted.lun else tr("Eject")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self._heading = label("", "title", wrap=True)
        self._sentence = label("", "muted", wrap=True)
        self._banner = Banner()
        self._banner.dismissed.connect(lambda: self._banner.show_problem(None))
        self._pages = QStackedWidget()
        self._held, self._held_rows = self._list_page()
        self._sure = QWidget()
        self._steps = Steps()
        self._done = self._done_page()
        self._force = button(tr("Eject anyway …"), self._ask_force)
        self._cancel = button(tr("Cancel"), self._on_cancel)
        self._go = button(title, self._on_go, primary=True)
        self._go.setDefault(True)
        self._build()
        Fitting(self)
        bus.changed.connect(self._on_changed)
        self._show_held()
        self._go.setFocus()  # and not what comes first in the row: force

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        spaced(layout, 24, 10)
        for widget in (self._heading, self._sentence, self._banner):
            layout.addWidget(widget)
        for page in (self._held, self._sure, self._steps, self._done):
            self._pages.addWidget(page)
        layout.addWidget(self._pages, 1)
        row = QHBoxLayout()
        row.addWidget(self._force)
        row.addStretch()
        row.addWidget(self._cancel)
        row.addWidget(self._go)
        layout.addLayout(row)

    def _list_page(self) -> tuple[QWidget, QVBoxLayout]:
        page = QWidget()
        rows = QVBoxLayout(page)
        spaced(rows, 0, 8)
        return page, rows

    def _done_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        mark = picture("check", 64, "good")
        mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout.addStretch()
        layout.addWidget(mark)
        layout.addStretch()
        return page

    # ---- who has it

    def _on_changed(self, _snapshot: Snapshot) -> None:
        if self._pages.currentWidget() is self._held and self._plan_now() != self._plan:
            self._show_held()  # else what stands above it would go, though nothing is another

    def _plan_now(self) -> ejecting.Plan:
        return ejecting.plan(self._wanted.luns(self._bus.snapshot_now), udisks=self._udisks)

    def _show_held(self, problem: Problem | None = None) -> None:
        self._plan = self._plan_now()
        back = self._pages.currentWidget() is not self._held
        self._pages.setCurrentWidget(self._held)
        self._banner.show_problem(problem)
        free = self._plan.kind == "eject"
        if free:
            self._heading.setText(tr("Eject “{disk}”?").format(disk=self._wanted.title))
            self._sentence.setText(tr("Nobody uses it any more."))
        else:
            self._heading.setText(tr("“{disk}” is in use").format(disk=self._wanted.title))
            self._sentence.setText(self._advice())
        self._fill_held()
        self._cancel.setText(tr("Cancel"))
        self._cancel.show()
        refused = problem is not None and problem.code == "DataPending"
        self._force.setVisible(operations.can_force() and (refused or not free))
        words = {"unmount": tr("Unmount and eject"), "wait": tr("Try again")}
        self._name_go(words.get(self._plan.kind, tr("Eject")))
        if back:
            self._go.setFocus()

    def _advice(self) -> str:
        if self._plan.kind == "unmount":
            return tr("It can be unmounted now, and ejected after that. Save what you are working on first.")
        if self._plan.commands:
            return tr("Close what uses it; these commands do it in a terminal. Then try again.")
        return tr("Close the programs that use it, then try again.")

    def _fill_held(self) -> None:
        shown = (self._plan.kind, self._plan.held)
        if shown == self._shown:
            return
        self._shown = shown
        clear(self._held_rows)
        for one in self._plan.held[:8]:
            icon = {"mount": "folder", "process": "activity"}.get(one.kind, "disk")
            words = label(one.words, wrap=True, selectable=True)
            self._held_rows.addWidget(row_of(picture(icon, 20), words, spacing=10, stretch=words))
        if len(self._plan.held) > 8:
            self._held_rows.addWidget(label(tr("and %n more", "", len(self._plan.held) - 8), "muted"))
        if self._plan.kind == "wait":
            for command in self._plan.commands[:6]:
                self._held_rows.addWidget(Code(command))
        self._held_rows.addStretch()

    # ---- doing it

    def _on_go(self) -> None:
        page = self._pages.currentWidget()
        if page is self._done:
            self.accept()
        elif page is self._sure:
            self._begin(force=True)
        else:
            self._begin(unmount=self._plan.kind == "unmount")

    def _begin(self, *, force: bool = False, unmount: bool = False) -> None:
        luns = [lun for lun in self._wanted.luns(self._bus.snapshot_now) if lun.device]
        wanted = self._wanted
        steps = [("flush", tr("Write out what is pending")), ("detach", tr("Take the device away"))]
        if unmount:
            steps.insert(0, ("unmount", tr("Unmount")))
        if not wanted.lun:
            steps.append(("logout", tr("Log out")))
        self._steps.set_steps(steps)
        self._run += 1
        run = self._run
        on_step = self._bus.steps(lambda job: self._on_job(job) if run == self._run else None)

        async def work(client: Client) -> None:
            if unmount:
                for lun in luns:
                    if lun.mounts:
                        await udisks.unmount(lun.device)
            if wanted.lun:
                await operations.eject(client, wanted.lun, on_step, force=force)
            else:
                await operations.logout(client, wanted.target, on_step, force=force)

        self._heading.setText(tr("Ejecting “{disk}”").format(disk=wanted.title))
        self._sentence.setText(tr("Leave it plugged in until it is done."))
        self._banner.show_problem(None)
        self._pages.setCurrentWidget(self._steps)
        self._go.hide()
        self._force.hide()
        self._work = self._bus.run(
            work,
            lambda _none: self._on_done() if run == self._run else None,
            lambda problem: self._on_problem(problem) if run == self._run else None,
        )

    def _on_job(self, job: Job) -> None:
        self._steps.reach(job.step, job.progress if job.progress_valid else None)

    def _on_problem(self, problem: Problem) -> None:
        self._work = None
        self._shown = ()
        self._show_held(None if problem.code == "Cancelled" else problem)

    def _on_done(self) -> None:
        self._work = None
        self._heading.setText(tr("It is safe to unplug"))
        words = tr("“{disk}” was ejected; everything is written.")
        if not self._wanted.lun:
            words = tr("“{disk}” is disconnected; everything is written.")
        self._sentence.setText(words.format(disk=self._wanted.title))
        self._pages.setCurrentWidget(self._done)
        self._cancel.hide()
        self._name_go(tr("Close"))

    # ---- force, after a second question

    def _ask_force(self) -> None:
        self._pages.setCurrentWidget(self._sure)
        self._banner.show_problem(None)
        self._heading.setText(tr("Take it away while it is in use?"))
        self._sentence.setText(
            tr(
                "What programs have not written yet is lost, they get errors, and the file system may have to be "
                "repaired. Only do this when there is no other way."
            )
        )
        self._force.hide()
        self._cancel.setText(tr("Back"))
        self._name_go(tr("Eject anyway"))
        stress(self._go, "danger", on=True)
        self._cancel.setFocus()
        self._cancel.setDefault(True)

    def _name_go(self, words: str) -> None:
        name_button(self._go, words)
        stress(self._go, "danger", on=False)
        self._go.show()
        self._go.setDefault(True)

    def _on_cancel(self) -> None:
        if self._pages.currentWidget() is self._sure:
            self._shown = ()
            self._show_held()
        else:
            self.reject()

    def reject(self) -> None:
        """Escape: back from the second question; work that is under way is stopped."""
        if self._pages.currentWidget() is self._sure:
            self._on_cancel()
            return
        self._run += 1
        if self._work is not None:
            self._work.cancel()
            self._work = None
        super().reject()
