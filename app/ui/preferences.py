# SPDX-License-Identifier: Apache-2.0
"""Preferences: this computer's name, starting at log-in, the tray, notifications."""

from __future__ import annotations

import re

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from ...helper.api.errors import Problem
from .. import desktop
from ..client import operations
from ..client.mirror import Snapshot
from ..model.bridge import Bus
from ..words import tr
from .widgets import Banner, Fitting, button, copy, label, spaced

#: Keys of what the window remembers.
NOTIFY, STAY = "notifications/show", "tray/stay"
#: RFC 7143, 4.2.7: the three kinds of names, as far as it can be said while typing.
_NAME = re.compile(r"(iqn\.\d{4}-\d{2}\.[^\s:]+(:\S+)?|eui\.[0-9A-Fa-f]{16}|naa\.([0-9A-Fa-f]{16}|[0-9A-Fa-f]{32}))")


def is_on(settings: QSettings | None, key: str) -> bool:
    """Whether a choice is on; it is, unless somebody has turned it off."""
    return settings is None or str(settings.value(key, "true")).lower() != "false"


class Preferences(QDialog):
    """What is chosen takes effect at once; only the computer's name is saved with a button."""

    def __init__(self, bus: Bus, settings: QSettings | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._settings = settings
        self.setWindowTitle(tr("Preferences"))
        self.setAccessibleName(tr("Preferences"))
        self.setMinimumWidth(560)
        self._banner = Banner()
        self._banner.dismissed.connect(lambda: self._banner.show_problem(None))
        self._name = QLineEdit()
        self._name.setAccessibleName(tr("This computer's iSCSI name"))
        self._name.setMaxLength(223)
        self._name.textChanged.connect(lambda _text: self._refresh())
        self._copy = button(tr("Copy"), lambda: copy(self._name.text()), icon="copy")
        self._save = button(tr("Change the name"), self._on_save)
        self._hint = label("", "muted", wrap=True)
        self._version = label("", "muted", wrap=True, selectable=True)
        self._start = self._choice(tr("Start Lundock when I log in"), desktop.starts_with_desktop())
        self._start.toggled.connect(self._on_start)
        self._stay = self._choice(tr("Stay in the tray when the window is closed"), is_on(settings, STAY))
        self._stay.toggled.connect(lambda on: self._keep(STAY, on=on))
        self._notify = self._choice(tr("Show notifications"), is_on(settings, NOTIFY))
        self._notify.toggled.connect(lambda on: self._keep(NOTIFY, on=on))
        self._shown = ""
        self._build()
        Fitting(self)
        bus.changed.connect(self._on_changed)
        self._on_changed(bus.snapshot_now)

    def _choice(self, words: str, on: bool) -> QCheckBox:
        box = QCheckBox(words)
        box.setAccessibleName(words)
        box.setChecked(on)
        return box

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        spaced(layout, 24, 10)
        layout.addWidget(self._banner)
        layout.addWidget(label(tr("This computer's name"), "heading"))
        layout.addWidget(
            label(tr("Targets that keep a list of allowed computers want this name on it."), "muted", wrap=True)
        )
        row = QHBoxLayout()
        row.addWidget(self._name, 1)
        row.addWidget(self._copy)
        layout.addLayout(row)
        below = QHBoxLayout()
        below.addWidget(self._hint, 1)
        below.addWidget(self._save)
        layout.addLayout(below)
        layout.addSpacing(12)
        layout.addWidget(label(tr("The window"), "heading"))
        for box in (self._start, self._stay, self._notify):
            layout.addWidget(box)
        layout.addStretch()
        layout.addSpacing(12)
        foot = QHBoxLayout()
        foot.addWidget(self._version, 1)
        close = button(tr("Close"), self.accept)
        close.setDefault(True)
        foot.addWidget(close)
        layout.addLayout(foot)

    def _on_changed(self, snapshot: Snapshot) -> None:
        name = snapshot.manager.initiator_name
        if name != self._shown and self._name.text() == self._shown:
            self._name.setText(name)
        self._shown = name
        version = snapshot.manager.version
        self._version.setText(tr("Lundock service {version}").format(version=version) if version else "")
        self._name.setEnabled(snapshot.ready)
        self._refresh()

    def _refresh(self) -> None:
        name = self._name.text().strip()
        good = bool(_NAME.fullmatch(name))
        changed = name != self._shown
        self._save.setVisible(changed)
        self._save.setEnabled(good and changed)
        if changed and not good:
            self._hint.setText(tr("It has the form iqn.2026-01.org.example:name, eui.… or naa.…"))
        elif changed:
            self._hint.setText(tr("Targets know this computer by its name: they have to be told the new one."))
        else:
            self._hint.setText("")
        self._hint.setVisible(changed)

    def _on_save(self) -> None:
        name = self._name.text().strip()
        self._bus.run(
            lambda client: operations.set_initiator_name(client, name),
            lambda _none: self._banner.show_problem(None),
            self._on_problem,
        )

    def _on_problem(self, problem: Problem) -> None:
        self._banner.show_problem(problem if problem.code != "Cancelled" else None)

    def _on_start(self, on: bool) -> None:
        try:
            desktop.start_with_desktop(on)
        except OSError as error:
            detail = error.strerror or ""
            self._banner.show_problem(Problem("NotSupported", what=tr("starting at log-in"), detail=detail))

    def _keep(self, key: str, *, on: bool) -> None:
        if self._settings is not None:
            self._settings.setValue(key, "true" if on else "false")
