# SPDX-License-Identifier: Apache-2.0
"""What a diagnosis found (the details of a job "diagnose"), as a person reads it. No Qt, no bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...helper.api.errors import Problem, catalogue
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
#: What was found in a step (its "detail"), by key; what is not here stands as it is. None: in the report alone.
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
    "count": mark("number: {}"),
    "names": "{}",
    "lun": mark("LUN {}"),
    "kind": "{}",
    "size": "{}",
    "model": "{}",
    "device": "{}",
    "method": mark("method {}"),
    "possible": mark("possible: {}"),
}
#: What need not be said.
_NOTHING = frozenset({("gateway", "none"), ("reconnects", 0)})
_SCALED: Mapping[str, Callable[[int], str]] = {"size": text.size, "round-trip-us": text.microseconds}
_HEADINGS = {"ok": mark("Everything works"), "warning": mark("It works, but not as it should")}

#: Refusals that the target's administrator mends by knowing this computer's name.
_WANT_NAME = frozenset({"AuthenticationFailed", "AuthorizationFailed", "TargetNotFound"})
#: Failures in which there is something to look at: not what was typed wrongly, nor what is missing on this computer.
_SIDES = frozenset({"network", "target"})


@dataclass(frozen=True, slots=True)
class Line:
    """A step."""

    verdict: str
    name: str
    took: str = ""
    said: str = ""
    action: str = ""

    @property
    def spoken(self) -> str:
        """All of it, for who cannot see the mark."""
        verdict = tr(VERDICTS[self.verdict]) if self.verdict in VERDICTS else self.verdict
        return ", ".join(part for part in (self.name, verdict, self.took, self.said, self.action) if part)


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
    heading = str(details.get("summary", "")) or tr(_HEADINGS.get(verdict, _HEADINGS["warning"]))
    return Diagnosis(
        verdict=verdict,
        heading=heading,
        meaning=str(details.get("meaning", "")),
        action=str(details.get("action", "")),
        initiator_name=str(details.get("initiator-name", "")) if cause in _WANT_NAME else "",
        lines=tuple(_line(step) for step in details.get("steps", ()) if isinstance(step, Mapping)),
        report=str(details.get("report", "")),
    )


def _line(step: Mapping[str, Any]) -> Line:
    name, time, detail = str(step.get("name", "")), step.get("time", 0), step.get("detail", {})
    said = str(step.get("summary", "")) or (_found(detail) if isinstance(detail, Mapping) else "")
    verdict = str(step.get("verdict", ""))
    return Line(
        verdict=verdict,
        name=tr(NAMES[name]) if name in NAMES else name.capitalize(),
        took=text.microseconds(time) if isinstance(time, int) and time and verdict != "skipped" else "",
        said=" · ".join(part for part in (str(step.get("portal", "")), said) if part),
        action=str(step.get("action", "")),
    )


def _found(detail: Mapping[str, Any]) -> str:
    """Return what a step found on one line."""
    parts = []
    for key, value in detail.items():
        if value == "" or (key, value) in _NOTHING:
            continue
        scaled = _SCALED[key](value) if key in _SCALED and isinstance(value, int) else value
        pattern = DETAILS.get(key, "")
        if pattern is not None:
            parts.append(tr(pattern).format(scaled) if pattern else f"{key}: {scaled}")
    return " · ".join(parts)


def worth_it(problem: Problem) -> bool:
    """Whether a diagnosis may tell more of a problem than its own sentences."""
    info = catalogue().get(problem.code)
    return info is not None and (info.side in _SIDES or info.code in _WANT_NAME)
