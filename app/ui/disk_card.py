# SPDX-License-Identifier: Apache-2.0
"""A disk at the end of the wizard: what it is, what is on it, and what can be done with it now."""

from __future__ import annotations

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from ...helper.api.errors import Problem
from .. import text
from ..client import udisks
from ..client.mirror import Snapshot
from ..client.objects import Lun
from ..client.udisks import Contents
from ..flows import mount as mounting
from ..model.bridge import Bus
from ..words import tr
from .format_dialog import FormatDialog
from .widgets import Code, button, label, name_button, picture, set_icon, spaced


class DiskCard(QFrame):
    """Keeps itself up to date. `there`: UDisks2 runs."""

    def __init__(self, bus: Bus, lun: Lun, problem: Problem | None, *, there: bool) -> None:
        super().__init__()
        self.setObjectName("card")
        self._bus = bus
        self._lun = lun
        self._there = there
        self._contents: Contents | None = None
        self._asked: tuple[str, tuple[str, ...]] = ("", ())
        mark = picture("disk", 32)
        self._title = label("", "strong")
        self._facts = label("", "muted", wrap=True, selectable=True)
        self._words = label("", wrap=True)
        self._code = Code()
        self._do = button(tr("Mount"), self._on_do)
        words = QVBoxLayout()
        spaced(words, 0, 3)
        for widget in (self._title, self._facts, self._words, self._code):
            words.addWidget(widget)
        row = QHBoxLayout(self)
        spaced(row, 12, 12)
        row.addWidget(mark)
        row.addLayout(words, 1)
        row.addWidget(self._do)
        bus.changed.connect(self._on_changed)
        self._show(problem)
        self._look()

    @property
    def what(self) -> str:
        """What the button does: "open", "udisks", "format", or "none"."""
        return self._advice.kind

    @property
    def _advice(self) -> mounting.MountAdvice:
        return mounting.advice(self._lun, udisks=self._there, contents=self._contents)

    def _on_changed(self, snapshot: Snapshot) -> None:
        now = snapshot.luns.get(self._lun.path)
        if now is not None and now != self._lun:
            self._lun = now
            self._show()
            self._look()

    def _look(self) -> None:
        """Ask UDisks2 what is on it, once for each device and each change of its mounts."""
        device, key = self._lun.device, (self._lun.device, self._lun.mounts)
        if not self._there or not device.startswith("/dev/") or key == self._asked:
            return
        self._asked = key
        self._bus.run_alone(lambda: udisks.contents(device), self._on_contents, self._show)

    def _on_contents(self, contents: Contents) -> None:
        if _lives(self):
            self._contents = contents
            self._show()

    def _show(self, problem: Problem | None = None) -> None:
        if not _lives(self):
            return
        lun, what = self._lun, self._advice
        self._title.setText(lun.title)
        size = text.size(lun.size) if lun.size else tr("not ready")
        read_only = tr("read only") if lun.read_only else ""
        self._facts.setText(" · ".join(part for part in (size, f"LUN {lun.lun}", lun.device, read_only) if part))
        words = text.explain(problem).summary if problem is not None and problem.code != "Cancelled" else ""
        if what.kind == "open":
            words = tr("Mounted on {place}").format(place=what.place)
        words = words or " ".join(
            filter(None, (mounting.describe(self._contents), mounting.hint(lun, what, self._contents)))
        )
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self._code.setVisible(what.kind == "command")
        self._code.set_command(what.command)
        names = {"open": tr("Open"), "udisks": tr("Mount"), "format": tr("Format …")}
        self._do.setVisible(what.kind in names)
        name_button(self._do, names.get(what.kind, ""))
        set_icon(self._do, {"open": "folder", "udisks": "mount"}.get(what.kind, "disk"))
        self._do.setEnabled(True)
        self.setAccessibleName(f"{lun.title}, {words}")

    def _on_do(self) -> None:
        what, device = self._advice, self._lun.device
        if what.kind == "open":
            QDesktopServices.openUrl(QUrl.fromLocalFile(what.place))
        elif what.kind == "format":
            dialog = FormatDialog(self._bus, self._lun, self)
            dialog.formatted.connect(self._look_again)
            dialog.open()
        elif what.kind == "udisks":
            self._do.setEnabled(False)
            self._bus.run_alone(lambda: udisks.mount(device), lambda _place: self._look_again(), self._show)

    def _look_again(self) -> None:
        if _lives(self):
            self._asked = ("", ())
            self._look()


def _lives(card: DiskCard) -> bool:
    """Whether the card is still there: answers may come after the wizard was closed."""
    from shiboken6 import isValid

    return bool(isValid(card))
