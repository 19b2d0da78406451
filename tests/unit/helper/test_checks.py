# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lundock.helper import checks
from lundock.helper.api import control
from lundock.helper.api.errors import Problem
from lundock.helper.supervision import Portal


@pytest.mark.parametrize(
    "name",
    [
        # RFC 7143, 4.2.7.4 and .5
        "iqn.2001-04.com.example:storage.disk2.sys1.xyz", "iqn.2001-04.com.example", "eui.02004567A425678D",
        "naa.52004567BA64678D", "naa.62004567BA64678D0123456789ABCDEF",
        # as real devices write them
        "iqn.2004-04.com.qnap:TS-453:iscsi.disk_1.f2a",
    ],
)  # fmt: skip
def test_target_names(name: str) -> None:
    assert checks.target_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "disk", "iqn.2001-13.com.example:x", "iqn.01-04.com.example", "iqn.2001-04.com.example:a b", "eui.02004567",
     "naa.5",
     "iqn.2001-04.com.example:\0", "iqn.2001-04.com.example:" + "x" * 200],
)  # fmt: skip
def test_what_is_no_target_name(name: str) -> None:
    with pytest.raises(Problem) as refused:
        checks.target_name(name)
    assert refused.value.code == "InvalidArgument"


def test_our_own_name_is_brought_to_the_standards_form() -> None:
    assert checks.initiator_name(" iqn.2026-01.org.example:Käse ") == "iqn.2026-01.org.example:käse"
    with pytest.raises(Problem):
        checks.initiator_name("iqn.2026-01.org.example:under_score")


@pytest.mark.parametrize(
    ("given", "host"),
    [("nas.local", "nas.local"), (" 192.0.2.5 ", "192.0.2.5"), ("[2001:DB8::5]", "2001:db8::5"),
     ("fe80::1%eth0", "fe80::1%eth0"), ("nas_1", "nas_1"), ("nas.local.", "nas.local.")],
)  # fmt: skip
def test_hosts(given: str, host: str) -> None:
    assert checks.host(given) == host


@pytest.mark.parametrize(
    "given", ["", "[]", "a b", "1.2.3", "300.1.1.1", "-x", "x" * 301, "a..b", "nas:3260", "nas/x", "x;y"]
)
def test_what_is_no_host(given: str) -> None:
    with pytest.raises(Problem) as refused:
        checks.host(given)
    assert refused.value.code == "AddressInvalid"


def test_portals() -> None:
    given: list[dict[str, Any]] = [{"address": "a"}, {"address": "b", "port": 1, "portal-group": 0}, {"address": "a"}]
    assert checks.portals(given) == (Portal("a", 3260, -1), Portal("b", 1, 0))


@pytest.mark.parametrize(
    "given",
    [[], [{"address": "a"}] * 17, [{"port": 1}], [{"address": "a", "port": 0}], [{"address": "a", "portal-group": -2}],
     [{"address": "a", "portal-group": 65536}]],
)  # fmt: skip
def test_what_are_no_portals(given: list[dict[str, Any]]) -> None:
    with pytest.raises(Problem) as refused:
        checks.portals(given)
    assert refused.value.code == "InvalidArgument"


@pytest.mark.parametrize("name", ["a" * 16, "..", "a b", "a/b", "a\x1b[31m", "a\u202eb", "\ufeff", "äöüäöüäö"])
def test_what_is_no_interface(name: str) -> None:
    with pytest.raises(Problem):
        checks.interface(name)


def test_lengths_count_in_bytes() -> None:
    assert checks.chap_name("chap-name", "x" * 255) == "x" * 255
    with pytest.raises(Problem):
        checks.chap_name("chap-name", "ä" * 128)


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u3000", "\u2009"])
def test_blanks_of_other_scripts_become_the_usual_one(blank: str) -> None:
    assert checks.alias(f"{blank}東京{blank}棚{blank}") == "東京 棚"
    with pytest.raises(Problem):
        checks.alias(f"a\n{blank}b")


#: What a worker's control channel takes as a text; a login with anything else would be an internal error.
_taken = control.text(10_000)


@given(st.text(max_size=300))
def test_what_is_let_in_can_be_told_to_a_worker(value: str) -> None:
    for check in (checks.alias, checks.interface, checks.initiator_name, checks.target_name, _chap_name):
        with contextlib.suppress(Problem):
            _taken(check(value))


def _chap_name(value: str) -> str:
    return checks.chap_name("chap-name", value)


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\u202e", "\u200b", "\x00", "\n", "\x7f", "\ud800", "\ufeff"])
def test_what_turns_words_around_or_hides_in_them_is_refused(char: str) -> None:
    for check in (checks.alias, checks.interface, _chap_name):
        with pytest.raises(Problem):
            check(f"a{char}b")
