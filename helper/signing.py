# SPDX-License-Identifier: Apache-2.0
"""Secrets for one attempt: those that came with the call, else an agent's, who may correct them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from . import secretfd
from .agents import Agents
from .api.errors import Problem
from .api.values import Descriptor
from .jobs import Caller
from .records import enough
from .supervision import Secrets

R = TypeVar("R")

#: How often an agent is asked when the target refuses what it gave.
MAX_ASKS = 3

_REFUSED = frozenset({"AuthenticationFailed", "TargetNotAuthenticated"})


@dataclass(frozen=True, slots=True)
class Question:
    """What secrets are for: a target (or "/"), "session" or "discovery", which sign-in, and what agents are told."""

    target: str
    scope: str
    sign_in: str
    hints: Mapping[str, Any]


async def signed_in(
    agents: Agents,
    caller: Caller,
    question: Question,
    given: Descriptor | None,
    once: Callable[[Secrets | None], Awaitable[R]],
) -> R:
    """Call `once(secrets)`: without any, with those of the descriptor (which becomes ours), or with an agent's.

    Raises what `once` raises; Problem("SecretsUnavailable") and others when there are none.
    """
    sign_in, hints = question.sign_in, question.hints
    if given is not None:
        try:
            read = await secretfd.read(given.fileno())
        finally:
            given.close()
        return await once(enough(read, sign_in, hints) if sign_in != "none" else None)
    if sign_in == "none":
        return await once(None)
    for ask in range(MAX_ASKS):
        secrets = await agents.ask(caller, question.target, question.scope, {**hints, "retry": ask > 0})
        try:
            return await once(enough(secrets, sign_in, hints))
        except Problem as problem:
            if problem.code not in _REFUSED or ask + 1 == MAX_ASKS:
                raise
    raise AssertionError
