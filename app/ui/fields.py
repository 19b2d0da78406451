# SPDX-License-Identifier: Apache-2.0
"""Controls of the Settings page: one for each kind of field, all with the same verbs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QLineEdit, QSpinBox, QWidget

from ..model.settings import Field
from ..words import tr
from .widgets import Choice, Tick


class _CalmSpin(QSpinBox):
    """Takes the wheel only when it has the focus: scrolling the page must not change a value."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave it to the page."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class _CalmCombo(Choice):
    """As _CalmSpin."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave it to the page."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Control(ABC):
    """A field's control. `edited` is called when the person changed it; not by `put`."""

    def __init__(self, field: Field, edited: Callable[[], None]) -> None:
        self.field = field
        self._edited = edited
        self._quiet = True
        self.widget = self._make()
        self._quiet = False
        self.widget.setAccessibleName(field.label)
        self.widget.setAccessibleDescription(field.help)
        self.widget.setToolTip(field.help)
        if isinstance(self.widget, Choice):
            self.widget.tell()
        if not isinstance(self.widget, QCheckBox | QLineEdit):
            self.widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @abstractmethod
    def _make(self) -> QWidget:
        """Return the widget, whose changes are told to `_tell`."""

    @abstractmethod
    def value(self) -> Any:
        """Return what is in it."""

    @abstractmethod
    def _set(self, value: Any) -> None:
        """Show a value."""

    def put(self, value: Any) -> None:
        """Show a value."""
        if value == self.value():
            return
        self._quiet = True
        try:
            self._set(value)
        finally:
            self._quiet = False

    def _tell(self, *_: object) -> None:
        if not self._quiet:
            self._edited()


class _Text(Control):
    def _make(self) -> QWidget:
        self._edit = QLineEdit()
        self._edit.setMaxLength(1000)
        self._edit.textChanged.connect(self._tell)
        return self._edit

    def value(self) -> Any:
        """Return the text."""
        return self._edit.text().strip()

    def _set(self, value: Any) -> None:
        self._edit.setText(str(value))


class _Bool(Control):
    def _make(self) -> QWidget:
        self._box = Tick(self.field.help)
        self._box.toggled.connect(self._tell)
        return self._box

    def value(self) -> Any:
        """Return whether it is on."""
        return self._box.isChecked()

    def _set(self, value: Any) -> None:
        self._box.setChecked(bool(value))


class _Number(Control):
    _FACTOR = 1

    def _make(self) -> QWidget:
        self._spin = _CalmSpin()
        self._spin.setRange(-(-self.field.low // self._FACTOR), self.field.high // self._FACTOR)
        self._spin.setSuffix(self._suffix())
        self._spin.setGroupSeparatorShown(True)
        self._spin.lineEdit().setTextMargins(6, 0, 0, 0)
        if self.field.special:
            self._spin.setSpecialValueText(self.field.special)
        self._spin.valueChanged.connect(self._tell)
        return self._spin

    def _suffix(self) -> str:
        if self.field.unit == "ms":
            return tr(" ms", "milliseconds, behind a number")
        return tr(" s", "seconds, behind a number") if self.field.unit == "s" else ""

    def value(self) -> Any:
        """Return the number."""
        return self._spin.value() * self._FACTOR

    def _set(self, value: Any) -> None:
        self._spin.setValue(int(value) // self._FACTOR if isinstance(value, int) else self._spin.minimum())


class _Size(_Number):
    """Bytes, shown as KiB. A value that is no whole number of them stays as it is until it is edited."""

    _FACTOR = 1024

    def _suffix(self) -> str:
        return " KiB"

    def _make(self) -> QWidget:
        self._exact: int | None = None
        self._shown = 0
        made = super()._make()
        self._spin.setSingleStep(4)
        return made

    def value(self) -> Any:
        """Return the number of bytes."""
        if self._exact is not None and self._spin.value() == self._shown:
            return self._exact
        return super().value()

    def _set(self, value: Any) -> None:
        super()._set(value)
        self._exact = value if isinstance(value, int) else None
        self._shown = self._spin.value()


class _Choice(Control):
    def _make(self) -> QWidget:
        self._combo = _CalmCombo(self.field.label)
        self._values: list[Any] = []
        for value, words in self.field.choices:
            self._values.append(value)
            self._combo.addItem(words)
        self._combo.currentIndexChanged.connect(self._tell)
        return self._combo

    def value(self) -> Any:
        """Return the chosen value."""
        index = self._combo.currentIndex()
        return self._values[index] if index >= 0 else None

    def _set(self, value: Any) -> None:
        if value not in self._values:  # set elsewhere to something that this page has no words for
            self._values.append(value)
            self._combo.addItem(", ".join(value) if isinstance(value, tuple) else str(value))
        self._combo.setCurrentIndex(self._values.index(value))


_KINDS: dict[str, type[Control]] = {"text": _Text, "bool": _Bool, "int": _Number, "size": _Size, "choice": _Choice}


def control_for(field: Field, edited: Callable[[], None]) -> Control:
    """Return a control for the field."""
    return _KINDS[field.kind](field, edited)
