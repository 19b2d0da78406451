# SPDX-License-Identifier: Apache-2.0
"""Seeds made by hand: what is not easily recorded."""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
from collections.abc import Iterator

from lundock.helper.engine.nbd import CMD_FLUSH, CMD_READ, CMD_TRIM, CMD_WRITE, CMD_WRITE_ZEROES
from lundock.helper.engine.scsi import luns
from support.pdus import target_pdu

from .sessions import LUN, begin, sent
from .streams import INITIATOR, TARGET

Seeds = Iterator[tuple[str, bytes]]


def session() -> Seeds:
    for flags in (0, 1, 2, 3, 4, 8, 12, 16, 35, 64, 79, 111):
        _, connection, _, _ = begin(flags)
        asked = _asked(sent(connection), flags)
        yield "session", bytes((flags,)) + b"".join(_answer(number, *one) for number, one in enumerate(asked, 1))
        backwards = b"".join(_answer(number, *one) for number, one in enumerate(reversed(asked), 1))
        yield "session", bytes((flags,)) + backwards
        for unasked in UNASKED:
            yield "session", bytes((flags,)) + unasked + backwards[:2000]
        for number, (_, itt, _, _) in enumerate(asked, 1):
            yield "session", bytes((flags,)) + _r2t(itt, number) + _failure(itt, number)


UNASKED = (
    target_pdu(0x20, w16=0xFFFFFFFF, w20=0xFFFFFFFF, w24=1, w28=1, w32=20),
    target_pdu(0x20, w16=0xFFFFFFFF, w20=77, w24=1, w28=1, w32=20, data=b"are you there"),
    *(
        target_pdu(0x32, w8=LUN, w16=0xFFFFFFFF, w20=0xFFFFFFFF, w24=1, w28=1, w32=20, w36=event << 24, w40=5 << 16)
        for event in range(6)
    ),
    target_pdu(
        0x32, w8=LUN, w16=0xFFFFFFFF, w24=1, w28=1, w32=20, data=b"\0\x12\x70\0\6" + bytes(7) + b"\x3f\x0e" + bytes(6)
    ),
    target_pdu(0x3F, b2=4, w16=0xFFFFFFFF, w24=1, w28=1, w32=20, data=bytes(48)),
    target_pdu(0x3F, b2=9, w16=0xFFFFFFFF, w24=1, w28=1, w32=20, data=b"\x40" + bytes(47)),
    target_pdu(0x22, b2=0, w16=0x40000000, w24=1, w28=1, w32=20),
    target_pdu(0x26, b2=0, w16=0x40000000, w24=1, w28=1, w32=20),
    target_pdu(0x24, w16=3, w20=0xFFFFFFFF, w24=1, w28=1, w32=20, data=b"X=Y\0"),
    target_pdu(0x23, w16=3, w24=1, w28=1, w32=20),
)


def _asked(raw: bytes, flags: int) -> list[tuple[int, int, int, bytes]]:
    """Return the commands: flags, ITT, length, CDB."""
    found: list[tuple[int, int, int, bytes]] = []
    while len(raw) >= 48:
        length = int.from_bytes(raw[5:8], "big")
        if raw[0] & 0x3F == 1:
            found.append((raw[1], int.from_bytes(raw[16:20], "big"), int.from_bytes(raw[20:24], "big"), raw[32:48]))
        end = 48 + (4 if flags & 1 else 0) + (length + 3) // 4 * 4 + (4 if flags & 2 and length else 0)
        raw = raw[end:]
    return found


def _answer(number: int, flags: int, itt: int, length: int, asked: bytes) -> bytes:
    words = {"w8": LUN, "w16": itt, "w20": 0xFFFFFFFF, "w24": number, "w28": number + 1, "w32": number + 9}
    if not flags & 0x40:
        return target_pdu(0x21, **words)
    size = min(length, 512)
    parts = range(0, min(length, 4096), size)
    return b"".join(
        target_pdu(0x25, b1=0x81 if at == parts[-1] else 0, data=bytes((at >> 8,)) * size, **words | {"w40": at})
        for at in parts
    )


def _r2t(itt: int, number: int) -> bytes:
    return target_pdu(0x31, w8=LUN, w16=itt, w20=5, w24=number, w28=1, w32=9, w36=0, w40=0, w44=512)


def _failure(itt: int, number: int) -> bytes:
    sense = b"\x70\0\x05\0\0\0\0\x0a" + bytes(4) + b"\x24\0" + bytes(4)
    return target_pdu(0x21, b3=2, w16=itt, w24=number, w28=2, w32=9, data=b"\0\x12" + sense)


def nbd() -> Seeds:
    def request(kind: int, offset: int, length: int, data: bytes = b"", flags: int = 0) -> bytes:
        fields = (flags << 16 | kind).to_bytes(4, "big") + bytes(7) + bytes((offset >> 9 & 255,))
        return b"\x25\x60\x95\x13" + fields + offset.to_bytes(8, "big") + length.to_bytes(4, "big") + data

    requests = [
        request(CMD_READ, 0, 4096),
        request(CMD_WRITE, 512, 512, b"d" * 512),
        request(CMD_WRITE, 0, 512, b"d" * 512, 1),
        request(CMD_FLUSH, 0, 0),
        request(CMD_TRIM, 4096, 65536),
        request(CMD_WRITE_ZEROES, 8192, 16384, flags=2),
        request(CMD_WRITE_ZEROES, 8192, 16384),
        request(5, 0, 512),
        request(CMD_READ, 3, 5),
        request(2, 0, 0),
    ]
    for one in (*requests, b"".join(requests)):
        yield "nbd", b"\0" + one
        yield "nbd", b"\2" + one
    go = b"\0\0\0\0\0\1\0\0"
    options = [
        b"IHAVEOPT" + n.to_bytes(4, "big") + len(d).to_bytes(4, "big") + d
        for n, d in ((7, go), (1, b"disk"), (3, b""), (2, b""), (8, b""), (6, go))
    ]
    for one in options:
        yield "nbd-handshake", b"\0\0\0\3" + one
        yield "nbd-handshake", b"\0\0\0\1" + options[4] + one
        yield "nbd", b"\1\0\0\0\3" + one + requests[0]


def fuse() -> Seeds:
    def request(opcode: int, body: bytes) -> bytes:
        return len(body).to_bytes(2, "little") + bytes((opcode,)) + body

    def place(offset: int, size: int, data: bytes = b"") -> bytes:
        return bytes(8) + offset.to_bytes(8, "little") + size.to_bytes(4, "little") + bytes(20) + data

    init = request(26, b"".join(n.to_bytes(4, "little") for n in (7, 45, 1 << 17, 0xFFFFFFFF, 0xFFFFFFFF)) + bytes(44))
    requests = [
        request(3, bytes(16)),
        request(14, bytes(8)),
        request(15, place(0, 4096)),
        request(15, place(100, 5000)),
        request(16, place(512, 512, b"d" * 512)),
        request(16, place(700, 100, b"d" * 100)),
        request(17, b""),
        request(20, bytes(16)),
        request(
            43,
            bytes(8)
            + (4096).to_bytes(8, "little")
            + (8192).to_bytes(8, "little")
            + (3).to_bytes(4, "little")
            + bytes(4),
        ),
        request(
            43,
            bytes(8)
            + (4096).to_bytes(8, "little")
            + (8192).to_bytes(8, "little")
            + (16).to_bytes(4, "little")
            + bytes(4),
        ),
        request(4, (8).to_bytes(4, "little") + bytes(12) + (256 << 10).to_bytes(8, "little") + bytes(64)),
        request(36, bytes(8)),
        request(2, bytes(8)),
        request(18, bytes(24)),
        request(99, b""),
    ]
    for first, one in itertools.product((b"\0", b"\2"), (*requests, b"".join(requests))):
        yield "fuse", first + init + one


def contract() -> Seeds:
    portal = {"address": "192.0.2.5", "port": 3260, "portal_group": 1}
    config = {
        "initiator_name": INITIATOR,
        "initiator_alias": "",
        "target_name": TARGET,
        "isid": "80" * 6,
        "sign_in": "chap",
        "chap_name": "alice",
        "target_chap_name": "",
        "portals": [portal],
        "settings": {"header_digest": ["CRC32C", "None"]},
    }
    lun = {
        "address": "0001000000000000",
        "number": 1,
        "kind": "disk",
        "vendor": "V",
        "model": "M",
        "revision": "1",
        "serial": "S",
        "wwn": "naa.60",
        "size": 1 << 40,
        "block_size": 512,
        "physical_block_size": 4096,
        "read_only": False,
        "thin": True,
        "problem": "",
    }
    to_worker = [
        ("start", {"id": 1, "role": "session", "config": config}, ["secrets", "statistics"]),
        ("connection", {"id": 2, "request": 1}, ["socket"]),
        ("connection", {"id": 2, "request": 1, "code": "ConnectionRefused", "attrs": {"address": "x", "port": 1}}, []),
        (
            "attach",
            {
                "id": 3,
                "front": 1,
                "lun": lun["address"],
                "kind": "fuse",
                "read_only": False,
                "handshake": False,
                "resume": True,
                "lock": True,
                "cached": False,
                "alone": False,
            },
            ["device"],
        ),
        ("detach", {"id": 4, "front": 1}, []),
        ("rescan", {"id": 5}, []),
        ("logout", {"id": 6}, []),
    ]
    from_worker = [
        (
            "hello",
            {
                "version": 1,
                "role": "idle",
                "fronts": [{"front": 1, "lun": lun["address"], "kind": "nbd"}],
                "missing": ["x"],
            },
            [],
        ),
        ("want_connection", {"request": 1, "portal": portal, "why": "login"}, []),
        ("state", {"state": "lost", "code": "Timeout", "attrs": {"what": "ping", "seconds": 5}}, []),
        (
            "parameters",
            {"values": {"HeaderDigest": "None", "MaxBurstLength": 5, "InitialR2T": True}, "portal": portal},
            [],
        ),
        ("luns", {"luns": [lun, lun], "more": False}, []),
        ("targets", {"targets": [{"name": TARGET, "portals": [portal]}], "more": True}, []),
        ("front", {"front": 1}, []),
        ("event", {"kind": "io-error", "attrs": {"lba": 5}}, []),
        ("reply", {"id": 1, "ok": True}, []),
    ]
    for first, rows in ((0, to_worker), (1, from_worker)):
        for kind, fields, descriptors in rows:
            body = json.dumps({"type": kind, "fields": fields, "descriptors": descriptors}, separators=(",", ":"))
            yield "control", bytes((first | len(descriptors) << 1,)) + body.encode()
    magic = 0x4C444B5354415431
    yield "statistics", b"\0" + b"".join(n.to_bytes(8, sys.byteorder) for n in (magic, 2, *[0] * 6, 1, 2, 3, 4, 5))
    yield "statistics", b"\x40" + b"".join(n.to_bytes(8, sys.byteorder) for n in (LUN, *range(1, 14), 0, 0, *[1] * 900))
    for size in (3, 20, 60, 200):
        yield "values", hashlib.sha512(bytes((size,))).digest() * (size // 64 + 1)


def texts() -> Seeds:
    addresses = [
        "192.0.2.5",
        "192.0.2.5:3261,7",
        "[2001:db8::1]:3260,1",
        "[fe80::1%eth0]",
        "disk.example:3260",
        "bücher.example",
        "::1",
    ]
    names = [
        "iqn.2001-04.com.example:storage.disk2",
        "eui.02004567a425678d",
        "naa.52004567ba64678d",
        "IQN.2001-04.com.Example:Ä",
    ]
    for one in addresses:
        yield "target-address", one.encode()
        yield "portal", one.encode()
        yield (
            "url",
            f"alice%S3CR3T@{one}/{names[0]}/1?header_digest=crc32c&target_user=t&target_password=an%20other".encode(),
        )
    for one in names:
        yield "name", one.encode()
        yield "target-name", one.encode()
        yield "url", f"192.0.2.5/{one}/0x0001000000000000?auth=sha3-256&queue_depth=5".encode()


def scsi() -> Seeds:
    """What none of the targets says."""

    def page(code: int, body: bytes) -> tuple[str, bytes]:
        return "vpd", bytes((0, code)) + len(body).to_bytes(2, "big") + body

    yield page(0, bytes((0, 0x80, 0x83, 0xB0, 0xB1, 0xB2)))
    yield page(0x80, b"  SERIAL 5 ")
    designators = [
        (1, 3, bytes.fromhex("6001405abcdef0123456789012345678")),
        (1, 2, bytes(7) + b"\1"),
        (3, 8, b"iqn.2001-04.com.example,L,0x01"),
        (2, 1, b"VENDOR  x"),
        (1, 0x13, b"\x50" + bytes(7)),
    ]
    yield page(0x83, b"".join(bytes((code, kind, 0, len(value))) + value for code, kind, value in designators))
    yield page(0xB0, bytes(range(60)))
    yield page(0xB1, b"\0\1" + bytes(58))
    yield page(0xB2, b"\5\xe4\2\0")
    yield "sense", b"\xf0\0\3\0\0\x10\0\x0a" + bytes(4) + b"\x11\0" + bytes(4)
    yield "sense", b"\x72\6\x3f\x0e\0\0\0\x0c\0\x0a\x80\0" + bytes(8)
    yield (
        "luns",
        (24).to_bytes(8, "little")[::-1][4:]
        + bytes(4)
        + b"".join(luns.from_number(n).to_bytes(8, "big") for n in (1, 300, 20000)),
    )
    yield "capacity", b"\x10" + (1 << 33).to_bytes(8, "big") + (4096).to_bytes(4, "big") + b"\0\3\xc0\1" + bytes(16)
    yield "capacity", b"\x0a" + b"\xff\xff\xff\xff\0\0\2\0"
    yield "mode", b"\x06" + bytes((23, 0, 0x90, 0, 0x48, 1, 0, 4)) + bytes(4) + bytes((8, 10, 4)) + bytes(9)
    yield "mode", b"\x0a" + bytes((0, 26, 0, 0x10, 0, 0, 0, 0, 8, 18, 4)) + bytes(17)


SOURCES = (session, nbd, fuse, contract, texts, scsi)
