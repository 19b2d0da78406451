# SPDX-License-Identifier: Apache-2.0
"""A person's program as a secret agent (agents.Agent): asked over the bus."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from .. import secretfd
from ..api import names
from ..api.bus import Connection
from ..api.errors import Problem
from ..supervision import Secrets

#: Seconds that a person has to unlock the keyring, or to find and type a secret.
PATIENCE = 300.0


class BusAgent:
    """The agent that a connection registered."""

    def __init__(self, connection: Connection, owner: str, path: str) -> None:
        self._connection = connection
        self._owner = owner
        self._path = path

    async def get_secrets(self, target: str, scope: str, hints: Mapping[str, Any]) -> Secrets:
        """Ask it; when nobody wants the answer any more, or none comes, say so to it."""
        thing = target if target == "/" else f"{names.ROOT_PATH}/{target}"
        try:
            answer = await self._call("GetSecrets", thing, scope, hints, seconds=PATIENCE)
        except asyncio.CancelledError:
            self._take_back(thing, scope)
            raise
        except Problem as problem:
            if problem.code == "Timeout":
                self._take_back(thing, scope)
            raise
        try:
            return await secretfd.read(answer.fileno())
        finally:
            answer.close()

    def _take_back(self, thing: str, scope: str) -> None:
        if not self._connection.closed:
            asyncio.get_running_loop().create_task(self._take_back_now(thing, scope)).add_done_callback(_ignore)

    async def _take_back_now(self, thing: str, scope: str) -> None:
        try:
            await self._call("CancelGetSecrets", thing, scope, {}, seconds=10.0)
        except Problem:
            return  # it has left, or does not care

    async def _call(self, method: str, *args: Any, seconds: float) -> Any:
        return await self._connection.call(
            self._path, names.SECRET_AGENT, method, *args, destination=self._owner, timeout=seconds
        )


def _ignore(_task: asyncio.Task[None]) -> None:
    """Keep the task alive until it is done."""
