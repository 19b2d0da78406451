# SPDX-License-Identifier: Apache-2.0
"""What a session bus's service answers to whom. (polkit's part: tests/real/test_polkit_calls.py.)"""

from __future__ import annotations

import asyncio
import os

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.bus.authority import SameUser
from lundock.helper.jobs import Caller


def check(uid: int) -> None:
    asyncio.run(SameUser().check(Caller(":1.1", uid), "view", {}, interactive=False))


def test_the_same_user_and_nobody_else() -> None:
    check(os.getuid())
    with pytest.raises(Problem) as refused:
        check(os.getuid() + 1)
    assert refused.value.code == "NotAuthorized"
