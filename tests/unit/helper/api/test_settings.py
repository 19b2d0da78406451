# SPDX-License-Identifier: Apache-2.0
"""The one table of settings: what a record, a URL, a message of the control channel may say."""

from __future__ import annotations

import pytest
from lundock.helper.api import settings
from lundock.helper.api.errors import Problem
from lundock.helper.api.settings import Setting, Value


def refusal(values: dict[str, object]) -> Problem:
    with pytest.raises(Problem) as caught:
        settings.check_all(values)
    return caught.value


@pytest.mark.parametrize("setting", settings.table().values(), ids=settings.table())
def test_a_row_is_whole(setting: Setting) -> None:
    assert setting.help.endswith(".")
    assert setting.check(setting.default) == setting.default
    assert bool(setting.later) == bool(setting.later_high or setting.later_choices)
    if setting.type == "int":
        assert setting.low <= setting.default <= setting.high  # type: ignore[operator]
        for wrong in (setting.low - 1, max(setting.high, setting.later_high) + 1):
            assert refusal({setting.name: wrong}).code == "InvalidArgument"
    elif setting.type in ("choice", "list"):
        assert setting.choices
        assert not set(setting.choices) & set(setting.later_choices)


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
        ("max_connections", "1", 1),
        ("error_recovery_level", "0", 0),
        ("task_reporting", "rfc3720", "RFC3720"),
        ("task_reporting", "responsefence", "ResponseFence"),
    ],
)
def test_what_this_version_can_do_is_taken(name: str, word: str, value: Value) -> None:
    assert settings.check_all({name: word}) == {name: value}


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("max_connections", 2, "several connections in a session"),
        ("max_connections", "65535", "several connections in a session"),
        ("error_recovery_level", 1, "a recovery level above 0"),
        ("error_recovery_level", "2", "a recovery level above 0"),
        ("task_reporting", "fastabort", "TaskReporting=FastAbort"),
    ],
)
def test_what_the_standard_allows_and_a_later_version_does_is_refused_as_that(
    name: str, value: object, what: str
) -> None:
    found = refusal({name: value})
    assert (found.code, found.attrs["what"]) == ("NotSupported", what)
    assert "later version" in str(found.attrs["detail"])


def test_a_number_without_a_choice_is_named() -> None:
    assert refusal({"max_connections": 0}).attrs["detail"] == "It is 1."
    assert refusal({"error_recovery_level": True}).attrs["detail"] == "It is 0."
