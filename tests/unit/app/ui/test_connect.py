# SPDX-License-Identifier: Apache-2.0
"""“Connect to a target” in the window: every step, going back, leaving at each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lundock.app import desktop
from lundock.app.client.operations import Secrets
from lundock.app.client.udisks import Contents, Volume
from lundock.app.flows.connect import Step
from lundock.app.ui import connect_dialog, disk_card, format_dialog
from lundock.app.ui.connect_dialog import ConnectDialog
from lundock.app.ui.diagnosis_dialog import DiagnosisDialog
from lundock.app.ui.format_dialog import FormatDialog
from lundock.helper.api.errors import Problem
from PySide6.QtCore import QSettings, Qt
from support.fake_helper import IQN, SECRETS
from support.window import Bench


def at(bench: Bench, step: Step, name: str = "media", *, address: str = "nas.local") -> ConnectDialog:
    """Open the wizard and go on until `step`, signing in rightly where it is asked for."""
    dialog = bench.window.connect_to_target()
    dialog.start_with(address)
    for _ in range(12):
        now = dialog.flow.step
        if now is step:
            return dialog
        if now is Step.CHOOSE:
            row = next(n for n, t in enumerate(dialog.flow.found) if t.name == IQN + name)
            dialog.choose.list.setCurrentRow(row)
        elif now is Step.SIGN_IN:
            dialog.form.secret.field.setText(SECRETS[0])
        if now not in {Step.LOOKING, Step.ASKING, Step.CONNECTING}:
            bench.click(dialog._go)
        bench.until(lambda now=now: dialog.flow.step is not now)
    raise AssertionError(f"stuck at {dialog.flow.step}: {dialog.flow.problem}")


def slow(bench: Bench) -> None:
    """From now on every job of the service takes its time."""
    bench.fake.do(lambda helper: setattr(helper, "pace", 30.0))


def all_ended(bench: Bench) -> bool:
    return all(job.finished for job in bench.fake.helper.jobs.values())


def test_from_an_address_to_disks(bench: Bench) -> None:
    dialog = at(bench, Step.DONE, "backup")
    assert bench.fake.helper.calls == ["discover", "probe", "login", "attach", "attach"]
    assert "/dev/loop7" in bench.words(dialog)
    bench.click(dialog._go)
    bench.until(lambda: bench.window.disks._model.rowCount() == 2)
    assert bench.window.target is not None
    assert bench.window.target.name == IQN + "backup"


def test_each_step_of_looking_is_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    dialog = bench.window.connect_to_target()
    reach = dialog.steps.reach
    monkeypatch.setattr(dialog.steps, "reach", lambda step, *progress: (reach(step, *progress), seen.append(step)))
    bench.fake.do(lambda helper: setattr(helper, "pace", 0.05))
    bench.go_from_address(dialog, "one.local")
    bench.until(lambda: dialog.flow.step is Step.CHOOSE)
    assert list(dict.fromkeys(filter(None, seen))) == ["resolve", "route", "connect", "login", "answer"]


def test_enter_goes_on_from_step_to_step(bench: Bench) -> None:
    dialog = bench.window.connect_to_target()
    bench.qtbot.keyClicks(dialog.address.address, "one.local")
    bench.qtbot.keyClick(dialog.address.address, Qt.Key.Key_Return)
    bench.until(lambda: dialog.flow.step is Step.CHOOSE)
    bench.qtbot.keyClick(dialog.choose.list, Qt.Key.Key_Return)
    bench.until(lambda: dialog.flow.step is Step.OPTIONS)
    bench.qtbot.keyClick(dialog, Qt.Key.Key_Return)
    bench.until(lambda: dialog.flow.step is Step.DONE)
    bench.qtbot.keyClick(dialog, Qt.Key.Key_Return)
    bench.until(lambda: not bench.window.findChildren(ConnectDialog))


def test_signing_in_with_a_wrong_secret_then_the_right_ones(bench: Bench) -> None:
    dialog = at(bench, Step.SIGN_IN, "mutual-vault")
    assert not dialog._go.isEnabled()
    assert not dialog._banner.isVisible(), "being asked is no error"
    form = dialog.form
    bench.qtbot.keyClicks(form.secret.field, "wrong secret")
    bench.click(dialog._go)
    assert dialog.flow.step is Step.OPTIONS
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.SIGN_IN and dialog._banner.isVisible())
    form.secret.field.setText(SECRETS[0])
    form.mutual.setChecked(True)
    form.target_secret.field.setText(SECRETS[0])
    assert not dialog._go.isEnabled(), "the same secret both ways"
    assert "different secrets" in bench.words(form)
    form.target_secret.field.setText(SECRETS[1])
    bench.click(dialog._go)
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.DONE)
    assert form.secrets() == Secrets()
    bench.until(lambda: sorted(bench.memory.kept.values()) == sorted(SECRETS))
    (target,) = bench.fake.helper.targets.values()
    assert target.sign_in == "mutual"


def test_checks_and_the_generator_while_typing(bench: Bench) -> None:
    dialog = at(bench, Step.SIGN_IN, "chap-vault")
    form = dialog.form
    assert dialog.focusWidget() is form.name  # nothing is in it: what is typed is no secret
    for typed, words in (("short", "12 to 16"), ("exactly 14 long", ""), ("x" * 17, "no more than 16")):
        form.secret.field.setText(typed)
        assert words in bench.words(form)
        assert form._advice.isVisible() == bool(words)
    bench.click(bench.shown_button(form, "Make up a random one and copy it: Secret"))
    assert len(form.secret.field.text()) == 16
    assert not form._advice.isVisible()
    bench.click(bench.shown_button(form, "Show: Secret"))
    assert form.secret.field.echoMode() is form.secret.field.EchoMode.Normal


def test_secrets_that_the_keyring_knows_are_not_asked_for(bench: Bench) -> None:
    bench.memory.kept["io.github.lundock.Lundock: " + IQN + "chap-vault", "secret"] = SECRETS[0]
    dialog = at(bench, Step.SIGN_IN, "chap-vault")
    bench.until(lambda: dialog.form.secret.field.text() == SECRETS[0])
    assert dialog._go.isEnabled()


def test_without_a_keyring_it_says_so_and_keeps_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import Future

    absent: Future[Any] = Future()
    absent.set_exception(Problem("SecretsUnavailable", target="", detail="This computer has no keyring."))
    monkeypatch.setattr(bench.bus.keyring, "get", lambda _name: absent)
    dialog = at(bench, Step.SIGN_IN, "chap-vault")
    bench.until(lambda: not dialog.form.keep.isEnabled())
    assert "no keyring" in dialog.form.keep.text()
    assert not dialog.form.keep.isChecked()


def test_going_back_loses_nothing(bench: Bench) -> None:
    dialog = at(bench, Step.SIGN_IN, "chap-vault")
    dialog.form.name.setText("anna")
    dialog.form.secret.field.setText(SECRETS[0])
    bench.click(dialog._go)
    dialog.options.read_only.setChecked(True)
    dialog.options.attach.setChecked(False)
    for step in (Step.SIGN_IN, Step.CHOOSE, Step.ADDRESS):
        bench.qtbot.keyClick(dialog, Qt.Key.Key_Escape)
        assert dialog.flow.step is step
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.CHOOSE)
    assert dialog.choose.chosen is not None
    assert dialog.choose.chosen.name == IQN + "chap-vault"
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.SIGN_IN)
    assert (dialog.form.name.text(), dialog.form.secret.field.text()) == ("anna", SECRETS[0])
    bench.click(dialog._go)
    assert (dialog.options.read_only.isChecked(), dialog.options.attach.isChecked()) == (True, False)
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.DONE)
    (target,) = bench.fake.helper.targets.values()
    assert target.settings["read_only"] is True
    assert "attach" not in bench.fake.helper.calls


@pytest.mark.parametrize("step", [s for s in Step if s is not Step.DONE], ids=lambda s: s.value)
@pytest.mark.parametrize("how", ["cancel", "close"])
def test_leaving_at_each_step_leaves_nothing_behind(bench: Bench, step: Step, how: str) -> None:
    working = step in {Step.LOOKING, Step.ASKING, Step.CONNECTING}
    before = {Step.LOOKING: Step.ADDRESS, Step.ASKING: Step.CHOOSE, Step.CONNECTING: Step.OPTIONS}.get(step, step)
    dialog = at(bench, before, "chap-vault")
    if working:
        slow(bench)
        jobs = len(bench.fake.helper.jobs)
        bench.click(dialog._go)
        assert dialog.flow.step is step
        bench.until(lambda: len(bench.fake.helper.jobs) > jobs)
    if how == "cancel":
        bench.click(dialog._cancel)
    else:
        dialog.close()
    bench.until(lambda: all_ended(bench))
    bench.until(lambda: not bench.fake.helper.targets)
    bench.until(lambda: not bench.window.findChildren(ConnectDialog))


@pytest.mark.parametrize(
    ("step", "back"),
    [(Step.LOOKING, Step.ADDRESS), (Step.ASKING, Step.CHOOSE), (Step.CONNECTING, Step.OPTIONS)],
    ids=lambda s: s.value,
)
def test_escape_stops_what_is_under_way(bench: Bench, step: Step, back: Step) -> None:
    dialog = at(bench, back)
    slow(bench)
    jobs = len(bench.fake.helper.jobs)
    bench.click(dialog._go)
    bench.until(lambda: len(bench.fake.helper.jobs) > jobs)
    bench.qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.flow.step is back
    bench.until(lambda: all_ended(bench))
    assert dialog.flow.step is back
    assert not dialog._banner.isVisible()


def test_a_record_that_was_there_before_stays(bench: Bench) -> None:
    bench.fake.add("media", "Media")
    dialog = at(bench, Step.OPTIONS, "media")
    bench.click(dialog._cancel)
    bench.until(lambda: not bench.window.findChildren(ConnectDialog))
    assert len(bench.fake.helper.targets) == 1


def test_what_goes_wrong_stands_above_the_step_where_it_can_be_mended(bench: Bench) -> None:
    dialog = bench.window.connect_to_target()
    bench.go_from_address(dialog, "refused.example")
    bench.until(dialog._banner.isVisible)
    assert dialog.flow.step is Step.ADDRESS
    assert "refused.example refuses connections" in bench.words(dialog._banner)
    assert dialog.address.address.text() == "refused.example"


def test_a_target_by_name_and_one_that_is_not_listed(bench: Bench) -> None:
    dialog = at(bench, Step.CHOOSE)
    bench.click(bench.shown_button(dialog.choose, "My target is not listed …"))
    assert dialog.flow.step is Step.ADDRESS
    assert dialog.address.name.isVisible()
    assert not dialog._go.isEnabled()
    dialog.address.name.setText(IQN + "hidden")
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.OPTIONS)
    assert bench.fake.helper.calls.count("discover") == 1


def test_a_pasted_link(bench: Bench) -> None:
    dialog = bench.window.connect_to_target()
    dialog.address.address.setText(f"iscsi://anna@nas.local/{IQN}chap-vault/0")
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.SIGN_IN)
    assert dialog.form.name.text() == "anna"
    assert dialog.address.address.text() == "nas.local"
    dialog.start_with("")
    dialog.address.address.setText("iscsi://anna%hunter2hunter2@nas.local")
    bench.click(dialog._go)
    assert dialog._banner.isVisible()
    assert dialog.address.address.text() == ""


def test_ways_that_do_not_answer_are_marked_and_nobody_waits_for_them(bench: Bench) -> None:
    dialog = at(bench, Step.CHOOSE, address="half.example")
    texts = [dialog.choose.list.item(row).text() for row in range(dialog.choose.list.count())]
    assert "192.0.2.5 · does not answer: 10.99.0.5" in texts[0]
    assert texts[-1].startswith("backup\ndoes not answer: 10.99.0.5")
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is not Step.ASKING)
    (target,) = bench.fake.helper.targets.values()
    assert [portal["address"] for portal in target.portals] == ["192.0.2.5", "10.99.0.5"]


def test_a_target_is_not_shown_as_saved_before_it_is_connected(bench: Bench) -> None:
    dialog = at(bench, Step.OPTIONS, "media")
    bench.until(lambda: len(bench.bus.snapshot_now.targets) == 1)
    assert bench.window.target is None
    assert bench.bus.shown.targets == {}
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.DONE)
    assert bench.window.target is not None
    assert bench.window.target.name == IQN + "media"


def test_one_that_was_given_up_is_shown_when_somebody_else_saves_it(bench: Bench) -> None:
    bench.click(at(bench, Step.OPTIONS, "media")._cancel)
    bench.until(lambda: not bench.fake.helper.targets and not bench.bus._new)
    bench.fake.add("media")
    bench.until(lambda: bench.window.target is not None)


def test_why_an_address_does_not_work_can_be_found_out(bench: Bench) -> None:
    dialog = bench.window.connect_to_target()
    bench.go_from_address(dialog, "refused.example")
    bench.until(dialog._banner.isVisible)
    bench.click(bench.shown_button(dialog._banner, "Find out why …"))
    (asked,) = dialog.findChildren(DiagnosisDialog)
    bench.until(lambda: asked.found is not None)
    assert "refused.example refuses connections" in bench.words(asked)
    asked.reject()
    dialog.start_with("no address")
    bench.click(dialog._go)
    assert dialog._banner.isVisible()
    assert not dialog._banner._why.isVisible(), "it was typed wrongly"


def test_why_a_target_cannot_be_asked_can_be_found_out_and_leaves_nothing(bench: Bench) -> None:
    dialog = bench.window.connect_to_target()
    dialog.start_with("refused.example", IQN + "media")
    bench.click(dialog._go)
    bench.until(dialog._banner.isVisible)
    bench.click(bench.shown_button(dialog._banner, "Find out why …"))
    (asked,) = dialog.findChildren(DiagnosisDialog)
    bench.until(lambda: asked.found is not None and not bench.fake.helper.targets)
    asked.reject()
    bench.click(dialog._cancel)
    bench.until(lambda: not bench.bus._new)


def test_among_fifty_one_can_search(bench: Bench) -> None:
    dialog = at(bench, Step.CHOOSE, address="nas.local")
    assert not dialog.choose.search.isVisible(), "five are seen at a glance"
    dialog.start_with("fifty.local")
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.CHOOSE)
    dialog.choose.search.setText("disk-37")
    assert dialog.choose.chosen is not None
    assert dialog.choose.chosen.name == IQN + "disk-37"
    dialog.choose.search.setText("no such thing")
    assert dialog.choose.chosen is None
    assert "No target fits “no such thing”." in bench.words(dialog)
    assert not dialog._go.isEnabled()
    dialog.choose.search.clear()
    assert dialog._go.isEnabled()


def test_enter_goes_on_from_an_address_that_is_offered(bench: Bench, tmp_path: Path) -> None:
    bench.window._settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    bench.click(at(bench, Step.CHOOSE, "backup", address="nas.local")._cancel)
    bench.until(lambda: not bench.window.findChildren(ConnectDialog))
    dialog = bench.window.connect_to_target()
    field = dialog.address.address
    field.clear()
    bench.qtbot.keyClicks(field, "nas.local")
    popup = field.completer().popup()
    bench.until(popup.isVisible)
    bench.qtbot.keyClick(popup, Qt.Key.Key_Return)
    bench.until(lambda: dialog.flow.step is Step.CHOOSE)
    assert bench.fake.helper.calls.count("discover") == 2, "and it was asked once"
    dialog.reject()


def test_addresses_that_worked_are_offered_again(bench: Bench, tmp_path: Path) -> None:
    bench.window._settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    for address in ("nas.local", "one.local"):
        bench.click(at(bench, Step.CHOOSE, "backup", address=address)._cancel)
        bench.until(lambda: not bench.window.findChildren(ConnectDialog))
    dialog = bench.window.connect_to_target()
    assert dialog.address.address.text() == "one.local"
    assert dialog.address.history == ["one.local", "nas.local"]


def test_a_target_without_disks_shows_this_computers_name(bench: Bench) -> None:
    dialog = at(bench, Step.DONE, "empty")
    assert bench.fake.helper.initiator_name in bench.words(dialog)


# ---- at the end: what is on the disks, with UDisks2


@pytest.fixture
def on_disks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Contents]:
    """UDisks2 as the window sees it: what is on each device. Formatting and mounting change it."""
    found: dict[str, Contents] = {}

    async def available() -> bool:
        return True

    async def contents(device: str) -> Contents:
        return found.get(device, Contents(Volume("/b", device)))

    async def mount(device: str) -> str:
        found[device] = Contents(Volume("/b", device, "filesystem", "ext4", "data", mounts=("/media/data",)))
        return "/media/data"

    async def mount_if_any(device: str) -> str:
        return await mount(device) if (await contents(device)).mountable else ""

    async def format_empty(device: str, kind: str, label: str) -> None:
        if label == "fail":
            raise Problem("NotAuthorizedDismissed")
        found[device] = Contents(Volume("/b", device, "filesystem", kind, label))

    for module in (connect_dialog, disk_card, format_dialog):
        monkeypatch.setattr(module.udisks, "available", available)
        monkeypatch.setattr(module.udisks, "contents", contents)
        monkeypatch.setattr(module.udisks, "mount", mount)
        monkeypatch.setattr(module.udisks, "mount_if_any", mount_if_any)
        monkeypatch.setattr(module.udisks, "format_empty", format_empty)
    return found


def test_an_empty_disk_is_formatted_after_a_second_question(bench: Bench, on_disks: dict[str, Contents]) -> None:
    dialog = at(bench, Step.DONE, "backup")
    card = dialog.done_page.cards[0]
    bench.until(lambda: card.what == "format")
    assert "Nothing is on it yet" in bench.words(card)
    bench.click(card._do)
    asks = card.findChild(FormatDialog)
    asks._label.setText("data")
    bench.click(asks._go)
    assert "EXAMPLE VIRTUAL-DISK" in bench.words(asks)
    assert "2 TB (1.8 TiB)" in bench.words(asks)
    assert asks._cancel.isDefault()
    bench.qtbot.keyClick(asks, Qt.Key.Key_Escape)
    assert asks.isVisible()
    assert on_disks == {}, "not yet"
    bench.click(asks._go)
    bench.click(asks._go)
    bench.until(lambda: card.what == "udisks")
    assert "ext4 “data”" in bench.words(card)
    bench.click(card._do)
    bench.until(lambda: card.what == "open")
    assert "Mounted on /media/data" in bench.words(card)


def test_a_refused_format_is_explained_and_can_be_tried_again(bench: Bench, on_disks: dict[str, Contents]) -> None:
    card = at(bench, Step.DONE, "backup").done_page.cards[0]
    bench.until(lambda: card.what == "format")
    bench.click(card._do)
    asks = card.findChild(FormatDialog)
    asks._label.setText("fail")
    bench.click(asks._go)
    asks._on_go()
    assert "cannot be stopped" in asks._sentence.text(), "what is being done, and no question any more"
    bench.until(asks._banner.isVisible)
    assert asks._label.text() == "fail"


def test_what_has_a_file_system_is_mounted_on_the_way(bench: Bench, on_disks: dict[str, Contents]) -> None:
    on_disks["/dev/loop7"] = Contents(Volume("/b", "/dev/loop7", "filesystem", "ext4", "old"))
    dialog = at(bench, Step.DONE, "backup")
    first, second = dialog.done_page.cards
    bench.until(lambda: first.what == "open")
    bench.until(lambda: second.what == "format")


def test_what_connects_at_log_in_is_attached_and_mounted_then_too(
    bench: Bench, on_disks: dict[str, Contents], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    dialog = at(bench, Step.OPTIONS, "backup")
    bench.until(dialog.options.mount.isVisible)
    assert not dialog.options.start.isVisible()
    dialog.options.startup.setCurrentIndex(dialog.options.startup.findData("login"))
    assert dialog.options.start.isVisible()
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.DONE)
    (target,) = bench.fake.helper.targets.values()
    assert (target.startup, target.settings["startup_disks"]) == ("login", "mount")
    assert desktop.starts_with_desktop()


def test_mounting_on_the_way_can_be_turned_off(bench: Bench, on_disks: dict[str, Contents]) -> None:
    on_disks["/dev/loop7"] = Contents(Volume("/b", "/dev/loop7", "filesystem", "ext4", "old"))
    dialog = at(bench, Step.OPTIONS, "backup")
    bench.until(dialog.options.mount.isVisible)
    dialog.options.mount.setChecked(False)
    bench.click(dialog._go)
    bench.until(lambda: dialog.flow.step is Step.DONE)
    bench.until(lambda: dialog.done_page.cards[0].what == "udisks")


def test_a_disk_that_is_read_only_or_in_other_use_is_not_formatted(bench: Bench, on_disks: dict[str, Contents]) -> None:
    on_disks["/dev/loop7"] = Contents(Volume("/b", "/dev/loop7"), read_only=True)
    on_disks["/dev/loop8"] = Contents(Volume("/b", "/dev/loop8", "crypto", "crypto_LUKS"))
    first, second = at(bench, Step.DONE, "backup").done_page.cards
    bench.until(lambda: first._contents is not None and second._contents is not None)
    assert (first.what, second.what) == ("none", "none")
    assert "encrypted" in bench.words(second)
