# SPDX-License-Identifier: Apache-2.0
"""A secret does not get out by accident."""

from __future__ import annotations

import copy
import ctypes
import json
import pickle
import re
from pathlib import Path

import pytest
from lundock.helper.engine.login import ChapSecrets, LoginConfig
from lundock.helper.engine.secret import Secret, locked

WORD = "correct horse battery"


def test_never_prints() -> None:
    secret = Secret(WORD)
    config = LoginConfig("iqn.2026-01.example:a", secrets=ChapSecrets(secret, Secret(WORD + "2")))
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret:>30}", f"{secret!a}", repr([secret]), repr(config)):
        assert "horse" not in shown


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_is_not_copied(leak: object) -> None:
    with pytest.raises(TypeError):
        leak(Secret(WORD))  # type: ignore[operator]


def test_wipe() -> None:
    secret = Secret(WORD)
    value = secret.value
    both = ChapSecrets(secret, other := Secret("x"))
    both.wipe()
    assert value == bytes(len(WORD))  # what anybody still has of it is overwritten
    assert len(secret) == len(other) == 0
    ChapSecrets(Secret("x")).wipe()


@pytest.mark.parametrize(("value", "short"), [("x" * 11, True), ("x" * 12, False), ("ö" * 6, False), (b"", True)])
def test_short(value: str | bytes, *, short: bool) -> None:
    """RFC 7143, 9.2.1: 96 bits, in whole bytes."""
    assert Secret(value).short is short


def test_equality() -> None:
    assert Secret(WORD) == Secret(WORD.encode())
    assert Secret(WORD) != Secret("x")
    assert Secret(WORD) != WORD
    with pytest.raises(TypeError):
        hash(Secret(WORD))


@pytest.mark.parametrize(("bits", "letters"), [(128, 22), (96, 16)])
def test_generate(bits: int, letters: int) -> None:
    """9.2.1: random, of 64 letters that can be typed; 96 bits are short enough for those who take 16 letters only."""
    found = [Secret.generate(bits) for _ in range(50)]
    assert all(len(secret) == letters and not secret.short for secret in found)
    assert len({bytes(secret.value) for secret in found}) == 50
    assert all(bytes(secret.value).isascii() and b" " not in bytes(secret.value) for secret in found)


def test_generate_128_bits_unless_told() -> None:
    assert len(Secret.generate()) * 6 >= 128


def test_secret_that_is_not_utf8_is_taken_as_it_is() -> None:
    """Command line and environment give surrogates for such bytes; encoding them strictly was an unnamed error."""
    raw = b"caf\xe9 \xff"
    assert Secret(raw.decode("utf-8", "surrogateescape")).value == raw


def test_it_lies_in_locked_memory_that_is_in_no_core_dump() -> None:
    secret = Secret(WORD)
    start = ctypes.addressof(ctypes.c_char.from_buffer(secret.value))
    maps = Path("/proc/self/smaps").read_text("ascii", "replace")
    areas = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) .*?^VmFlags: ([^\n]*)$", maps, re.MULTILINE | re.DOTALL)
    (flags,) = [flags.split() for low, high, flags in areas if int(low, 16) <= start < int(high, 16)]
    assert {"lo", "dd"} <= set(flags)


def test_it_can_lie_where_it_was_read_to() -> None:
    place = locked(100)
    place[3 : 3 + len(WORD)] = WORD.encode()
    secret = Secret.at(place[3 : 3 + len(WORD)])
    assert secret == Secret(WORD)
    secret.wipe()
    assert place == bytes(100)
