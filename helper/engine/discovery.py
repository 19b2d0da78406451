# SPDX-License-Identifier: Apache-2.0
"""A discovery session as a machine (RFC 7143, 4.3, 13.21, appendix C): login, SendTargets=All, logout."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from ..api.errors import Problem
from . import pdu, text
from .framing import PduReader, assemble
from .keys import DEFAULTS
from .login import Login, LoginConfig, LoginResult, Redirect
from .login.security import Random
from .login.traced import Told
from .names import Portal, is_target_name, parse_target_address

#: All text of the answer together, and what can be in it.
MAX_TEXT = 16 * 1024 * 1024
MAX_TARGETS = 65536
#: More answers than this for one list are refused, however short they are.
MAX_EXCHANGES = 65536

_TEXT_TAG = 1
_LOGOUT_TAG = 2


@dataclass(frozen=True, slots=True)
class FoundTarget:
    """A target and where it can be reached."""

    name: str
    portals: tuple[Portal, ...]


class Discovery:
    """One discovery session; the verbs of every machine. `targets` or `redirect` is there when `done` is.

    `told` is told "full-feature" when it is signed in, and asks for the list.
    """

    def __init__(
        self, config: LoginConfig, now: float, told: Told | None = None, *, random: Random = os.urandom
    ) -> None:
        self.config = replace(config, session_type="Discovery", target_name="")
        self.targets: tuple[FoundTarget, ...] = ()
        self.done = False
        self._told = told
        self._login = Login(self.config, now, random=random)
        self._answer_time = self._seconds("login_timeout")
        self._logout_time = self._seconds("logout_timeout")
        self._deadline = 0.0
        self._session: _Session | None = None

    @property
    def redirect(self) -> Redirect | None:
        """Where the target sends us instead (11.13.5)."""
        return self._login.redirect

    @property
    def fallback(self) -> LoginConfig | None:
        """As Login.fallback."""
        return self._login.fallback

    @property
    def result(self) -> LoginResult | None:
        """The login's result, once it is through."""
        return self._login.result

    def feed(self, data: bytes | bytearray | memoryview, now: float) -> None:
        """Take bytes of the target; raises Problem."""
        if self.done:
            return
        if self._session is not None:
            self._feed_session(data, now)
            return
        self._login.feed(data, now)
        if not self._login.done:
            return
        if self._login.result is None:
            self.done = True
            return
        self._session = _Session(self.config, self._login.result)
        self._deadline = now + self._answer_time
        if self._told is not None:
            self._told("full-feature", {})
        self._feed_session(self._login.result.leftover, now)

    def to_send(self) -> bytes:
        """Take what is to be sent."""
        return self._login.to_send() + (self._session.take_output() if self._session else b"")

    def next_deadline(self) -> float | None:
        """Return when on_timer wants to be called."""
        if self.done:
            return None
        return self._deadline if self._session else self._login.next_deadline()

    def on_timer(self, now: float) -> None:
        """Raise Problem("Timeout") when an answer does not come; a logout without answer is no harm."""
        if self.done:
            return
        if self._session is None:
            self._login.on_timer(now)
        elif now >= self._deadline:
            if self._session.complete:
                self.done = True
                return
            raise Problem("Timeout", what="list of targets", seconds=self._answer_time, address=self.config.address)

    def eof(self, now: float) -> None:
        """Take note that the peer closed: after the whole list has come that is as good as a logout."""
        if self.done:
            return
        if self._session is None:
            self._login.eof(now)
        elif self._session.complete:
            self.done = True
        else:
            raise Problem("ConnectionLost", address=self.config.address)

    def _feed_session(self, data: bytes | bytearray | memoryview, now: float) -> None:
        session = self._session
        if session is None:
            return
        before = session.exchanges, session.complete
        try:
            session.feed(data)
        finally:
            self.targets = session.targets  # the list is whole, whatever comes behind it
        if session.complete and not before[1]:
            self._deadline = now + self._logout_time
        elif session.exchanges != before[0]:
            self._deadline = now + self._answer_time
        self.done = session.closed

    def _seconds(self, setting: str) -> int:
        return int(self.config.settings.get(setting, DEFAULTS[setting]))  # type: ignore[arg-type]


class _Session:
    """The full feature phase of a discovery session: one text negotiation, then the logout."""

    def __init__(self, config: LoginConfig, login: LoginResult) -> None:
        self.exchanges = 0
        self.complete = False
        self.closed = False
        self.targets: tuple[FoundTarget, ...] = ()
        self._config = config
        parameters = login.parameters
        self._header_digest, self._data_digest = parameters.header_digest, parameters.data_digest
        self._reader = PduReader(parameters.max_recv, header_digest=self._header_digest, data_digest=self._data_digest)
        self._cmd_sn = login.cmd_sn
        self._exp_stat_sn = login.exp_stat_sn
        self._text = bytearray()
        self._out = bytearray()
        self._ask(text.encode([("SendTargets", "All")]))

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        self._reader.feed(data)
        while not self.closed and (found := self._reader.next()) is not None:
            self._received(*found)

    def take_output(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        return out

    def _send(self, header: bytes, data: bytes = b"") -> None:
        self._out += assemble(header, data, header_digest=self._header_digest, data_digest=self._data_digest)

    def _ask(self, data: bytes, ttt: int = pdu.NO_TAG, lun: int = 0) -> None:
        """Send the request, or with a TTT the next of its sequence: same ITT and I bit (11.10.3)."""
        header = pdu.text_request(
            itt=_TEXT_TAG,
            ttt=ttt,
            lun=lun,
            cmd_sn=self._cmd_sn,
            exp_stat_sn=self._exp_stat_sn,
            data_length=len(data),
        )
        self._cmd_sn = pdu.sn_add(self._cmd_sn)
        self._send(header, data)

    def _received(self, header: bytes, data: bytes) -> None:
        response = pdu.parse(header)
        match response:
            case pdu.TextResponse():
                self._on_text(response, data)
            case pdu.LogoutResponse():
                self._on_logout(response)
            case pdu.NopIn():
                self._on_nop(response)
            case pdu.AsyncMessage():
                self._on_async(response)
            case pdu.Reject():
                detail = f"It rejected the question for its targets (reason {response.reason:#04x})."
                raise Problem("ProtocolError", detail=detail)
            case _:
                raise Problem("ProtocolError", detail="It sent what has no place in a discovery session (7.4.3).")

    def _on_text(self, response: pdu.TextResponse, data: bytes) -> None:
        if self.complete or response.itt != _TEXT_TAG:
            raise Problem("ProtocolError", detail="It answered a text request that was not sent (11.11.3).")
        if response.final and response.more:
            raise Problem("ProtocolError", detail="In a text response F and C are set together (11.11.2).")
        self._exp_stat_sn = pdu.sn_add(response.stat_sn)
        self.exchanges += 1
        self._text += data
        if len(self._text) > MAX_TEXT or self.exchanges > MAX_EXCHANGES:
            raise Problem("TextTooLong", limit=MAX_TEXT)
        if not response.final:
            if response.ttt == pdu.NO_TAG:  # 11.11.1
                raise Problem("ProtocolError", detail="A text response goes on without a transfer tag (11.11.4).")
            self._ask(b"", response.ttt, response.lun)
            return
        self.targets = read_targets(bytes(self._text), self._config.portal)
        self.complete = True
        self._text.clear()
        logout = pdu.logout_request(
            pdu.LogoutReason.CLOSE_SESSION, itt=_LOGOUT_TAG, cmd_sn=self._cmd_sn, exp_stat_sn=self._exp_stat_sn
        )
        self._send(logout)

    def _on_logout(self, response: pdu.LogoutResponse) -> None:
        if not self.complete or response.itt != _LOGOUT_TAG:
            raise Problem("ProtocolError", detail="It answered a logout that was not sent (11.15).")
        self.closed = True

    def _on_nop(self, response: pdu.NopIn) -> None:
        """11.18: a ping is answered with its tag and LUN."""
        if response.ttt != pdu.NO_TAG:
            answer = pdu.nop_out(ttt=response.ttt, lun=response.lun, cmd_sn=self._cmd_sn, exp_stat_sn=self._exp_stat_sn)
            self._send(answer)

    def _on_async(self, response: pdu.AsyncMessage) -> None:
        """11.9.1: whatever ends the session ends it; the rest does not concern a question for targets."""
        self._exp_stat_sn = pdu.sn_add(response.stat_sn)
        ending = (pdu.AsyncEvent.LOGOUT_REQUEST, pdu.AsyncEvent.CONNECTION_DROP, pdu.AsyncEvent.SESSION_DROP)
        if response.event not in ending:
            return
        if not self.complete:
            raise Problem("ConnectionLost", address=self._config.address)
        self.closed = True


def read_targets(raw: bytes, portal: Portal | None) -> tuple[FoundTarget, ...]:
    """Read the answer to SendTargets (appendix C).

    A target without address is at `portal`, the connection's own. An address that cannot be read is passed over: the
    others are as good as before. Raises Problem("ProtocolError") for anything but target records.
    """
    try:
        pairs = text.decode(raw, MAX_TEXT // 8)
    except ValueError as error:
        raise Problem("ProtocolError", detail=f"The list of targets cannot be read: {error} (6.1).") from None
    found: dict[str, dict[Portal, None]] = {}
    current: dict[Portal, None] | None = None
    for key, value in pairs:
        if key == "TargetName" and is_target_name(value):
            current = found.setdefault(value, {})
            if len(found) > MAX_TARGETS:
                raise Problem("TextTooLong", limit=MAX_TEXT)
        elif key == "TargetAddress" and current is not None:
            _add_address(current, value)
        else:
            raise Problem("ProtocolError", detail=f"In the list of targets “{key}” is out of place (appendix C).")
    own = (Portal(portal.address, portal.port),) if portal is not None else ()
    return tuple(FoundTarget(name, tuple(portals) or own) for name, portals in found.items())


def _add_address(portals: dict[Portal, None], value: str) -> None:
    try:
        portals[parse_target_address(value)] = None
    except ValueError:
        return
