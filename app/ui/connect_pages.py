# SPDX-License-Identifier: Apache-2.0
"""The pages of “Connect to a target”: each shows and collects, and decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, QStringListModel, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QCompleter,
    QFormLayout,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from .. import desktop
from ..client.connecting import Connected, Options
from ..client.mirror import Snapshot
from ..client.operations import Found
from ..flows import connect as flow
from ..model import settings
from ..model.bridge import Bus
from ..model.targets import ROW
from ..words import tr
from .cells import Cells, TwoLines
from .disk_card import DiskCard
from .disks_page import no_disks
from .widgets import Choice, Code, button, clear, clearable, label, spaced

#: From so many targets on there is a field to search in them.
MANY = 8


class AddressPage(QWidget):
    """Where is it: an address, or a link; and the target's name when it is not listed."""

    changed = Signal()
    entered = Signal()

    def __init__(self, history: Sequence[str]) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        spaced(layout, 0, 8)
        self.address = QLineEdit()
        self.address.setAccessibleName(tr("Address"))
        self.address.setPlaceholderText(tr("nas.local, 192.0.2.5 or [2001:db8::5]:3260"))
        self.address.setMaxLength(2048)  # a link may be pasted
        self.history = list(history)
        completer = QCompleter(QStringListModel(self.history, self), self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        popup = completer.popup()
        if popup is not None:
            popup.setAccessibleName(tr("Addresses used before"))
        self.address.setCompleter(completer)
        # While addresses are offered below it, Enter does not reach the dialog.
        self.address.returnPressed.connect(self.entered)
        if history:
            self.address.setText(history[0])
        self.by_name = QCheckBox(tr("My target is not listed: type its name"))
        self.by_name.setAccessibleName(self.by_name.text())
        self.name = QLineEdit()
        self.name.setAccessibleName(tr("Target's name"))
        self.name.setPlaceholderText("iqn.2026-01.org.example:disk1")
        self.name.setMaxLength(223)
        self._name_hint = label(
            tr("For devices without a list. It stands in the device's iSCSI settings and begins with iqn, eui or naa."),
            "muted",
            wrap=True,
        )
        for widget in (self.name, self._name_hint):
            widget.hide()
            self.by_name.toggled.connect(widget.setVisible)
        self.by_name.toggled.connect(lambda _on: self.changed.emit())
        self.address.textChanged.connect(lambda _text: self.changed.emit())
        self.name.textChanged.connect(lambda _text: self.changed.emit())
        name = label(tr("&Address"))
        name.setBuddy(self.address)
        hint = tr(
            "The name or IP address under which you open the device's settings. A port other than 3260 stands behind"
            " a colon. An iscsi:// link works, too."
        )
        layout.addWidget(name)
        layout.addWidget(self.address)
        layout.addWidget(label(hint, "muted", wrap=True))
        layout.addSpacing(10)
        layout.addWidget(self.by_name)
        layout.addWidget(self.name)
        layout.addWidget(self._name_hint)
        layout.addStretch()

    def fill(self, address: str, target_name: str) -> None:
        """Show what is known."""
        self.address.setText(address)
        self.by_name.setChecked(bool(target_name))
        self.name.setText(target_name)

    @property
    def target_name(self) -> str:
        """The target's name, when it is typed."""
        return self.name.text() if self.by_name.isChecked() else ""

    @property
    def ready(self) -> bool:
        """Whether there is enough to go on."""
        return bool(self.address.text().strip()) and (not self.by_name.isChecked() or bool(self.name.text().strip()))

    def enter(self) -> None:
        """Be shown."""
        field = self.name if self.by_name.isChecked() and self.address.text() else self.address
        field.setFocus()
        field.selectAll()


class ChoosePage(QWidget):
    """Which of them: readable names, and where each is reached."""

    activated = Signal()
    not_listed = Signal()
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        spaced(layout, 0, 10)
        self.search = QLineEdit()
        self.search.setAccessibleName(tr("Search the targets"))
        self.search.setPlaceholderText(tr("Search"))
        clearable(self.search, tr("Clear the search"))
        self.search.textChanged.connect(self._filter)
        self.list = QListWidget()
        self.list.setObjectName("found")
        self.list.setAccessibleName(tr("Targets that were found"))
        self.list.setIconSize(QSize(28, 28))
        self.list.setItemDelegate(TwoLines(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._nothing = label("", "muted", wrap=True)
        self._nothing.hide()
        self.list.itemActivated.connect(lambda _item: self.activated.emit())
        self._found: tuple[Found, ...] = ()
        layout.addWidget(self.search)
        layout.addWidget(self._nothing)
        layout.addWidget(self.list, 1)
        layout.addWidget(
            button(tr("My target is not listed …"), self.not_listed.emit), 0, Qt.AlignmentFlag.AlignLeading
        )

    def fill(self, found: tuple[Found, ...], chosen: Found | None) -> None:
        """Show what was found."""
        self._found = found
        self.search.setVisible(len(found) >= MANY)
        self.search.clear()
        self.list.clear()
        for target in found:
            name, below = flow.describe(target)
            item = QListWidgetItem(f"{name}\n{below}")
            icon = ("disks", "muted") if flow.answers(target) else ("warning", "warning")
            item.setData(ROW, Cells(((name, below),), *icon))
            item.setToolTip(f"{name}\n{below}")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{name}, {below}")
            self.list.addItem(item)
            if chosen is not None and target.name == chosen.name:
                self.list.setCurrentItem(item)
        self.list.setFocus()

    def _filter(self, words: str) -> None:
        wanted = words.casefold().split()
        first = None
        for number in range(self.list.count()):
            item = self.list.item(number)
            fits = all(word in item.text().casefold() for word in wanted)
            item.setHidden(not fits)
            first = item if fits and first is None else first
        current = self.list.currentItem()
        if first is not None and (current is None or current.isHidden()):
            self.list.setCurrentItem(first)
        if first is not None:
            self.list.scrollToItem(self.list.currentItem())
        self._nothing.setText(tr("No target fits “{words}”.").format(words=words.strip()))
        self._nothing.setVisible(first is None and bool(wanted))
        self.changed.emit()

    @property
    def chosen(self) -> Found | None:
        """The one that is chosen."""
        row = self.list.currentRow()
        shown = 0 <= row < len(self._found) and not self.list.item(row).isHidden()
        return self._found[row] if shown else None


class OptionsPage(QWidget):
    """When to connect, and what to do with the disks."""

    def __init__(self) -> None:
        super().__init__()
        self._form = QFormLayout(self)
        spaced(self._form, 0, 12)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
        self.startup = Choice(tr("Connect it"))
        for word, words in settings.startups():
            self.startup.addItem(words, word)
        self._add(tr("&Connect it"), self.startup)
        self._form.setRowVisible(self.startup, self.startup.count() > 1)
        self.attach = self._box(tr("Attach its disks, so that they can be used"), on=True)
        self.mount = self._box(tr("Mount what is on them, so that their files can be opened"), on=True)
        self.read_only = self._box(tr("Read only: never write to its disks"), on=False)
        self.start = self._box(tr("Start Lundock in the tray when I log in: it gives the secret and mounts"), on=True)
        self.method = Choice(tr("Attach disks as"))
        self._add(tr("&Attach disks as"), self.method)
        self.attach.toggled.connect(lambda _on: self._refresh())
        self.startup.currentIndexChanged.connect(lambda _index: self._refresh())
        self._udisks = False

    def _add(self, words: str, control: Choice) -> None:
        name = label(words)
        name.setBuddy(control)
        name.setMinimumHeight(control.sizeHint().height())
        name.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        self._form.addRow(name, control)

    def _box(self, words: str, *, on: bool) -> QCheckBox:
        box = QCheckBox(words)
        box.setAccessibleName(words)
        box.setChecked(on)
        self._form.addRow(box)
        return box

    def fill(self, options: Options, snapshot: Snapshot, *, udisks: bool) -> None:
        """Show the options as they are; `udisks`: disks can be mounted from here."""
        self._udisks = udisks
        fields = [f for g in settings.groups(snapshot.manager.attach_methods) for f in g.fields]
        (method,) = (field for field in fields if field.name == "attach_method")
        self.method.clear()
        here = {str(m.get("name", "")) for m in snapshot.manager.attach_methods if m.get("available")}
        for value, words in method.choices:
            if value == "auto" or value in here:
                self.method.addItem(words, value)
        self.method.setCurrentIndex(max(self.method.findData(options.method), 0))
        self.startup.setCurrentIndex(max(self.startup.findData(options.startup), 0))
        self.attach.setChecked(options.attach)
        self.mount.setChecked(options.mount)
        self.read_only.setChecked(options.read_only)
        self._refresh()
        self.attach.setFocus()

    def _refresh(self) -> None:
        on = self.attach.isChecked()
        self._form.setRowVisible(self.mount, self._udisks)
        self._form.setRowVisible(self.start, self._at_login and not desktop.starts_with_desktop())
        self.mount.setEnabled(on)
        self.method.setEnabled(on)

    @property
    def _at_login(self) -> bool:
        return bool(self.startup.currentData() == "login")

    @property
    def starts(self) -> bool:
        """Whether this program is to start when the person logs in, and does not yet."""
        return self._at_login and self.start.isChecked() and not desktop.starts_with_desktop()

    def options(self) -> Options:
        """Return what was chosen."""
        attach = self.attach.isChecked()
        return Options(
            startup=str(self.startup.currentData() or "manual"),
            attach=attach,
            mount=attach and self._udisks and self.mount.isChecked(),
            method=str(self.method.currentData() or "auto"),
            read_only=self.read_only.isChecked(),
        )


class DonePage(QScrollArea):
    """The disks, what is on each, and what can be done with it."""

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(tr("Disks of this target"))
        inside = QWidget()
        self._rows = QVBoxLayout(inside)
        spaced(self._rows, 0, 10)
        self.setWidget(inside)
        self.cards: list[DiskCard] = []

    def fill(self, done: Connected, *, udisks: bool) -> None:
        """Show the disks of what was connected."""
        clear(self._rows)
        self.cards = []
        snapshot = self._bus.snapshot_now
        target = snapshot.targets.get(done.target)
        found = snapshot.shown_luns(target) if target is not None else ()
        for lun in found:
            card = DiskCard(self._bus, lun, done.problems.get(lun.path), there=udisks)
            self.cards.append(card)
            self._rows.addWidget(card)
        if not found:
            self._rows.addWidget(label(no_disks(), "muted", wrap=True))
            name = snapshot.manager.initiator_name
            self._rows.addWidget(Code(name, tip=tr("Copy this computer's iSCSI name")))
        self._rows.addStretch()
