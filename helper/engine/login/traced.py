# SPDX-License-Identifier: Apache-2.0
"""A login that tells where it is, and one that only asks which sign-in the target wants."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from ...api.errors import Problem
from .. import text
from ..pdu import LoginResponse, Stage
from .config import LoginConfig
from .machine import Login
from .security import SECURITY_KEYS, Random
from .stage import Negotiation, Step, answer_unknown, failed

#: Told the stage that begins: "security", "challenge" (CHAP: the algorithms were offered), "proof" (CHAP: ours was
#: sent), "operational", "full-feature"; and words about it that are no secrets.
Told = Callable[[str, Mapping[str, str]], None]

#: What a request holds says where a login is.
_STAGES = (("CHAP_R", "proof"), ("CHAP_A", "challenge"), ("AuthMethod", "security"))
#: What a target may say that is shown: no challenge, no answer to one, no name that somebody signs in with.
_SHOWN = ("AuthMethod", "CHAP_A", "TargetAlias", "TargetPortalGroupTag")
_MAX_SHOWN = 255


class Asking:
    """A security stage that offers to go without signing in, or with CHAP: which the target takes is what it wants.

    None is offered first, so that CHAP is taken by those alone who insist on it (12.1: the target selects the first
    that it may use). `answered` is "none" or "chap" then, and the login must not go on.
    """

    def __init__(self) -> None:
        self.answered = ""

    def start(self) -> Step:
        """Offer both."""
        return Step((("AuthMethod", "None,CHAP"),))

    def answer(self, pairs: dict[str, str], *, transit: bool) -> Step:
        """Take the choice. A target that goes on without one wants none. Raises Problem for any other way."""
        method = pairs.pop("AuthMethod", "None" if transit else "")
        if method == text.REJECT:
            raise Problem("AuthenticationMethodRefused", detail="It knows neither CHAP nor going without.")
        if method not in ("None", "CHAP"):
            raise failed("AuthMethod", "it selected what was not offered")
        self.answered = method.lower()
        for key in pairs:
            if key in SECURITY_KEYS:
                raise failed(key, "it is out of place")
        return Step(tuple(answer_unknown(pairs, transit=transit)))

    def finish(self) -> None:
        """Nothing has to have happened."""


class TracedLogin(Login):
    """A login that tells its stages. With `asking` it ends with the security stage: `asked` is the answer then."""

    def __init__(
        self, config: LoginConfig, now: float, told: Told, *, asking: bool = False, random: Random = os.urandom
    ) -> None:
        self._told = told
        self._asking = Asking() if asking else None
        super().__init__(config, now, random=random)

    @property
    def asked(self) -> str:
        """What the target wants: "none" or "chap"; empty when it was not asked, or has not answered."""
        return self._asking.answered if self._asking is not None else ""

    def _of(self, stage: int) -> Negotiation:
        if stage == Stage.SECURITY and self._asking is not None:
            return self._asking
        return super()._of(stage)

    def _request(self, step: Step) -> None:
        if self.asked:
            self.done = True  # nothing more is said: the target sees a login that is given up
            return
        sent = {key for key, _ in step.pairs}
        if self._stage == Stage.OPERATIONAL:
            self._told("operational", {})
        else:
            for key, name in _STAGES:
                if key in sent:
                    self._told(name, {})
                    break
        super()._request(step)

    def _common(self, pairs: list[text.Pair]) -> dict[str, str]:
        shown = {key: value[:_MAX_SHOWN] for key, value in pairs if key in _SHOWN}
        if shown:
            self._told("", shown)
        return super()._common(pairs)

    def _finish(self, response: LoginResponse) -> None:
        super()._finish(response)
        self._told("full-feature", {})
