# SPDX-License-Identifier: Apache-2.0
"""The head of a target's page: its name, its state in words, the one main button, and a menu for the rest."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QToolButton, QVBoxLayout, QWidget

from .. import text
from ..client.mirror import Snapshot
from ..client.objects import Target
from ..words import mark, tr
from .widgets import Elided, StateMark, button, copy, give_icon, spaced, stress, tool

#: The main button by state: text, signal, primary.
_MAIN = {
    "disconnected": (mark("Connect"), "connect"),
    "connecting": (mark("Cancel"), "cancel"),
    "connected": (mark("Disconnect"), "disconnect"),
    "lost": (mark("Disconnect"), "disconnect"),
    "disconnecting": (mark("Disconnecting …"), ""),
}


class Header(QWidget):
    """Tells what was asked for by `asked`: connect, cancel, disconnect, rescan, diagnose, forget or sign-in."""

    asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._target: Target | None = None
        self._what = ""
        self._title = Elided("", "title")
        self._mark = StateMark(13)
        self._state = Elided("", "muted")
        self._main = button(tr("Connect"), self._on_main, primary=True)
        self._main.setMinimumWidth(120)
        self._menu_button = tool("menu", tr("More"))
        self._progress = QProgressBar()
        self._progress.setAccessibleName(tr("Progress"))
        self._progress.setTextVisible(False)
        self._build()

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(20, 16, 16, 12)
        whole.setSpacing(8)
        row = QHBoxLayout()
        spaced(row, 0, 8)
        words = QVBoxLayout()
        spaced(words, 0, 4)
        words.addWidget(self._title)
        line = QHBoxLayout()
        spaced(line, 0, 7)
        line.addWidget(self._mark)
        line.addWidget(self._state, 1)
        words.addLayout(line)
        row.addLayout(words, 1)
        row.addWidget(self._main, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._menu_button, 0, Qt.AlignmentFlag.AlignVCenter)
        whole.addLayout(row)
        whole.addWidget(self._progress)
        menu = QMenu(self)
        menu.setAccessibleName(tr("More"))
        self._rescan = menu.addAction(tr("Look for disks again"), lambda: self.asked.emit("rescan"))
        self._diagnose = menu.addAction(tr("Check the connection …"), lambda: self.asked.emit("diagnose"))
        self._sign_in = menu.addAction(tr("Sign in …"), lambda: self.asked.emit("sign-in"))
        name = menu.addAction(tr("Copy the target's name"), self._copy_name)
        menu.addSeparator()
        self._forget = menu.addAction(tr("Forget this target …"), lambda: self.asked.emit("forget"))
        for action, icon in (
            (self._rescan, "refresh"), (self._diagnose, "activity"), (self._sign_in, "key"), (name, "copy"),
            (self._forget, "forget"),
        ):  # fmt: skip
            give_icon(action, icon)
        self._menu_button.setMenu(menu)
        self._menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def update_page(self, snapshot: Snapshot, target: Target | None) -> None:
        """Show a target as it is now."""
        self._target = target
        if target is None:
            return
        state = target.state if snapshot.ready else "unknown"
        self._title.setText(target.title)
        self._title.setToolTip(f"{target.title}\n{target.name}")
        self._mark.set_state(state)
        self._state.setText(self._words(snapshot, target))
        words, self._what = _MAIN.get(target.state, _MAIN["disconnected"])
        self._main.setText(tr(words))
        self._main.setAccessibleName(tr(words))
        self._main.setEnabled(bool(self._what) and snapshot.ready)
        stress(self._main, "primary", on=self._what == "connect")
        self._rescan.setEnabled(snapshot.ready and target.state == "connected")
        self._diagnose.setEnabled(snapshot.ready and target.state not in {"connecting", "disconnecting"})
        self._forget.setEnabled(snapshot.ready and target.state == "disconnected")
        self._sign_in.setEnabled(snapshot.ready and target.state == "disconnected")
        self._show_progress(snapshot, target)

    def _words(self, snapshot: Snapshot, target: Target) -> str:
        if not snapshot.ready:
            return tr("Not known: the Lundock service is away")
        job = snapshot.job_on(target.path, "login", "logout")
        if job is not None and target.state in {"connecting", "disconnecting"}:
            return f"{text.step(job.step, job.kind)} …"
        session = snapshot.session_of(target)
        words = text.state(target.state)
        if target.state == "connected" and session is not None and session.since:
            words = tr("Connected for {span}").format(span=text.lasting(session.since))
        return f"{words} · {target.address}"

    def _show_progress(self, snapshot: Snapshot, target: Target) -> None:
        job = snapshot.job_on(target.path)
        busy = snapshot.ready and (job is not None or target.state in {"connecting", "disconnecting"})
        self._progress.setVisible(busy)
        if busy and job is not None and job.progress_valid:
            self._progress.setRange(0, 1000)
            self._progress.setValue(round(job.progress * 1000))
        else:
            self._progress.setRange(0, 0)

    def _on_main(self) -> None:
        if self._what:
            self.asked.emit(self._what)

    def _copy_name(self) -> None:
        if self._target is not None:
            copy(self._target.name)
