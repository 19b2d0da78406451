# SPDX-License-Identifier: Apache-2.0
"""A diagnosis in words."""

from __future__ import annotations

import pytest
from lundock.app.model import diagnosis
from lundock.helper.api.errors import Problem

ROUTE = {"name": "route", "portal": "nas:3260", "verdict": "ok", "time": 163, "cause": "",
         "detail": {"source": "192.0.2.17", "gateway": "none"}}  # fmt: skip


def test_a_step_is_a_line_for_a_person() -> None:
    (line,) = diagnosis.read({"verdict": "ok", "steps": [ROUTE]}).lines
    assert (line.name, line.took, line.said) == ("Find the way there", "163 µs", "nas:3260 · from 192.0.2.17")
    assert line.spoken == "Find the way there, good, 163 µs, nas:3260 · from 192.0.2.17"


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ({"lun": 0, "kind": "disk", "size": 2_000_000_000, "model": "IET"}, "LUN 0 · disk · 2 GB · IET"),
        ({"round-trip-us": 1400, "segment-bytes": 1448, "local": "a:1"}, "there and back in 1.4 ms"),
        ({"state": "connected", "portal": "a", "reconnects": 0}, "connected"),
        ({"reconnects": 2, "count": 0}, "reconnections: 2 · number: 0"),
        ({"CHAP-A": "5", "new {0} key": "x"}, "CHAP-A: 5 · new {0} key: x"),
    ],
)
def test_what_was_found_is_told_where_a_person_can_use_it(detail: dict[str, object], said: str) -> None:
    (line,) = diagnosis.read({"steps": [{"name": "x", "verdict": "ok", "detail": detail}]}).lines
    assert line.said == said


def test_a_step_that_failed_says_why() -> None:
    bad = {"name": "port", "portal": "nas", "verdict": "failed", "summary": "It refuses.", "action": "Switch it on."}
    found = diagnosis.read(
        {"verdict": "failed", "summary": "It refuses.", "cause": "ConnectionRefused", "steps": [bad]}
    )
    assert (found.heading, found.initiator_name) == ("It refuses.", "")
    assert found.lines[0].said == "nas · It refuses."


def test_this_computers_name_stands_there_when_the_administrator_needs_it() -> None:
    refused = {"verdict": "failed", "cause": "AuthorizationFailed", "initiator-name": "iqn.2026-01.a:me"}
    assert diagnosis.read(refused).initiator_name == "iqn.2026-01.a:me"


def test_what_another_program_makes_of_it_breaks_nothing() -> None:
    found = diagnosis.read({"steps": ["no step", {"time": "x", "detail": 7}]})
    assert len(found.lines) == 1


@pytest.mark.parametrize(
    ("code", "worth"),
    [("ConnectionRefused", True), ("AuthorizationFailed", True), ("AddressInvalid", False), ("NotAuthorized", False)],
)
def test_only_what_may_have_a_cause_on_the_way_is_looked_into(code: str, worth: bool) -> None:
    assert diagnosis.worth_it(Problem(code)) is worth
