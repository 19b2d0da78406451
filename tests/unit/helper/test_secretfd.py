# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from lundock.helper import secretfd
from lundock.helper.api.errors import Problem
from lundock.helper.supervision import Secrets

GOOD = b'{"secret": "correct horse b", "target-secret": "target battery s"}'
READ = Secrets("correct horse b", "target battery s")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for end in (read, write):
        try:
            os.close(end)
        except OSError:
            continue


def read(fd: int, deadline: float = 10.0) -> Secrets:
    return asyncio.run(secretfd.read(fd, deadline))


def refused(fd: int, deadline: float = 10.0) -> str:
    with pytest.raises(Problem) as problem:
        read(fd, deadline)
    assert "horse" not in str(problem.value.attrs)
    return problem.value.code


def test_a_pipe(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], GOOD)
    os.close(pipe[1])
    assert read(pipe[0]) == READ


def test_a_pipe_that_is_written_slowly(pipe: tuple[int, int]) -> None:
    async def steps() -> Secrets:
        reading = asyncio.create_task(secretfd.read(pipe[0]))
        for byte in GOOD:
            os.write(pipe[1], bytes([byte]))
            await asyncio.sleep(0)
        os.close(pipe[1])
        return await reading

    assert asyncio.run(steps()) == READ


def test_the_callers_own_flags_stay(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], GOOD)
    os.close(pipe[1])
    read(pipe[0])
    assert os.get_blocking(pipe[0])


def test_a_memfd_from_its_beginning() -> None:
    fd = os.memfd_create("secrets")
    os.write(fd, GOOD)
    assert read(fd) == READ
    os.close(fd)


def test_a_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(GOOD)
        theirs.shutdown(socket.SHUT_WR)
        assert read(ours.fileno()) == READ


def test_a_pipe_whose_end_never_comes(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], GOOD)
    assert refused(pipe[0], deadline=0.05) == "Timeout"


def test_a_flood(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"x" * 5000)
    assert refused(pipe[0]) == "InvalidArgument"
    fd = os.memfd_create("secrets")
    os.truncate(fd, 1 << 40)
    assert refused(fd) == "InvalidArgument"
    os.close(fd)


def test_the_other_end_of_a_pipe(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    assert refused(pipe[1]) == "InvalidArgument"


def test_files_and_devices_and_named_pipes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(GOOD)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (file, fifo, tmp_path, Path("/dev/zero")):
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        on_shm = path is file and _has_seals(fd)
        if not on_shm:
            assert refused(fd) == "InvalidArgument"
        os.close(fd)


def _has_seals(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "data",
    [b"", b"correct horse b", b"[]", b"{}", b'{"secret": 1}', b'{"secret": ""}', b'{"secret": "horse", "x": 1}',
     b"\xff\xfe", b"[" * 4000],
)  # fmt: skip
def test_what_are_no_secrets(pipe: tuple[int, int], data: bytes) -> None:
    os.write(pipe[1], data)
    os.close(pipe[1])
    assert refused(pipe[0]) == "InvalidArgument"
