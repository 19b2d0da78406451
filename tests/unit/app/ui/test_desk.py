# SPDX-License-Identifier: Apache-2.0
"""Tray, links, closing and quitting, and the preferences: without a desktop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lundock.app import desktop
from lundock.app.ui import desk as desks
from lundock.app.ui.desk import Desk
from lundock.app.ui.preferences import NOTIFY, STAY, Preferences
from lundock.app.ui.single import SingleInstance
from lundock.app.ui.tray import icon_for, lines_of, state_of, tip_of
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QLabel, QMessageBox
from support.fake_helper import IQN
from support.window import Bench


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def tray_there(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the desktop has a tray: change the one value in the list."""
    there = [True]
    monkeypatch.setattr(desks.Tray, "available", staticmethod(lambda: there[0]))
    return there


@pytest.fixture
def desk(bench: Bench, settings: QSettings, tray_there: list[bool]) -> Iterator[Desk]:
    made = Desk(bench.bus, bench.window, settings, "unix:path=/nonexistent")
    yield made
    made._quitting = True
    made.tray.close()


def box_of(bench: Bench) -> Any:
    return bench.window.findChild(QMessageBox, "ending")


def test_the_icon_shows_the_state(bench: Bench, desk: Desk) -> None:
    bench.until(lambda: desk.tray.state == "idle")
    path = bench.fake.add("backup", "Backup")
    bench.fake.connect(path)
    bench.until(lambda: desk.tray.state == "connected")

    def lose(helper: Any) -> None:
        helper.targets[path].set_state("lost")

    bench.fake.do(lose)
    bench.until(lambda: desk.tray.state == "trouble")
    bench.fake.stop()
    bench.until(lambda: desk.tray.state == "away")


def test_each_state_has_a_picture_of_its_own() -> None:
    pictures = [icon_for(state).pixmap(64, 64).toImage() for state in ("idle", "connected", "busy", "trouble")]
    assert all(one != other for n, one in enumerate(pictures) for other in pictures[n + 1 :])


def test_the_tip_says_rates_and_the_menu_has_a_line_a_target(bench: Bench, desk: Desk) -> None:
    bench.fake.connect(bench.fake.add("backup", "Back & up"))
    bench.fake.add("media", "Media")
    bench.until(lambda: bench.bus.rates.sum_of(bench.bus.snapshot_now.luns) is not None)
    snapshot = bench.bus.snapshot_now
    assert "Back & up: ↓ 0.0 MB/s   ↑ 0.0 MB/s" in tip_of(snapshot, bench.bus.rates)
    assert [(line.what, line.words) for line in lines_of(snapshot)] == [
        ("eject", "Eject “Back && up”"), ("connect", "Connect “Media”"),
    ]  # fmt: skip
    assert state_of(snapshot, bench.bus.rates) == "connected"


def test_the_menu_connects_and_ejects(bench: Bench, desk: Desk) -> None:
    path = bench.fake.add("backup", "Backup")
    bench.until(lambda: desk.tray.menu.actions()[0].text() == "Connect “Backup”")
    desk.tray.menu.actions()[0].trigger()
    bench.until(lambda: bench.state(path) == "connected")
    bench.until(lambda: desk.tray.menu.actions()[0].text() == "Eject “Backup”")
    desk.tray.menu.actions()[0].trigger()
    bench.until(lambda: bench.state(path) == "disconnected")


def test_closing_goes_to_the_tray_and_the_icon_opens_again(bench: Bench, desk: Desk) -> None:
    bench.window.close()
    assert not bench.window.isVisible()
    assert not desk._quitting
    desk.tray.icon.activated.emit(desk.tray.icon.ActivationReason.Trigger)
    assert bench.window.isVisible()


def test_without_a_tray_closing_asks_once(bench: Bench, desk: Desk, tray_there: list[bool]) -> None:
    tray_there[0] = False
    bench.fake.connect(bench.fake.add("backup"))
    bench.until(lambda: desk._connected)
    bench.window.close()
    assert bench.window.isVisible()
    bench.click(bench.shown_button(box_of(bench), "Cancel"))
    bench.until(lambda: box_of(bench) is None)
    bench.window.close()
    with bench.qtbot.waitSignal(desk.quit_now):
        bench.click(bench.shown_button(box_of(bench), "Close"))
    assert desk._quitting
    bench.until(lambda: box_of(bench) is None)
    desk._quitting = False
    bench.window.show()
    bench.window.close()
    assert box_of(bench) is None, "it is said once"
    assert desk._quitting


def test_quitting_says_once_that_connections_stay(bench: Bench, desk: Desk) -> None:
    path = bench.fake.add("backup")
    bench.fake.connect(path)
    bench.until(lambda: desk._connected)
    desk.quit()
    assert "stay connected" in box_of(bench).informativeText()
    with bench.qtbot.waitSignal(desk.quit_now):
        bench.click(bench.shown_button(box_of(bench), "Quit"))
    with bench.qtbot.waitSignal(desk.quit_now):
        desk.quit()
    assert bench.state(path) == "connected"


def test_with_nothing_connected_nothing_is_asked(bench: Bench, desk: Desk) -> None:
    with bench.qtbot.waitSignal(desk.quit_now):
        desk.quit()


def test_a_link_opens_the_wizard_there(bench: Bench, desk: Desk) -> None:
    desk.call(f"iscsi://anna@nas.local:3261/{IQN}media/0", "")
    dialog = bench.window.connect_to_target()
    assert dialog.address.address.text() == "nas.local:3261"
    assert dialog.address.name.text() == IQN + "media"
    dialog.reject()


def test_a_link_with_a_password_is_refused_where_it_is_seen(bench: Bench, desk: Desk) -> None:
    desk.call("iscsi://anna%hunter2hunter2@nas.local/x", "")
    dialog = bench.window.connect_to_target()
    assert dialog._banner.isVisible()
    assert dialog.address.address.text() == ""
    assert "hunter2" not in " ".join(label.text() for label in dialog.findChildren(QLabel))
    dialog.reject()


def test_in_the_background_there_is_only_the_icon(bench: Bench, desk: Desk) -> None:
    bench.window.hide()
    desk.start(background=True)
    assert not bench.window.isVisible()
    desk.start(background=False)
    assert bench.window.isVisible()


def test_a_second_start_hands_its_link_over(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess
    import sys

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    first = SingleInstance("test")
    assert first.first()
    code = "import sys; from lundock.app.ui.application import main; sys.exit(main(sys.argv[1:]))"
    second = subprocess.Popen([sys.executable, "-c", code, "--bus", "test", "iscsi://nas/x"])
    with qtbot.waitSignal(first.called, timeout=20_000) as told:
        pass
    assert told.args[0] == "iscsi://nas/x"
    qtbot.waitUntil(lambda: second.poll() is not None, timeout=20_000)
    assert second.returncode == 0
    first.close()
    third = SingleInstance("test")
    assert third.first(), "who has ended is nobody's first"
    third.close()


def test_what_is_no_message_is_dropped(qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    first = SingleInstance()
    assert first.first()
    for junk in (b"\n", b"[]\n", b'{"link": 1}\n', b"x" * 20_000):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(first._name)
            sock.sendall(junk)
            sock.setblocking(False)

            def ended(sock: socket.socket = sock) -> bool:
                try:
                    return sock.recv(1) == b""
                except BlockingIOError:
                    return False
                except ConnectionError:
                    return True

            qtbot.waitUntil(ended, timeout=5000)
    first.close()


def test_this_computers_name_can_be_copied_and_changed(bench: Bench, settings: QSettings) -> None:
    from PySide6.QtGui import QGuiApplication

    dialog = Preferences(bench.bus, settings, bench.window)
    bench.qtbot.addWidget(dialog)
    dialog.show()
    assert dialog._name.text() == bench.fake.helper.initiator_name
    bench.click(dialog._copy)
    assert QGuiApplication.clipboard().text() == bench.fake.helper.initiator_name
    dialog._name.setText("my computer")
    assert not dialog._save.isEnabled()
    dialog._name.setText("iqn.2026-01.org.example:desk")
    bench.click(dialog._save)
    bench.until(lambda: not dialog._save.isVisible())
    assert bench.fake.helper.initiator_name == "iqn.2026-01.org.example:desk"


def test_choices_are_remembered(
    bench: Bench, settings: QSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    dialog = Preferences(bench.bus, settings, bench.window)
    bench.qtbot.addWidget(dialog)
    dialog.show()
    for box, key in ((dialog._stay, STAY), (dialog._notify, NOTIFY)):
        bench.qtbot.keyClick(box, Qt.Key.Key_Space)
        assert settings.value(key) == "false"
    bench.qtbot.keyClick(dialog._start, Qt.Key.Key_Space)
    assert desktop.starts_with_desktop()
    again = Preferences(bench.bus, settings, bench.window)
    assert [b.isChecked() for b in (again._start, again._stay, again._notify)] == [True, False, False]
    again.deleteLater()
