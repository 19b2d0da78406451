# SPDX-License-Identifier: Apache-2.0
"""The window stays quick and small: it never waits for the bus, and nothing in it grows."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from lundock.app.flows.connect import Step
from lundock.app.model.rates import MAX_POINTS, MAX_STEPS
from lundock.app.ui.desk import Desk
from lundock.app.ui.preferences import Preferences
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from support.window import Bench


@contextlib.contextmanager
def stalled(bench: Bench) -> Iterator[None]:
    """The service stands still, every method of it, until the end."""
    over = threading.Event()
    standing = threading.Event()

    def stand() -> None:
        standing.set()
        assert over.wait(120)

    bench.fake._loop.call_soon_threadsafe(stand)
    assert standing.wait(10)
    try:
        yield
    finally:
        over.set()


class Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        self.count += event.type() is QEvent.Type.Paint
        return False


def test_the_window_paints_and_answers_while_every_method_hangs(bench: Bench) -> None:
    """Nothing that is clicked, typed or chosen waits for an answer; all of it happens when the service is back."""
    media, backup = bench.fake.add("media", "Media"), bench.fake.add("backup", "Backup")
    bench.fake.connect(media)
    bench.until(lambda: bench.window.disks._model.rowCount() == 2)
    window = bench.window
    beats: list[None] = []
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(None))
    timer.start(5)

    def answers(widget: QWidget) -> None:
        """It paints what it is told to, and timers go on."""
        paints, before = Paints(widget), len(beats)
        widget.update()
        bench.until(lambda: paints.count and len(beats) > before + 3)

    with stalled(bench):
        does: dict[str, Callable[[], object]] = {
            "attach": lambda: bench.click(window.disks._attach),
            "rescan": lambda: window._on_header("rescan"),
            "choose": lambda: window.list.choose(backup),
            "connect": lambda: bench.click(window.header._main),
            "look": window._bus.retry,
            "settings": window.settings.setFocus,
        }
        for name, do in does.items():
            do()
            answers(window)
            assert bench.bus.snapshot_now.ready, name
        for page in (window.activity, window.details, window.events, window.settings, window.disks):
            window.tabs.setCurrentWidget(page)
            answers(page)
        dialog = window.connect_to_target()
        bench.go_from_address(dialog, "nas.local")
        assert dialog.flow.step is Step.LOOKING
        answers(dialog)
        bench.click(dialog._cancel)
        preferences = Preferences(bench.bus, None, window)
        preferences.open()
        preferences._name.setText("iqn.2026-01.org.example:other")
        bench.click(preferences._save)
        answers(preferences)
        preferences.close()
        assert set(bench.fake.helper.calls) == {"login"}, "the service has not even begun"
    bench.until(lambda: bench.state(backup) == "connected")
    bench.until(lambda: bench.fake.helper.initiator_name == "iqn.2026-01.org.example:other")
    bench.until(lambda: any(lun.device for lun in bench.bus.snapshot_now.luns.values()))
    timer.stop()


UPDATES = 20_000


def test_nothing_grows_over_20_000_updates(bench: Bench) -> None:
    """Fed directly, three a second as the bus thread does: nearly two hours of them, with the plot in sight."""
    desk = Desk(bench.bus, bench.window, None, bench.fake.address)
    for name in ("backup", "media"):
        bench.fake.connect(bench.fake.add(name, name))
    bench.until(lambda: len(bench.bus.snapshot_now.luns) == 4)
    bench.bus.watch(on=False)
    bench.window.tabs.setCurrentWidget(bench.window.activity)
    bench.until(bench.window.activity.isVisible)
    disks = sorted(bench.bus.snapshot_now.luns)
    start = 1_000.0

    def feed(first: int, last: int) -> None:
        for n in range(first, last):
            if n % 1000 in {0, 50}:  # the plot is drawn for one update in twenty, the list and the tray for each
                bench.window.tabs.setCurrentWidget(bench.window.activity if n % 1000 == 0 else bench.window.disks)
            values = {disk: look(n, disk) for disk in disks}
            bench.bus._take_counted((start + n / 3, values))
            if n % 10 == 0:
                bench.bus._take_snapshot(bench.bus.snapshot_now)
            if n % 500 == 0:
                QApplication.sendPostedEvents()
                QApplication.processEvents()

    def look(n: int, disk: str) -> dict[str, Any]:
        latency = {"p50": 100 + n % 7, "p99": 900 + n % 11}
        return {
            "time": int((start + n / 3) * 1e6), "read-bytes": n * 40_000, "write-bytes": n * n * 40,
            "reads": n * 9, "writes": n * 5, "in-flight": n % 5, "read-latency": latency, "write-latency": latency,
        }  # fmt: skip

    feed(0, 12_500)  # until both histories are full: over an hour
    counts = [counted(bench)]
    for first, last in ((12_500, 16_250), (16_250, UPDATES)):
        feed(first, last)
        counts.append(counted(bench))
    desk.tray.close()
    # In both parts, and by one for each time that the plot was drawn: parts of Qt that are loaded late come only once.
    one, two, three = counts
    grown = {
        name: [c[name] for c in counts] for name in three if min(three[name] - two[name], two[name] - one[name]) > 150
    }
    assert grown == {}
    histories = len(disks) + len(bench.bus.snapshot_now.sessions) + 1
    assert 10_000 < len(bench.bus.rates) <= histories * 2 * (MAX_POINTS + MAX_STEPS)


def counted(bench: Bench) -> Counter[str]:
    """Count what could grow: objects of Python by their type, objects of Qt, items of the plot."""
    QApplication.sendPostedEvents()
    QApplication.processEvents()
    gc.collect()
    found = Counter(f"Python: {type(one).__name__}" for one in gc.get_objects())
    found["Qt objects"] = len(bench.window.findChildren(QObject))
    found["items in the plot"] = len(bench.window.activity.plot._plot.scene().items())
    return found
