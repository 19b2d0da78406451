# SPDX-License-Identifier: Apache-2.0
"""The window against a service with the contract's face, without a display."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6")

from lundock.app.client.link import Where
from lundock.app.client.mirror import Link
from lundock.app.model.bridge import Bus
from lundock.app.secrets import Keyring
from lundock.app.ui import theme
from lundock.app.ui.sign_in import SignInDialog
from lundock.app.ui.widgets import label
from lundock.app.ui.window import Window
from lundock.helper.api.errors import Problem
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QLabel,
    QLineEdit,
    QProgressBar,
    QTabBar,
    QWidget,
)
from support.fake_helper import ANYONE, IQN, RunningFake
from support.window import Bench, Memory


def test_a_first_start_leads_to_the_wizard(bench: Bench) -> None:
    bench.until(lambda: bench.window.right.currentIndex() == 1)
    page = bench.window.right.currentWidget()
    bench.click(bench.shown_button(page, "Connect to a target …"))
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    assert dialog.accessibleName() == "Connect to a target"
    dialog.close()


def test_the_main_button_connects_and_disconnects(bench: Bench) -> None:
    path = bench.fake.add("media", "Media")
    bench.until(lambda: bench.window.target is not None)
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.state(path) == "connected")
    assert bench.window.header._main.text() == "Disconnect"
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.state(path) == "disconnected")
    bench.until(lambda: bench.window.events._model.rowCount() == 2)


def test_what_went_wrong_while_nobody_looked_is_told_with_its_facts(bench: Bench) -> None:
    path = bench.fake.add("backup")

    async def fail(helper: Any) -> None:
        target = helper.targets[path]
        target.last_error, target.last_error_facts = "ConnectionTimeout", {"address": "nas", "port": 3260, "seconds": 7}
        helper.server.refresh(path)

    bench.fake.do(fail)
    bench.until(bench.window.banner.isVisible)
    assert "nas did not answer within 7 seconds." in bench.words(bench.window.banner)


def test_nothing_is_asked_while_nobody_sees_the_window(bench: Bench) -> None:
    with bench.qtbot.waitSignal(bench.bus.figures, timeout=10_000):
        pass
    bench.window.hide()
    assert bench.bus._watchers == 0
    bench.window.showMinimized()
    assert bench.bus._watchers == 0
    bench.window.showNormal()
    assert bench.bus._watchers == 1
    with bench.qtbot.waitSignal(bench.bus.figures, timeout=10_000):
        pass


def test_a_saved_sign_in_is_answered_from_the_keyring_without_a_question(bench: Bench) -> None:
    bench.until(lambda: bench.fake.helper.agents)
    bench.memory.kept["io.github.lundock.Lundock: " + IQN + "v", "secret"] = "from the ring"
    assert ask_agent(bench) == {"secret": "from the ring"}


def ask_agent(bench: Bench, *, retry: bool = False, meanwhile: Any = None) -> Any:
    """Ask the window's secret agent as the helper does."""
    import asyncio
    import json
    import os

    from lundock.helper.api.names import SECRET_AGENT

    async def ask(helper: Any) -> Any:
        ((sender, agent),) = helper.agents.items()
        hints = {"target-name": IQN + "v", "chap-name": "me", "wants": ["secret"], "retry": retry}
        connection = helper.server._connection
        descriptor = await connection.call(
            agent, SECRET_AGENT, "GetSecrets", "/t/1", "session", hints, destination=sender
        )
        with os.fdopen(descriptor.take(), "rb") as stream:
            return json.load(stream)

    future = asyncio.run_coroutine_threadsafe(ask(bench.fake.helper), bench.fake._loop)
    if meanwhile is not None:
        bench.until(lambda: bench.window.findChild(SignInDialog) is not None)
        meanwhile(bench.window.findChild(SignInDialog))
    bench.until(future.done)
    return future.result(0)


def test_a_question_of_the_agent_is_put_to_the_person(bench: Bench) -> None:
    bench.until(lambda: bench.fake.helper.agents)

    def answer(dialog: SignInDialog) -> None:
        dialog.form.secret.field.setText("typed by hand")
        dialog.accept()

    assert ask_agent(bench, retry=True, meanwhile=answer) == {"secret": "typed by hand"}
    assert "typed by hand" in bench.memory.kept.values()


def test_a_question_that_is_closed_is_cancelled(bench: Bench) -> None:
    bench.until(lambda: bench.fake.helper.agents)
    with pytest.raises(Problem) as caught:
        ask_agent(bench, meanwhile=lambda dialog: dialog.reject())
    assert caught.value.code == "Cancelled"


def test_a_question_that_is_not_needed_any_more_closes(bench: Bench) -> None:
    from lundock.helper.api.names import SECRET_AGENT

    bench.until(lambda: bench.fake.helper.agents)

    def take_back(_dialog: SignInDialog) -> None:
        async def cancel(helper: Any) -> None:
            ((sender, agent),) = helper.agents.items()
            connection = helper.server._connection
            await connection.call(agent, SECRET_AGENT, "CancelGetSecrets", "/t/1", "session", {}, destination=sender)

        bench.fake.do(cancel)

    with pytest.raises(Problem) as caught:
        ask_agent(bench, meanwhile=take_back)
    assert caught.value.code == "Cancelled"
    bench.until(lambda: bench.window.findChild(SignInDialog) is None)


def test_nobody_but_the_helper_gets_an_answer(bench: Bench) -> None:
    import asyncio

    from lundock.helper.api.bus import Connection
    from lundock.helper.api.names import SECRET_AGENT

    bench.until(lambda: bench.fake.helper.agents)
    ((sender, agent),) = bench.fake.helper.agents.items()

    async def ask() -> None:
        connection = await Connection.open(bench.fake.address)
        try:
            await connection.call(agent, SECRET_AGENT, "GetSecrets", "/t/1", "session", {}, destination=sender)
        finally:
            connection.close()

    with pytest.raises(Problem) as caught:
        asyncio.run(ask())
    assert caught.value.code == "NotAuthorized"
    assert bench.window.findChild(SignInDialog) is None


def test_a_helper_that_goes_away_is_said_and_taken_up_again(bench: Bench) -> None:
    bench.fake.add("media", "Media")
    bench.until(lambda: bench.window.target is not None)
    bench.fake.stop()
    bench.until(lambda: bench.bus.snapshot_now.link is Link.NO_HELPER)
    bench.until(bench.window.banner.isVisible)
    assert "Media" in bench.window.header._title.words()
    assert not bench.window.header._main.isEnabled()
    again = RunningFake(bench.fake.address, 0)
    again.start()
    try:
        bench.until(lambda: bench.bus.snapshot_now.ready)
        bench.until(lambda: bench.window.right.currentIndex() == 1)
    finally:
        again.stop()


def drawn_in(widget: QWidget, colour: str) -> bool:
    """Whether anything in it has exactly that colour."""
    picture = widget.grab().toImage()
    wanted = QColor(colour).rgb()
    return any(picture.pixel(x, y) == wanted for x in range(picture.width()) for y in range(picture.height()))


def test_while_the_helper_is_away_what_was_known_of_disks_and_details_stays_greyed(bench: Bench) -> None:
    path = bench.fake.add("media")
    bench.fake.connect(path)
    disks, details, tabs = bench.window.disks, bench.window.details, bench.window.tabs
    bench.until(lambda: disks._model.rowCount() == 2)
    text = theme.colours().text
    tabs.setCurrentWidget(details)
    assert drawn_in(details._tree.viewport(), text)
    tabs.setCurrentWidget(disks)
    assert drawn_in(disks._table.viewport(), text)
    bench.fake.stop()
    bench.until(lambda: not disks._cells.known)
    assert disks._model.rowCount() == 2
    assert not drawn_in(disks._table.viewport(), text)
    tabs.setCurrentWidget(details)
    section, value = details._tree.topLevelItem(0), details._tree.topLevelItem(0).child(0)
    where = details._tree.visualRect(details._tree.indexFromItem(value, 1))
    assert section.text(0)
    assert value.text(1).startswith("iqn.")
    picture = details._tree.viewport().grab(where).toImage()
    greys = {QColor(picture.pixel(x, y)).name() for x in range(picture.width()) for y in range(picture.height())}
    assert theme.colours().muted in greys
    assert text not in greys


def test_without_a_helper_the_window_says_how_to_start_it(qtbot: Any, bus: str) -> None:
    connection = Bus(Where("address", bus), keyring=Keyring(Memory()))
    window = Window(connection)
    qtbot.addWidget(window)
    window.show()
    connection.start()
    try:
        qtbot.waitUntil(lambda: window.right.currentIndex() == 2, timeout=10_000)
        words = " ".join(w.text() for w in window.right.currentWidget().findChildren(QLabel))
        assert "systemctl start lundock" in words
    finally:
        connection.stop()


#: Controls that a person acts on or reads from; each must have a name.
CONTROLS = (QAbstractButton, QLineEdit, QAbstractItemView, QProgressBar)


def unnamed(widget: QWidget) -> list[str]:
    own = [
        w
        for w in widget.findChildren(QWidget)
        if isinstance(w, CONTROLS) and not isinstance(w.parent(), QTabBar) and "qt_" not in w.objectName()
    ]
    return [
        f"{type(w).__name__} in {type(w.parent()).__name__}"
        for w in own
        if not w.accessibleName() and not (isinstance(w, QAbstractButton) and w.text())
    ]


def test_every_control_has_a_name(bench: Bench) -> None:
    bench.fake.connect(bench.fake.add("backup", "Backup"))
    bench.until(lambda: bench.window.disks._model.rowCount() == 2)
    dialog = bench.window.connect_to_target()
    assert len([w for w in bench.window.findChildren(QWidget) if isinstance(w, CONTROLS)]) > 20
    assert [name for name in unnamed(bench.window) if "Header" not in name] == []
    assert unnamed(dialog) == []
    dialog.close()


def test_the_keyboard_reaches_the_list_the_pages_and_the_buttons(bench: Bench) -> None:
    for name in ("alpha", "beta"):
        bench.fake.connect(bench.fake.add(name, name))
    bench.until(lambda: len(bench.bus.snapshot_now.sessions) == 2 and bench.window.disks._model.rowCount() == 2)
    bench.window.activateWindow()
    bench.window.list.setFocus()
    bench.qtbot.keyClick(bench.window.list, Qt.Key.Key_Down)
    assert bench.window.target is not None
    assert bench.window.target.title == "beta"
    seen: list[QWidget | None] = []
    for _ in range(40):
        focus = QApplication.focusWidget()
        if focus in seen:
            break
        seen.append(focus)
        bench.qtbot.keyClick(focus, Qt.Key.Key_Tab)
    assert bench.window.header._main in seen
    assert bench.window.disks._attach in seen
    assert any(isinstance(w, QTabBar) for w in seen)


def test_from_right_to_left_lines_begin_at_the_right_whatever_the_name(bench: Bench, qapp: QApplication) -> None:
    bench.attached(bench.fake.add("media", "Media"))
    bench.until(lambda: bench.window.target is not None)
    qapp.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    try:
        assert label("Media").alignment() & Qt.AlignmentFlag.AlignRight
        picture = bench.window.list.grab().toImage()
        good = QColor(theme.colours().good)
        marks = [x for x in range(picture.width()) for y in range(picture.height()) if picture.pixelColor(x, y) == good]
        assert marks
        assert min(marks) > picture.width() / 2, "the state's mark stands before the name"
    finally:
        qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


def test_the_page_and_what_it_shows_are_remembered(bench: Bench, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    bench.window._settings = settings
    bench.window.tabs.setCurrentWidget(bench.window.activity)
    bench.window.activity._kind.setCurrentIndex(2)
    bench.window.activity._range.setCurrentIndex(1)
    bench.window.close()
    settings.sync()
    again = Window(bench.bus, QSettings(settings.fileName(), QSettings.Format.IniFormat))
    bench.qtbot.addWidget(again)
    assert again.tabs.currentWidget() is again.activity
    assert (again.activity._kind.currentData(), again.activity._range.currentData()) == ("latency", "hour")


def test_names_of_targets_are_never_taken_as_markup(bench: Bench) -> None:
    bench.fake.do(
        lambda h: h.add_target(ANYONE, IQN + "x", [{"address": "a", "port": 3260}], {"alias": "<b>bold</b> &amp;"})
    )
    bench.until(lambda: bench.window.target is not None)
    assert bench.window.header._title.textFormat() is Qt.TextFormat.PlainText
    assert bench.window.header._title.words() == "<b>bold</b> &amp;"
    for one in bench.window.findChildren(QLabel):
        assert one.textFormat() is Qt.TextFormat.PlainText or not one.text(), one.text()
