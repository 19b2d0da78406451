# SPDX-License-Identifier: Apache-2.0
"""Ejecting what is free, what is in use, and by force."""

from __future__ import annotations

from typing import Any

import pytest
from lundock.app.client import operations
from lundock.app.ui import eject_dialog
from lundock.app.ui.eject_dialog import EjectDialog
from PySide6.QtCore import Qt
from support.window import Bench

MOUNT = {"kind": "mount", "name": "/media/anna/Backup"}
PROGRAM = {"kind": "process", "name": "fio", "pid": 77}


def asked(bench: Bench) -> EjectDialog:
    """Press Eject, and return the dialog that comes."""
    bench.until(lambda: bench.window.disks._eject.isVisible() and bench.window.disks._eject.isEnabled())
    bench.click(bench.window.disks._eject)
    bench.until(lambda: bench.window.findChild(EjectDialog) is not None)
    return bench.window.findChild(EjectDialog)


def device(bench: Bench, lun: str) -> str:
    return bench.bus.snapshot_now.luns[lun].device


def test_a_free_disk_is_ejected_at_once_and_said_to_be_safe(bench: Bench) -> None:
    bench.attached(bench.fake.add("backup"))
    bench.until(bench.window.disks._eject.isEnabled)
    bench.click(bench.window.disks._eject)
    bench.until(lambda: "safe to unplug" in bench.window.notice.words())
    assert bench.window.findChild(EjectDialog) is None


def test_who_has_it_is_said_and_it_goes_on_when_they_let_go(bench: Bench) -> None:
    lun = bench.attached(bench.fake.add("backup"))
    bench.hold(lun, PROGRAM)
    dialog = asked(bench)
    assert "fio (process 77) has it open" in bench.words(dialog)
    assert dialog._go.text() == "Try again"
    assert dialog.focusWidget() is dialog._go  # and not the button for force
    bench.click(dialog._go)
    bench.until(dialog._banner.isVisible)
    bench.fake.add("another")
    bench.until(lambda: len(bench.bus.snapshot_now.targets) == 2)
    assert dialog._banner.isVisible(), "what changes elsewhere does not take it away"
    assert device(bench, lun)
    bench.hold(lun)
    bench.until(lambda: dialog._go.text() == "Eject")
    bench.click(dialog._go)
    bench.until(lambda: "safe to unplug" in bench.words(dialog))
    assert not device(bench, lun)
    bench.qtbot.keyClick(dialog, Qt.Key.Key_Return)
    bench.until(lambda: bench.window.findChild(EjectDialog) is None)


def test_a_program_that_has_let_go_since_the_last_look_is_not_asked_about(bench: Bench) -> None:
    lun = bench.attached(bench.fake.add("backup"))
    bench.hold(lun, PROGRAM)

    async def let_go(helper: Any) -> None:
        helper.luns[lun].holders = []  # and nobody is told yet

    bench.fake.do(let_go)
    bench.until(bench.window.disks._eject.isEnabled)
    bench.click(bench.window.disks._eject)
    bench.until(lambda: "safe to unplug" in bench.window.notice.words())
    assert bench.window.findChild(EjectDialog) is None


def test_a_mounted_disk_is_unmounted_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    lun = bench.attached(bench.fake.add("backup"))
    bench.hold(lun, MOUNT)
    done: list[str] = []

    async def unmount(path: str) -> None:
        done.append(path)
        bench.fake.helper.luns[lun].holders = []

    monkeypatch.setattr(eject_dialog.udisks, "unmount", unmount)
    bench.window.actions_on.udisks = True
    dialog = asked(bench)
    assert "/media/anna/Backup" in bench.words(dialog)
    assert dialog._go.text() == "Unmount and eject"
    bench.click(dialog._go)
    bench.until(lambda: "safe to unplug" in bench.words(dialog))
    assert done == ["/dev/loop7"]


def test_without_udisks2_the_command_is_shown(bench: Bench) -> None:
    lun = bench.attached(bench.fake.add("backup"))
    bench.hold(lun, MOUNT)
    bench.window.actions_on.udisks = False
    dialog = asked(bench)
    assert "sudo umount /media/anna/Backup" in bench.words(dialog)


@pytest.mark.skipif(not operations.can_force(), reason="the contract has no force")
def test_force_needs_a_second_answer_and_escape_goes_back(bench: Bench) -> None:
    lun = bench.attached(bench.fake.add("backup"))
    bench.hold(lun, PROGRAM)
    dialog = asked(bench)
    bench.click(dialog._force)
    assert "lost" in bench.words(dialog)
    assert dialog._cancel.isDefault(), "Enter must not lose anything"
    bench.qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert dialog._go.text() == "Try again"
    assert device(bench, lun)
    bench.click(dialog._force)
    bench.click(dialog._go)
    bench.until(lambda: "safe to unplug" in bench.words(dialog))
    assert not device(bench, lun)


def test_force_is_not_offered_where_the_service_cannot(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "can_force", lambda: False)
    bench.hold(bench.attached(bench.fake.add("backup")), PROGRAM)
    assert not asked(bench)._force.isVisible()


def test_disconnecting_asks_about_every_disk(bench: Bench) -> None:
    path = bench.fake.add("backup", "Backup")
    lun = bench.attached(path)
    bench.hold(lun, PROGRAM)
    bench.until(lambda: bench.window.header._main.text() == "Disconnect")
    bench.click(bench.window.header._main)
    bench.until(lambda: bench.window.findChild(EjectDialog) is not None)
    dialog = bench.window.findChild(EjectDialog)
    assert "“Backup” is in use" in bench.words(dialog)
    bench.hold(lun)
    bench.click(dialog._go)
    bench.until(lambda: bench.state(path) == "disconnected")
    bench.until(lambda: "safe to unplug" in bench.words(dialog))


def test_cancelling_stops_the_work_and_changes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    lun = bench.attached(bench.fake.add("backup"))
    bench.hold(lun, PROGRAM)
    dialog = asked(bench)
    bench.hold(lun)
    bench.fake.do(lambda helper: setattr(helper, "pace", 30.0))
    bench.click(dialog._go)
    bench.until(lambda: any(j.step == "flush" for j in bench.fake.helper.jobs.values()))
    bench.qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    bench.until(lambda: all(job.finished for job in bench.fake.helper.jobs.values()))
    assert device(bench, lun)
    assert bench.window.banner.problem is None


def test_a_disk_taken_meanwhile_leads_to_the_question(bench: Bench) -> None:
    """The holders known here may be old: the service's refusal counts."""
    lun = bench.attached(bench.fake.add("backup"))

    async def hold(helper: Any) -> None:
        helper.luns[lun].holders = [PROGRAM]  # not told by a signal

    bench.fake.do(hold)
    dialog = asked(bench)
    assert dialog.isVisible()
