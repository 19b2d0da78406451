# SPDX-License-Identifier: Apache-2.0
"""CHAP as the target does it (RFC 7143, 12.1.3; RFC 1994)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

#: The registered numbers of the algorithms, with the names that people know.
ALGORITHMS: Mapping[int, str] = {5: "md5", 6: "sha1", 7: "sha256", 8: "sha3_256"}
MAX_BINARY = 1024


class ChapFailed(Exception):  # noqa: N818 - named for what it is
    """The initiator did not prove who it is."""


@dataclass(frozen=True, slots=True)
class Account:
    """A name and its secret. It does not print the secret."""

    name: str
    secret: str

    def __repr__(self) -> str:
        return f"Account({self.name!r})"


def response(algorithm: int, identifier: int, secret: str, challenge: bytes) -> bytes:
    """H(identifier, secret, challenge)."""
    made = hashlib.new(ALGORITHMS[algorithm], usedforsecurity=False)
    made.update(bytes([identifier]) + secret.encode() + challenge)
    return made.digest()


def binary(text: str) -> bytes:
    """Decode a hex or base64 value (6.1)."""
    try:
        if text[:2].lower() == "0x":
            return bytes.fromhex(text[2:].rjust(len(text) - 2 + len(text) % 2, "0"))
        if text[:2].lower() == "0b":
            return base64.b64decode(text[2:], validate=True)
    except ValueError as err:
        raise ChapFailed("no binary value") from err
    raise ChapFailed("no binary value")


class Chap:
    """One exchange: the algorithms they offer, our challenge, their answer, and our answer when they ask for it."""

    def __init__(self, account: Account, own: Account | None, algorithms: tuple[int, ...]) -> None:
        self._account = account
        self._own = own
        self._allowed = algorithms
        self._algorithm = 0
        self._identifier = secrets.randbelow(256)
        self._challenge = b""
        self.done = False

    def step(self, keys: Mapping[str, str]) -> list[tuple[str, str]]:
        """Take the initiator's CHAP keys and return ours; ChapFailed when it is not who it says."""
        if not self._challenge:
            return self._challenge_for(keys)
        return self._check(keys)

    def _challenge_for(self, keys: Mapping[str, str]) -> list[tuple[str, str]]:
        offered = [int(word) for word in keys.get("CHAP_A", "").split(",") if word.isdecimal()]
        self._algorithm = next((number for number in offered if number in self._allowed), 0)
        if not self._algorithm:
            raise ChapFailed("no common algorithm")
        self._challenge = secrets.token_bytes(
            hashlib.new(ALGORITHMS[self._algorithm], usedforsecurity=False).digest_size
        )
        return [
            ("CHAP_A", str(self._algorithm)),
            ("CHAP_I", str(self._identifier)),
            ("CHAP_C", "0x" + self._challenge.hex()),
        ]

    def _check(self, keys: Mapping[str, str]) -> list[tuple[str, str]]:
        theirs = binary(keys.get("CHAP_R", ""))
        wanted = response(self._algorithm, self._identifier, self._account.secret, self._challenge)
        if keys.get("CHAP_N") != self._account.name or not hmac.compare_digest(theirs, wanted):
            raise ChapFailed("wrong name or secret")
        self.done = True
        return self._prove(keys) if "CHAP_C" in keys else []

    def _prove(self, keys: Mapping[str, str]) -> list[tuple[str, str]]:
        challenge = binary(keys["CHAP_C"])
        # 12.1.3 and 9.2.1: a challenge of theirs is no longer than this, and is not our own sent back.
        if self._own is None or len(challenge) > MAX_BINARY or challenge == self._challenge:
            raise ChapFailed("no own account, or a bad challenge")
        identifier = int(keys.get("CHAP_I", "256"))
        if not 0 <= identifier <= 255:
            raise ChapFailed("bad identifier")
        made = response(self._algorithm, identifier, self._own.secret, challenge)
        return [("CHAP_N", self._own.name), ("CHAP_R", "0x" + made.hex())]
