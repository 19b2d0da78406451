# SPDX-License-Identifier: Apache-2.0
"""Events that a target brings about: told as they come, but not without end, for it may send thousands a second.
No clock.
"""

from __future__ import annotations

from collections.abc import Callable

Event = Callable[[str, dict[str, str | int]], None]

#: So many of one kind are told at once, and one more for each second that goes by.
BURST = 20


class Telling:
    """Hands events on; one that comes after some that were kept back says how many: `untold`."""

    def __init__(self, tell: Event) -> None:
        self._tell = tell
        #: By kind: what may be told, since when, what was not.
        self._kinds: dict[str, tuple[float, float, int]] = {}

    def event(self, kind: str, attrs: dict[str, str | int], now: float) -> None:
        """Tell it, or count it."""
        left, since, untold = self._kinds.get(kind, (float(BURST), now, 0))
        left = min(left + now - since, float(BURST))
        if left < 1:
            self._kinds[kind] = left, now, untold + 1
            return
        self._kinds[kind] = left - 1, now, 0
        self._tell(kind, {**attrs, "untold": untold} if untold else attrs)
