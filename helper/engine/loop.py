# SPDX-License-Identifier: Apache-2.0
"""One poll, one thread: descriptors, timers, and work to be done once at the end of a round.

A round is: poll, every callback of what is ready, timers that are due, then what was put off with `at_round_end` (so
that many commands become one system call). Callbacks do not block. An exception that leaves a callback leaves `run`:
who registers something that may fail catches it there.
"""

from __future__ import annotations

import heapq
import itertools
import select
import time
from collections.abc import Callable

READ = select.POLLIN
WRITE = select.POLLOUT
#: What poll reports unasked.
BROKEN = select.POLLERR | select.POLLHUP | select.POLLNVAL
#: How often a loop that expects answers looks before it sleeps, at most: when they are many (some 40 µs), and when they
#: are few (some 150 µs: nothing else would be done meanwhile, and a sleep is a large part of what a command takes).
MANY, FEW = 100, 400
#: After how many sleeps it looks again when that was in vain: half as often as at most.
_TRY_AGAIN = 32


class Timer:
    """A call that was put off; made by `Loop.call_at`."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Make sure that it is not called any more."""
        self.callback = None


class Loop:
    """The poll loop. `now` is CLOCK_MONOTONIC in seconds as of this round, read once a round."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self._poll = select.poll()
        self._callbacks: dict[int, Callable[[int], None]] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._ends: list[Callable[[], None]] = []
        self._running = False
        #: How often to look for an answer before sleeping, at most: MANY, FEW, or 0 when none is expected.
        self.expects = 0
        self._looks = MANY
        self._sleeps = 0

    def register(self, fd: int, events: int, callback: Callable[[int], None]) -> None:
        """Call `callback(events)` when `fd` is ready. One callback a descriptor; level-triggered."""
        self._callbacks[fd] = callback
        self._poll.register(fd, events)

    def modify(self, fd: int, events: int) -> None:
        """Change what a registered descriptor is watched for; 0 leaves only errors."""
        self._poll.modify(fd, events)

    def unregister(self, fd: int) -> None:
        """Forget a descriptor; must come before it is closed. Unknown ones are ignored."""
        if self._callbacks.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call `callback()` at `when` (CLOCK_MONOTONIC) or soon after."""
        timer = Timer(when, callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call `callback()` after `delay` seconds."""
        return self.call_at(time.monotonic() + delay, callback)

    def at_round_end(self, callback: Callable[[], None]) -> None:
        """Call `callback()` once, when everything that is ready in this round was handled."""
        self._ends.append(callback)

    def run(self) -> None:
        """Run until `stop`."""
        self._running = True
        while self._running:
            self.run_once()

    def stop(self) -> None:
        """Let `run` return after this round."""
        self._running = False

    def run_once(self, timeout: float | None = None) -> None:
        """Run one round, waiting at most `timeout` seconds (None: until something happens)."""
        wait = self._wait(timeout)
        ready = self._look(wait) if self.expects and wait != 0 else self._poll.poll(wait)
        self.now = time.monotonic()
        callbacks = self._callbacks
        for fd, events in ready:
            callback = callbacks.get(fd)  # an earlier callback of this round may have forgotten it
            if callback is not None:
                callback(events)
        self._run_timers()
        while self._ends:
            ends, self._ends = self._ends, []
            for end in ends:
                end()

    def _look(self, wait: float | None) -> list[tuple[int, int]]:
        """Look a few times before going to sleep, as long as that helps: to sleep and to be woken costs as much
        processor time as the looks do, and near targets answer sooner than that takes.
        """
        poll, most = self._poll.poll, self.expects
        looks = min(self._looks, most)
        for _ in range(looks):
            ready = poll(0)
            if ready:
                self._looks = min(looks + 10, most)
                return ready
        self._sleeps += 1
        self._looks = max(looks - 15, 0) if self._sleeps % _TRY_AGAIN else most // 2
        return poll(wait)

    def _wait(self, timeout: float | None) -> float | None:
        """Return the milliseconds to wait; None for as long as it takes."""
        if self._ends:
            return 0
        timers = self._timers
        while timers and timers[0][2].callback is None:
            heapq.heappop(timers)
        if timers:
            until = max(0.0, timers[0][0] - time.monotonic())
            timeout = until if timeout is None else min(timeout, until)
        # One millisecond more than asked, so that a timer is due when we wake for it.
        return None if timeout is None else timeout * 1000 + (1 if timeout else 0)

    def _run_timers(self) -> None:
        timers = self._timers
        while timers and timers[0][0] <= self.now:
            callback = heapq.heappop(timers)[2].callback
            if callback is not None:
                callback()
