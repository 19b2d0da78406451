# SPDX-License-Identifier: Apache-2.0
"""Kept addresses (the service's portals) as a person reads them: a line each, and what went wrong. No Qt, no bus."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...helper.api.errors import Problem, from_wire
from .. import text
from ..client.mirror import Snapshot
from ..client.objects import Portal
from ..client.operations import parse_portal
from ..words import mark, tr

#: How often one may look, in seconds; other spans come from the command line. 0: only when somebody asks for it.
INTERVALS: Sequence[tuple[int, str]] = (
    (300, mark("every 5 minutes")),
    (3600, mark("every hour")),
    (86_400, mark("every day")),
    (604_800, mark("every week")),
    (0, mark("only when I ask for it")),
)
#: What is offered at first.
USUAL = 3600


@dataclass(frozen=True, slots=True)
class Line:
    """A kept address. `state`: "good", "failed", "new" (not looked at yet), "looking"."""

    path: str
    address: str
    below: str
    state: str
    tip: str = ""

    @property
    def spoken(self) -> str:
        """All of it, for who cannot see the mark."""
        return f"{self.address}, {self.below}"


def lines(snapshot: Snapshot) -> list[Line]:
    """Return the kept addresses, by name."""
    return [
        _line(snapshot, one) for one in sorted(snapshot.portals.values(), key=lambda p: (p.address.casefold(), p.path))
    ]


def _line(snapshot: Snapshot, portal: Portal) -> Line:
    state, last = _last(snapshot, portal)
    below = " · ".join((tr("Looked at {often}").format(often=every(portal.interval)), last))
    return Line(portal.path, portal.address, below, state, text.exact(portal.last_look) if portal.last_look else "")


def _last(snapshot: Snapshot, portal: Portal) -> tuple[str, str]:
    """Return the state, and how the last look went."""
    if snapshot.job_on(portal.path, "refresh") is not None:
        return "looking", tr("looking now …")
    if not portal.last_look:
        return "new", tr("not looked at yet")
    when = text.ago(portal.last_look)
    if portal.last_result:
        return "failed", tr("failed {when}: {why}").format(when=when, why=text.explain(_problem(portal)).summary)
    count = len(named_by(snapshot, portal))
    return "good", tr("{when}: {offers}").format(when=when, offers=tr("%n target(s)", "", count))


def named_by(snapshot: Snapshot, portal: Portal) -> list[str]:
    """Return the targets in the list that this address names, and nobody saved by hand."""
    return [t.path for t in snapshot.targets.values() if t.source == portal.path and not t.vanished]


def every(interval: int) -> str:
    """Return how often it is looked at, in words."""
    known = dict(INTERVALS).get(interval)
    return tr(known) if known is not None else tr("every {span}").format(span=_exactly(interval))


def _exactly(seconds: int) -> str:
    """Return a span in the largest unit that it is a whole number of."""
    counted: Sequence[tuple[int, Callable[[int], str]]] = (
        (86_400, lambda n: tr("%n day(s)", "", n)),
        (3600, lambda n: tr("%n hour(s)", "", n)),
        (60, lambda n: tr("%n minute(s)", "", n)),
        (1, lambda n: tr("%n second(s)", "", n)),
    )
    return next(words(seconds // unit) for unit, words in counted if seconds % unit == 0)


def intervals(now: int) -> list[tuple[int, str]]:
    """Return what can be chosen, with what is so now among it."""
    seconds = [interval for interval, _words in INTERVALS]
    return [(one, every(one)) for one in (seconds if now in seconds else [now, *seconds])]


def problem_of(snapshot: Snapshot, portal: Portal) -> Problem | None:
    """Return why the last look failed."""
    looking = snapshot.job_on(portal.path, "refresh") is not None
    return _problem(portal) if portal.last_result and not looking else None


def _problem(portal: Portal) -> Problem:
    place: dict[str, Any] = {"address": portal.address, "target": portal.address}
    with contextlib.suppress(Problem):
        place |= {key: value for key, value in parse_portal(portal.address).items() if key in {"address", "port"}}
    return from_wire(portal.last_result, place | dict(portal.last_result_facts))
