# SPDX-License-Identifier: Apache-2.0
"""“Kept addresses”: what is kept, how the last look went, and everything that can be done about it."""

from __future__ import annotations

from typing import Any

from lundock.app.ui.portal_edit import PortalEdit
from lundock.app.ui.portals_dialog import PortalsDialog
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from support.fake_helper import ANYONE, IQN, SECRETS
from support.window import Bench


def keep(bench: Bench, address: str, **options: Any) -> str:
    path = str(bench.fake.do(lambda helper: helper.add_portal(ANYONE, address, options)))
    bench.until(lambda: path in bench.bus.snapshot_now.portals)
    return path


def rows(dialog: PortalsDialog) -> list[str]:
    return [dialog.list.item(n).text().replace("\n", " | ") for n in range(dialog.list.count())]


def edited(dialog: PortalsDialog) -> PortalEdit:
    return next(one for one in dialog.findChildren(PortalEdit) if one.isVisible())


def test_nothing_is_kept_yet_and_an_address_is_added(bench: Bench) -> None:
    dialog = bench.window.show_portals()
    assert "No address is kept" in bench.words(dialog)
    assert not dialog.list.isVisible()
    bench.qtbot.waitUntil(lambda: dialog.focusWidget() is dialog._first)
    bench.qtbot.keyClick(dialog._first, Qt.Key.Key_Space)
    asked = edited(dialog)
    assert not asked._go.isEnabled()
    bench.qtbot.keyClicks(asked.address, "nas.local")
    bench.qtbot.keyClick(asked.address, Qt.Key.Key_Return)
    bench.until(lambda: rows(dialog) and "5 targets" in rows(dialog)[0])
    assert rows(dialog) == ["nas.local | Looked at every hour · just now: 5 targets"]
    (portal,) = bench.fake.helper.portals.values()
    assert (portal.interval, portal.sign_in, portal.given) == (3600, "none", [False])
    bench.until(lambda: len(bench.bus.snapshot_now.targets) == 5)
    assert dialog.chosen is not None


def test_what_is_no_address_or_is_kept_already_is_said_and_stays_typed(bench: Bench) -> None:
    keep(bench, "nas.local")
    dialog = bench.window.show_portals()
    asked = dialog.add()
    for typed, said in (("no address", "is not an address"), ("nas.local", "already there")):
        asked.address.setText(typed)
        bench.click(asked._go)
        bench.until(lambda said=said: said in bench.words(asked._banner))
        assert asked.address.text() == typed
    assert len(bench.fake.helper.portals) == 1


def test_a_look_that_failed_says_why_and_what_to_do(bench: Bench) -> None:
    keep(bench, "refused.local", interval=86_400)
    keep(bench, "nas.local")
    dialog = bench.window.show_portals()
    dialog.list.setCurrentRow(1)
    assert dialog.chosen is not None
    assert dialog.chosen.address == "refused.local"
    bench.qtbot.keyClick(dialog.list, Qt.Key.Key_F5)
    bench.until(dialog._banner.isVisible)
    assert "refused.local refuses connections" in bench.words(dialog._banner)
    assert "failed just now" in rows(dialog)[1]
    bench.click(dialog._banner._details)
    assert "ConnectionRefused" in bench.words(dialog._banner), "its name, for who searches for it"
    bench.click(bench.shown_button(dialog._banner, "Dismiss"))
    assert not dialog._banner.isVisible()
    bench.click(dialog._look)
    bench.until(dialog._banner.isVisible)
    dialog.list.setCurrentRow(0)
    assert not dialog._banner.isVisible(), "it is the other one's"


def test_looking_can_be_stopped(bench: Bench) -> None:
    keep(bench, "slow.local")
    dialog = bench.window.show_portals()
    bench.click(dialog._look)
    bench.until(lambda: "looking now" in rows(dialog)[0])
    assert not dialog._forget.isEnabled()
    bench.click(bench.shown_button(dialog, "Stop looking"))
    bench.until(lambda: "not looked at yet" in rows(dialog)[0])
    bench.until(dialog._forget.isEnabled)
    assert not dialog._banner.isVisible(), "to stop it is no error"


def test_how_often_and_the_sign_in_are_changed(bench: Bench) -> None:
    path = keep(bench, "nas.local", interval=90)
    dialog = bench.window.show_portals()
    bench.qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    bench.until(lambda: dialog.findChildren(PortalEdit))
    asked = edited(dialog)
    assert asked.address.isReadOnly()
    assert asked.often.currentText() == "every 90 seconds"
    asked.often.setCurrentIndex(asked.often.findData(604_800))
    asked.asks.setChecked(True)
    assert asked._go.isEnabled(), "the secret may be in the keyring"
    asked.form.secret.field.setText(SECRETS[0])
    bench.click(asked._go)
    portal = bench.fake.helper.portals[path]
    bench.until(lambda: portal.given)
    assert (portal.interval, portal.sign_in, portal.given) == (604_800, "chap", [True])
    bench.until(lambda: SECRETS[0] in bench.memory.kept.values())
    bench.until(lambda: "every week" in rows(dialog)[0])


def forget(bench: Bench, dialog: PortalsDialog, *, with_targets: bool) -> str:
    bench.until(dialog._forget.isEnabled)
    bench.qtbot.keyClick(dialog.list, Qt.Key.Key_Delete)
    (box,) = (one for one in dialog.findChildren(QMessageBox) if one.isVisible())
    words = box.text()
    if with_targets:
        box.checkBox().setChecked(True)
    bench.click(bench.shown_button(box, "Forget"))
    return words


def test_it_is_forgotten_after_a_question_with_what_it_named_or_without(bench: Bench) -> None:
    dialog = bench.window.show_portals()
    for address, with_targets, left in (("one.local", False, 1), ("nas.local", True, 1)):
        keep(bench, address)
        bench.click(dialog._look)
        bench.until(lambda: "target" in rows(dialog)[0])
        assert forget(bench, dialog, with_targets=with_targets) == f"Forget “{address}”?"
        bench.until(lambda: not bench.bus.snapshot_now.portals)
        bench.until(lambda left=left: len(bench.bus.snapshot_now.targets) == left)
        assert "No address is kept" in bench.words(dialog)
    assert [target.name for target in bench.bus.snapshot_now.targets.values()] == [IQN + "backup"]


def test_without_the_service_nothing_can_be_done_and_what_was_known_stays(bench: Bench) -> None:
    keep(bench, "nas.local")
    dialog = bench.window.show_portals()
    bench.fake.stop()
    bench.until(lambda: not bench.bus.snapshot_now.ready)
    assert len(rows(dialog)) == 1
    for control in (dialog._add, dialog._look, dialog._change, dialog._forget):
        assert not control.isEnabled()
    assert "service" in bench.words(dialog._banner)
