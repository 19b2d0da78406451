# SPDX-License-Identifier: Apache-2.0
"""“Check the connection” in the window."""

from __future__ import annotations

from lundock.app.ui.diagnosis_dialog import DiagnosisDialog
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from support.window import Bench


def opened(bench: Bench) -> DiagnosisDialog:
    (dialog,) = bench.window.findChildren(DiagnosisDialog)
    return dialog


def test_what_is_wrong_is_said_with_its_steps_and_a_report(bench: Bench) -> None:
    path = bench.fake.add("media", address="refused.example")
    bench.until(lambda: bench.window.target is not None)
    bench.click(bench.window.header._main)
    bench.until(bench.window.banner.isVisible)
    bench.click(bench.shown_button(bench.window.banner, "Find out why …"))
    dialog = opened(bench)
    bench.until(lambda: dialog.found is not None)
    words = bench.words(dialog)
    assert "refused.example refuses connections on port 3260" in words
    assert dialog.list.count() == 2
    failed = dialog.list.currentItem()
    assert failed.text().startswith("Reach the port · 85 µs")
    assert "failed" in failed.data(Qt.ItemDataRole.AccessibleTextRole)
    bench.click(bench.shown_button(dialog, "Copy the report"))
    assert QGuiApplication.clipboard().text() == "Lundock: diagnosis of refused.example\n"
    assert bench.state(path) == "disconnected"
    bench.click(bench.shown_button(dialog, "Look again"))
    assert dialog.found is None
    bench.until(lambda: dialog.found is not None)
    bench.click(bench.shown_button(dialog, "Close"))
    bench.until(lambda: not bench.window.findChildren(DiagnosisDialog))


def test_a_target_that_works_is_said_to(bench: Bench) -> None:
    bench.attached(bench.fake.add("media"))
    bench.until(lambda: bench.window.target is not None)
    bench.window.header._diagnose.trigger()
    dialog = opened(bench)
    bench.until(lambda: dialog.found is not None)
    assert "Everything works" in bench.words(dialog)
    dialog.reject()


def test_escape_stops_it(bench: Bench) -> None:
    bench.fake.add("media")
    bench.until(lambda: bench.window.target is not None)
    bench.fake.do(lambda helper: setattr(helper, "pace", 30.0))
    bench.window.header._diagnose.trigger()
    dialog = opened(bench)
    bench.until(lambda: dialog.steps.reached == "resolve" and len(bench.fake.helper.jobs) == 1)
    bench.qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    bench.until(lambda: all(job.finished for job in bench.fake.helper.jobs.values()))
    assert not [one for one in QApplication.topLevelWidgets() if isinstance(one, DiagnosisDialog) and one.isVisible()]
