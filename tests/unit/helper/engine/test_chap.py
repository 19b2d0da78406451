# SPDX-License-Identifier: Apache-2.0
"""CHAP's arithmetic (RFC 1994, 4.1)."""

from __future__ import annotations

import hashlib

import pytest
from lundock.helper.engine import chap
from lundock.helper.engine.secret import Secret


def test_response() -> None:
    """The hash of identifier, secret, challenge; computed elsewhere, so that nobody marks his own work."""
    # printf '\1secret0123456789\x10\x20' | md5sum, sha1sum, sha256sum
    challenge = b"\x10\x20"
    data = b"\1secret0123456789\x10\x20"
    for algorithm in chap.ALGORITHMS.values():
        found = chap.response(algorithm, 1, Secret("secret0123456789"), challenge)
        assert found == hashlib.new(algorithm.hash, data).digest()
        assert len(found) == algorithm.size


def test_numbers() -> None:
    """IANA, PPP authentication algorithms."""
    assert {a.name: a.number for a in chap.ALGORITHMS.values()} == {"MD5": 5, "SHA-1": 6, "SHA-256": 7, "SHA3-256": 8}


def test_available_keeps_the_order() -> None:
    assert [a.number for a in chap.available(("MD5", "SHA3-256", "SHA-1"))] == [5, 8, 6]


def test_what_openssl_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    real = hashlib.new

    def new(name: str, *args: object, **kwargs: object) -> object:
        if name == "md5":
            raise ValueError("unsupported hash type")
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(hashlib, "new", new)
    assert [a.name for a in chap.available(("MD5", "SHA-1"))] == ["SHA-1"]


def test_challenge_is_never_theirs() -> None:
    """9.2.1."""
    given = iter([b"theirs", b"theirs", b"another"])
    found = chap.new_challenge(chap.ALGORITHMS["MD5"], b"theirs", lambda size: next(given))
    assert found == b"another"
    assert chap.is_mirrored(b"another")
    assert not chap.is_mirrored(b"theirs")


def test_challenge_is_as_long_as_the_hash() -> None:
    sizes: list[int] = []

    def random(size: int) -> bytes:
        sizes.append(size)
        return bytes(size)

    for algorithm in chap.ALGORITHMS.values():
        chap.new_challenge(algorithm, b"x", random)
    assert sizes == [16, 20, 32, 32]
