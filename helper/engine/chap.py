# SPDX-License-Identifier: Apache-2.0
"""CHAP (RFC 1994; RFC 7143, 12.1.3 and 9.2.1): the arithmetic. The steps are in login/security.py."""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .secret import Secret

#: 12.1.3: longest challenge and response, in bytes.
MAX_BINARY = 1024
#: A challenge of ours has at least this many random bytes.
_MIN_CHALLENGE = 16


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A hash that CHAP may use: its name in our settings, its number (IANA, PPP authentication algorithms)."""

    name: str
    number: int
    hash: str
    size: int


ALGORITHMS: Mapping[str, Algorithm] = {
    a.name: a
    for a in (
        Algorithm("MD5", 5, "md5", 16),
        Algorithm("SHA-1", 6, "sha1", 20),
        Algorithm("SHA-256", 7, "sha256", 32),
        Algorithm("SHA3-256", 8, "sha3_256", 32),
    )
}


def available(names: Iterable[str]) -> tuple[Algorithm, ...]:
    """Return the algorithms of these names that this computer's OpenSSL still has, in their order."""
    return tuple(ALGORITHMS[name] for name in names if _works(ALGORITHMS[name]))


def _works(algorithm: Algorithm) -> bool:
    try:
        hashlib.new(algorithm.hash, usedforsecurity=False)
    except ValueError:
        return False
    return True


def response(algorithm: Algorithm, identifier: int, secret: Secret, challenge: bytes) -> bytes:
    """RFC 1994, 4.1: the hash over identifier, secret and challenge."""
    # usedforsecurity: the standard wants MD5, and a FIPS build would refuse it otherwise.
    value = hashlib.new(algorithm.hash, usedforsecurity=False)
    value.update(bytes((identifier,)))
    value.update(secret.value)
    value.update(challenge)
    return value.digest()


def matches(expected: bytes, received: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(expected, received)


#: Challenges that this process has sent: one that comes back is somebody who mirrors (9.2.1, example, c and d).
_sent: deque[bytes] = deque(maxlen=256)


def new_challenge(algorithm: Algorithm, theirs: bytes, random: Callable[[int], bytes]) -> bytes:
    """Return a challenge of our own, never the target's (9.2.1)."""
    challenge = theirs
    while challenge == theirs:
        challenge = random(max(algorithm.size, _MIN_CHALLENGE))
    _sent.append(challenge)
    return challenge


def is_mirrored(challenge: bytes) -> bool:
    """Whether the target's challenge is one that we sent somewhere before."""
    return any(matches(challenge, own) for own in _sent)
