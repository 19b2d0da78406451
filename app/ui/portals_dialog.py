# SPDX-License-Identifier: Apache-2.0
"""“Kept addresses”: where targets are looked for again and again, how that went, and what can be done about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from ...helper.api.errors import Problem
from ..client import operations
from ..client.client import Client
from ..client.mirror import Snapshot
from ..client.objects import Portal
from ..client.operations import Secrets, SignIn
from ..client.thread import Work
from ..model import portals
from ..model.bridge import Bus
from ..model.portals import Line
from ..model.targets import PATH, ROW
from ..words import tr
from .cells import Cells, TwoLines
from .diagnosis_dialog import DiagnosisDialog
from .portal_edit import PortalEdit
from .widgets import Banner, Fitting, Message, button, dress_question, label, name_button, spaced

#: A line's state to its icon, and the role of its colour.
_ICONS = {
    "good": ("check", "good"),
    "failed": ("warning", "warning"),
    "looking": ("refresh", "busy"),
    "new": ("skipped", "muted"),
}


class PortalsDialog(QDialog):
    """Facts are in the bus's snapshot; what is done takes effect at once."""

    def __init__(self, bus: Bus, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._work: dict[str, Work] = {}
        self._problem: Problem | None = None
        self._shown: list[Line] = []
        self._dismissed: set[tuple[str, int]] = set()  # paths, and which look
        self._wanted = ""  # the path of what was just added
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Kept addresses"))
        self.setAccessibleName(tr("Kept addresses"))
        self.setMinimumSize(640, 480)
        self.list = QListWidget()
        self._banner = Banner()
        self._pages = QStackedWidget()
        self._add = button(tr("Add an address …"), self.add, icon="add")
        self._look = button(tr("Look now"), self.look, icon="refresh")
        self._change = button(tr("Change …"), self.change, icon="settings")
        self._forget = button(tr("Forget …"), self.forget, icon="forget")
        self._close = button(tr("Close"), self.reject)
        self._build()
        Fitting(self)
        bus.changed.connect(self._on_changed)
        self._on_changed(bus.snapshot_now)
        (self.list if self._shown else self._first).setFocus()

    def _build(self) -> None:
        self.list.setObjectName("portals")
        self.list.setAccessibleName(tr("Kept addresses"))
        self.list.setIconSize(QSize(20, 20))
        self.list.setItemDelegate(TwoLines(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentRowChanged.connect(lambda _row: self._show_chosen())
        # Queued: the list hands the same Enter on, which must not be taken for the next dialog's.
        self.list.itemActivated.connect(self.change, Qt.ConnectionType.QueuedConnection)
        self._banner.dismissed.connect(self._dismiss)
        self._banner.asked_why.connect(self._find_out_why)
        self._first = button(tr("Add an address …"), self.add, icon="add", primary=True)
        empty = Message(
            "disks",
            tr("No address is kept"),
            tr("Lundock looks at kept addresses from time to time, and puts what a device offers into your list."),
        )
        empty.add(self._first)
        full = QWidget()
        inside = QVBoxLayout(full)
        spaced(inside, 0, 10)
        inside.addWidget(self.list, 1)
        inside.addWidget(self._banner)
        row = QHBoxLayout()
        for control in (self._add, self._look, self._change, self._forget, self._close):
            control.setAutoDefault(False)  # Enter is the list's
        for control in (self._add, self._look, self._change, self._forget):
            row.addWidget(control)
        row.addStretch()
        inside.addLayout(row)
        for page in (full, empty):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        spaced(layout, 24, 10)
        layout.addWidget(label(tr("Kept addresses"), "title", wrap=True))
        words = tr("What these devices offer is looked at from time to time; new targets appear in your list.")
        self._sentence = label(words, "muted", wrap=True)
        layout.addWidget(self._sentence)
        layout.addWidget(self._pages, 1)
        foot = QHBoxLayout()
        foot.addStretch()
        foot.addWidget(self._close)
        layout.addLayout(foot)

    # ---- what is shown

    @property
    def chosen(self) -> Portal | None:
        """The address that is chosen."""
        item = self.list.currentItem()
        return self._bus.snapshot_now.portals.get(str(item.data(PATH))) if item is not None else None

    def _on_changed(self, snapshot: Snapshot) -> None:
        lines = portals.lines(snapshot)
        if lines != self._shown:
            self._fill(lines)
        page = 0 if lines else 1
        if page != self._pages.currentIndex():
            self._pages.setCurrentIndex(page)
            (self.list if lines else self._first).setFocus()
        self._sentence.setVisible(bool(lines))
        self._show_chosen()

    def _fill(self, lines: list[Line]) -> None:
        """Show the lines; the chosen one stays chosen."""
        item = self.list.currentItem()
        wanted = self._wanted or (str(item.data(PATH)) if item is not None else "")
        same = [line.path for line in lines] == [line.path for line in self._shown]
        self._shown = lines
        self.list.blockSignals(True)
        if not same:
            self.list.clear()
        for number, line in enumerate(lines):
            item = self.list.item(number) if same else QListWidgetItem(self.list)
            _write(item, line)
        if not same:
            row = next((n for n, line in enumerate(lines) if line.path == wanted), 0)
            self.list.setCurrentRow(row if lines else -1)
        self.list.blockSignals(False)
        if any(line.path == self._wanted for line in lines):
            self._wanted = ""

    def _show_chosen(self) -> None:
        snapshot, portal = self._bus.snapshot_now, self.chosen
        looking = portal is not None and portal.path in self._work
        here = snapshot.ready and portal is not None
        self._add.setEnabled(snapshot.ready)
        self._first.setEnabled(snapshot.ready)
        self._look.setEnabled(here)
        name_button(self._look, tr("Stop looking") if looking else tr("Look now"))
        for control in (self._change, self._forget):
            control.setEnabled(here and not looking)
        problem = self._problem
        if problem is None and portal is not None and (portal.path, portal.last_look) not in self._dismissed:
            problem = portals.problem_of(snapshot, portal)
        if not snapshot.ready:
            problem = Problem("HelperUnavailable")
        shown = self._banner.problem
        if (shown and (shown.code, shown.attrs)) != (problem and (problem.code, problem.attrs)):
            why = portal is not None and snapshot.ready and self._problem is None
            self._banner.show_problem(problem, mild=True, why=why)

    def _dismiss(self) -> None:
        """It has been read: until the next look nothing more is said of it."""
        portal = self.chosen
        if self._problem is None and portal is not None:
            self._dismissed.add((portal.path, portal.last_look))
        self._say(None)

    def _say(self, problem: Problem | None) -> None:
        """Show what went wrong with what was asked for, or nothing any more."""
        self._problem = problem if problem is not None and problem.code != "Cancelled" else None
        self._show_chosen()

    # ---- what is asked for

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F5 looks now, Delete forgets."""
        does = {Qt.Key.Key_F5: self.look, Qt.Key.Key_Delete: self.forget}.get(Qt.Key(event.key()))
        if does is None:
            super().keyPressEvent(event)
        else:
            does()

    def add(self) -> PortalEdit:
        """Ask for an address, and keep it."""
        return self._edit(None)

    def change(self, _item: object = None) -> PortalEdit | None:
        """Ask how it is to be looked at."""
        portal = self.chosen
        return self._edit(portal) if portal is not None and self._change.isEnabled() else None

    def _edit(self, portal: Portal | None) -> PortalEdit:
        dialog = PortalEdit(self._bus, portal, self)
        new = portal is None
        dialog.kept.connect(lambda path, secrets: self._on_kept(path, secrets, new=new))
        dialog.open()
        return dialog

    def _on_kept(self, path: str, secrets: Secrets | None, *, new: bool) -> None:
        """An address was added or changed: choose it, and look at once when there is something new to look with."""
        self._wanted = path
        self._say(None)
        self._on_changed(self._bus.snapshot_now)
        if new or secrets is not None:
            self._look_at(path, secrets)

    def look(self) -> None:
        """Look now, or stop that."""
        portal = self.chosen
        if portal is None or not self._look.isEnabled():
            return
        under_way = self._work.get(portal.path)
        if under_way is not None:
            under_way.cancel()
        else:
            self._look_at(portal.path, None)

    def _look_at(self, path: str, secrets: Secrets | None) -> None:
        self._do(path, lambda client: operations.refresh_portal(client, path, secrets=secrets))

    def _do(self, path: str, work: Callable[[Client], Awaitable[object]]) -> None:
        self._problem = None

        def ended(problem: Problem | None) -> None:
            self._work.pop(path, None)
            if isValid(self):
                portal = self._bus.snapshot_now.portals.get(path)
                known = portal is not None and problem is not None and portal.last_result == problem.code
                self._say(None if known else problem)

        self._work[path] = self._bus.run(work, lambda _result: ended(None), ended)
        self._show_chosen()

    def forget(self) -> None:
        """Keep it no longer, after a question."""
        portal = self.chosen
        if portal is None or not self._forget.isEnabled():
            return
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(tr("Forget this address?"))
        box.setText(tr("Forget “{address}”?").format(address=portal.address))
        sentences = [tr("It is not looked at any more. Nothing changes on the device.")]
        named = QCheckBox(tr("Forget its targets, too"))
        named.setAccessibleName(named.text())
        if portals.named_by(self._bus.snapshot_now, portal):
            sentences.append(tr("Its targets stay in your list, those that are connected in any case."))
            box.setCheckBox(named)
        box.setInformativeText(" ".join(sentences))
        forget = box.addButton(tr("Forget"), QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(cancel)
        dress_question(box, "forget")
        box.buttonClicked.connect(
            lambda clicked: self._forgotten(portal, with_targets=named.isChecked()) if clicked is forget else None
        )
        box.open()

    def _forgotten(self, portal: Portal, *, with_targets: bool) -> None:
        self._bus.keyring.forget(portal.address)
        self._do(portal.path, lambda client: operations.remove_portal(client, portal.path, forget_targets=with_targets))

    def _find_out_why(self) -> None:
        portal = self.chosen
        if portal is None:
            return
        how = SignIn(portal.sign_in, portal.chap_name, portal.target_chap_name)
        DiagnosisDialog(
            self._bus,
            portal.address,
            lambda client, on_step: operations.diagnose(
                client, portal.address, interface=portal.interface, sign_in=how, on_step=on_step
            ),
            self,
        ).open()


def _write(item: QListWidgetItem, line: Line) -> None:
    item.setText(f"{line.address}\n{line.below}")
    item.setData(PATH, line.path)
    item.setData(ROW, Cells(((line.address, line.below),), *_ICONS[line.state]))
    item.setToolTip("\n".join(filter(None, (line.address, line.below, line.tip))))
    item.setData(Qt.ItemDataRole.AccessibleTextRole, line.spoken)
