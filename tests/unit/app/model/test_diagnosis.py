# SPDX-License-Identifier: Apache-2.0
"""A diagnosis in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from lundock.app import text, words
from lundock.app.model import diagnosis
from lundock.helper.api.errors import Problem, catalogue

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
        ({"reconnects": 2, "count": 0}, "reconnections: 2 · 0"),
        ({"CHAP-A": "5", "new {0} key": "x"}, "algorithm 5 · new {0} key: x"),
        ({"state": "without a link", "mtu": 1500}, "no cable, or no network · packets of up to 1500 bytes"),
        ({"kind": "a new kind", "then": "a new connection"}, "a new kind · then another connection"),
    ],
)
def test_what_was_found_is_told_where_a_person_can_use_it(detail: dict[str, object], said: str) -> None:
    (line,) = diagnosis.read({"steps": [{"name": "x", "verdict": "ok", "detail": detail}]}).lines
    assert line.said == said


def test_things_are_counted() -> None:
    steps = [{"name": name, "verdict": "ok", "detail": {"count": n}} for name, n in (("targets", 1), ("disks", 3))]
    assert [line.said for line in diagnosis.read({"steps": steps}).lines] == ["1 target", "3 disks"]


def test_a_number_of_a_name_is_told_in_words_of_ours() -> None:
    step = {"name": "port", "portal": "(english)", "address": "nas:3260", "number": "192.0.2.5", "verdict": "ok"}
    assert diagnosis.read({"steps": [step]}).lines[0].said == "nas:3260 at 192.0.2.5"


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """A person of another language."""
    words.use(lambda source, _note, _n: f"<{source}>")
    yield
    words.use(None)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("code", sorted(catalogue()))
def test_each_code_has_its_sentences_in_the_person_s_language(code: str) -> None:
    """Those of the service, which are in English, are not shown."""
    facts = {"address": "nas", "port": 3260, "detail": "d", "what": "w"}
    wrong = {"cause": code, "facts": facts, "summary": "english", "meaning": "english", "action": "english"}
    found = diagnosis.read({**wrong, "verdict": "failed", "steps": [{"name": "port", "verdict": "failed", **wrong}]})
    for sentence in (found.heading, found.meaning, found.action, found.lines[0].found, found.lines[0].action):
        assert sentence.startswith("<")
        assert sentence != "<>"
    told = text.explain(Problem(code, **facts))
    assert (found.heading, found.meaning, found.action) == (told.summary, told.meaning, told.action)
    assert found.lines[0].name == "<Reach the port>"


@pytest.mark.usefixtures("elsewhere")
def test_each_word_of_the_contract_has_words_in_the_person_s_language() -> None:
    contract = (Path(str(resources.files("lundock.helper.api"))) / "interfaces/Manager.xml").read_text("utf-8")
    told = re.search(
        r"address does not work. Steps: (.*?)What\s+was found, .*?: (.*?)The job goes well", contract, re.DOTALL
    )
    assert told is not None
    steps, details = (set(re.findall(r'"([\w-]+)"', part)) for part in told.groups())
    assert steps | {"session", "disks", "unit", "attachment"} == set(diagnosis.NAMES)
    text_keys = {"AuthMethod", "CHAP-A", "TargetAlias", "TargetPortalGroupTag"}
    assert details == set(diagnosis.DETAILS) - text_keys
    for name in diagnosis.NAMES:
        assert diagnosis.read({"steps": [{"name": name, "verdict": "ok"}]}).lines[0].name.startswith("<")


def test_a_code_of_a_later_service_is_told_in_its_own_words() -> None:
    found = diagnosis.read({"verdict": "failed", "cause": "NotKnownYet", "facts": {}, "summary": "It is so."})
    assert found.heading == "It is so."


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
