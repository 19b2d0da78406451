# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os
import signal
import subprocess

import pytest
from lundock.helper import pids


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"])


def test_a_process_is_watched_and_ended() -> None:
    async def body() -> None:
        with sleeper() as process:
            child = pids.watch(process.pid, pids.started(process.pid))
            assert child.pid == process.pid
            assert not child.exited.done()
            child.kill()
            assert await asyncio.wait_for(child.exited, 20) is None
            child.kill()  # nothing happens
            assert process.wait() == -signal.SIGKILL

    asyncio.run(body())


def test_another_process_with_the_same_number_is_not_taken_for_it() -> None:
    async def body() -> None:
        with sleeper() as process:
            try:
                with pytest.raises(ProcessLookupError):
                    pids.watch(process.pid, pids.started(process.pid) - 1)
                assert process.poll() is None
            finally:
                process.kill()

    asyncio.run(body())


def test_a_dead_one_is_gone_even_when_nobody_has_waited_for_it() -> None:
    async def body() -> None:
        with sleeper() as process:
            start = pids.started(process.pid)
            process.kill()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - it is dead already
            with pytest.raises(ProcessLookupError):
                pids.watch(process.pid, start)
        with pytest.raises(ProcessLookupError):
            pids.watch(process.pid, start)

    asyncio.run(body())


def test_when_it_was_started() -> None:
    assert pids.started(os.getpid()) > 0
    assert pids.started(2**31 - 1) == 0
