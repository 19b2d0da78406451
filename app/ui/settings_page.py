# SPDX-License-Identifier: Apache-2.0
"""The Settings page: everything that may be set for a target, each with a line of help and a way back."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from ...helper.api.errors import Problem
from ..client import operations
from ..client.mirror import Snapshot
from ..client.objects import Target
from ..model import settings
from ..model.bridge import Bus
from ..model.settings import Field, Group
from ..words import tr
from .fields import Control, control_for
from .widgets import Banner, Tick, button, clear, label, name_button, spaced, tool

#: How wide a control may become, in characters.
_WIDTHS = {"text": 70, "choice": 46, "int": 22, "size": 22}


class SettingsPage(QWidget):
    """Edits are kept for each target until they are saved or discarded."""

    secret_wanted = Signal()  # the person wants to give another secret

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus
        self._target: Target | None = None
        self._edits: dict[str, dict[str, Any]] = {}
        self._controls: dict[str, Control] = {}
        self._resets: dict[str, QWidget] = {}
        self._more_parts: list[QWidget] = []
        self._methods: object = None
        self._busy = False
        self._label_width = 0
        self._body = QVBoxLayout()
        self._banner = Banner()
        self._banner.dismissed.connect(lambda: self._banner.show_problem(None))
        self._note = label("", "muted", wrap=True)
        self._save = button(tr("Save"), self._on_save, icon="check", primary=True)
        self._discard = button(tr("Discard"), self._on_discard)
        self._more = button(tr("More settings"), self._on_more)
        self._more.setCheckable(True)
        self._build()

    def _build(self) -> None:
        inside = QWidget()
        inside.setObjectName("content")
        spaced(self._body, 16, 6)
        inside.setLayout(self._body)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the fields in it take the keyboard, and it follows them
        scroll.setAccessibleName(tr("Settings of this target"))
        layout = QVBoxLayout(self)
        spaced(layout, 0, 0)
        layout.addWidget(self._banner)
        layout.addWidget(scroll, 1)
        self._bar = QFrame()
        self._bar.setObjectName("bar")
        row = QHBoxLayout(self._bar)
        spaced(row, 12, 8)
        row.addWidget(self._note, 1)
        row.addWidget(self._discard)
        row.addWidget(self._save)
        layout.addWidget(self._bar)

    # ---- what is shown

    def update_page(self, snapshot: Snapshot, target: Target | None) -> None:
        """Show a target's settings; what is being edited stays."""
        methods = snapshot.manager.attach_methods
        if not self._controls or methods != self._methods:
            self._methods = methods
            self._fill(settings.groups(methods))
        if target is None:
            self._target = None
            return
        moved = self._target is None or self._target.path != target.path
        if not moved and self._target == target and self.isEnabled() == snapshot.ready:
            return
        if moved:
            self._banner.show_problem(None)
        self._target = target
        self.setEnabled(snapshot.ready)
        self._show_values()

    def _fill(self, groups: tuple[Group, ...]) -> None:
        names = [field.label for group in groups for field in group.fields]
        self._label_width = min(max((self.fontMetrics().horizontalAdvance(name) for name in names), default=0) + 8, 260)
        self._more.setParent(None)
        clear(self._body)
        self._controls, self._resets, self._more_parts = {}, {}, []
        for group in groups:
            if group.more and self._more.parent() is None:
                self._body.addSpacing(8)
                self._body.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeading)
                self._more.show()
            part = self._group(group)
            self._body.addWidget(part)
            if group.more:
                self._more_parts.append(part)
        self._body.addStretch()
        self._on_more()

    def _group(self, group: Group) -> QWidget:
        part = QWidget()
        grid = QGridLayout(part)
        grid.setContentsMargins(0, 10, 0, 4)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(0, self._label_width)
        grid.addWidget(label(group.title, "heading"), 0, 0, 1, 2)
        for field in group.fields:
            self._line(grid, field)
        if any(field.name == "sign_in" for field in group.fields):
            row = grid.rowCount()
            again = button(tr("Give the secret again …"), self.secret_wanted.emit, icon="key")
            grid.addWidget(again, row, 1, Qt.AlignmentFlag.AlignLeading)
        return part

    def _line(self, grid: QGridLayout, field: Field) -> None:
        control = control_for(field, lambda: self._on_edited(field.name))
        self._controls[field.name] = control
        reset = tool("undo", tr("Back to the default: {setting}").format(setting=field.label))
        reset.clicked.connect(lambda _checked=False: self._on_reset(field))
        keep = reset.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        reset.setSizePolicy(keep)
        self._resets[field.name] = reset
        name = label(field.label, wrap=True)
        name.setFixedWidth(self._label_width)
        control.widget.setMaximumWidth(self.fontMetrics().averageCharWidth() * _WIDTHS.get(field.kind, 200))
        name.setBuddy(control.widget)
        row = grid.rowCount()
        grid.addWidget(name, row, 0)
        line = QHBoxLayout()
        spaced(line, 0, 6)
        ticked = isinstance(control.widget, Tick)
        line.addWidget(control.widget, 0 if ticked else 1)
        if isinstance(control.widget, Tick):
            line.addWidget(control.widget.words, 1)
        line.addWidget(reset)
        line.addStretch(0)
        grid.addLayout(line, row, 1)
        if not ticked:
            help_line: QLabel = label(field.help, "muted", wrap=True)
            grid.addWidget(help_line, row + 1, 1)
        grid.setRowMinimumHeight(row + 2, 6)

    def _on_more(self) -> None:
        on = self._more.isChecked()
        name_button(self._more, tr("Fewer settings") if on else tr("More settings"))
        for part in self._more_parts:
            part.setVisible(on)

    def _show_values(self) -> None:
        target = self._target
        if target is None:
            return
        edits = self._edits.get(target.path, {})
        for name, control in self._controls.items():
            control.put(edits[name] if name in edits else settings.value_of(target, control.field))
        self._refresh()

    def _refresh(self) -> None:
        target = self._target
        edits = self._edits.get(target.path, {}) if target is not None else {}
        for name, control in self._controls.items():
            self._resets[name].setVisible(control.field.setting and control.value() != control.field.default)
        sign_in = self._controls["sign_in"].value() if "sign_in" in self._controls else "none"
        for name, wants in (("chap_name", {"chap", "mutual"}), ("target_chap_name", {"mutual"})):
            if name in self._controls:
                self._controls[name].widget.setEnabled(sign_in in wants)
        self._bar.setVisible(bool(edits))
        self._save.setEnabled(not self._busy)
        words = tr("%n change(s) not saved yet.", "", len(edits))
        if target is not None and target.state != "disconnected":
            words += " " + tr("They take effect when the target is connected the next time.")
        self._note.setText(words)

    # ---- what is done

    def _on_edited(self, name: str) -> None:
        target = self._target
        if target is None:
            return
        control = self._controls[name]
        edits = self._edits.setdefault(target.path, {})
        value = control.value()
        if value == settings.value_of(target, control.field):
            edits.pop(name, None)
        else:
            edits[name] = value
        if not edits:
            del self._edits[target.path]
        self._refresh()

    def _on_reset(self, field: Field) -> None:
        control = self._controls[field.name]
        control.put(field.default)
        control.widget.setFocus()
        self._on_edited(field.name)

    def _on_discard(self) -> None:
        if self._target is not None:
            self._edits.pop(self._target.path, None)
            self._banner.show_problem(None)
            self._show_values()

    def _on_save(self) -> None:
        target = self._target
        if target is None:
            return
        try:
            changes = settings.changes(target, self._edits.get(target.path, {}))
        except Problem as problem:
            self._banner.show_problem(problem)
            return
        self._busy = True
        self._refresh()
        path = target.path
        self._bus.run(
            lambda client: operations.update_target(client, path, changes),
            lambda _none: self._saved(path, None),
            lambda problem: self._saved(path, problem),
        )

    def _saved(self, path: str, problem: Problem | None) -> None:
        self._busy = False
        if problem is None:
            self._edits.pop(path, None)
        if self._target is not None and self._target.path == path:
            self._target = self._bus.snapshot_now.targets.get(path, self._target)
            self._banner.show_problem(problem if problem is not None and problem.code != "Cancelled" else None)
            self._show_values()
        else:
            self._refresh()
