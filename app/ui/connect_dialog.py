# SPDX-License-Identifier: Apache-2.0
"""“Connect to a target”: shows flows.connect and carries its effects out. No step is decided here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ...helper.api.errors import Problem
from ..client import connecting, operations
from ..client.client import Client, no_step
from ..client.client import Step as ClientStep
from ..client.objects import Job, short_name
from ..client.thread import Work
from ..flows import connect as flow
from ..flows.connect import Connect, Discover, Flow, Step
from ..model import disks as disk_rows
from ..model.bridge import Bus
from ..text import KINDS
from ..words import tr
from . import theme
from .sign_in import SignInForm
from .widgets import Banner, button, label, spaced

_HEADINGS = {
    Step.ADDRESS: ("Connect to a target", "Where is the storage device?"),
    Step.LOOKING: ("Looking for targets", "Asking the device what it offers."),
    Step.CHOOSE: ("Choose a target", "The device offers these."),
    Step.SIGN_IN: ("Sign in", "The target asks for a name and a secret. They are set on the storage device."),
    Step.CONNECTING: ("Connecting", "This takes a moment."),
    Step.DONE: ("Connected", "These are the target's disks."),
}
_GO = {
    Step.ADDRESS: "Look for targets",
    Step.CHOOSE: "Connect",
    Step.SIGN_IN: "Sign in",
    Step.DONE: "Done",
}


class Steps(QWidget):
    """The steps of a piece of work, each with a mark: done, under way, to come."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[str, QLabel, QLabel]] = []
        self._layout = QVBoxLayout(self)
        spaced(self._layout, 4, 12)

    def set_steps(self, steps: tuple[tuple[str, str], ...]) -> None:
        """Show these steps, all to come."""
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self._lines = []
        for word, words in steps:
            line = QWidget()
            row = QHBoxLayout(line)
            spaced(row, 0, 10)
            mark, name = QLabel(), label(words, "muted")
            mark.setFixedSize(20, 20)
            row.addWidget(mark)
            row.addWidget(name, 1)
            self._layout.addWidget(line)
            self._lines.append((word, mark, name))
        self._layout.addStretch()
        self.reach("")

    def reach(self, step: str) -> None:
        """Show that `step` is under way, and those before it are done."""
        words = [word for word, _mark, _name in self._lines]
        at = words.index(step) if step in words else 0
        now = theme.colours()
        for number, (_word, mark, name) in enumerate(self._lines):
            icon, colour = ("check", now.good) if number < at else ("play", now.busy)
            mark.setPixmap(theme.pixmap(icon, 18, colour, 2.0) if number <= at else theme.pixmap("copy", 1, "#0000"))
            name.setProperty("role", "" if number <= at else "muted")
            name.setAccessibleName("")
            name.style().unpolish(name)
            name.style().polish(name)


class ConnectDialog(QDialog):
    """The dialog. `connected` tells the target's path at the end."""

    connected = Signal(str)

    def __init__(self, bus: Bus, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._flow = Flow()
        self._work: Work | None = None
        self._run = 0
        self._target = ""
        self._user = ""
        self._on_job: ClientStep = no_step
        self.setWindowTitle(tr("Connect to a target"))
        self.setAccessibleName(tr("Connect to a target"))
        self.setMinimumSize(600, 480)
        self._heading = label("", "title")
        self._sentence = label("", "muted", wrap=True)
        self._banner = Banner()
        self._pages = QStackedWidget()
        self._makers: dict[Step, QWidget] = {
            Step.ADDRESS: self._address_page(),
            Step.LOOKING: self._looking_page(),
            Step.CHOOSE: self._choose_page(),
            Step.SIGN_IN: self._sign_in_page(),
            Step.CONNECTING: self._connecting_page(),
            Step.DONE: self._done_page(),
        }
        self._back = button(tr("Back"), self._on_back)
        self._cancel = button(tr("Cancel"), self.reject)
        self._go = button(tr("Look for targets"), self.go, primary=True)
        self._go.setDefault(True)
        self._build()
        self._show()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        spaced(layout, 24, 10)
        layout.addWidget(self._heading)
        layout.addWidget(self._sentence)
        layout.addWidget(self._banner)
        self._banner.dismissed.connect(lambda: self._banner.show_problem(None))
        layout.addSpacing(6)
        for page in self._makers.values():
            self._pages.addWidget(page)
        layout.addWidget(self._pages, 1)
        row = QHBoxLayout()
        row.addWidget(self._back)
        row.addStretch()
        row.addWidget(self._cancel)
        row.addWidget(self._go)
        layout.addLayout(row)

    # ---- the pages

    def _address_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        spaced(layout, 0, 8)
        self._address = QLineEdit()
        self._address.setAccessibleName(tr("Address"))
        self._address.setPlaceholderText(tr("nas.local, 192.0.2.5 or [2001:db8::5]:3260"))
        self._address.setMaxLength(operations.MAX_ADDRESS)
        self._by_name = QCheckBox(tr("My target is not listed: type its name"))
        self._by_name.setAccessibleName(self._by_name.text())
        self._name = QLineEdit()
        self._name.setAccessibleName(tr("Target's name"))
        self._name.setPlaceholderText("iqn.2026-01.org.example:disk1")
        self._name.setMaxLength(223)
        self._name.hide()
        self._by_name.toggled.connect(self._name.setVisible)
        self._by_name.toggled.connect(lambda _on: self._refresh_go())
        self._address.textChanged.connect(lambda _text: self._refresh_go())
        self._name.textChanged.connect(lambda _text: self._refresh_go())
        name = label(tr("&Address"))
        name.setBuddy(self._address)
        layout.addWidget(name)
        layout.addWidget(self._address)
        layout.addWidget(
            label(tr("Its name or number in the network; the port only if it is not 3260."), "muted", wrap=True)
        )
        layout.addSpacing(10)
        layout.addWidget(self._by_name)
        layout.addWidget(self._name)
        layout.addStretch()
        return page

    def _looking_page(self) -> QWidget:
        self._looking = Steps()
        return self._looking

    def _choose_page(self) -> QWidget:
        self._list = QListWidget()
        self._list.setObjectName("found")
        self._list.setAccessibleName(tr("Targets that were found"))
        self._list.setIconSize(QSize(28, 28))
        self._list.setSpacing(2)
        self._list.itemActivated.connect(lambda _item: self.go())
        page = QWidget()
        layout = QVBoxLayout(page)
        spaced(layout, 0, 10)
        layout.addWidget(self._list)
        self._attach = QCheckBox(tr("Attach its disks, so that they can be used at once"))
        self._attach.setAccessibleName(self._attach.text())
        self._attach.setChecked(True)
        layout.addWidget(self._attach)
        return page

    def _sign_in_page(self) -> QWidget:
        self._form = SignInForm()
        self._form.changed.connect(self._refresh_go)
        page = QWidget()
        layout = QVBoxLayout(page)
        spaced(layout, 0, 0)
        layout.addWidget(self._form)
        layout.addStretch()
        return page

    def _connecting_page(self) -> QWidget:
        self._connecting = Steps()
        return self._connecting

    def _done_page(self) -> QWidget:
        page = QWidget()
        self._done = QFormLayout(page)
        spaced(self._done, 0, 12)
        self._done.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        return page

    # ---- the flow

    @property
    def flow(self) -> Flow:
        """Where the person stands."""
        return self._flow

    def show_problem(self, problem: Problem) -> None:
        """Show what is wrong with what was handed over."""
        self._banner.show_problem(problem)

    def start_with(self, address: str, target_name: str = "", user: str = "") -> None:
        """Fill the first page in."""
        self._user = user
        self._address.setText(address)
        self._by_name.setChecked(bool(target_name))
        self._name.setText(target_name)

    def go(self) -> None:
        """Do what the main button does."""
        if not self._go.isEnabled():
            return
        step = self._flow.step
        if step is Step.ADDRESS:
            name = self._name.text() if self._by_name.isChecked() else ""
            self._take(flow.submit_address(self._flow, self._address.text(), name))
        elif step is Step.CHOOSE and self._flow.found:
            chosen = self._flow.found[max(self._list.currentRow(), 0)]
            self._take(flow.choose(replace(self._flow, attach=self._attach.isChecked()), chosen))
        elif step is Step.SIGN_IN:
            secrets = self._form.secrets()
            self._take(flow.sign_in(self._flow, self._form.how(), secrets, keep=self._form.keep.isChecked()))
        elif step is Step.DONE:
            self.accept()

    def _on_back(self) -> None:
        self._stop_work()
        self._take(flow.back(self._flow))

    def _take(self, new: Flow) -> None:
        self._flow = new
        self._show()
        effect, self._flow = new.effect, replace(new, effect=None)
        if isinstance(effect, Discover):
            self._begin(lambda client: self._discover(client, effect), self._on_found)
        elif isinstance(effect, Connect):
            self._begin(lambda client: self._connect(client, effect), lambda done: self._on_connected(effect, done))

    def _begin(self, work: Callable[[Client], object], success: Callable[[object], None]) -> None:
        self._run += 1
        run = self._run
        self._on_job = self._bus.steps(lambda job: self._on_step(job) if run == self._run else None)
        self._work = self._bus.run(
            work,  # type: ignore[arg-type]
            lambda result: success(result) if run == self._run else None,
            lambda problem: self._take(flow.failed(self._flow, problem)) if run == self._run else None,
        )

    def _stop_work(self) -> None:
        self._run += 1
        if self._work is not None:
            self._work.cancel()
            self._work = None

    async def _discover(self, client: Client, effect: Discover) -> object:
        on_step = self._on_job
        return await operations.discover(
            client, effect.address, sign_in=effect.sign_in, secrets=effect.secrets, on_step=on_step
        )

    async def _connect(self, client: Client, effect: Connect) -> object:
        return await connecting.connect(
            client,
            effect.name,
            effect.portals,
            sign_in=effect.sign_in,
            secrets=effect.secrets,
            attach=effect.attach,
            on_step=self._on_job,
        )

    def _on_step(self, job: Job) -> None:
        page = self._looking if self._flow.step is Step.LOOKING else self._connecting
        page.reach(job.step)
        self._sentence.setText(f"{KINDS.get(job.kind, 'Working')} …")

    def _on_found(self, found: object) -> None:
        self._take(flow.found(self._flow, found))  # type: ignore[arg-type]

    def _on_connected(self, effect: Connect, done: object) -> None:
        if not isinstance(done, connecting.Connected):
            return
        self._target = done.target
        if effect.keep and effect.secrets:
            self._bus.later(self._bus.keyring.store(effect.name, effect.secrets), lambda _none: None, self._not_kept)
        self._form.clear()
        self._fill_done(done)
        self._take(flow.connected(self._flow, done.luns))
        self.connected.emit(done.target)

    def _not_kept(self, problem: Problem) -> None:
        self._sentence.setText(f"Connected. The secret was not kept: {problem.attrs.get('detail', '')}")

    # ---- what is shown

    def _show(self) -> None:
        step = self._flow.step
        heading, sentence = _HEADINGS[step]
        self._heading.setText(heading)
        self._sentence.setText(sentence)
        self._pages.setCurrentWidget(self._makers[step])
        self._banner.show_problem(self._flow.problem)
        self._enter(step)
        self._back.setVisible(step in {Step.CHOOSE, Step.SIGN_IN, Step.LOOKING, Step.CONNECTING})
        self._cancel.setVisible(step is not Step.DONE)
        self._go.setVisible(step in _GO)
        self._go.setText(_GO.get(step, ""))
        self._go.setAccessibleName(self._go.text() or "Go on")
        self._refresh_go()

    def _enter(self, step: Step) -> None:
        if step is Step.ADDRESS:
            self._address.setFocus()
        elif step is Step.LOOKING:
            self._looking.set_steps(flow.PROGRESS[:3])
        elif step is Step.CONNECTING:
            self._connecting.set_steps(flow.PROGRESS[: 5 if self._flow.attach else 4])
        elif step is Step.CHOOSE:
            self._fill_found()
        elif step is Step.SIGN_IN:
            self._form.fill(self._flow.sign_in, self._bus.snapshot_now.manager.initiator_name)
            self._form.secret.field.setFocus()

    def _fill_found(self) -> None:
        self._list.clear()
        for target in self._flow.found:
            name, below = flow.describe(target)
            item = QListWidgetItem(theme.icon("disks", theme.colours().muted), f"{name}\n{below}")
            item.setToolTip(target.name)
            self._list.addItem(item)
            if target == self._flow.chosen:
                self._list.setCurrentItem(item)
        self._list.setFocus()

    def _fill_done(self, done: connecting.Connected) -> None:
        while self._done.rowCount():
            self._done.removeRow(0)
        snapshot = self._bus.snapshot_now
        target = snapshot.targets.get(done.target)
        found = snapshot.shown_luns(target) if target is not None else ()
        for lun in found:
            cells = disk_rows.row(lun, self._bus.rates).cells
            words = [" · ".join(part for part in (cells[1][0], cells[0][1], cells[2][0]) if part)]
            if lun.path in done.problems:
                words.append(str(done.problems[lun.path]))
            self._done.addRow(label(lun.title, "strong"), label("\n".join(words), wrap=True, selectable=True))
        if not found:
            self._done.addRow(label(tr("The target shows no disks to this computer."), "muted", wrap=True))

    def _refresh_go(self) -> None:
        step = self._flow.step
        named = not self._by_name.isChecked() or bool(self._name.text().strip())
        ready = {
            Step.ADDRESS: bool(self._address.text().strip()) and named,
            Step.SIGN_IN: self._form.ready,
        }
        self._go.setEnabled(ready.get(step, True)) if hasattr(self, "_go") else None

    @property
    def chosen_title(self) -> str:
        """The readable name of what is being connected."""
        return short_name(self._flow.chosen.name) if self._flow.chosen is not None else ""

    def reject(self) -> None:
        """Escape, Cancel: stop what is under way."""
        self._stop_work()
        self._form.clear()
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """As Cancel."""
        self._stop_work()
        super().closeEvent(event)
