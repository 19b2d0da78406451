# SPDX-License-Identifier: Apache-2.0
"""The operational stage: parameters by the key table (RFC 7143, 6.2, 6.3.3, chapter 13)."""

from __future__ import annotations

from .. import keys, text
from ..keys import Agreed, Parameters
from .config import LoginConfig
from .security import SECURITY_KEYS
from .stage import Step, answer_unknown, failed


class Operational:
    """Offers all our keys at once; what else the target says is its own offer, and is answered."""

    def __init__(self, config: LoginConfig) -> None:
        self._settings = config.settings
        discovery = config.session_type == "Discovery"
        self._discovery = discovery
        self._offers = keys.offers(config.settings, discovery=discovery, leading=config.tsih == 0)
        self._agreed: dict[str, Agreed] = {}

    def start(self) -> Step:
        """Offer everything, and full feature phase."""
        return Step(tuple((name, keys.to_text(value)) for name, value in self._offers.items()))

    def answer(self, pairs: dict[str, str], *, transit: bool) -> Step:
        """Take answers and offers; raises Problem("NegotiationFailed")."""
        answers: list[tuple[str, str]] = []
        for name in [name for name in pairs if name in keys.KEYS or name in keys.OBSOLETE or name in SECURITY_KEYS]:
            answers += self._one(name, pairs.pop(name), transit=transit)
        return Step((*answers, *answer_unknown(pairs, transit=transit)))

    def finish(self) -> None:
        """Keys that the target did not answer have their defaults, unless our proposal decides alone (6.2, 6.2.2)."""
        for name, value in self._offers.items():
            if name not in self._agreed and keys.decides(keys.KEYS[name], value):
                self._agreed[name] = bool(value)

    @property
    def parameters(self) -> Parameters:
        """What holds from here on."""
        max_recv = self._offers["MaxRecvDataSegmentLength"]
        return keys.make_parameters(self._agreed, int(max_recv))  # type: ignore[arg-type]

    def _one(self, name: str, value: str, *, transit: bool) -> list[tuple[str, str]]:
        try:
            if name in self._offers:
                self._agreed[name] = keys.accept(keys.KEYS[name], self._offers[name], value)
                return []
            return self._respond(name, value, transit=transit)
        except ValueError as error:
            raise failed(name, error) from None

    def _respond(self, name: str, value: str, *, transit: bool) -> list[tuple[str, str]]:
        """Answer what the target offers; with T set it may offer nothing that wants an answer (6.3)."""
        if name in SECURITY_KEYS:
            raise ValueError("it has no place in this stage")
        if transit or value in text.RESERVED:
            raise ValueError("it was not asked for")
        if name in keys.OBSOLETE:
            return [(name, text.REJECT)]
        key = keys.KEYS[name]
        if self._discovery and key.irrelevant_in_discovery and name != "ErrorRecoveryLevel":
            return [(name, text.IRRELEVANT)]
        answer, self._agreed[name] = keys.respond(key, keys.our_value(key, self._settings), value)
        return [(name, answer)] if answer else []
