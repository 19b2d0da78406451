# SPDX-License-Identifier: Apache-2.0
"""What may be concluded from a row's rounds. RULE is printed with every table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MIN_ROUNDS = 5
MIN_QUIET = 3
FOREIGN = 0.10  # of one processor
SLOWER = 1.25  # the calibration loop beside its usual time in this run
SPREAD = 0.30
NEAR = 0.10

RULE = (
    f"A round is disturbed when other processes took more than {FOREIGN:.0%} of a processor in it, or when a fixed "
    f"loop beside it ran more than {SLOWER - 1:.0%} slower than it usually does in this run. Disturbed rounds are left "
    f"out. A row is too noisy to conclude when fewer than {MIN_QUIET} rounds are left, when the middle half of the "
    f"rounds' ratios spreads over more than {SPREAD:.0%} of their median, or when the bar lies inside a middle half "
    f"that spreads over more than {NEAR:.0%}. With fewer than {MIN_ROUNDS} rounds nothing is concluded."
)


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the quarter points around it."""

    median: float
    low: float
    high: float

    @property
    def relative(self) -> float:
        """Return the middle half's width as a part of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0


def spread(values: Sequence[float]) -> Spread:
    """Return median and quarter points."""
    if len(values) < 2:
        only = values[0] if values else 0.0
        return Spread(only, only, only)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word`: "met", "not met", "too noisy" or "too few rounds"; `why` explains the last two."""

    word: str
    why: str = ""


def judge(ratios: Sequence[float], bar: float, *, rounds: int, at_most: bool = False) -> Verdict:
    """Judge the quiet rounds' ratios out of `rounds`: at least `bar`, or at most."""
    if rounds < MIN_ROUNDS:
        return Verdict("too few rounds", f"{rounds} of {MIN_ROUNDS}")
    if len(ratios) < MIN_QUIET:
        return Verdict("too noisy", f"{rounds - len(ratios)} of {rounds} rounds were disturbed")
    found = spread(ratios)
    if found.relative > SPREAD:
        return Verdict("too noisy", f"ratios from {found.low:.2f} to {found.high:.2f}")
    if found.low < bar < found.high and found.relative > NEAR:
        return Verdict("too noisy", f"the bar lies between {found.low:.2f} and {found.high:.2f}")
    reached = found.median <= bar if at_most else found.median >= bar
    return Verdict("met" if reached else "not met")
