# SPDX-License-Identifier: Apache-2.0
"""How long to wait before a lost session is made again (RFC 7143, 7.5.1). No clock."""

from __future__ import annotations

import random
from collections.abc import Callable

#: Seconds, beside what the target wants: after the second failure in a row, the third, and so on. Each wait is a random
#: part of it, half at least, so that many initiators do not come back to a target all at once.
STEPS = (1, 2, 4, 8, 16, 30)
#: A session that lasted so long was a good one: what comes after it is the first failure again. One that breaks sooner
#: is a failure like a login that does not succeed, though the target logged us in.
HEALTHY = 10.0


class BackOff:
    """Counts failures in a row: attempts that did not lead to a session, and sessions that broke soon."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._failures = 0
        self._since: float | None = None

    def logged_in(self, now: float) -> None:
        """A session began."""
        self._since = now

    def delay(self, now: float, time2wait: float) -> float:
        """Return how long to wait from now, after a session or an attempt ended: `time2wait` at least."""
        since, self._since = self._since, None
        if since is not None and now - since >= HEALTHY:
            self._failures = 0
        failures, self._failures = self._failures, self._failures + 1
        if not failures:
            return time2wait
        longest = STEPS[min(failures, len(STEPS)) - 1]
        return max(time2wait, longest * (0.5 + self._chance() / 2))
