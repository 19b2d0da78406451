# SPDX-License-Identifier: Apache-2.0
"""One connection in full feature phase: bytes to PDUs (RFC 7143, chapter 11), outbound.py is PDUs to bytes. No socket.

    buffers = connection.next_read()          # where the next bytes go: recv_into or recvmsg_into
    connection.received(n, now)               # parses all that is there; raises Problem
    connection.out                            # a SendQueue to be flushed to the socket

What is parsed goes straight to the task that its tag names; small payloads are shown to their owner where they lie in
the receive buffer, large ones that are not all there yet are received right into their place, with the next header
behind.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, cast

from crc32c import crc32c

from ..api.errors import Problem
from . import pdu
from .extents import Extents, most_extents
from .outbound import DIGEST, Outbound, broken
from .runs import LEAP, Answers
from .task import INDEX_MASK, NO_RUN, READ_16, Task

if TYPE_CHECKING:
    from .login import LoginResult
    from .pipes import Pipe
    from .session import Session
    from .task import Owner, PipeOwner

#: One large receive brings many small PDUs.
RECEIVE_SIZE = 256 * 1024
#: A payload of at least this size that is not all there is received into its place; smaller ones are waited for.
DIRECT = 16 * 1024
#: Kept free at the end of the receive buffer for the pad and the digest of a payload that just fits into the rest.
_TAIL = 8
#: After one of this size the next header is received alone, so that what follows it goes to its place uncopied.
LARGE = 64 * 1024

#: 4.2.2.2: how far a StatSN may be behind what was expected.
_STAT_SN_BEHIND = 4096
_M = 0xFFFFFFFF
#: Of pdu.RESPONSE what the hot loop looks at: opcode, flags, status, lengths, ITT, StatSN, ExpCmdSN, MaxCmdSN, DataSN
#: (SCSI Response: ExpDataSN, R2T: R2TSN), offset (R2T: too), residual count (R2T: length).
_HOT = struct.Struct(">BBxBI8xI4xIIIIII")
_RESIDUALS = pdu.BIDI_OVERFLOW | pdu.BIDI_UNDERFLOW | pdu.OVERFLOW | pdu.UNDERFLOW
_ENDING = pdu.FINAL | pdu.STATUS


class Connection(Outbound):
    """Framing, digests and the hot parse loop of one connection. `session` has the tasks and the numbers."""

    def __init__(self, session: Session, login: LoginResult) -> None:
        parameters = login.parameters
        super().__init__(session, parameters, login.exp_stat_sn)
        self.bytes_received = 0
        self.pdus_received = 0
        self._header_size = pdu.BHS_SIZE + (pdu.DIGEST_SIZE if parameters.header_digest else 0)
        self._any_order = not (parameters.data_pdu_in_order and parameters.data_sequence_in_order)
        # Not a bytearray: of an idle session only the first page is ever touched.
        self._buffer = mmap.mmap(-1, max(RECEIVE_SIZE, 2 * len(login.leftover)), flags=mmap.MAP_PRIVATE)
        self._view = memoryview(self._buffer)
        self._head = self._view[: self._header_size]
        self._most = len(self._buffer) - _TAIL
        self._main = self._view[: self._most]
        self._filled = len(login.leftover)
        self._pos = 0
        self._buffer[: self._filled] = login.leftover
        self._large = False
        self._answers = Answers(self, self._buffer, self._view)
        #: The rest of a payload that is received into its place: buffers still to be filled; the last one is for what
        #: comes behind it. And whose it is.
        self.rest: list[memoryview] = []
        self._rest_task: Task | None = None
        self._rest_place = memoryview(b"")
        self._rest_fields = (0, 0, 0, 0, 0, 0)  # flags, status, StatSN, ExpCmdSN, MaxCmdSN, residual
        self._trailer = memoryview(bytearray(8))
        #: Whether who reads from the socket can splice, and how many bytes are to be spliced now, into `pipe`.
        self.can_splice = False
        self.splicing = 0
        self.pipe: Pipe | None = None
        self._spliced = 0  # of the present payload
        self._sink: memoryview | None = None

    # -- receiving ---------------------------------------------------------------------------------------------
    def next_read(self) -> list[memoryview]:
        """Return where the next bytes go, in order. What owners were shown in the receive buffer is void then."""
        if self.rest:
            return self.rest
        if self._pos:
            left = self._filled - self._pos
            if left:
                self._buffer[:left] = self._buffer[self._pos : self._filled]
            self._filled = left
            self._pos = 0
        if self._large and self._filled < self._header_size:
            return [self._head[self._filled :]]
        return [(self._main if self._filled < self._most else self._view)[self._filled :]]

    @property
    def missing(self) -> int:
        """How many bytes are sure to come, as the rest of a payload that is received into its place or a pipe."""
        return self.splicing or (sum(map(len, self.rest[:-1])) if self.rest else 0)

    @property
    def borrowed(self) -> mmap.mmap:
        """The receive buffer, in which owners are shown small payloads."""
        return self._buffer

    def received(self, n: int, now: float) -> None:
        """Take `n` bytes that were received into the buffers of `next_read` (0: only what the login left over).

        Raises Problem("ProtocolError") or Problem("DigestError"); the session has to be recovered then (7.7).
        """
        self.bytes_received += n
        if self.rest:
            n = self._received_rest(n, now)
            if n < 0:
                return
            self._filled = self._pos = 0
        if n == pdu.BHS_SIZE and self._large and not self._filled and self._goes_on():
            return
        self._filled += n
        left = self._filled - self._pos
        if left >= 2 * pdu.BHS_SIZE and left != self._answers.stride:  # more than one
            end = self._answers.take(self._pos, self._filled, now)
            if end > self._pos:
                self._pos, self._large = end, False
        if self._pos < self._filled:
            self._parse(now)

    def _received_rest(self, n: int, now: float) -> int:
        """Count `n` bytes against what is missing; returns how many lie behind it in the receive buffer, or -1."""
        rest = self.rest
        while len(rest) > 1:
            size = len(rest[0])
            if n < size:
                rest[0] = rest[0][n:]
                return -1
            n -= size
            del rest[0]
        self.rest = []
        task, self._rest_task = self._rest_task, None
        place, self._rest_place = self._rest_place, memoryview(b"")
        if self.data_digest:
            pad = -len(place) & 3
            self._compare_digest(crc32c(self._trailer[:pad], crc32c(place)), self._trailer, pad)
        self._rest_ended(task, len(place), now)
        return n

    def _rest_ended(self, task: Task | None, length: int, now: float) -> None:
        """All of a Data-In's payload, whose header said `_rest_fields`, is in its place."""
        flags, status, stat_sn, exp_cmd_sn, max_cmd_sn, residual = self._rest_fields
        if flags & pdu.STATUS:
            self.exp_stat_sn = self._stat_sn(stat_sn, self.exp_stat_sn)
        if task is not None:
            task.got += length
            task.data_sn += 1
            if flags & pdu.STATUS:
                self.session.outcomes.ended(task, 0, status, flags, residual, b"", now)
        self.session.window(exp_cmd_sn, max_cmd_sn)

    def _goes_on(self) -> bool:
        """Take the header that came alone behind a large payload in if it is that of another one, as most of them
        are; False when it is anything else, for `_parse`.
        """
        header = _HOT.unpack_from(self._buffer)
        opcode, flags, status, length, itt, stat_sn, exp, top, data_sn, offset, residual = header
        task = self.session.tasks[itt & INDEX_MASK]
        if (
            opcode != 0x25
            or task.itt != itt
            or flags & _ENDING == pdu.STATUS
            or not LARGE <= length <= self.parameters.max_recv
            or offset != task.got
            or data_sn != task.data_sn
            or offset + length > task.length
            or self._any_order
            or self.header_digest
        ):
            return False
        self._rest_fields = flags, status, stat_sn, exp, top, residual
        self.pdus_received += 1
        if task.dest is not None:
            self._rest_task = task
            self._receive_into(task.dest[offset : offset + length], 0)
        elif not (self.can_splice and self._begin_pipe(task, offset, length)):
            self._begin_rest(task, pdu.BHS_SIZE, pdu.BHS_SIZE, offset, length)
        return True

    def _parse(self, now: float) -> None:  # noqa: C901, PLR0912, PLR0915 - measured: a call for each PDU is too much
        buffer, view, pos, filled = self._buffer, self._view, self._pos, self._filled
        unpack = _HOT.unpack_from
        header_size, header_digest, data_digest = self._header_size, self.header_digest, self.data_digest
        any_order, max_recv = self._any_order, self.parameters.max_recv
        session, exp_stat_sn = self.session, self.exp_stat_sn
        tasks = session.tasks
        # What ended well, reads or writes of one owner: told at once, in the order of its end.
        ready: list[Task] = []
        starts: list[int] = []
        written: list[Task] = []
        owner = None
        count = read_count = read_bytes = write_count = write_bytes = 0
        unit = None
        started = 0.0
        exp_cmd_sn, max_cmd_sn = session.last_window
        try:
            while filled - pos >= header_size:
                opcode, flags, status, length, itt, stat_sn, exp, top, data_sn, offset, residual = unpack(buffer, pos)
                data = pos + header_size
                if length > pdu.MAX_DATA_SEGMENT:
                    data += (length >> 24) * 4
                    length &= pdu.MAX_DATA_SEGMENT
                    if data > filled:
                        break
                end = data + ((length + 3) & -4)
                if length:
                    if length > max_recv:
                        raise broken(f"It sent {length} bytes at once, and we take {max_recv}.")
                    if data_digest:
                        end += 4
                if header_digest and DIGEST.unpack_from(buffer, data - 4)[0] != crc32c(view[pos : data - 4]):
                    raise Problem("DigestError", where="header")
                if opcode == 0x25:  # Data-In
                    if end > filled and (length < DIRECT or data + length <= filled):
                        break  # nearly there, or small
                    if flags & _ENDING == pdu.STATUS:
                        raise broken("Its status came before the end of the data.")  # 11.7.3
                    task = tasks[itt & INDEX_MASK]
                    if task.itt != itt:
                        task = session.stale(itt)  # only after an abort; raises otherwise
                    elif (
                        offset != task.got or data_sn != task.data_sn or any_order or offset + length > task.length
                    ) and not _is_new(task, data_sn, offset, length, any_order=any_order):
                        if flags & pdu.STATUS:
                            raise broken("It sent the same data twice.")
                        task = session.nobody
                    if end <= filled:
                        if (
                            data_digest
                            and length
                            and DIGEST.unpack_from(buffer, end - 4)[0] != crc32c(view[data : end - 4])
                        ):
                            raise Problem("DigestError", where="data")  # 7.8: not used, and the session recovered
                        if flags & pdu.STATUS:
                            exp_stat_sn = (
                                ((stat_sn + 1) & _M) if stat_sn == exp_stat_sn else self._stat_sn(stat_sn, exp_stat_sn)
                            )
                        if (
                            flags & 7 == pdu.STATUS
                            and not status
                            and length == task.length
                            and task.dest is None
                            and task.opcode
                        ):
                            # The whole read in one PDU: shown to its owner where it lies.
                            task.itt = ~itt
                            if task.unit is not unit or task.started != started:
                                if unit is not None:
                                    unit.count(started, now, read_count, read_bytes, write_count, write_bytes)
                                unit, started = task.unit, task.started
                                read_count = read_bytes = write_count = write_bytes = 0
                            read_count += 1
                            read_bytes += length
                            if task.owner is not owner or written:
                                if owner is not None:
                                    self._tell(owner, ready, starts, written)
                                owner = task.owner
                            ready.append(task)
                            starts.append(data)
                        elif task is not session.nobody:
                            task.data_sn += 1
                            task.run = NO_RUN
                            if length:
                                dest = task.dest if task.dest is not None else session.make_room(task)
                                dest[offset : offset + length] = view[data : data + length]
                                task.got += length
                            if flags & pdu.STATUS:
                                self.exp_stat_sn = exp_stat_sn
                                self._tell(owner, ready, starts, written)
                                session.outcomes.ended(task, 0, status, flags, residual, b"", now)
                        self._large = False
                    else:
                        self._large = length >= LARGE
                        self._rest_fields = flags, status, stat_sn, exp, top, residual
                        if not (
                            self.can_splice
                            and self._large
                            and data == filled
                            and self._begin_pipe(task, offset, length)
                        ):
                            self._begin_rest(task, data, filled, offset, length)
                        pos = filled = 0
                        count += 1
                        break
                else:
                    if end > filled:
                        if end - pos > len(buffer):
                            raise broken(f"It sent {length} bytes in a message of kind {opcode:#04x}.")
                        break
                    if data_digest and length:
                        self._compare_digest(crc32c(view[data : end - 4]), view, end - 4)
                    if opcode == 0x21:  # SCSI Response
                        task = tasks[itt & INDEX_MASK]
                        if task.itt != itt:
                            task = session.stale(itt)
                        exp_stat_sn = (
                            ((stat_sn + 1) & _M) if stat_sn == exp_stat_sn else self._stat_sn(stat_sn, exp_stat_sn)
                        )
                        if task.got < 0 and not (buffer[pos + 2] or status or flags & _RESIDUALS):
                            # A write, or another command that reads nothing, went well.
                            task.itt = ~itt
                            if task.opcode:
                                if task.unit is not unit or task.started != started:
                                    if unit is not None:
                                        unit.count(started, now, read_count, read_bytes, write_count, write_bytes)
                                    unit, started = task.unit, task.started
                                    read_count = read_bytes = write_count = write_bytes = 0
                                write_count += 1
                                write_bytes += task.length
                                if task.owner is not owner or ready:
                                    if owner is not None:
                                        self._tell(owner, ready, starts, written)
                                    owner = task.owner
                                written.append(task)
                            else:
                                self._tell(owner, ready, starts, written)
                                session.outcomes.finish(task, 0)
                        elif task is not session.nobody:
                            if data_sn > task.data_sn and task.got >= 0:
                                raise broken("It sent more data than came.")  # 7.9, 11.4.8
                            self.exp_stat_sn = exp_stat_sn
                            text = bytes(view[data : data + length])
                            self._tell(owner, ready, starts, written)
                            session.outcomes.ended(task, buffer[pos + 2], status, flags, residual, text, now)
                        self._large = False
                    elif opcode == 0x31:  # R2T: offset and residual are where the data shall come from and how much
                        task = tasks[itt & INDEX_MASK]
                        if task.itt == itt:
                            lun, _, ttt = pdu.RESPONSE.unpack_from(buffer, pos)[5:8]
                            self.answer_r2t(task, lun, ttt, data_sn, offset, residual)
                        else:
                            session.stale(itt)
                    else:
                        self.exp_stat_sn = exp_stat_sn
                        self._tell(owner, ready, starts, written)
                        parsed = pdu.parse(view[pos : pos + pdu.BHS_SIZE])
                        session.window(exp, top)
                        session.upkeep.rare(parsed, bytes(view[data : data + length]))
                        exp_stat_sn = self.exp_stat_sn
                count += 1
                pos = end
                if not 0 <= top - max_cmd_sn < LEAP or top + 1 < exp:  # 4.2.2.1: may say less than the one before
                    session.window(exp_cmd_sn, max_cmd_sn)
                exp_cmd_sn, max_cmd_sn = exp, top  # of what is whole and undamaged
        finally:  # what ended before something wrong came has ended all the same
            if owner is not None:
                self._tell(owner, ready, starts, written)
            if unit is not None:
                unit.count(started, now, read_count, read_bytes, write_count, write_bytes)
        self._pos, self._filled = pos, filled
        self.exp_stat_sn = exp_stat_sn
        self.pdus_received += count
        if count:
            session.window(exp_cmd_sn, max_cmd_sn)

    def _tell(self, owner: Owner | None, ready: list[Task], starts: list[int], written: list[Task]) -> None:
        """Tell an owner of reads and writes that ended well, and free their slots; the lists are empty then."""
        if owner is None:
            return
        if ready:
            owner.reads_ready(ready, self._view, starts)
            self.session.free.extend(ready)
            ready.clear()
            starts.clear()
        if written:
            self.session.outcomes.written(owner, written)
            written.clear()

    def _begin_rest(self, task: Task, data: int, filled: int, offset: int, length: int) -> None:
        """Put what is there of a payload into its place and receive the rest there, with pad and digest behind it."""
        if task is self.session.nobody:
            if self._sink is None or len(self._sink) < length:
                self._sink = memoryview(bytearray(length))
            dest, offset = self._sink, 0
            self._rest_task = None
        else:
            dest = task.dest if task.dest is not None else self.session.make_room(task)
            self._rest_task = task
        place = dest[offset : offset + length]
        have = max(filled - data, 0)
        if have:
            place[:have] = self._view[data:filled]
        self._receive_into(place, have)

    def _receive_into(self, place: memoryview, have: int) -> None:
        """Receive a payload to `place` from now on, of which `have` bytes are there."""
        self._rest_place = place
        behind = (-len(place) & 3) + (4 if self.data_digest else 0)
        next_one = self._head if self._large else self._main
        if behind:
            self.rest = [place[have:], self._trailer[:behind], next_one]
        else:
            self.rest = [place[have:], next_one]

    def _begin_pipe(self, task: Task, offset: int, length: int) -> bool:
        """Have a payload of which nothing has been received yet spliced, if its owner wants that."""
        if self.data_digest or self._any_order or length & 3 or task.dest is not None or task.opcode != READ_16:
            return False
        if task.pipe is None:
            owner = cast("PipeOwner", task.owner)
            task.run = NO_RUN
            task.pipe = owner.pipe(task) if not offset else None
            if task.pipe is None:
                return False
        self.pipe = task.pipe
        self.splicing = length
        self._rest_task = task
        return True

    def spliced(self, n: int, now: float) -> None:
        """Take note of `n` bytes that went into the pipe; as `received`."""
        self.bytes_received += n
        self.splicing -= n
        task = self._rest_task
        if self.splicing or task is None:
            self._spliced += n
            return
        length, self._spliced = self._spliced + n, 0
        pipe, self.pipe, self._rest_task = self.pipe, None, None
        flags, status, stat_sn, exp_cmd_sn, max_cmd_sn, _ = self._rest_fields
        if flags & 7 != pdu.STATUS or status or task.got + length != task.length or pipe is None:
            self._rest_ended(task, length, now)
            return
        # All of it, and well: what `_rest_ended` and `Outcomes.ended` do, without the calls.
        self.exp_stat_sn = self._stat_sn(stat_sn, self.exp_stat_sn)
        task.itt = ~task.itt
        task.pipe = None
        session = self.session
        task.unit.count(task.started, now, 1, task.length, 0, 0)
        cast("PipeOwner", task.owner).piped(task, pipe)
        session.free.append(task)
        session.window(exp_cmd_sn, max_cmd_sn)

    def unsplice(self) -> None:
        """The pipe is full: what is in it is copied to where the rest is received."""
        task = self._rest_task
        if task is not None:
            moved, left = self._spliced, self.splicing
            dest = self.session.make_room(task)
            self._receive_into(dest[task.got : task.got + moved + left], moved)
            self.splicing = self._spliced = 0
            self.pipe = None

    @staticmethod
    def _compare_digest(crc: int, view: memoryview, at: int) -> None:
        """ERL 0: the damaged data is not used, and the session recovered (7.8)."""
        if DIGEST.unpack_from(view, at)[0] != crc:
            raise Problem("DigestError", where="data")

    def note_status(self, stat_sn: int) -> None:
        """Acknowledge the StatSN of a PDU that carries one (4.2.2.2)."""
        self.exp_stat_sn = self._stat_sn(stat_sn, self.exp_stat_sn)

    @staticmethod
    def _stat_sn(stat_sn: int, expected: int) -> int:
        """Return the next expected StatSN. A gap implies missing responses (7.9), a large difference a failed
        connection (4.2.2.2): at ERL 0 the session is recovered. One that was there before, a short while ago, is let
        pass.
        """
        ahead = pdu.sn_diff(stat_sn, expected)
        if ahead > 0 or ahead < -_STAT_SN_BEHIND:
            raise broken("Its status numbers jump.")
        return expected if ahead else (stat_sn + 1) & _M


def _is_new(task: Task, data_sn: int, offset: int, length: int, *, any_order: bool) -> bool:
    """A Data-In must lie within what the task reads (11.7.6); one that came before is to be discarded, one that is
    missing makes the session be recovered (7.9). In any order are the offsets; DataSN counts up (4.2.2.4).
    """
    if task.got < 0 or offset + length > task.length:
        raise broken("It sent data that no command asked for.")
    if data_sn < task.data_sn:
        return False
    if data_sn > task.data_sn:
        raise broken("Data is missing.")
    if not any_order:
        raise broken("Its data came out of order.")  # it is the next, and does not begin where the last one ended
    if not data_sn or task.pieces is None:
        task.pieces = Extents()  # what stands there is of the slot's last use
    if not task.pieces.add(offset, offset + length):
        raise broken("It sent the same data twice.")
    if len(task.pieces) > most_extents(task.length):
        raise broken("It sent its data in crumbs.")
    return True
