# SPDX-License-Identifier: Apache-2.0
"""The Disks page: a row a logical unit, and the buttons that act on the chosen one."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from .. import text
from ..client.mirror import Snapshot
from ..client.objects import Lun, Target
from ..flows.mount import advice
from ..model.bridge import Bus
from ..model.disks import DisksModel
from ..model.targets import PATH
from ..words import tr
from .actions import Actions
from .cells import TwoLines
from .widgets import Code, Elided, Message, button, name_button, set_icon, spaced


def no_disks() -> str:
    """Return what is said of a target without disks; this computer's name stands below it."""
    return tr(
        "The target has no disks, or none that this computer may use. In the device's iSCSI settings, give it a disk"
        " (LUN) and allow this computer's name; then look for disks again."
    )


class DisksPage(QWidget):
    """The disks of one target."""

    def __init__(self, bus: Bus, actions: Actions) -> None:
        super().__init__()
        self._bus = bus
        self._actions = actions
        self._target: Target | None = None
        self._model = DisksModel(self)
        self._table = QTableView()
        self._note = Elided("", "muted")
        self._code = Code()
        self._open = button(tr("Open"), self._on_open, icon="folder", primary=True)
        self._attach = button(tr("Attach"), lambda: self._with_lun(actions.attach), icon="attach")
        self._unmount = button(tr("Unmount"), lambda: self._with_lun(actions.unmount))
        self._eject = button(tr("Eject"), lambda: self._with_lun(actions.eject), icon="eject")
        self._stack = QStackedWidget()
        self._none = Message("disk", tr("Not connected"), tr("Connect to see this target's disks."))
        self._name = Code(tip=tr("Copy this computer's iSCSI name"))
        self._again = button(tr("Look for disks again"), self._on_again, icon="refresh")
        for control in (self._name, self._again):
            self._none.add(control)
        self._build()
        actions.changed.connect(lambda _path: self._refresh_buttons())

    def _build(self) -> None:
        self._table.setAccessibleName(tr("Disks of this target"))
        self._table.setModel(self._model)
        self._cells = TwoLines(self._table)
        self._table.setItemDelegate(self._cells)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.setShowGrid(False)
        self._table.setTabKeyNavigation(False)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() * 2 + 22)
        header = self._table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(80)
        for column in range(self._model.columnCount()):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        self._table.selectionModel().selectionChanged.connect(lambda *_: self._refresh_buttons())
        self._table.activated.connect(lambda _index: self._on_open())
        self._model.modelReset.connect(self._choose_first)
        filled = QWidget()
        below = QVBoxLayout(filled)
        spaced(below, 0, 12)
        below.addWidget(self._table)
        below.addWidget(self._code)
        below.addLayout(self._buttons())
        self._stack.addWidget(filled)
        self._stack.addWidget(self._none)
        layout = QVBoxLayout(self)
        spaced(layout, 16, 0)
        layout.addWidget(self._stack)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        spaced(row, 0, 8)
        for control in (self._open, self._attach, self._unmount, self._eject):
            row.addWidget(control)
        row.addSpacing(8)
        row.addWidget(self._note, 1)
        return row

    # ---- what is shown

    def update_page(self, snapshot: Snapshot, target: Target | None) -> None:
        """Show a target's disks as they are now."""
        self._target = target
        if self._cells.known != snapshot.ready:
            self._cells.known = snapshot.ready
            self._table.viewport().update()
        self._model.update(snapshot, target, self._bus.rates)
        if self._model.rowCount():
            self._stack.setCurrentIndex(0)
            self._choose_first()
        else:
            self._say_none(target)
            self._stack.setCurrentIndex(1)
        self._refresh_buttons()

    def _say_none(self, target: Target | None) -> None:
        heading, sentence, name = tr("Not connected"), tr("Connect to see this target's disks."), ""
        if target is not None and target.state == "connected":
            heading = tr("No disks")
            sentence, name = no_disks(), self._bus.snapshot_now.manager.initiator_name
        elif target is not None and target.state != "disconnected":
            heading, sentence = tr("One moment"), tr("The disks are shown as soon as the target answers.")
        if not self._bus.snapshot_now.ready:
            heading, sentence = tr("Not known just now"), tr("The disks are shown when the Lundock service is back.")
        self._none.heading.setText(heading)
        self._none.sentence.setText(sentence)
        self._name.set_command(name)
        self._again.setVisible(bool(name))
        self._again.setEnabled(target is not None and not self._actions.busy(target.path))

    def _on_again(self) -> None:
        if self._target is not None:
            self._actions.rescan(self._target)

    def _choose_first(self) -> None:
        if self._model.rowCount() and not self._table.selectionModel().hasSelection():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self._table.selectionModel().setCurrentIndex(self._model.index(0, 0), flags)

    def _lun(self) -> Lun | None:
        rows: list[QModelIndex] = self._table.selectionModel().selectedRows()
        return self._bus.snapshot_now.luns.get(str(rows[0].data(PATH))) if rows else None

    def _refresh_buttons(self) -> None:
        lun = self._lun()
        connected = self._target is not None and self._target.connected and self._bus.snapshot_now.ready
        free = lun is not None and connected and not self._actions.busy(lun.path)
        attached = lun is not None and bool(lun.device)
        what = advice(lun, udisks=self._actions.udisks) if lun is not None else None
        kind = what.kind if what is not None else "none"
        name_button(self._open, tr("Open") if kind == "open" else tr("Mount"))
        set_icon(self._open, "folder" if kind == "open" else "mount", primary=True)
        self._open.setVisible(kind in {"open", "udisks"})
        self._open.setEnabled(free)
        self._attach.setVisible(not attached)
        self._attach.setEnabled(free and lun is not None and lun.usable)
        self._unmount.setVisible(kind == "open" and self._actions.udisks and lun is not None and not lun.is_file)
        self._unmount.setEnabled(free)
        self._eject.setVisible(attached)
        self._eject.setEnabled(free)
        self._code.setVisible(kind == "command" and what is not None)
        if what is not None:
            self._code.set_command(what.command)
        self._say(lun)

    def _say(self, lun: Lun | None) -> None:
        if lun is None:
            self._note.setText("")
        elif not lun.device:
            self._note.setText(tr("Attach the disk to use it on this computer.") if lun.usable else "")
        else:
            reason = text.attach_reason(lun.attach_reason)
            words = tr("Attached as {method}: {reason}") if reason else tr("Attached as {method}")
            self._note.setText(words.format(method=lun.attach_method, reason=reason))

    # ---- what is done

    def _with_lun(self, does: object) -> None:
        lun = self._lun()
        if lun is not None:
            does(lun)  # type: ignore[operator]

    def _on_open(self) -> None:
        lun = self._lun()
        if lun is None:
            return
        what = advice(lun, udisks=self._actions.udisks)
        if what.kind == "open":
            QDesktopServices.openUrl(QUrl.fromLocalFile(what.place))
        elif what.kind == "udisks":
            self._actions.mount(lun)
