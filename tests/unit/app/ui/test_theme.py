# SPDX-License-Identifier: Apache-2.0
"""Light and dark: what is made in one scheme and turned to the other looks as if it had been made in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("PySide6")

from lundock.app import text
from lundock.app.model.rates import Rates
from lundock.app.ui import theme
from lundock.app.ui.eject_dialog import EjectDialog, Wanted
from lundock.app.ui.kinds import KINDS
from lundock.app.ui.plot import Plot
from lundock.app.ui.tray import Tray
from lundock.app.ui.widgets import picture, tool
from lundock.app.ui.window import Window
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPalette
from PySide6.QtWidgets import QApplication, QWidget
from support.window import Bench

DISK = "/io/github/lundock/Initiator1/luns/1"


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> Iterator[None]:
    theme.apply(qapp, dark=False)
    yield
    theme.apply(qapp, dark=False)


def look(widget: QWidget) -> QImage:
    QApplication.processEvents()
    return widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


def still(bench: Bench) -> Window:
    """Open another window, in which no time goes by."""
    made = Window(bench.bus)
    bench.qtbot.addWidget(made)
    made._clock.stop()
    made.show()
    return made


def looks(window: Window) -> dict[str, QImage]:
    """Return what each page that stands still looks like."""
    window.setFocus()
    pages = [window.disks, window.details, window.events, window.settings]
    found = {}
    for page in pages:
        window.tabs.setCurrentWidget(page)
        found[page.accessibleName()] = look(window)
    return found


def different(one: dict[str, QImage], other: dict[str, QImage]) -> list[str]:
    return [name for name in one if one[name] != other[name]]


def test_a_window_turned_dark_looks_as_one_that_was_made_dark(
    bench: Bench, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ago", "lasting"):  # time stands still, and nothing is read
        monkeypatch.setattr(text, name, lambda *_: "a while")
    bench.bus.rates = Rates()
    monkeypatch.setattr(bench.bus.rates, "take", lambda *_: None)
    bench.attached(bench.fake.add("backup", "Backup"))
    failed = bench.fake.add("media", "Media")
    bench.fake.do(lambda helper: setattr(helper.targets[failed], "last_error", "ConnectionRefused"))
    bench.until(lambda: bench.window.target is not None and failed in bench.bus.snapshot_now.targets)
    bench.window.hide()
    window = still(bench)
    made_light = looks(window)
    theme.apply(qapp, dark=True)
    turned = looks(window)
    theme.apply(qapp, dark=False)
    assert different(looks(window), made_light) == [], "there and back"
    theme.apply(qapp, dark=True)
    window.hide()
    assert different(turned, looks(still(bench))) == []
    assert len(different(turned, made_light)) == len(turned)


@pytest.mark.parametrize("kind", KINDS)
def test_so_does_the_plot(qtbot: Any, qapp: QApplication, kind: str) -> None:
    now = time.monotonic()
    points = Rates().history(DISK, now)

    def made() -> Plot:
        plot = Plot()
        qtbot.addWidget(plot)
        plot.resize(500, 300)
        plot.show_kind(kind)
        plot.show_points(points, now, hour=False)
        plot.show()
        return plot

    plot = made()
    light = look(plot)
    theme.apply(qapp, dark=True)
    turned = look(plot)
    assert turned == look(made())
    assert turned != light


def test_so_do_a_dialog_that_is_open_and_the_tray(bench: Bench, qapp: QApplication) -> None:
    target = bench.fake.add("backup", "Backup")
    lun = bench.attached(target)
    bench.hold(lun, {"kind": "process", "name": "tail", "pid": 1})

    def made() -> EjectDialog:
        dialog = EjectDialog(bench.bus, Wanted(target, lun, "Backup"), udisks_there=True)
        bench.qtbot.addWidget(dialog)
        dialog.show()
        return dialog

    tray = Tray(bench.bus, bench.window.actions_on)
    dialog = made()
    bench.until(dialog._force.isVisible)
    before = tray.icon.icon().pixmap(32, 32).toImage()
    theme.apply(qapp, dark=True)
    turned = look(dialog)
    dialog.hide()
    other = made()
    bench.until(other._force.isVisible)
    assert turned == look(other)
    after = tray.icon.icon().pixmap(32, 32).toImage()
    assert before != after
    tray.close()
    again = Tray(bench.bus, bench.window.actions_on)
    assert again.icon.icon().pixmap(32, 32).toImage() == after
    again.close()


def test_the_desktops_scheme_is_followed_and_a_chosen_one_is_not_left(qapp: QApplication) -> None:
    hints = QGuiApplication.styleHints()
    theme.start(qapp, dark=False)
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.colours() is theme.LIGHT
    theme.start(qapp)
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.colours() is theme.DARK
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.colours() is theme.LIGHT


@pytest.mark.parametrize(("ground", "text", "dark"), [("#ffffff", "#000000", False), ("#222222", "#eeeeee", True)])
def test_a_desktop_that_does_not_say_is_known_by_its_colours(ground: str, text: str, dark: bool) -> None:
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, QColor(ground))
    palette.setColor(QPalette.ColorRole.WindowText, QColor(text))
    assert theme._is_dark(Qt.ColorScheme.Unknown, palette) is dark
    assert theme._is_dark(Qt.ColorScheme.Dark, palette)
    assert not theme._is_dark(Qt.ColorScheme.Light, palette)


def test_what_is_gone_is_dressed_no_more(qapp: QApplication) -> None:
    dressed: list[int] = []
    parent = QObject()
    place = QObject(parent)
    theme.follow(place, lambda _place: dressed.append(1))
    theme.follow(place, lambda _place: dressed.append(2))
    theme.apply(qapp, dark=True)
    assert dressed == [1, 2, 2], "the later one takes the place of the first"
    place.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    theme.apply(qapp, dark=False)
    assert dressed == [1, 2, 2]


def test_icons_are_in_the_schemes_colours(qapp: QApplication) -> None:
    mark, control = picture("check", 32, "good"), tool("copy", "Copy")
    for dark, scheme in ((True, theme.DARK), (False, theme.LIGHT)):
        theme.apply(qapp, dark=dark)
        assert QColor(scheme.good) in colours_of(mark.pixmap().toImage())
        assert QColor(scheme.text) in colours_of(control.icon().pixmap(64, 64).toImage())


def colours_of(image: QImage) -> list[QColor]:
    return [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]


def test_the_style_sheet_names_nothing_that_there_is_not() -> None:
    for scheme in (theme.LIGHT, theme.DARK):
        assert "$" not in theme.style_sheet(scheme)


@pytest.mark.parametrize("dark", [False, True])
def test_texts_can_be_read_on_their_grounds(dark: bool) -> None:
    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, two: str) -> float:
        high, low = sorted((light(one), light(two)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    c = theme.DARK if dark else theme.LIGHT
    pairs = [
        (text, ground) for text in (c.text, c.muted) for ground in (c.window, c.base, c.raised, c.hover, c.selected)
    ]
    pairs += [
        (c.on_accent, c.accent),
        (c.on_accent, c.bad),
        (c.text, c.bad_ground),
        (c.text, c.warning_ground),
        (c.bad, c.window),
    ]
    pairs += [(c.text, c.good_ground), (c.muted, c.bad_ground), (c.muted, c.warning_ground), (c.bad, c.base)]
    marks = [
        (mark, on) for mark in (c.good, c.busy, c.warning, c.read, c.write) for on in (c.base, c.window, c.selected)
    ]
    assert {pair for pair in marks if contrast(*pair) < 3} == set(), "shapes and lines (WCAG 1.4.11)"
    assert {pair: round(contrast(*pair), 2) for pair in pairs if contrast(*pair) < 4.5} == {}
