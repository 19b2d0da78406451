# SPDX-License-Identifier: Apache-2.0
"""Name and secrets: the form that the wizard and the question of the secret agent share."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from ...helper.api.errors import Problem
from ..client.operations import Secrets, SignIn
from ..secrets import advice, generate
from ..words import tr
from .widgets import Elided, Fitting, button, copy, label, spaced, tool


class SecretEdit(QWidget):
    """A field for a secret: hidden, may be shown, and (where it is ours to choose) made up."""

    changed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        spaced(row, 0, 4)
        self.field = QLineEdit()
        self.field.setAccessibleName(name)
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setMaxLength(255)
        self.field.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhHiddenText)
        self.field.textChanged.connect(lambda _text: self.changed.emit())
        show = tool("eye", tr("Show: {name}").format(name=name))
        show.setCheckable(True)
        show.toggled.connect(self._show)
        make = tool("refresh", tr("Make up a random one and copy it: {name}").format(name=name), self._make)
        row.addWidget(self.field, 1)
        row.addWidget(show)
        row.addWidget(make)

    def _show(self, on: bool) -> None:
        self.field.setEchoMode(QLineEdit.EchoMode.Normal if on else QLineEdit.EchoMode.Password)

    def _make(self) -> None:
        secret = generate()
        self.field.setText(secret)
        copy(secret)


class SignInForm(QWidget):
    """The form. `ready` says whether it can be sent."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name = QLineEdit()
        self.name.setAccessibleName(tr("Name"))
        self.secret = SecretEdit(tr("Secret"))
        self.mutual = QCheckBox(tr("The target must prove itself, too (mutual CHAP)"))
        self.mutual.setAccessibleName(self.mutual.text())
        self.target_name = QLineEdit()
        self.target_name.setAccessibleName(tr("Target's name"))
        self.target_name.setPlaceholderText(tr("any"))
        self.target_secret = SecretEdit(tr("Target's secret"))
        self.keep = QCheckBox(tr("Keep in the keyring"))
        self.keep.setAccessibleName(self.keep.text())
        self.keep.setChecked(True)
        self._advice, self._their_advice = Elided("", "muted"), Elided("", "muted")
        self._form = QFormLayout(self)
        spaced(self._form, 0, 10)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._row(tr("&Name"), self.name, self.name)
        self._row(tr("&Secret"), self.secret, self.secret.field)
        self._form.addRow("", self._advice)
        self._form.addRow("", self.mutual)
        self._row(tr("&Target's name"), self.target_name, self.target_name)
        self._row(tr("Target's s&ecret"), self.target_secret, self.target_secret.field)
        self._form.addRow("", self._their_advice)
        self._form.addRow("", self.keep)
        for signal in (self.secret.changed, self.target_secret.changed, self.name.textChanged):
            signal.connect(lambda *_: self._check())
        self.mutual.toggled.connect(lambda _on: self._check())
        self._check()

    def _row(self, words: str, control: QWidget, field: QLineEdit) -> None:
        """Add a row whose label stands beside the field's middle, and leads to it by its letter."""
        name = label(words)
        name.setBuddy(field)
        name.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        name.setMinimumHeight(control.sizeHint().height())
        self._form.addRow(name, control)

    def fill(self, how: SignIn, initiator_name: str) -> None:
        """Set the names; an empty one of ours means this computer's iSCSI name."""
        self.name.setText(how.chap_name)
        self.name.setPlaceholderText(initiator_name)
        self.target_name.setText(how.target_chap_name)
        self.mutual.setChecked(how.method == "mutual")
        self._check()

    def enter(self) -> None:
        """Be shown: what is typed goes where something is missing first."""
        field = self.secret.field if self.name.text() else self.name
        field.setFocus()
        field.selectAll()  # what was refused is typed anew

    def how(self) -> SignIn:
        """Return the sign-in."""
        method = "mutual" if self.mutual.isChecked() else "chap"
        target_name = self.target_name.text().strip() if method == "mutual" else ""
        return SignIn(method, self.name.text().strip(), target_name)

    def secrets(self) -> Secrets:
        """Return the secrets."""
        return Secrets(self.secret.field.text(), self.target_secret.field.text() if self.mutual.isChecked() else "")

    def put(self, secrets: Secrets) -> None:
        """Fill in secrets that are known."""
        self.secret.field.setText(secrets.secret)
        self.target_secret.field.setText(secrets.target_secret)

    def no_keyring(self, problem: Problem) -> None:
        """Say why nothing can be kept: the secret is asked for each time."""
        why = str(problem.attrs.get("detail", ""))
        self.keep.setChecked(False)
        self.keep.setEnabled(False)
        self.keep.setText(tr("Keep in the keyring ({why})").format(why=why.rstrip(".")))

    def clear(self) -> None:
        """Forget the secrets."""
        self.secret.field.clear()
        self.target_secret.field.clear()

    @property
    def ready(self) -> bool:
        """Everything that must be there is there."""
        mutual = self.mutual.isChecked()
        mine, theirs = self.secret.field.text(), self.target_secret.field.text()
        return bool(mine) and (not mutual or (bool(theirs) and theirs != mine))

    def _check(self) -> None:
        mutual = self.mutual.isChecked()
        for field in (self.target_name, self.target_secret):
            self._form.setRowVisible(field, mutual)
        mine, theirs = self.secret.field.text(), self.target_secret.field.text() if mutual else ""
        for place, words in ((self._advice, advice(mine)), (self._their_advice, advice(theirs, mine))):
            place.setText(words)
            self._form.setRowVisible(place, bool(words))
        self.changed.emit()


class SignInDialog(QDialog):
    """Asks for name and secrets of one target."""

    def __init__(self, title: str, why: str, how: SignIn, initiator_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Sign in"))
        self.setAccessibleName(tr("Sign in"))
        self.form = SignInForm()
        self.form.fill(how, initiator_name)
        layout = QVBoxLayout(self)
        spaced(layout, 20, 12)
        layout.addWidget(label(tr("Sign in to {target}").format(target=title), "heading", wrap=True))
        layout.addWidget(label(why, "muted", wrap=True))
        layout.addWidget(self.form)
        layout.addStretch()
        self._send = button(tr("Sign in"), self.accept, icon="check", primary=True)
        self._send.setDefault(True)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(button(tr("Cancel"), self.reject))
        row.addWidget(self._send)
        layout.addLayout(row)
        self.form.changed.connect(lambda: self._send.setEnabled(self.form.ready))
        self._send.setEnabled(self.form.ready)
        self.setMinimumWidth(460)
        Fitting(self)
        self.form.enter()
