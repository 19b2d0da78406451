# SPDX-License-Identifier: Apache-2.0
"""Words in the person's language."""

from __future__ import annotations

from lundock.app import text, words
from lundock.helper.api.errors import Problem


def test_english_has_its_plural_forms() -> None:
    assert [words.tr("%n disk(s)", "", n) for n in (0, 1, 2)] == ["0 disks", "1 disk", "2 disks"]
    assert words.tr("as it is (s)") == "as it is (s)"


def test_another_language_takes_its_place_everywhere() -> None:
    words.use(lambda source, _note, n: f"<{source}|{n}>")
    try:
        assert words.tr("Connect") == "<Connect|-1>"
        assert text.span(120) == "<%n minute(s)|2>"
        assert text.state("lost").startswith("<")
        assert text.explain(Problem("ConnectionRefused", address="nas", port=1)).summary.startswith("<nas refuses")
    finally:
        words.use(None)
    assert words.tr("Connect") == "Connect"
