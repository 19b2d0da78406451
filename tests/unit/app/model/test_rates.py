# SPDX-License-Identifier: Apache-2.0
"""Counters to rates."""

from __future__ import annotations

from typing import Any

from lundock.app.model.rates import HISTORY, MAX_POINTS, Rate, Rates


def look(time: float, read: int, write: int, reads: int = 0, writes: int = 0) -> dict[str, Any]:
    return {"time": int(time * 1e6), "read-bytes": read, "write-bytes": write, "reads": reads, "writes": writes}


def test_a_rate_is_the_difference_of_two_looks_by_the_readers_clock() -> None:
    rates = Rates()
    rates.take({"/a": look(10, 1000, 0)}, 1)
    assert rates.of("/a") is None
    rates.take({"/a": look(12, 5000, 100, 8, 2)}, 99)
    assert rates.of("/a") == Rate(2000, 50, 4, 1)


def test_counters_that_begin_anew_or_stand_still_in_time_give_no_rate() -> None:
    rates = Rates()
    for values in (look(10, 5000, 0), look(11, 100, 0), look(11, 200, 0)):
        rates.take({"/a": values}, 1)
    assert rates.of("/a") is None
    assert rates.history(["/a"]) == ([], [], [])


def test_sessions_have_no_rate_and_disks_that_are_gone_are_forgotten() -> None:
    rates = Rates()
    for n in (1, 2):
        rates.take({"/a": look(n, n * 10, 0), "/s": {"time": n, "bytes-sent": 5}}, n)
    assert rates.of("/s") is None
    rates.take({}, 3)
    assert rates.of("/a") is None
    assert rates.counters("/a") == {}


def test_disks_together() -> None:
    rates = Rates()
    for n in (1, 2, 3):
        rates.take({"/a": look(n, n * 10, 0), "/b": look(n, 0, n * 7)}, n)
    assert rates.sum_of(["/a", "/b", "/none"]) == Rate(10, 7)
    assert rates.sum_of(["/none"]) is None
    assert rates.history(["/a", "/b"]) == ([2, 3], [10, 10], [7, 7])


def test_the_history_is_bounded_in_time_and_in_number() -> None:
    rates = Rates()
    for n in range(3000):
        rates.take({"/a": look(n, n, 0)}, n * 0.1)
    times = rates.history(["/a"])[0]
    assert len(times) <= MAX_POINTS
    assert times[-1] - times[0] <= HISTORY


def test_values_of_another_type_count_as_nothing() -> None:
    rates = Rates()
    rates.take({"/a": {"time": "x", "read-bytes": None}}, 1)
    rates.take({"/a": {"time": 5, "read-bytes": "y"}}, 2)
    assert rates.of("/a") == Rate()
