# SPDX-License-Identifier: Apache-2.0
"""How much is taken from those who could send without end."""

from __future__ import annotations

import time
from collections.abc import Callable


class Allowance:
    """So much at once, and so much more for each second that goes by."""

    def __init__(self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._left = burst
        self._since = clock()

    def take(self, amount: float = 1.0) -> bool:
        """Take some, or nothing of it when there is not so much."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._since) * self._per_second)
        self._since = now
        if self._left < amount:
            return False
        self._left -= amount
        return True
