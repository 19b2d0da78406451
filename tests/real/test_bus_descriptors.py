# SPDX-License-Identifier: Apache-2.0
"""Descriptors that programs hand to the service: whatever they are, it goes on."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from lundock.helper.api import names
from lundock.helper.api.errors import Problem
from lundock.helper.api.values import Descriptor
from support.busclient import Client, run
from support.helper import HelperProcess
from support.stalling import FLUSH, GETATTR, StallingFile

TARGET = "iqn.2026-01.org.example:x"


def _memfd(size: int, data: bytes = b"") -> int:
    number = os.memfd_create("x")
    os.write(number, data)
    os.ftruncate(number, size)
    return number


def _end(ends: tuple[int, int], which: int) -> int:
    os.close(ends[1 - which])
    return ends[which]


def _fifo(folder: Path) -> int:
    os.mkfifo(folder / "fifo")
    return os.open(folder / "fifo", os.O_RDWR)


def _with_descriptors() -> int:
    """A socket with more than is taken, and descriptors."""
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(theirs, [b'{"secret":"' + b"x" * 5000], [0, 1, 2])
    return ours.detach()


KINDS: dict[str, Callable[[Path], int]] = {
    "a folder": lambda folder: os.open(folder, os.O_RDONLY),
    "a path": lambda folder: os.open(folder, os.O_PATH),
    "a file": lambda _: os.open("/etc/passwd", os.O_RDONLY),
    "zeros": lambda _: os.open("/dev/zero", os.O_RDONLY),
    "a terminal": lambda _: os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY),
    "its own memory": lambda _: os.open("/proc/self/mem", os.O_RDONLY),
    "a named pipe": _fifo,
    "an event": lambda _: os.eventfd(0),
    "a process": lambda _: os.pidfd_open(os.getpid()),
    "a terabyte": lambda _: _memfd(1 << 40),
    "nothing": lambda _: _memfd(0),
    "zeros in memory": lambda _: _memfd(4096),
    "a pipe's other end": lambda _: _end(os.pipe(), 1),
    "an empty pipe": lambda _: _end(os.pipe(), 0),
    "a socket with much": lambda _: _with_descriptors(),
    "a socket of datagrams": lambda _: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0].detach(),
}


def test_what_is_no_source_of_secrets_is_refused(helper: HelperProcess, tmp_path: Path) -> None:
    async def steps(client: Client) -> None:
        target = await client.add(TARGET, 1)
        for what, make in KINDS.items():
            options = {"secrets": Descriptor(make(tmp_path)), "sign-in": "chap", "chap-name": "a"}
            code, attrs = await client.refused(target, names.TARGET, "Login", options)
            assert (code, attrs["argument"]) == ("InvalidArgument", "secrets"), what

    run(helper.bus, steps)
    assert "Traceback" not in helper.log()


@pytest.mark.parametrize("what", [GETATTR, FLUSH])
def test_a_file_system_that_does_not_answer_keeps_nobody_waiting(
    helper: HelperProcess, tmp_path: Path, what: int
) -> None:
    """Whoever can mount one (fusermount3) may answer the bus and let the service wait: to look at it, to close it."""

    async def steps(client: Client) -> None:
        target = await client.add(TARGET, 1)
        options = {"sign-in": "chap", "chap-name": "a"}
        fd = os.open(stalling.path, os.O_RDONLY)
        secrets = {"secrets": Descriptor(os.dup(fd)), **options}
        code, _ = await client.refused(target, names.TARGET, "Login", secrets)
        assert code == "InvalidArgument"
        with pytest.raises(Problem, match="colour"):  # nor when it is of no use
            await client.connection.call_raw(
                names.BUS_NAME, target, names.TARGET, "Login", "a{sv}", [{"colour": Descriptor(os.dup(fd))}]
            )
        os.close(fd)
        if what == FLUSH:
            assert await asyncio.to_thread(stalling.stalled.wait, 20)
        assert await client.manager("GetStatistics", {}) == {}

    with StallingFile(tmp_path / "stalling", helper.pid, what) as stalling:
        run(helper.bus, steps)
