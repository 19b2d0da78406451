# SPDX-License-Identifier: Apache-2.0
"""What the two negotiating stages of login have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ...api.errors import Problem
from .. import text
from ..text import Pair


@dataclass(frozen=True, slots=True)
class Step:
    """What to send next: `transit` asks for the next stage (T)."""

    pairs: tuple[Pair, ...] = ()
    transit: bool = True


class Negotiation(Protocol):
    """A stage: `start` gives the first request, `answer` each following one, `finish` is called when T was agreed."""

    def start(self) -> Step:
        """Return what to send first."""

    def answer(self, pairs: dict[str, str], *, transit: bool) -> Step:
        """Take the target's text and return what to send; `transit`: the target set T, nothing is sent any more."""

    def finish(self) -> None:
        """Check that everything that had to happen in this stage has happened."""


def failed(key: str, detail: object) -> Problem:
    """Return the error for a negotiation that failed (7.12)."""
    return Problem("NegotiationFailed", key=key, detail=f"{key}: {detail}.")


def answer_unknown(pairs: dict[str, str], *, transit: bool) -> list[Pair]:
    """Return the answers to what is not known here: NotUnderstood (6.2).

    With T set the stage is over and an answer has no place: what can be passed over is.
    """
    return [] if transit else [(key, text.NOT_UNDERSTOOD) for key, value in pairs.items() if value not in text.RESERVED]
