# SPDX-License-Identifier: Apache-2.0
"""The login phase as a machine (RFC 7143, 6.3, 11.12, 11.13): bytes in, bytes out, no socket and no clock."""

from __future__ import annotations

import os
from dataclasses import replace

from ...api.errors import Problem
from .. import keys, pdu, text
from ..framing import PduReader, assemble
from ..keys import Parameters
from ..names import NO_PORTAL_GROUP
from ..pdu import LoginResponse, Opcode, Stage
from . import status
from .config import LoginConfig, LoginResult, Redirect
from .operational import Operational
from .security import Chap, NoSignIn, Random
from .stage import Negotiation, Step, failed

#: 6.1: text is taken up to this length, also where authentication items are long.
MAX_TEXT = 64 * 1024
#: 13.12: data segments in login are of the default length at most; what a target sends beyond is still taken.
MAX_SEND = 8192
#: 6.2: at least six are to be allowed; a text in small pieces takes many.
MAX_EXCHANGES = 256
#: 6.1: the longest value, in bytes; a target's alias is cut to it for display.
_MAX_VALUE = 255
_ISID_SIZE = 6
_PATHS = ((0, 1, 3), (0, 3), (1, 3))

#: 6.3: which stage may follow which.
TRANSITIONS: dict[int, frozenset[int]] = {
    Stage.SECURITY: frozenset({Stage.OPERATIONAL, Stage.FULL_FEATURE}),
    Stage.OPERATIONAL: frozenset({Stage.FULL_FEATURE}),
}


class Login:
    """One login. `result` or `redirect` is there when `done` is; every failure is a Problem out of a verb.

    Takes the stages of `config.stages` as far as the target goes along: (0, 1, 3), (0, 3) or (1, 3). Raises
    Problem("InvalidArgument") for a configuration that must not go on the wire.
    """

    def __init__(self, config: LoginConfig, now: float, *, random: Random = os.urandom) -> None:
        _check(config)
        self.config = config
        self.done = False
        self.result: LoginResult | None = None
        self.redirect: Redirect | None = None
        self._timeout = int(config.settings.get("login_timeout", keys.DEFAULTS["login_timeout"]))  # type: ignore[arg-type]
        self._deadline = now + self._timeout
        plain = config.sign_in == "none"
        self._security: NoSignIn | Chap = NoSignIn(ask=config.ask_method) if plain else Chap(config, random)
        self._operational = Operational(config)
        self._itt = int.from_bytes(random(3), "big")
        self._reader = PduReader(MAX_TEXT)
        self._started = False  # a header of the target has been read
        self._hung_up = False  # the target closed without a word
        self._out = bytearray()
        self._outgoing = b""  # text that still has to go, in more requests
        self._asked_transit = False  # T of the last request
        self._wanted_transit = False  # T of the request that ends the present text
        self._incoming = bytearray()
        self._exchanges = 0
        self._exp_stat_sn = 0
        self._declared: set[str] = set()
        self._alias = ""
        self._portal_group = NO_PORTAL_GROUP
        self._stages = config.stages
        self._stage = self._stages[0]
        self._negotiation: Negotiation = self._of(self._stage)
        self._request(self._first(self._negotiation.start()))

    # -- verbs -----------------------------------------------------------------------------------------------------
    def feed(self, data: bytes | bytearray | memoryview, now: float) -> None:
        """Take bytes of the target; raises Problem."""
        del now
        if self.done:
            raise ValueError("the login is over; its leftover is in the result")
        self._reader.feed(data)
        self._look_at_first_byte()
        while not self.done and (found := self._next()) is not None:
            self._received(*found)

    def to_send(self) -> bytes:
        """Take what is to be sent."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def next_deadline(self) -> float | None:
        """Return when on_timer wants to be called."""
        return None if self.done else self._deadline

    def on_timer(self, now: float) -> None:
        """Raise Problem("Timeout") when the whole login takes too long."""
        if not self.done and now >= self._deadline:
            raise Problem("Timeout", what="login", seconds=self._timeout, address=self.config.address)

    def eof(self, now: float) -> None:
        """Take note that the peer closed: before its first word it may be anything, so that is no NotIscsi."""
        del now
        if self.done:
            return
        if not self._started and self._reader.first is not None:
            raise Problem("NotIscsi", address=self.config.address)
        self._hung_up = not self._started
        raise Problem("ConnectionLost", address=self.config.address)

    @property
    def fallback(self) -> LoginConfig | None:
        """After a Problem: with what to try again on a new connection, and to go on with when that succeeds.

        There are targets (tgtd 1.0.85) that select SHA-256 and then cannot read an answer of its length: they say
        “initiator error” to our proof. What the other side selects is its choice anyway, so nothing is given away.
        There are others (Linux's own target) that want a sign-in and hang up on whoever offers None alone.
        """
        if self._hung_up and self._stage == Stage.SECURITY and isinstance(self._security, NoSignIn):
            return None if self.config.ask_method else replace(self.config, ask_method=True)
        names = self._security.remaining
        if not names:
            return None
        return replace(self.config, settings={**self.config.settings, "chap_algorithms": names})

    # -- what comes ------------------------------------------------------------------------------------------------
    def _look_at_first_byte(self) -> None:
        """Whoever greets first, or speaks TLS or HTTP, is known by the first byte: nothing else is waited for."""
        first = self._reader.first
        if self._started or first is None:
            return
        if first & pdu.OPCODE_MASK not in (Opcode.LOGIN_RESPONSE, Opcode.REJECT):
            raise Problem("NotIscsi", address=self.config.address)

    def _next(self) -> tuple[bytes, bytes] | None:
        try:
            found = self._reader.next()
        except Problem as problem:
            if self._started:
                raise
            raise Problem("NotIscsi", address=self.config.address) from problem
        if found is not None and not self._started:
            self._check_first(found[0])
            self._started = True
        return found

    def _check_first(self, header: bytes) -> None:
        """A first answer that knows neither our task tag nor our ISID comes from something else than a target."""
        response = pdu.parse(header)
        if isinstance(response, LoginResponse):
            known = response.itt == self._itt or response.isid == self.config.isid or response.status_class
        else:
            known = response.itt == pdu.NO_TAG
        if not known:
            raise Problem("NotIscsi", address=self.config.address)

    def _received(self, header: bytes, data: bytes) -> None:
        response = pdu.parse(header)
        if isinstance(response, pdu.Reject):
            raise Problem("ProtocolError", detail=f"It rejected the login (reason {response.reason:#04x}).")
        if not isinstance(response, LoginResponse):  # 6.3
            raise Problem("ProtocolError", detail="It sent another message than a login response during login (6.3).")
        if response.status_class != status.SUCCESS:
            self._refused(response, data)
            return
        self._check_header(response)
        self._count()
        if self._outgoing:
            self._next_piece(response, data)
        else:
            self._take_text(response, data)

    def _refused(self, response: LoginResponse, data: bytes) -> None:
        """11.13.5: any other class than 0 ends the connection."""
        code = response.status_class << 8 | response.status_detail
        if response.status_class == status.REDIRECTION:
            self.redirect = status.redirect(code, data)
        if self.redirect is None:
            raise self._security.explain(code) or status.problem(self.config, code)
        self.done = True

    def _check_header(self, response: LoginResponse) -> None:
        """What must not change (11.13.1 to 11.13.7), and what a target may not do."""
        rules = (
            (response.itt == self._itt, "the task tag is not that of the login (11.12)"),
            (response.isid == self.config.isid, "the ISID is not that of the login (11.12.5)"),
            (not (response.transit and response.more), "T and C are set together (11.13.7)"),
            (not response.transit or self._asked_transit, "it goes on without being asked to (11.13.6)"),
            (response.stage == self._stage, "it is in another stage (11.12.3)"),
            (not response.transit or self._may_go_to(response.next_stage), "it goes to a stage it must not (6.3)"),
            (not self._exchanges or not pdu.sn_lt(response.stat_sn, self._exp_stat_sn), "StatSN goes back (11.13.4)"),
        )
        if response.version_active:
            raise status.problem(self.config, 0x0205)
        for holds, rule in rules:
            if not holds:
                raise Problem("ProtocolError", detail=f"In a login response {rule}.")
        self._exp_stat_sn = pdu.sn_add(response.stat_sn)

    def _may_go_to(self, stage: int) -> bool:
        return stage in TRANSITIONS[self._stage] and stage <= self._next_stage

    def _count(self) -> None:
        self._exchanges += 1
        if self._exchanges > MAX_EXCHANGES:
            raise Problem("ProtocolError", detail=f"The login does not end after {MAX_EXCHANGES} messages (6.2).")

    def _take_text(self, response: LoginResponse, data: bytes) -> None:
        self._incoming += data
        if len(self._incoming) > MAX_TEXT:
            raise Problem("TextTooLong", limit=MAX_TEXT)
        if response.more:  # 6.2: answered with an empty request
            self._put(b"", transit=False)
            return
        pairs = self._common(self._decode())
        step = self._negotiation.answer(pairs, transit=response.transit)
        if response.transit:
            self._negotiation.finish()
            self._enter(response)
        else:
            self._request(step)

    def _decode(self) -> list[text.Pair]:
        raw = bytes(self._incoming)
        self._incoming.clear()
        try:
            return text.decode(raw)
        except ValueError as error:
            raise Problem(
                "ProtocolError", detail=f"The text of a login response cannot be read: {error} (6.1)."
            ) from None

    def _common(self, pairs: list[text.Pair]) -> dict[str, str]:
        """Take what may come in any stage; return the rest, where no key may come twice in the whole login (6.3)."""
        rest: dict[str, str] = {}
        for key, value in pairs:
            if key in self._declared and key not in keys.REPEATABLE:
                raise failed(key, "it was said twice")
            self._declared.add(key)
            if key in keys.INITIATOR_ONLY:
                raise failed(key, "only an initiator says this")
            if key in keys.ANY_STAGE:
                self._declare(key, value)
            elif key in keys.KEYS and self._stage == Stage.SECURITY:
                raise failed(key, "it has no place in the security stage")
            else:
                rest[key] = value
        return rest

    def _declare(self, key: str, value: str) -> None:
        if key == "TargetAlias":
            self._alias = value[:_MAX_VALUE]
        elif key == "TargetPortalGroupTag":
            self._portal_group = self._check_portal_group(value)

    def _check_portal_group(self, value: str) -> int:
        """13.9 and 6.3.1: 16 bits, and the group that we meant to reach."""
        try:
            tag = text.number(value)
        except ValueError as error:
            raise failed("TargetPortalGroupTag", error) from None
        if tag > 0xFFFF:
            raise failed("TargetPortalGroupTag", "it has more than 16 bits")
        wanted = self.config.portal_group
        if wanted not in (NO_PORTAL_GROUP, tag):
            raise failed("TargetPortalGroupTag", f"portal group {tag} answered, {wanted} was wanted")
        return tag

    # -- what goes -------------------------------------------------------------------------------------------------
    def _of(self, stage: int) -> Negotiation:
        return self._security if stage == Stage.SECURITY else self._operational

    @property
    def _next_stage(self) -> int:
        """The stage that we ask for."""
        return next(stage for stage in self._stages if stage > self._stage)

    def _first(self, step: Step) -> Step:
        """6.3: the first request of a connection says who we are and what we want."""
        config = self.config
        names = [("InitiatorName", config.initiator_name)]
        if config.initiator_alias:
            names.append(("InitiatorAlias", config.initiator_alias))
        if config.target_name:
            names.append(("TargetName", config.target_name))
        names.append(("SessionType", config.session_type))
        return Step((*names, *step.pairs), transit=step.transit)

    def _enter(self, response: LoginResponse) -> None:
        self._stage = response.next_stage
        if self._stage == Stage.FULL_FEATURE:
            self._finish(response)
            return
        self._negotiation = self._of(self._stage)
        self._request(self._negotiation.start())

    def _finish(self, response: LoginResponse) -> None:
        tsih = response.tsih
        if tsih == 0 or self.config.tsih not in (0, tsih):  # 11.13.3
            raise Problem("ProtocolError", detail="The session got no usable handle (TSIH, 11.13.3).")
        negotiated = self._negotiation is self._operational
        self.result = LoginResult(
            parameters=self._operational.parameters if negotiated else Parameters(),
            tsih=tsih,
            isid=self.config.isid,
            cmd_sn=self.config.cmd_sn,  # 11.12.8: the first command carries what the login carried
            exp_stat_sn=self._exp_stat_sn,
            exp_cmd_sn=response.exp_cmd_sn,
            max_cmd_sn=response.max_cmd_sn,
            target_alias=self._alias,
            portal_group=self._portal_group,
            leftover=self._reader.take_rest(),
            short_secret=isinstance(self._security, Chap) and self._security.short_secret,
        )
        self.done = True

    def _request(self, step: Step) -> None:
        self._outgoing = text.encode(step.pairs)
        self._wanted_transit = step.transit
        self._send_piece()

    def _next_piece(self, response: LoginResponse, data: bytes) -> None:
        """6.2: while our text goes on, the target answers with empty responses."""
        if data or response.more or response.transit:
            raise Problem("ProtocolError", detail="It answered before our text was at its end (6.2).")
        self._send_piece()

    def _send_piece(self) -> None:
        piece, self._outgoing = self._outgoing[:MAX_SEND], self._outgoing[MAX_SEND:]
        self._put(piece, transit=self._wanted_transit and not self._outgoing, more=bool(self._outgoing))

    def _put(self, data: bytes, *, transit: bool, more: bool = False) -> None:
        self._asked_transit = transit
        header = pdu.login_request(
            isid=self.config.isid,
            tsih=self.config.tsih,
            itt=self._itt,
            cid=self.config.cid,
            cmd_sn=self.config.cmd_sn,
            exp_stat_sn=self._exp_stat_sn,
            stage=self._stage,
            next_stage=self._next_stage if transit else None,
            more=more,
            data_length=len(data),
        )
        self._out += assemble(header, data)


def _check(config: LoginConfig) -> None:
    """Check what goes on the wire as it is: no text that would end early (6.1), no way around signing in."""
    texts = {
        "initiator_name": config.initiator_name,
        "initiator_alias": config.initiator_alias,
        "target_name": config.target_name,
        "chap_name": config.chap_name,
    }
    wrong = [name for name, value in texts.items() if not value.isprintable() or len(value.encode()) > _MAX_VALUE]
    if not config.initiator_name:
        wrong.append("initiator_name")
    if config.session_type == "Normal" and not config.target_name:  # 13.4
        wrong.append("target_name")
    if config.session_type not in ("Normal", "Discovery"):
        wrong.append("session_type")
    if len(config.isid) != _ISID_SIZE:
        wrong.append("isid")
    if config.stages not in _PATHS or (config.sign_in != "none" and config.stages[0] != Stage.SECURITY):
        wrong.append("stages")
    if config.sign_in not in ("none", "chap", "mutual"):
        wrong.append("sign_in")
    if wrong:
        raise Problem("InvalidArgument", argument=wrong[0], detail="It cannot be used in a login.")
