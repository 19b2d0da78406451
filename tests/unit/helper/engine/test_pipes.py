# SPDX-License-Identifier: Apache-2.0
"""Reads that go from socket to socket by splice: whole, or not at all, and never in anybody's way."""

import contextlib
import fcntl
import os
import random
import socket
import struct

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine import pipes as module
from lundock.helper.engine.pipes import MAX_PIPES, Pipe, Pipes
from lundock.helper.engine.receiving import receive
from support.served import Served
from support.wire import CHECK, sense

MIB = 1 << 20
NOISE = random.Random(9).randbytes(4 * MIB)
READ, WRITE = 0, 1


@contextlib.contextmanager
def serving(**options):
    served = Served(spliced=True, **{"max_recv": MIB, **options})
    served.disk[: 4 * MIB] = NOISE
    served.piped = 0
    taken = Pipe.take

    def counting(pipe, sock, length):
        n = taken(pipe, sock, length)
        served.piped += n
        return n

    Pipe.take = counting
    try:
        with served.nbd() as sock:
            # What is not all there at once is spliced, and then what follows it.
            ask(sock, 0, MIB, 99)
            assert answered(served, sock, MIB) == (99, 0, NOISE[:MIB])
            yield served, sock
    finally:
        Pipe.take = taken
        served.close()


def ask(sock, offset, length, handle=1, kind=READ, data=b""):
    sock.sendall(struct.pack(">IHHQQI", 0x25609513, 0, kind, handle, offset, length) + data)


def take(served, sock, length):
    data = b""
    sock.setblocking(False)
    while len(data) < length:
        served.settle()
        data += sock.recv(length - len(data))
    return data


def answered(served, sock, length):
    magic, error, handle = struct.unpack(">IIQ", take(served, sock, 16))
    assert magic == 0x67446698
    return handle, error, b"" if error else take(served, sock, length)


@pytest.mark.parametrize("split", [64 * 1024, 96 * 1024, 256 * 1024, 300_000, MIB])
@pytest.mark.parametrize("length", [128 * 1024, MIB, MIB - 512])
def test_large_reads_are_whole_and_were_spliced(split, length):
    with serving(split=split) as (served, sock):
        before = served.piped
        for handle in range(5):
            ask(sock, handle * 512, length, handle)
            assert answered(served, sock, length) == (handle, 0, NOISE[handle * 512 :][:length])
        assert served.piped >= before + min(split, length)
        assert served.front.held == served.front.used == 0
        assert len(served.session.free) == served.session.depth


@pytest.mark.parametrize("room", [0, 47, 48, 49, 1000, 65536 + 47, 100_000, 200_000])
def test_every_cut_of_the_stream(room):
    with serving(split=65536) as (served, sock):
        served.room = room
        ask(sock, 512, 262_144)
        served.settle()
        served.room = 1 << 40
        served.settle()
        assert answered(served, sock, 262_144) == (1, 0, NOISE[512:][:262_144])


def test_many_of_all_sizes_at_once():
    source = random.Random(4)
    sizes = [source.choice([512, 4096, 65536, 131072, 200_192, MIB]) for _ in range(60)]
    with serving(split=131072) as (served, sock):
        for handle, size in enumerate(sizes):
            ask(sock, handle * 512, size, handle)
            if not handle % 7:
                ask(sock, 8 * MIB, 512, 1000, WRITE, bytes(512))
        seen = set()
        while len(seen) < len(sizes):
            magic, error, handle = struct.unpack(">IIQ", take(served, sock, 16))
            assert (magic, error) == (0x67446698, 0)
            if handle != 1000:
                assert take(served, sock, sizes[handle]) == NOISE[handle * 512 :][: sizes[handle]]
                seen.add(handle)
        assert served.piped > MIB


def test_a_read_that_fails_in_the_middle_has_an_answer_that_says_so():
    """The status comes apart, after three quarters of the data: nothing of it was answered yet."""
    with serving(split=65536) as (served, sock):
        before = served.piped
        served.holding = True
        ask(sock, 0, 262_144, 7)
        served.settle()
        (pdu,) = served._held
        served._held.clear()
        for sn in range(3):
            served._give(served.wire.data_in(pdu.itt, NOISE[sn << 16 :][:65536], sn << 16, sn=sn))
        served.settle()
        assert served.piped == before + 3 * 65536
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(1)
        served._give(served.wire.response(pdu.itt, CHECK, sense(3, 0x11, 0)))
        assert answered(served, sock, 0) == (7, 5, b"")
        served.holding = False
        ask(sock, 0, 262_144, 8)
        assert answered(served, sock, 262_144) == (8, 0, NOISE[:262_144])


def test_a_connection_that_is_lost_in_the_middle_is_not_noticed():
    with serving(split=65536) as (served, sock):
        served.room = 48 + 65536 + 48 + 30_000
        ask(sock, 0, 262_144, 7)
        served.settle()
        assert served.wire.connection.pipe is not None
        served.session.lost()
        served.flight.clear()
        served.room = 1 << 40
        for end in served.link:
            end.close()
        served.link = socket.socketpair()
        for end in served.link:
            end.setblocking(False)
        served.wire.connect(window=128)
        served.wire.connection.can_splice = True
        served.session.unit_ready(served.wire.unit)
        assert answered(served, sock, 262_144) == (7, 0, NOISE[:262_144])
        assert len(served.fronts.pipes._idle) == served.fronts.pipes._made


def test_a_client_that_reads_late_keeps_no_pipe_from_others():
    with serving(split=262_144, settings={"queue_depth": 64}) as (served, slow), served.nbd() as quick:
        for handle in range(30):
            ask(slow, 0, MIB, handle)
        served.settle()
        before = served.piped
        for handle in range(5):
            ask(quick, 512, 262_144, handle)
            assert answered(served, quick, 262_144) == (handle, 0, NOISE[512:][:262_144])
        assert served.piped > before
        for handle in range(30):
            assert answered(served, slow, MIB) == (handle, 0, NOISE[:MIB])
        assert len(served.fronts.pipes._idle) == served.fronts.pipes._made <= MAX_PIPES


def test_a_client_that_leaves_leaves_its_pipes_empty():
    with serving(split=262_144) as (served, _), served.nbd() as other:
        for handle in range(20):
            ask(other, 0, MIB, handle)
        served.settle()
        other.close()
        served.settle()
        assert len(served.fronts.pipes._idle) == served.fronts.pipes._made > 0
        assert all(not pipe.size for pipe in served.fronts.pipes._idle)


def test_a_client_that_leaves_while_its_data_comes_leaves_its_pipe():
    with serving(split=131072) as (served, sock):
        for _ in range(MAX_PIPES + 1):
            with served.nbd() as other:
                served.room = 200_000
                ask(other, 0, MIB)
                served.settle()
                assert served.wire.connection.pipe is not None
            served.room = 1 << 40
            served.settle()
        assert len(served.fronts.pipes._idle) == served.fronts.pipes._made
        before = served.piped
        ask(sock, 0, MIB)
        assert answered(served, sock, MIB) == (1, 0, NOISE[:MIB])
        assert served.piped > before


def test_a_pipe_that_is_full_gives_its_data_back(monkeypatch):
    monkeypatch.setattr(module, "PIPE_SIZE", 65536)
    with serving(split=131072) as (served, sock):
        for handle in range(3):
            ask(sock, 512, MIB, handle)
            assert answered(served, sock, MIB) == (handle, 0, NOISE[512:][:MIB])
        assert served.piped


def test_an_odd_small_piece_behind_what_is_in_a_pipe():
    """The last Data-In is not spliced: what was goes behind its place."""
    with serving(split=96 * 1024) as (served, sock):
        before = served.piped
        ask(sock, 512, 131072)
        assert answered(served, sock, 131072) == (1, 0, NOISE[512:][:131072])
        assert served.piped == before + 96 * 1024


def test_digests_are_looked_at_so_that_nothing_is_spliced():
    with serving(split=131072, data_digest=True) as (served, sock):
        for handle in range(3):
            ask(sock, 0, MIB, handle)
            assert answered(served, sock, MIB) == (handle, 0, NOISE[:MIB])
        assert not served.piped


def test_pipes_are_few_and_closed_at_the_end():
    pipes = Pipes()
    held = [pipes.get() for _ in range(MAX_PIPES)]
    assert pipes.get() is None
    held[0].begin(b"x" * 16)
    assert fcntl.fcntl(held[0]._writer, fcntl.F_GETPIPE_SZ) >= module.PIPE_SIZE
    held[0].discard()
    assert pipes.get() is held[0]
    held[1].release()
    pipes.close()
    for pipe in (held[0], *held[2:]):
        pipe.release()
    for pipe in held:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(pipe._reader)
    assert pipes.get() is None


def test_without_descriptors_there_are_none(monkeypatch):
    def refused(_flags):
        raise OSError(24, "Too many open files")

    pipes = Pipes()
    monkeypatch.setattr(os, "pipe2", refused)
    assert pipes.get() is None
    monkeypatch.undo()
    assert pipes.get() is None


def test_a_pipe_that_gives_less_than_was_asked_for_is_asked_again(monkeypatch):
    source, sink = socket.socketpair()
    pipes = Pipes()
    pipe = pipes.get()
    pipe.begin(bytes(16))
    source.send(NOISE[:5000])
    assert pipe.take(sink, 5000) == 5000
    whole = os.readv
    monkeypatch.setattr(os, "readv", lambda fd, places: whole(fd, cut(places, 1000)))
    place = bytearray(5000)
    pipe.copy(memoryview(place))
    assert (bytes(place), len(pipe)) == (NOISE[:5000], 0)
    pipes.close()
    source.close()
    sink.close()


def cut(places, most):
    """The first `most` bytes of these."""
    found = []
    for place in map(memoryview, places):
        found.append(place[:most])
        most -= len(found[-1])
    return found


def test_the_end_is_told_apart_from_silence():
    served = Served()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            receive(ours, served.wire.connection, 0.0)
        theirs.send(bytes([0x25, 0x80]).ljust(48, b"\0"))
        with pytest.raises(Problem):
            receive(ours, served.wire.connection, 0.0)
        theirs.close()
        with pytest.raises(EOFError):
            receive(ours, served.wire.connection, 0.0)
