# SPDX-License-Identifier: Apache-2.0
"""NBD on a connected stream socket: transmission with simple replies (NetworkBlockDevice/nbd, doc/proto.md).

Requests are read many at a time and become commands at once; replies are collected and leave together. The reply to a
read is written over the 16 bytes before its data, wherever the session has it, so that header and data leave as one
piece, uncopied.
"""

from __future__ import annotations

import errno
import itertools
import mmap
import operator
import socket
from collections.abc import Sequence

from ..api.errors import Problem
from . import nbd, runs
from .buffers import HEADROOM, SEND_SIZE, Buffer, SendQueue, large_buffers
from .front import MAX_JOBS, Driver, Front, Job
from .loop import BROKEN, READ, WRITE
from .nbd_handshake import Handshake, export_of
from .pipes import Pipe
from .task import Task, Unit

#: The most that one request may read or write, where the session's memory allows it; announced, and what clients
#: assume unasked.
MAX_REQUEST = 32 << 20
_BUFFER = 256 * 1024
#: A write of at least this size that is not all there is received into a place of its own.
_DIRECT = 32 * 1024
_REQUEST, _REPLY, _ROW = nbd.REQUEST, nbd.REPLY, nbd.ROW
_REQUEST_MAGIC, _REPLY_MAGIC = nbd.REQUEST_MAGIC, nbd.REPLY_MAGIC
_PLAIN_READ, _PLAIN_WRITE = nbd.PLAIN_READ, nbd.PLAIN_WRITE
_CMD_READ, _CMD_WRITE = nbd.CMD_READ, nbd.CMD_WRITE


class NbdFront(Front):
    """One NBD client."""

    fixed = _BUFFER + SEND_SIZE
    patient = True

    def __init__(
        self, driver: Driver, number: int, unit: Unit, sock: socket.socket, *, handshake: bool, read_only: bool,
        alone: bool = False, max_request: int = MAX_REQUEST,
    ) -> None:  # fmt: skip
        super().__init__(driver, number, unit, read_only=read_only)
        self.max_request = min(max_request & -self.block_size, MAX_REQUEST)
        sock.setblocking(False)
        large_buffers(sock)
        self.sock = sock
        self.out = SendQueue()
        self._buffer = mmap.mmap(-1, _BUFFER, flags=mmap.MAP_PRIVATE)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._pos = 0
        #: How long the last request was that was looked at as the first of several.
        self._one = 0
        self._watching = READ
        self._leaving = False
        # A write whose data is still being received: its place, and the request.
        self._into: Buffer | None = None
        self._into_rest: memoryview | None = None
        self._into_request = (0, 0, 0, 0)  # flags, handle, offset, length
        export = export_of(unit.known, self.max_request, read_only=self.read_only, alone=alone)
        self._handshake = Handshake(export) if handshake else None

    def begin(self) -> None:
        """Greet the client."""
        if self._handshake is not None:
            self.out.add(self._handshake.to_send())
            self.touch()

    # -- receiving ---------------------------------------------------------------------------------------------
    def ready(self, events: int) -> None:
        """Poll says that the socket can be read or written."""
        if events & WRITE:
            self.flush()
            if self.is_blocked:
                self.driver.wake()
        if events & READ and self._watching & READ:
            self._receive()
        elif events & BROKEN:
            self._over(None)

    def _receive(self) -> None:
        try:
            rest = self._into_rest
            if rest is not None:
                n = self.sock.recvmsg_into([rest, self._view])[0]
            else:
                n = self.sock.recv_into(self._view[self._filled :])
        except BlockingIOError:
            return
        except OSError:
            n = 0
        if n == 0:
            self._over(None)
            return
        try:
            if rest is not None:
                n = self._received_into(n, rest)
                if n < 0:
                    return
            self._filled += n
            self.go_on()
        except Problem as problem:
            self._over(problem)

    def _received_into(self, n: int, rest: memoryview) -> int:
        """Count bytes towards a large write; returns how many lie behind it in the buffer, or -1 when it is not
        complete.
        """
        if n < len(rest):
            self._into_rest = rest[n:]
            return -1
        self._into_rest = None
        self._filled = self._pos = 0
        return n - len(rest)

    def _end_write(self, buffer: Buffer) -> bool:
        """Start a large write that is complete; False when it is not, or somebody has taken its slot meanwhile."""
        if self._into_rest is not None:
            return False
        if self._room() <= 0:
            self.block()
            return False
        self._into = None
        flags, handle, offset, length = self._into_request
        self.held -= length
        self._write(flags, handle, offset, buffer.payload(length), buffer)
        return True

    def go_on(self) -> None:
        """Take the requests that are in the buffer, as far as there is room."""
        if self._handshake is not None:
            self._shake_hands()
        elif not self._leaving:
            self._parse()
        if self._leaving:
            self._leave()
        self._watch()

    def _shake_hands(self) -> None:
        handshake = self._handshake
        if handshake is None:
            return
        handshake.feed(self._view[self._pos : self._filled])
        self._pos = self._filled = 0
        self.out.add(handshake.to_send())
        self.touch()
        if handshake.aborted:
            self._leaving = True
        elif handshake.done:
            rest = handshake.leftover
            self._handshake = None
            if len(rest) > _BUFFER // 2:
                raise _broken("too much before the answer")
            self._buffer[: len(rest)] = rest
            self._filled = len(rest)
            self._parse()

    def _parse(self) -> None:  # noqa: C901, PLR0912, PLR0915 - the hot loop
        """The hot loop: every request that is all there becomes a command."""
        if self._into is not None and not self._end_write(self._into):
            return
        buffer, view, pos, filled = self._buffer, self._view, self._pos, self._filled
        unpack, mask, shift, piece = _REQUEST.unpack_from, self.mask, self.shift, self.piece
        size, kept, limit = self.size, self.kept, self.max_request
        if filled - pos >= 2 * _ROW.size and filled - pos != self._one:
            pos = self._take_run(pos, filled)
        reads: list[tuple[int, int, int]] = []
        room = self._room()
        while filled - pos >= 28:
            if len(reads) >= room:
                self.block()
                break
            magic, flags, kind, handle, offset, length = unpack(buffer, pos)
            if magic != _REQUEST_MAGIC:
                raise _broken("a request")
            data = length if kind <= _CMD_WRITE and length <= limit else 0
            if self.held + kept + data > self.max_held and not self.may_hold(data):
                self.block()
                break
            if (
                kind == _CMD_READ
                and 0 < length <= piece
                and not (offset | length) & mask
                and offset + length <= size
            ):  # fmt: skip
                pos += 28
                self.held += length
                reads.append((handle, offset >> shift, length))
                continue
            if reads:  # they come first
                self._read_all(reads)
            if kind == _CMD_READ:
                pos += 28
                self._odd_read(handle, offset, length)
            elif kind == _CMD_WRITE:
                if length > limit:
                    raise _broken("a write of more than it was told that it may")
                end = pos + 28 + length
                if end <= filled:
                    self._write(flags, handle, offset, bytes(view[pos + 28 : end]), None)
                    pos = end
                elif length < _DIRECT:
                    break
                else:
                    self._begin_write(flags, handle, offset, length, pos + 28)
                    pos = filled = 0
                    break
            else:
                pos += 28
                self._rare(kind, flags, handle, offset, length)
                if self._leaving:
                    break
            room = self._room()
        if reads:
            self._read_all(reads)
        left = filled - pos
        if pos and left:
            buffer[:left] = buffer[pos:filled]
        self._pos, self._filled = 0, left

    def _take_run(self, pos: int, filled: int) -> int:
        """Take requests that are plain reads, or plain writes, of one length, as a deep queue has them; returns where
        they end, `pos` when it is anything else.
        """
        view, buffer, mask, size = self._view, self._buffer, self.mask, self.size
        word, _, _, length = _ROW.unpack_from(buffer, pos)
        write = word == _PLAIN_WRITE and not self.read_only
        if not (write or word == _PLAIN_READ) or not 0 < length <= self.piece or length & mask:
            return pos
        stride = _ROW.size + length if write else _ROW.size
        unpack, shift, last = _ROW.unpack_from, self.shift, size - length
        self._one = stride
        number = min((filled - pos) // stride, self._room(), (self.max_held - self.held - self.kept) // length)
        handles: list[int] = []
        lbas: list[int] = []
        for at in range(pos, pos + number * stride, stride):
            begin, handle, offset, long = unpack(buffer, at)
            if begin != word or long != length or offset & mask or offset > last:
                break
            handles.append(handle)
            lbas.append(offset >> shift)
        number, blocks = len(handles), length >> shift
        if number < 2:
            return pos
        end = pos + number * stride
        self.used += number
        self.held += number * length
        if write:
            pieces = [bytes(view[at - length : at]) for at in range(pos + stride, end + 1, stride)]
            runs.writes(self.session, self.unit, self, handles, lbas, blocks, pieces)
        else:
            runs.reads(self.session, self.unit, self, handles, lbas, blocks, length)
        return end

    def _read_all(self, reads: list[tuple[int, int, int]]) -> None:
        """Start reads (handle, LBA, length) that were counted in `held`; the list is empty then."""
        self.used += len(reads)
        if len(reads) == 1:
            handle, lba, length = reads[0]
            self.session.read(self.unit, self, handle, lba, length >> self.shift, length)
            reads.clear()
            return
        for length, alike in itertools.groupby(reads, operator.itemgetter(2)):
            handles, lbas, _ = zip(*alike, strict=True)
            runs.reads(self.session, self.unit, self, handles, lbas, length >> self.shift, length)
        reads.clear()

    def _room(self) -> int:
        """How many more requests may be begun."""
        if len(self.jobs) >= MAX_JOBS:
            return 0
        return min(self.max_used - self.used, len(self.session.free))

    def _begin_write(self, flags: int, handle: int, offset: int, length: int, at: int) -> None:
        self._into = self.session.pool.get(length)
        self._into_request = (flags, handle, offset, length)
        place = self._into.payload(length)
        have = self._filled - at
        place[:have] = self._view[at : self._filled]
        self._into_rest = place[have:]
        self.held += length

    def _write(self, flags: int, handle: int, offset: int, data: memoryview | bytes, pooled: Buffer | None) -> None:
        length = len(data)
        error = self._why_not(offset, length)
        if error:
            if pooled is not None:
                pooled.release()
            self._reply(handle, error)
        elif length <= self.piece:
            self.used += 1
            self.held += length
            fua = bool(flags & nbd.CMD_FLAG_FUA)
            self.session.write(
                self.unit, self, handle, offset >> self.shift, length >> self.shift, data, pooled, fua=fua
            )
        else:
            self.write_job(handle, offset, data, pooled, fua=bool(flags & nbd.CMD_FLAG_FUA))

    def _odd_read(self, handle: int, offset: int, length: int) -> None:
        if not length or (offset | length) & self.mask or offset + length > self.size or length > self.max_request:
            self._reply(handle, errno.EINVAL)
        else:
            self.read_job(handle, offset, length)

    def _why_not(self, offset: int, length: int) -> int:
        """Return the errno for a change that cannot be, or 0."""
        if self.read_only:
            return errno.EPERM
        if not length or (offset | length) & self.mask:
            return errno.EINVAL
        return errno.ENOSPC if offset + length > self.size else 0

    def _rare(self, kind: int, flags: int, handle: int, offset: int, length: int) -> None:
        if kind == nbd.CMD_DISC:
            self._leaving = True
        elif kind == nbd.CMD_FLUSH:
            self.flush_job(handle)
        elif kind == nbd.CMD_CACHE:
            self._reply(handle, 0 if offset + length <= self.size else errno.EINVAL)
        elif kind in (nbd.CMD_TRIM, nbd.CMD_WRITE_ZEROES):
            error = self._why_not(offset, length)
            if error:
                self._reply(handle, error)
            elif kind == nbd.CMD_TRIM:
                self.discard_job(handle, offset, length)
            else:
                unmap = not flags & nbd.CMD_FLAG_NO_HOLE
                self.zero_job(handle, offset, length, unmap=unmap, fua=bool(flags & nbd.CMD_FLAG_FUA))
        else:
            self._reply(handle, errno.EINVAL)

    # -- answering ---------------------------------------------------------------------------------------------
    def read_ready(self, task: Task, view: memoryview, start: int, end: int) -> None:
        """Queue the reply to a read: its header goes before the data."""
        start -= HEADROOM
        _REPLY.pack_into(view, start, _REPLY_MAGIC, 0, task.cookie)
        pooled = task.pooled
        task.pooled = None
        self.out.add(view[start:end], pooled)
        self.used -= 1
        self.held -= task.length
        if not self.is_dirty:
            self.is_dirty = True
            self.driver.dirty.append(self)

    def reads_ready(self, tasks: list[Task], view: memoryview, starts: Sequence[int]) -> None:
        """Queue the replies to reads."""
        if len(tasks) == 1:
            self.read_ready(tasks[0], view, starts[0], starts[0] + tasks[0].length)
            return
        pack, parts, held = _REPLY.pack_into, [], 0
        for task, start in zip(tasks, starts, strict=True):
            length = task.length
            pack(view, start - HEADROOM, _REPLY_MAGIC, 0, task.cookie)
            parts.append(view[start - HEADROOM : start + length])
            held += length
        self.out.add_all(parts)
        self.used -= len(tasks)
        self.held -= held
        self.touch()

    def writes_done(self, tasks: list[Task]) -> None:
        """Queue the replies to writes."""
        if len(tasks) == 1:
            self.done(tasks[0], 0)
            return
        out, pack, held = self.out, _REPLY.pack_into, 0
        out.reserve(16 * len(tasks))
        headers, at = out.headers, out.at
        for task in tasks:
            pack(headers, at, _REPLY_MAGIC, 0, task.cookie)
            at += 16
            held += task.length
        out.at = at
        self.used -= len(tasks)
        self.held -= held
        self.touch()

    def pipe(self, task: Task) -> Pipe | None:
        """Have a large read spliced, unless the client is slow, or gone: then it shall not keep a pipe from the
        others.
        """
        pipe = None if self.out.waiting or self.sock.fileno() < 0 else self.driver.pipes.get()
        if pipe is not None:
            pipe.begin(_REPLY.pack(_REPLY_MAGIC, 0, task.cookie))
        return pipe

    def piped(self, task: Task, pipe: Pipe) -> None:
        """Send the reply to a read that lies in a pipe, or queue it behind others."""
        self.used -= 1
        self.held -= task.length
        if self.sock.fileno() < 0:
            pipe.discard()
        elif not self.out.empty or self._leaving or self.closing is not None or not self._given(pipe):
            self.out.add_pipe(pipe)
            self.touch()

    def _given(self, pipe: Pipe) -> bool:
        """Send what is in a pipe past the empty queue; False when some of it is left."""
        try:
            self.out.sent += pipe.give(self.sock, more=False)
        except OSError:  # full, or broken: the queue finds out
            return False
        if len(pipe):
            return False
        pipe.release()
        return True

    def done(self, task: Task, error: int) -> None:
        """Queue the reply to a write, or to a read that failed."""
        self.used -= 1
        self.held -= task.length
        self._reply(task.cookie, error)

    def job_done(self, job: Job) -> None:
        """Queue the reply to a request of several commands."""
        pooled = job.pooled
        if job.error or not job.at or pooled is None:
            self._reply(job.cookie, job.error)
            return
        job.pooled = None
        start = job.at - HEADROOM
        _REPLY.pack_into(pooled.view, start, _REPLY_MAGIC, 0, job.cookie)
        self.out.add(pooled.view[start : job.at + job.length], pooled)
        self.touch()

    def _reply(self, handle: int, error: int) -> None:
        if error and error not in nbd.ERRORS:
            error = errno.EPERM if error == errno.EROFS else errno.EIO
        out = self.out
        out.reserve(16)
        _REPLY.pack_into(out.headers, out.at, _REPLY_MAGIC, error, handle)
        out.at += 16
        self.touch()

    def flush(self) -> None:
        """Send the replies; what the client does not take waits, copied out of the session's receive buffer."""
        self.is_dirty = False
        if self.sock.fileno() < 0:
            return
        try:
            if not self.out.flush(self.sock):
                connection = self.session.connection
                if connection is not None:
                    self.out.detach_from(connection.borrowed)
        except OSError:
            self._over(None)
            return
        self.kept = self.out.kept
        self._watch()
        if self.closing is not None:
            self.check_idle()
        elif self._leaving:
            self._leave()

    def _watch(self) -> None:
        """Look for requests only when they would be taken, for room only when something waits for it."""
        taking = not (self.is_blocked or self._leaving or self.closing) and self._filled < _BUFFER
        events = (READ if taking else 0) | (WRITE if self.out.waiting else 0)
        if events != self._watching and self.sock.fileno() >= 0:
            self._watching = events
            self.driver.watch(self.sock.fileno(), events)

    # -- ending ------------------------------------------------------------------------------------------------
    def _leave(self) -> None:
        """NBD_CMD_DISC: answer what was asked, then go."""
        if self.idle:
            self._over(None)

    @property
    def idle(self) -> bool:
        """As in Front; what was asked for must have been begun, and the answers sent."""
        begun = self._into is None or self._into_rest is not None
        return begun and super().idle and self.out.empty

    def _over(self, problem: Problem | None) -> None:
        self.driver.front_over(self, problem)

    def close(self) -> None:
        """Close the socket."""
        self.out.clear()
        self._leaving = True
        self.jobs.clear()
        self.sock.close()

    def fileno(self) -> int:
        """The socket's descriptor; -1 when it is closed."""
        return self.sock.fileno()


def _broken(what: str) -> Problem:
    return Problem("InvalidArgument", argument="NBD client", detail=f"It sent {what} out of form.")
