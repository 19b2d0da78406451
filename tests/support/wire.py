# SPDX-License-Identifier: Apache-2.0
"""A session joined in memory with a target that the test speaks itself: PDUs packed from the RFC's pictures."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from crc32c import crc32c
from lundock.helper.api.errors import Problem
from lundock.helper.api.settings import complete
from lundock.helper.api.statistics import Writer
from lundock.helper.engine.connection import Connection
from lundock.helper.engine.login import LoginResult, Parameters
from lundock.helper.engine.session import Session
from lundock.helper.engine.task import Task, Unit

LUN = 0x0001_0000_0000_0000
NO_TAG = 0xFFFFFFFF
GOOD, CHECK, BUSY = 0, 2, 8
ISID = b"\x80\x11\x22\x33\0\0"


def sense(key: int, asc: int, ascq: int) -> bytes:
    """Fixed format sense data, with its length before it (11.4.7)."""
    data = bytes([0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0])
    return struct.pack(">H", len(data)) + data


@dataclass
class Sent:
    """A PDU that the session sent."""

    header: bytes
    data: bytes

    @property
    def opcode(self) -> int:
        return self.header[0] & 0x3F

    @property
    def immediate(self) -> bool:
        return bool(self.header[0] & 0x40)

    @property
    def final(self) -> bool:
        return bool(self.header[1] & 0x80)

    def word(self, at: int) -> int:
        return int.from_bytes(self.header[at : at + 4], "big")

    @property
    def lun(self) -> int:
        return int.from_bytes(self.header[8:16], "big")

    @property
    def itt(self) -> int:
        return self.word(16)

    @property
    def cmd_sn(self) -> int:
        return self.word(24)

    @property
    def cdb(self) -> bytes:
        return self.header[32:48]


class Sink:
    """A socket that takes everything, or only so much."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.room = 1 << 40

    def send(self, part: bytes | memoryview) -> int:
        return self.sendmsg([part])

    def sendmsg(self, parts: list[bytes | memoryview]) -> int:
        text = b"".join(parts)[: self.room]
        if not text:
            raise BlockingIOError
        self.data += text
        self.room -= len(text)
        return len(text)


@dataclass
class Asker:
    """Owner of tasks that remembers what became of them: cookie, errno, data."""

    ended: list[tuple[int, int, bytes]] = field(default_factory=list)

    def read_ready(self, task: object, view: memoryview, start: int, end: int) -> None:
        view[start - 16 : start] = b"\xee" * 16  # as the fronts do
        self.ended.append((task.cookie, 0, bytes(view[start:end])))  # type: ignore[attr-defined]

    def reads_ready(self, tasks: list[Task], view: memoryview, starts: list[int]) -> None:
        for task, start in zip(tasks, starts, strict=True):
            self.read_ready(task, view, start, start + task.length)

    def done(self, task: object, error: int) -> None:
        self.ended.append((task.cookie, error, b""))  # type: ignore[attr-defined]

    def writes_done(self, tasks: list[Task]) -> None:
        for task in tasks:
            self.done(task, 0)

    @property
    def errors(self) -> list[int]:
        return [error for _, error, _ in self.ended]


class Above:
    """Upward: what the session tells."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, str | int]]] = []
        self.looks: list[str] = []
        self.leaves: list[Problem] = []
        self.resets: list[Unit] = []
        self.timers: list[float] = []

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        self.events.append((kind, attrs))

    def look_again(self, unit: Unit, kind: str) -> None:
        self.looks.append(kind)

    def unit_reset(self, unit: Unit) -> None:
        self.resets.append(unit)

    def timer_wanted(self, when: float) -> None:
        self.timers.append(when)

    def leave(self, within: float, problem: Problem) -> None:
        self.leaves.append(problem)


class Wire:
    """The session, and the target's hands."""

    def __init__(
        self, *, cmd_sn: int = 100, window: int = 32, chunk: int = 1 << 30, settings: dict[str, object] | None = None,
        **parameters: object,
    ) -> None:  # fmt: skip
        defaults: dict[str, object] = {"max_recv": 262144, "max_send": 8192, "immediate_data": True}
        self.parameters = Parameters(**{**defaults, **parameters})  # type: ignore[arg-type]
        self.above = Above()
        self.asker = Asker()
        self.session = Session(complete(settings or {}), self.above, Writer())
        self.unit = self.session.unit(LUN)
        self.chunk = chunk
        self.connect(cmd_sn, window)
        self.session.unit_ready(self.unit)

    def connect(self, cmd_sn: int = 100, window: int = 32, now: float = 0.0) -> None:
        """Begin full feature phase on a new connection."""
        self.stat_sn = 7000
        self.exp_cmd_sn = cmd_sn
        self.max_cmd_sn = (cmd_sn + window - 1) & NO_TAG
        numbers = {"cmd_sn": cmd_sn, "exp_cmd_sn": cmd_sn, "max_cmd_sn": self.max_cmd_sn}
        login = LoginResult(self.parameters, tsih=5, isid=ISID, exp_stat_sn=self.stat_sn, **numbers)
        self.connection = Connection(self.session, login)
        self.session.connected(self.connection, (cmd_sn, cmd_sn, self.max_cmd_sn), now)
        self.sink = Sink()

    # -- what the session sent ---------------------------------------------------------------------------------
    def sent(self) -> list[Sent]:
        """Take the PDUs that it sent, digests checked."""
        self.connection.out.flush(self.sink)  # type: ignore[arg-type]
        raw, found = self.sink.data, []
        while raw:
            header = bytes(raw[:48])
            del raw[:48]
            if self.parameters.header_digest:
                assert struct.unpack("<I", raw[:4])[0] == crc32c(header)
                del raw[:4]
            length = int.from_bytes(header[5:8], "big")
            padded = (length + 3) & ~3
            data = bytes(raw[:padded])
            assert len(data) == padded
            del raw[:padded]
            if length and self.parameters.data_digest:
                assert struct.unpack("<I", raw[:4])[0] == crc32c(data)
                del raw[:4]
            found.append(Sent(header, data[:length]))
        return found

    def one(self) -> Sent:
        """Take the only PDU that it sent."""
        found = self.sent()
        assert len(found) == 1, found
        return found[0]

    # -- what the target sends ---------------------------------------------------------------------------------
    def give(self, *pdus: bytes, now: float = 0.0) -> None:
        """Let the session receive these bytes, in pieces of `chunk`."""
        raw = b"".join(pdus)
        while raw:
            piece, raw = raw[: self.chunk], raw[self.chunk :]
            while piece:
                n = 0
                for buffer in self.connection.next_read():
                    part = piece[n : n + len(buffer)]
                    buffer[: len(part)] = part
                    n += len(part)
                assert n
                self.connection.received(n, now)
                piece = piece[n:]

    def pdu(
        self, opcode: int, flags: int, *, b2: int = 0, b3: int = 0, lun: int = 0, itt: int = NO_TAG, ttt: int = NO_TAG,
        stat_sn: int = 0, words: tuple[int, int, int] = (0, 0, 0), data: bytes = b"", spoil: str = "",
    ) -> bytes:  # fmt: skip
        """Any PDU of a target."""
        header = struct.pack(">BBBBIQII", opcode, flags, b2, b3, len(data), lun, itt, ttt)
        header += struct.pack(">IIIIII", stat_sn, self.exp_cmd_sn, self.max_cmd_sn, *words)
        data += bytes(-len(data) % 4)
        if self.parameters.header_digest:
            header += struct.pack("<I", crc32c(header) ^ (spoil == "header"))
        if data and self.parameters.data_digest:
            data += struct.pack("<I", crc32c(data) ^ (spoil == "data"))
        return header + data

    def next_stat_sn(self) -> int:
        self.stat_sn += 1
        return self.stat_sn - 1

    def data_in(
        self, itt: int, data: bytes, offset: int = 0, *, sn: int = 0, last: bool = False, status: int = 0,
        flags: int = 0, residual: int = 0, spoil: str = "",
    ) -> bytes:  # fmt: skip
        """11.7: with `last` the status goes with it."""
        flags |= 0x81 if last else 0
        stat_sn = self.next_stat_sn() if last else 0
        return self.pdu(
            0x25, flags, b3=status if last else 0, itt=itt, stat_sn=stat_sn, words=(sn, offset, residual), data=data,
            spoil=spoil,
        )  # fmt: skip

    def response(
        self, itt: int, status: int = 0, data: bytes = b"", *, flags: int = 0, residual: int = 0, code: int = 0,
        exp_data_sn: int = 0,
    ) -> bytes:  # fmt: skip
        """11.4."""
        return self.pdu(
            0x21,
            0x80 | flags,
            b2=code,
            b3=status,
            itt=itt,
            stat_sn=self.next_stat_sn(),
            words=(exp_data_sn, 0, residual),
            data=data,
        )

    def r2t(self, itt: int, offset: int, length: int, *, sn: int = 0, ttt: int = 0x77, lun: int = LUN) -> bytes:
        """11.8."""
        return self.pdu(0x31, 0x80, lun=lun, itt=itt, ttt=ttt, stat_sn=self.stat_sn, words=(sn, offset, length))

    # -- asking ------------------------------------------------------------------------------------------------
    def read(self, lba: int = 0, blocks: int = 8, cookie: int = 1) -> None:
        """Ask for blocks of 512 bytes."""
        self.session.read(self.unit, self.asker, cookie, lba, blocks, blocks * 512)

    def write(self, data: bytes, lba: int = 0, cookie: int = 1) -> None:
        """Write blocks of 512 bytes."""
        self.session.write(self.unit, self.asker, cookie, lba, len(data) // 512, data, None)
