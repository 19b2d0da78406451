# SPDX-License-Identifier: Apache-2.0
"""Signals, and who asked for which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal as it came."""

    path: str
    interface: str
    member: str
    args: tuple[Any, ...]
    sender: str


@dataclass(slots=True)
class Rule:
    """A subscription and what a signal must be like to belong to it."""

    callback: Callable[[Signal], None]
    text: str
    sender: str
    path: str
    namespace: str
    interface: str
    member: str
    args: tuple[str | None, ...]

    def about(self, signal: Any, owner: str) -> bool:
        """Whether it may fit, from what stands in the header."""
        wanted = ((self.path, signal.path), (self.interface, signal.interface), (self.member, signal.member))
        if any(want not in ("", found) for want, found in wanted) or (self.sender and signal.sender != owner):
            return False
        return not self.namespace or f"{signal.path}/".startswith(f"{self.namespace}/")

    def fits(self, signal: Signal, owner: str) -> bool:
        """Whether it does."""
        return self.about(signal, owner) and all(
            want is None or signal.args[n : n + 1] == (want,) for n, want in enumerate(self.args)
        )


class Subscription:
    """A running subscription; `close` ends it."""

    def __init__(self, closers: Sequence[Callable[[], None]]) -> None:
        self._closers = list(closers)

    def close(self) -> None:
        """End it; a second time does nothing."""
        while self._closers:
            self._closers.pop()()
