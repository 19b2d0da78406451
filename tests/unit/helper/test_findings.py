# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.findings import About, Finding, job_details, report, verdict_of

ABOUT = About("nas.example", "iqn.2026-01.org.example:me", "1.2.3")


def failed(name: str, code: str, portal: str = "") -> Finding:
    return Finding(name, portal).end(problem=Problem(code, address="nas.example", port=3260, target="t"))


def test_all_well() -> None:
    found = [Finding("name").end("skipped"), Finding("port", "a").end(), Finding("full-feature").end()]
    assert verdict_of(found) == ("ok", None)
    details = job_details(ABOUT, found, 0.0)
    assert (details["verdict"], details["cause"]) == ("ok", "")
    assert "summary" not in details
    assert "Result: ok" in details["report"]


def test_the_first_failure_is_the_cause() -> None:
    found = [Finding("name").end(), failed("port", "ConnectionRefused", "a"), Finding("login").end("skipped")]
    verdict, cause = verdict_of(found)
    assert (verdict, cause and cause.code) == ("failed", "ConnectionRefused")
    details = job_details(ABOUT, found, 0.0)
    assert details["facts"] == {"address": "nas.example", "port": 3260, "target": "t"}
    assert "nas.example" in details["summary"]


def test_a_portal_that_does_not_answer_matters_little_when_another_does() -> None:
    found = [failed("port", "HostUnreachable", "a"), Finding("port", "b").end(), Finding("full-feature").end()]
    verdict, cause = verdict_of(found)
    assert (verdict, cause and cause.code) == ("warning", "HostUnreachable")
    verdict, cause = verdict_of([*found, failed("disks", "NotReady")])
    assert (verdict, cause and cause.code) == ("failed", "NotReady")


@pytest.mark.parametrize("code", ["AuthenticationFailed", "AuthorizationFailed", "TargetNotFound"])
def test_the_report_names_this_computer_where_it_matters(code: str) -> None:
    text = report(ABOUT, [failed("proof", code)], 0.0)
    assert text.count(ABOUT.initiator_name) >= 2
    assert "administrator needs this computer's name" in text
    assert "1970-01-01 00:00:00 UTC" in text


def test_a_step_on_the_bus() -> None:
    row = Finding("tcp", "a", detail={"round_trip_us": 7}).end(problem=Problem("ConnectionLost", address="x")).row()
    assert (row["verdict"], row["cause"], row["detail"]) == ("failed", "ConnectionLost", {"round-trip-us": 7})
    assert row["facts"] == {"address": "x"}
    assert row["summary"]
    assert row["action"]
    row = Finding("port", "nas:3260", "192.0.2.5").end().row()
    assert (row["portal"], row["address"], row["number"]) == ("nas:3260 at 192.0.2.5", "nas:3260", "192.0.2.5")
    row = Finding("name").end().row()
    assert (row["cause"], "summary" in row) == ("", False)
