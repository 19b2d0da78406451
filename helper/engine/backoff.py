# SPDX-License-Identifier: Apache-2.0
"""How long to wait before a lost session is made again (RFC 7143, 7.5.1). No clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from ..api.settings import Value
from .options import number


def doubled(first: int, times: int, last: int) -> int:
    """Return the seconds of a pause: `first`, doubled so many times, `last` at most."""
    return min(first << min(times, 20), last)


class BackOff:
    """Counts failures in a row: attempts that did not lead to a session, and sessions that broke soon.

    The pause after the second failure is `reconnect_first_delay`, beside what the target wants, and doubled with each
    that follows, up to `reconnect_delay`. Each wait is a random part of it, half at least, so that many initiators do
    not come back to a target all at once. A session that lasted for `steady_time` was a good one: what comes after it
    is the first failure again. One that breaks sooner is a failure like a login that does not succeed, though we were
    logged in.
    """

    def __init__(self, settings: Mapping[str, Value], chance: Callable[[], float] = random.random) -> None:
        self._first = number(settings, "reconnect_first_delay")
        self._last = number(settings, "reconnect_delay")
        self._steady = number(settings, "steady_time")
        self._chance = chance
        self._failures = 0
        self._since: float | None = None

    def logged_in(self, now: float) -> None:
        """A session began."""
        self._since = now

    def delay(self, now: float, time2wait: float) -> float:
        """Return how long to wait from now, after a session or an attempt ended: `time2wait` at least."""
        since, self._since = self._since, None
        if since is not None and now - since >= self._steady:
            self._failures = 0
        failures, self._failures = self._failures, self._failures + 1
        if not failures:
            return time2wait
        return max(time2wait, doubled(self._first, failures - 1, self._last) * (0.5 + self._chance() / 2))
