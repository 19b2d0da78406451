# SPDX-License-Identifier: Apache-2.0
"""One disk as one regular file, spoken raw over /dev/fuse (include/uapi/linux/fuse.h, protocol 7.31 and newer).

The descriptor was opened and mounted over a file by somebody else; the file is the file system's root, so that there
is no LOOKUP and no READDIR. Requests come one a read and are answered one a write, in any order. The kernel's loop
driver is the usual user; other programs may read and write any range, which is widened to blocks here.

There is no state but the disk's size: a new process goes on with a descriptor that another one left, and has the
requests that died with it sent again (FUSE_NOTIFY_RESEND, Linux 6.9).
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from collections import deque
from collections.abc import Callable
from struct import Struct

from ..api.errors import Problem
from .buffers import HEADROOM, Buffer
from .front import MAX_JOBS, Driver, Front, Job
from .loop import BROKEN, READ
from .task import WRITE_16, Task, Unit

log = logging.getLogger(__name__)

_IN = Struct("<IIQQIIIHH")  # len, opcode, unique, nodeid, uid, gid, pid, total_extlen, padding
_OUT = Struct("<IiQ")  # len, error, unique
_READ_WRITE = Struct("<QQI")  # fh, offset, size (and flags that do not matter here)
_WRITTEN = Struct("<IiQII")  # header, size
_ATTR = Struct("<6Q10I")
_INIT_IN = Struct("<5I")
_INIT_OUT = Struct("<IIIIHHIIHHIIH22x")
_STATFS = Struct("<5Q10I")

# Every request's header (40) and a WRITE's (40): what follows, its data, begins on a page.
_HEAD = 80
_BODY = 40

SETATTR, GETATTR, OPEN, READ_OP, WRITE_OP, STATFS, RELEASE = 4, 3, 14, 15, 16, 17, 18
FSYNC, FLUSH, INIT, ACCESS, INTERRUPT, DESTROY, FALLOCATE = 20, 25, 26, 34, 36, 38, 43
FORGET, BATCH_FORGET = 2, 42

_ASYNC_READ, _BIG_WRITES, _ASYNC_DIO, _MAX_PAGES, _INIT_EXT = 1 << 0, 1 << 5, 1 << 15, 1 << 22, 1 << 30
#: Without ASYNC_DIO there is never more than one request at once.
_WANTED = _ASYNC_READ | _BIG_WRITES | _ASYNC_DIO | _MAX_PAGES | _INIT_EXT
#: The kernel holds back writes until the file is closed or synchronized, and sends large ones: programs that work on
#: a disk's image write block by block. It takes the file's size to be the one that it has seen first.
_WRITEBACK_CACHE = 1 << 16
_HAS_RESEND = 1 << (39 - 32)
_NOTIFY_RESEND = 7
_MAJOR, _MINOR = 7, 31
_MAX_BACKGROUND = 256

MAX_WRITE = 1 << 20
_PAGE = 4096
_ATTR_SIZE = 1 << 3  # FATTR_SIZE
_KEEP_SIZE, _PUNCH_HOLE, _ZERO_RANGE = 1, 2, 16
#: Writes up to the first are copied out of the receive buffer, up to the second into a pooled one of their size.
_COPIED, _MOVED = 16 * 1024, 512 * 1024


class FuseFront(Front):
    """One mounted file."""

    def __init__(
        self, driver: Driver, number: int, unit: Unit, fd: int, *, read_only: bool, resume: bool, cached: bool = False
    ) -> None:
        super().__init__(driver, number, unit, read_only=read_only)
        os.set_blocking(fd, False)
        self._wanted = _WANTED | (_WRITEBACK_CACHE if cached and not read_only else 0)
        self._fd = fd
        self._resume = resume
        self._head = bytearray(_HEAD)
        #: Where requests are received; ours only while we do.
        self._buffer: Buffer | None = None
        self._watching = READ
        self._since = int(time.time())
        # A write that does not keep to blocks is alone on its way: what it reads and writes again must not change
        # between.
        self._writing = 0
        self._patching = False
        # Changes that were asked for, that were answered, and that a flush has covered.
        self._asked = self._answered = int(resume)  # what the dead process had not flushed is not known
        self._covered = 0
        self._queue: deque[tuple[int, int, memoryview | bytes, Buffer | None]] = deque()

    def begin(self) -> None:
        """Ask for what a dead process had taken; a new mount begins with the kernel's INIT."""
        if not self._resume:
            return
        try:
            os.write(self._fd, _OUT.pack(_OUT.size, _NOTIFY_RESEND, 0))
        except OSError as error:
            # Kernels before 6.9: what the dead one had taken stays unanswered until the connection is aborted.
            log.warning("requests of the previous process are not sent again: %s", error.strerror)

    # -- taking requests ---------------------------------------------------------------------------------------
    def ready(self, events: int) -> None:
        """Poll says that there are requests, or that the mount is gone."""
        if events & READ:
            self.go_on()
        elif events & BROKEN:
            self.driver.front_over(self, None)

    def go_on(self) -> None:
        """Take requests as far as there is room."""
        if self._queue:
            self._advance_queue()
        self._receive()
        buffer, self._buffer = self._buffer, None
        if buffer is not None:
            buffer.release()
        self._watch()

    def _receive(self) -> None:  # noqa: PLR0912 - the hot loop
        free, head, session, unit = self.session.free, self._head, self.session, self.unit
        readv, unpack, unpack_range = os.readv, _IN.unpack_from, _READ_WRITE.unpack_from
        mask, shift, piece, size = self.mask, self.shift, self.piece, self.size
        while self._fd >= 0 and self.closing is None:
            if self.used >= self.max_used or not free or len(self.jobs) >= MAX_JOBS:
                self.block()
                break
            # How much it will be is not known before.
            if self.held + MAX_WRITE > self.max_held and not self.may_hold(MAX_WRITE):
                self.block()
                break
            buffer = self._buffer
            if buffer is None:
                buffer = self._buffer = session.pool.get(MAX_WRITE)
            try:
                n = readv(self._fd, (head, buffer.payload(MAX_WRITE)))
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):  # interrupted before we had it
                    continue
                n = 0  # ENODEV: unmounted or aborted
            if n < _IN.size:
                self.driver.front_over(self, None)
                return
            _, opcode, unique, _, uid, gid, _, _, _ = unpack(head)
            if opcode == READ_OP:
                _, offset, length = unpack_range(head, _BODY)
                if 0 < length <= piece and not (offset | length) & mask and offset + length <= size:
                    self.used += 1
                    self.held += length
                    session.read(unit, self, unique, offset >> shift, length >> shift, length)
                else:
                    self._odd_read(unique, offset, length)
            elif opcode == WRITE_OP:
                _, offset, length = unpack_range(head, _BODY)
                self._take_write(unique, offset, min(length, n - _HEAD), buffer)
            else:
                body = bytes(head[_BODY : min(n, _HEAD)]) + bytes(buffer.payload(max(n - _HEAD, 0)))
                self._rare(opcode, unique, body, uid, gid)

    def _watch(self) -> None:
        events = 0 if self.is_blocked or self.closing is not None else READ
        if events != self._watching and self._fd >= 0:
            self._watching = events
            self.driver.watch(self._fd, events)

    # -- reading and writing -----------------------------------------------------------------------------------
    def _odd_read(self, unique: int, offset: int, length: int) -> None:
        length = min(length, max(self.size - offset, 0))
        if length:
            self.read_job(unique, offset, length)
        else:
            self._answer(unique)

    def _take_write(self, unique: int, offset: int, length: int, buffer: Buffer) -> None:
        """Move the data out of the receive buffer, and start the write or queue it."""
        if self.read_only or offset + length > self.size or length <= 0:
            self._fail(unique, errno.EROFS if self.read_only else errno.ENOSPC if length > 0 else errno.EINVAL)
            return
        self._asked += 1
        data, pooled = self._keep(length, buffer)
        if self._queue or self._patching or (offset | length) & self.mask:
            self.held += length
            self._queue.append((unique, offset, data, pooled))
            self._advance_queue()
        else:
            self._start_write(unique, offset, data, pooled)

    def _keep(self, length: int, buffer: Buffer) -> tuple[memoryview | bytes, Buffer | None]:
        if length <= _COPIED:
            return bytes(buffer.payload(length)), None
        if length <= _MOVED:
            pooled = self.session.pool.get(length)
            data = pooled.payload(length)
            data[:] = buffer.payload(length)
            return data, pooled
        self._buffer = None
        return buffer.payload(length), buffer

    def _start_write(self, unique: int, offset: int, data: memoryview | bytes, pooled: Buffer | None) -> None:
        self._writing += 1
        length = len(data)
        if length <= self.piece:
            self.used += 1
            self.held += length
            self.session.write(self.unit, self, unique, offset >> self.shift, length >> self.shift, data, pooled)
        else:
            self.write_job(unique, offset, data, pooled, fua=False)

    def _advance_queue(self) -> None:
        """Start queued writes in order; one that does not keep to blocks when no other is on its way."""
        queue = self._queue
        while queue and not self._patching:
            unique, offset, data, pooled = queue[0]
            odd = bool((offset | len(data)) & self.mask)
            if odd and self._writing:
                return
            if not odd and not self.has_room():
                self.block()
                return
            queue.popleft()
            self.held -= len(data)
            if odd:
                self._patching = True
                self._writing += 1
                self.patch_job(unique, offset, data, pooled)
            else:
                self._start_write(unique, offset, data, pooled)

    def _write_ended(self) -> None:
        self._answered += 1
        self._writing -= 1
        if not self._writing:
            self._patching = False
        if self._queue:
            self._advance_queue()

    # -- answering ---------------------------------------------------------------------------------------------
    def read_ready(self, task: Task, view: memoryview, start: int, end: int) -> None:
        """Answer a read: the header goes before the data."""
        self.used -= 1
        self.held -= task.length
        start -= HEADROOM
        _OUT.pack_into(view, start, end - start, 0, task.cookie)
        try:
            os.write(self._fd, view[start:end])
        except OSError as error:
            self._write_failed(error)
        if self.closing is not None:
            self.check_idle()

    def done(self, task: Task, error: int) -> None:
        """Answer a write, or a read that failed."""
        self.used -= 1
        self.held -= task.length
        if error:
            self._fail(task.cookie, error)
        else:
            self._write_out(_WRITTEN.pack(24, 0, task.cookie, task.length, 0))
        if task.opcode == WRITE_16:
            self._write_ended()
        if self.closing is not None:
            self.check_idle()

    def job_done(self, job: Job) -> None:
        """Answer a request of several commands."""
        if job.at:
            if job.error or job.pooled is None:
                self._fail(job.cookie, job.error or errno.EIO)
                return
            start, end = job.at - HEADROOM, job.at + job.length
            _OUT.pack_into(job.pooled.view, start, end - start, 0, job.cookie)
            self._write_out(job.pooled.view[start:end])
        elif job.error:
            self._fail(job.cookie, job.error)
        elif job.length:
            self._write_out(_WRITTEN.pack(24, 0, job.cookie, job.length, 0))
        else:
            self._answer(job.cookie)
        if job.length and not job.at:
            self._write_ended()
        elif job.changes:
            self._answered += 1

    def _answer(self, unique: int, data: bytes = b"") -> None:
        self._write_out(_OUT.pack(_OUT.size + len(data), 0, unique) + data)

    def _fail(self, unique: int, error: int) -> None:
        self._write_out(_OUT.pack(_OUT.size, -error, unique))

    def _write_out(self, answer: bytes | memoryview) -> None:
        try:
            os.write(self._fd, answer)
        except OSError as error:
            self._write_failed(error)

    def _write_failed(self, error: OSError) -> None:
        """ENOENT: who asked was interrupted, or the connection aborted; the next read says which."""
        if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EBADF):
            log.warning("an answer was refused: %s", error.strerror)

    # -- everything else ---------------------------------------------------------------------------------------
    def _rare(self, opcode: int, unique: int, body: bytes, uid: int, gid: int) -> None:
        if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
            return  # no answer; what was asked is finished all the same
        if opcode in (GETATTR, SETATTR):
            self._attributes(opcode, unique, body, uid, gid)
            return
        handler = _RARE.get(opcode)
        if handler is None:
            self._fail(unique, errno.ENOSYS)
        else:
            handler(self, unique, body)

    def _init(self, unique: int, body: bytes) -> None:
        if len(body) < _INIT_IN.size - 4:
            self._fail(unique, errno.EPROTO)
            return
        major, minor, read_ahead, flags, flags2 = _INIT_IN.unpack_from(body.ljust(_INIT_IN.size, b"\0"))
        if major < _MAJOR or (major == _MAJOR and minor < _MINOR):
            self._fail(unique, errno.EPROTO)
            self.driver.front_over(self, Problem("NotSupported", what="FUSE", detail=f"Protocol {major}.{minor}."))
            return
        flags2 = flags2 & _HAS_RESEND if flags & _INIT_EXT else 0
        answer = _INIT_OUT.pack(
            _MAJOR, min(minor, 45), read_ahead, self._wanted & flags, _MAX_BACKGROUND, _MAX_BACKGROUND * 3 // 4,
            MAX_WRITE, 1, MAX_WRITE // _PAGE, 0, flags2, 0, 0,
        )  # fmt: skip
        self._answer(unique, answer)

    def _attributes(self, opcode: int, unique: int, body: bytes, uid: int, gid: int) -> None:
        """The file belongs to who asks: who may ask, the mount decides. Its size is the disk's, and only the disk's."""
        if opcode == SETATTR and len(body) >= 24:
            valid = int.from_bytes(body[:4], "little")
            wanted = int.from_bytes(body[16:24], "little")
            if valid & _ATTR_SIZE and wanted != self.size:
                self._fail(unique, errno.EPERM)
                return
        mode = stat.S_IFREG | (0o400 if self.read_only else 0o600)
        attr = _ATTR.pack(
            1, self.size, self.size // 512, self._since, self._since, self._since, 0, 0, 0, mode, 1, uid, gid, 0,
            max(self.block_size, _PAGE), 0,
        )  # fmt: skip
        self._answer(unique, bytes(16) + attr)  # valid for no time: a disk may grow

    def _open(self, unique: int, body: bytes) -> None:
        flags = int.from_bytes(body[:4], "little")
        if self.read_only and flags & os.O_ACCMODE != os.O_RDONLY:
            self._fail(unique, errno.EROFS)
        else:
            self._answer(unique, (1).to_bytes(8, "little") + bytes(8))

    def _statfs(self, unique: int, _body: bytes) -> None:
        self._answer(unique, _STATFS.pack(self.size // _PAGE, 0, 0, 1, 0, _PAGE, 255, _PAGE, *[0] * 7))

    def _nothing(self, unique: int, _body: bytes) -> None:
        self._answer(unique)

    def _fsync(self, unique: int, _body: bytes) -> None:
        if self.read_only:
            self._answer(unique)
        else:
            self.flush_job(unique)

    def _fallocate(self, unique: int, body: bytes) -> None:
        """Discard and zeroing: both must read as zeros afterwards, so that UNMAP alone, which is advice, is not
        enough.
        """
        if len(body) < 28:
            self._fail(unique, errno.EINVAL)
            return
        offset = int.from_bytes(body[8:16], "little")
        length = min(int.from_bytes(body[16:24], "little"), max(self.size - offset, 0))
        mode = int.from_bytes(body[24:28], "little")
        info = self.unit.known
        punch = bool(mode & _PUNCH_HOLE)
        can = info.write_same_unmap if punch else bool(mode & _ZERO_RANGE) and info.write_same
        if self.read_only:
            self._fail(unique, errno.EROFS)
        elif not can or mode & ~(_KEEP_SIZE | _PUNCH_HOLE | _ZERO_RANGE) or (offset | length) & self.mask:
            self._fail(unique, errno.EOPNOTSUPP)
        elif not length:
            self._answer(unique)
        else:
            self._asked += 1
            self.zero_job(unique, offset, length, unmap=punch)

    # -- what is not flushed -----------------------------------------------------------------------------------
    @property
    def unwritten(self) -> bool:
        """As in Front."""
        return self._asked != self._covered

    def flush_begins(self) -> int:
        """A flush covers what was answered before; with something on its way it is not told apart what that is."""
        return self._asked if self._asked == self._answered else self._covered

    def flushed(self, mark: int) -> None:
        """As in Front."""
        self._covered = max(self._covered, mark)

    # -- ending ------------------------------------------------------------------------------------------------
    @property
    def idle(self) -> bool:
        """As in Front; nothing may be queued, too."""
        return super().idle and not self._queue

    def close(self) -> None:
        """Close the descriptor: without another one of it the mount is aborted."""
        fd, self._fd = self._fd, -1
        self.jobs.clear()
        self._queue.clear()
        if fd >= 0:
            os.close(fd)

    def fileno(self) -> int:
        """The descriptor; -1 when it is closed."""
        return self._fd


_RARE: dict[int, Callable[[FuseFront, int, bytes], None]] = {
    INIT: FuseFront._init,  # noqa: SLF001 - the table of this class
    OPEN: FuseFront._open,  # noqa: SLF001
    STATFS: FuseFront._statfs,  # noqa: SLF001
    RELEASE: FuseFront._nothing,  # noqa: SLF001
    FLUSH: FuseFront._nothing,  # noqa: SLF001
    ACCESS: FuseFront._nothing,  # noqa: SLF001
    DESTROY: FuseFront._nothing,  # noqa: SLF001
    FSYNC: FuseFront._fsync,  # noqa: SLF001
    FALLOCATE: FuseFront._fallocate,  # noqa: SLF001
}
