# SPDX-License-Identifier: Apache-2.0
"""Figures, times and states in words."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from lundock.app import text
from lundock.app.words import use
from lundock.helper import attach
from lundock.helper.api.errors import Problem, catalogue
from lundock.helper.engine.scsi import sense


@pytest.mark.parametrize(
    ("number", "decimal", "both"),
    [
        (0, "0 B", "0 B"),
        (999, "999 B", "999 B"),
        (1000, "1 kB", "1 kB (1000 B)"),
        (268_435_456, "268 MB", "268 MB (256 MiB)"),
        (2_000_398_934_016, "2 TB", "2 TB (1.8 TiB)"),
        (1_500_000_000_000, "1.5 TB", "1.5 TB (1.4 TiB)"),
        (8 * 10**18, "8000 PB", "8000 PB (7105 PiB)"),
    ],
)
def test_sizes(number: int, decimal: str, both: str) -> None:
    assert text.size(number) == decimal
    assert text.size_both(number) == both


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.0, "0.0 MB/s"),
        (-5.0, "0.0 MB/s"),
        (120_000.0, "0.12 MB/s"),
        (9_870_000.0, "9.9 MB/s"),
        (1.234e9, "1234 MB/s"),
    ],
)
def test_rates_are_always_in_the_same_unit(rate: float, words: str) -> None:
    assert text.rate(rate) == words


@pytest.mark.parametrize(
    ("value", "words"), [(85, "85 µs"), (1400, "1.4 ms"), (250_000, "250 ms"), (2_100_000, "2.1 s")]
)
def test_latencies(value: float, words: str) -> None:
    assert text.microseconds(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "just now"), (59, "59 seconds ago"), (60, "1 minute ago"), (7200, "2 hours ago"), (86400 * 400, "1 year ago")],
)
def test_times_in_words(seconds: int, words: str) -> None:
    assert text.ago(1_000_000_000_000_000, 1_000_000_000 + seconds) == words


def test_events_that_were_only_counted_are_told_as_a_number() -> None:
    more = "40 more like it just before"
    assert text.detail({"lun": "0001000000000000", "sense": "3/11/00", "untold": 40}).endswith(more)
    assert text.detail({"code": "MediumError", "untold": 40}).endswith(f" · {more}")


def test_all_that_a_unit_can_say_has_a_sentence() -> None:
    rows = [*sense._STATUS.values(), *(row[3:] for row in sense._SENSE)]
    said = {event for _action, _code, event in rows if event} | {"no-sense", "deferred-error"}
    assert said <= set(text.EVENTS)


def test_a_time_out_of_range_is_shown_as_a_number() -> None:
    assert text.exact(2**63) == str(2**63)


def test_every_error_has_its_three_sentences() -> None:
    for code in catalogue():
        info = text.explain(Problem(code))
        assert info.summary
        assert info.action, code
        assert info.meaning or "{" in catalogue()[code].meaning, code


def test_an_error_in_an_event_becomes_its_sentence() -> None:
    words = text.detail({"code": "ConnectionLost", "address": "192.0.2.5"})
    assert words == "The connection to 192.0.2.5 broke off."


def test_the_details_of_an_event_read_as_a_person_writes() -> None:
    assert text.detail({"address": "::1", "port": 54517}) == "at [::1]:54517"
    assert text.detail({"lun": "0001000000000000", "device": "/dev/loop2"}) == "LUN 1 · /dev/loop2"
    assert text.detail({"lun": "4101000000000000"}) == "LUN 257"
    assert text.detail({"lun": "c101000000000000", "x-y": 1}) == "LUN c101000000000000 · x y 1"
    assert text.detail({"lun": "zz", "empty": ""}) == "LUN zz"


def test_what_is_not_known_is_shown_as_it_is() -> None:
    assert text.state("hovering") == "Hovering"
    assert text.event("tape-ejected") == "Tape ejected"
    assert text.step("", "") == "Working"


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        ({"kind": "mount", "name": "/mnt"}, "mounted on /mnt"),
        ({"kind": "process", "name": "fio", "pid": 7}, "fio (process 7)"),
        ({"kind": "device", "name": "dm-0"}, "used by dm-0"),
        ({}, "?"),
    ],
)
def test_holders(holder: dict[str, object], words: str) -> None:
    assert text.holder(holder) == words


def test_the_reasons_are_those_that_the_service_gives() -> None:
    said = "".join(file.read_text("utf-8") for file in Path(attach.__path__[0]).glob("*.py"))
    assert [words for words in text.REASONS if f'"{words}"' not in said] == []
    assert text.attach_reason("The service runs without root rights.") == "The service runs without root rights"
    for method in attach.methods():
        assert method.available or method.reason in text.REASONS


def said_by_the_service() -> dict[str, str]:
    """Every whole sentence that it gives a problem as its detail, and the file."""
    found = {}
    for file in Path(attach.__path__[0]).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            argument = isinstance(node, ast.keyword) and node.arg == "detail"
            variable = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "detail"
            given = node.value if argument or variable else None
            if isinstance(given, ast.Constant) and given.value:
                found[given.value] = file.name
    return found


def test_what_the_service_says_of_signing_in_and_names_has_its_translation() -> None:
    said = said_by_the_service()
    assert [words for words in text.SENTENCES if words not in said] == []
    here = {words for words, file in said.items() if file in {"security.py", "traced.py", "names.py", "records.py"}}
    assert len(here) > 5
    assert here - set(text.SENTENCES) == set()
    use(lambda source, _note, _n: f"<{source}>")
    try:
        told = text.explain(Problem("SecretsUnavailable", target="x", detail="None was given.")).meaning
    finally:
        use(None)
    assert told.endswith(" <None was given.>>")


def test_why_no_way_of_attaching_is_there_is_said_in_the_persons_language() -> None:
    reasons = "This kernel has no FUSE, or the container hides it. The program fusermount3 (package fuse3) is missing."
    use(lambda source, _note, _n: f"<{source}>")
    try:
        told = text.explain(Problem("AttachMethodUnavailable", method="auto", reason=reasons)).meaning
    finally:
        use(None)
    assert told == (
        "<<This kernel has no FUSE, or the container hides it.> <The program fusermount3 (package fuse3) is missing.>>"
    )


def test_an_address_with_its_port_is_told_as_it_is() -> None:
    assert text.detail({"address": "nas.local:3261"}) == "at nas.local:3261"
    assert text.detail({"address": "2001:db8::5", "port": 3261}) == "at [2001:db8::5]:3261"
