# SPDX-License-Identifier: Apache-2.0
"""The server's side of NBD's fixed newstyle handshake (NetworkBlockDevice/nbd, doc/proto.md). No socket.

One export, offered under every name: who has the socket was given this disk. Structured replies, TLS and contexts are
refused, as the protocol has it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from ..api.errors import Problem
from .scsi.disk import LunInfo

_GREETING = struct.pack(">8s8sH", b"NBDMAGIC", b"IHAVEOPT", 0x0003)  # FIXED_NEWSTYLE, NO_ZEROES
_OPTION = struct.Struct(">8sII")
_REPLY = struct.Struct(">QIII")
_REPLY_MAGIC = 0x3E889045565A9

EXPORT_NAME, ABORT, LIST, INFO, GO = 1, 2, 3, 6, 7
_ACK, _SERVER, _INFO = 1, 2, 3
_UNSUPPORTED, _INVALID, _TOO_BIG = 0x80000001, 0x80000003, 0x80000009
_INFO_EXPORT, _INFO_BLOCK_SIZE = 0, 3

#: Transmission flags.
HAS_FLAGS, READ_ONLY, SEND_FLUSH, SEND_FUA = 1, 2, 4, 8
SEND_TRIM, SEND_WRITE_ZEROES, CAN_MULTI_CONN, SEND_CACHE = 32, 64, 256, 1024

#: An option is skipped, and refused, when it is longer; names have at most 4096 bytes.
MAX_OPTION = 16 * 1024
#: Who sends more than this without choosing the export is up to nothing good.
MAX_OPTIONS = 128


@dataclass(frozen=True, slots=True)
class Export:
    """What is offered: size in bytes, transmission flags, block sizes (least, best, most)."""

    size: int
    flags: int
    block_sizes: tuple[int, int, int]


def export_of(info: LunInfo, max_request: int, *, read_only: bool, alone: bool) -> Export:
    """Return what a unit looks like to an NBD client; `alone`: there is no way to a second connection."""
    flags = HAS_FLAGS | SEND_FLUSH | SEND_CACHE | (0 if alone else CAN_MULTI_CONN)
    if read_only:
        flags |= READ_ONLY
    else:
        flags |= SEND_WRITE_ZEROES
        flags |= SEND_FUA if info.fua else 0
        flags |= SEND_TRIM if info.unmap else 0
    best = max(info.block_size, min(info.physical_block_size, max_request), 4096)
    return Export(info.size, flags, (info.block_size, best, max_request))


class Handshake:
    """`feed` takes the client's bytes, `to_send` gives ours; `done` when transmission begins, `aborted` when the
    client left.

    `leftover` is then what the client sent after its last option.
    """

    def __init__(self, export: Export) -> None:
        self._export = export
        self._buffer = bytearray()
        self._out = bytearray(_GREETING)
        self._flags: int | None = None
        self._options = 0
        self._skip = 0
        self.done = False
        self.aborted = False

    @property
    def leftover(self) -> bytes:
        """What came behind the handshake."""
        return bytes(self._buffer)

    def to_send(self) -> bytes:
        """Take what is to be sent."""
        out, self._out = bytes(self._out), bytearray()
        return out

    def feed(self, data: bytes | memoryview) -> None:
        """Take bytes; raises Problem("ProtocolError") when they are no NBD client's."""
        self._buffer += data
        while not (self.done or self.aborted) and self._step():
            pass

    def _step(self) -> bool:
        """Take one thing out of the buffer; False when it is not all there."""
        buffer = self._buffer
        if self._skip:
            n = min(self._skip, len(buffer))
            del buffer[:n]
            self._skip -= n
            return not self._skip
        if self._flags is None:
            return self._client_flags()
        if len(buffer) < _OPTION.size:
            return False
        magic, option, length = _OPTION.unpack_from(buffer)
        self._options += 1
        if magic != b"IHAVEOPT" or self._options > MAX_OPTIONS:
            raise _broken("an option")
        if length > MAX_OPTION:
            if option == EXPORT_NAME:
                raise _broken("the export's name")
            del buffer[: _OPTION.size]
            self._skip = length
            self._reply(option, _TOO_BIG)
            return True
        if len(buffer) < _OPTION.size + length:
            self._options -= 1  # it is counted when it is all there
            return False
        data = bytes(buffer[_OPTION.size : _OPTION.size + length])
        del buffer[: _OPTION.size + length]
        _OPTIONS.get(option, Handshake._unsupported)(self, option, data)
        return True

    def _client_flags(self) -> bool:
        if len(self._buffer) < 4:
            return False
        self._flags = int.from_bytes(self._buffer[:4], "big")
        del self._buffer[:4]
        if self._flags & ~0x3:
            raise _broken("flags that are not known")
        return True

    def _reply(self, option: int, kind: int, data: bytes = b"") -> None:
        self._out += _REPLY.pack(_REPLY_MAGIC, option, kind, len(data)) + data

    def _unsupported(self, option: int, data: bytes) -> None:
        _ = data
        self._reply(option, _UNSUPPORTED)

    def _export_name(self, option: int, data: bytes) -> None:
        _ = option, data
        self._out += struct.pack(">QH", self._export.size, self._export.flags)
        if not (self._flags or 0) & 2:
            self._out += bytes(124)
        self.done = True

    def _abort(self, option: int, data: bytes) -> None:
        _ = data
        self._reply(option, _ACK)
        self.aborted = True

    def _list(self, option: int, data: bytes) -> None:
        if data:
            self._reply(option, _INVALID)
            return
        self._reply(option, _SERVER, struct.pack(">I", 0))
        self._reply(option, _ACK)

    def _info(self, option: int, data: bytes) -> None:
        """INFO and GO: name length, name, number of infos asked for, infos."""
        if len(data) < 6 or not _well_formed(data):
            self._reply(option, _INVALID)
            return
        export = self._export
        self._reply(option, _INFO, struct.pack(">HQH", _INFO_EXPORT, export.size, export.flags))
        self._reply(option, _INFO, struct.pack(">HIII", _INFO_BLOCK_SIZE, *export.block_sizes))
        self._reply(option, _ACK)
        self.done = option == GO


def _well_formed(data: bytes) -> bool:
    name = int.from_bytes(data[:4], "big")
    if 4 + name + 2 > len(data):
        return False
    count = int.from_bytes(data[4 + name : 6 + name], "big")
    return len(data) == 4 + name + 2 + 2 * count


_OPTIONS: dict[int, Callable[[Handshake, int, bytes], None]] = {
    EXPORT_NAME: Handshake._export_name,  # noqa: SLF001 - the table of this class
    ABORT: Handshake._abort,  # noqa: SLF001
    LIST: Handshake._list,  # noqa: SLF001
    INFO: Handshake._info,  # noqa: SLF001
    GO: Handshake._info,  # noqa: SLF001
}


def _broken(what: str) -> Problem:
    return Problem("InvalidArgument", argument="NBD client", detail=f"It sent {what} out of form.")
