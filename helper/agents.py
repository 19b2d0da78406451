# SPDX-License-Identifier: Apache-2.0
"""Who can be asked for secrets: the programs of people that are signed in, as they registered themselves."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from .api.errors import Problem
from .jobs import Caller
from .supervision import Secrets

log = logging.getLogger(__name__)

#: Why an agent's refusal ends the asking; everything else becomes SecretsUnavailable.
_MEANT = frozenset({"Cancelled", "SecretsUnavailable", "InvalidArgument"})


class Agent(Protocol):
    """One that can be asked."""

    async def get_secrets(self, target: str, scope: str, hints: Mapping[str, Any]) -> Secrets:
        """Return the secrets. Raises Problem; being cancelled, it tells the person's program."""


async def _nobody() -> int | None:
    return None


class Agents:
    """The agents there are, by the connection that registered them. `came` is called with each new one's owner,
    `active_user` tells who sits before the computer.
    """

    def __init__(self, came: Callable[[Caller], None] = lambda _caller: None) -> None:
        self._came = came
        self.active_user: Callable[[], Awaitable[int | None]] = _nobody
        self._agents: dict[str, tuple[Caller, Agent]] = {}

    def register(self, caller: Caller, agent: Agent) -> None:
        """Remember an agent. Raises Problem("AlreadyExists") when the connection has one."""
        if caller.key in self._agents:
            raise Problem("AlreadyExists", what="secret agent")
        self._agents[caller.key] = (caller, agent)
        self._came(caller)

    def unregister(self, caller: Caller) -> None:
        """Forget it. Raises Problem("NotFound")."""
        if self._agents.pop(caller.key, None) is None:
            raise Problem("NotFound", what="secret agent")

    @property
    def empty(self) -> bool:
        """There is none."""
        return not self._agents

    def caller_left(self, key: str) -> None:
        """Forget the agent of a connection that ended."""
        self._agents.pop(key, None)

    async def ask(self, caller: Caller, target: str, scope: str, hints: Mapping[str, Any]) -> Secrets:
        """Ask the caller's own agent, else the newest of the same user; for root, who has none, that of the person at
        the seat. Raises Problem("SecretsUnavailable").

        Not for other users: one who saved a target of their own, with another's name and an address of their own, would
        get what is computed from that other one's secret.
        """
        name = str(hints.get("target-name") or "?")
        agent = self._find(caller)
        if agent is None and caller.uid == 0:
            agent = self._newest(await self.active_user())
        if agent is None:
            raise Problem("SecretsUnavailable", target=name, detail="")
        try:
            return await agent.get_secrets(target, scope, hints)
        except Problem as problem:
            if problem.code in _MEANT:
                raise
            log.warning("the secret agent did not answer as it should: %s", problem.code)
            raise Problem("SecretsUnavailable", target=name, detail="") from None

    def _find(self, caller: Caller) -> Agent | None:
        if caller.key in self._agents:
            return self._agents[caller.key][1]
        return self._newest(caller.uid)

    def _newest(self, uid: int | None) -> Agent | None:
        same = [agent for other, agent in self._agents.values() if other.uid == uid]
        return same[-1] if same else None
