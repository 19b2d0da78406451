# SPDX-License-Identifier: Apache-2.0
"""What a session bus's service answers to whom. (polkit's part: tests/real/test_polkit_calls.py.)"""

from __future__ import annotations

import asyncio
import os

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.api.objects import Call
from lundock.helper.bus.authority import MAX_OF_USER, Gate, SameUser
from lundock.helper.jobs import Caller


def check(uid: int) -> None:
    asyncio.run(SameUser().check(Caller(":1.1", uid), "view", {}, interactive=False))


def test_the_same_user_and_nobody_else() -> None:
    check(os.getuid())
    with pytest.raises(Problem) as refused:
        check(os.getuid() + 1)
    assert refused.value.code == "NotAuthorized"


class _Bus:
    """Knows two users by their connections' names."""

    async def user_of(self, name: str) -> int:
        return 1000 if name.startswith(":1.") else 1001


class _Thinking:
    """Lets everybody in when it has thought about it."""

    def __init__(self) -> None:
        self.enough = asyncio.Event()

    async def check(self, *_args: object, **_named: object) -> None:
        await self.enough.wait()


def test_a_user_has_only_so_many_questions_open_with_however_many_connections() -> None:
    async def whole() -> None:
        authority = _Thinking()
        gate = Gate(_Bus(), authority)  # type: ignore[arg-type]

        def ask(sender: str) -> asyncio.Task[None]:
            call = Call(sender, "/", "", "Get", interactive=True)
            return asyncio.create_task(gate(call, None, None, ()))  # type: ignore[arg-type]

        asked = [ask(f":1.{number}") for number in range(MAX_OF_USER)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await ask(":1.9999")
        assert refused.value.code == "Busy"
        other = ask(":2.1")
        authority.enough.set()
        await asyncio.gather(other, *asked)
        await ask(":1.9999")

    asyncio.run(whole())
