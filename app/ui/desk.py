# SPDX-License-Identifier: Apache-2.0
"""What is around the window: the tray, notifications, links from other programs, closing and quitting."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QSettings, Qt, QTimer, Signal
from PySide6.QtWidgets import QMessageBox

from ...helper.api.errors import Problem
from ..client.agent import Question
from ..client.notifications import Notification, Notifier
from ..flows import notices
from ..flows.link import parse_link
from ..model.bridge import Bus
from ..words import tr
from .preferences import NOTIFY, STAY, Preferences, is_on
from .tray import Tray
from .widgets import dress_question
from .window import Window

#: What was said once, and is not said again.
_SAID_TRAY, _SAID_CLOSE, _SAID_QUIT = "said/tray", "said/close", "said/quit"
#: Milliseconds that a panel may take to start at log-in, before the window is shown instead.
PANEL_PATIENCE = 20_000


class Desk(QObject):
    """`quit_now` says that the program is to end; connections stay."""

    quit_now = Signal()

    def __init__(self, bus: Bus, window: Window, settings: QSettings | None, session_bus: str = "session") -> None:
        super().__init__(window)
        self._bus = bus
        self._window = window
        self._settings = settings
        self._quitting = False
        self._notifier = Notifier(lambda key, token: bus.call(lambda: self._on_action(key, token)), session_bus)
        self.tray = Tray(bus, window.actions_on, self)
        self.tray.opened.connect(window.come_forward)
        self.tray.wizard_wanted.connect(self._on_wizard)
        self.tray.quit_wanted.connect(self.quit)
        window.before_close = self._may_close
        window.preferences_wanted.connect(self.show_preferences)
        window.quit_wanted.connect(self.quit)
        window.questions.asked.connect(self._on_asked)
        bus.happened.connect(self._on_happened)

    # ---- starting

    def start(self, *, background: bool, link: str = "") -> None:
        """Show the window, or only the tray's icon."""
        if background and not link:
            QTimer.singleShot(PANEL_PATIENCE, self._show_without_tray)
            return
        self._window.show()
        if link:
            self.open_link(link)

    def _show_without_tray(self) -> None:
        if not self._window.isVisible() and not Tray.available():
            self._window.showMinimized()

    def call(self, link: str, token: str) -> None:
        """Another start of the program: come forward, and take its link."""
        if token:
            os.environ["XDG_ACTIVATION_TOKEN"] = token  # with it a Wayland desktop lets us come forward
        self._window.come_forward()
        if link:
            self.open_link(link)

    def open_link(self, words: str) -> None:
        """Open the wizard at what an iscsi:// link says; what is wrong with it is shown there."""
        try:
            link = parse_link(words)
        except Problem as problem:
            self._window.connect_to_target().show_problem(problem)
        else:
            self._window.connect_to_target(link.address, link.target, link.user)

    def show_preferences(self) -> None:
        """Open the preferences."""
        dialog = Preferences(self._bus, self._settings, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _on_wizard(self) -> None:
        self._window.come_forward()
        self._window.connect_to_target()

    # ---- ending

    @property
    def _connected(self) -> bool:
        return any(target.connected for target in self._bus.snapshot_now.targets.values())

    def _may_close(self) -> bool:
        """Answer the window that is about to close: it may, or stays in the tray, or asks first."""
        if self._quitting:
            return True
        if Tray.available() and is_on(self._settings, STAY):
            self._window.hide()
            if self._once(_SAID_TRAY):
                words = tr("Lundock stays in the tray")
                self._notify(Notification("tray", words, tr("Your disks stay connected. Quit from its menu.")))
            return False
        if self._connected and not self._said(_SAID_CLOSE):
            self._ask(_SAID_CLOSE, tr("Close the window?"), tr("Close"))
            return False
        self._end()
        return True

    def quit(self) -> None:
        """End the program; that connections stay is said once."""
        if self._connected and not self._said(_SAID_QUIT):
            self._window.come_forward()
            self._ask(_SAID_QUIT, tr("Quit Lundock?"), tr("Quit"))
        else:
            self._end()

    def _ask(self, key: str, question: str, words: str) -> None:
        if self._window.findChild(QMessageBox, "ending") is not None:
            return
        box = QMessageBox(self._window)
        box.setObjectName("ending")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(question)
        box.setText(question)
        box.setInformativeText(
            tr("Your disks stay connected and can be used. Open Lundock again to eject them. This is said only once.")
        )
        go = box.addButton(words, QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        dress_question(box, "disks")

        def clicked(button: object) -> None:
            if button is go:
                self._once(key)
                self._end()

        box.buttonClicked.connect(clicked)
        box.open()

    def _end(self) -> None:
        self._quitting = True
        self.tray.close()
        self._bus.run_alone(self._leave)
        self.quit_now.emit()

    async def _leave(self) -> None:
        self._notifier.close()

    def _said(self, key: str) -> bool:
        return self._settings is not None and str(self._settings.value(key, "")) == "yes"

    def _once(self, key: str) -> bool:
        """Whether it was not said before; from now on it was."""
        new = not self._said(key)
        if self._settings is not None:
            self._settings.setValue(key, "yes")
        return new

    # ---- notifications

    def _notify(self, what: Notification) -> None:
        if is_on(self._settings, NOTIFY):
            self._bus.run_alone(lambda: self._notifier.show(what))

    def _on_happened(self, event: Mapping[str, Any]) -> None:
        what = notices.notification(event, self._bus.snapshot_now)
        seen = self._window.isActiveWindow() and not self._window.isMinimized()
        if what is not None and not (seen and not what.urgent):
            self._notify(what)

    def _on_asked(self, question: Question) -> None:
        if self._window.isVisible():
            self._window.come_forward()
            return
        title = notices.title_of(self._bus.snapshot_now, question.target)
        self._notify(notices.needs_secret(question.target, title))

    def _on_action(self, key: str, token: str) -> None:
        snapshot = self._bus.snapshot_now
        target = notices.target_of(snapshot, key.rpartition(" ")[2])
        self._window.come_forward()
        if target is None:
            return
        self._window.list.choose(target.path)
        if token == notices.CONNECT:
            self._window.actions_on.connect_target(target)
