# SPDX-License-Identifier: Apache-2.0
"""Which address is to be kept, how often it is looked at, and how one signs in there."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QFormLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget
from shiboken6 import isValid

from ...helper.api.errors import Problem
from ..client import operations
from ..client.client import Client
from ..client.objects import Portal
from ..client.operations import Secrets, SignIn
from ..model import portals
from ..model.bridge import Bus
from ..words import tr
from .sign_in import SignInForm
from .widgets import Banner, Choice, Fitting, button, label, spaced


class PortalEdit(QDialog):
    """For a new address, or for `portal`. `kept` tells the path at the end, and the secrets, when some were typed."""

    kept = Signal(str, object)

    def __init__(self, bus: Bus, portal: Portal | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._portal = portal
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = tr("Add an address") if portal is None else tr("Change “{address}”").format(address=portal.address)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setMinimumWidth(540)
        self._banner = Banner()
        self._banner.dismissed.connect(lambda: self._banner.show_problem(None))
        self.address = QLineEdit(portal.address if portal is not None else "")
        self.often = Choice(tr("Look at it"))
        self.asks = QCheckBox(tr("The device wants a name and a secret before it says what it offers"))
        self.form = SignInForm()
        self._cancel = button(tr("Cancel"), self.reject)
        self._go = button(tr("Keep it") if portal is None else tr("Save"), self.go, primary=True)
        self._go.setDefault(True)
        self._build(title)
        self._fill(portal or Portal("", interval=portals.USUAL))
        Fitting(self)
        (self.address if portal is None else self.often).setFocus()

    def _build(self, title: str) -> None:
        self.address.setAccessibleName(tr("Address"))
        self.address.setPlaceholderText(tr("nas.local, 192.0.2.5 or [2001:db8::5]:3260"))
        self.address.setMaxLength(300)
        self.address.setReadOnly(self._portal is not None)
        self.asks.setAccessibleName(self.asks.text())
        form = QFormLayout()
        spaced(form, 0, 10)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for words, control in ((tr("&Address"), self.address), (tr("&Look at it"), self.often)):
            name = label(words)
            name.setBuddy(control)
            name.setMinimumHeight(control.sizeHint().height())
            name.setAlignment(Qt.AlignmentFlag.AlignVCenter)
            form.addRow(name, control)
        layout = QVBoxLayout(self)
        spaced(layout, 24, 10)
        layout.addWidget(label(title, "title", wrap=True))
        layout.addWidget(self._banner)
        layout.addSpacing(6)
        layout.addLayout(form)
        layout.addSpacing(6)
        layout.addWidget(self.asks)
        layout.addWidget(self.form)
        layout.addStretch()
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self._cancel)
        row.addWidget(self._go)
        layout.addSpacing(6)
        layout.addLayout(row)
        self.asks.toggled.connect(self.form.setVisible)
        for signal in (self.address.textChanged, self.asks.toggled, self.form.changed):
            signal.connect(lambda *_: self._refresh())

    def _fill(self, portal: Portal) -> None:
        for seconds, words in portals.intervals(portal.interval):
            self.often.addItem(words, seconds)
        self.often.setCurrentIndex(self.often.findData(portal.interval))
        self.asks.setChecked(portal.sign_in != "none")
        self.form.setVisible(portal.sign_in != "none")
        how = SignIn(portal.sign_in, portal.chap_name, portal.target_chap_name)
        self.form.fill(how, self._bus.snapshot_now.manager.initiator_name)
        self._refresh()

    def _refresh(self) -> None:
        """A secret need not be typed again for an address that is kept: the keyring has it, or it is asked for."""
        typed = self.form.ready or (self._portal is not None and not self.form.secrets())
        self._go.setEnabled(bool(self.address.text().strip()) and (not self.asks.isChecked() or typed))

    def go(self) -> None:
        """Save it."""
        if not self._go.isEnabled():
            return
        asks = self.asks.isChecked()
        how = self.form.how() if asks else SignIn()
        interval = int(self.often.currentData())
        address = self.address.text().strip()
        portal = self._portal

        async def work(client: Client) -> str:
            if portal is None:
                return await operations.add_portal(client, address, interval=interval, sign_in=how)
            changes: dict[str, Any] = {"interval": interval, **how.options()}
            await operations.update_portal(client, portal.path, changes)
            return portal.path

        self._go.setEnabled(False)
        self._bus.run(work, lambda path: self._on_saved(str(path), asks=asks), self._on_problem)

    def _on_saved(self, path: str, *, asks: bool) -> None:
        if not isValid(self):
            return
        secrets: Secrets | None = self.form.secrets() if asks and self.form.secrets() else None
        if secrets is not None and self.form.keep.isChecked():
            address = self._bus.snapshot_now.portals.get(path, Portal("", address=self.address.text().strip())).address
            self._bus.later(self._bus.keyring.store(address, secrets), lambda _none: None, lambda _problem: None)
        self.form.clear()
        self.accept()
        self.kept.emit(path, secrets)

    def _on_problem(self, problem: Problem) -> None:
        if isValid(self):
            self._banner.show_problem(problem if problem.code != "Cancelled" else None)
            self._refresh()
