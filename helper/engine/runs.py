# SPDX-License-Identifier: Apache-2.0
"""Runs: small reads or writes that are alike, asked for at once and answered side by side, as a deep queue has them.

A run's commands are packed in one loop. Its answers begin with the same eight bytes, and what else must be right in
them is little. Whatever is not exactly that is left to `Connection._parse`, which knows everything.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from mmap import mmap
from typing import TYPE_CHECKING

from crc32c import crc32c

from . import pdu
from .task import INDEX_MASK, READ_16, TAG_MASK, TAG_STEP, WRITE_16, Run, Task, Unit

if TYPE_CHECKING:
    from .connection import Connection
    from .session import Session


_M = 0xFFFFFFFF
_BHS = pdu.BHS_SIZE
#: The same bytes as in pdu.SCSI_COMMAND: what all commands of a run begin with, ITT, Expected Data Transfer Length,
#: CmdSN, ExpStatSN; then a READ(16) or WRITE(16): opcode and second byte, LBA, blocks, the rest.
_COMMAND = struct.Struct(">16sIIIIHQIH")
_HEAD = struct.Struct(">BBHIQ")
#: Of an answer: its first eight bytes (opcode, flags, response, status, TotalAHSLength, DataSegmentLength), ITT,
#: StatSN, ExpCmdSN with MaxCmdSN, DataSN with the offset, which is all of a BHS that a run looks at (11.4, 11.7).
_ANSWER = struct.Struct(">Q8xI4xIQQ4x")
_DIGEST = struct.Struct("<I")
#: Of the difference between two windows: what is 0 where both numbers stayed, or went less than this forward. Of such
#: windows the last one is all that counts.
_ODD = 0xFFFF0000_FFFF0000
LEAP = 0x10000

#: What those eight bytes are, but for the length, in a Data-In that brings the whole of a read and its status, GOOD and
#: without a residual (11.7), and in a SCSI Response that says nothing but that (11.4).
_READ_ENDED = 0x25 << 56 | (pdu.FINAL | pdu.STATUS) << 48
_WRITE_ENDED = 0x21 << 56 | pdu.FINAL << 48
_READ = pdu.FINAL | pdu.READ | pdu.Attribute.SIMPLE
_WRITE = pdu.FINAL | pdu.WRITE | pdu.Attribute.SIMPLE


def reads(
    session: Session, unit: Unit, owner: object, cookies: Sequence[int], lbas: Sequence[int], blocks: int, length: int
) -> None:
    """Read `blocks`, `length` bytes, at each LBA; so many slots must be free. As Session.read for each."""
    connection, number = session.connection, len(cookies)
    if connection is None or session.credit < number or not unit.ready or session.waiting:
        for cookie, lba in zip(cookies, lbas, strict=True):
            session.read(unit, owner, cookie, lba, blocks, length)
        return
    out, digest, now = connection.out, connection.header_digest, session.now
    out.reserve(52 * number)
    pack, headers, view, at, cmd_sn = _COMMAND.pack_into, out.headers, out.view, out.at, session.cmd_sn
    head, stat_sn = _HEAD.pack(1, _READ, 0, 0, unit.lun), connection.exp_stat_sn
    run = Run(unit, owner, length, length, now)
    for task, cookie, lba in zip(_take(session, number), cookies, lbas, strict=True):
        task.run = run
        task.unit = unit
        task.owner = owner  # type: ignore[assignment]
        task.cookie = cookie
        task.flags = _READ
        task.opcode = READ_16
        task.lba = lba
        task.blocks = blocks
        task.length = length
        task.started = now
        task.cdb1 = task.attempts = task.timeouts = task.got = task.data_sn = 0
        task.cmd_sn = cmd_sn
        task.itt = itt = (~task.itt + TAG_STEP) & TAG_MASK
        pack(headers, at, head, itt, length, cmd_sn, stat_sn, READ_16 << 8, lba, blocks, 0)
        cmd_sn = (cmd_sn + 1) & _M
        at += 48
        if digest:
            _DIGEST.pack_into(headers, at, crc32c(view[at - 48 : at]))
            at += 4
    out.at = at
    _sent(session, connection, unit, number, cmd_sn)


def writes(
    session: Session, unit: Unit, owner: object, cookies: Sequence[int], lbas: Sequence[int], blocks: int,
    pieces: Sequence[memoryview | bytes],
) -> None:  # fmt: skip
    """Write `blocks` at each LBA: pieces of one length, which stay as they are until the owner is told; so many slots
    must be free. As Session.write for each.
    """
    connection, number, length = session.connection, len(cookies), len(pieces[0])
    if (
        connection is None or session.credit < number or not unit.ready or session.waiting
        or length > connection.whole or length & 3
    ):  # fmt: skip
        for cookie, lba, piece in zip(cookies, lbas, pieces, strict=True):
            session.write(unit, owner, cookie, lba, blocks, piece, None)
        return
    out, digest, data_digest, now = connection.out, connection.header_digest, connection.data_digest, session.now
    out.reserve(56 * number)
    pack, headers, view, at, cmd_sn = _COMMAND.pack_into, out.headers, out.view, out.at, session.cmd_sn
    head, stat_sn = _HEAD.pack(1, _WRITE, 0, length, unit.lun), connection.exp_stat_sn
    run = Run(unit, owner, length, 0, now)
    parts: list[memoryview | bytes] = []
    for task, cookie, lba, piece in zip(_take(session, number), cookies, lbas, pieces, strict=True):
        task.run = run
        task.unit = unit
        task.owner = owner  # type: ignore[assignment]
        task.cookie = cookie
        task.flags = _WRITE & ~pdu.FINAL
        task.opcode = WRITE_16
        task.lba = lba
        task.blocks = blocks
        task.length = task.solicited = length
        task.data = piece
        task.started = task.sent_at = now
        task.cdb1 = task.attempts = task.timeouts = task.r2t_sn = 0
        task.got = -1
        task.cmd_sn = cmd_sn
        task.itt = itt = (~task.itt + TAG_STEP) & TAG_MASK
        begin = at
        pack(headers, at, head, itt, length, cmd_sn, stat_sn, WRITE_16 << 8, lba, blocks, 0)
        cmd_sn = (cmd_sn + 1) & _M
        at += 48
        if digest:
            _DIGEST.pack_into(headers, at, crc32c(view[at - 48 : at]))
            at += 4
        parts.append(view[begin - 4 : at] if data_digest and parts else view[begin:at])
        parts.append(piece)
        if data_digest:  # it leaves with the next header
            _DIGEST.pack_into(headers, at, crc32c(piece))
            at += 4
    out.add_packed(parts, at - 4 if data_digest else at, at)
    _sent(session, connection, unit, number, cmd_sn)


def _take(session: Session, number: int) -> list[Task]:
    free = session.free
    tasks = free[-number:]
    del free[-number:]
    return tasks


def _sent(session: Session, connection: Connection, unit: Unit, number: int, cmd_sn: int) -> None:
    session.cmd_sn = cmd_sn
    session.credit -= number
    unit.in_flight += number
    connection.pdus_sent += number


class Answers:
    """Takes runs of answers out of a connection's receive buffer."""

    def __init__(self, connection: Connection, buffer: mmap, view: memoryview) -> None:
        self._connection = connection
        self._buffer = buffer
        self._view = view
        self._header = pdu.BHS_SIZE + (pdu.DIGEST_SIZE if connection.header_digest else 0)
        #: What the answers of a run begin with, how much data each brings, and how long it is.
        self._word = -1
        self._length = 0
        self.stride = 0

    def take(self, pos: int, filled: int, now: float) -> int:
        """Take in the answers of a run that begin at `pos`; returns where they end, `pos` when there are none."""
        first, _, _, window, _ = _ANSWER.unpack_from(self._buffer, pos)
        if first != self._word and not self._expect(first):
            return pos
        buffer, word, stride, length = self._buffer, self._word, self.stride, self._length
        unpack, digest, view, header, end = _ANSWER.unpack_from, _DIGEST.unpack_from, self._view, self._header, pos
        connection = self._connection
        header_digest, data_digest = connection.header_digest, connection.data_digest and length
        data = stride - pdu.DIGEST_SIZE
        session, stat_sn = connection.session, connection.exp_stat_sn
        tasks, since, odd = session.tasks, 0, 0
        run: Run | None = None
        ended: list[Task] = []
        while filled - end >= stride:
            begin, itt, answer_sn, next_window, place = unpack(buffer, end)
            task = tasks[itt & INDEX_MASK]
            if begin != word or task.itt != itt or answer_sn != stat_sn or (place and length):
                break
            if task.run is not run:
                if task.run.brings != length or (run is not None and task.run.owner is not run.owner):
                    break
                if run is not None:
                    _count(run, len(ended) - since, now)
                run, since = task.run, len(ended)
            if header_digest and crc32c(view[end : end + _BHS]) != digest(buffer, end + _BHS)[0]:
                break  # 11.2.3; what to do then, `Connection._parse` knows
            if data_digest and crc32c(view[end + header : end + data]) != digest(buffer, end + data)[0]:
                break
            task.itt = ~itt
            stat_sn = (stat_sn + 1) & _M
            odd |= next_window - window
            window = next_window
            ended.append(task)
            end += stride
        if run is not None and ended:
            _count(run, len(ended) - since, now)
            connection.exp_stat_sn = stat_sn
            connection.pdus_received += len(ended)
            # Looked at here: owners write over what is before their data.
            windows = [window] if not (odd & _ODD or _is_odd(window)) else _windows(buffer, range(pos, end, stride))
            if length:
                run.owner.reads_ready(ended, view, range(pos + header, end, stride))
                session.free.extend(ended)
            else:
                session.outcomes.written(run.owner, ended)
            for window in windows:
                session.window(window >> 32, window & _M)
        return end

    def _expect(self, word: int) -> bool:
        """Be ready for answers that begin so; False when they are not what a run has."""
        length, kind = word & pdu.MAX_DATA_SEGMENT, word & ~pdu.MAX_DATA_SEGMENT
        if kind == _READ_ENDED and 0 < length <= self._connection.parameters.max_recv:
            digest = pdu.DIGEST_SIZE if self._connection.data_digest else 0
            stride = self._header + (length + 3 & -4) + digest
        elif kind == _WRITE_ENDED and not length:
            stride = self._header
        else:
            return False
        self._word, self._length, self.stride = word, length, stride
        return True


def _is_odd(window: int) -> bool:
    return not 0 <= (window & _M) - (window >> 32) + 1 < LEAP


def _windows(buffer: mmap, places: range) -> list[int]:
    """Return the windows of the answers at these places: the last one says less than one before it (4.2.2.1)."""
    return [_ANSWER.unpack_from(buffer, place)[3] for place in places]


def _count(run: Run, number: int, now: float) -> None:
    size = number * run.length
    if run.brings:
        run.unit.count(run.started, now, number, size, 0, 0)
    else:
        run.unit.count(run.started, now, 0, 0, number, size)
