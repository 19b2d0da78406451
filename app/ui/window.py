# SPDX-License-Identifier: Apache-2.0
"""The window: a frame around the list, the header, the banner and the pages. Facts are in the bus's snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QHideEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from ...helper.api.errors import Problem, from_wire
from .. import text
from ..client.mirror import Link, Snapshot
from ..client.objects import Target
from ..flows.connect import SIGN_IN_ERRORS
from ..model import diagnosis
from ..model.bridge import Bus
from ..words import tr
from . import theme
from .actions import Actions
from .activity_page import ActivityPage
from .connect_dialog import ConnectDialog
from .details_page import DetailsPage
from .disks_page import DisksPage
from .events_page import EventsPage
from .header import Header
from .mounting import Mounting
from .notice import Notice
from .portals_dialog import PortalsDialog
from .questions import Questions
from .settings_page import SettingsPage
from .target_list import TargetList
from .widgets import Banner, Code, Elided, Fitting, Message, button, copy, spaced, tool

_AGAIN = frozenset(
    {"ConnectionRefused", "ConnectionTimeout", "HostUnreachable", "NetworkUnreachable", "NameNotFound", "Timeout",
     "ConnectionLost", "ServiceUnavailable", "TargetError", "OutOfResources"}
)  # fmt: skip


#: The pages' icons, in their order.
_ICONS = ("disk", "activity", "details", "events", "settings")


def _put_icons(tabs: QTabWidget) -> None:
    for number, icon in enumerate(_ICONS):
        tabs.setTabIcon(number, theme.icon(icon))


class Window(QMainWindow):
    """The main window. `before_close` may keep it from closing."""

    preferences_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self, bus: Bus, settings: QSettings | None = None) -> None:
        super().__init__()
        self._bus = bus
        self._settings = settings
        self.before_close: Callable[[], bool] = lambda: True
        self._path = ""
        self._dismissed: dict[str, str] = {}
        self._wizard: ConnectDialog | None = None
        self.actions_on = Actions(bus, self)
        self.questions = Questions(bus, self)
        self.mounting = Mounting(bus, self.actions_on)
        self.setWindowTitle("Lundock")
        self.setWindowIcon(theme.icon("lundock"))
        self.setMinimumSize(860, 520)
        self.resize(1080, 700)
        self.list = TargetList()
        self.header = Header()
        self.banner = Banner()
        self.notice = Notice()
        self.disks = DisksPage(bus, self.actions_on)
        self.activity = ActivityPage(bus)
        self.details = DetailsPage()
        self.events = EventsPage(bus)
        self.settings = SettingsPage(bus)
        self.tabs = QTabWidget()
        self.right = QStackedWidget()
        self._build()
        Fitting(self)
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
        kept = QAction(tr("Kept addresses …"), self)
        kept.setShortcut(QKeySequence("Ctrl+K"))
        kept.triggered.connect(lambda _checked=False: self.show_portals())
        close = QAction(tr("Close"), self)
        close.setShortcut(QKeySequence("Ctrl+W"))
        close.triggered.connect(lambda _checked=False: self.close())
        preferences = QAction(tr("Preferences …"), self)
        preferences.setShortcut(QKeySequence("Ctrl+,"))
        preferences.triggered.connect(lambda _checked=False: self.preferences_wanted.emit())
        leave = QAction(tr("Quit"), self)
        leave.setShortcut(QKeySequence("Ctrl+Q"))
        leave.triggered.connect(lambda _checked=False: self.quit_wanted.emit())
        self.addActions([add, kept, close, preferences, leave])
        menu = QMenu(self)
        menu.setAccessibleName(tr("Menu"))
        menu.addActions([add, kept, preferences])
        menu.addSeparator()
        menu.addActions([close, leave])
        self._menu.setMenu(menu)
        self._menu.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _sidebar(self) -> QWidget:
        side = QWidget()
        side.setObjectName("sidebar")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        side.setMaximumWidth(420)
        layout = QVBoxLayout(side)
        layout.setContentsMargins(0, 12, 0, 8)
        layout.setSpacing(6)
        self._add = button(tr("Connect to a target …"), self.connect_to_target, icon="add")
        top = QHBoxLayout()
        top.setContentsMargins(12, 0, 12, 4)
        top.addWidget(self._add)
        side.setMinimumWidth(min(max(260, self._add.sizeHint().width() + 24), 420))
        layout.addLayout(top)
        layout.addWidget(self.list, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 0, 8, 0)
        self._name = Elided("")
        self._name.setObjectName("footer")
        self._copy = tool("copy", tr("Copy this computer's iSCSI name"), self._copy_name)
        foot.addWidget(self._name, 1)
        foot.addWidget(self._copy)
        self._menu = tool("menu", tr("Menu"))
        foot.addWidget(self._menu)
        layout.addLayout(foot)
        return side

    def _target_page(self) -> QWidget:
        page = QWidget()
        page.setObjectName("content")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(page)
        spaced(layout, 0, 0)
        layout.addWidget(self.header)
        around = QVBoxLayout()
        around.setContentsMargins(16, 0, 16, 6)
        around.setSpacing(8)
        around.addWidget(self.notice)
        around.addWidget(self.banner)
        layout.addLayout(around)
        self.tabs.setFocusProxy(None)  # type: ignore[arg-type]
        self.tabs.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its bar takes the keyboard, and has the name
        self.tabs.tabBar().setAccessibleName(tr("Pages"))
        self.tabs.setIconSize(QSize(18, 18))
        for widget, words in (
            (self.disks, tr("Disks")),
            (self.activity, tr("Activity")),
            (self.details, tr("Details")),
            (self.events, tr("Events")),
            (self.settings, tr("Settings")),
        ):
            widget.setAccessibleName(words)
            self.tabs.addTab(widget, words)
        theme.follow(self.tabs, _put_icons)
        layout.addWidget(self.tabs, 1)
        return page

    def _empty_page(self) -> QWidget:
        page = Message(
            "disks",
            tr("No targets yet"),
            tr("A target is a storage device's offer of disks. Give the device's address to see what it has for you."),
        )
        page.add(button(tr("Connect to a target …"), self.connect_to_target, icon="add", primary=True))
        return page

    def _missing_page(self) -> QWidget:
        self._missing = Message(
            "warning",
            "",
            "",
        )
        self._start = Code()
        self._missing.add(self._start)
        self._missing.add(button(tr("Look again"), self._bus.retry, icon="refresh"))
        return self._missing

    def _say_missing(self, snapshot: Snapshot) -> None:
        no_bus = snapshot.link is Link.NO_BUS
        self._missing.heading.setText(
            tr("The system's message bus is away") if no_bus else tr("The Lundock service is not running")
        )
        self._missing.sentence.setText(
            tr("Lundock reaches its service through it. It is looked for again and again.")
            if no_bus
            else tr("It does the work that needs the administrator's rights. Install the lundock package, or start it:")
        )
        self._start.set_command("" if no_bus else "sudo systemctl start lundock")

    def _connect_signals(self) -> None:
        self._bus.changed.connect(self._on_changed)
        self._bus.figures.connect(self._on_figures)
        self.list.chosen.connect(self._on_chosen)
        self.header.asked.connect(self._on_header)
        self.banner.acted.connect(self._on_banner)
        self.banner.asked_why.connect(lambda: self._on_header("diagnose"))
        self.banner.dismissed.connect(self._on_dismissed)
        self.actions_on.changed.connect(lambda _path: self._show_target())
        self.actions_on.told.connect(self.notice.tell)
        self.actions_on.needs_window.connect(self.come_forward)
        self.settings.secret_wanted.connect(lambda: self._on_header("sign-in"))

    # ---- what is shown

    @property
    def target(self) -> Target | None:
        """The chosen target as it is now."""
        return self._bus.snapshot_now.targets.get(self._path)

    def _on_changed(self, snapshot: Snapshot) -> None:
        self.list.update_rows(self._bus.shown, self._bus.rates)
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
        self._say_missing(snapshot)
        return 3 if snapshot.link is Link.CONNECTING else 2

    def _forget_solved(self, snapshot: Snapshot) -> None:
        """What stood in the way is out of the way once it is connected again."""
        for path, code in list(self._dismissed.items()):
            target = snapshot.targets.get(path)
            if target is None or self._old_trouble(target) != code:
                del self._dismissed[path]

    def _show_target(self) -> None:
        snapshot, target = self._bus.snapshot_now, self.target
        self.header.update_page(snapshot, target)
        for page in (self.disks, self.activity, self.details, self.events, self.settings):
            page.update_page(snapshot, target)
        self._show_banner(snapshot, target)

    def _show_banner(self, snapshot: Snapshot, target: Target | None) -> None:
        problem, action, mild = self._problem_of(snapshot, target)
        if problem is not self.banner.problem:
            why = problem is not None and snapshot.ready and diagnosis.worth_it(problem)
            self.banner.show_problem(problem, action, mild=mild, why=why)
            if problem is not None:
                self.notice.hide()  # good news of before

    def _problem_of(self, snapshot: Snapshot, target: Target | None) -> tuple[Problem | None, str, bool]:
        """Return what stands above the pages, the button that mends it, and whether it is only a warning."""
        if target is None:
            return None, "", False
        if not snapshot.ready:
            return self._same("HelperUnavailable"), tr("Look again"), True
        problem = self.actions_on.problems.get(target.path)
        if problem is not None:
            return problem, self._action_for(problem, target), False
        code = self._old_trouble(target)
        if not code or self._dismissed.get(target.path) == code:
            return None, "", False
        problem = self._same(code, {"address": target.address, "target": target.name} | self._facts(target))
        lost = target.state == "lost"
        return problem, "" if lost else self._action_for(problem, target), lost

    def _old_trouble(self, target: Target) -> str:
        """Return the code of what ended the last attempt, or stands in the session's way; "" for nothing."""
        if target.state == "lost":
            session = self._bus.snapshot_now.session_of(target)
            return (session.last_error if session is not None else "") or target.last_error or "ConnectionLost"
        return target.last_error if target.state == "disconnected" and not self.actions_on.busy(target.path) else ""

    def _facts(self, target: Target) -> dict[str, Any]:
        """Return what the sentences of `_old_trouble` mention, as far as the service knows it."""
        session = self._bus.snapshot_now.session_of(target)
        lost = target.state == "lost" and session is not None and session.last_error
        return dict(session.last_error_facts if lost and session is not None else target.last_error_facts)

    def _same(self, code: str, facts: Mapping[str, Any] | None = None) -> Problem:
        """Return the problem that is shown already, when it is the same one: it is not drawn anew."""
        shown, new = self.banner.problem, from_wire(code, dict(facts or {}))
        return shown if shown is not None and (shown.code, shown.attrs) == (new.code, new.attrs) else new

    @staticmethod
    def _action_for(problem: Problem, target: Target) -> str:
        if problem.code in SIGN_IN_ERRORS:
            return tr("Sign in …")
        return tr("Try again") if problem.code in _AGAIN and target.state == "disconnected" else ""

    def _on_figures(self) -> None:
        self.list.update_rows(self._bus.shown, self._bus.rates)
        if self.tabs.currentWidget() is self.disks:
            self.disks.update_page(self._bus.snapshot_now, self.target)

    # ---- what is asked for

    def _on_chosen(self, path: str) -> None:
        self._path = path
        snapshot = self._bus.snapshot_now
        self.right.setCurrentIndex(self._page_of(snapshot))
        self._show_target()

    def connect_to_target(self, address: str = "", target_name: str = "", user: str = "") -> ConnectDialog:
        """Open the wizard, with what is known already filled in; the one that is open when there is one."""
        dialog = self._wizard if self._wizard is not None and isValid(self._wizard) else None
        if dialog is None:
            dialog = ConnectDialog(self._bus, self, self._settings)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.setModal(True)
            dialog.connected.connect(self._on_new_target)
            self._wizard = dialog
            dialog.open()
        if address or target_name:
            dialog.start_with(address, target_name, user)
        return dialog

    def show_portals(self) -> PortalsDialog:
        """Open the addresses that are kept."""
        dialog = PortalsDialog(self._bus, self)
        dialog.setModal(True)
        dialog.open()
        return dialog

    def _on_new_target(self, path: str) -> None:
        self.actions_on.done_with(path)
        self.list.update_rows(self._bus.shown, self._bus.rates)
        self.list.choose(path)

    def _on_header(self, what: str) -> None:
        target = self.target
        if target is None:
            return
        actions = self.actions_on
        does: dict[str, Callable[[], object]] = {
            "connect": lambda: actions.connect_target(target),
            "cancel": lambda: actions.cancel(target),
            "disconnect": lambda: actions.disconnect_target(target),
            "rescan": lambda: actions.rescan(target),
            "sign-in": lambda: actions.sign_in(target, tr("Give the name and the secret that are set on the target.")),
            "diagnose": lambda: actions.diagnose(target),
            "forget": lambda: actions.forget(target),
        }
        does[what]()

    def _on_banner(self) -> None:
        target, problem = self.target, self.banner.problem
        if problem is not None and problem.code == "HelperUnavailable":
            self._bus.retry()
        elif target is not None and problem is not None and problem.code in SIGN_IN_ERRORS:
            self.actions_on.sign_in(target, text.explain(problem).summary)
        elif target is not None:
            self.actions_on.connect_target(target)

    def _on_dismissed(self) -> None:
        target = self.target
        if target is not None:
            self._dismissed[target.path] = self._old_trouble(target)
            self.actions_on.done_with(target.path)
        self.banner.show_problem(None)

    def _copy_name(self) -> None:
        copy(self._bus.snapshot_now.manager.initiator_name)

    def come_forward(self) -> None:
        """Show the window to the person, wherever it was."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

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
        page = self._settings.value("window/page")
        if isinstance(page, str | int) and str(page).isdecimal():
            self.tabs.setCurrentIndex(int(page))
        self.activity.restore(self._settings)

    def remember(self) -> None:
        """Keep the window's place for the next time."""
        if self._settings is not None:
            self._settings.setValue("window/geometry", self.saveGeometry())
            self._settings.setValue("window/split", self._split.saveState())
            self._settings.setValue("window/page", self.tabs.currentIndex())
            self.activity.save(self._settings)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the place; connections stay."""
        self.remember()
        if self.before_close():
            super().closeEvent(event)
        else:
            event.ignore()

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
