# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path

import lundock.helper.engine.worker  # noqa: F401 - loaded before the nursery is forked
import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.attach.operations import holders_of, perform
from lundock.helper.nursery import Nursery


def run(body: Callable[[Nursery], Coroutine[object, object, None]]) -> None:
    nursery = Nursery.start()

    async def main() -> None:
        async with asyncio.timeout(30):
            try:
                await body(nursery)
            finally:
                await nursery.close()

    asyncio.run(main())
    with pytest.raises(ProcessLookupError):
        os.kill(nursery.pid, 0)


def test_a_child_is_started_killed_and_seen_to_end() -> None:
    async def body(nursery: Nursery) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs:
                child = await nursery.spawn("device", [theirs.fileno()])
            assert not child.exited.done()  # it waits for its request
            child.kill()
            assert os.WTERMSIG(await child.exited) == signal.SIGKILL
            child.kill()  # it is no child any more: nothing happens

    run(body)


def test_one_that_has_much_to_do_is_waited_for() -> None:
    async def body(nursery: Nursery) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        first = await nursery.spawn("device", [theirs.fileno()])
        os.kill(nursery.pid, signal.SIGSTOP)
        with contextlib.suppress(BlockingIOError):
            while True:
                nursery._send({"do": "kill", "pid": 0})  # nobody's number: it does nothing
        wanted = asyncio.create_task(nursery.spawn("device", [theirs.fileno()]))
        given_up = asyncio.create_task(nursery.spawn("device", [theirs.fileno()]))
        await asyncio.sleep(0)
        first.kill()
        given_up.cancel()
        await asyncio.wait([given_up])
        os.kill(nursery.pid, signal.SIGCONT)
        second = await wanted
        assert os.WTERMSIG(await first.exited) == signal.SIGKILL
        second.kill()
        await second.exited
        assert nursery._asked == {}
        ours.close()
        theirs.close()

    run(body)


def test_an_unknown_kind() -> None:
    async def body(nursery: Nursery) -> None:
        with pytest.raises(Problem) as caught:
            await nursery.spawn("no-such-kind", [])
        assert caught.value.code == "Internal"

    run(body)


def test_a_nursery_that_died_is_told() -> None:
    async def body(nursery: Nursery) -> None:
        os.kill(nursery.pid, signal.SIGKILL)
        os.waitid(os.P_PID, nursery.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - it is dead already
        with pytest.raises(Problem) as caught:
            await nursery.spawn("device", [0])
        assert caught.value.code == "Internal"

    run(body)


def test_an_operation_answers_or_names_its_error() -> None:
    async def body(nursery: Nursery) -> None:
        assert await perform(nursery, "holders", {"paths": ["/nowhere"]}) == ({"holders": {"/nowhere": []}}, None)
        assert await holders_of(nursery, ["/dev/no-such-device", "/nowhere"]) == {"/nowhere": ()}
        with pytest.raises(Problem) as caught:
            await perform(nursery, "make-loop", {"path": "/nowhere", "block_size": 512, "read_only": True})
        assert caught.value.code == "AttachFailed"

    run(body)


def test_an_operation_that_hangs_is_left_alone() -> None:
    """A child that is stopped answers as little as one that hangs in the kernel."""

    async def body(nursery: Nursery) -> None:
        started = nursery.spawn

        async def spawn(kind: str, descriptors: list[int]) -> object:
            child = await started(kind, descriptors)
            os.kill(child.pid, signal.SIGSTOP)
            return child

        nursery.spawn = spawn  # type: ignore[method-assign, assignment]
        with pytest.raises(Problem) as caught:
            await perform(nursery, "holders", {"paths": ["/x"]}, seconds=0.1)
        assert (caught.value.code, caught.value.attrs["what"]) == ("Timeout", "holders")

    run(body)


def test_it_stays_in_memory_where_the_machine_lets_it_and_goes_on() -> None:
    async def body(nursery: Nursery) -> None:
        nursery.stay_in_memory()
        nursery.stay_in_memory()  # once is enough
        assert await perform(nursery, "holders", {"paths": []}) == ({"holders": {}}, None)  # behind it in the queue
        unlimited = resource.prlimit(nursery.pid, resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
        status = dict(line.split(":", 1) for line in Path(f"/proc/{nursery.pid}/status").read_text().splitlines())
        assert (status["VmLck"].split() != ["0", "kB"]) == (unlimited and os.geteuid() == 0)

    run(body)
