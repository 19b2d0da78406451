# SPDX-License-Identifier: Apache-2.0
"""The login phase as the target does it (RFC 7143, sections 6.3, 11.12, 11.13): one request in, one response out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import keys
from .chap import Account, Chap, ChapFailed
from .config import ServerConfig, TargetConfig
from .pdu import Op, Pdu

SECURITY, OPERATIONAL, FULL_FEATURE = 0, 1, 3
#: A login's text may not grow for ever (6.1 wants 8192 bytes at least, 64 KiB for long authentication items).
MAX_TEXT = 65536
#: The initiator's MaxRecvDataSegmentLength while it logs in (6.3: the default).
ANSWER_PIECE = 8192

# Status-Class and Status-Detail (11.13.5).
MOVED_TEMPORARILY, MOVED_PERMANENTLY = 0x0101, 0x0102
INITIATOR_ERROR, AUTHENTICATION_FAILED, FORBIDDEN, NOT_FOUND = 0x0200, 0x0201, 0x0202, 0x0203
BAD_VERSION, MISSING_PARAMETER, BAD_SESSION_TYPE = 0x0205, 0x0207, 0x0209


class Refused(Exception):  # noqa: N818 - the standard's word is "reject", which is a PDU
    """The login ends with this status; `text` are keys to send along (a redirection's address)."""

    def __init__(self, status: int, text: keys.Pairs | None = None) -> None:
        super().__init__(f"{status:04x}")
        self.status = status
        self.text = text or []


@dataclass(slots=True)
class Who:
    """What the first request said."""

    initiator: str
    alias: str
    target: TargetConfig | None  # None: a discovery session

    @property
    def discovery(self) -> bool:
        """Whether it only wants the list of targets."""
        return self.target is None


class Login:
    """One connection's login. `answer` until `done`; then `who`, `agreed`, `isid`, `tsih`, `cid`, `cmd_sn` hold."""

    def __init__(self, config: ServerConfig, targets: Mapping[str, TargetConfig]) -> None:
        self._config = config
        self._targets = targets
        self._stage: int | None = None
        self._text = b""
        self._answer_left = b""
        self._chap: Chap | None = None
        self._secure = False
        self._told_group = False
        self._told_length = False
        self._seen: set[str] = set()
        self.who: Who | None = None
        self.agreed = keys.Agreed.defaults()
        self.isid = self.tsih = self.cid = self.cmd_sn = 0
        self.done = False

    # -- one exchange ------------------------------------------------------------------------------------------
    def answer(self, request: Pdu) -> Pdu:
        """Return the response to a request; Refused ends it."""
        if request.version_min > 0:
            raise Refused(BAD_VERSION)
        if self._stage is None:
            self.isid, self.tsih, self.cid, self.cmd_sn = request.isid, request.tsih, request.cid, request.cmd_sn
        self._text += bytes(request.data)
        if len(self._text) > MAX_TEXT:
            raise Refused(INITIATOR_ERROR)
        if request.go_on:
            return self._response(request)
        if self._answer_left and not request.data:
            return self._next_piece(request)
        text, self._text = self._text, b""
        try:
            pairs = keys.parse(text)
        except (keys.BadText, UnicodeDecodeError):
            raise Refused(INITIATOR_ERROR) from None
        return self._exchange(request, pairs)

    def _exchange(self, request: Pdu, pairs: keys.Pairs) -> Pdu:
        csg, _ = request.stages
        if self._stage is None:
            self._identify(dict(pairs))
            self._stage = csg
        if csg != self._stage or csg not in {SECURITY, OPERATIONAL}:
            raise Refused(INITIATOR_ERROR)
        if csg == SECURITY:
            answers = self._security(pairs)
        else:
            self._need_no_authentication()
            answers = self._operational(pairs)
        self._answer_left = keys.pack(self._group() + answers)
        return self._next_piece(request)

    def _next_piece(self, request: Pdu) -> Pdu:
        piece, self._answer_left = self._answer_left[:ANSWER_PIECE], self._answer_left[ANSWER_PIECE:]
        response = self._response(request, piece)
        csg, nsg = request.stages
        if self._answer_left:
            response.go_on = True
        elif request.final and (csg == OPERATIONAL or self._secure):
            if nsg not in {OPERATIONAL, FULL_FEATURE} or nsg <= csg:
                raise Refused(INITIATOR_ERROR)
            response.flags |= 0x80 | nsg
            self._stage = nsg
            self.done = nsg == FULL_FEATURE
        return response

    def _response(self, request: Pdu, text: bytes = b"") -> Pdu:
        response = Pdu.make(Op.LOGIN_RESPONSE, text, isid=request.isid, tsih=request.tsih, itt=request.itt)
        response.flags = request.stages[0] << 2
        return response

    @staticmethod
    def refusal(request: Pdu, refused: Refused) -> Pdu:
        """Return the response that ends a login."""
        text = keys.pack(refused.text)
        response = Pdu.make(Op.LOGIN_RESPONSE, text, isid=request.isid, tsih=request.tsih, itt=request.itt)
        response.flags = request.stages[0] << 2
        response.login_status = refused.status
        return response

    # -- who it is, and whether it may -------------------------------------------------------------------------
    def _identify(self, said: dict[str, str]) -> None:
        initiator = said.get("InitiatorName")
        kind = said.get("SessionType", "Normal")
        if not initiator:
            raise Refused(MISSING_PARAMETER)
        if kind == "Discovery":
            target = None
        elif kind == "Normal":
            target = self._find_target(said.get("TargetName"))
            self._admit(initiator, target)
        else:
            raise Refused(BAD_SESSION_TYPE)
        self.who = Who(initiator, said.get("InitiatorAlias", ""), target)

    def _find_target(self, name: str | None) -> TargetConfig:
        if name is None:
            raise Refused(MISSING_PARAMETER)
        # Names compare after mapping to lower case (RFC 3722).
        target = self._targets.get(name.lower())
        if target is None:
            raise Refused(NOT_FOUND)
        return target

    @staticmethod
    def _admit(initiator: str, target: TargetConfig) -> None:
        if target.initiators and initiator not in target.initiators:
            raise Refused(FORBIDDEN)
        if target.redirect:
            status = MOVED_PERMANENTLY if target.redirect_permanent else MOVED_TEMPORARILY
            raise Refused(status, [("TargetAddress", target.redirect)])

    def _accounts(self) -> tuple[Account | None, Account | None]:
        assert self.who is not None  # set by the first exchange
        if self.who.target is None:
            return self._config.discovery_chap, self._config.discovery_mutual
        return self.who.target.chap, self.who.target.mutual

    def _need_no_authentication(self) -> None:
        if self._accounts()[0] is not None and not self._secure:
            raise Refused(AUTHENTICATION_FAILED)

    def _group(self) -> keys.Pairs:
        # 6.3.1: in the first response of a normal session
        target = self.who.target if self.who else None
        if self._told_group or target is None:
            return []
        self._told_group = True
        alias = [("TargetAlias", target.alias)] if target.alias else []
        return [*alias, ("TargetPortalGroupTag", str(target.portal_group))]

    # -- security stage ----------------------------------------------------------------------------------------
    def _security(self, pairs: keys.Pairs) -> keys.Pairs:
        said = dict(pairs)
        account, own = self._accounts()
        if self._chap is not None and not self._secure:
            try:
                answers = self._chap.step(said)
            except (ChapFailed, ValueError):
                raise Refused(AUTHENTICATION_FAILED) from None
            self._secure = self._chap.done
            return answers
        if "AuthMethod" in said:
            return self._choose_method(said["AuthMethod"], account, own)
        self._secure = self._secure or account is None
        if not self._secure:
            raise Refused(AUTHENTICATION_FAILED)
        return []

    def _choose_method(self, offered: str, account: Account | None, own: Account | None) -> keys.Pairs:
        supported = "None" if account is None else "CHAP"
        if supported not in offered.split(","):
            raise Refused(AUTHENTICATION_FAILED)
        if account is None:
            self._secure = True
        else:
            target = self.who.target if self.who else None
            algorithms = target.algorithms if target else TargetConfig("").algorithms
            self._chap = Chap(account, own, algorithms)
        return [("AuthMethod", supported)]

    # -- operational stage -------------------------------------------------------------------------------------
    def _operational(self, pairs: keys.Pairs) -> keys.Pairs:
        assert self.who is not None  # set by the first exchange
        parameters = self.who.target.parameters if self.who.target else {}
        answers: keys.Pairs = []
        for key, theirs in pairs:
            if key in self._seen:  # 6.3: nothing is negotiated twice
                raise Refused(INITIATOR_ERROR)
            self._seen.add(key)
            ours = keys.answer(key, theirs, parameters, discovery=self.who.discovery)
            if ours is not None:
                answers.append((key, ours))
                self._take(key, ours, theirs)
        self._tell_length(answers, parameters)
        self._order_bursts()
        return answers

    def _take(self, key: str, ours: str, theirs: str) -> None:
        row = keys.KEYS.get(key)
        if row is None or ours in {"Reject", "Irrelevant", "NotUnderstood"}:
            return
        self.agreed.values[key] = ours
        if key == "MaxRecvDataSegmentLength":
            self.agreed.their_mrdsl = int(theirs, 0)
            self._told_length = True

    def _tell_length(self, answers: keys.Pairs, parameters: Mapping[str, str]) -> None:
        if not self._told_length:
            self._told_length = True
            key = "MaxRecvDataSegmentLength"
            self.agreed.values[key] = parameters.get(key, keys.KEYS[key].ours)
            answers.append((key, self.agreed.values[key]))

    def _order_bursts(self) -> None:
        # 13.14: FirstBurstLength never exceeds MaxBurstLength, whatever became of each
        first = min(self.agreed.number("FirstBurstLength"), self.agreed.number("MaxBurstLength"))
        self.agreed.values["FirstBurstLength"] = str(first)
