# SPDX-License-Identifier: Apache-2.0
"""The secret agent's questions, put to the person."""

from __future__ import annotations

from concurrent.futures import Future

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QWidget
from shiboken6 import isValid

from ...helper.api.errors import Problem
from ..client.agent import Question
from ..client.operations import Secrets, SignIn
from ..model.bridge import Bus
from ..words import tr
from .sign_in import SignInDialog


class Questions(QObject):
    """Answers `bus.asked`."""

    asked = Signal(object)  # Question: somebody has to answer

    def __init__(self, bus: Bus, window: QWidget) -> None:
        super().__init__(window)
        self._bus = bus
        self._window = window
        bus.asked.connect(self._on_asked)

    def _on_asked(self, question: Question, answer: Future[Secrets]) -> None:
        snapshot = self._bus.snapshot_now
        target = snapshot.targets.get(question.path)
        asks = tr("The target asks for its secret.")
        if question.path in snapshot.portals or question.path == "/":
            asks = tr("The device asks for a secret before it says what it offers.")
        why = tr("The name or the secret was refused.") if question.retry else asks
        method = "mutual" if question.mutual else "chap"
        how = SignIn(method, question.chap_name, question.target_chap_name)
        title = target.title if target is not None else question.target
        dialog = SignInDialog(title, why, how, snapshot.manager.initiator_name, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.form.name.setReadOnly(True)  # the record's name is used; only the secret was asked for
        dialog.finished.connect(lambda result: self._answer(question, dialog, answer, result))
        answer.add_done_callback(lambda done: self._bus.call(lambda: _close(dialog)) if done.cancelled() else None)
        dialog.open()
        self.asked.emit(question)

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


def _close(dialog: QDialog) -> None:
    """Close a question whose answer is not needed any more; it may be closed, and gone, already."""
    if isValid(dialog):
        dialog.reject()
