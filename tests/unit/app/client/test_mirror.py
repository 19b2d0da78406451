# SPDX-License-Identifier: Apache-2.0
"""The mirror follows what it is told, and its snapshots never change."""

from __future__ import annotations

from lundock.app.client.mirror import Link, Mirror, Snapshot
from lundock.app.client.objects import Target
from lundock.helper.api.names import JOB, LUN, ROOT_PATH, SESSION, TARGET

T, S = f"{ROOT_PATH}/targets/1", f"{ROOT_PATH}/sessions/1"


def filled() -> Mirror:
    mirror = Mirror()
    mirror.replace(
        {
            T: {TARGET: {"Name": "a", "Session": S, "State": "connected"}, "org.other": {"X": 1}},
            S: {SESSION: {"Target": T}},
            f"{S}/luns/1": {LUN: {"Session": S, "Address": "0001000000000000"}},
            f"{S}/luns/0": {LUN: {"Session": S, "Address": "0000000000000000"}},
            "/elsewhere": {"org.other": {}},
        }
    )
    return mirror


def test_a_snapshot_has_the_objects_and_how_they_belong_together() -> None:
    snapshot = filled().snapshot(Link.READY, bus="session")
    target = snapshot.targets[T]
    assert snapshot.ready
    assert snapshot.session_of(target) is snapshot.sessions[S]
    assert [lun.path[-1] for lun in snapshot.luns_of(target)] == ["0", "1"]


def test_a_snapshot_stays_as_it_was() -> None:
    mirror = filled()
    before = mirror.snapshot(Link.READY, bus="")
    mirror.changed(T, TARGET, {"State": "lost"})
    mirror.removed(S, [SESSION])
    after = mirror.snapshot(Link.READY, bus="")
    assert (before.targets[T].state, after.targets[T].state) == ("connected", "lost")
    assert S in before.sessions
    assert S not in after.sessions


def test_views_are_made_once() -> None:
    mirror = filled()
    assert mirror.snapshot(Link.READY, bus="").targets[T] is mirror.snapshot(Link.READY, bus="").targets[T]


def test_changes_of_what_is_not_there_are_ignored() -> None:
    mirror = filled()
    mirror.changed("/nowhere", TARGET, {"Name": "b"})
    mirror.removed("/nowhere", [TARGET])
    mirror.added("/x", {"org.other": {}})
    assert set(mirror.snapshot(Link.READY, bus="").targets) == {T}


def test_the_unfinished_job_on_an_object_is_found() -> None:
    mirror = filled()
    mirror.added("/j/1", {JOB: {"Kind": "login", "Objects": [T], "Finished": True}})
    mirror.added("/j/2", {JOB: {"Kind": "logout", "Objects": [T]}})
    snapshot = mirror.snapshot(Link.READY, bus="")
    job = snapshot.job_on(T)
    assert job is not None
    assert job.kind == "logout"
    assert snapshot.job_on(T, "login") is None
    assert Snapshot().job_on(T) is None
    assert Snapshot().luns_of(Target(T)) == ()
