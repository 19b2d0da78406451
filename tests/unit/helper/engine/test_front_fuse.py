# SPDX-License-Identifier: Apache-2.0
"""The kernel's side of /dev/fuse, spoken by hand: a request a message (include/uapi/linux/fuse.h)."""

import contextlib
import dataclasses
import errno
import os
import random
import stat
import struct

import pytest
from lundock.helper.engine.front_fuse import MAX_WRITE
from support.served import INFO, Served
from support.wire import sense

MIB = 1 << 20
NOISE = random.Random(6).randbytes(4 * MIB)
# enum fuse_opcode
FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE = 2, 3, 4, 14, 15, 16, 17, 18
FSYNC, FLUSH, INIT, ACCESS, INTERRUPT, DESTROY, FALLOCATE, LOOKUP = 20, 25, 26, 34, 36, 38, 43, 1
KEEP_SIZE, PUNCH_HOLE, COLLAPSE, ZERO_RANGE = 1, 2, 8, 16  # linux/falloc.h


class Kernel:
    """Asks and is answered; `unique` counts."""

    def __init__(self, served, sock):
        self.served = served
        self.sock = sock
        self.unique = 100

    def ask(self, opcode, body=b"", uid=7, gid=8):
        self.unique += 2
        head = struct.pack("<IIQQIIIHH", 40 + len(body), opcode, self.unique, 1, uid, gid, 9, 0, 0)
        self.sock.send(head + body)
        self.served.settle()
        return self.unique

    def answer(self):
        """Unique, errno and body of the next answer."""
        self.served.settle()
        raw = self.sock.recv(2 * MIB)
        length, error, unique = struct.unpack_from("<IiQ", raw)
        assert length == len(raw)
        return unique, -error, raw[16:]

    def do(self, opcode, body=b"", **who):
        unique = self.ask(opcode, body, **who)
        answered, error, body = self.answer()
        assert answered == unique
        return error, body

    def silent(self):
        self.served.settle()
        self.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            self.sock.recv(1)
        self.sock.settimeout(5)
        return True

    def read(self, offset, length):
        return self.do(READ, struct.pack("<QQIIQII", 1, offset, length, 0, 0, 0, 0))

    def write(self, offset, data):
        error, body = self.do(WRITE, self.write_body(offset, data))
        if not error:
            assert struct.unpack("<II", body) == (len(data), 0)
        return error

    @staticmethod
    def write_body(offset, data):
        return struct.pack("<QQIIQII", 1, offset, len(data), 0, 0, 0, 0) + data

    def fallocate(self, mode, offset, length):
        return self.do(FALLOCATE, struct.pack("<QQQII", 1, offset, length, mode, 0))[0]


@contextlib.contextmanager
def kernel(served=None, **options):
    served = served or Served()
    with served.fuse(**options) as sock:
        yield Kernel(served, sock)


def init(minor=36, flags=0xFFFFFFFF, flags2=0xFFFFFFFF, major=7, length=64):
    return struct.pack("<5I", major, minor, 131072, flags, flags2).ljust(64, b"\0")[:length]


def test_init_agrees_on_what_makes_it_fast():
    with kernel() as k:
        error, body = k.do(INIT, init())
    major, minor, read_ahead, flags, background, congestion, write = struct.unpack_from("<IIIIHHI", body)
    _, pages, _, flags2 = struct.unpack_from("<IHHI", body, 24)
    assert (error, major, minor, read_ahead, write, pages) == (0, 7, 36, 131072, MIB, 256)
    assert background > congestion > 0
    assert len(body) == 64
    assert flags & (1 << 15)  # FUSE_ASYNC_DIO: more than one at once
    assert flags & (1 << 22)  # FUSE_MAX_PAGES
    assert not flags & (1 << 16)  # no FUSE_WRITEBACK_CACHE: written is written
    assert flags2 == 1 << 7  # FUSE_HAS_RESEND


@pytest.mark.parametrize(("read_only", "held_back"), [(False, 1 << 16), (True, 0)])
def test_init_lets_the_kernel_hold_back_writes_where_it_is_told_to(read_only, held_back):
    with kernel(cached=True, read_only=read_only) as k:
        _, body = k.do(INIT, init())
    assert struct.unpack_from("<I", body, 12)[0] & (1 << 16) == held_back  # FUSE_WRITEBACK_CACHE


def test_init_takes_only_what_the_kernel_offers():
    with kernel() as k:
        _, body = k.do(INIT, init(flags=1, flags2=0xFFFFFFFF))
    assert struct.unpack_from("<I", body, 12) == (1,)
    assert struct.unpack_from("<I", body, 32) == (0,)  # without INIT_EXT there are no second flags


@pytest.mark.parametrize("body", [init(minor=30), init(major=6), init(length=12)])
def test_an_old_kernel_is_refused(body):
    with kernel() as k:
        assert k.do(INIT, body)[0] == errno.EPROTO
        assert [problem.code for _, problem in k.served.over] == (["NotSupported"] if len(body) == 64 else [])


def test_the_file_is_as_large_as_the_disk_and_belongs_to_who_asks():
    with kernel() as k:
        error, body = k.do(GETATTR, bytes(16), uid=1000, gid=1001)
        assert (error, struct.unpack_from("<QII", body)) == (0, (0, 0, 0))
        inode, size, blocks = struct.unpack_from("<3Q", body, 16)
        mode, links, uid, gid = struct.unpack_from("<4I", body, 16 + 60)
    assert (inode, size, blocks, links, uid, gid) == (1, INFO.size, INFO.size // 512, 1, 1000, 1001)
    assert mode == stat.S_IFREG | 0o600


def test_the_file_cannot_be_cut():
    with kernel() as k:
        valid_size = 8
        attr = struct.pack("<IIQQ", valid_size, 0, 1, 4096).ljust(88, b"\0")
        assert k.do(SETATTR, attr)[0] == errno.EPERM
        same = struct.pack("<IIQQ", valid_size, 0, 1, INFO.size).ljust(88, b"\0")
        assert k.do(SETATTR, same)[0] == 0
        assert k.do(SETATTR, struct.pack("<IIQQ", 0, 0, 1, 4096).ljust(88, b"\0"))[0] == 0


@pytest.mark.parametrize("split", [1000, 1 << 18])
@pytest.mark.parametrize(("offset", "length"), [(0, 4096), (MIB, MIB), (512, 131072), (4096, 20_480), (4096, 600_064)])
def test_reads_and_writes(split, offset, length):
    served = Served(split=split)
    with kernel(served) as k:
        assert k.write(offset, NOISE[:length]) == 0
        assert k.read(offset, length) == (0, NOISE[:length])
        assert served.front.held == served.front.used == 0
    assert bytes(served.disk[offset : offset + length]) == NOISE[:length]
    assert served.fronts.memory.lent == 0


@pytest.mark.parametrize("block_size", [512, 4096])
@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, 1), (511, 2), (100, 5000), (4095, 1), (4095, 4098), (1, MIB - 1), (8192, 100), (12287, 8193)],
)
def test_ranges_that_do_not_keep_to_blocks(block_size, offset, length):
    served = Served(dataclasses.replace(INFO, block_size=block_size, physical_block_size=4096))
    served.disk[: 4 * MIB] = NOISE
    with kernel(served) as k:
        assert k.read(offset, length) == (0, NOISE[offset : offset + length])
        data = bytes(byte ^ 0x5A for byte in NOISE[:length])
        assert k.write(offset, data) == 0
    assert bytes(served.disk[: 4 * MIB]) == NOISE[:offset] + data + NOISE[offset + length :]


def test_a_patch_that_cannot_read_writes_nothing():
    served = Served()
    served.fail = {0x88: sense(3, 0x11, 0)}
    with kernel(served) as k:
        assert k.write(100, b"x" * 2000) == errno.EIO
        assert [operation for operation, _, _ in served.commands] == [0x88, 0x88]
        served.fail = {}
        assert k.write(100, b"x" * 2000) == 0


def test_patches_wait_for_writes_and_writes_for_patches():
    served = Served()
    served.holding = True
    with kernel(served) as k:
        asked = [
            k.ask(WRITE, k.write_body(0, b"a" * 4096)),
            k.ask(WRITE, k.write_body(1000, b"b" * 1000)),
            k.ask(WRITE, k.write_body(0, b"c" * 512)),
            k.ask(WRITE, k.write_body(1500, b"d" * 100)),
        ]
        assert not served.front.idle
        served.holding = False
        assert [k.answer()[:2] for _ in asked] == [(unique, 0) for unique in asked]
        assert served.front.idle
    expected = b"c" * 512 + b"a" * 488 + b"b" * 500 + b"d" * 100 + b"b" * 400 + b"a" * 2096
    assert bytes(served.disk[:4096]) == expected


def test_more_writes_than_there_are_slots_wait_behind_a_patch():
    served = Served(settings={"queue_depth": 2})
    served.holding = True
    with kernel(served) as k:
        asked = [k.ask(WRITE, k.write_body(100, b"x" * 50))]
        asked += [k.ask(WRITE, k.write_body(4096 * n, NOISE[4096 * n :][:4096])) for n in range(1, 6)]
        served.holding = False
        assert sorted(k.answer()[:2] for _ in asked) == [(unique, 0) for unique in asked]
        assert served.front.idle
        assert served.front.held == 0
    assert bytes(served.disk[4096:24576]) == NOISE[4096:24576]


def test_beyond_the_end():
    with kernel() as k:
        end = INFO.size
        assert k.read(end, 4096) == (0, b"")
        assert k.read(end + 12345, 4096) == (0, b"")
        assert k.read(end - 512, 4096) == (0, bytes(512))
        assert k.write(end - 512, bytes(1024)) == errno.ENOSPC
        assert k.write(end, b"x") == errno.ENOSPC
        assert k.write(0, b"") == errno.EINVAL


def test_a_write_shorter_than_it_says_writes_what_came():
    with kernel() as k:
        body = struct.pack("<QQIIQII", 1, 0, 8192, 0, 0, 0, 0) + b"x" * 4096
        error, answer = k.do(WRITE, body)
        assert (error, struct.unpack("<II", answer)) == (0, (4096, 0))


@pytest.mark.parametrize(
    ("given", "expected"),
    [((3, 0x11, 0), errno.EIO), ((7, 0x27, 7), errno.ENOSPC), ((7, 0x27, 0), errno.EROFS)],
)
@pytest.mark.parametrize("blocks", [8, 1024])
def test_errors(given, expected, blocks):
    served = Served(dataclasses.replace(INFO, max_transfer_blocks=256))
    served.fail = {0x88: sense(*given), 0x8A: sense(*given)}
    with kernel(served) as k:
        assert k.read(0, blocks * 512) == (expected, b"")
        assert k.write(0, bytes(blocks * 512)) == expected


def test_a_read_only_disk():
    with kernel(read_only=True) as k:
        assert k.write(0, bytes(512)) == errno.EROFS
        assert k.fallocate(PUNCH_HOLE | KEEP_SIZE, 0, 4096) == errno.EROFS
        assert k.do(FSYNC, bytes(16)) == (0, b"")
        assert k.do(OPEN, struct.pack("<II", os.O_RDWR, 0))[0] == errno.EROFS
        assert k.do(OPEN, struct.pack("<II", os.O_RDONLY, 0))[0] == 0
        _, body = k.do(GETATTR, bytes(16))
        assert struct.unpack_from("<I", body, 16 + 60) == (stat.S_IFREG | 0o400,)
        assert k.served.commands == []
        assert not k.served.front.unwritten


def test_what_is_only_acknowledged_and_what_is_not_known():
    with kernel() as k:
        assert k.do(OPEN, struct.pack("<II", os.O_RDWR, 0)) == (0, struct.pack("<QII", 1, 0, 0))
        for opcode in (RELEASE, FLUSH, ACCESS, DESTROY):
            assert k.do(opcode, bytes(24)) == (0, b"")
        error, body = k.do(STATFS)
        assert (error, struct.unpack_from("<Q", body)) == (0, (INFO.size // 4096,))
        assert len(body) == 80
        assert k.do(LOOKUP, b"x\0")[0] == errno.ENOSYS
        for opcode in (FORGET, INTERRUPT):
            k.ask(opcode, bytes(8))
        assert k.silent()


def test_fsync_flushes_the_unit_and_counts_what_is_flushed():
    with kernel() as k:
        front = k.served.front
        assert not front.unwritten
        k.write(0, bytes(512))
        assert front.unwritten
        assert k.do(FSYNC, bytes(16)) == (0, b"")
        assert not front.unwritten
        assert [operation for operation, _, _ in k.served.commands] == [0x8A, 0x91]


def test_a_flush_with_a_write_on_its_way_does_not_cover_it():
    served = Served()
    with kernel(served) as k:
        k.write(0, bytes(512))
        served.holding = True
        k.ask(WRITE, k.write_body(512, bytes(512)))
        k.ask(FSYNC, bytes(16))
        served.holding = False
        k.answer()
        k.answer()
        assert served.front.unwritten
        assert k.do(FSYNC, bytes(16)) == (0, b"")
        assert not served.front.unwritten


@pytest.mark.parametrize(
    ("mode", "offset", "length", "expected"),
    [
        (PUNCH_HOLE | KEEP_SIZE, 0, MIB, 0),
        (ZERO_RANGE | KEEP_SIZE, 0, MIB, 0),
        (PUNCH_HOLE | KEEP_SIZE, 100, 512, errno.EOPNOTSUPP),
        (0, 0, MIB, errno.EOPNOTSUPP),
        (COLLAPSE, 0, MIB, errno.EOPNOTSUPP),
        (PUNCH_HOLE | KEEP_SIZE, INFO.size, 4096, 0),
    ],
)
def test_fallocate(mode, offset, length, expected):
    served = Served()
    served.disk[: 4 * MIB] = NOISE
    with kernel(served) as k:
        assert k.fallocate(mode, offset, length) == expected
        zeroed = not expected and offset == 0
        assert served.front.unwritten == zeroed
    assert bytes(served.disk[: 4 * MIB]) == (bytes(MIB) + NOISE[MIB:] if zeroed else NOISE)
    unmaps = [bool(cdb[1] & 8) for cdb in served.cdbs]
    assert unmaps == ([bool(mode & PUNCH_HOLE)] if zeroed else [])


def test_fallocate_is_refused_where_it_would_not_zero():
    info = dataclasses.replace(INFO, write_same=False, write_same_unmap=False)
    with kernel(Served(info)) as k:
        assert k.fallocate(PUNCH_HOLE | KEEP_SIZE, 0, MIB) == errno.EOPNOTSUPP
        assert k.fallocate(ZERO_RANGE, 0, MIB) == errno.EOPNOTSUPP
        assert k.do(FALLOCATE, bytes(8))[0] == errno.EINVAL


def test_a_new_process_asks_for_what_the_dead_one_had():
    with kernel(resume=True) as k:
        assert k.sock.recv(100) == struct.pack("<IiQ", 16, 7, 0)  # FUSE_NOTIFY_RESEND
        assert k.served.front.unwritten


def test_no_more_is_taken_than_there_are_slots():
    served = Served(settings={"queue_depth": 4})
    served.disk[: 4 * MIB] = NOISE
    served.holding = True
    with kernel(served) as k:
        asked = {k.ask(READ, struct.pack("<QQIIQII", 1, n * 4096, 4096, 0, 0, 0, 0)): n for n in range(20)}
        assert served.front.used == 4
        served.holding = False
        for _ in range(20):
            unique, error, body = k.answer()
            n = asked.pop(unique)
            assert (error, body) == (0, NOISE[4096 * n :][:4096])


def test_no_more_is_taken_than_there_is_memory():
    served = Served(limit=16 * MIB, settings={"queue_depth": 64})
    served.holding = True
    with kernel(served) as k:
        for n in range(20):
            k.sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                k.ask(WRITE, k.write_body(n * MIB, bytes(MIB)))
        held = served.front.held
        assert 7 * MIB <= held <= 9 * MIB + served.fronts.memory.share
        k.sock.settimeout(5)
        served.holding = False
        assert k.answer()[1] == 0


def test_the_mount_is_gone():
    served = Served()
    served.holding = True
    with kernel(served) as k:
        k.ask(WRITE, k.write_body(0, bytes(MAX_WRITE)))
        k.sock.close()
        served.settle()
        assert served.over == [(1, None)]
        served.holding = False
        served.settle()
        assert served.front.fileno() == -1
    assert len(served.session.free) == served.session.depth
    assert served.fronts.memory.lent == 0


def test_detaching_waits_for_a_read():
    served, ended = Served(), []
    served.holding = True
    with kernel(served) as k:
        unique = k.ask(READ, struct.pack("<QQIIQII", 1, 0, 4096, 0, 0, 0, 0))
        served.fronts.detach(1, lambda: ended.append(1))
        served.settle()
        assert ended == []
        served.holding = False
        assert k.answer() == (unique, 0, bytes(4096))
        served.settle()
        assert ended == [1]


def test_detaching_waits_for_a_flush():
    """Its answer is the last thing that the front has to do, and it comes while its jobs are gone through."""
    served, ended = Served(), []
    served.holding = True
    with kernel(served) as k:
        unique = k.ask(FSYNC, bytes(16))
        served.fronts.detach(1, lambda: ended.append(1))
        served.settle()
        assert ended == []
        served.holding = False
        assert k.answer() == (unique, 0, b"")
        served.settle()
        assert ended == [1]


def test_writes_that_begin_when_another_one_fails_are_all_done():
    """Two of several commands each begin while the jobs are gone through; there is no room for all of the second."""
    info = dataclasses.replace(INFO, max_transfer_blocks=64)
    served = Served(info, settings={"queue_depth": 3})
    served.fail = {0x88: sense(3, 0x11, 0)}  # the odd one has to read first, and cannot
    served.holding = True
    with kernel(served) as k:
        odd = k.ask(WRITE, k.write_body(10, b"x" * 700))
        large = [k.ask(WRITE, k.write_body(MIB + n * 65536, NOISE[n : n + 65536])) for n in range(2)]
        served.holding = False
        answers = dict(k.answer()[:2] for _ in range(3))
        assert answers == {odd: errno.EIO, **dict.fromkeys(large, 0)}
    for n in range(2):
        assert served.disk[MIB + n * 65536 : MIB + (n + 1) * 65536] == NOISE[n : n + 65536]
    assert served.front.jobs == []
    assert served.front.held == served.front.used == 0


def test_detaching_finishes_what_is_queued():
    served = Served()
    served.holding = True
    ended = []
    with kernel(served) as k:
        asked = [k.ask(WRITE, k.write_body(10 * n, b"x" * 700)) for n in range(4)]
        served.fronts.detach(1, lambda: ended.append(1))
        served.settle()
        assert ended == []
        served.holding = False
        assert [k.answer()[:2] for _ in asked] == [(unique, 0) for unique in asked]
        served.settle()
        assert ended == [1]
        assert k.sock.recv(1) == b""
    assert served.commands[-1] == (0x91, 0, 0)
