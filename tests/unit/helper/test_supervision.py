# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.supervision import Holder, Secrets, in_use, make_isid, once


def test_secrets_are_read_and_written() -> None:
    found = Secrets.parse(b'{"secret": "abc", "target-secret": "def"}')
    assert (found.secret, found.target_secret) == ("abc", "def")
    assert Secrets.parse(b'{"secret": "abc"}').target_secret == ""


def test_secrets_are_never_shown() -> None:
    assert "hidden" not in repr(Secrets("hidden", "hidden-too")) + str(Secrets("hidden"))


@pytest.mark.parametrize(
    "data",
    [b"",
     b"[]", b"{}", b'{"secret": 5}', b'{"secret": ""}', b'{"secret": "tell", "more": "tell"}', b"\xff", b"[" * 4000,
     b'{"secret": "' + b"t" * 5000 + b'"}'],
)  # fmt: skip
def test_what_is_no_secret_is_refused_without_being_quoted(data: bytes) -> None:
    with pytest.raises(Problem) as caught:
        Secrets.parse(data)
    assert caught.value.code == "InvalidArgument"
    assert "tell" not in str(caught.value) + repr(caught.value.attrs)


def test_an_isid_is_of_type_random_and_stays() -> None:
    """RFC 7143, 11.12.5: T = 10b, A reserved (zero)."""
    isid = make_isid("record-1", "iqn.2026-01.example:me")
    assert len(isid) == 6
    assert isid[0] == 0x80
    assert isid == make_isid("record-1", "iqn.2026-01.example:me")
    assert isid != make_isid("record-2", "iqn.2026-01.example:me")
    assert isid != make_isid("record-1", "iqn.2026-01.example:you")


def test_a_step_is_told_when_it_is_another_one() -> None:
    told: list[str] = []
    step = once(told.append)
    for name in ("connect", "login", "login", "scan", "login"):
        step(name)
    assert told == ["connect", "login", "scan", "login"]


@pytest.mark.parametrize(
    ("holders", "words"),
    [
        ([Holder("mount", "/mnt"), Holder("process", "vim", 7)], "/mnt (mount), vim (7)"),
        ([Holder("process", "vim", 7)] * 2, "vim (7)"),
        ([Holder("process", f"p{n}", n) for n in range(1, 21)], ", ".join(f"p{n} ({n})" for n in range(1, 9)) + " …"),
        ([], "a process that cannot be seen"),
    ],
)
def test_who_has_a_disk_is_told_in_few_words(holders: list[Holder], words: str) -> None:
    problem = in_use(holders)
    assert (problem.code, problem.attrs) == ("DeviceBusy", {"holders": words})
