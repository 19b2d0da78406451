# SPDX-License-Identifier: Apache-2.0
"""The control channel between helper and worker: what may be said, and how it is checked.

A Unix SEQPACKET socket; one JSON object is one message of at most 128 KiB, with at most 4 descriptors. Both tables
below are the whole language: a message of another type, with a field that is missing, unknown or out of its bounds, or
with other descriptors than it names, is a `ControlError`, and ends the channel. Neither side trusts the other: the
worker reads the network, and the helper may have been upgraded.

    send(sock, message)            one non-blocking send; BlockingIOError when the socket is full
    receive(sock, table)           one message, None at the end; BlockingIOError when there is none
    encode, decode                 the same without a socket

Descriptors are received close-on-exec. Those of a message that is refused are closed before the error is raised.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from . import settings as settings_table
from .errors import MAX_ATTRIBUTE, MAX_ATTRIBUTES, Problem, catalogue, from_wire

MAX_MESSAGE = 128 * 1024
MAX_DESCRIPTORS = 4
MAX_DEPTH = 8
MAX_LUNS = 1024
MAX_TARGETS = 4096
LUNS_A_MESSAGE = 32
TARGETS_A_MESSAGE = 8
PORTALS_A_TARGET = 64
VERSION = 1
#: What a worker is for: a session; a list of targets; which sign-in a target wants; how far a login gets.
ROLES = ("session", "discovery", "sign-in", "login")

#: Iscsi names (RFC 7143, 4.2.7.1) and text values are bounded by the standard; descriptive texts by us.
NAME_LENGTH = 223
TEXT_LENGTH = 255

Value = Any
Check = Callable[[Value], Value]


class ControlError(Exception):
    """The other side said something that is not in the language. Nothing of it was used."""


def _bad(why: str) -> NoReturn:
    raise ControlError(why)


# ---- kinds of values ---------------------------------------------------------------------------------------------


def integer(low: int, high: int) -> Check:
    """A number within bounds; a boolean is none."""

    def check(value: Value) -> Value:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            _bad("not a number within its bounds")
        return value

    return check


def text(limit: int) -> Check:
    """A string of printable characters."""

    def check(value: Value) -> Value:
        if not isinstance(value, str) or len(value) > limit or not value.isprintable():
            _bad("not a printable text within its bounds")
        return value

    return check


def digits(count: int) -> Check:
    """Lower-case hexadecimal digits."""
    pattern = re.compile(f"[0-9a-f]{{{count}}}")

    def check(value: Value) -> Value:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            _bad("not hexadecimal digits")
        return value

    return check


def one_of(*choices: str) -> Check:
    """One of a few words."""

    def check(value: Value) -> Value:
        if not isinstance(value, str) or value not in choices:
            _bad("not one of the known words")
        return value

    return check


def boolean(value: Value) -> Value:
    """True or false."""
    if not isinstance(value, bool):
        _bad("not true or false")
    return value


def many(item: Check, most: int, least: int = 0) -> Check:
    """A list."""

    def check(value: Value) -> Value:
        if not isinstance(value, list) or not least <= len(value) <= most:
            _bad("not a list within its bounds")
        return [item(one) for one in value]

    return check


def record(**fields: Check) -> Check:
    """An object with exactly these fields; those whose names end with an underscore may be missing."""
    needed = {name: check for name, check in fields.items() if not name.endswith("_")}
    optional = {name[:-1]: check for name, check in fields.items() if name.endswith("_")}
    known = needed | optional

    def check_record(value: Value) -> Value:
        if not isinstance(value, dict) or not needed.keys() <= value.keys() <= known.keys():
            _bad("fields are missing or unknown")
        return {name: known[name](one) for name, one in value.items()}

    return check_record


def mapping(most: int, value_limit: int) -> Check:
    """Short names with short texts, numbers or booleans."""
    name_check = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
    text_check = text(value_limit)
    number_check = integer(-(2**63), 2**64 - 1)

    def check_one(value: Value) -> Value:
        if isinstance(value, bool):
            return value
        return text_check(value) if isinstance(value, str) else number_check(value)

    def check(value: Value) -> Value:
        if not isinstance(value, dict) or len(value) > most:
            _bad("not an object within its bounds")
        if not all(name_check.fullmatch(name) for name in value):
            _bad("not a name")
        return {name: check_one(one) for name, one in value.items()}

    return check


def settings(value: Value) -> Value:
    """Every setting of settings.toml, or some of them; the rest has its default."""
    if not isinstance(value, dict) or len(value) > len(settings_table.table()):
        _bad("not an object of settings")
    try:
        return settings_table.complete(value)
    except Problem:
        raise ControlError("a setting is unknown or out of its bounds") from None


def code(value: Value) -> Value:
    """A key of errors.toml."""
    if not isinstance(value, str) or value not in catalogue():
        _bad("not a known error")
    return value


# ---- the language ------------------------------------------------------------------------------------------------

_id = integer(1, 2**31 - 1)
_port = integer(1, 65535)
_group = integer(-1, 65535)
_front = integer(1, 65535)
_lun = digits(16)
_attrs = mapping(MAX_ATTRIBUTES, MAX_ATTRIBUTE)
_address = text(TEXT_LENGTH)
_portal = record(address=_address, port=_port, portal_group=_group)
_size = integer(0, 2**64 - 1)
_block = integer(0, 2**31)

_config = record(
    initiator_name=text(NAME_LENGTH),
    initiator_alias=text(TEXT_LENGTH),
    target_name=text(NAME_LENGTH),
    isid=digits(12),
    sign_in=one_of("none", "chap", "mutual"),
    chap_name=text(TEXT_LENGTH),
    target_chap_name=text(TEXT_LENGTH),
    portals=many(_portal, 64, 1),
    settings=settings,
)

_lun_record = record(
    address=_lun,
    number=_size,
    kind=text(16),
    vendor=text(64),
    model=text(64),
    revision=text(64),
    serial=text(TEXT_LENGTH),
    wwn=text(TEXT_LENGTH),
    size=_size,
    block_size=_block,
    physical_block_size=_block,
    read_only=boolean,
    thin=boolean,
    problem=text(64),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A type of message: its fields, and the names of descriptors that may come with it."""

    check: Check
    descriptors: tuple[str, ...] = ()


Table = Mapping[str, Row]

#: Helper to worker. All have an `id`, which the worker's `reply` repeats.
TO_WORKER: Table = {
    "start": Row(record(id=_id, role=one_of(*ROLES), config=_config), ("secrets", "statistics")),
    "connection": Row(record(id=_id, request=_id, code_=code, attrs_=_attrs), ("socket",)),
    "attach": Row(
        record(
            id=_id,
            front=_front,
            lun=_lun,
            kind=one_of("nbd", "fuse"),
            read_only=boolean,
            handshake=boolean,
            cached=boolean,
            alone=boolean,
            resume=boolean,
            lock=boolean,
        ),
        ("device",),
    ),
    "settled": Row(record(id=_id, front=_front)),
    "detach": Row(record(id=_id, front=_front)),
    "rescan": Row(record(id=_id)),
    "logout": Row(record(id=_id)),
    "hand_over": Row(record(id=_id), ("log",)),
}

#: Worker to helper. After each accepted connection: hello, then the present state, parameters and disks.
FROM_WORKER: Table = {
    "hello": Row(
        record(
            version=integer(1, 1000),
            role=one_of("idle", *ROLES),
            fronts=many(record(front=_front, lun=_lun, kind=one_of("nbd", "fuse")), 256),
            missing=many(text(100), 32),
        )
    ),
    "want_connection": Row(record(request=_id, portal=_portal, why=text(100))),
    "state": Row(
        record(
            state=one_of("connecting", "connected", "lost", "disconnecting", "ended"),
            code_=code,
            attrs_=_attrs,
        )
    ),
    "parameters": Row(record(values=mapping(64, TEXT_LENGTH), portal=_portal)),
    "luns": Row(record(luns=many(_lun_record, LUNS_A_MESSAGE), more=boolean)),
    "targets": Row(
        record(
            targets=many(
                record(name=text(NAME_LENGTH), portals=many(_portal, PORTALS_A_TARGET)),
                TARGETS_A_MESSAGE,
            ),
            more=boolean,
        )
    ),
    "stage": Row(record(name=text(40), time=_size, attrs=_attrs)),
    "front": Row(record(front=_front, code_=code, attrs_=_attrs)),
    "handed": Row(record(what=one_of("front", "statistics", "secrets"), front=integer(0, 65535)), ("descriptor",)),
    "event": Row(record(kind=text(40), attrs=_attrs)),
    "reply": Row(record(id=_id, ok=boolean, code_=code, attrs_=_attrs)),
}


@dataclass(slots=True)
class Message:
    """A message that is in the language. Descriptors that are not taken (`take`) are closed by `close`."""

    type: str
    fields: dict[str, Any]
    descriptors: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def take(self, name: str) -> int | None:
        """Hand a descriptor over to the caller, who closes it."""
        return self.descriptors.pop(name, None)

    def close(self) -> None:
        """Close what nobody took."""
        close_all(self.descriptors.values())
        self.descriptors.clear()

    @property
    def problem(self) -> Problem | None:
        """The error it carries, if any."""
        return from_wire(self.fields["code"], self.fields.get("attrs", {})) if "code" in self.fields else None


def error_fields(problem: Problem | None) -> dict[str, Any]:
    """Return the fields `code` and `attrs` for a message that carries an error."""
    if problem is None:
        return {}
    attrs = {name: clean(value) if isinstance(value, str) else value for name, value in problem.attrs.items()}
    return {"code": problem.code, "attrs": dict(list(attrs.items())[:MAX_ATTRIBUTES])}


def clean(untrusted: str, limit: int = MAX_ATTRIBUTE) -> str:
    """Return a text as `text` wants it: cut, with what cannot be printed replaced."""
    return "".join(char if char.isprintable() else "�" for char in untrusted[:limit])


# ---- bytes -------------------------------------------------------------------------------------------------------


def encode(message: Message, table: Table) -> bytes:
    """Return the message as bytes; ControlError when it isn't in the language (an error of ours)."""
    row = table.get(message.type) or _bad("unknown type")
    row.check(message.fields)
    if not set(message.descriptors) <= set(row.descriptors):
        _bad("unknown descriptor")
    body = {"type": message.type, "fields": message.fields, "descriptors": list(message.descriptors)}
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    if len(data) > MAX_MESSAGE:
        _bad("too long")
    return data


def decode(data: bytes, descriptors: Sequence[int], table: Table) -> Message:
    """Return the message; ControlError, with every descriptor closed, when it isn't in the language."""
    try:
        return _decode(data, descriptors, table)
    except ControlError:
        close_all(descriptors)
        raise


_envelope = record(type=text(40), fields=lambda value: value, descriptors=many(text(40), MAX_DESCRIPTORS))


def _decode(data: bytes, descriptors: Sequence[int], table: Table) -> Message:
    body = _envelope(_parse(data))
    row = table.get(body["type"]) or _bad("unknown type")
    names = body["descriptors"]
    if len(names) != len(descriptors) or len(set(names)) != len(names) or not set(names) <= set(row.descriptors):
        _bad("other descriptors than named")
    return Message(body["type"], row.check(body["fields"]), dict(zip(names, descriptors, strict=True)))


#: A string, or the rest when one does not end: so nothing is looked at twice, whatever was sent.
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)


def _parse(data: bytes) -> Value:
    """Read JSON: bounded in length and depth, no name twice, no NaN."""
    if len(data) > MAX_MESSAGE:
        _bad("too long")
    try:
        source = data.decode()
        _check_depth(_STRINGS.sub("", source))
        return json.loads(source, object_pairs_hook=_unique, parse_constant=lambda _: _bad("not JSON"))
    except (ValueError, RecursionError):
        raise ControlError("not JSON") from None


def _check_depth(source: str) -> None:
    depth = 0
    for char in source:
        depth += (char in "[{") - (char in "]}")
        if depth > MAX_DEPTH:
            _bad("too deep")


def _unique(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _bad("a name stands there twice")
    return found


# ---- sockets -----------------------------------------------------------------------------------------------------


def pair() -> tuple[socket.socket, socket.socket]:
    """Return a connected pair of control sockets, non-blocking."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setblocking(False)
    return ends


def send(sock: socket.socket, data: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send one encoded message; the descriptors stay the caller's. BlockingIOError when the socket is full."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    sock.sendmsg([data], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


_ANCILLARY = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)
_CUT = socket.MSG_TRUNC | socket.MSG_CTRUNC


def receive(sock: socket.socket, table: Table) -> Message | None:
    """Take one message; None at the end. BlockingIOError when there is none, ControlError for what is not a message."""
    packet = receive_raw(sock)
    return decode(*packet, table) if packet is not None else None


def receive_raw(sock: socket.socket) -> tuple[bytes, list[int]] | None:
    """Take one packet and its descriptors; None at the end. ControlError when some of it was cut off."""
    data, ancillary, flags, _ = sock.recvmsg(MAX_MESSAGE + 1, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i")
    for level, kind, payload in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(payload[: len(payload) - len(payload) % descriptors.itemsize])
    if flags & _CUT or len(data) > MAX_MESSAGE or len(descriptors) > MAX_DESCRIPTORS:
        close_all(descriptors)
        _bad("longer than allowed")
    if not data:
        close_all(descriptors)
        return None
    return data, list(descriptors)


def close_all(descriptors: Iterable[int]) -> None:
    """Close descriptors, also those that are closed already."""
    for number in descriptors:
        with contextlib.suppress(OSError):
            os.close(number)
