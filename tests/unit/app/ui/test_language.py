# SPDX-License-Identifier: Apache-2.0
"""The languages that are shipped: complete, agreeing with their source, and spoken where the person speaks them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("PySide6")

from lundock.app import text, words
from lundock.app.ui import language
from lundock.helper.api.errors import Problem
from PySide6.QtCore import QCoreApplication, QLocale
from PySide6.QtWidgets import QApplication

from tools.texts import FOLDER, Text, collect, known, release

FILES = sorted(FOLDER.glob("*.ts"))
DO = "run `./dev texts {}`, translate in the file what it lists, and run it again (app/ui/i18n/README.md)"


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def pairs(file: Path) -> list[tuple[Text, list[str]]]:
    """Every text of the program with its translations."""
    made = known(file)
    return [(one, made.get((one.source, one.note), [])) for one in collect()]


@pytest.fixture
def german(qapp: QApplication, tmp_path: Path) -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale("de_DE"))
    release(FOLDER / "lundock_de.ts", tmp_path / "lundock_de.qm")
    assert language.install(tmp_path / "lundock_de.qm")
    try:
        yield
    finally:
        language.install(tmp_path / "none.qm")
        QLocale.setDefault(before)


def test_german_is_among_them() -> None:
    assert "lundock_de" in [file.stem for file in FILES]


def test_no_text_is_left_untranslated(file: Path, pairs: list[tuple[Text, list[str]]]) -> None:
    what = DO.format(file.stem.removeprefix("lundock_"))
    missing = [one.source for one, made in pairs if not made or not all(made)]
    assert missing == [], f"texts without a translation: {what}"
    unfinished = [one.findtext("source") for one in ET.parse(file).iter("message")
                  if (made := one.find("translation")) is None or made.get("type")]  # fmt: skip
    assert unfinished == [], what
    left = set(known(file)) - {(one.source, one.note) for one, _made in pairs}
    assert left == set(), f"texts that the program does not have any more: {what}"


def test_what_is_filled_in_is_the_same(pairs: list[tuple[Text, list[str]]]) -> None:
    def holes(one: str) -> Counter[str]:
        return Counter(re.findall(r"\{[^}]*\}|%n|`[^`]*`", one))

    assert [(one.source, form) for one, made in pairs for form in made if holes(form) != holes(one.source)] == []


def test_shortcuts_spaces_and_ends_are_those_of_the_source(pairs: list[tuple[Text, list[str]]]) -> None:
    def shape(one: str) -> tuple[int, str, str, bool]:
        return (
            len(re.findall(r"&\w", one)),
            one[: len(one) - len(one.lstrip())],
            one[len(one.rstrip()) :],
            one.endswith("…"),
        )

    assert [(one.source, form) for one, made in pairs for form in made if shape(form) != shape(one.source)] == []
    ends = [
        (one.source, form) for one, made in pairs for form in made
        if one.source[-1:] in ".?!:" and len(one.source) > 1 and form[-1:] != one.source[-1:]
    ]  # fmt: skip
    assert ends == []


def test_the_person_reads_german(german: None) -> None:
    assert words.tr("Eject") == "Auswerfen"
    assert [words.tr("%n disk(s) ago", "", 1), text.span(3600, past=True), text.span(7200)] == [
        "1 disk ago", "vor 1 Stunde", "2 Stunden",
    ]  # fmt: skip
    assert text.explain(Problem("ConnectionRefused", address="nas", port=3260)).summary == (
        "nas lehnt Verbindungen an Port 3260 ab."
    )


def test_numbers_are_written_as_the_person_writes_them(german: None) -> None:
    assert text.size_both(1_500_000_000) == "1,5 GB (1,4 GiB)"
    assert text.rate(62_300_000) == "62,3 MB/s"
    assert text.microseconds(2400) == "2,4 ms"
    assert words.figure("1,234.5") == "1.234,5"


def test_where_there_is_no_translation_english_stays(qapp: QApplication, tmp_path: Path) -> None:
    assert not language.install(tmp_path / "none.qm")
    assert (words.tr("Eject"), words.figure("1,234.5")) == ("Eject", "1,234.5")


def test_the_locale_chooses(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a country's German the one that there is; of another language none."""
    (tmp_path / "i18n").mkdir()
    release(FOLDER / "lundock_de.ts", tmp_path / "i18n" / "lundock_de.qm")
    monkeypatch.setattr(language.resources, "files", lambda _package: tmp_path)
    before = QLocale()
    try:
        for locale, spoken in (("de_AT", True), ("de_DE", True), ("ja_JP", False)):
            QLocale.setDefault(QLocale(locale))
            assert language.install() is spoken
            assert words.tr("Eject") == ("Auswerfen" if spoken else "Eject")
            of_qt = QCoreApplication.translate("QPlatformTheme", "Cancel")
            assert of_qt == ("Abbrechen" if spoken else "Cancel"), "what Qt says by itself goes with it"
    finally:
        language.install(tmp_path / "none.qm")
        QLocale.setDefault(before)
