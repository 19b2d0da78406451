# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from lundock.helper.engine.backoff import BackOff

SETTINGS = {"reconnect_first_delay": 3, "reconnect_delay": 20, "steady_time": 12}
STEPS = (3, 6, 12, 20)


def most() -> float:
    return 1.0


def test_the_first_loss_waits_for_time2wait_only():
    back_off = BackOff(SETTINGS, most)
    back_off.logged_in(0.0)
    assert back_off.delay(1.0, 7) == 7


def test_attempts_that_fail_wait_longer_and_longer_within_a_bound():
    back_off = BackOff(SETTINGS, most)
    back_off.logged_in(0.0)
    found = [back_off.delay(100.0, 0) for _ in range(10)]
    assert found == [0, *STEPS, *[20] * 5]


def test_a_session_that_breaks_soon_is_a_failure():
    back_off = BackOff(SETTINGS, most)
    found = []
    for start in range(4):
        back_off.logged_in(start)
        found.append(back_off.delay(start + 11.9, 0))
    assert found == [0, 3, 6, 12]


def test_a_session_that_lasted_is_none():
    back_off = BackOff(SETTINGS, most)
    for start in (0.0, 100.0, 200.0):
        back_off.logged_in(start)
        assert back_off.delay(start + 12, 0) == 0
        assert back_off.delay(start + 12, 0) == 3


def test_never_less_than_time2wait():
    back_off = BackOff(SETTINGS, most)
    assert [back_off.delay(0.0, 5) for _ in range(5)] == [5, 5, 6, 12, 20]


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.99])
def test_a_random_part_of_the_step(chance: float):
    back_off = BackOff(SETTINGS, lambda: chance)
    found = [back_off.delay(0.0, 0) for _ in range(8)]
    for delay, step in zip(found[1:], (*STEPS, 20, 20, 20), strict=True):
        assert step / 2 <= delay <= step
