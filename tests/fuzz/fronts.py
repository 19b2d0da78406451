# SPDX-License-Identifier: Apache-2.0
"""Those who ask for blocks: the NBD handshake, NBD requests and FUSE requests, before a target in memory."""

from __future__ import annotations

import dataclasses
import fcntl
import socket
import struct
from collections.abc import Iterable

from lundock.helper.api.errors import Problem
from lundock.helper.api.settings import complete
from lundock.helper.api.statistics import Writer
from lundock.helper.engine.buffers import large_buffers
from lundock.helper.engine.connection import Connection
from lundock.helper.engine.framing import PduReader, assemble
from lundock.helper.engine.front import Front
from lundock.helper.engine.front_fuse import FuseFront
from lundock.helper.engine.front_nbd import NbdFront
from lundock.helper.engine.keys import Parameters
from lundock.helper.engine.loop import READ, WRITE
from lundock.helper.engine.nbd_handshake import MAX_OPTION, Export, Handshake
from lundock.helper.engine.pdu import MAX_DATA_SEGMENT, RESPONSE, SCSI_COMMAND, Opcode
from lundock.helper.engine.session import Session

from .harness import Pieces, Target, first_bytes, named
from .sessions import DISK, LUN, CountingPool, Upward, receive, result, sent

_WRITER = Writer()
_HEADER = 40
#: A FUSE front's buffer and what is kept of its requests, or one NBD request of the largest kind, and as much again.
MOST = 66 << 20


class MemoryTarget:
    """Answers every command well: reads with a pattern, everything else with GOOD. Notes what was asked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reader = PduReader(MAX_DATA_SEGMENT)
        self._stat_sn = 0
        self.asked: list[tuple[bytes, bytes]] = []

    def work(self) -> bool:
        """Answer what is there; whether there was something."""
        self._reader.feed(sent(self._connection))
        answers = b""
        while (found := self._reader.next()) is not None:
            answers += self._answer(*found)
        receive(self._connection, answers, 1.0)
        return bool(answers)

    def _answer(self, header: bytes, data: bytes) -> bytes:
        opcode, flags, _, lun, itt, length, cmd_sn, _, cdb = SCSI_COMMAND.unpack(header)
        assert opcode == Opcode.SCSI_COMMAND
        assert lun == LUN
        self.asked.append((cdb, data))
        self._stat_sn += 1
        numbers = (lun, itt, 0xFFFFFFFF, self._stat_sn, cmd_sn + 1, cmd_sn + 64, 0, 0, 0)
        if not flags & 0x40:
            assert len(data) == length
            return assemble(RESPONSE.pack(Opcode.SCSI_RESPONSE, 0x80, 0, 0, 0, *numbers))
        pattern = (cdb[2:10] * (length // 8 + 1))[:length]
        return assemble(RESPONSE.pack(Opcode.DATA_IN, 0x81, 0, 0, length, *numbers), pattern)


class Driver:
    """The engine's part: what is dirty is flushed, what is blocked goes on."""

    def __init__(self, *, read_only: bool) -> None:
        self.session = Session(complete({"queue_depth": 4}), Upward(), _WRITER)
        self.session.pool = CountingPool(MOST)
        self.unit = self.session.unit(LUN)
        self.unit.info = dataclasses.replace(DISK, read_only=read_only)
        agreed = Parameters(
            initial_r2t=False, immediate_data=True, max_send=1 << 20, max_recv=1 << 20, first_burst_length=1 << 20,
            max_burst_length=1 << 20,
        )  # fmt: skip
        self.connection = Connection(self.session, result(agreed, 7))
        self.session.connected(self.connection, (1, 1, 7), 0.0)
        self.session.unit_ready(self.unit)
        self.target = MemoryTarget(self.connection)
        self.dirty: list[Front] = []
        self.blocked: list[Front] = []
        self.over: list[Problem | None] = []
        #: What the front has for itself.
        self.kept = 0

    def wake(self) -> None:
        """Everything is done in each round here."""

    def watch(self, fd: int, events: int) -> None:
        """Nothing is polled here."""

    def front_over(self, front: Front, problem: Problem | None) -> None:
        if not self.over:
            self.over.append(problem)
            front.close()

    def share(self, front: Front) -> None:
        self.kept = self.session.pool.given  # type: ignore[attr-defined]
        front.max_used = self.session.depth
        front.max_held = 1 << 20

    def lend(self, front: Front, total: int) -> bool:
        front.max_held = total  # the pool counts what is really taken
        return True

    def rounds(self) -> None:
        """Go on until nothing moves any more."""
        for _ in range(10_000):
            self._flush()
            moved = self.target.work()
            self._flush()
            blocked, self.blocked = self.blocked, []
            for front in blocked:
                self._resume(front)
            if not moved and not self.dirty and self.connection.out.empty:
                return
        raise AssertionError("it never comes to rest")

    def _flush(self) -> None:
        while self.dirty:
            dirty, self.dirty = self.dirty, []
            for front in dirty:
                front.flush()

    def _resume(self, front: Front) -> None:
        if self.over:
            return
        try:
            front.resume()
        except Problem as problem:
            self.front_over(front, problem)

    @staticmethod
    def receiving(front: Front) -> int:
        """Return the length of an NBD write that is not all there."""
        return front._into_request[3] if isinstance(front, NbdFront) and front._into_rest is not None else 0

    def check(self, front: Front) -> object:
        """Return what the target was asked; nothing may be left on the way."""
        if not self.over:
            assert front.idle
            assert front.held == self.receiving(front)
        assert len(self.session.free) == self.session.depth
        assert self.unit.in_flight == 0
        kept = self.kept + 2 * max(self.receiving(front), 1 << 16)
        assert self.session.pool.given <= kept or self.over  # type: ignore[attr-defined]
        problem = self.over[0] if self.over else None
        if problem is not None:  # what was begun before need not be finished
            return named(problem, ("InvalidArgument", "NotSupported"))
        # Requests that are on their way together may be sent in any order.
        return sorted(self.target.asked), bool(self.over)


# ---- NBD ---------------------------------------------------------------------------------------------------------


def handshake(pieces: Pieces) -> object:
    machine = Handshake(Export(1 << 20, 1, (512, 4096, 32 << 20)))
    out = machine.to_send()
    unused = b""
    try:
        for piece in pieces:
            if machine.done or machine.aborted:
                unused += piece
            else:
                machine.feed(piece)
                assert machine.done or machine.aborted or len(machine.leftover) < MAX_OPTION + 16
            out += machine.to_send()
    except Problem as problem:
        return out + machine.to_send(), named(problem, ("InvalidArgument",))
    return out, machine.done, machine.aborted, machine.leftover + unused


def nbd(pieces: Pieces) -> object:
    """First byte: with handshake, read-only."""
    head, pieces = first_bytes(pieces, 1)
    driver = Driver(read_only=bool(head[0] & 2))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        front = NbdFront(driver, 1, driver.unit, ours, handshake=bool(head[0] & 1), read_only=False)
        driver.share(front)
        front.begin()
        got = _talk(driver, front, theirs, pieces)
        answer = driver.check(front)
        left = bool(driver.over)
        theirs.shutdown(socket.SHUT_RDWR)
        while not driver.over:
            front.ready(READ)
            driver.rounds()
    return None if left else len(got), answer  # who breaks the rules need not be answered


def _talk(driver: Driver, front: NbdFront, client: socket.socket, pieces: Iterable[bytes]) -> bytes:
    driver.rounds()
    got = _drain(client)
    for piece in pieces:
        if driver.over:
            break
        client.sendall(piece)
        before = -1
        while before != (before := _waiting(client, len(got))) and not driver.over:
            front.ready(READ | WRITE)
            driver.rounds()
            got += _drain(client)
    return got + _drain(client)


def _waiting(client: socket.socket, got: int) -> int:
    """Return a number that changes as long as something moves between front and client."""
    left = fcntl.ioctl(client, 0x5411, bytes(4))  # SIOCOUTQ: what the front has not taken
    return struct.unpack("i", left)[0] << 32 | got


def _drain(client: socket.socket) -> bytes:
    got = b""
    try:
        while piece := client.recv(1 << 20):
            got += piece
    except (BlockingIOError, ConnectionResetError):
        pass
    return got


# ---- FUSE --------------------------------------------------------------------------------------------------------


def fuse(data: bytes) -> None:
    """First byte: read-only. Then requests: two bytes of length, opcode, unique, body. They come one by one, or all."""
    requests = _requests(data[1:])
    once = _fuse(requests, read_only=bool(data[:1] == b"\2"), together=True)
    single = _fuse(requests, read_only=bool(data[:1] == b"\2"), together=False)
    assert once == single or not once[1]  # who breaks the rules need not be answered


def _requests(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    while len(data) >= 3 and len(found) < 24:
        length, opcode = int.from_bytes(data[:2], "little"), data[2]
        body = data[3 : 3 + length]
        data = data[3 + length :]
        if opcode in (15, 16):  # the kernel's requests to read and write are whole
            body = body[:40].ljust(40, b"\0") + body[40:]
            if opcode == 16:
                body = body[:16] + (len(body) - 40).to_bytes(4, "little") + body[20:]
        header = (_HEADER + len(body)).to_bytes(4, "little") + opcode.to_bytes(4, "little")
        found.append(header + (len(found) + 1).to_bytes(8, "little") + bytes(24) + body)
    return found


def _fuse(requests: list[bytes], *, read_only: bool, together: bool) -> tuple[object, ...]:
    driver = Driver(read_only=read_only)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        theirs.setblocking(False)
        large_buffers(ours)
        front = FuseFront(driver, 1, driver.unit, ours.detach(), read_only=False, resume=False)
        driver.share(front)
        front._since = 0
        front.begin()
        answers: list[bytes] = []
        for group in [requests] if together else [[request] for request in requests]:
            for request in group:
                if not driver.over:
                    theirs.send(request)
            if not driver.over:
                front.ready(READ)
                driver.rounds()
            answers += _packets(theirs)
        found = driver.check(front)
        if not driver.over:
            front.close()
    uniques = [int.from_bytes(answer[8:16], "little") for answer in answers]
    assert len(set(uniques)) == len(uniques), "answered twice"
    assert all(int.from_bytes(answer[:4], "little") == len(answer) for answer in answers)
    return sorted(answers), not driver.over, found


def _packets(sock: socket.socket) -> list[bytes]:
    found: list[bytes] = []
    try:
        while packet := sock.recv(2 << 20):
            found.append(packet)
    except (BlockingIOError, ConnectionResetError):
        pass
    return found


TARGETS = (
    Target(
        "nbd-handshake", play=handshake, longest=1024,
        words=(b"IHAVEOPT", b"\0\0\0\x03", b"\0\0\0\x07\0\0\0\x06", b"\0\0\0\x01", b"\0\0\0\x02"),
    ),
    Target(
        "nbd", play=nbd, longest=400, cuts=(0, 53), memory=8 << 20,
        words=(b"IHAVEOPT", b"\x25\x60\x95\x13\0\0\0\0", b"\x25\x60\x95\x13\0\0\0\1", b"\0\0\x02\0"),
    ),
    Target("fuse", run=fuse, longest=2000, memory=8 << 20, words=(b"\x28\0\x0f", b"\x28\x02\x10", b"\0\x02\0\0")),
)  # fmt: skip
