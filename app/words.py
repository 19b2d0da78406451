# SPDX-License-Identifier: Apache-2.0
"""Words in the person's language, without Qt: the window puts Qt's translation behind `tr`, the command line nothing.

``tr("Connect")``, ``tr("Forget “{name}”?").format(name=…)``, ``tr("%n disk(s)", "", 3)`` (lupdate sees a plural only
when the number stands at the third place). Texts in tables, made before the language is known, are written
``mark("…")`` and go through `tr` when they are shown.
"""

from __future__ import annotations

from collections.abc import Callable

#: Source text, note for translators, number (-1: none) to the translation.
Translate = Callable[[str, str, int], str]


def english(source: str, _note: str, n: int) -> str:
    """Return the text as it is written here, its plural form chosen: “%n disk(s)” is “1 disk”, “2 disks”."""
    return source if n < 0 else source.replace("%n", str(n)).replace("(s)", "" if n == 1 else "s")


class _Current:
    translate: Translate = staticmethod(english)


def use(translate: Translate | None) -> None:
    """Have another function translate; None is English again."""
    _Current.translate = staticmethod(translate or english)


def tr(source: str, note: str = "", n: int = -1) -> str:
    """Return the text in the person's language; with a number in the plural form that fits it."""
    return _Current.translate(source, note, n)


def figure(made: str) -> str:
    """Return a number, as Python writes it with its commas and point, in the person's language."""
    marks = {",": tr(",", "between the thousands of a number"), ".": tr(".", "between a number and its fraction")}
    return "".join(marks.get(letter, letter) for letter in made)


def mark(source: str) -> str:
    """Mark a text for translation and return it as it is."""
    return source
