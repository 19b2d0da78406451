# SPDX-License-Identifier: Apache-2.0
"""`./dev texts LANGUAGE`: every text of the window, for translators, to app/ui/i18n/lundock_LANGUAGE.ts, and its .qm.

What is translated there already is kept; Qt's Linguist edits the file. Texts are the first arguments of `tr` and
`mark`, the sentences of errors.toml, and the lines of help of settings.toml.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "app" / "ui" / "i18n"
CONTEXT = "lundock"


@dataclass(frozen=True, slots=True, order=True)
class Text:
    """A text as it is written in the program, a note for who translates it, and whether it has a number in it."""

    source: str
    note: str = ""
    counted: bool = False


def collect() -> list[Text]:
    """Return every text once, in order."""
    found = {text for file in sorted((ROOT / "app").rglob("*.py")) for text in _in_source(file)}
    api = ROOT / "helper" / "api"
    for name, keys in (("errors.toml", ("summary", "meaning", "action")), ("settings.toml", ("help",))):
        found |= {Text(row[key]) for row in _rows(api / name) for key in keys if row.get(key)}
    return sorted(found)


def _rows(file: Path) -> Iterator[Mapping[str, str]]:
    yield from tomllib.loads(file.read_text("utf-8")).values()


def _in_source(file: Path) -> Iterator[Text]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"tr", "mark"}:
            words = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if words:
                yield Text(words[0], words[1] if len(words) > 1 else "", counted=len(node.args) > 2)


def document(language: str, texts: Sequence[Text], translate: Callable[[Text, int], str], forms: int) -> ET.ElementTree:
    """Return a translation file; `translate(text, form)` gives "" for what is not translated yet."""
    top = ET.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ET.SubElement(top, "context")
    ET.SubElement(context, "name").text = CONTEXT
    for text in texts:
        message = ET.SubElement(context, "message", {"numerus": "yes"} if text.counted else {})
        ET.SubElement(message, "source").text = text.source
        if text.note:
            ET.SubElement(message, "comment").text = text.note
        given = [translate(text, form) for form in range(forms if text.counted else 1)]
        made = ET.SubElement(message, "translation", {} if all(given) else {"type": "unfinished"})
        if text.counted:
            for words in given:
                ET.SubElement(made, "numerusform").text = words
        else:
            made.text = given[0]
    ET.indent(top)
    return ET.ElementTree(top)


def release(source: Path, made: Path) -> None:
    """Compile a translation file for the program."""
    program = Path(sys.executable).with_name("pyside6-lrelease")
    subprocess.run([program, "-silent", source, "-qm", made], check=True)


def release_all() -> None:
    """Compile every translation that is another than when it was compiled last."""
    for source in FOLDER.glob("*.ts"):
        made = source.with_suffix(".qm")
        if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
            release(source, made)


def known(file: Path) -> dict[tuple[str, str], list[str]]:
    """Return what is translated already."""
    found: dict[tuple[str, str], list[str]] = {}
    if file.exists():
        for message in ET.parse(file).iter("message"):
            made = message.find("translation")
            if made is not None:
                forms = [form.text or "" for form in made.findall("numerusform")] or [made.text or ""]
                found[message.findtext("source", ""), message.findtext("comment", "")] = forms
    return found


def main() -> int:
    """Write the file."""
    parser = argparse.ArgumentParser("./dev texts", description=__doc__)
    parser.add_argument("language", nargs="?", help="as in a locale's name: de, pt_BR; none only compiles")
    parser.add_argument("--forms", type=int, default=2, help="plural forms of a new file (2)")
    options = parser.parse_args()
    if not options.language:
        release_all()
        return 0
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"lundock_{options.language}.ts"
    old, texts = known(file), collect()
    forms = max([options.forms, *(len(words) for words in old.values())])

    def translate(text: Text, form: int) -> str:
        return [*old.get((text.source, text.note), []), "", "", "", "", "", ""][form]

    document(options.language, texts, translate, forms).write(file, "utf-8", xml_declaration=True)
    release(file, file.with_suffix(".qm"))
    missing = [
        text.source for text in texts if not all(translate(text, n) for n in range(forms if text.counted else 1))
    ]
    print(f"{file.relative_to(ROOT)}: {len(texts)} texts, {len(missing)} of them to translate")
    print("".join(f"  {source}\n" for source in missing), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
