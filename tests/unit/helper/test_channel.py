# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from lundock.helper import channel
from lundock.helper.api import control
from lundock.helper.api.control import FROM_WORKER, TO_WORKER, Message
from lundock.helper.api.errors import Problem
from lundock.helper.channel import MESSAGES, Channel

Body = Callable[["Worker"], Coroutine[object, object, None]]


class Worker:
    """The other end, played by the test."""

    def __init__(self) -> None:
        ours, self.sock = control.pair()
        self.heard: list[str] = []
        self.ended = asyncio.Event()
        self.channel = Channel(ours, lambda message: self.heard.append(message.type), self.ended.set)

    def say(self, message_type: str, /, **fields: object) -> None:
        control.send(self.sock, control.encode(Message(message_type, fields), FROM_WORKER))

    async def asked(self) -> Message:
        while True:
            try:
                message = control.receive(self.sock, TO_WORKER)
            except BlockingIOError:
                await asyncio.sleep(0)
                continue
            assert message is not None
            return message


def run(body: Body) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            worker = Worker()
            try:
                await body(worker)
            finally:
                worker.channel.close()
                worker.sock.close()

    asyncio.run(main())


def test_a_request_gets_its_own_answer() -> None:
    async def body(worker: Worker) -> None:
        first = asyncio.create_task(worker.channel.request("rescan", {}))
        second = asyncio.create_task(worker.channel.request("logout", {}))
        one, two = await worker.asked(), await worker.asked()
        worker.say("reply", id=two["id"], ok=True)
        worker.say("reply", id=one["id"], ok=False, **control.error_fields(Problem("NotConnected", target="t")))
        await second
        with pytest.raises(Problem) as caught:
            await first
        assert (caught.value.code, caught.value.attrs) == ("NotConnected", {"target": "t"})

    run(body)


def test_descriptors_go_along_and_stay_the_callers() -> None:
    async def body(worker: Worker) -> None:
        read, write = os.pipe()
        asking = asyncio.create_task(worker.channel.request("connection", {"request": 1}, {"socket": write}))
        message = await worker.asked()
        worker.say("reply", id=message["id"], ok=True)
        await asking
        os.close(write)
        number = message.take("socket")
        assert number is not None
        os.write(number, b"x")
        assert os.read(read, 9) == b"x"
        os.close(number)
        os.close(read)

    run(body)


def test_no_answer_is_a_timeout() -> None:
    async def body(worker: Worker) -> None:
        with pytest.raises(Problem) as caught:
            await worker.channel.request("rescan", {}, seconds=0.05)
        assert caught.value.code == "Timeout"

    run(body)


def test_the_end_fails_what_was_asked() -> None:
    async def body(worker: Worker) -> None:
        asking = asyncio.create_task(worker.channel.request("rescan", {}))
        await worker.asked()
        worker.sock.close()
        with pytest.raises(Problem) as caught:
            await asking
        assert caught.value.code == "EngineDied"
        await worker.ended.wait()
        assert not worker.channel.broken
        with pytest.raises(Problem):
            await worker.channel.request("rescan", {})

    run(body)


@pytest.mark.parametrize("data", [b"garbage", b"{}", b"[" * 100000, b'{"type":"start","fields":{},"descriptors":[]}'])
def test_garbage_breaks_it(data: bytes) -> None:
    async def body(worker: Worker) -> None:
        worker.sock.send(data)
        await worker.ended.wait()
        assert worker.channel.broken
        assert worker.heard == []

    run(body)


def test_a_flood_breaks_it() -> None:
    async def body(worker: Worker) -> None:
        data = control.encode(Message("event", {"kind": "x", "attrs": {}}), FROM_WORKER)
        while not worker.ended.is_set():
            try:
                worker.sock.send(data)
            except BlockingIOError:
                await asyncio.sleep(0)
            except OSError:
                break
        await worker.ended.wait()
        assert worker.channel.broken
        at_once, a_second = MESSAGES
        assert len(worker.heard) <= at_once + 20 * a_second

    run(body)


def test_a_flood_of_few_large_messages_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "BYTES", (1 << 20, 0))

    async def body(worker: Worker) -> None:
        data = control.encode(Message("event", {"kind": "x", "attrs": {}}), FROM_WORKER)
        data = data[:-1] + b" " * (control.MAX_MESSAGE - len(data)) + b"}"
        for _ in range(8):
            worker.sock.send(data)
            await asyncio.sleep(0)
        while len(worker.heard) < 8:
            await asyncio.sleep(0)
        assert not worker.channel.broken
        worker.sock.send(data)
        await worker.ended.wait()
        assert worker.channel.broken
        assert len(worker.heard) == 8

    run(body)


def test_others_have_their_turn_while_a_worker_talks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "_TURN", 0)

    async def body(worker: Worker) -> None:
        for _ in range(20):
            worker.say("event", kind="x", attrs={})
        turns = 0
        while len(worker.heard) < 20:
            await asyncio.sleep(0)
            turns += 1
        assert turns >= 20

    run(body)


def test_an_answer_that_nobody_waits_for_is_ignored() -> None:
    async def body(worker: Worker) -> None:
        worker.say("reply", id=77, ok=True)
        worker.say("event", kind="x", attrs={})
        while not worker.heard:
            await asyncio.sleep(0)
        assert worker.heard == ["event"]
        assert not worker.channel.broken

    run(body)


def test_connecting_where_nobody_listens(tmp_path: object) -> None:
    async def main() -> None:
        with pytest.raises(OSError, match="No such file"):
            Channel.connect(tmp_path / "x.sock", lambda _message: None, lambda: None)  # type: ignore[operator]

    asyncio.run(main())


def test_connecting_does_not_wait_for_a_worker_that_hangs(tmp_path: Path) -> None:
    async def main() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(tmp_path / "x.sock"))
            listener.listen(0)
            first = Channel.connect(tmp_path / "x.sock", lambda _message: None, lambda: None)
            with pytest.raises(BlockingIOError):
                Channel.connect(tmp_path / "x.sock", lambda _message: None, lambda: None)
            first.close()

    asyncio.run(main())


def test_a_socket_that_is_full_is_waited_for() -> None:
    async def body(worker: Worker) -> None:
        asking = [asyncio.create_task(worker.channel.request("rescan", {})) for _ in range(2000)]
        for _ in asking:
            message = await worker.asked()
            while True:
                try:
                    worker.say("reply", id=message["id"], ok=True)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0)
        await asyncio.gather(*asking)

    run(body)
