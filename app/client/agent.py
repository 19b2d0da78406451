# SPDX-License-Identifier: Apache-2.0
"""The secret agent: an object of ours on the bus that the helper asks for secrets of what this user connects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...helper.api.errors import Problem
from ...helper.api.names import BUS_NAME, MANAGER, ROOT_PATH, SECRET_AGENT
from ...helper.api.objects import Call, ObjectServer
from ...helper.api.values import Descriptor, ObjectPath
from .client import Client
from .operations import Secrets, secrets_descriptor

AGENT_PATH = "/io/github/lundock/Agent"


@dataclass(frozen=True, slots=True)
class Question:
    """What the helper wants to know. `background`: nobody waits for it, so no person is to be asked."""

    path: str
    target: str
    chap_name: str
    target_chap_name: str
    mutual: bool
    retry: bool
    background: bool = False


#: Returns the secrets, or raises Problem("Cancelled"). Cancelled itself when the answer is not needed any more.
Ask = Callable[[Question], Awaitable[Secrets]]


class SecretAgent:
    """Serves SecretAgent on the client's connection; `register` tells the helper."""

    def __init__(self, client: Client, ask: Ask) -> None:
        self._client = client
        self._ask = ask
        self._asking: dict[tuple[str, str], asyncio.Task[Secrets]] = {}
        ObjectServer(client.connection).add(AGENT_PATH, {SECRET_AGENT: self})

    async def register(self) -> None:
        """Tell the helper that we are here; a helper that knows us already is fine, too."""
        try:
            await self._client.call(ROOT_PATH, MANAGER, "RegisterSecretAgent", ObjectPath(AGENT_PATH), {})
        except Problem:
            return  # asked again at the helper's next start; without an agent the window gives secrets with Login

    async def get_secrets(self, call: Call, target: str, scope: str, hints: Mapping[str, Any]) -> Descriptor:
        """Answer the helper, and nobody else."""
        if call.sender != await self._client.connection.name_owner(BUS_NAME):
            raise Problem("NotAuthorized")
        wants = hints.get("wants", ["secret"])
        question = Question(
            path=target,
            target=str(hints.get("target-name", "")),
            chap_name=str(hints.get("chap-name", "")),
            target_chap_name=str(hints.get("target-chap-name", "")),
            mutual="target-secret" in wants,
            retry=bool(hints.get("retry", False)),
            background=bool(hints.get("background", False)),
        )
        task = asyncio.ensure_future(self._ask(question))
        self._asking[target, scope] = task
        try:
            return secrets_descriptor(await task)
        except asyncio.CancelledError:
            raise Problem("Cancelled") from None
        finally:
            self._asking.pop((target, scope), None)

    async def cancel_get_secrets(self, call: Call, target: str, scope: str, _options: Mapping[str, Any]) -> None:
        """Stop asking: the answer is not needed any more."""
        task = self._asking.get((target, scope))
        if task is not None and call.sender == await self._client.connection.name_owner(BUS_NAME):
            task.cancel()
