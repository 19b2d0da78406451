# SPDX-License-Identifier: Apache-2.0
"""The Disks page: a row a logical unit, and the buttons that act on the chosen one."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QUrl, Signal
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

from ...helper.api.errors import Problem
from ..client import operations, udisks
from ..client.client import Client
from ..client.mirror import Snapshot
from ..client.objects import Lun, Target
from ..flows.mount import advice
from ..model.bridge import Bus
from ..model.disks import DisksModel
from ..model.targets import PATH
from ..words import tr
from .cells import TwoLines
from .widgets import Code, Elided, Message, button, set_icon, spaced


class DisksPage(QWidget):
    """The disks of one target. `failed` hands a problem to the banner."""

    failed = Signal(object)

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus
        self._target: Target | None = None
        self._busy: set[str] = set()
        self._udisks = False
        self._model = DisksModel(self)
        self._table = QTableView()
        self._note = Elided("", "muted")
        self._code = Code()
        self._open = button(tr("Open"), self._on_open, icon="folder", primary=True)
        self._attach = button(tr("Attach"), self._on_attach, icon="attach")
        self._unmount = button(tr("Unmount"), self._on_unmount)
        self._eject = button(tr("Eject"), self._on_eject, icon="eject")
        self._stack = QStackedWidget()
        self._none = Message("disk", tr("Not connected"), tr("Connect to see this target's disks."))
        self._build()
        bus.run(lambda _client: udisks.available(), self._on_udisks)

    def _build(self) -> None:
        self._table.setAccessibleName(tr("Disks of this target"))
        self._table.setModel(self._model)
        self._table.setItemDelegate(TwoLines(self._table))
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
        self._model.update(snapshot, target, self._bus.rates)
        if self._model.rowCount():
            self._stack.setCurrentIndex(0)
            self._choose_first()
        else:
            self._say_none(target)
            self._stack.setCurrentIndex(1)
        self._refresh_buttons()

    def _say_none(self, target: Target | None) -> None:
        heading, sentence = "Not connected", "Connect to see this target's disks."
        if target is not None and target.state == "connected":
            heading = "No disks"
            sentence = (
                "The target shows no disks to this computer. Its administrator has to allow this computer's name: "
                f"{self._bus.snapshot_now.manager.initiator_name}"
            )
        elif target is not None and target.state != "disconnected":
            heading, sentence = "One moment", "The disks are shown as soon as the target answers."
        self._none.heading.setText(heading)
        self._none.sentence.setText(sentence)

    def _choose_first(self) -> None:
        if self._model.rowCount() and not self._table.selectionModel().hasSelection():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self._table.selectionModel().setCurrentIndex(self._model.index(0, 0), flags)

    def _lun(self) -> Lun | None:
        rows: list[QModelIndex] = self._table.selectionModel().selectedRows()
        return self._bus.snapshot_now.luns.get(str(rows[0].data(PATH))) if rows else None

    def _refresh_buttons(self) -> None:
        lun = self._lun()
        connected = self._target is not None and self._target.state == "connected" and self._bus.snapshot_now.ready
        free = lun is not None and connected and lun.path not in self._busy
        attached = lun is not None and bool(lun.device)
        what = advice(lun, udisks=self._udisks) if lun is not None else None
        kind = what.kind if what is not None else "none"
        self._open.setText(tr("Open") if kind == "open" else "Mount")
        self._open.setAccessibleName(self._open.text())
        set_icon(self._open, "folder" if kind == "open" else "mount", primary=True)
        self._open.setVisible(kind in {"open", "udisks"})
        self._open.setEnabled(free)
        self._attach.setVisible(not attached)
        self._attach.setEnabled(free and lun is not None and lun.usable)
        self._unmount.setVisible(kind == "open" and self._udisks)
        self._unmount.setEnabled(free)
        self._eject.setVisible(attached)
        self._eject.setEnabled(free)
        self._code.setVisible(kind == "command" and what is not None)
        if what is not None:
            self._code.set_command(what.command)
        self._say(lun)

    def _say(self, lun: Lun | None) -> None:
        if lun is None or not lun.device:
            self._note.setText(tr("Attach the disk to use it on this computer.") if lun is not None else "")
        else:
            reason = lun.attach_reason.rstrip(".")
            self._note.setText(f"Attached as {lun.attach_method}{': ' + reason if reason else ''}")

    def _on_udisks(self, there: object) -> None:
        self._udisks = bool(there)
        self._refresh_buttons()

    # ---- what is done

    def _on_attach(self) -> None:
        lun = self._lun()
        if lun is not None:
            self._do(lun.path, lambda client: operations.attach(client, lun.path))

    def _on_eject(self) -> None:
        lun = self._lun()
        if lun is not None:
            self._do(lun.path, lambda client: operations.eject(client, lun.path))

    def _on_open(self) -> None:
        lun = self._lun()
        if lun is None:
            return
        what = advice(lun, udisks=self._udisks)
        if what.kind == "open":
            QDesktopServices.openUrl(QUrl.fromLocalFile(what.place))
        elif what.kind == "udisks":
            self._do(lun.path, lambda _client: udisks.mount(lun.device))

    def _on_unmount(self) -> None:
        lun = self._lun()
        if lun is not None:
            self._do(lun.path, lambda _client: udisks.unmount(lun.device))

    def _do(self, path: str, work: object) -> None:
        self._busy.add(path)
        self._refresh_buttons()

        async def doing(client: Client) -> None:
            await work(client)  # type: ignore[operator]

        self._bus.run(doing, lambda _result: self._done(path, None), lambda problem: self._done(path, problem))

    def _done(self, path: str, problem: Problem | None) -> None:
        self._busy.discard(path)
        self._refresh_buttons()
        self.failed.emit(problem)
