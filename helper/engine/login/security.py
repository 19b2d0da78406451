# SPDX-License-Identifier: Apache-2.0
"""The security stage: AuthMethod and CHAP (RFC 7143, 12.1, 12.1.3, 9.2.1)."""

from __future__ import annotations

from collections.abc import Callable

from ...api.errors import Problem
from .. import chap, text
from ..keys import DEFAULTS
from ..secret import Secret
from .config import LoginConfig
from .stage import Step, answer_unknown, failed

_CHAP_KEYS = ("CHAP_A", "CHAP_I", "CHAP_C", "CHAP_N", "CHAP_R")
#: Keys of methods that we never offer (12.1.1, 12.1.2) and ours: none of them is NotUnderstood.
SECURITY_KEYS = frozenset({"AuthMethod", *_CHAP_KEYS, "KRB_AP_REQ", "KRB_AP_REP", "TargetAuth"}) | {
    f"SRP_{part}" for part in ("U", "GROUP", "A", "B", "M", "HM", "s", "N", "g")
}

#: 11.13.5.
_INITIATOR_ERROR = 0x0200
_AUTHENTICATION_FAILURE = 0x0201

Random = Callable[[int], bytes]


class NoSignIn:
    """We want to get in without signing in: None is all that is offered.

    With `ask` CHAP stands behind it: a target that must have it takes it (12.1), and is asked no further.
    """

    def __init__(self, *, ask: bool = False) -> None:
        self._offer = "None,CHAP" if ask else "None"

    def start(self) -> Step:
        """Make the offer, and ask for the next stage."""
        return Step((("AuthMethod", self._offer),))

    def answer(self, pairs: dict[str, str], *, transit: bool) -> Step:
        """Accept None, and a target that skips the answer; anything else means that it wants us to sign in."""
        method = pairs.pop("AuthMethod", "None")
        if method in ("CHAP", "KRB5", "SRP", text.REJECT):
            raise Problem("AuthenticationRequired")
        if method != "None":
            raise failed("AuthMethod", "it selected what was not offered")
        _nothing_else(pairs)
        return Step(tuple(answer_unknown(pairs, transit=transit)))

    def finish(self) -> None:
        """Nothing has to happen."""

    @staticmethod
    def explain(code: int) -> Problem | None:
        """Nothing is known here about a refusal."""
        del code
        return None

    @property
    def remaining(self) -> tuple[str, ...]:
        """No algorithms."""
        return ()


class Chap:
    """CHAP, one way or mutual: 12.1.3's steps in their order. Whatever is not of its step ends the login (9.2)."""

    def __init__(self, config: LoginConfig, random: Random) -> None:
        self._config = config
        self._random = random
        self._mutual = config.sign_in == "mutual"
        self._secret, self._target_secret = self._secrets()
        names = config.settings.get("chap_algorithms", DEFAULTS["chap_algorithms"])
        self._algorithms = chap.available(names if isinstance(names, tuple) else ())
        if not self._algorithms:
            raise Problem("AuthenticationMethodRefused", detail="This computer has none of the algorithms.")
        self._step = self._on_method
        self._challenge = b""
        self._identifier = 0
        self._sent_response = b""
        self._algorithm = self._algorithms[0]
        self._proved = False
        self._remaining: tuple[str, ...] = ()

    @property
    def short_secret(self) -> bool:
        """Whether a secret has less than the 96 bits of 9.2.1."""
        target = self._target_secret
        return self._secret.short or (target is not None and target.short)

    def start(self) -> Step:
        """Offer CHAP and nothing else: None must not silently do where a person asked for signing in."""
        return Step((("AuthMethod", "CHAP"),), transit=False)

    def answer(self, pairs: dict[str, str], *, transit: bool) -> Step:
        """Take the keys of the present step."""
        step = self._step(pairs, transit=transit)
        _nothing_else(pairs)
        return Step((*step.pairs, *answer_unknown(pairs, transit=transit)), transit=step.transit)

    def finish(self) -> None:
        """The target went on: it must have seen our proof, and we its own when it was asked for."""
        if not self._proved:
            raise self._skipped()

    def explain(self, code: int) -> Problem | None:
        """Return the error for a refusal (11.13.5) of which more is known here than its code says."""
        if code == _INITIATOR_ERROR and self._sent_response and self._algorithm.name != "MD5":
            at = self._algorithms.index(self._algorithm)
            self._remaining = tuple(a.name for a in self._algorithms[at + 1 :])
        if code == _AUTHENTICATION_FAILURE and not self._sent_response:  # it has seen neither name nor secret
            return self._skipped()
        return None

    @property
    def remaining(self) -> tuple[str, ...]:
        """What to offer next time, after the target failed to use what it selected; empty for nothing."""
        return self._remaining

    # -- secrets -------------------------------------------------------------------------------------------------
    def _secrets(self) -> tuple[Secret, Secret | None]:
        given = self._config.secrets
        if given is None or not given.secret or (self._mutual and not given.target_secret):
            raise Problem("SecretsUnavailable", target=self._config.target_name, detail="None was given.")
        target_secret = given.target_secret if self._mutual else None
        if target_secret is not None and given.secret == target_secret:
            raise Problem("SecretReused")  # 9.2.1: never the same secret for both directions
        if self._config.settings.get("refuse_short_secrets", False):
            for secret in (given.secret, target_secret):
                if secret is not None and secret.short:
                    raise Problem("SecretTooShort")
        return given.secret, target_secret

    # -- steps ---------------------------------------------------------------------------------------------------
    def _on_method(self, pairs: dict[str, str], *, transit: bool) -> Step:
        method = pairs.pop("AuthMethod", None)
        if method == text.REJECT:
            detail = "It refuses CHAP; set it to CHAP, or sign in without a secret."
            raise Problem("AuthenticationMethodRefused", detail=detail)
        if method in (None, "None"):
            raise self._skipped()
        if method != "CHAP" or transit:
            raise failed("AuthMethod", "it selected what was not offered")
        self._step = self._on_challenge
        numbers = ",".join(str(a.number) for a in self._algorithms)
        return Step((("CHAP_A", numbers),), transit=False)

    def _skipped(self) -> Problem:
        """Return the error for a target that does not want to sign in although we do."""
        if self._mutual:
            return Problem("TargetNotAuthenticated")
        return Problem("AuthenticationMethodRefused", detail="It does not do CHAP for this computer.")

    def _on_challenge(self, pairs: dict[str, str], *, transit: bool) -> Step:
        if transit:
            raise self._skipped()
        self._algorithm = self._selected(_take(pairs, "CHAP_A"))
        identifier = _identifier(_take(pairs, "CHAP_I"))
        theirs = _binary("CHAP_C", _take(pairs, "CHAP_C"))
        if chap.is_mirrored(theirs):
            raise Problem("TargetNotAuthenticated")
        self._sent_response = chap.response(self._algorithm, identifier, self._secret, theirs)
        answer = [
            ("CHAP_N", self._config.chap_name or self._config.initiator_name),
            ("CHAP_R", text.encode_binary(self._sent_response)),
        ]
        self._step = self._on_done
        if self._mutual:
            self._step = self._on_proof
            self._identifier = self._random(1)[0]
            self._challenge = chap.new_challenge(self._algorithm, theirs, self._random)
            answer += [("CHAP_I", str(self._identifier)), ("CHAP_C", text.encode_binary(self._challenge))]
        else:
            self._proved = True
        return Step(tuple(answer))

    def _selected(self, value: str) -> chap.Algorithm:
        if value == text.REJECT:
            raise Problem("AuthenticationMethodRefused", detail="It refuses all algorithms that were offered.")
        for algorithm in self._algorithms:
            if value == str(algorithm.number):
                return algorithm
        raise failed("CHAP_A", "it selected what was not offered")

    def _on_proof(self, pairs: dict[str, str], *, transit: bool) -> Step:
        """Verify the target (12.1.3), in constant time; whatever is wrong means that it is not proved."""
        del transit
        name, value = pairs.pop("CHAP_N", None), pairs.pop("CHAP_R", None)
        if name is None or value is None or self._target_secret is None:
            raise Problem("TargetNotAuthenticated")
        if self._config.target_chap_name and name != self._config.target_chap_name:
            raise Problem("TargetNotAuthenticated")
        received = _binary("CHAP_R", value)
        # 9.2.1: our own answer, mirrored, or one made with our own secret, is a failure whatever else holds.
        ours = chap.response(self._algorithm, self._identifier, self._secret, self._challenge)
        if chap.matches(ours, received) or chap.matches(self._sent_response, received):
            raise Problem("TargetNotAuthenticated")
        expected = chap.response(self._algorithm, self._identifier, self._target_secret, self._challenge)
        if not chap.matches(expected, received):
            raise Problem("TargetNotAuthenticated")
        self._proved = True
        self._step = self._on_done
        return Step()

    @staticmethod
    def _on_done(pairs: dict[str, str], *, transit: bool) -> Step:
        del pairs, transit
        return Step()


def _take(pairs: dict[str, str], key: str) -> str:
    if key not in pairs:
        raise failed(key, "it is missing")
    return pairs.pop(key)


def _identifier(value: str) -> int:
    try:
        found = text.number(value)
    except ValueError as error:
        raise failed("CHAP_I", error) from None
    if found > 255:
        raise failed("CHAP_I", "it is more than one byte")
    return found


def _binary(key: str, value: str) -> bytes:
    try:
        found = text.decode_binary(value, chap.MAX_BINARY)
    except ValueError as error:
        raise failed(key, error) from None
    if not found:
        raise failed(key, "it is empty")
    return found


def _nothing_else(pairs: dict[str, str]) -> None:
    for key in pairs:
        if key in SECURITY_KEYS:
            raise failed(key, "it is out of place")
