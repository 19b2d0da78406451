# SPDX-License-Identifier: Apache-2.0
"""Who calls, and whether they may: polkit on the system bus, the same user on a session bus.

Each call is checked anew, before anything happens. (polkit keeps what it has asked for; we keep nothing.)
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from ..api import names
from ..api.bus import BusError, Connection
from ..api.contract import Method
from ..api.errors import Problem
from ..api.objects import Call
from ..jobs import Caller
from ..policy import action_for

log = logging.getLogger(__name__)

POLKIT = "org.freedesktop.PolicyKit1"
POLKIT_PATH = "/org/freedesktop/PolicyKit1/Authority"
POLKIT_AUTHORITY = "org.freedesktop.PolicyKit1.Authority"
ALLOW_USER_INTERACTION = 1

#: A user has no more calls than this that wait to be allowed, with however many connections.
MAX_OF_USER = 256
#: Seconds that a person has for the password.
PATIENCE = 600.0
MAX_DETAIL = 300


class Authority(Protocol):
    """Decides."""

    async def check(self, caller: Caller, action: str, details: Mapping[str, str], *, interactive: bool) -> None:
        """Raise one of the NotAuthorized problems unless the caller may."""


class SameUser:
    """For a session bus: our own user, and nobody else."""

    async def check(
        self,
        caller: Caller,
        action: str,  # noqa: ARG002 - all or nothing
        details: Mapping[str, str],  # noqa: ARG002
        *,
        interactive: bool,  # noqa: ARG002
    ) -> None:
        """Raise Problem("NotAuthorized") for any other user."""
        if caller.uid != os.getuid():
            raise Problem("NotAuthorized")


class Polkit:
    """For the system bus."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)

    async def check(self, caller: Caller, action: str, details: Mapping[str, str], *, interactive: bool) -> None:
        """Ask polkit. Where it is not there, root may do everything and others nothing."""
        code = await self._refusal(caller, action, details, interactive=interactive)
        if code == "NotAuthorized" and interactive:
            # Of a wrong password polkit says no more than of a rule's no. Without a question it says which it was.
            again = await self._refusal(caller, action, details, interactive=False)
            code = "NotAuthorizedDismissed" if again == "NotAuthorizedCanObtain" else code
        if code:
            raise Problem(code)

    async def _refusal(self, caller: Caller, action: str, details: Mapping[str, str], *, interactive: bool) -> str:
        """Return why the caller may not; nothing when they may."""
        cancellation = f"lundock-{next(self._numbers)}" if interactive else ""
        subject = ("system-bus-name", {"name": caller.key})
        flags = ALLOW_USER_INTERACTION if interactive else 0
        args = (subject, names.ACTION_PREFIX + action, _bounded(details), flags, cancellation)
        try:
            ((authorized, challenge, told),) = await self._ask(
                "CheckAuthorization", "(sa{sv})sa{ss}us", args, PATIENCE if interactive else 0
            )
        except asyncio.CancelledError:
            self._cancel(cancellation)
            raise
        except BusError as error:
            log.warning("polkit does not answer (%s): %s", error.name, error.text)
            return "" if caller.uid == 0 else "NotAuthorized"
        except Problem as problem:
            if problem.code != "Timeout":
                raise
            self._cancel(cancellation)
            return "NotAuthorizedDismissed"
        return "" if authorized else _reason(challenge, told)

    async def _ask(self, member: str, signature: str, args: tuple[Any, ...], seconds: float) -> Any:
        return await self._connection.call_raw(
            POLKIT, POLKIT_PATH, POLKIT_AUTHORITY, member, signature, args, timeout=seconds or None
        )

    def _cancel(self, cancellation: str) -> None:
        if cancellation and not self._connection.closed:
            task = asyncio.get_running_loop().create_task(self._cancel_now(cancellation))
            task.add_done_callback(lambda _task: None)

    async def _cancel_now(self, cancellation: str) -> None:
        try:
            await self._ask("CancelCheckAuthorization", "s", (cancellation,), 0)
        except (BusError, Problem) as error:
            log.debug("a question could not be taken back: %s", error)


def _bounded(details: Mapping[str, str]) -> dict[str, str]:
    return {name: value[:MAX_DETAIL] for name, value in details.items()}


def _reason(challenge: object, told: Mapping[str, str]) -> str:
    if "polkit.dismissed" in told:
        return "NotAuthorizedDismissed"
    return "NotAuthorizedCanObtain" if challenge else "NotAuthorized"


class Gate:
    """Knows callers, and lets them in: objects.Authorize."""

    def __init__(self, connection: Connection, authority: Authority) -> None:
        self._connection = connection
        self._authority = authority
        self._callers: dict[str, Caller] = {}
        self._waiting: Counter[int] = Counter()

    async def caller(self, sender: str) -> Caller:
        """Return who a connection is. Raises Problem("Cancelled") when it has left."""
        known = self._callers.get(sender)
        if known is None:
            try:
                known = Caller(sender, await self._connection.user_of(sender))
            except BusError:
                raise Problem("Cancelled") from None
            self._callers[sender] = known  # a unique name is never given to another connection
        return known

    def forget(self, sender: str) -> None:
        """Forget a connection that ended."""
        self._callers.pop(sender, None)

    async def __call__(self, call: Call, method: Method | None, thing: object, args: tuple[Any, ...]) -> None:
        """Raise Problem unless the call may be made."""
        caller = await self.caller(call.sender)
        if self._waiting[caller.uid] >= MAX_OF_USER:
            raise Problem("Busy")
        self._waiting[caller.uid] += 1
        try:
            await self._check(caller, call, method, thing, args)
        finally:
            self._waiting[caller.uid] -= 1

    async def _check(
        self, caller: Caller, call: Call, method: Method | None, thing: object, args: tuple[Any, ...]
    ) -> None:
        action = "view"
        details: dict[str, str] = {}
        if method is not None:
            action = action_for(method.needs(args), owner=getattr(thing, "owner_id", None), uid=caller.uid)
            describe = getattr(thing, "prompt", None)
            details = describe(method.name, args) if describe else {}
        await self._authority.check(caller, action, details, interactive=call.interactive)
