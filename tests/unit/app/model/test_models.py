# SPDX-License-Identifier: Apache-2.0
"""The rows of the window, and the Qt models that serve them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

pytest.importorskip("PySide6")

from lundock.app.client.mirror import Link, Snapshot
from lundock.app.client.objects import Lun, Manager, Session, Target
from lundock.app.model import details, disks, targets
from lundock.app.model.disks import DisksModel
from lundock.app.model.events import EventsModel
from lundock.app.model.rates import Rates
from lundock.app.model.targets import PATH, ROW, TargetsModel
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester

PORTALS = ({"address": "nas", "port": 3260},)
SNAPSHOT = Snapshot(
    link=Link.READY,
    manager=Manager("/", initiator_name="iqn.2026-01.me:x"),
    targets={
        "/t/1": Target("/t/1", name="iqn.2026-01.a:zeta", portals=PORTALS),
        "/t/2": Target("/t/2", name="iqn.2026-01.a:media", portals=PORTALS, state="connected", session="/s/1"),
        "/t/3": Target("/t/3", name="iqn.2026-01.a:alpha", portals=PORTALS, state="lost", session="/s/2"),
    },
    sessions={"/s/1": Session("/s/1", parameters={"MaxBurstLength": 262144, "X-new": 1}, since=1, reconnects=2)},
    luns={
        "/l/0": Lun(
            "/l/0",
            session="/s/1",
            lun=0,
            address="0",
            size=10**12,
            device="/dev/loop7",
            attach_method="fuse",
            attach_reason="any kernel has it",
        ),
        "/l/1": Lun("/l/1", session="/s/1", lun=1, address="1", kind="cdrom", read_only=True),
    },
)


def rates() -> Rates:
    made = Rates()
    for n in (1, 2):
        made.take({"/l/0": {"time": n * 1_000_000, "read-bytes": n * 2_000_000, "write-bytes": 0}}, n)
    return made


def test_targets_stand_in_groups_by_name() -> None:
    rows = targets.rows(SNAPSHOT, rates())
    assert [(r.title, r.state) for r in rows] == [
        ("Connected", ""), ("alpha", "lost"), ("media", "connected"), ("Saved", ""), ("zeta", "disconnected"),
    ]  # fmt: skip
    assert rows[2].rate == "2.0 MB/s"
    assert rows[2].subtitle == "nas · connected"


def test_without_the_helper_nothing_is_said_to_be_connected() -> None:
    rows = targets.rows(dataclasses.replace(SNAPSHOT, link=Link.NO_HELPER), rates())
    assert {r.state for r in rows if r.path} == {"unknown"}


def test_the_targets_model_tells_only_what_changed(qtbot: Any) -> None:
    model = TargetsModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.update(SNAPSHOT, Rates())
    assert model.rowCount() == 5
    assert (model.first(), model.row_of("/t/1"), model.row_of("/t/9"), model.row_of("")) == ("/t/3", 4, -1, -1)
    resets, changes = [], []
    model.modelReset.connect(lambda: resets.append(1))
    model.dataChanged.connect(lambda top, _bottom: changes.append(top.row()))
    model.update(SNAPSHOT, Rates())
    model.update(SNAPSHOT, rates())
    assert (resets, changes) == ([], [2])
    heading, media = model.index(0), model.index(2)
    assert not heading.flags() & Qt.ItemFlag.ItemIsSelectable
    assert media.data(PATH) == "/t/2"
    assert media.data(Qt.ItemDataRole.AccessibleTextRole) == "media, Connected, nas · connected, 2.0 MB/s"


def test_disks_have_a_row_each(qtbot: Any) -> None:
    model = DisksModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.update(SNAPSHOT, SNAPSHOT.targets["/t/2"], rates())
    assert model.rowCount() == 2
    first, second = model.index(0, 0).data(ROW), model.index(1, 0).data(ROW)
    assert (first.attached, first.usable) == (True, True)
    assert (second.attached, second.usable) == (False, False)
    assert first.cells[4] == ("↓ 2.0 MB/s", "↑ 0.0 MB/s")
    assert model.index(0, 1).data() == "1 TB"
    assert model.index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "LUN 1\nLUN 1 · read-only"
    model.update(SNAPSHOT, SNAPSHOT.targets["/t/1"], rates())
    assert model.rowCount() == 0


def test_who_holds_a_disk_is_said() -> None:
    holders: tuple[dict[str, object], ...] = ({"kind": "mount", "name": "/a"}, {"kind": "swap", "name": "/b"})
    held = Lun("/l", device="/dev/x", holders=holders)
    assert disks.row(held, Rates()).cells[3] == ("/a", "mounted, and 1 more")
    assert disks.row(dataclasses.replace(held, holders=holders[1:]), Rates()).cells[3] == ("swap space /b", "")


def test_details_say_what_was_agreed_and_what_it_means() -> None:
    rows = details.rows(SNAPSHOT, SNAPSHOT.targets["/t/2"], now=121.0)
    by_name = {r.name: r for r in rows if r.name}
    assert by_name["MaxBurstLength"].value == "256 KiB"
    assert by_name["MaxBurstLength"].meaning
    assert by_name["X-new"].value == "1", "what a later helper adds is shown, too"
    assert by_name["Since"].value.endswith("(2 minutes ago)")
    assert by_name["iSCSI name"].value == "iqn.2026-01.me:x"
    assert "MaxBurstLength: 256 KiB" in details.as_text(rows)
    paths = [(r.name, r.value, r.meaning) for r in rows if r.section == "Data path" and r.name]
    assert paths == [("LUN 0", "/dev/loop7 · as fuse", "any kernel has it"), ("LUN 1", "Not attached", "")]
    assert [r.section for r in details.rows(SNAPSHOT, SNAPSHOT.targets["/t/1"]) if not r.name] == [
        "Target",
        "This computer",
    ]


def test_events_are_a_timeline(qtbot: Any) -> None:
    model = EventsModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.add(
        [{"id": 2, "time": 2, "kind": "lost", "target": "a", "detail": {"code": "ConnectionLost", "address": "x"}}]
    )
    model.add(
        [
            {"id": 1, "time": 1, "kind": "connected", "target": "a", "detail": {}},
            {"id": 3, "time": 3, "target": "b"},
            {},
        ]
    )
    model.add([{"id": 2, "time": 9, "kind": "other", "target": "a"}])
    assert model.last == 3
    model.show("a")
    assert [model.index(n, 1).data() for n in range(model.rowCount())] == ["The connection was lost", "Connected"]
    assert model.index(0, 2).data() == "The connection to x broke off."
    assert str(model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)).startswith("19")
    model.tick()
