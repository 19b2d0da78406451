# SPDX-License-Identifier: Apache-2.0
"""Operations in children: how one that ended without an answer has ended is told."""

import asyncio
import os
import signal

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.attach import operations
from lundock.helper.nursery import Nursery


def test_a_child_that_is_killed_is_told_with_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(operations.OPERATIONS, "die", lambda: os.kill(os.getpid(), signal.SIGKILL))
    nursery = Nursery.start()

    async def body() -> None:
        with pytest.raises(Problem) as caught:
            await operations.perform(nursery, "die", {})
        await nursery.close()
        assert caught.value.code == "AttachFailed"
        assert caught.value.attrs["detail"] == "die ended without an answer (status 9)"

    asyncio.run(body())
