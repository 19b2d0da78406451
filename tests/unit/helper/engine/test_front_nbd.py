# SPDX-License-Identifier: Apache-2.0
"""NBD's transmission phase, spoken by hand on a socket pair (NetworkBlockDevice/nbd, doc/proto.md)."""

import contextlib
import dataclasses
import errno
import random
import struct

import pytest
from lundock.helper.engine.front_nbd import MAX_REQUEST
from support.served import INFO, Served
from support.wire import sense

MIB = 1 << 20
NOISE = random.Random(5).randbytes(4 * MIB)
READ, WRITE, DISC, FLUSH, TRIM, CACHE, ZEROES = range(7)
FUA, NO_HOLE = 1, 2
#: Fields of the Linux errno.h that NBD uses by the same numbers.
EPERM, EIO, EINVAL, ENOSPC = 1, 5, 22, 28


def request(kind, offset, length, data=b"", *, flags=0, handle=77, magic=0x25609513):
    return struct.pack(">IHHQQI", magic, flags, kind, handle, offset, length) + data


def send(served, sock, raw):
    """Send everything, while the other side works."""
    sock.setblocking(False)
    view = memoryview(raw)
    while view:
        with contextlib.suppress(BlockingIOError):
            view = view[sock.send(view) :]
        served.settle()
    sock.settimeout(5)


def take(served, sock, length):
    data = b""
    while len(data) < length:
        served.settle()
        piece = sock.recv(length - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def answer(served, sock):
    magic, error, handle = struct.unpack(">IIQ", take(served, sock, 16))
    assert magic == 0x67446698
    return handle, error


def do(served, sock, *args, **kwargs):
    send(served, sock, request(*args, **kwargs))
    handle, error = answer(served, sock)
    assert handle == 77
    return error


@pytest.fixture
def served():
    return Served()


def test_reads_and_writes(served):
    with served.nbd() as sock:
        assert do(served, sock, WRITE, 4096, 8192, NOISE[:8192]) == 0
        assert do(served, sock, READ, 4096, 8192) == 0
        assert take(served, sock, 8192) == NOISE[:8192]
    assert served.commands == [(0x8A, 8, 16), (0x88, 8, 16)]
    assert bytes(served.disk[4096:12288]) == NOISE[:8192]


@pytest.mark.parametrize("split", [512, 3000, 1 << 18])
@pytest.mark.parametrize("length", [512, 4096, 65536, MIB, 3 * MIB + 512])
def test_every_size_in_answers_of_any_pieces(length, split):
    served = Served(split=split)
    with served.nbd() as sock:
        assert do(served, sock, WRITE, MIB, length, NOISE[:length]) == 0
        assert do(served, sock, READ, MIB, length) == 0
        assert take(served, sock, length) == NOISE[:length]
        assert served.front.held == served.front.used == 0
    assert max(blocks for operation, _, blocks in served.commands if operation in (0x88, 0x8A)) <= MIB // 512


@pytest.mark.parametrize("chunk", [1, 7, 27, 28, 29, 5000, 40_000])
def test_requests_cut_anywhere(served, chunk):
    stream = b"".join(
        [
            request(WRITE, 0, 4096, NOISE[:4096], handle=1),
            request(WRITE, MIB, 50_176, NOISE[:50_176], handle=2) if chunk > 100 else b"",
            request(FLUSH, 0, 0, handle=3),
            request(READ, 512, 1024, handle=4),
        ]
    )
    with served.nbd() as sock:
        for at in range(0, len(stream), chunk):
            send(served, sock, stream[at : at + chunk])
        seen = {}
        for _ in range(4 if chunk > 100 else 3):
            handle, error = answer(served, sock)
            seen[handle] = error, take(served, sock, 1024) if handle == 4 else b""
    assert seen[1] == seen[3] == (0, b"")
    assert seen[4] == (0, NOISE[512:1536])


def test_many_at_once_are_all_answered(served):
    served.disk[: 4 * MIB] = NOISE
    with served.nbd() as sock:
        send(served, sock, b"".join(request(READ, 4096 * n, 4096, handle=n) for n in range(300)))
        seen = set()
        for _ in range(300):
            handle, error = answer(served, sock)
            assert error == 0
            assert take(served, sock, 4096) == NOISE[4096 * handle :][:4096]
            seen.add(handle)
        assert seen == set(range(300))
        assert len(served.session.free) == served.session.depth


#: What stands among many requests that are alike: request, errno.
AMONG = [
    (request(READ, MIB // 2, 4096), 0),
    (request(READ, MIB // 2, 512), 0),
    (request(READ, 1, 4096), EINVAL),
    (request(READ, INFO.size, 4096), EINVAL),
    (request(WRITE, 4 * MIB, 4096, NOISE[:4096], flags=FUA), 0),
    (request(WRITE, 4 * MIB, 1024, NOISE[:1024]), 0),
    (request(WRITE, 513, 4096, NOISE[:4096]), EINVAL),
    (request(WRITE, INFO.size, 4096, NOISE[:4096]), ENOSPC),
    (request(FLUSH, 0, 0), 0),
    (request(CACHE, 0, 512), 0),
]


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("kind", [READ, WRITE])
@pytest.mark.parametrize(("other", "error"), AMONG, ids=range(len(AMONG)))
def test_many_that_are_alike_with_another_among_them(served, kind, other, error, read_only):
    served.disk[:MIB] = NOISE[:MIB]
    new = NOISE[2 * MIB : 3 * MIB]
    many = [
        request(kind, 4096 * n, 4096, new[4096 * n :][:4096] if kind == WRITE else b"", handle=n) for n in range(24)
    ]
    denied = EPERM if read_only else 0
    expected = dict.fromkeys(range(24), denied if kind == WRITE else 0)
    expected[77] = denied if other[7] == WRITE and denied else error
    with served.nbd(read_only=read_only) as sock:
        send(served, sock, b"".join([*many[:13], other, *many[13:]]))
        seen = {}
        for _ in range(25):
            handle, seen_error = answer(served, sock)
            seen[handle] = seen_error
            if handle == 77 and other[7] == READ and not seen_error:
                length = int.from_bytes(other[24:28], "big")
                assert take(served, sock, length) == NOISE[MIB // 2 :][:length]
            elif handle != 77 and kind == READ:
                assert take(served, sock, 4096) == NOISE[4096 * handle :][:4096]
        assert seen == expected
    assert bytes(served.disk[: 24 * 4096]) == (new if kind == WRITE and not read_only else NOISE)[: 24 * 4096]
    assert len(served.session.free) == served.session.depth


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((READ, 0, 0), EINVAL),
        ((READ, 1, 512), EINVAL),
        ((READ, 0, 513), EINVAL),
        ((READ, INFO.size - 512, 1024), EINVAL),
        ((READ, (1 << 64) - 512, 512), EINVAL),
        ((READ, 0, MAX_REQUEST + 512), EINVAL),
        ((WRITE, 0, 0), EINVAL),
        ((WRITE, 1, 512, bytes(512)), EINVAL),
        ((WRITE, 0, 100, bytes(100)), EINVAL),
        ((WRITE, INFO.size - 512, 1024, bytes(1024)), ENOSPC),
        ((WRITE, INFO.size, 65536, bytes(65536)), ENOSPC),
        ((TRIM, 0, 0), EINVAL),
        ((TRIM, INFO.size, 512), ENOSPC),
        ((ZEROES, 0, 100), EINVAL),
        ((CACHE, INFO.size, 512), EINVAL),
        ((CACHE, 0, 512), 0),
        ((99, 0, 0), EINVAL),
    ],
)
def test_what_cannot_be_is_refused_without_a_command(served, words, expected):
    with served.nbd() as sock:
        assert do(served, sock, *words) == expected
        assert served.commands == []
        assert do(served, sock, READ, 0, 512) == 0
        assert take(served, sock, 512) == bytes(512)


def test_fua_goes_with_the_command(served):
    with served.nbd() as sock:
        assert do(served, sock, WRITE, 0, 512, bytes(512), flags=FUA) == 0
        assert do(served, sock, WRITE, 0, 512, bytes(512)) == 0
    assert [cdb[1] for cdb in served.cdbs] == [0x08, 0]


def test_flush_trim_and_zeroes_become_commands(served):
    served.disk[: 4 * MIB] = NOISE
    with served.nbd() as sock:
        assert do(served, sock, FLUSH, 0, 0) == 0
        assert do(served, sock, TRIM, 0, MIB) == 0
        assert do(served, sock, ZEROES, MIB, MIB) == 0
        assert do(served, sock, ZEROES, 2 * MIB, MIB, flags=NO_HOLE) == 0
    assert served.commands == [(0x91, 0, 0), (0x42, 0, 0), (0x93, 2048, 2048), (0x93, 4096, 2048)]
    assert [bool(cdb[1] & 8) for cdb in served.cdbs[2:]] == [True, False]  # UNMAP
    assert bytes(served.disk[MIB : 3 * MIB]) == bytes(2 * MIB)


def test_a_unit_that_cannot_write_same_gets_zeros(served):
    served.fail = {0x93: sense(5, 0x20, 0)}
    served.disk[: 4 * MIB] = NOISE
    with served.nbd() as sock:
        assert do(served, sock, ZEROES, 512, 3 * MIB) == 0
    assert bytes(served.disk[: 4 * MIB]) == NOISE[:512] + bytes(3 * MIB) + NOISE[512 + 3 * MIB :]


def test_a_unit_without_a_cache_flushes_well(served):
    served.fail = {0x91: sense(5, 0x20, 0), 0x35: sense(5, 0x20, 0)}
    with served.nbd() as sock:
        do(served, sock, FLUSH, 0, 0)
    assert [operation for operation, _, _ in served.commands] == [0x91, 0x35]


@pytest.mark.parametrize(("given", "expected"), [((3, 0x11, 0), EIO), ((7, 0x27, 7), ENOSPC), ((7, 0x27, 0), EPERM)])
@pytest.mark.parametrize("length", [512, 2 * MIB])
def test_errors_have_nbds_numbers_and_no_data(served, given, expected, length):
    served.fail = {0x88: sense(*given), 0x8A: sense(*given)}
    with served.nbd() as sock:
        assert do(served, sock, READ, 0, length) == expected
        assert do(served, sock, WRITE, 0, length, bytes(length)) == expected
        served.fail = {}
        assert do(served, sock, READ, 0, length) == 0
        assert take(served, sock, length) == bytes(length)
        assert served.front.held == 0


def test_a_read_only_disk(served):
    with served.nbd(read_only=True) as sock:
        for words in ((WRITE, 0, 512, bytes(512)), (WRITE, 0, MIB, bytes(MIB)), (TRIM, 0, 512), (ZEROES, 0, 512)):
            assert do(served, sock, *words) == EPERM
        assert do(served, sock, FLUSH, 0, 0) == 0
        assert not served.front.unwritten


@pytest.mark.parametrize(
    "raw", [request(READ, 0, 512, magic=0x25609514), request(WRITE, 0, MAX_REQUEST + 512), bytes(28)]
)
def test_what_is_no_nbd_ends_the_client(served, raw):
    with served.nbd() as sock:
        send(served, sock, raw)
        assert [problem.code for _, problem in served.over] == ["InvalidArgument"]
        assert sock.recv(1) == b""


def test_disc_answers_first_what_was_asked(served):
    served.holding = True
    with served.nbd() as sock:
        send(served, sock, request(READ, 0, 512) + request(DISC, 0, 0) + request(READ, 0, 512))
        assert served.over == []
        served.holding = False
        assert answer(served, sock) == (77, 0)
        take(served, sock, 512)
        served.settle()
        assert sock.recv(1) == b""
        assert served.over == [(1, None)]
    assert len(served.commands) == 1


@pytest.mark.parametrize("when", ["idle", "asked", "writing"])
def test_a_client_that_leaves(served, when):
    served.holding = True
    with served.nbd() as sock:
        if when == "asked":
            send(served, sock, request(READ, 0, 2 * MIB) + request(READ, 0, 4096))
        if when == "writing":
            send(served, sock, request(WRITE, 0, MIB, bytes(300_000)))
        sock.close()
        served.settle()
        assert served.over == [(1, None)]
    served.holding = False
    served.settle()
    assert len(served.session.free) == served.session.depth
    assert served.fronts.memory.lent == 0


def test_answers_wait_for_a_client_that_reads_late(served):
    served.disk[: 4 * MIB] = NOISE
    with served.nbd() as sock:
        raw = b"".join(request(READ, (n % 16) * 65536, 65536, handle=n) for n in range(400))
        sock.sendall(raw)
        served.settle()
        assert served.front.out.waiting
        for _ in range(400):
            handle, error = answer(served, sock)
            assert error == 0
            assert take(served, sock, 65536) == NOISE[(handle % 16) * 65536 :][:65536]


def test_detaching_answers_flushes_and_closes(served):
    ended = []
    with served.nbd() as sock:
        assert do(served, sock, WRITE, 0, 512, bytes(512)) == 0
        served.holding = True
        send(served, sock, request(WRITE, 512, 512, bytes(512)))
        served.fronts.detach(1, lambda: ended.append(1))
        served.settle()
        assert ended == []
        served.holding = False
        assert answer(served, sock) == (77, 0)
        served.settle()
        assert sock.recv(1) == b""
    assert ended == [1]
    assert [operation for operation, _, _ in served.commands] == [0x8A, 0x8A, 0x91]


@pytest.mark.parametrize("detached", [False, True])
def test_a_large_write_whose_slot_is_taken_while_its_data_comes_waits_for_another(detached):
    served, ended = Served(settings={"queue_depth": 1}), []
    served.holding = True
    whole = request(WRITE, 0, MIB, NOISE[:MIB], handle=1)
    with served.nbd() as writing, served.nbd() as reading:
        send(served, writing, whole[:300_000])
        send(served, reading, request(READ, 2 * MIB, 4096, handle=2))
        send(served, writing, whole[300_000:])
        assert not served.session.free
        if detached:
            served.fronts.detach(1, lambda: ended.append(1))
            served.settle()
            assert not ended
        served.holding = False
        assert answer(served, reading) == (2, 0)
        assert answer(served, writing) == (1, 0)
        served.settle()
        assert ended == [1] * detached
    assert bytes(served.disk[:MIB]) == NOISE[:MIB]
    assert len(served.session.free) == 1


def test_the_handshake_tells_what_the_unit_can_do_and_takes_what_comes_behind_it():
    info = dataclasses.replace(INFO, block_size=4096, physical_block_size=8192, fua=False, unmap=False)
    served = Served(info)
    with served.nbd(handshake=True) as sock:
        assert take(served, sock, 18) == b"NBDMAGIC" + b"IHAVEOPT" + b"\0\x03"
        go = struct.pack(">IH", 0, 0)
        hello = struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 7, len(go)) + go
        send(served, sock, hello + request(READ, 0, 4096))
        kinds = {}
        for _ in range(3):
            magic, option, kind, length = struct.unpack(">QIII", take(served, sock, 20))
            assert (magic, option) == (0x3E889045565A9, 7)
            kinds[kind] = kinds.get(kind, b"") + take(served, sock, length)
        size, flags = struct.unpack_from(">QH", kinds[3], 2)
        assert (size, flags) == (INFO.size, 1 | 4 | 64 | 256 | 1024)
        assert struct.unpack_from(">III", kinds[3], 14) == (4096, 8192, MAX_REQUEST)
        assert answer(served, sock) == (77, 0)
        take(served, sock, 4096)


@pytest.mark.parametrize("raw", [b"\xff" * 4, struct.pack(">I", 3) + b"nonsense" + bytes(8)])
def test_a_handshake_that_is_none_ends_the_client(served, raw):
    with served.nbd(handshake=True) as sock:
        take(served, sock, 18)
        send(served, sock, raw)
        assert len(served.over) == 1
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(1) == b""


def test_a_handshake_that_is_given_up(served):
    with served.nbd(handshake=True) as sock:
        take(served, sock, 18)
        send(served, sock, struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 2, 0))
        assert take(served, sock, 20)[8:16] == struct.pack(">II", 2, 1)
        served.settle()
        assert served.over == [(1, None)]


def test_a_flush_on_its_way_holds_up_no_reads(served):
    with served.nbd() as sock:
        served.holding = True
        send(served, sock, request(FLUSH, 0, 0))
        send(served, sock, request(READ, 0, 512, handle=5))
        assert served.front.used == 2


def test_a_lost_connection_keeps_everybody_waiting_and_nobody_notices(served):
    served.disk[: 4 * MIB] = NOISE
    with served.nbd() as sock:
        served.holding = True
        send(served, sock, request(READ, 0, 4096, handle=1) + request(WRITE, MIB, MIB, NOISE[:MIB], handle=2))
        served.session.lost()
        served._held.clear()
        served._writing.clear()
        served.wire.connect(window=128)
        served.holding = False
        served.session.unit_ready(served.wire.unit)
        answers = {}
        for _ in range(2):
            handle, error = answer(served, sock)
            answers[handle] = error, take(served, sock, 4096) if handle == 1 else b""
    assert answers == {1: (0, NOISE[:4096]), 2: (0, b"")}
    assert bytes(served.disk[MIB : 2 * MIB]) == NOISE[:MIB]


def test_refused_by_a_unit_that_is_gone(served):
    with served.nbd() as sock:
        served.session.lost()
        served.session.refuse(served.wire.unit, errno.EIO)
        assert do(served, sock, READ, 0, 4096) == EIO
        assert do(served, sock, READ, 0, 4 * MIB) == EIO
        assert do(served, sock, FLUSH, 0, 0) == EIO
