# SPDX-License-Identifier: Apache-2.0
"""PDUs made and read byte by byte from RFC 7143's pictures, for tests of code that has builders of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Text = Mapping[str, str] | Iterable[tuple[str, str]] | bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A Login, Text, Logout or NOP-Out request as it was on the wire (11.10, 11.12, 11.14, 11.18)."""

    header: bytes
    data: bytes

    @property
    def opcode(self) -> int:
        return self.header[0] & 0x3F

    @property
    def immediate(self) -> bool:
        return bool(self.header[0] & 0x40)

    @property
    def t(self) -> bool:
        """T of a login, F of the others."""
        return bool(self.header[1] & 0x80)

    @property
    def c(self) -> bool:
        return bool(self.header[1] & 0x40)

    @property
    def csg(self) -> int:
        return (self.header[1] >> 2) & 3

    @property
    def nsg(self) -> int:
        return self.header[1] & 3

    @property
    def isid(self) -> bytes:
        return self.header[8:14]

    @property
    def lun(self) -> int:
        return int.from_bytes(self.header[8:16], "big")

    @property
    def tsih(self) -> int:
        return int.from_bytes(self.header[14:16], "big")

    @property
    def itt(self) -> int:
        return int.from_bytes(self.header[16:20], "big")

    @property
    def ttt(self) -> int:
        return int.from_bytes(self.header[20:24], "big")

    @property
    def cid(self) -> int:
        return int.from_bytes(self.header[20:22], "big")

    @property
    def cmd_sn(self) -> int:
        return int.from_bytes(self.header[24:28], "big")

    @property
    def exp_stat_sn(self) -> int:
        return int.from_bytes(self.header[28:32], "big")

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The text (6.1): every pair ends with a null."""
        assert not self.data or self.data.endswith(b"\0")
        found = [part.decode().partition("=") for part in self.data.split(b"\0")[:-1]]
        return [(key, value) for key, _, value in found]

    @property
    def keys(self) -> dict[str, str]:
        return dict(self.pairs)


def split(raw: bytes) -> list[Request]:
    """Cut what an initiator sent into PDUs; nothing may be left over, and padding is zeros."""
    found = []
    while raw:
        assert len(raw) >= 48
        assert raw[4] == 0, "no additional headers in these"
        length = int.from_bytes(raw[5:8], "big")
        end = 48 + (length + 3) // 4 * 4
        assert len(raw) >= end
        assert raw[48 + length : end] == bytes(end - 48 - length)
        found.append(Request(raw[:48], raw[48 : 48 + length]))
        raw = raw[end:]
    return found


def text_of(text: Text) -> bytes:
    if isinstance(text, bytes):
        return text
    pairs = text.items() if isinstance(text, Mapping) else text
    return b"".join(key.encode() + b"=" + value.encode() + b"\0" for key, value in pairs)


def with_data(header: bytearray, data: bytes) -> bytes:
    header[5:8] = len(data).to_bytes(3, "big")
    return bytes(header) + data + bytes(-len(data) % 4)


def _word(header: bytearray, at: int, value: int) -> None:
    header[at : at + 4] = (value & 0xFFFFFFFF).to_bytes(4, "big")


def login_response(
    request: Request,
    text: Text = b"",
    *,
    t: bool | None = None,
    c: bool = False,
    csg: int | None = None,
    nsg: int | None = None,
    tsih: int | None = None,
    stat_sn: int | None = None,
    status: int = 0,
    isid: bytes | None = None,
    itt: int | None = None,
    version_max: int = 0,
    version_active: int = 0,
    exp_cmd_sn: int | None = None,
    max_cmd_sn: int | None = None,
) -> bytes:
    """Return a Login Response (11.13) that agrees with `request` in everything that is not said otherwise."""
    t = (request.t and not c) if t is None else t
    csg = request.csg if csg is None else csg
    nsg = (request.nsg if t else 0) if nsg is None else nsg
    final = t and nsg == 3
    if tsih is None:
        tsih = (request.tsih or 0x4711) if final else request.tsih
    header = bytearray(48)
    header[0] = 0x23
    header[1] = (0x80 if t else 0) | (0x40 if c else 0) | csg << 2 | nsg
    header[2], header[3] = version_max, version_active
    header[8:14] = request.isid if isid is None else isid
    header[14:16] = tsih.to_bytes(2, "big")
    _word(header, 16, request.itt if itt is None else itt)
    _word(header, 24, request.exp_stat_sn if stat_sn is None else stat_sn)
    _word(header, 28, request.cmd_sn if exp_cmd_sn is None else exp_cmd_sn)
    _word(header, 32, request.cmd_sn + 31 if max_cmd_sn is None else max_cmd_sn)
    header[36], header[37] = status >> 8, status & 0xFF
    return with_data(header, text_of(text))


def text_response(
    request: Request,
    text: Text = b"",
    *,
    f: bool = True,
    c: bool = False,
    ttt: int = 0xFFFFFFFF,
    lun: int = 0,
    stat_sn: int | None = None,
    itt: int | None = None,
) -> bytes:
    """Return a Text Response (11.11)."""
    header = bytearray(48)
    header[0] = 0x24
    header[1] = (0x80 if f else 0) | (0x40 if c else 0)
    header[8:16] = lun.to_bytes(8, "big")
    _word(header, 16, request.itt if itt is None else itt)
    _word(header, 20, ttt)
    _word(header, 24, request.exp_stat_sn if stat_sn is None else stat_sn)
    _word(header, 28, request.cmd_sn + 1)
    _word(header, 32, request.cmd_sn + 32)
    return with_data(header, text_of(text))


def target_pdu(opcode: int, *, b1: int = 0x80, b2: int = 0, b3: int = 0, data: bytes = b"", **words: int) -> bytes:
    """Return any PDU of a target: `words` are w8 (eight bytes), w16, w20, … by their offset in the header."""
    header = bytearray(48)
    header[:4] = bytes((opcode, b1, b2, b3))
    for name, value in words.items():
        at = int(name[1:])
        if at == 8:
            header[8:16] = value.to_bytes(8, "big")
        else:
            _word(header, at, value)
    return with_data(header, data)
