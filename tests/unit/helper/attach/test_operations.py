# SPDX-License-Identifier: Apache-2.0
"""Operations in children: how one that ended without an answer has ended is told; who keeps a loop device."""

import asyncio
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.attach import linux, operations
from lundock.helper.nursery import Nursery
from support import need


def asked(name: str) -> Problem:
    """Do an operation in a child, and return what comes of it."""
    nursery = Nursery.start()

    async def body() -> Problem:
        with pytest.raises(Problem) as caught:
            await operations.perform(nursery, name, {})
        await nursery.close()
        return caught.value

    return asyncio.run(body())


def test_a_child_that_is_killed_is_told_with_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(operations.OPERATIONS, "die", lambda: os.kill(os.getpid(), signal.SIGKILL))
    problem = asked("die")
    assert problem.code == "AttachFailed"
    assert problem.attrs["detail"] == "die ended without an answer (status 9)"


def test_an_error_that_nobody_foresaw_is_answered(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(operations.OPERATIONS, "fail", lambda: int("what the kernel wrote"))
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)  # a child closes the descriptor that pytest's has
    problem = asked("fail")
    assert (problem.code, problem.attrs["log_id"]) == ("Internal", "fail")
    assert "ValueError" in capfd.readouterr().err


PR_SET_NAME = 15


@contextmanager
def opened_for(seconds: float, device: str, name: bytes) -> Iterator[int]:
    """Let a process of this name have a device open for so long."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(PR_SET_NAME, name, 0, 0, 0)
        os.open(device, os.O_RDONLY)
        os.write(write, b".")
        time.sleep(seconds)
        os._exit(0)
    os.read(read, 1)
    try:
        yield child
    finally:
        os.close(read)
        os.close(write)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[tuple[str, str]]:
    need.root()
    need.loop()
    file = tmp_path / "file"
    file.write_bytes(bytes(1 << 20))
    device = linux.make_loop(file, block_size=512, read_only=False)
    yield device, str(file)
    if linux.loop_backing(device) == str(file):
        linux.force_clear_loop(device)


def test_udev_that_looks_at_a_device_is_waited_for(loop: tuple[str, str]) -> None:
    with opened_for(0.2, loop[0], b"(udev-worker)"):
        operations._remove_loop(*loop)
        assert linux.loop_backing(loop[0]) != loop[1]


def test_a_device_that_udev_does_not_close_stays(loop: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux.wait_until, "__defaults__", (0.1,))
    with opened_for(600, loop[0], b"(udev-worker)") as pid, pytest.raises(Problem) as caught:
        operations._remove_loop(*loop)
    assert caught.value.code == "DeviceBusy"
    assert caught.value.attrs["holders"] == f"(udev-worker) ({pid})"
    assert linux.loop_backing(loop[0]) == loop[1]
