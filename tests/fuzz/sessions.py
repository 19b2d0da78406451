# SPDX-License-Identifier: Apache-2.0
"""Full feature phase: a session with tasks on the wire, and any bytes from its target."""

from __future__ import annotations

from collections.abc import Iterator

from lundock.helper.api.errors import Problem
from lundock.helper.api.settings import complete
from lundock.helper.api.statistics import Writer
from lundock.helper.engine import runs
from lundock.helper.engine.buffers import Buffer, Pool
from lundock.helper.engine.connection import Connection
from lundock.helper.engine.framing import PduReader
from lundock.helper.engine.front import OneByOne
from lundock.helper.engine.keys import Parameters
from lundock.helper.engine.login import LoginResult
from lundock.helper.engine.scsi import cdb
from lundock.helper.engine.scsi.disk import LunInfo, ScsiRequest, ScsiResult
from lundock.helper.engine.session import Session
from lundock.helper.engine.task import Task, Unit

from .harness import Pieces, Target, codes, cut, first_bytes, named
from .streams import with_digests

LUN = 1 << 48
BLOCK = 512
DISK = LunInfo(
    LUN, 1, size=256 << 10, block_size=BLOCK, physical_block_size=4096, fua=True, unmap=True, max_unmap_blocks=64,
    max_unmap_extents=1, write_same=True, write_same_unmap=True, max_write_same_blocks=64,
)  # fmt: skip
CODES = codes("ProtocolError", "DigestError", "ConnectionLost", "Timeout")
#: Tasks together read and write less than this; their places are all that may be taken.
MOST = 4 << 20
_WRITER = Writer()


class CountingPool(Pool):
    """A pool that knows how much it has given."""

    def __init__(self, most: int) -> None:
        super().__init__(keep=0)
        self.most = most
        self.given = 0

    def get(self, length: int) -> Buffer:
        buffer = super().get(length)
        self.given += buffer.size
        assert self.given <= self.most, "more memory than the tasks are long"
        return buffer

    def give_back(self, buffer: Buffer) -> None:
        self.given -= buffer.size
        assert self.given >= 0, "given back twice"


class Upward:
    """Notes what the session says."""

    def __init__(self) -> None:
        self.said: list[object] = []

    def event(self, kind: str, attrs: dict[str, str | int]) -> None:
        self.said.append((kind, attrs))

    def look_again(self, unit: Unit, kind: str) -> None:
        self.said.append((unit.lun, kind))

    def timer_wanted(self, when: float) -> None:
        self.said.append(when)

    def leave(self, time2wait: int, problem: Problem) -> None:
        self.said.append((time2wait, problem.code))


class Owner(OneByOne):
    """Notes how its tasks end."""

    def __init__(self) -> None:
        self.ends: list[object] = []
        self.places: dict[int, bytearray] = {}

    def read_ready(self, task: Task, view: memoryview, start: int, end: int) -> None:
        assert end - start == task.length
        self.ends.append((task.cookie, bytes(view[start:end])))

    def done(self, task: Task, error: int) -> None:
        self.ends.append((task.cookie, error, bytes(self.places.get(task.cookie, b"")) if not error else b""))

    def scanned(self, result: ScsiResult | Problem) -> None:
        self.ends.append((result.code, result.attrs) if isinstance(result, Problem) else result)


def parameters(flags: int) -> Parameters:
    """Bits 0 and 1: digests; 2 and 3: the combinations of 11.3.4; 4: any order; 5: small pieces."""
    small = bool(flags & 32)
    return Parameters(
        header_digest=bool(flags & 1),
        data_digest=bool(flags & 2),
        initial_r2t=bool(flags & 4),
        immediate_data=bool(flags & 8),
        max_send=512 if small else 8192,
        max_recv=512 if small else 65536,
        first_burst_length=1024,
        max_burst_length=16384,
        data_pdu_in_order=not flags & 16,
        data_sequence_in_order=not flags & 16,
    )


def result(agreed: Parameters, window: int) -> LoginResult:
    return LoginResult(agreed, tsih=1, isid=b"\x80\0\0\0\0\0", cmd_sn=1, exp_stat_sn=1, exp_cmd_sn=1, max_cmd_sn=window)


def begin(flags: int, window: int = 1000) -> tuple[Session, Connection, Upward, Owner]:
    """Return a session with fifteen commands asked for."""
    upward, owner = Upward(), Owner()
    session = Session(complete({"queue_depth": 16, "command_timeout": 30}), upward, _WRITER)
    session.pool = CountingPool(MOST)
    unit = session.unit(LUN)
    unit.info = DISK
    connection = Connection(session, result(parameters(flags), window))
    session.connected(connection, (1, 1, window), 0.0)
    session.unit_ready(unit)
    session.scsi(ScsiRequest(LUN, cdb.inquiry(96), 96), owner.scanned)
    session.read(unit, owner, 1, 0, 1, BLOCK)
    session.read(unit, owner, 2, 8, 64, 64 * BLOCK)
    session.write(unit, owner, 3, 0, 1, b"w" * BLOCK, None)
    session.write(unit, owner, 4, 0, 40, b"W" * (40 * BLOCK), None, fua=True)
    owner.places[5] = bytearray(5 * BLOCK)
    session.read_into(unit, owner, 5, 3, 5, memoryview(owner.places[5]))
    session.command(unit, owner, 6, cdb.synchronize_cache16())
    session.read(unit, owner, 7, 1, 1, BLOCK)
    session.command(unit, owner, 8, cdb.write_same16(0, 8, unmap=True), b"\0" * BLOCK)
    session.command(unit, owner, 9, cdb.synchronize_cache10())
    runs.reads(session, unit, owner, (10, 11, 12), (1, 2, 3), 1, BLOCK)
    runs.writes(session, unit, owner, (13, 14), (4, 5), 1, [b"r" * BLOCK, b"R" * BLOCK])
    return session, connection, upward, owner


def sent(connection: Connection) -> bytes:
    """Take what is to be sent, in order."""
    sink = Sink()
    while not connection.out.flush(sink):  # type: ignore[arg-type]
        pass
    return bytes(sink.got)


class Sink:
    """A socket that takes everything."""

    def __init__(self) -> None:
        self.got = bytearray()

    def send(self, data: bytes) -> int:
        self.got += data
        return len(data)

    def sendmsg(self, parts: list[bytes]) -> int:
        return sum(map(self.send, parts))


def receive(connection: Connection, piece: bytes, now: float) -> None:
    """Give bytes to a connection as a socket would."""
    while piece:
        taken = 0
        for place in connection.next_read():
            part = piece[taken : taken + len(place)]
            place[: len(part)] = part
            taken += len(part)
        assert taken
        connection.received(taken, now)
        piece = piece[taken:]


def small_window(data: bytes) -> None:
    """As below, but not all commands are let out at once; what goes out then depends on what comes together."""
    full_feature([data], window=7)


def full_feature(pieces: Pieces, window: int = 1000) -> object:
    """First byte: parameters (bits 0 to 5), bit 6: time passes at the middle, bit 7: digests are not put right."""
    head, pieces = first_bytes(pieces, 1)
    flags = head[0]
    agreed = parameters(flags)
    if not flags & 128:
        size = max(map(len, pieces), default=0)
        pieces = cut(with_digests(b"".join(pieces), header=agreed.header_digest, data=agreed.data_digest), size)
    session, connection, upward, owner = begin(flags, window)
    problem = None
    out = b""
    try:
        for piece, now in _in_time(pieces, passes=bool(flags & 64)):
            if now:
                session.on_timer(now)
            else:
                receive(connection, piece, 40.0)
            out += sent(connection)
    except Problem as caught:
        problem = named(caught, CODES)
    ends, said = list(owner.ends), list(upward.said)
    flying = session.units[LUN].in_flight
    _lose(session, owner)
    if problem is not None:
        return ends, said, problem
    return ends, said, flying, _without_numbers(out, agreed)


def _in_time(pieces: list[bytes], *, passes: bool) -> Iterator[tuple[bytes, float]]:
    """Give the pieces; with `passes`, half of the stream later, a time at which every command is late."""
    total, so_far = sum(map(len, pieces)), 0
    for piece in pieces:
        middle = total // 2 - so_far
        if passes and 0 <= middle < len(piece):
            yield piece[:middle], 0.0
            yield b"", 35.0
            yield piece[middle:], 0.0
        else:
            yield piece, 0.0
        so_far += len(piece)


def _lose(session: Session, owner: Owner) -> None:
    """After a loss nothing is on the wire, everything waits or has ended, and every task ends once."""
    session.lost()
    unit = session.units[LUN]
    assert not session.busy
    assert all(task.itt < 0 for task in session.slots)
    held = len(unit.held)
    assert len(session.free) + len(session.spare) + held == len(session.slots)
    session.refuse(unit, 5)
    assert not unit.held
    assert len(session.free) == session.depth
    assert unit.in_flight == 0
    cookies = [end[0] for end in owner.ends if isinstance(end, tuple) and isinstance(end[0], int)]
    assert sorted(cookies) == list(range(1, 15)), cookies
    assert len(owner.ends) == 15


def _without_numbers(out: bytes, agreed: Parameters) -> list[object]:
    """Return the PDUs that were sent in no order, without CmdSN and ExpStatSN: these depend on what came together."""
    reader = PduReader(1 << 20, header_digest=agreed.header_digest, data_digest=agreed.data_digest)
    reader.feed(out)
    found: list[object] = []
    while (one := reader.next()) is not None:
        header, data = one
        found.append((header[:24] + header[32:], data))
    assert not reader.take_rest()
    return sorted(found)  # type: ignore[type-var]


_TAGS = [((1 << 12) + index).to_bytes(4, "big") for index in range(32)]

_WORDS = (*_TAGS, b"\xff\xff\xff\xff", b"\0\0\x02\0", b"\0\0\x80\0", b"\x25\x81", b"\x21\x80", b"\x31\x80", b"\x20\x80")

TARGETS = (
    Target("session", play=full_feature, longest=1500, memory=4 << 20, words=_WORDS),
    Target("window", run=small_window, longest=1500, memory=4 << 20, words=_WORDS),
)
