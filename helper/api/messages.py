# SPDX-License-Identifier: Apache-2.0
"""Messages of D-Bus: bytes to the library's messages and back. The one module that imports dbus-next (dbus-fast from
Python 3.15 on).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any, cast

from .encoding import Encoder
from .values import Typed

if sys.version_info >= (3, 15):
    from dbus_fast._private.unmarshaller import Unmarshaller
    from dbus_fast.constants import MessageFlag, MessageType
    from dbus_fast.message import Message
    from dbus_fast.signature import Variant
else:
    from dbus_next._private.unmarshaller import Unmarshaller
    from dbus_next.constants import MessageFlag, MessageType
    from dbus_next.message import Message
    from dbus_next.signature import Variant

__all__ = ["MAX_CALL", "TOO_LONG", "Message", "MessageFlag", "MessageType", "Variant", "header", "read"]

_Unmarshaller: Any = Unmarshaller  # the library has no types there

#: A call of the contract has less. More is read from the socket, but nothing is made of it: a few megabytes of small
#: values, from whoever is on the bus, would keep everybody else waiting for seconds.
MAX_CALL = 1 << 16
#: Stands for the signature of a call whose arguments were not read; no signature is like it.
TOO_LONG = "too long"


def read(data: bytes, wanted: Callable[[Any], bool]) -> Message | None:
    """Return the message: of a large signal that is not `wanted` none; of a large call, and of a large answer that is
    not `wanted`, the header alone, with the signature TOO_LONG.
    """
    if len(data) > MAX_CALL:
        head: Message = _Unmarshaller(io.BytesIO(_without_body(data))).unmarshall()
        if head.message_type is MessageType.SIGNAL and not wanted(head):
            return None
        if head.message_type is MessageType.METHOD_CALL or not wanted(head):
            head.signature = TOO_LONG
            return head
    return cast("Message | None", _Unmarshaller(io.BytesIO(data)).unmarshall())


def _without_body(data: bytes) -> bytes:
    """Return a message's header with the length of no body."""
    order = "little" if data[:1] == b"l" else "big"
    fields = int.from_bytes(data[12:16], order)  # type: ignore[arg-type]
    return data[:4] + bytes(4) + data[8 : 16 + fields + -fields % 8]


def header(message: Any, signature: str, length: int, descriptors: int) -> bytes:
    """Return a message's header (D-Bus specification, "Message Format"); the library has checked the names in it."""
    fields = (
        (1, "o", message.path), (2, "s", message.interface), (3, "s", message.member), (4, "s", message.error_name),
        (5, "u", message.reply_serial), (6, "s", message.destination), (8, "g", signature), (9, "u", descriptors),
    )  # fmt: skip
    there = [(code, Typed(kind, value)) for code, kind, value in fields if value]
    version = 1
    head = (ord("l"), message.message_type.value, message.flags.value, version, length, message.serial, there)
    data = Encoder().body(("y", "y", "y", "y", "u", "u", "a(yv)"), head)
    return data + bytes(-len(data) % 8)
