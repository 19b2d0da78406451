# SPDX-License-Identifier: Apache-2.0
"""The newstyle handshake, as doc/proto.md of the NBD project has it."""

import struct

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.engine.nbd_handshake import Export, Handshake

EXPORT = Export(1 << 30, 0x016D, (4096, 8192, 1 << 25))
REPLY = 0x3E889045565A9


def option(number, data=b""):
    return b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data


def go(name=b"", infos=(), number=7):
    data = struct.pack(">I", len(name)) + name + struct.pack(">H", len(infos))
    return option(number, data + b"".join(struct.pack(">H", info) for info in infos))


def replies(raw):
    found = []
    while raw:
        magic, number, kind, length = struct.unpack_from(">QIII", raw)
        assert magic == REPLY
        found.append((number, kind, raw[20 : 20 + length]))
        raw = raw[20 + length :]
    return found


def greeted(flags=3):
    machine = Handshake(EXPORT)
    assert machine.to_send() == b"NBDMAGICIHAVEOPT\0\x03"
    machine.feed(struct.pack(">I", flags))
    return machine


INFOS = [
    (3, struct.pack(">HQH", 0, 1 << 30, 0x016D)),
    (3, struct.pack(">HIII", 3, 4096, 8192, 1 << 25)),
    (1, b""),
]


def test_go_begins_transmission_and_what_follows_is_kept():
    machine = greeted()
    machine.feed(go(b"any name", (3,)) + b"request")
    assert replies(machine.to_send()) == [(7, kind, data) for kind, data in INFOS]
    assert machine.done
    assert machine.leftover == b"request"


def test_info_does_not_begin_transmission():
    machine = greeted()
    machine.feed(go(number=6))
    assert replies(machine.to_send()) == [(6, kind, data) for kind, data in INFOS]
    assert not machine.done


@pytest.mark.parametrize(("flags", "zeroes"), [(1, 124), (3, 0)])
def test_export_name_is_answered_without_a_header(flags, zeroes):
    machine = greeted(flags)
    machine.feed(option(1, b"disk"))
    assert machine.to_send() == struct.pack(">QH", 1 << 30, 0x016D) + bytes(zeroes)
    assert machine.done


def test_byte_by_byte():
    machine = Handshake(EXPORT)
    machine.to_send()
    for byte in struct.pack(">I", 3) + option(8) + go():
        machine.feed(bytes([byte]))
    assert machine.done
    assert replies(machine.to_send())[0] == (8, 0x80000001, b"")  # structured replies: not supported


def test_list_shows_one_export_and_abort_ends():
    machine = greeted()
    machine.feed(option(3) + option(2))
    assert replies(machine.to_send()) == [(3, 2, bytes(4)), (3, 1, b""), (2, 1, b"")]
    assert machine.aborted


@pytest.mark.parametrize(
    "data", [b"", b"\0\0\0", b"\0\0\0\xff\0\0", b"\0\0\0\0\0\x02\0\x01", b"\xff\xff\xff\xff\0\0", b"\0\0\0\0\0\0\0"]
)
def test_malformed_go_is_refused(data):
    machine = greeted()
    machine.feed(option(7, data))
    assert replies(machine.to_send()) == [(7, 0x80000003, b"")]
    assert not machine.done


def test_a_long_option_is_skipped_without_being_kept():
    machine = greeted()
    machine.feed(b"IHAVEOPT" + struct.pack(">II", 9, 1 << 30))
    for _ in range(1 << 14):
        machine.feed(bytes(1 << 16))
        assert len(machine._buffer) == 0
    machine.feed(go())
    answers = replies(machine.to_send())
    assert answers[0] == (9, 0x80000009, b"")
    assert machine.done


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack(">I", 0xFF),
        struct.pack(">I", 3) + b"GET / HTTP/1.1\r\n",
        struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 1, 1 << 20),
        struct.pack(">I", 3) + option(8) * 200,
    ],
)
def test_who_is_no_nbd_client_is_sent_away(raw):
    machine = Handshake(EXPORT)
    with pytest.raises(Problem):
        machine.feed(raw)
