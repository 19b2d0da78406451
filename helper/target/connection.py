# SPDX-License-Identifier: Apache-2.0
"""A connection: its socket, its numbers, and what it does with each PDU (RFC 7143, section 11)."""

from __future__ import annotations

import contextlib
import io
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from . import commands, pdu, text
from .login import Login, Refused
from .pdu import NO_TAG, Op, Pdu
from .script import Close, Cut, Raw, Send, Step, Wait
from .session import Session

if TYPE_CHECKING:
    from .server import Server

_SERIAL = 1 << 32
#: What we take in one PDU while logging in.
LOGIN_LIMIT = 1 << 16
#: PDUs that carry a status and so advance StatSN, whatever their tag.
_STATUS = frozenset(
    {Op.SCSI_RESPONSE, Op.TASK_RESPONSE, Op.LOGIN_RESPONSE, Op.TEXT_RESPONSE, Op.LOGOUT_RESPONSE, Op.ASYNC, Op.REJECT}
)

# Reject reasons (11.17.1).
BAD_DATA_DIGEST, SNACK_REJECT, PROTOCOL_ERROR, NOT_SUPPORTED, TASK_IN_PROGRESS, INVALID_FIELD = 2, 3, 4, 5, 7, 9


def _only_normal(handler: Callable[[Connection, Pdu], None]) -> Callable[[Connection, Pdu], None]:
    """In a discovery session only text and logout are allowed (13.21)."""

    def checked(connection: Connection, request: Pdu) -> None:
        if connection.in_session.discovery:
            connection.reject(request, PROTOCOL_ERROR)
        else:
            handler(connection, request)

    return checked


class Connection:
    """One accepted connection, with a thread of its own. The methods for tests may be called from any thread."""

    def __init__(self, server: Server, number: int, sock: socket.socket) -> None:
        self.server = server
        self.number = number
        self.session: Session | None = None
        self.cid = 0
        self.stat_sn = 1
        self.text_left = b""
        self.text_tag = NO_TAG
        self.next_ttt = 1
        self._sock = sock
        self._stream = io.BufferedReader(sock.makefile("rb", buffering=0), 1 << 18)
        self._send_lock = threading.RLock()
        self._budget: tuple[int, bool] | None = None
        self._header_digest = self._data_digest = False
        self._closing = False
        self.thread = threading.Thread(target=self._run, name=f"target-connection-{number}", daemon=True)

    # -- life --------------------------------------------------------------------------------------------------
    def _run(self) -> None:
        try:
            self.server.script.connected(self)
            self._sock.settimeout(self.server.config.login_timeout)
            if self._login():
                self._sock.settimeout(None)
                self._serve()
        except (pdu.Disconnected, OSError, ValueError):
            pass  # it is gone, or was closed under us: nobody is left to tell
        finally:
            self.server.connection_ended(self)
            self._close_for_good()

    def _login(self) -> bool:
        login = Login(self.server.config, self.server.target_configs())
        while not login.done:
            request = self._receive(LOGIN_LIMIT)
            if request is None:
                continue
            if request.op != Op.LOGIN_REQUEST:
                return False  # 6.3: anything else ends the connection
            try:
                response = login.answer(request)
                if login.done:
                    response.tsih = self._open_session(login)
            except Refused as refused:
                self.send(Login.refusal(request, refused))
                return False
            self.send(response, numbers=self._login_numbers(login))
        agreed = login.agreed
        self._header_digest, self._data_digest = agreed.crc("HeaderDigest"), agreed.crc("DataDigest")
        return True

    def _login_numbers(self, login: Login) -> tuple[int, int]:
        if self.session is not None:
            return self.session.window()
        return login.cmd_sn, login.cmd_sn

    def _open_session(self, login: Login) -> int:
        self.cid = login.cid
        self.session = self.server.open_session(self, login)
        return self.session.tsih

    def _serve(self) -> None:
        while not self._closing:
            try:
                request = self._receive(self.limit)
            except pdu.BadDigest as bad:
                if bad.pdu is None:  # 7.8: the length is not to be trusted either
                    return
                commands.bad_digest(self, bad.pdu)
                continue
            if request is not None:
                self._dispatch(request)

    def _dispatch(self, request: Pdu) -> None:
        handler = self._HANDLERS.get(request.op)
        if handler is None:
            self.reject(request, NOT_SUPPORTED)
        else:
            handler(self, request)

    @property
    def local_address(self) -> tuple[str, int]:
        """Where the initiator has reached us."""
        host, port = self._sock.getsockname()[:2]
        return str(host), int(port)

    @property
    def limit(self) -> int:
        """Our MaxRecvDataSegmentLength."""
        return self.in_session.agreed.number("MaxRecvDataSegmentLength")

    @property
    def in_session(self) -> Session:
        """The session, once the login is done."""
        assert self.session is not None
        return self.session

    def _receive(self, limit: int) -> Pdu | None:
        try:
            got = pdu.read(self._stream, limit, header_digest=self._header_digest, data_digest=self._data_digest)
        except pdu.TooLong:
            raise pdu.Disconnected from None
        self.server.wire.add(self.number, got, sent=False)
        return self.server.script.received(self, got)

    # -- sending -----------------------------------------------------------------------------------------------
    def send(self, out: Pdu, *, numbers: tuple[int, int] | None = None) -> None:
        """Set the numbers of a PDU, ask the script, and send what it wants."""
        with self._send_lock:
            self._stamp(out, numbers)
            for step in self.server.script.sending(self, out):
                self._perform(step)

    def _stamp(self, out: Pdu, numbers: tuple[int, int] | None) -> None:
        carries_status = out.op in _STATUS or (out.op == Op.DATA_IN and out.flags & 0x01)
        if carries_status or (out.op == Op.NOP_IN and out.itt != NO_TAG):
            out.stat_sn = self.stat_sn
            self.stat_sn = (self.stat_sn + 1) % _SERIAL
        elif out.op != Op.DATA_IN:  # R2T and an unasked NOP-In tell the next one (11.8.3, 11.19.2)
            out.stat_sn = self.stat_sn
        if numbers is None and self.session is not None:
            numbers = self.session.window()
        if numbers is not None:
            out.exp_cmd_sn, out.max_cmd_sn = numbers

    def _perform(self, step: Step) -> None:
        if isinstance(step, Pdu):
            step = Send(step)
        if isinstance(step, Send):
            self.server.wire.add(self.number, step.pdu, sent=True)
            self._write(self._packed(step))
        elif isinstance(step, Raw):
            self._write(step.data)
        elif isinstance(step, Wait):
            time.sleep(step.seconds)
        elif isinstance(step, Cut):
            self._write(self._packed(Send(step.pdu))[: step.at])
            self.close(reset=step.reset)
        else:
            assert isinstance(step, Close)
            self.close(reset=step.reset)

    def _packed(self, step: Send) -> bytes:
        raw = bytearray(step.pdu.pack(header_digest=self._header_digest, data_digest=self._data_digest))
        if step.bad_header and self._header_digest:
            raw[pdu.BHS_LENGTH + len(step.pdu.ahs)] ^= 0xFF
        if step.bad_data and self._data_digest and step.pdu.data:
            raw[-1] ^= 0xFF
        return bytes(raw)

    def _write(self, data: bytes) -> None:
        if self._budget is None:
            self._sock.sendall(data)
            return
        left, reset = self._budget
        self._sock.sendall(data[:left])
        self._budget = (left - len(data), reset)
        if left <= len(data):
            self.close(reset=reset)
            raise pdu.Disconnected

    # -- for tests ---------------------------------------------------------------------------------------------
    def cut_after(self, count: int, *, reset: bool = False) -> None:
        """Close when so many more bytes have been sent, in the middle of a PDU or not."""
        with self._send_lock:
            self._budget = (count, reset)

    def close(self, *, reset: bool = False) -> None:
        """Close it now: with FIN, or with RST. The thread ends by itself."""
        self._closing = True
        how = socket.SHUT_RDWR
        if reset:
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            how = socket.SHUT_RD  # wakes the thread, whose close then sends the RST
        with contextlib.suppress(OSError):
            self._sock.shutdown(how)

    def send_nop_in(self, *, ttt: int = NO_TAG, lun: int = 0, data: bytes = b"") -> None:
        """Ping the initiator (`ttt` not NO_TAG), or only tell it the window."""
        self.send(Pdu.make(Op.NOP_IN, data, itt=NO_TAG, ttt=ttt, lun=lun))

    def send_async(
        self, event: int, *, code: int = 0, parameters: tuple[int, int, int] = (0, 0, 0), data: bytes = b""
    ) -> None:
        """Send an asynchronous message (11.9)."""
        out = Pdu.make(Op.ASYNC, data, itt=NO_TAG, async_event=event, async_code=code)
        out.parameter1, out.parameter2, out.parameter3 = parameters
        self.send(out)

    def reject(self, request: Pdu, reason: int) -> None:
        """Reject a PDU (11.17)."""
        self.send(Pdu.make(Op.REJECT, bytes(request.bhs), reason=reason, itt=NO_TAG))

    def _close_for_good(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.close()
        self._sock.close()

    # -- what comes in -----------------------------------------------------------------------------------------
    def _on_nop_out(self, request: Pdu) -> None:
        if request.itt == NO_TAG:
            return  # an answer to our ping; tests find it on the wire

        def answer() -> None:
            data = bytes(request.data)[: self.in_session.agreed.their_mrdsl]
            self.send(Pdu.make(Op.NOP_IN, data, itt=request.itt, ttt=NO_TAG, lun=request.lun))

        self.in_session.admit(request, answer)

    def _on_logout(self, request: Pdu) -> None:
        def answer() -> None:
            reason = request.flags & 0x7F
            mates = self.in_session.connections
            known = request.cid in mates
            code = 0 if reason == 0 or (reason == 1 and known) else 1 if reason == 1 else 2
            self.send(Pdu.make(Op.LOGOUT_RESPONSE, itt=request.itt, response=code))
            ending = list(mates.values()) if reason == 0 else [mates[request.cid]] if code == 0 else []
            for connection in ending:
                connection.close()

        self.in_session.admit(request, answer)

    def _on_text(self, request: Pdu) -> None:
        self.in_session.admit(request, lambda: text.answer(self, request))

    def _on_snack(self, request: Pdu) -> None:
        self.reject(request, SNACK_REJECT)

    def _on_login(self, request: Pdu) -> None:
        self.reject(request, PROTOCOL_ERROR)
        self.close()

    _HANDLERS: ClassVar[Mapping[int, Callable[[Connection, Pdu], None]]] = {
        Op.NOP_OUT: _on_nop_out,
        Op.SCSI_COMMAND: _only_normal(commands.on_command),
        Op.TASK_REQUEST: _only_normal(commands.on_task_request),
        Op.LOGIN_REQUEST: _on_login,
        Op.TEXT_REQUEST: _on_text,
        Op.DATA_OUT: _only_normal(commands.on_data_out),
        Op.LOGOUT_REQUEST: _on_logout,
        Op.SNACK: _on_snack,
    }
