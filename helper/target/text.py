# SPDX-License-Identifier: Apache-2.0
"""Text requests in full feature phase: SendTargets, a new MaxRecvDataSegmentLength (RFC 7143, 11.10, appendix C)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import keys
from .pdu import NO_TAG, Op, Pdu

if TYPE_CHECKING:
    from .connection import Connection

PROTOCOL_ERROR = 4


def answer(connection: Connection, request: Pdu) -> None:
    """Answer one text request; a long answer goes over several, each asked for with an empty request."""
    if request.ttt != NO_TAG:
        if request.ttt != connection.text_tag or request.data:
            connection.reject(request, PROTOCOL_ERROR)
            return
    else:  # a new one resets what was left of the last (11.10.4)
        try:
            pairs = keys.parse(bytes(request.data))
        except (keys.BadText, UnicodeDecodeError):
            connection.reject(request, PROTOCOL_ERROR)
            return
        connection.text_left = keys.pack(_answers(connection, pairs))
    _send_piece(connection, request)


def _send_piece(connection: Connection, request: Pdu) -> None:
    length = connection.in_session.agreed.their_mrdsl
    piece, connection.text_left = connection.text_left[:length], connection.text_left[length:]
    out = Pdu.make(Op.TEXT_RESPONSE, piece, itt=request.itt, ttt=NO_TAG, lun=request.lun)
    if connection.text_left:
        # C: a pair may be cut in two. F and C are never set together (11.11.2).
        out.final, out.go_on = False, True
        out.ttt = connection.text_tag = connection.next_ttt
        connection.next_ttt += 1
    else:
        connection.text_tag = NO_TAG
    connection.send(out)


def _answers(connection: Connection, pairs: keys.Pairs) -> keys.Pairs:
    session = connection.in_session
    out: keys.Pairs = []
    for key, value in pairs:
        if key == "SendTargets":
            out += _targets(connection, value)
        elif key == "MaxRecvDataSegmentLength" and value.isdecimal() and 512 <= int(value) < 1 << 24:
            session.agreed.their_mrdsl = int(value)
            out.append((key, session.agreed.values[key]))
        elif key not in keys.DECLARED:
            out.append((key, "NotUnderstood" if key not in keys.KEYS else "Reject"))
    return out


def _targets(connection: Connection, which: str) -> keys.Pairs:
    session = connection.in_session
    server = connection.server
    if session.discovery:
        shown = [one for one in server.target_configs().values() if which in {"All", one.name}]
    else:  # "All" is for discovery sessions; here only the session's own target is told of
        own = session.target
        shown = [own] if own and which in {"", own.name} else []
    if which == "All" and not session.discovery:
        return [("SendTargets", "Reject")]
    out: keys.Pairs = []
    for target in shown:
        out.append(("TargetName", target.name))
        out += [("TargetAddress", address) for address in server.announced(connection, target)]
    return out
