# SPDX-License-Identifier: Apache-2.0
"""The Settings page: edits, saving, going back, and what comes from elsewhere meanwhile."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QSpinBox
from support.window import Bench


def opened(bench: Bench, **options: Any) -> Any:
    path = bench.fake.add("backup", "Backup", **options)
    bench.until(lambda: bench.window.target is not None)
    bench.window.tabs.setCurrentWidget(bench.window.settings)
    return bench.fake.helper.targets[path]


def control(bench: Bench, name: str) -> Any:
    return bench.window.settings._controls[name].widget


def test_nothing_is_to_be_saved_at_first(bench: Bench) -> None:
    opened(bench)
    assert not bench.window.settings._bar.isVisible()
    assert not [r for r in bench.window.settings._resets.values() if r.isVisible()]


def test_what_is_edited_is_saved_with_one_call(bench: Bench) -> None:
    record = opened(bench)
    page = bench.window.settings
    control(bench, "alias").setText("My box")
    control(bench, "ping_interval").setValue(9)
    control(bench, "read_only").setChecked(True)
    assert "3 changes" in page._note.text()
    bench.click(page._save)
    bench.until(lambda: not page._bar.isVisible())
    assert (record.alias, record.settings["ping_interval"], record.settings["read_only"]) == ("My box", 9, True)
    assert bench.window.header._title.words() == "My box"


def test_back_to_the_default(bench: Bench) -> None:
    record = opened(bench, settings={"ping_interval": 9})
    page = bench.window.settings
    bench.until(lambda: control(bench, "ping_interval").value() == 9)
    bench.click(page._resets["ping_interval"])
    assert control(bench, "ping_interval").value() == 8
    bench.click(page._save)
    bench.until(lambda: record.settings["ping_interval"] == 8)


def test_edits_are_kept_for_each_target_and_can_be_discarded(bench: Bench) -> None:
    opened(bench)
    second = bench.fake.add("zeta", "Zeta")
    bench.until(lambda: second in bench.bus.snapshot_now.targets)
    first = bench.window.target.path
    control(bench, "alias").setText("Edited")
    bench.window.list.choose(second)
    assert control(bench, "alias").text() == "Zeta"
    assert not bench.window.settings._bar.isVisible()
    bench.window.list.choose(first)
    assert control(bench, "alias").text() == "Edited"
    bench.click(bench.window.settings._discard)
    assert control(bench, "alias").text() == "Backup"


def test_what_changes_elsewhere_is_shown_unless_it_is_being_edited(bench: Bench) -> None:
    record = opened(bench)
    control(bench, "alias").setText("Mine")
    bench.fake.do(lambda h: record.update(None, {"alias": "Theirs", "settings": {"queue_depth": 7}}, {}))
    bench.until(lambda: control(bench, "queue_depth").value() == 7)
    assert control(bench, "alias").text() == "Mine"


def test_what_cannot_be_saved_is_explained_and_stays(bench: Bench) -> None:
    opened(bench)
    page = bench.window.settings
    control(bench, "portals").setText("not an address")
    bench.click(page._save)
    assert page._banner.isVisible()
    assert "not an address" in bench.words(page._banner)
    assert control(bench, "portals").text() == "not an address"


def test_a_connected_target_takes_them_up_later_and_says_so(bench: Bench) -> None:
    record = opened(bench)
    bench.fake.connect(record.path)
    bench.until(lambda: bench.window.target.state == "connected")
    control(bench, "queue_depth").setValue(3)
    assert "connected the next time" in bench.window.settings._note.text()


def test_scrolling_over_a_number_does_not_change_it(bench: Bench) -> None:
    opened(bench)
    spin: QSpinBox = control(bench, "queue_depth")
    before = spin.value()
    bench.window.list.setFocus()
    where = QPointF(spin.rect().center())
    none = Qt.KeyboardModifier.NoModifier
    wheel = QWheelEvent(
        where, QPointF(spin.mapToGlobal(spin.rect().center())), QPoint(0, 0), QPoint(0, 120),
        Qt.MouseButton.NoButton, none, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(spin, wheel)
    assert spin.value() == before


def test_values_that_the_page_has_no_words_for_are_kept(bench: Bench) -> None:
    record = opened(bench, settings={"chap_algorithms": ["MD5"], "max_burst_length": 1000})
    bench.until(lambda: bench.window.settings._controls["chap_algorithms"].value() == ("MD5",))
    assert bench.window.settings._controls["max_burst_length"].value() == 1000
    control(bench, "alias").setText("x")
    bench.click(bench.window.settings._save)
    bench.until(lambda: record.alias == "x")
    assert record.settings["max_burst_length"] == 1000
