# SPDX-License-Identifier: Apache-2.0
"""The poll loop."""

import os
import socket

from lundock.helper.engine.loop import FEW, MANY, READ, WRITE, Loop


def test_a_round_handles_what_is_ready_then_timers_then_its_end():
    loop, order = Loop(), []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")
        loop.register(ours.fileno(), READ, order.append)
        loop.call_at(0, lambda: order.append("timer"))
        loop.at_round_end(lambda: order.append("end"))
        loop.run_once()
        loop.modify(ours.fileno(), WRITE)
        loop.run_once(0)
        loop.unregister(ours.fileno())
        loop.unregister(ours.fileno())
        loop.run_once(0)
    assert order == [READ, "timer", "end", WRITE]


def test_timers_run_in_their_order_and_cancelled_ones_do_not():
    loop, order = Loop(), []
    now = loop.now
    loop.call_at(now - 1, lambda: order.append(2))
    loop.call_at(now - 2, lambda: order.append(1))
    loop.call_at(now - 3, lambda: order.append(0)).cancel()
    late = loop.call_at(now + 1000, lambda: order.append(9))
    loop.run_once(0)
    assert order == [1, 2]
    late.cancel()


def test_a_descriptor_that_was_forgotten_in_the_same_round_is_not_called():
    loop, calls = Loop(), []
    pairs = [socket.socketpair() for _ in range(2)]

    def first(_events):
        calls.append(1)
        for ours, _ in pairs:
            loop.unregister(ours.fileno())

    for ours, theirs in pairs:
        theirs.send(b"x")
        loop.register(ours.fileno(), READ, first)
    loop.run_once()
    assert calls == [1]
    for pair in pairs:
        for end in pair:
            end.close()


def test_run_until_stopped():
    loop = Loop()
    reading, writing = os.pipe()
    loop.register(reading, READ, lambda _events: loop.stop())
    os.write(writing, b"x")
    loop.run()
    loop.unregister(reading)
    os.close(reading)
    os.close(writing)


class Answers:
    """A poll whose descriptors are ready at these looks; None is a sleep, which always finds something."""

    def __init__(self, ready_at: int) -> None:
        self.ready_at = ready_at
        self.looks = 0
        self.sleeps = 0

    def poll(self, wait: float | None = None) -> list[tuple[int, int]]:
        if wait != 0:
            self.sleeps += 1
            self.looks = 0
            return [(0, READ)]
        self.looks += 1
        if self.looks < self.ready_at:
            return []
        self.looks = 0
        return [(0, READ)]


def rounds(ready_at: int, number: int, expects: int) -> tuple[int, Loop]:
    """Run; how often it slept."""
    loop = Loop()
    loop._poll = poll = Answers(ready_at)  # type: ignore[assignment]
    loop.expects = expects
    for _ in range(number):
        loop.run_once()
    return poll.sleeps, loop


def test_a_loop_that_expects_an_answer_looks_for_it_before_it_sleeps():
    assert rounds(20, 500, MANY)[0] == 0
    assert rounds(20, 500, 0)[0] == 500


def test_it_looks_longer_for_few_answers_than_for_many():
    between = (MANY + FEW // 2) // 2
    assert rounds(between, 500, FEW)[0] < 50, "the first ones: it learns how long that takes"
    assert rounds(between, 500, MANY)[0] == 500


def test_looking_in_vain_ends_and_is_tried_again_now_and_then():
    sleeps, loop = rounds(10_000, 500, MANY)
    assert sleeps == 500
    loop._poll = counted = Answers(10_000)  # type: ignore[assignment]
    looked = []
    for _ in range(64):
        before = counted.sleeps
        looked.append(loop._looks)
        loop.run_once()
        assert counted.sleeps == before + 1
    assert looked.count(0) > 48, "nearly always it sleeps at once"
    assert max(looked) > 0, "it tries again"


def test_a_round_that_has_something_to_end_does_not_look_or_sleep():
    loop = Loop()
    loop.expects = MANY
    ended = []
    loop.at_round_end(lambda: ended.append(1))
    loop.run_once()
    assert ended == [1]
