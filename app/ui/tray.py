# SPDX-License-Identifier: Apache-2.0
"""The tray: an icon that shows the state, a tip with rates, a menu with a line a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from .. import text
from ..client.mirror import Snapshot
from ..client.objects import Target
from ..model.bridge import Bus
from ..model.rates import Rates
from ..words import tr
from . import theme
from .actions import Actions
from .widgets import paint_state

#: More targets than this are only in the window.
MAX_LINES = 12
#: Above this, in bytes a second, something is going on.
BUSY = 50_000.0


def state_of(snapshot: Snapshot, rates: Rates) -> str:
    """Return what the icon shows: "away", "idle" (nothing connected), "connected", "busy" or "trouble"."""
    if not snapshot.ready:
        return "away"
    states = {target.state for target in snapshot.targets.values()}
    if "lost" in states:
        return "trouble"
    if states & {"connecting", "disconnecting"}:
        return "busy"
    if "connected" not in states:
        return "idle"
    rate = rates.sum_of(snapshot.luns)
    return "busy" if rate is not None and rate.total > BUSY else "connected"


def tip_of(snapshot: Snapshot, rates: Rates) -> str:
    """Return the tip: a line for each connected target, with its rates."""
    if not snapshot.ready:
        return tr("Lundock: the service is away")
    connected = [target for target in snapshot.targets.values() if target.state != "disconnected"]
    lines = []
    for target in sorted(connected, key=lambda target: target.title.casefold())[:6]:
        rate = rates.sum_of(lun.path for lun in snapshot.luns_of(target))
        if target.state != "connected" or rate is None:
            words = text.state(target.state)
        else:
            words = f"↓ {text.rate(rate.read)}   ↑ {text.rate(rate.write)}"
        lines.append(f"{target.title}: {words}")
    if len(connected) > 6:
        lines.append(tr("and %n more", "", len(connected) - 6))
    return "\n".join(lines) or tr("Lundock: nothing is connected")


#: The mark in the icon's corner, as a target's state; "" for none.
_MARKS = {"connected": "connected", "busy": "connecting", "trouble": "lost"}


def icon_for(state: str) -> QIcon:
    """Draw the icon: faded while nothing is connected, else with the state's shape in a corner."""
    icon = QIcon()
    for size in (16, 22, 24, 32, 48, 64):
        icon.addPixmap(_picture(state, size))
    return icon


def _picture(state: str, size: int) -> QPixmap:
    made = QPixmap(size, size)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setOpacity(1.0 if state in _MARKS else 0.5)
    painter.drawPixmap(0, 0, theme.pixmap("lundock", size, "#000000"))
    painter.setOpacity(1.0)
    if state in _MARKS:
        side = size * 0.5
        corner = QRectF(size - side, size - side, side, side)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.colours().base))
        painter.drawEllipse(corner)
        paint_state(painter, corner.adjusted(side * 0.08, side * 0.08, -side * 0.08, -side * 0.08), _MARKS[state])
    painter.end()
    return made


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the menu. `what`: connect, eject or cancel."""

    path: str
    what: str
    words: str


def lines_of(snapshot: Snapshot) -> list[Line]:
    """Return the menu's line for each target."""
    found = []
    patterns = {
        "disconnected": ("connect", tr("Connect “{target}”")),
        "connecting": ("cancel", tr("Stop connecting “{target}”")),
        "connected": ("eject", tr("Eject “{target}”")),
        "lost": ("eject", tr("Eject “{target}” (away)")),
    }
    order = {"lost": 0, "connected": 0, "connecting": 0}
    targets = sorted(snapshot.targets.values(), key=lambda t: (order.get(t.state, 1), t.title.casefold()))
    for target in targets[:MAX_LINES]:
        if snapshot.ready and target.state in patterns:
            what, pattern = patterns[target.state]
            found.append(Line(target.path, what, pattern.format(target=target.title).replace("&", "&&")))
    return found


class Tray(QObject):
    """Shows it as long as it lives; wakes up by itself when a panel comes later."""

    opened = Signal()
    wizard_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self, bus: Bus, actions: Actions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._actions = actions
        self._state = ""
        self._lines: list[Line] | None = None
        self.menu = QMenu()
        self.icon = QSystemTrayIcon(self)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._on_activated)
        bus.changed.connect(lambda _snapshot: self.refresh())
        bus.figures.connect(self.refresh)
        bus.keep_watch(on=True)
        self.refresh()
        self.icon.show()

    @staticmethod
    def available() -> bool:
        """Whether the desktop has a tray."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    @property
    def state(self) -> str:
        """What the icon shows."""
        return self._state

    def refresh(self) -> None:
        """Show what is so now; only what is different is drawn."""
        snapshot, rates = self._bus.snapshot_now, self._bus.rates
        state = state_of(snapshot, rates)
        if state != self._state:
            self._state = state
            theme.follow(self.icon, lambda icon: icon.setIcon(icon_for(self._state)))
        tip = tip_of(snapshot, rates)
        if tip != self.icon.toolTip():
            self.icon.setToolTip(tip)
        lines = lines_of(self._bus.shown)
        if lines != self._lines and not self.menu.isVisible():
            self._lines = lines
            self._fill()

    def _fill(self) -> None:
        self.menu.clear()
        for line in self._lines or []:
            self.menu.addAction(line.words, partial(self._do, line))
        if self._lines:
            self.menu.addSeparator()
        self.menu.addAction(tr("Connect to a target …"), self.wizard_wanted.emit)
        self.menu.addAction(tr("Open the window"), self.opened.emit)
        self.menu.addSeparator()
        self.menu.addAction(tr("Quit"), self.quit_wanted.emit)

    def _do(self, line: Line) -> None:
        target = self._bus.snapshot_now.targets.get(line.path)
        if target is None:
            return
        does: dict[str, Callable[[Target], object]] = {
            "connect": self._actions.connect_target,
            "cancel": self._actions.cancel,
            "eject": self._actions.disconnect_target,
        }
        does[line.what](target)

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in {QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick}:
            self.opened.emit()

    def close(self) -> None:
        """Take the icon away."""
        self.icon.hide()
        self._bus.keep_watch(on=False)
