# SPDX-License-Identifier: Apache-2.0
"""Labs: the engine and what it talks to, taken down after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conformance.harness import Clock, Hand, Lab


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The engine's clock."""
    made = Clock()
    monkeypatch.setattr("lundock.helper.engine.loop.time", made)
    return made


@pytest.fixture
def make_lab(clock: Clock) -> Iterator[Callable[..., Lab]]:
    """Make a lab; not started."""
    labs: list[Lab] = []

    def make(**options: Any) -> Lab:
        known: dict[str, Any] = {key: {} for key in ("settings", "parameters", "disk", "target", "server", "login")}
        labs.append(Lab(clock, **{**known, **options}))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()


@pytest.fixture
def make_hand(clock: Clock) -> Iterator[Callable[..., Hand]]:
    """Make an engine whose target is the test."""
    hands: list[Hand] = []

    def make(*, settings: dict[str, Any] | None = None, **login: Any) -> Hand:
        hands.append(Hand(clock, settings=settings or {}, login=login))
        return hands[-1]

    yield make
    for hand in hands:
        hand.close()
