# SPDX-License-Identifier: Apache-2.0
"""Fronts over a target in memory: real descriptors on one side, and on the other a disk that the test can hold back."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import struct
from collections.abc import Iterator

from lundock.helper.api.errors import Problem
from lundock.helper.engine.buffers import large_buffers
from lundock.helper.engine.front_fuse import FuseFront
from lundock.helper.engine.front_nbd import NbdFront
from lundock.helper.engine.fronts import Fronts
from lundock.helper.engine.loop import Loop
from lundock.helper.engine.receiving import receive
from lundock.helper.engine.scsi.disk import LunInfo

from .wire import CHECK, LUN, Sent, Wire

INFO = LunInfo(
    LUN, number=1, kind="disk", block_size=512, size=64 << 20, fua=True, unmap=True, write_same=True,
    write_same_unmap=True,
)  # fmt: skip


@dataclasses.dataclass
class Writing:
    """A write whose data is still coming."""

    at: int
    data: bytearray
    have: int


class Served:
    """`settle` goes on until nothing moves any more, `commands` are what the target was asked."""

    def __init__(
        self, info: LunInfo = INFO, *, limit: int = 64 << 20, split: int = 1 << 18, settings: dict[str, object] | None
        = None, spliced: bool = False,
        **parameters: object,
    ) -> None:  # fmt: skip
        self.wire = Wire(window=128, settings=settings, **{"max_send": 1 << 18, **parameters})
        self.wire.unit.info = info
        self.session = self.wire.session
        self.disk = bytearray(info.size)
        self.loop = Loop()
        self.over: list[tuple[int, Problem | None]] = []
        self.fronts = Fronts(self.session, self.loop, limit, lambda *ended: self.over.append(ended), lambda: None)
        self.commands: list[tuple[int, int, int]] = []  # operation, LBA, blocks
        self.cdbs: list[bytes] = []
        #: Operations that fail, with these sense data; and whether nothing is answered at all.
        self.fail: dict[int, bytes] = {}
        self.holding = False
        self._held: list[Sent] = []
        self._split = split
        self._writing: dict[int, Writing] = {}
        self._number = 0
        #: What goes to the session by a socket, for who splices: `flight` is what the socket has not taken yet.
        self.flight = bytearray()
        self.link = socket.socketpair() if spliced else None
        self.room = 1 << 40  # how much more goes to the session
        for end in self.link or ():
            end.setblocking(False)
            large_buffers(end)
        self.wire.connection.can_splice = spliced

    def close(self) -> None:
        """Close what is open."""
        for end in self.link or ():
            end.close()
        self.fronts.close()

    # -- users -------------------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def nbd(self, *, handshake: bool = False, read_only: bool = False) -> Iterator[socket.socket]:
        """A client's end of an NBD front; it never blocks for long."""
        ours, theirs = socket.socketpair()
        self._number += 1
        front = NbdFront(
            self.fronts, self._number, self.wire.unit, theirs, handshake=handshake, read_only=read_only,
            max_request=self.fronts.memory.most,
        )  # fmt: skip
        with self._serving(front, ours):
            yield ours

    @contextlib.contextmanager
    def fuse(self, *, read_only: bool = False, resume: bool = False, cached: bool = False) -> Iterator[socket.socket]:
        """The kernel's end: one request or answer a message."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        large_buffers(theirs)
        self._number += 1
        fd = theirs.detach()
        front = FuseFront(
            self.fronts, self._number, self.wire.unit, fd, read_only=read_only, resume=resume, cached=cached
        )
        with self._serving(front, ours):
            yield ours

    @contextlib.contextmanager
    def _serving(self, front: NbdFront | FuseFront, ours: socket.socket) -> Iterator[None]:
        large_buffers(ours)
        ours.settimeout(5)
        try:
            self.fronts.add(front, front.ready)
            front.begin()
            self.front = front
            yield
        finally:
            ours.close()
            self.fronts.front_over(front, None)
            front.close()

    # -- time --------------------------------------------------------------------------------------------------
    def settle(self) -> None:
        """Go on until nothing moves."""
        quiet = 0
        while quiet < 3:
            self.loop.run_once(0)
            quiet = 0 if self.work() else quiet + 1

    def work(self) -> bool:
        """Let the target answer what it was sent; whether it was sent anything."""
        sent = [*self._held, *self.wire.sent()]
        self._held = []
        if self.holding:
            self._held = sent
            return self._transfer()
        for pdu in sent:
            self.wire.exp_cmd_sn += not pdu.immediate and pdu.opcode != 5
            self.wire.max_cmd_sn = self.wire.exp_cmd_sn + 127
            if pdu.opcode == 1:
                self._command(pdu)
            elif pdu.opcode == 5:
                self._data_out(pdu)
            elif pdu.opcode == 2:
                self._task_management(pdu)
            self.fronts.flush()
        moved = self._transfer()
        if sent or moved:
            self.fronts.wake()
        return bool(sent) or moved

    # -- the target --------------------------------------------------------------------------------------------
    def _command(self, pdu: Sent) -> None:
        cdb, wire, operation = pdu.cdb, self.wire, pdu.cdb[0]
        lba, blocks = struct.unpack_from(">QI", cdb, 2)
        self.commands.append((operation, lba, blocks) if operation in (0x88, 0x8A, 0x93) else (operation, 0, 0))
        self.cdbs.append(cdb)
        size = wire.unit.known.block_size
        if operation in self.fail:
            self._give(wire.response(pdu.itt, CHECK, self.fail[operation]))
        elif operation == 0x88:
            end = (lba + blocks) * size
            for sn, at in enumerate(range(lba * size, end, self._split)):
                part = bytes(self.disk[at : min(at + self._split, end)])
                self._give(wire.data_in(pdu.itt, part, at - lba * size, sn=sn, last=at + len(part) == end))
        elif operation in (0x8A, 0x42, 0x93):
            self._writing[pdu.itt] = Writing(lba * size, bytearray(pdu.word(20)), 0)
            self._place(pdu, 0)
        else:
            self._give(wire.response(pdu.itt))

    def _task_management(self, pdu: Sent) -> None:
        """Abort one task, or all of them (11.5)."""
        if pdu.header[1] & 0x7F == 1:
            self._writing.pop(pdu.word(20), None)
        else:
            self._writing.clear()
        self._answer_management(pdu, 0)

    def _answer_management(self, pdu: Sent, response: int) -> None:
        stat_sn = self.wire.next_stat_sn()
        self._give(self.wire.pdu(0x22, 0x80, b2=response, itt=pdu.itt, stat_sn=stat_sn))

    def _data_out(self, pdu: Sent) -> None:
        self._place(pdu, pdu.word(40))

    def _place(self, pdu: Sent, offset: int) -> None:
        """Take data; ask for more at the end of a sequence, or answer."""
        writing = self._writing[pdu.itt]
        writing.data[offset : offset + len(pdu.data)] = pdu.data
        writing.have += len(pdu.data)
        if not pdu.final:
            return
        missing = len(writing.data) - writing.have
        if missing:
            burst = min(missing, self.wire.parameters.max_burst_length)
            self._give(self.wire.r2t(pdu.itt, writing.have, burst, sn=self.session.tasks[pdu.itt & 0xFFF].r2t_sn))
            return
        task = self.session.tasks[pdu.itt & 0xFFF]
        if task.opcode:
            self.disk[writing.at : writing.at + len(writing.data)] = writing.data
        elif task.cdb[0] == 0x93:
            length = int.from_bytes(task.cdb[10:14], "big") * self.wire.unit.known.block_size
            self.disk[writing.at : writing.at + length] = bytes(length)
        del self._writing[pdu.itt]
        self._give(self.wire.response(pdu.itt))

    def _give(self, *pdus: bytes) -> None:
        if self.link is None:
            self.wire.give(*pdus, now=self.loop.now)
        else:
            self.flight += b"".join(pdus)

    def _transfer(self) -> bool:
        """Bring what is in flight to the session; whether there was something."""
        if self.link is None:
            return False
        ours, theirs = self.link
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while self.flight and self.room:
                n = theirs.send(self.flight[: min(self.room, 1 << 20)])
                del self.flight[:n]
                self.room -= n
                sent += n
        with contextlib.suppress(BlockingIOError):
            while True:
                receive(ours, self.wire.connection, self.loop.now)
                self.fronts.flush()
        return bool(sent)
