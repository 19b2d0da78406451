# SPDX-License-Identifier: Apache-2.0
"""What a diagnosis found (the details of a job "diagnose"), as a person reads it. No Qt, no bus.

The service sends codes and facts; every sentence is made here, and by `text.explain`. Those of the service are in
English: they stand for what this version of the program does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...helper.api.errors import Problem, catalogue, from_wire
from .. import text
from ..words import mark, tr

#: Each step (Manager.Diagnose, Target.Diagnose) in words.
NAMES: Mapping[str, str] = {
    "name": mark("Look up the name"),
    "route": mark("Find the way there"),
    "interface": mark("Network interface"),
    "port": mark("Reach the port"),
    "tcp": mark("Quality of the connection"),
    "secrets": mark("Have name and secret"),
    "login": mark("Sign in"),
    "sign-in": mark("Ask how to sign in"),
    "security": mark("Agree on how to sign in"),
    "challenge": mark("Be asked for the secret"),
    "proof": mark("Prove the secret"),
    "operational": mark("Agree on parameters"),
    "full-feature": mark("Be let in"),
    "logout": mark("Log out again"),
    "targets": mark("Ask for the targets"),
    "session": mark("The session that is up"),
    "disks": mark("Ask for the disks"),
    "unit": mark("Look at a disk"),
    "attachment": mark("Attach disks here"),
}

#: Verdicts in words: each step's, and what a heading says of the whole.
VERDICTS: Mapping[str, str] = {
    "ok": mark("good"),
    "warning": mark("doubtful"),
    "failed": mark("failed"),
    "skipped": mark("left out"),
}
#: What was found in a step (its "detail"), by key; what is not here (new text keys of a login) stands as it is.
#: None: in the report alone.
DETAILS: Mapping[str, str | None] = {
    "addresses": "{}",
    "source": mark("from {}"),
    "gateway": mark("by way of {}"),
    "interface": "{}",
    "state": "{}",
    "mtu": mark("packets of up to {} bytes"),
    "port": None,
    "local": None,
    "round-trip-us": mark("there and back in {}"),
    "segment-bytes": None,
    "portal": None,
    "reconnects": mark("reconnections: {}"),
    "at": None,
    "status": mark("the target's status {}"),
    "then": "{}",
    "count": "{}",
    "names": "{}",
    "lun": mark("LUN {}"),
    "kind": "{}",
    "size": "{}",
    "model": "{}",
    "device": "{}",
    "method": mark("method {}"),
    "possible": mark("possible: {}"),
    "AuthMethod": mark("way to sign in: {}"),
    "CHAP-A": mark("algorithm {}"),
    "TargetAlias": mark("calls itself “{}”"),
    "TargetPortalGroupTag": None,
}
#: Values that are words.
VALUES: Mapping[str, Mapping[str, str]] = {
    "state": {
        "up": mark("ready"), "without a link": mark("no cable, or no network"), "off": mark("switched off"),
        "connected": mark("connected"), "lost": mark("lost"), "connecting": mark("connecting"),
        "disconnecting": mark("disconnecting"),
    },
    "then": {"a new connection": mark("then another connection")},
    "kind": {
        "disk": mark("disk"), "cdrom": mark("CD or DVD drive"), "tape": mark("tape drive"),
        "optical": mark("optical drive"), "changer": mark("media changer"), "controller": mark("controller"),
        "enclosure": mark("enclosure"), "other": mark("something else"),
    },
    "method": {"none": mark("none"), "chap": mark("name and secret")},
}  # fmt: skip
#: Numbers of things, by step.
_COUNTED: Mapping[str, Callable[[int], str]] = {
    "targets": lambda n: tr("%n target(s)", "", n),
    "disks": lambda n: tr("%n disk(s)", "", n),
}
#: What need not be said.
_NOTHING = frozenset({("gateway", "none"), ("reconnects", 0)})
_SCALED: Mapping[str, Callable[[int], str]] = {"size": text.size, "round-trip-us": text.microseconds}
_HEADINGS = {"ok": mark("Everything works"), "warning": mark("It works, but not as it should")}

#: Refusals that the target's administrator mends by knowing this computer's name.
_WANT_NAME = frozenset({"AuthenticationFailed", "AuthorizationFailed", "NoTargets", "TargetNotFound"})
#: Failures in which there is something to look at: not what was typed wrongly, nor what is missing on this computer.
_SIDES = frozenset({"network", "target"})


def verdict_words(word: str) -> str:
    """Return a verdict in words."""
    return tr(VERDICTS[word]) if word in VERDICTS else word


@dataclass(frozen=True, slots=True)
class Line:
    """A step."""

    verdict: str
    name: str
    took: str = ""
    place: str = ""
    found: str = ""
    action: str = ""

    @property
    def said(self) -> str:
        """Where, and what was found or went wrong there."""
        return " · ".join(filter(None, (self.place, self.found)))

    @property
    def spoken(self) -> str:
        """All of it, for who cannot see the mark."""
        return ", ".join(
            part for part in (self.name, verdict_words(self.verdict), self.took, self.said, self.action) if part
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All of it. `initiator_name` stands there when the target's administrator needs it."""

    verdict: str
    heading: str
    meaning: str
    action: str
    initiator_name: str
    lines: tuple[Line, ...]
    report: str


def read(details: Mapping[str, Any]) -> Diagnosis:
    """Make it of a job's details."""
    verdict, cause = str(details.get("verdict", "")), str(details.get("cause", ""))
    name = str(details.get("initiator-name", "")) if cause in _WANT_NAME else ""
    summary, meaning, action = _sentences(details, **({"initiator_name": tr("see below")} if name else {}))
    return Diagnosis(
        verdict=verdict,
        heading=summary or tr(_HEADINGS.get(verdict, _HEADINGS["warning"])),
        meaning=meaning,
        action=action,
        initiator_name=name,
        lines=tuple(_line(step) for step in details.get("steps", ()) if isinstance(step, Mapping)),
        report=str(details.get("report", "")),
    )


def _sentences(found: Mapping[str, Any], **instead: str) -> tuple[str, str, str]:
    """Return what happened, what it means and what to do, from the code and its facts; all empty when all is well.

    `instead`: facts that are told otherwise here.
    """
    cause, facts = str(found.get("cause", "")), found.get("facts")
    if cause in catalogue() and isinstance(facts, Mapping):
        told = text.explain(from_wire(cause, dict(facts) | instead))
        return told.summary, told.meaning, told.action
    return str(found.get("summary", "")), str(found.get("meaning", "")), str(found.get("action", ""))


def _place(step: Mapping[str, Any]) -> str:
    address, number = str(step.get("address", "")), str(step.get("number", ""))
    if address and number:
        return tr("{address} at {number}").format(address=address, number=number)
    return address or str(step.get("portal", ""))


def _line(step: Mapping[str, Any]) -> Line:
    name, time, detail = str(step.get("name", "")), step.get("time", 0), step.get("detail", {})
    summary, _meaning, action = _sentences(step)
    said = summary or (_found(name, detail) if isinstance(detail, Mapping) else "")
    verdict = str(step.get("verdict", ""))
    return Line(
        verdict=verdict,
        name=tr(NAMES[name]) if name in NAMES else name.capitalize(),
        took=text.microseconds(time) if isinstance(time, int) and time and verdict != "skipped" else "",
        place=_place(step),
        found=said,
        action=action,
    )


def _found(step: str, detail: Mapping[str, Any]) -> str:
    """Return what a step found on one line."""
    parts = []
    for key, value in detail.items():
        pattern = DETAILS.get(key, "")
        if value != "" and (key, value) not in _NOTHING and pattern is not None:
            words = _value(step, key, value)
            parts.append(tr(pattern).format(words) if pattern else f"{key}: {words}")
    return " · ".join(parts)


def _value(step: str, key: str, value: object) -> str:
    """Return a value in words."""
    if isinstance(value, int):
        scaled = _COUNTED.get(step) if key == "count" else _SCALED.get(key)
        return scaled(value) if scaled is not None else str(value)
    words = VALUES.get(key, {}).get(str(value))
    return tr(words) if words is not None else str(value)


def worth_it(problem: Problem) -> bool:
    """Whether a diagnosis may tell more of a problem than its own sentences."""
    info = catalogue().get(problem.code)
    return info is not None and (info.side in _SIDES or info.code in _WANT_NAME)
