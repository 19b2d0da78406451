# SPDX-License-Identifier: Apache-2.0
"""Counters to figures, and the histories."""

from __future__ import annotations

from typing import Any

from lundock.app.model.rates import ALL, HOUR, MAX_POINTS, MAX_STEPS, MINUTES, Rate, Rates, session_of

S = "/sessions/1"
A, B, OTHER = f"{S}/luns/a", f"{S}/luns/b", "/sessions/2/luns/a"


def look(time: float, read: int, write: int, reads: int = 0, writes: int = 0, **more: Any) -> dict[str, Any]:
    values = {"time": int(time * 1e6), "read-bytes": read, "write-bytes": write, "reads": reads, "writes": writes}
    return values | {key.replace("_", "-"): value for key, value in more.items()}


def test_a_rate_is_the_difference_of_two_looks_by_the_readers_clock() -> None:
    rates = Rates()
    rates.take({A: look(10, 1000, 0)}, 1)
    assert rates.of(A) is None
    rates.take({A: look(12, 5000, 100, 8, 2)}, 99)
    assert rates.of(A) == Rate(2000, 50, 4, 1)


def test_queue_and_latency_come_with_it() -> None:
    latency = {"count": 9, "p50": 100, "p99": 900, "recent-count": 3, "recent-p50": 50, "recent-p99": 70}
    rates = Rates()
    rates.take({A: look(1, 0, 0)}, 1)
    rates.take({A: look(2, 10, 10, 1, 1, in_flight=7, read_latency=latency, write_latency={"p50": 5, "p99": 6})}, 2)
    assert rates.of(A) == Rate(10, 10, 1, 1, 7, 50, 70, 5, 6)
    rates.take({A: look(3, 10, 20, 1, 2, in_flight=0, read_latency=latency, write_latency=latency)}, 3)
    now = rates.of(A)
    assert now is not None
    assert (now.read_median, now.write_worst) == (0, 70), "a latency is only of what was done"


def test_counters_that_begin_anew_or_stand_still_in_time_give_no_rate() -> None:
    rates = Rates()
    for values in (look(10, 5000, 0), look(11, 100, 0), look(11, 200, 0)):
        rates.take({A: values}, 1)
    assert rates.of(A) is None
    assert len(rates.history(A, 1)) == 0


def test_what_moved_between_two_looks_that_are_very_near_is_no_peak() -> None:
    rates = Rates()
    for when, read in ((1, 0), (1.004, 4_000_000), (2, 8_000_000)):
        rates.take({A: look(when, read, 0)}, when)
    assert rates.of(A) == Rate(8_000_000)
    assert list(rates.history(A, 2)["read"]) == [8_000_000]


def test_sessions_have_no_rate_and_disks_that_are_gone_are_forgotten() -> None:
    rates = Rates()
    for n in (1, 2):
        rates.take({A: look(n, n * 10, 0), S: {"time": n, "bytes-sent": 5}}, n)
    assert rates.of(S) is None
    assert len(rates.history(S, 2)) == 1
    rates.take({}, 3)
    assert rates.of(A) is None
    assert rates.counters(A) == {}
    assert len(rates.history(S, 3)) == 0


def test_disks_sessions_and_all_together() -> None:
    rates = Rates()
    for n in (1, 2, 3):
        rates.take({A: look(n, n * 10, 0), B: look(n, 0, n * 7), OTHER: look(n, n, n)}, n)
    assert rates.sum_of([A, B, "/none"]) == Rate(10, 7)
    assert rates.sum_of(["/none"]) is None
    for key, read, write in ((A, 10, 0), (S, 10, 7), (ALL, 11, 8)):
        points = rates.history(key, 3)
        assert list(points.times) == [2, 3]
        assert (list(points["read"]), list(points["write"])) == ([read] * 2, [write] * 2), key
    assert sorted(rates.in_scope(S)) == [A, B]
    assert sorted(rates.in_scope(ALL)) == sorted([A, B, OTHER])
    assert list(rates.in_scope(A)) == [A]
    assert session_of(A) == S


def test_idle_disks_have_no_history_until_something_happens() -> None:
    rates = Rates()
    for n in range(10):
        rates.take({A: look(n, 0, 0)}, n)
    assert len(rates) == 0
    rates.take({A: look(10, 100, 0)}, 10)
    rates.take({A: look(11, 100, 0)}, 11)
    assert list(rates.history(A, 11)["read"]) == [100, 0]


def test_the_histories_are_bounded_in_time_and_in_number() -> None:
    rates = Rates()
    for n in range(40_000):
        rates.take({A: look(n, n, 0)}, n * 0.1)
    now = 39_999 * 0.1
    minutes, hour = rates.history(A, now), rates.history(A, now, hour=True)
    assert len(minutes) <= MAX_POINTS
    assert minutes.times[-1] - minutes.times[0] <= MINUTES
    assert 700 <= len(hour) <= MAX_STEPS
    assert hour.times[-1] - hour.times[0] <= HOUR
    assert len(rates) <= 3 * 2 * (MAX_POINTS + MAX_STEPS)


def test_of_a_step_the_mean_is_kept_and_the_worst_latency() -> None:
    rates = Rates()
    total = 0
    for n in range(12):
        total += 100 if n % 2 else 0
        latency = {"p50": n, "p99": 10 * n}
        rates.take({A: look(n, total, 0, n, in_flight=n, read_latency=latency)}, float(n))
    hour = rates.history(A, 12, hour=True)
    assert list(hour.times) == [5, 10]
    assert list(hour["read"]) == [50, 60]
    assert list(hour["queue"]) == [4, 9]
    assert list(hour["read_worst"]) == [40, 90]


def test_values_of_another_type_count_as_nothing() -> None:
    rates = Rates()
    rates.take({A: {"time": "x", "read-bytes": None}}, 1)
    rates.take({A: {"time": 5_000_000, "read-bytes": "y", "read-latency": 3}}, 2)
    assert rates.of(A) == Rate()
