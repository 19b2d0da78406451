# SPDX-License-Identifier: Apache-2.0
"""Puts Qt's translation behind `words.tr`. Without a file for the person's language everything is English.

The files are `i18n/lundock_LANGUAGE.qm` beside this module, made from what `./dev texts LANGUAGE` collects.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator
from PySide6.QtGui import QGuiApplication

from .. import words

#: The context of all our texts in a translation file.
CONTEXT = "lundock"
#: What was installed beside our own: it goes when another language, or none, is chosen.
_installed: list[QTranslator] = []


def install(file: Path | None = None) -> bool:
    """Speak the person's language, or the one of a file; False when there is none, and English stays."""
    app = QCoreApplication.instance()
    if app is None:
        raise RuntimeError("a language is chosen after the application is made")
    while _installed:
        app.removeTranslator(_installed.pop())
    ours = QTranslator(app)
    folder = resources.files(__package__).joinpath("i18n")
    found = ours.load(str(file)) if file is not None else ours.load(QLocale(), "lundock", "_", str(folder))
    if not found:
        words.use(None)
        return False
    locale = QLocale() if file is None else QLocale(ours.language())
    theirs = QTranslator(app)  # Cancel, Open and what else Qt says by itself
    if theirs.load(locale, "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        app.installTranslator(theirs)
        _installed.append(theirs)

    def translate(source: str, note: str, n: int) -> str:
        made = ours.translate(CONTEXT, source, note, n)
        return made.replace("%n", locale.toString(n)) if made else words.english(source, note, n)

    words.use(translate)
    if file is None:
        QGuiApplication.setLayoutDirection(locale.textDirection())
    return True
