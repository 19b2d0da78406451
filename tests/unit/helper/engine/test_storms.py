# SPDX-License-Identifier: Apache-2.0
"""Weather: users that come and go, a target that is busy, a link that stops, breaks or lies; nothing is lost or kept.

Each storm is made from its number, so that one that finds something can be had again.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine import loop as loop_module
from lundock.helper.engine.buffers import large_buffers
from lundock.helper.engine.front_fuse import FuseFront
from lundock.helper.engine.front_nbd import NbdFront
from support.served import Served
from support.wire import BUSY, CHECK, NO_TAG, Sent, sense

KIB, MIB = 1 << 10, 1 << 20
NOISE = random.Random(5).randbytes(4 * MIB)
FULL = 0x28
#: Reads are from the first 4 MiB; each user writes to 4 MiB of his own.
AREA, FIRST_AREA, MOST_USERS = 4 * MIB, 8 * MIB, 13
SIZES = [512, 4096, 4096, 4096, 16 * KIB, 64 * KIB, 300_032, MIB, 2 * MIB]


class Clock:
    """Stands in for the time module in the loop: the same storm, the same time."""

    now = 1000.0

    def monotonic(self) -> float:
        self.now += 0.001
        return self.now


class Target(Served):
    """Answers reads in any order that was agreed, and some commands with a status."""

    def __init__(self, chance: random.Random, **options: object) -> None:
        self.chance = chance
        self.bad = 0.0
        super().__init__(spliced=True, limit=64 * MIB, **options)  # type: ignore[arg-type]
        self.disk[: len(NOISE)] = NOISE
        self.splices = self.wire.connection.can_splice = chance.random() < 0.7

    def _command(self, pdu: Sent) -> None:
        if self.chance.random() < self.bad:
            status = self.chance.choice([BUSY, FULL, CHECK])
            self._give(self.wire.response(pdu.itt, status, sense(6, 0x29, 0) if status == CHECK else b""))
        elif pdu.cdb[0] == 0x88 and not self.wire.parameters.data_pdu_in_order:
            self._read_in_any_order(pdu)
        else:
            super()._command(pdu)

    def _read_in_any_order(self, pdu: Sent) -> None:
        lba, blocks = struct.unpack_from(">QI", pdu.cdb, 2)
        starts = list(range(0, blocks * 512, self._split))
        self.chance.shuffle(starts)
        for sn, at in enumerate(starts):
            part = bytes(self.disk[lba * 512 + at : lba * 512 + min(at + self._split, blocks * 512)])
            self._give(self.wire.data_in(pdu.itt, part, at, sn=sn, last=sn == len(starts) - 1))

    def _data_out(self, pdu: Sent) -> None:
        if pdu.itt in self._writing:  # else its command was answered at once
            super()._data_out(pdu)

    def turn(self) -> None:
        """One round; who is lied to leaves, and comes back."""
        self.loop.run_once(0)
        try:
            self.work()
        except Problem:
            self.lose()

    def lie(self) -> None:
        self.flight += self.wire.pdu(0x3A, 0x80)

    def lose(self) -> None:
        self.session.lost()
        for state in (self.flight, self._held, self._writing):
            state.clear()  # type: ignore[attr-defined]
        for end in self.link or ():
            end.close()
        self.link = socket.socketpair()
        for end in self.link:
            end.setblocking(False)
            large_buffers(end)
        self.wire.connect(window=self.chance.choice([3, 20, 128]), now=self.loop.now)
        self.wire.connection.can_splice = self.splices
        self.session.unit_ready(self.wire.unit)
        self.fronts.wake()

    def pass_time(self, clock: Clock, seconds: float) -> None:
        clock.now += seconds
        self.session.on_timer(clock.monotonic())
        self.fronts.wake()


class Late(Target):
    """Forgets commands until they are aborted, and does not always abort what it is told to."""

    def __init__(self, chance: random.Random, settings: dict[str, object], **options: object) -> None:
        self.slow = 0.0
        self.forgotten: dict[int, Sent] = {}
        times = {"command_timeout": 3, "abort_timeout": 2, "reset_timeout": 2}
        super().__init__(chance, settings={**settings, **times}, **options)

    def _command(self, pdu: Sent) -> None:
        if self.chance.random() < self.slow:
            self.forgotten[pdu.itt] = pdu
        else:
            super()._command(pdu)

    def _task_management(self, pdu: Sent) -> None:
        chance, itt = self.chance.random(), pdu.word(20)
        if chance < 0.05:
            return  # no answer
        if chance < 0.1:
            header, stat_sn = pdu.header, self.wire.next_stat_sn()
            self._give(self.wire.pdu(0x3F, 0x80, b2=self.chance.choice([4, 6]), stat_sn=stat_sn, data=header))
        elif chance < 0.25:
            self._answer_management(pdu, self.chance.choice([1, 2, 5, 255]))
        elif chance < 0.4 and itt in self.forgotten:
            super()._command(self.forgotten.pop(itt))  # its answer crosses the request
            self._answer_management(pdu, 5 if itt in self._writing else 0)
        else:
            self._abort(pdu, itt)

    def _abort(self, pdu: Sent, itt: int) -> None:
        late = self.forgotten.pop(itt, None)
        if itt == NO_TAG:
            self.forgotten.clear()
        super()._task_management(pdu)
        if late is not None and late.cdb[0] == 0x88 and self.chance.random() < 0.5:
            super()._command(late)  # data of what is over

    def turn(self) -> None:
        super().turn()
        resets, self.wire.above.resets = self.wire.above.resets, []
        for unit in resets:
            self.session.unit_ready(unit)
            self.fronts.wake()

    def lose(self) -> None:
        self.forgotten.clear()
        super().lose()

    def pass_time(self, clock: Clock, seconds: float) -> None:
        try:
            super().pass_time(clock, seconds)
        except Problem:
            self.lose()


class User(ABC):
    """Asks, and remembers what was answered; `written` is what the disk must hold in the end."""

    sizes: ClassVar[list[int]] = SIZES

    def __init__(self, target: Target, number: int, kind: int) -> None:
        self.target = target
        self.chance = target.chance
        self.area = FIRST_AREA + number * AREA
        self.asked: dict[int, tuple[bool, int, bytes | int]] = {}
        self.written: dict[int, bytes] = {}
        self.errors = 0
        self.handle = 0
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        for end in (self.ours, theirs):
            large_buffers(end)
        self.ours.setblocking(False)
        self.front = self.serve(number, theirs)
        target.fronts.add(self.front, self.front.ready)
        self.front.begin()

    @abstractmethod
    def serve(self, number: int, theirs: socket.socket) -> NbdFront | FuseFront:
        """Return the front that he speaks to."""

    def ask(self) -> None:
        """Read noise, or write to a place that nobody writes to now."""
        self.handle += 2
        size = self.chance.choice(self.sizes)
        places = {at for write, at, _ in self.asked.values() if write}
        at = self.area + self.chance.randrange(2) * 2 * MIB
        if self.chance.random() < 0.3 and at not in places:
            data = NOISE[self.handle : self.handle + size]
            self.asked[self.handle] = True, at, data
            self.written.pop(at, None)
            self.write(self.handle, at, data)
        else:
            at = self.chance.randrange(0, (len(NOISE) - size) // 512 + 1) * 512
            self.asked[self.handle] = False, at, size
            self.read(self.handle, at, size)

    @abstractmethod
    def read(self, handle: int, at: int, size: int) -> None:
        """Ask for `size` bytes."""

    @abstractmethod
    def write(self, handle: int, at: int, data: bytes) -> None:
        """Have `data` written."""

    @abstractmethod
    def move(self) -> None:
        """Send and take what goes."""

    def answered(self, handle: int, error: int, found: bytes) -> None:
        write, at, what = self.asked.pop(handle)  # once, and once only
        if error:
            self.errors += 1
        elif isinstance(what, bytes):
            self.written[at] = what
        else:
            assert found == NOISE[at : at + what]
        assert write is isinstance(what, bytes)

    def check(self) -> None:
        for at, data in self.written.items():
            assert bytes(self.target.disk[at : at + len(data)]) == data


class Client(User):
    """NBD's."""

    def __init__(self, target: Target, number: int) -> None:
        self._out, self._in = bytearray(), bytearray()
        super().__init__(target, number, socket.SOCK_STREAM)

    def serve(self, number: int, theirs: socket.socket) -> NbdFront:
        fronts = self.target.fronts
        return NbdFront(
            fronts, number, self.target.wire.unit, theirs, handshake=False, read_only=False,
            max_request=fronts.memory.most,
        )  # fmt: skip

    def read(self, handle: int, at: int, size: int) -> None:
        self._out += struct.pack(">IHHQQI", 0x25609513, 0, 0, handle, at, size)

    def write(self, handle: int, at: int, data: bytes) -> None:
        self._out += struct.pack(">IHHQQI", 0x25609513, 0, 1, handle, at, len(data)) + data

    def move(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._out:
                del self._out[: self.ours.send(self._out[:MIB])]
        with contextlib.suppress(BlockingIOError):
            while piece := self.ours.recv(MIB):
                self._in += piece
        while len(self._in) >= 16:
            magic, error, handle = struct.unpack_from(">IIQ", self._in)
            assert magic == 0x67446698
            what = self.asked[handle][2]
            size = 16 + (what if isinstance(what, int) and not error else 0)
            if len(self._in) < size:
                break
            self.answered(handle, error, bytes(self._in[16:size]))
            del self._in[:size]


class Kernel(User):
    """FUSE's: what it writes does not keep to blocks."""

    sizes: ClassVar[list[int]] = [size for size in SIZES if size <= MIB]

    def __init__(self, target: Target, number: int) -> None:
        self._out: list[bytes] = []
        super().__init__(target, number, socket.SOCK_SEQPACKET)

    def serve(self, number: int, theirs: socket.socket) -> FuseFront:
        return FuseFront(
            self.target.fronts, number, self.target.wire.unit, theirs.detach(), read_only=False, resume=False
        )

    def _request(self, opcode: int, handle: int, at: int, size: int, data: bytes = b"") -> None:
        body = struct.pack("<QQIIQII", 1, at, size, 0, 0, 0, 0) + data
        self._out.append(struct.pack("<IIQQIIIHH", 40 + len(body), opcode, handle, 1, 7, 8, 9, 0, 0) + body)

    def read(self, handle: int, at: int, size: int) -> None:
        self._request(15, handle, at, size)

    def ask(self) -> None:
        """A socket, which stands in for /dev/fuse, cannot hold answers without end."""
        if sum(what for _, _, what in self.asked.values() if isinstance(what, int)) < MIB:
            super().ask()

    def write(self, handle: int, at: int, data: bytes) -> None:
        data = data[: len(data) - self.chance.choice([0, 0, 100])]
        self.asked[handle] = True, at, data
        self._request(16, handle, at, len(data), data)

    def move(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._out:
                self.ours.send(self._out[0])
                del self._out[0]
        with contextlib.suppress(BlockingIOError):
            while raw := self.ours.recv(3 * MIB):
                _, error, handle = struct.unpack_from("<IiQ", raw)
                self.answered(handle, error, raw[16:])


class Storm:
    """A target, its users, and chance."""

    def __init__(self, number: int, clock: Clock, kind: type[Target] = Target) -> None:
        self.chance = chance = random.Random(number)
        self.clock = clock
        self.naughty = chance.random() < 0.5 or kind is Late
        most = chance.choice([64 * KIB, 256 * KIB, MIB])
        settings = {
            "queue_depth": chance.choice([2, 5, 8, 32]), "ping_interval": 0, "busy_first_delay": 1,
            "command_timeout": 3000,
        }  # fmt: skip
        self.target = kind(
            chance, settings=settings, split=min(most, chance.choice([4 * KIB, 64 * KIB, 100_000, 256 * KIB, MIB])),
            max_recv=most, header_digest=chance.random() < 0.2, data_digest=chance.random() < 0.2,
            immediate_data=chance.random() < 0.7, initial_r2t=chance.random() < 0.5,
            data_pdu_in_order=chance.random() < 0.8,
        )  # fmt: skip
        self.users: list[User] = []
        self.number = 0
        for _ in range(chance.choice([1, 2, 3])):
            self.join()

    def join(self) -> None:
        kind: Callable[[Target, int], User] = self.chance.choice([Client, Client, Kernel])
        self.users.append(kind(self.target, self.number))
        self.number += 1

    def leave(self) -> None:
        """Somebody hangs up in the middle, and another one comes."""
        if self.number < MOST_USERS:
            self.users.pop(self.chance.randrange(len(self.users))).ours.close()
            self.target.turn()
            self.join()

    def step(self) -> None:
        chance, target = self.chance, self.target
        target.bad = chance.choice([0, 0, 0, 0.1, 0.5]) if self.naughty else 0
        target.holding = chance.random() < 0.3
        if isinstance(target, Late):
            target.slow = chance.choice([0, 0, 0.02, 0.2])
            target.pass_time(self.clock, chance.choice([0, 0, 1.0, 3.5]))
        target.room = chance.choice([1 << 40, 1 << 40, 0, 100, 70_000, 500_000])
        for user in self.users:
            if chance.random() < 0.6:
                for _ in range(chance.choice([1, 3, 40])):
                    user.ask()
            if chance.random() < 0.7:
                user.move()
        for _ in range(chance.choice([1, 4])):
            target.turn()
        for likely, happens in (
            (0.3, lambda: target.pass_time(self.clock, chance.choice([0.01, 1.1]))),
            (0.08, target.lose),
            (0.05, target.lie),
            (0.08, self.leave),
        ):
            if chance.random() < likely:
                happens()

    def calm(self) -> None:
        """Until everything is answered."""
        target = self.target
        target.bad, target.holding, target.room = 0, False, 1 << 40
        if isinstance(target, Late):
            target.slow = 0
        for _ in range(3000):
            for user in self.users:
                user.move()
            target.turn()
            target.pass_time(self.clock, 0.1)
            if target.session.unused and not any(user.asked for user in self.users):
                break
        target.settle()


@pytest.mark.parametrize(("kind", "number"), [*((Target, n) for n in range(20)), *((Late, n) for n in range(8))])
def test_after_a_storm_everything_is_answered_once_and_given_back(
    monkeypatch: pytest.MonkeyPatch, kind: type[Target], number: int
) -> None:
    clock = Clock()
    monkeypatch.setattr(loop_module, "time", clock)
    storm = Storm(number, clock, kind)
    for _ in range(storm.chance.choice([15, 40])):
        storm.step()
    storm.calm()
    target, session, pipes = storm.target, storm.target.session, storm.target.fronts.pipes
    for user in storm.users:
        assert not user.asked
        assert storm.naughty or not user.errors
        assert user.front.idle
        assert not user.front.held
        user.check()
    assert len(session.free) == session.depth
    assert len({task.itt & 0xFFF if task.itt >= 0 else ~task.itt & 0xFFF for task in session.free}) == session.depth
    assert not [task for task in session.free if task.dest or task.pooled or task.pipe or task.data]
    assert target.wire.unit.in_flight == 0
    assert target.fronts.memory.lent == 0
    assert len(pipes._idle) == pipes._made
    assert not any(pipe.size for pipe in pipes._idle)
    for user in storm.users:
        user.ours.close()
    target.close()
