# SPDX-License-Identifier: Apache-2.0
"""`lundock watch` on a terminal: live figures, keys."""

from __future__ import annotations

import re

from lundock.app.commands.watching import sparkline
from support.fake_helper import COUNTERS, RunningFake
from support.terminal import ESCAPES, on_terminal


def test_live_figures_fit_move_hold_and_end(fake: RunningFake) -> None:
    fake.connect(fake.add("backup", "Backup"))
    with on_terminal(fake, 80, "watch", "--interval", "0.25") as terminal:
        terminal.until("Backup/1")

        def work(helper: object) -> None:
            for path in helper.luns:  # type: ignore[attr-defined]
                counters = helper.counters.setdefault(path, dict.fromkeys(COUNTERS, 0))  # type: ignore[attr-defined]
                counters["read-bytes"] += 50_000_000
                counters["reads"] += 100

        fake.do(work)
        terminal.until("█")
        terminal.types("p")
        terminal.until("held: p goes on")
        terminal.types("q")
        assert terminal.end() == 0
    assert "\x1b[?1049h" in terminal.screen, "on a screen of its own"
    assert terminal.screen.endswith("\x1b[?25h\x1b[?1049l"), "and the old one is given back, with its cursor"
    lines = re.split(r"\n|\x1b\[H", terminal.screen)  # a new picture begins at the upper left corner
    assert max(len(ESCAPES.sub("", line)) for line in lines) <= 80


def test_ctrl_c_is_the_end_of_live_figures(fake: RunningFake) -> None:
    with on_terminal(fake, 80, "watch") as terminal:
        terminal.until("nothing is connected")
        terminal.process.send_signal(2)
        assert terminal.end() == 0
    assert "Error" not in terminal.screen


def test_a_service_that_goes_ends_live_figures_with_its_error(fake: RunningFake) -> None:
    with on_terminal(fake, 80, "watch", "--interval", "0.25") as terminal:
        terminal.until("nothing is connected")
        fake.stop()
        assert terminal.end() == 90
    assert "[HelperUnavailable]" in terminal.screen


def test_bars() -> None:
    assert sparkline([0, 1, 50, 100], 6, 100) == "   ▁▄█"
    assert sparkline([], 3, 0) == "   "
    assert sparkline([5, 5, 9], 2, 9) == "▄█"
