# SPDX-License-Identifier: Apache-2.0
"""The window: a frame around the list, the header, the banner and the pages. Facts are in the bus's snapshot."""

from __future__ import annotations

from concurrent.futures import Future

from PySide6.QtCore import QByteArray, QEvent, QSettings, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QHideEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from ...helper.api.errors import Problem
from ..client import operations
from ..client.agent import Question
from ..client.client import Client
from ..client.mirror import Link, Snapshot
from ..client.objects import Target
from ..client.operations import Secrets, SignIn
from ..client.thread import Work
from ..flows.connect import SIGN_IN_ERRORS
from ..model.bridge import Bus
from ..words import tr
from . import theme
from .activity_page import ActivityPage
from .connect_dialog import ConnectDialog
from .details_page import DetailsPage
from .disks_page import DisksPage
from .events_page import EventsPage
from .header import Header
from .sign_in import SignInDialog
from .target_list import TargetList
from .widgets import Banner, Code, Elided, Message, button, copy, spaced, tool

_AGAIN = frozenset(
    {"ConnectionRefused", "ConnectionTimeout", "HostUnreachable", "NetworkUnreachable", "NameNotFound", "Timeout",
     "ConnectionLost", "ServiceUnavailable", "TargetError", "OutOfResources"}
)  # fmt: skip


def _close(dialog: QDialog) -> None:
    """Close a question whose answer is not needed any more; it may be closed, and gone, already."""
    if isValid(dialog):
        dialog.reject()


class Window(QMainWindow):
    """The main window."""

    def __init__(self, bus: Bus, settings: QSettings | None = None) -> None:
        super().__init__()
        self._bus = bus
        self._settings = settings
        self._path = ""
        self._problems: dict[str, Problem] = {}
        self._dismissed: dict[str, str] = {}
        self._work: dict[str, Work] = {}
        self.setWindowTitle("Lundock")
        self.setWindowIcon(theme.icon("lundock"))
        self.setMinimumSize(860, 520)
        self.resize(1080, 700)
        self.list = TargetList()
        self.header = Header()
        self.banner = Banner()
        self.disks = DisksPage(bus)
        self.activity = ActivityPage(bus)
        self.details = DetailsPage()
        self.events = EventsPage(bus)
        self.tabs = QTabWidget()
        self.right = QStackedWidget()
        self._build()
        self._connect_signals()
        self._watching = False
        self._clock = QTimer(self)  # times in words grow old
        self._clock.setInterval(10_000)
        self._clock.timeout.connect(self._show_target)
        self._clock.start()
        self._restore()
        self.list.setFocus()
        self._on_changed(bus.snapshot_now)

    # ---- the frame

    def _build(self) -> None:
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(1)
        split.setChildrenCollapsible(False)
        split.addWidget(self._sidebar())
        split.addWidget(self.right)
        split.setStretchFactor(1, 1)
        split.setSizes([290, 790])
        self._split = split
        self.right.addWidget(self._target_page())
        self.right.addWidget(self._empty_page())
        self.right.addWidget(self._missing_page())
        self.right.addWidget(Message("disks", tr("One moment"), tr("Asking the Lundock service what there is.")))
        self.setCentralWidget(split)
        add = QAction(tr("Connect to a target …"), self)
        add.setShortcut(QKeySequence("Ctrl+N"))
        add.triggered.connect(lambda _checked=False: self.connect_to_target())
        close = QAction(tr("Close"), self)
        close.setShortcuts([QKeySequence("Ctrl+W"), QKeySequence("Ctrl+Q")])
        close.triggered.connect(lambda _checked=False: self.close())
        self.addActions([add, close])

    def _sidebar(self) -> QWidget:
        side = QWidget()
        side.setObjectName("sidebar")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        side.setMinimumWidth(260)
        side.setMaximumWidth(420)
        layout = QVBoxLayout(side)
        layout.setContentsMargins(0, 12, 0, 8)
        layout.setSpacing(6)
        self._add = button(tr("Connect to a target …"), self.connect_to_target, icon="add")
        top = QHBoxLayout()
        top.setContentsMargins(12, 0, 12, 4)
        top.addWidget(self._add)
        layout.addLayout(top)
        layout.addWidget(self.list, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 0, 8, 0)
        self._name = Elided("")
        self._name.setObjectName("footer")
        self._copy = tool("copy", tr("Copy this computer's iSCSI name"), self._copy_name)
        foot.addWidget(self._name, 1)
        foot.addWidget(self._copy)
        layout.addLayout(foot)
        return side

    def _target_page(self) -> QWidget:
        page = QWidget()
        page.setObjectName("content")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(page)
        spaced(layout, 0, 0)
        layout.addWidget(self.header)
        around = QHBoxLayout()
        around.setContentsMargins(16, 0, 16, 6)
        around.addWidget(self.banner)
        layout.addLayout(around)
        self.tabs.setAccessibleName(tr("Pages"))
        self.tabs.setIconSize(QSize(18, 18))
        for widget, icon, words in (
            (self.disks, "disk", "Disks"),
            (self.activity, "activity", "Activity"),
            (self.details, "details", "Details"),
            (self.events, "events", "Events"),
        ):
            widget.setAccessibleName(words)
            self.tabs.addTab(widget, theme.icon(icon), words)
        layout.addWidget(self.tabs, 1)
        return page

    def _empty_page(self) -> QWidget:
        page = Message(
            "disks",
            "No targets yet",
            "A target is a storage device's offer of disks. Give the device's address to see what it has for you.",
        )
        page.add(button(tr("Connect to a target …"), self.connect_to_target, icon="add", primary=True))
        return page

    def _missing_page(self) -> QWidget:
        self._missing = Message(
            "warning",
            "The Lundock service is not running",
            "It does the work that needs the administrator's rights. Install the lundock package, or start it:",
        )
        self._start = Code("sudo systemctl start lundock")
        self._missing.add(self._start)
        self._missing.add(button(tr("Look again"), self._bus.retry, icon="refresh"))
        return self._missing

    def _connect_signals(self) -> None:
        self._bus.changed.connect(self._on_changed)
        self._bus.figures.connect(self._on_figures)
        self._bus.asked.connect(self._on_asked)
        self.list.chosen.connect(self._on_chosen)
        self.header.asked.connect(self._on_header)
        self.banner.acted.connect(self._on_banner)
        self.banner.dismissed.connect(self._on_dismissed)
        self.disks.failed.connect(self._on_disk_problem)

    # ---- what is shown

    @property
    def target(self) -> Target | None:
        """The chosen target as it is now."""
        return self._bus.snapshot_now.targets.get(self._path)

    def _on_changed(self, snapshot: Snapshot) -> None:
        self.list.update_rows(snapshot, self._bus.rates)
        self._add.setEnabled(snapshot.ready)
        name = snapshot.manager.initiator_name
        self._name.setText(name)
        self._copy.setVisible(bool(name))
        self.right.setCurrentIndex(self._page_of(snapshot))
        self._forget_solved(snapshot)
        self._show_target()

    def _page_of(self, snapshot: Snapshot) -> int:
        if snapshot.targets and self._path:
            return 0
        if snapshot.ready:
            return 1
        return 3 if snapshot.link is Link.CONNECTING else 2

    def _forget_solved(self, snapshot: Snapshot) -> None:
        """What stood in the way is out of the way once it is connected again."""
        for path in list(self._problems):
            target = snapshot.targets.get(path)
            if target is None:
                del self._problems[path]
        for path, code in list(self._dismissed.items()):
            target = snapshot.targets.get(path)
            if target is None or target.last_error != code:
                del self._dismissed[path]

    def _show_target(self) -> None:
        snapshot, target = self._bus.snapshot_now, self.target
        self.header.update_page(snapshot, target)
        for page in (self.disks, self.activity, self.details, self.events):
            page.update_page(snapshot, target)
        self._show_banner(snapshot, target)

    def _show_banner(self, snapshot: Snapshot, target: Target | None) -> None:
        problem, action, mild = self._problem_of(snapshot, target)
        if problem is not self.banner.problem:
            self.banner.show_problem(problem, action, mild=mild)

    def _problem_of(self, snapshot: Snapshot, target: Target | None) -> tuple[Problem | None, str, bool]:
        """Return what stands above the pages, the button that mends it, and whether it is only a warning."""
        if target is None:
            return None, "", False
        if not snapshot.ready:
            return self._same("HelperUnavailable"), "Look again", True
        problem = self._problems.get(target.path)
        if problem is not None:
            return problem, self._action_for(problem, target), False
        if not self._has_old_trouble(target):
            return None, "", False
        problem = self._same(target.last_error, address=target.address, target=target.name)
        lost = target.state == "lost"
        return problem, "" if lost else self._action_for(problem, target), lost

    def _has_old_trouble(self, target: Target) -> bool:
        """Whether what ended the last attempt, or stands in the session's way, is to be shown."""
        if not target.last_error or self._dismissed.get(target.path) == target.last_error:
            return False
        return target.state == "lost" or (target.state == "disconnected" and target.path not in self._work)

    def _same(self, code: str, **attrs: str) -> Problem:
        """Return the problem that is shown already, when it is the same one: it is not drawn anew."""
        shown = self.banner.problem
        try:
            new = Problem(code, **attrs)
        except ValueError:
            new = Problem("Internal", log_id="unknown")
        return shown if shown is not None and (shown.code, shown.attrs) == (new.code, new.attrs) else new

    @staticmethod
    def _action_for(problem: Problem, target: Target) -> str:
        if problem.code in SIGN_IN_ERRORS:
            return "Sign in …"
        return "Try again" if problem.code in _AGAIN and target.state == "disconnected" else ""

    def _on_figures(self) -> None:
        self.list.update_rows(self._bus.snapshot_now, self._bus.rates)
        if self.tabs.currentWidget() is self.disks:
            self.disks.update_page(self._bus.snapshot_now, self.target)

    # ---- what is asked for

    def _on_chosen(self, path: str) -> None:
        self._path = path
        snapshot = self._bus.snapshot_now
        self.right.setCurrentIndex(self._page_of(snapshot))
        self._show_target()

    def connect_to_target(self) -> ConnectDialog:
        """Open the wizard."""
        dialog = ConnectDialog(self._bus, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(True)
        dialog.connected.connect(self._on_new_target)
        dialog.open()
        return dialog

    def _on_new_target(self, path: str) -> None:
        self._problems.pop(path, None)
        self.list.update_rows(self._bus.snapshot_now, self._bus.rates)
        self.list.choose(path)

    def _on_header(self, what: str) -> None:
        target = self.target
        if target is None:
            return
        if what == "connect":
            self.connect_target(target)
        elif what == "cancel":
            self._cancel(target)
        elif what == "disconnect":
            self._ask_for(target, lambda client: operations.logout(client, target.path))
        elif what == "rescan":
            self._ask_for(target, lambda client: operations.rescan(client, target.session))
        elif what == "sign-in":
            self.sign_in(target, "Give the name and the secret that are set on the target.")
        elif what == "forget":
            self._forget(target)

    def connect_target(self, target: Target, how: SignIn | None = None, secrets: Secrets | None = None) -> None:
        """Connect a saved target; the helper asks our agent for secrets when the record says that it signs in."""
        self._ask_for(target, lambda client: operations.login(client, target.path, sign_in=how, secrets=secrets))

    def _ask_for(self, target: Target, work: object) -> None:
        self._problems.pop(target.path, None)
        self._work[target.path] = self._bus.run(
            work,  # type: ignore[arg-type]
            lambda _result: self._ended(target.path, None),
            lambda problem: self._ended(target.path, problem),
        )
        self._show_banner(self._bus.snapshot_now, target)

    def _ended(self, path: str, problem: Problem | None) -> None:
        self._work.pop(path, None)
        if problem is not None and problem.code != "Cancelled":
            self._problems[path] = problem
        self._show_target()

    def _cancel(self, target: Target) -> None:
        work = self._work.get(target.path)
        if work is not None:
            work.cancel()
            return
        job = self._bus.snapshot_now.job_on(target.path, "login")
        if job is not None:
            self._bus.run(lambda client: operations.cancel(client, job.path))

    def sign_in(self, target: Target, why: str) -> SignInDialog:
        """Ask for name and secret, then connect with them."""
        how = SignIn(target.sign_in, target.chap_name, target.target_chap_name)
        dialog = SignInDialog(target.title, why, how, self._bus.snapshot_now.manager.initiator_name, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._signed_in(target, dialog))
        dialog.open()
        return dialog

    def _signed_in(self, target: Target, dialog: SignInDialog) -> None:
        how, secrets, keep = dialog.form.how(), dialog.form.secrets(), dialog.form.keep.isChecked()
        dialog.form.clear()

        async def work(client: Client) -> None:
            await operations.login(client, target.path, sign_in=how, secrets=secrets)
            await operations.update_target(client, target.path, how.options())

        def done(_result: object) -> None:
            if keep:
                self._bus.later(
                    self._bus.keyring.store(target.name, secrets), lambda _none: None, lambda _problem: None
                )
            self._ended(target.path, None)

        self._problems.pop(target.path, None)
        self._work[target.path] = self._bus.run(work, done, lambda problem: self._ended(target.path, problem))

    def _forget(self, target: Target) -> None:
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(tr("Forget this target?"))
        box.setText(f"Forget “{target.title}”?")
        box.setInformativeText(
            tr("Its settings and its secrets in the keyring are removed here. Nothing changes on the target.")
        )
        forget = box.addButton(tr("Forget"), QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        for control in box.buttons():
            control.setAccessibleName(control.text().replace("&", ""))
        box.buttonClicked.connect(lambda clicked: self._forgotten(target) if clicked is forget else None)
        box.open()

    def _forgotten(self, target: Target) -> None:
        def done(_result: object) -> None:
            self._bus.keyring.forget(target.name)
            self._ended(target.path, None)

        path = target.path
        self._bus.run(
            lambda client: operations.remove_target(client, path), done, lambda problem: self._ended(path, problem)
        )

    def _on_banner(self) -> None:
        target, problem = self.target, self.banner.problem
        if problem is not None and problem.code == "HelperUnavailable":
            self._bus.retry()
        elif target is not None and problem is not None and problem.code in SIGN_IN_ERRORS:
            self.sign_in(target, str(problem))
        elif target is not None:
            self.connect_target(target)

    def _on_dismissed(self) -> None:
        target = self.target
        if target is not None:
            self._problems.pop(target.path, None)
            self._dismissed[target.path] = target.last_error
        self.banner.show_problem(None)

    def _on_disk_problem(self, problem: Problem | None) -> None:
        if problem is None:
            self._problems.pop(self._path, None)
        elif problem.code != "Cancelled":
            self._problems[self._path] = problem
        self._show_banner(self._bus.snapshot_now, self.target)

    # ---- the secret agent's questions

    def _on_asked(self, question: Question, answer: Future[Secrets]) -> None:
        snapshot = self._bus.snapshot_now
        target = snapshot.targets.get(question.path)
        why = "The name or the secret was refused." if question.retry else "The target asks for its secret."
        method = "mutual" if question.mutual else "chap"
        how = SignIn(method, question.chap_name, question.target_chap_name)
        title = target.title if target is not None else question.target
        dialog = SignInDialog(title, why, how, snapshot.manager.initiator_name, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.form.name.setReadOnly(True)  # the record's name is used; only the secret was asked for
        dialog.finished.connect(lambda result: self._answer(question, dialog, answer, result))
        answer.add_done_callback(lambda done: self._bus.call(lambda: _close(dialog)) if done.cancelled() else None)
        dialog.open()

    def _answer(self, question: Question, dialog: SignInDialog, answer: Future[Secrets], result: int) -> None:
        secrets, keep = dialog.form.secrets(), dialog.form.keep.isChecked()
        dialog.form.clear()
        if not answer.set_running_or_notify_cancel():
            return
        if result != QDialog.DialogCode.Accepted:
            answer.set_exception(Problem("Cancelled"))
            return
        answer.set_result(secrets)
        if keep and question.target:
            self._bus.later(
                self._bus.keyring.store(question.target, secrets), lambda _none: None, lambda _problem: None
            )

    def _copy_name(self) -> None:
        copy(self._bus.snapshot_now.manager.initiator_name)

    # ---- remembered

    def _restore(self) -> None:
        if self._settings is None:
            return
        geometry = self._settings.value("window/geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        split = self._settings.value("window/split")
        if isinstance(split, QByteArray):
            self._split.restoreState(split)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the place; connections stay."""
        if self._settings is not None:
            self._settings.setValue("window/geometry", self.saveGeometry())
            self._settings.setValue("window/split", self._split.saveState())
        super().closeEvent(event)

    # ---- seen or not: live figures are only asked for while somebody can see them

    def _watch(self, *, on: bool) -> None:
        if on != self._watching:
            self._watching = on
            self._bus.watch(on)

    def showEvent(self, event: QShowEvent) -> None:
        """Begin to watch."""
        super().showEvent(event)
        self._watch(on=not self.isMinimized())

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._watch(on=False)

    def changeEvent(self, event: QEvent) -> None:
        """A minimized window is not seen."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._watch(on=self.isVisible() and not self.isMinimized())
