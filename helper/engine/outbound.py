# SPDX-License-Identifier: Apache-2.0
"""The sending half of a connection in full feature phase: PDUs with their digests and data, in the order in which they
are put (RFC 7143, 11.2, 11.3, 11.7, 11.8). No socket, no clock, nothing of what is received.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from crc32c import crc32c

from ..api.errors import Problem
from . import pdu
from .buffers import SendQueue, Unsent
from .task import OTHER

if TYPE_CHECKING:
    from .login import Parameters
    from .session import Session
    from .task import Task

#: pdu.SCSI_COMMAND with the fields of a READ(16) or WRITE(16) in place of the CDB.
COMMAND_16 = struct.Struct(">BBHIQIIIIBBQIBB")
DIGEST = struct.Struct("<I")
_F = pdu.FINAL
#: What a Data-Out takes beside its data, about; MaxBurstLength is at least as much (13.13).
_CRUMB = 512


class Outbound:
    """Puts PDUs into `out`. `exp_stat_sn` goes with each of them; who receives keeps it."""

    def __init__(self, session: Session, parameters: Parameters, exp_stat_sn: int) -> None:
        self.session = session
        self.parameters = parameters
        self.exp_stat_sn = exp_stat_sn
        self.out = SendQueue()
        self.pdus_sent = 0
        self.header_digest = parameters.header_digest
        self.data_digest = parameters.data_digest
        #: Commands without data can be packed by who asks, without `put_command`.
        self.plain = not parameters.header_digest
        #: The most that goes with a command.
        self._immediate = (
            min(parameters.first_burst_length, parameters.max_send) if parameters.immediate_data else 0
        )  # fmt: skip
        #: Writes of at most this much are packed by who asks, too, if they need no padding.
        self.whole = self._immediate
        #: Answers to the target's pings; what R2Ts ask for that needs memory.
        self.answers = Unsent(self.out)
        self._asked = Unsent(self.out)

    def put_command(self, task: Task, cmd_sn: int) -> None:
        """Queue a task's command, with the data that need not be asked for (4.2.5.2, 11.3.4)."""
        task.cmd_sn = cmd_sn
        itt = task.next_tag()
        data = task.data
        immediate = unsolicited = 0
        flags = task.flags
        if data is None:
            task.got = 0 if flags & pdu.READ else -1
            task.data_sn = 0
        else:
            task.got = -1
            task.r2t_sn = 0
            immediate, unsolicited = self._unasked(task.length)
            task.solicited = immediate + unsolicited
            if not unsolicited:
                flags |= _F
        out = self.out
        at = out.at
        if at + 64 > len(out.headers):
            out.reserve(64)
            at = out.at
        if task.opcode != OTHER:
            COMMAND_16.pack_into(
                out.headers, at, 1, flags, 0, immediate, task.unit.lun, itt, task.length, cmd_sn, self.exp_stat_sn,
                task.opcode, task.cdb1, task.lba, task.blocks, 0, 0,
            )  # fmt: skip
        else:
            pdu.SCSI_COMMAND.pack_into(
                out.headers,
                at,
                1,
                flags,
                immediate,
                task.unit.lun,
                itt,
                task.length,
                cmd_sn,
                self.exp_stat_sn,
                task.cdb,
            )
        if self.header_digest:
            DIGEST.pack_into(out.headers, at + 48, crc32c(out.view[at : at + 48]))
            out.at = at + 52
        else:
            out.at = at + 48
        self.pdus_sent += 1
        if data is not None:
            if immediate:
                self._put_payload(data if immediate == task.length else data[:immediate])
            if unsolicited:
                self._put_data_out(task, pdu.NO_TAG, immediate, unsolicited)

    def _unasked(self, length: int) -> tuple[int, int]:
        """Return how many bytes of a write go with the command and how many behind it unasked (the four cases of
        11.3.4).
        """
        immediate = self._immediate
        if length <= immediate:
            return length, 0
        p = self.parameters
        unsolicited = 0 if p.initial_r2t else min(length, p.first_burst_length) - immediate
        return immediate, unsolicited

    def answer_r2t(self, task: Task, lun: int, ttt: int, r2t_sn: int, offset: int, length: int) -> None:
        """11.8: send what an R2T asks for, which must lie within the command's data. Whether it is the next piece, or
        was asked for before, is not looked at: 4.2.5.2 wants it delivered, and no account kept of what was.
        """
        data = task.data
        if data is not None and r2t_sn < task.r2t_sn:
            return  # 7.9: it came before
        good = data is not None and lun == task.unit.lun and ttt != pdu.NO_TAG and r2t_sn == task.r2t_sn
        if not good or not length or offset + length > task.length or length > self.parameters.max_burst_length:
            raise broken("It asked for data that no command has.")
        task.r2t_sn += 1
        task.solicited += length
        # What is asked for again, or in crumbs, costs memory that no command has: not without its being taken.
        again = task.solicited > task.length
        cost = max(length, _CRUMB) if again else _CRUMB - length
        if cost > 0 and self._asked.add(cost) > self.session.most_unsent:
            raise broken("It asks for the same data over and over, or in crumbs, and does not take it.")
        self._put_data_out(task, ttt, offset, length)

    def _put_data_out(self, task: Task, ttt: int, offset: int, length: int) -> None:
        """Queue one sequence of Data-Out PDUs (11.7): cut by the target's limit, F on the last, DataSN from 0."""
        data = task.data or b""
        data_sn = 0
        limit = self.parameters.max_send & -4  # 11.7.7: whole words, but for the last one
        while length:
            piece = min(length, limit)
            length -= piece
            header = pdu.data_out(
                lun=task.unit.lun,
                itt=task.itt,
                ttt=ttt,
                exp_stat_sn=self.exp_stat_sn,
                data_sn=data_sn,
                offset=offset,
                data_length=piece,
                final=not length,
            )
            self._put_header(header)
            self._put_payload(data[offset : offset + piece])
            data_sn += 1
            offset += piece

    def put(self, header: bytes, data: bytes = b"") -> None:
        """Queue any other PDU; `data` must be as long as the header says."""
        self._put_header(header)
        if data:
            self._put_payload(data)

    def _put_header(self, header: bytes) -> None:
        out = self.out
        out.reserve(64)
        at = out.at
        out.headers[at : at + 48] = header
        if self.header_digest:
            DIGEST.pack_into(out.headers, at + 48, crc32c(header))
            out.at = at + 52
        else:
            out.at = at + 48
        self.pdus_sent += 1

    def _put_payload(self, data: memoryview | bytes) -> None:
        self.out.add(data)
        pad = pdu.padding(len(data)) if len(data) & 3 else b""
        if self.data_digest:
            self.out.add(pad + DIGEST.pack(crc32c(pad, crc32c(data)) if pad else crc32c(data)))
        elif pad:
            self.out.add(pad)


def broken(detail: str) -> Problem:
    """Return that the target broke the rules."""
    return Problem("ProtocolError", detail=detail)
