# SPDX-License-Identifier: Apache-2.0
"""docs/dbus-api.md from the interfaces' XML and errors.toml: ``python tools/dbus_docs.py``. A test holds it fresh."""

from __future__ import annotations

import re
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INTERFACES = ROOT / "helper" / "api" / "interfaces"
ERRORS = ROOT / "helper" / "api" / "errors.toml"
PAGE = ROOT / "docs" / "dbus-api.md"
ORDER = ("Manager", "Portal", "Target", "Session", "Lun", "Job", "SecretAgent")

HEAD = """<!-- Made by tools/dbus_docs.py from helper/api/interfaces/*.xml and helper/api/errors.toml: change those. -->
# The D-Bus interface

Name `io.github.lundock.Initiator1`, on the system bus (as root) or on a session bus (`lundock-helper --session`). The
object tree is found with `org.freedesktop.DBus.ObjectManager` at `/io/github/lundock/Initiator1`.

Each method needs a [polkit](https://www.freedesktop.org/software/polkit/docs/latest/) action, named here without its
prefix `io.github.lundock.initiator1.`; reading properties needs `view`. On a session bus only the same user is served.
For a target that the caller saved, and for its session and disks, `connect` becomes `connect-own`. Call with the flag
*allow interactive authorization* to let polkit ask for a password.

**Properties and signals are not secret.** Reading needs `view`, which a polkit rule may take away; signals reach
everybody on the system bus who asks the bus for them, whatever polkit says. Secrets are in none of them: see
[security.md](security.md#what-everybody-sees), which also tells how to keep signals from somebody.

An error's name is `io.github.lundock.Initiator1.Error.` and a code of the list at the [end](#errors); its body is
`sa{sv}`: a sentence in English, then its attributes. Settings and their values are in [settings.md](settings.md), whole
programs in [using-from-your-program.md](using-from-your-program.md).

"""


@dataclass(slots=True)
class Text:
    """A comment of the XML: what it is about, its arguments' descriptions, and the rest."""

    about: str
    arguments: dict[str, str] = field(default_factory=dict)
    body: list[str] = field(default_factory=list)


def read_comment(comment: str) -> Text:
    """Read a comment in UDisks2's manner: "Name:", "@argument: …", paragraphs."""
    first, _, rest = comment.strip().partition(":")
    found = Text(first.strip())
    for paragraph in re.split(r"\n\s*\n", rest):
        for entry in re.split(r"\n(?=\s*@)|^\s*(?=@)", paragraph):
            words = " ".join(entry.split())
            match = re.match(r"@([\w-]+): (.*)", words)
            if match:
                found.arguments[match[1]] = match[2]
            elif words:
                found.body.append(words)
    return found


def members(path: Path) -> Iterator[tuple[Text, ET.Element]]:
    """Return each element with the comment before it: the interface, then its members."""
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
    root = ET.parse(path, parser).getroot()
    for node in root.iter():
        last = None
        for child in node:
            if callable(child.tag):  # a comment: its tag is the function ET.Comment
                last = read_comment(child.text or "")
            elif child.tag in ("interface", "property", "method", "signal"):
                if last is None or last.about.split(".")[-1] != child.get("name", "").split(".")[-1]:
                    raise ValueError(f"{path.name}: {child.get('name')} has no comment of its own")
                yield last, child
                last = None


def annotation(element: ET.Element, name: str) -> str | None:
    """Return the value of one of our annotations."""
    for note in element.findall("annotation"):
        if note.get("name") == f"io.github.lundock.{name}":
            return note.get("value")
    return None


def signature(element: ET.Element) -> str:
    """Return how a method or signal is written."""

    def side(direction: str) -> str:
        args = [a for a in element.findall("arg") if a.get("direction", "in") == direction]
        return ", ".join(f"{a.get('name')} `{a.get('type')}`" for a in args)

    out = side("out")
    return f"({side('in')})" + (f" → {out}" if out else "")


def method(text: Text, element: ET.Element) -> Iterator[str]:
    """Describe a method or a signal."""
    action = annotation(element, "Action")
    yield f"#### {element.get('name')} {signature(element)}\n"
    if action:
        others = (entry.split(":") for entry in (annotation(element, "OptionActions") or "").split())
        yield f"Action: `{action}`" + "".join(f"; with {option}: `{other}`" for option, other in others) + "\n"
    for arg in element.findall("arg"):
        name = arg.get("name", "")
        keys = annotation(arg, "Keys")
        line = f"* **{name}** {text.arguments.get(name, '')}"
        secret = annotation(arg, "Secret")
        yield line + (f" Keys: `{keys}`." if keys else "") + (" Secret." if secret == "all" else "")
    yield ""
    yield "\n\n".join(text.body) + "\n"


def page() -> str:
    """Return the whole document."""
    lines = [HEAD]
    for name in ORDER:
        properties: list[str] = []
        for text, element in members(INTERFACES / f"{name}.xml"):
            if element.tag == "interface":
                short = text.body[0].removeprefix("@short_description: ") if text.body else ""
                short = text.arguments.get("short_description", short)
                lines += [f"## {element.get('name')}\n", f"{short}.\n", "\n\n".join(text.body) + "\n"]
            elif element.tag == "property":
                properties.append(f"| {element.get('name')} | `{element.get('type')}` | {' '.join(text.body)} |")
            else:
                if properties:
                    lines += ["| property | type | |", "|---|---|---|", *properties, ""]
                    properties = []
                lines += method(text, element)
    return "\n".join([*lines, *errors()]).rstrip() + "\n"


def errors() -> Iterator[str]:
    """Describe the errors; what stands in braces are attributes of the error."""
    yield "## Errors\n"
    yield "Words in braces are attributes of the error. The status is that of RFC 7143, 11.13.5, which a target gave.\n"
    yield "| code | what happened | what it means, and what to do | status |"
    yield "|---|---|---|---|"
    for code, row in tomllib.loads(ERRORS.read_text("utf-8")).items():
        yield f"| {code} | {row['summary']} | {row['meaning']} {row['action']} | {row.get('rfc', '')} |"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text("utf-8") == page() else "docs/dbus-api.md is not what the XML says")
    PAGE.write_text(page(), "utf-8")
