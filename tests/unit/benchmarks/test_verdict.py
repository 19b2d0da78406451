# SPDX-License-Identifier: Apache-2.0
"""What may be concluded."""

from __future__ import annotations

import pytest

from benchmarks import verdict
from benchmarks.loads import Measured
from benchmarks.machine import Quiet, Watch
from benchmarks.rounds import Round, Series, summarize
from benchmarks.rows import ROWS


@pytest.mark.parametrize(
    ("ratios", "bar", "rounds", "word"),
    [
        ([1.2, 1.21, 1.22, 1.23, 1.24], 1.2, 5, "met"),
        ([1.1, 1.11, 1.12, 1.13, 1.14], 1.2, 5, "not met"),
        ([1.2, 1.2, 1.2, 1.2], 1.0, 4, "too few rounds"),
        ([1.2, 1.2], 1.0, 5, "too noisy"),  # the others were disturbed
        ([0.5, 0.8, 1.2, 1.6, 2.0], 3.0, 5, "too noisy"),  # far below, and yet: such a spread means something is wrong
        ([0.9, 0.95, 1.0, 1.08, 1.2], 1.02, 5, "too noisy"),  # around the bar
        ([1.0, 1.01, 1.02, 1.03, 1.04], 1.02, 5, "met"),  # close around it
        ([1.9, 1.95, 2.0, 2.15, 2.4], 1.5, 5, "met"),
    ],
)
def test_at_least(ratios: list[float], bar: float, rounds: int, word: str):
    assert verdict.judge(ratios, bar, rounds=rounds).word == word


def test_at_most():
    assert verdict.judge([0.8, 0.81, 0.82, 0.83, 0.84], 1.0, rounds=5, at_most=True).word == "met"
    assert verdict.judge([1.3, 1.31, 1.32, 1.33, 1.34], 1.0, rounds=5, at_most=True).word == "not met"


def test_spread():
    found = verdict.spread([5, 1, 3, 2, 4])
    assert (found.low, found.median, found.high) == (2, 3, 4)
    assert found.relative == pytest.approx(2 / 3)
    assert verdict.spread([7.0]) == verdict.Spread(7, 7, 7)


def measured(iops: float, cpu: float) -> Measured:
    return Measured(1.0, int(iops), 4096, 10, 20, {"initiator": cpu, "target": 0.5})


def test_disturbed_rounds_are_left_out():
    one = Series(ROWS[0])
    for number in range(8):
        busy = number in (2, 5)
        ours = measured(5_000 if busy else 30_000, 0.6)
        quiet = Quiet(0.5 if number == 2 else 0.0, 0.020 if number == 5 else 0.010)
        one.rounds.append(Round(ours, measured(15_000, 0.5), quiet))
    watch = Watch(calibrations=[0.010, 0.011])
    found = summarize(one, watch)
    assert (found.rounds, found.disturbed) == (8, 2)
    assert found.ratio == verdict.Spread(2, 2, 2)
    assert found.verdict.word == "met"
    assert found.cpu_us == pytest.approx((20, 33.333), rel=1e-3)
    assert found.cpu_gb == pytest.approx((0.6 / (30_000 * 4096 / 1e9), 0.5 / (15_000 * 4096 / 1e9)))


def test_when_every_round_was_disturbed_figures_are_shown_and_nothing_is_concluded():
    one = Series(ROWS[0], [Round(measured(3, 0.1), measured(1, 0.1), Quiet(1.0, 0.01))] * 6)
    found = summarize(one, Watch(calibrations=[0.01]))
    assert found.ratio.median == 3
    assert found.verdict.word == "too noisy"
