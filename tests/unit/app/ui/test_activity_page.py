# SPDX-License-Identifier: Apache-2.0
"""The Activity page: figures of a disk, a target or everything; pause, readout, pictures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from lundock.app import words
from lundock.app.model import bridge
from lundock.app.model.rates import ALL, Rates
from lundock.app.ui import theme
from lundock.app.ui.activity_page import ActivityPage
from lundock.app.ui.kinds import KINDS
from lundock.app.ui.plot import MAX_DRAWN, SPANS, Plot, _Ago
from PySide6.QtGui import QColor, QImage
from support.fake_helper import COUNTERS
from support.window import Bench

DISK = "/sessions/1/luns/0"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counters are looked at more often than for a person."""
    monkeypatch.setattr(bridge, "LOOK", 0.05)


def watched(bench: Bench) -> tuple[ActivityPage, str]:
    """Connect a target and show its activity; its first disk's path."""
    bench.fake.connect(bench.fake.add("backup", "Backup"))
    page = bench.window.activity
    bench.window.tabs.setCurrentWidget(page)
    bench.until(lambda: page._scope.count() == 4)
    return page, next(iter(bench.bus.snapshot_now.luns))


def use(bench: Bench, disk: str) -> None:
    counters = bench.fake.helper.counters.setdefault(disk, dict.fromkeys(COUNTERS, 0))
    counters["read-bytes"] += 1_000_000
    counters["reads"] += 10


def until_drawn(bench: Bench, disk: str, count: int) -> None:
    def enough() -> bool:
        use(bench, disk)
        return len(bench.window.activity.plot.drawn[0]) >= count

    bench.until(enough)


def filled(times: int, *, step: float = 1.0, read: int = 10_000_000, write: int = 4_000_000) -> Rates:
    """Rates with a history of so many looks that ends now."""
    rates, now = Rates(), time.monotonic()
    latency = {"p50": 180, "p99": 2400}
    for n in range(times + 1):
        values = {
            "time": int(n * step * 1e6), "read-bytes": int(n * read * step), "write-bytes": int(n * write * step),
            "reads": n * 100, "writes": n * 50, "in-flight": 3, "read-latency": latency, "write-latency": latency,
        }  # fmt: skip
        rates.take({DISK: values}, now - (times - n) * step)
    return rates


def test_figures_are_drawn_while_they_are_seen_and_not_while_paused(bench: Bench) -> None:
    page, disk = watched(bench)
    until_drawn(bench, disk, 2)
    bench.click(page._pause)
    before = len(page.plot.drawn[0])
    with bench.qtbot.waitSignals([bench.bus.figures] * 2, timeout=10_000):
        use(bench, disk)
    assert len(page.plot.drawn[0]) == before
    assert page._pause.accessibleName() == "Go on"
    bench.click(page._pause)
    until_drawn(bench, disk, before + 1)


def test_of_a_disk_a_target_or_everything(bench: Bench) -> None:
    page, disk = watched(bench)
    other = bench.fake.add("media", "Media")
    bench.fake.connect(other)
    until_drawn(bench, disk, 3)
    words = [page._scope.itemText(n) for n in range(page._scope.count())]
    assert words == ["This target", "LUN 0: EXAMPLE VIRTUAL-DISK", "LUN 1: EXAMPLE VIRTUAL-DISK", "All targets"]
    for number, drawn in ((1, True), (2, False), (3, True), (0, True)):
        page._scope.setCurrentIndex(number)
        assert bool(page.plot.drawn[0]) == drawn, words[number]
    bench.window.list.choose(other)
    bench.until(lambda: page.scope != ALL and not page.plot.drawn[0])
    assert page._scope.currentIndex() == 0


def test_a_target_that_connects_is_shown_unless_something_else_was_chosen(bench: Bench) -> None:
    page, target = bench.window.activity, bench.fake.add("backup", "Backup")
    bench.window.tabs.setCurrentWidget(page)
    bench.until(lambda: bench.window.target is not None)
    assert page.scope == ALL
    bench.fake.connect(target)
    bench.until(lambda: page.scope == bench.bus.snapshot_now.targets[target].session)
    page._scope.setCurrentIndex(page._scope.findData(ALL))
    bench.fake.connect(bench.fake.add("media"))
    bench.until(lambda: len(bench.bus.snapshot_now.sessions) == 2)
    assert page.scope == ALL


def test_without_a_session_everything_is_shown(bench: Bench) -> None:
    bench.fake.add("backup")
    bench.until(lambda: bench.window.target is not None)
    bench.window.tabs.setCurrentWidget(bench.window.activity)
    assert bench.window.activity.scope == ALL


def test_each_kind_draws_its_lines_and_reads_them_out(bench: Bench) -> None:
    page, disk = watched(bench)
    told: list[str] = []
    page.plot.pointed.connect(told.append)
    for word, kind in KINDS.items():
        page._kind.setCurrentIndex(page._kind.findData(word))
        until_drawn(bench, disk, 3)
        page.plot.point_at(-0.1)
        assert len(page.plot.drawn) == len(kind.lines)
        assert any(part in told[-1] for part in ("read", "way"))
        assert page._readout.words() == told[-1]
        page.plot.leave()
        assert page._readout.words() == ""


def test_an_hour_and_five_minutes(qtbot: Any, qapp: Any) -> None:
    plot = Plot()
    qtbot.addWidget(plot)
    rates, now = filled(1200, step=3.0), time.monotonic()
    plot.show_points(rates.history(DISK, now), now, hour=False)
    assert plot.span == 300
    plot.show_points(rates.history(DISK, now, hour=True), now, hour=True)
    assert plot.span == 3600
    assert MAX_DRAWN / 2 < len(plot.drawn[0]) <= MAX_DRAWN + 1


def test_of_many_points_the_peaks_are_drawn(qtbot: Any, qapp: Any) -> None:
    plot = Plot()
    qtbot.addWidget(plot)
    rates, now = Rates(), 5_000.0
    total = 0
    for n in range(900):
        total += 99_000_000 if n == 600 else 300_000
        rates.take({DISK: {"time": int(n * 1e6 / 3), "read-bytes": total, "write-bytes": 0}}, now - (899 - n) / 3)
    points = rates.history(DISK, now)
    for later in (0.0, 0.4, 1.1):
        plot.show_points(points, now + later, hour=False)
        assert len(plot.drawn[0]) <= MAX_DRAWN + 1
        assert max(plot.drawn[0]) == pytest.approx(297, rel=1e-3)


@pytest.mark.parametrize(("looks", "span"), [(1, 10), (9, 10), (25, 30), (100, 120), (290, 300)])
def test_a_young_plot_is_not_an_empty_one(qtbot: Any, qapp: Any, looks: int, span: int) -> None:
    plot = Plot()
    qtbot.addWidget(plot)
    now = time.monotonic()
    plot.show_points(filled(looks).history(DISK, now), now, hour=False)
    assert plot.span == span
    assert plot.span in SPANS[False]


def test_the_time_axis_ends_with_its_word_however_long_it_is(
    qtbot: Any, qapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[float, float, str]] = []
    draw = _Ago.drawPicture

    def spy(axis: Any, painter: Any, line: Any, ticks: Any, texts: Any) -> None:
        drawn[:] = [(axis.mapToScene(place.topLeft()).x(), place.width(), said) for place, _flags, said in texts]
        draw(axis, painter, line, ticks, texts)

    monkeypatch.setattr(_Ago, "drawPicture", spy)
    words.use(lambda source, note, n: "at just this moment" if source == "now" else words.english(source, note, n))
    try:
        plot = Plot()
        qtbot.addWidget(plot)
        plot.resize(600, 300)
        plot.show_points(filled(30).history(DISK, time.monotonic()), time.monotonic(), hour=False)
        plot.show()
        qtbot.waitUntil(lambda: bool(drawn))
    finally:
        words.use(None)
    left, width, said = drawn[-1]
    assert said == "at just this moment"
    assert left + width <= plot.width()


def test_nothing_happening_is_said(qtbot: Any, qapp: Any) -> None:
    plot = Plot()
    qtbot.addWidget(plot)
    plot.show_points(Rates().history(DISK, 0), 0, hour=False)
    assert plot._quiet.isVisible()
    now = time.monotonic()
    plot.show_points(filled(5).history(DISK, now), now, hour=False)
    assert not plot._quiet.isVisible()
    plot.point_at(-1)


@pytest.mark.parametrize("dark", [False, True])
def test_grounds_do_not_mix_where_lines_overlap(qtbot: Any, qapp: Any, dark: bool) -> None:
    """Below both lines there is one ground, a tint of the first line's colour, and no third colour."""
    theme.apply(qapp, dark=dark)
    plot = Plot()
    qtbot.addWidget(plot)
    plot.resize(600, 300)
    plot.show()
    now = time.monotonic()
    plot.show_points(filled(300).history(DISK, now), now, hour=False)
    image: QImage = plot.grab().toImage()
    expected = theme.mixed(theme.colours().base, theme.colours().read, 0.18)

    def near(colour: QColor) -> bool:
        parts = zip(colour.getRgb()[:3], expected.getRgb()[:3], strict=True)
        return all(abs(a - b) <= 3 for a, b in parts)

    column = [image.pixelColor(310, y) for y in range(40, 250)]
    assert sum(near(colour) for colour in column) > 60
    grey = [c for c in column if not near(c) and c.saturation() < 12 and 60 < c.lightness() < 200]
    assert len(grey) < 25, "grid lines and nothing else"


def test_a_picture_is_saved(bench: Bench, tmp_path: Path) -> None:
    page, disk = watched(bench)
    until_drawn(bench, disk, 3)
    assert page.save_picture(tmp_path / "activity.png")
    image = QImage(str(tmp_path / "activity.png"))
    assert (image.width(), image.height()) == (page._picture.width(), page._picture.height())
    assert not page.save_picture(tmp_path / "none" / "activity.png")


def test_the_figures_above_say_what_is_so_now(bench: Bench) -> None:
    page, disk = watched(bench)
    until_drawn(bench, disk, 2)
    assert page._read.value() != "0.0 MB/s"
    assert page._latency.value() == "180 µs / 2.4 ms"
