# SPDX-License-Identifier: Apache-2.0
"""The window stays small: nothing in it grows."""

from __future__ import annotations

import gc
from collections import Counter
from typing import Any

from lundock.app.model.rates import MAX_POINTS, MAX_STEPS
from lundock.app.ui.desk import Desk
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from support.window import Bench

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
