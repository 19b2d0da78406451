# SPDX-License-Identifier: Apache-2.0
"""Kept addresses in words."""

from __future__ import annotations

import time
from types import MappingProxyType

import pytest
from lundock.app.client.mirror import Snapshot
from lundock.app.client.objects import Job, Portal, Target
from lundock.app.model import portals


def ago(seconds: int) -> int:
    return int((time.time() - seconds) * 1e6)


def snapshot(*kept: Portal, targets: tuple[Target, ...] = (), jobs: tuple[Job, ...] = ()) -> Snapshot:
    return Snapshot(
        portals=MappingProxyType({one.path: one for one in kept}),
        targets=MappingProxyType({one.path: one for one in targets}),
        jobs=MappingProxyType({one.path: one for one in jobs}),
    )


def test_one_that_was_looked_at_says_when_and_what_it_offers() -> None:
    portal = Portal("/p/1", "nas.local", interval=3600, last_look=ago(180))
    named = [Target(f"/t/{n}", f"iqn.{n}", source="/p/1", vanished=n == 2) for n in range(3)]
    (line,) = portals.lines(snapshot(portal, targets=(*named, Target("/t/9", "iqn.9"))))
    assert (line.address, line.state) == ("nas.local", "good")
    assert line.below == "Looked at every hour · 3 minutes ago: 2 targets"
    assert line.spoken == "nas.local, Looked at every hour · 3 minutes ago: 2 targets"


def test_one_that_failed_says_why_with_what_the_service_knows_of_it() -> None:
    facts = {"address": "nas", "seconds": 10, "port": 3261}
    portal = Portal("/p/1", "nas:3261", last_result="ConnectionTimeout", last_result_facts=facts, last_look=ago(60))
    there = snapshot(portal)
    (line,) = portals.lines(there)
    assert (line.state, line.below) == (
        "failed",
        "Looked at only when I ask for it · failed 1 minute ago: nas did not answer within 10 seconds.",
    )
    problem = portals.problem_of(there, portal)
    assert problem is not None
    assert (problem.code, problem.attrs["port"], problem.attrs["seconds"]) == ("ConnectionTimeout", 3261, 10)


def test_while_it_is_looked_at_the_last_failure_is_not_told() -> None:
    portal = Portal("/p/1", "nas", interval=86_400, last_result="NameNotFound", last_look=ago(1))
    there = snapshot(portal, jobs=(Job("/j/1", kind="refresh", objects=("/p/1",)),))
    assert [(one.state, one.below) for one in portals.lines(there)] == [
        ("looking", "Looked at every day · looking now …")
    ]
    assert portals.problem_of(there, portal) is None


def test_one_that_is_new_says_so() -> None:
    assert portals.lines(snapshot(Portal("/p/1", "nas")))[0].state == "new"


def test_a_code_of_a_later_service_breaks_nothing() -> None:
    portal = Portal("/p/1", "not an address", last_result="NotKnownYet", last_look=1)
    assert portals.lines(snapshot(portal))[0].state == "failed"


@pytest.mark.parametrize(("now", "count"), [(3600, 5), (0, 5), (90, 6)])
def test_what_is_so_now_can_be_chosen_again(now: int, count: int) -> None:
    offered = portals.intervals(now)
    assert len(offered) == count
    assert now in dict(offered)
    assert dict(portals.intervals(90))[90] == "every 90 seconds"
