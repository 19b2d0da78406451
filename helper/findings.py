# SPDX-License-Identifier: Apache-2.0
"""What a diagnosis found, step by step, and the report of it that can be shown to others: it holds no secrets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .api.errors import Problem, describe

Detail = str | int

#: Refusals that the target's administrator can mend by knowing this computer's name.
WANT_NAME = frozenset({"AuthenticationFailed", "AuthorizationFailed", "NoTargets", "TargetNotFound"})
_WIDTH = 16


@dataclass(slots=True)
class Finding:
    """A step: "ok", "warning", "failed" or "skipped".

    `portal` is which of several it is about, `number` the one of its addresses; `duration` in microseconds, `started`
    CLOCK_MONOTONIC in seconds.
    """

    name: str
    portal: str = ""
    number: str = ""
    verdict: str = "ok"
    duration: int = 0
    problem: Problem | None = None
    detail: dict[str, Detail] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def end(self, verdict: str = "ok", problem: Problem | None = None, **detail: Detail) -> Finding:
        """It is over, after the time since it was made."""
        self.duration = int((time.monotonic() - self.started) * 1_000_000)
        self.verdict = "failed" if problem is not None and verdict == "ok" else verdict
        self.problem = problem
        self.detail |= detail
        return self

    def row(self) -> dict[str, Any]:
        """Return it as the bus shows it."""
        found: dict[str, Any] = {
            "name": self.name, "portal": self.place, "address": self.portal, "number": self.number,
            "verdict": self.verdict, "time": self.duration, "cause": "",
            "detail": {key.replace("_", "-"): value for key, value in self.detail.items()},
        }  # fmt: skip
        if self.problem is not None:
            texts = _texts(self.problem)
            found |= {key: texts[key] for key in ("cause", "facts", "summary", "action")}
        return found

    @property
    def place(self) -> str:
        """Where it was, in words."""
        return f"{self.portal} at {self.number}" if self.number else self.portal


def _texts(problem: Problem) -> dict[str, Any]:
    """Return a problem as its code and the facts that its sentences mention, and the sentences in English."""
    texts = describe(problem.code, problem.attrs)
    return {
        "cause": problem.code, "facts": dict(problem.attrs),
        "summary": texts.summary, "meaning": texts.meaning, "action": texts.action,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class About:
    """What is diagnosed, and who asks."""

    subject: str
    initiator_name: str
    version: str


def verdict_of(findings: Sequence[Finding]) -> tuple[str, Problem | None]:
    """Return the whole's verdict, and its cause: the first failure that nothing made good.

    A portal that does not answer is a warning when another one does: the login that worked is then the last word.
    """
    through = any(f.name in ("full-feature", "session", "targets") and f.verdict == "ok" for f in findings)
    for one in findings:
        if one.verdict == "failed" and one.problem is not None and not (through and one.portal):
            return "failed", one.problem
    doubtful = next((f.problem for f in findings if f.verdict in ("warning", "failed") and f.problem), None)
    return ("warning" if any(f.verdict in ("warning", "failed") for f in findings) else "ok"), doubtful


def report(about: About, findings: Sequence[Finding], wall_clock: float) -> str:
    """Return the report, for a person."""
    verdict, cause = verdict_of(findings)
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(wall_clock))
    lines = [
        f"Lundock {about.version}: diagnosis of {about.subject}, {when}",
        f"This computer: {about.initiator_name}",
        "",
        *(_line(finding) for finding in findings),
        "",
        f"Result: {verdict}",
    ]
    if cause is not None:
        texts = describe(cause.code, cause.attrs)
        lines += [f"Cause: {texts.summary} ({cause.code})", texts.meaning, f"What to do: {texts.action}"]
    if cause is not None and cause.code in WANT_NAME:
        lines.append(f"The target's administrator needs this computer's name: {about.initiator_name}")
    return "\n".join(lines) + "\n"


def _line(finding: Finding) -> str:
    words = [f"{finding.verdict:8}{finding.name:{_WIDTH}}{_duration(finding.duration):>10}"]
    if finding.portal:
        words.append(finding.place)
    words += [f"{key.replace('_', ' ')}: {value}" for key, value in finding.detail.items()]
    if finding.problem is not None:
        words.append(f"{finding.problem} ({finding.problem.code})")
    return "  ".join(words)


def _duration(microseconds: int) -> str:
    return f"{microseconds / 1000:.1f} ms" if microseconds else "-"


def job_details(about: About, findings: Sequence[Finding], wall_clock: float) -> Mapping[str, Any]:
    """Return the details of the job."""
    verdict, cause = verdict_of(findings)
    found: dict[str, Any] = {
        "verdict": verdict,
        "cause": "",
        "initiator-name": about.initiator_name,
        "steps": [finding.row() for finding in findings],
        "report": report(about, findings, wall_clock),
    }
    if cause is not None:
        found |= _texts(cause)
    return found
