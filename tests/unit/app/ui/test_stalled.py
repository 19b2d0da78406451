# SPDX-License-Identifier: Apache-2.0
"""A service that takes ten seconds for each answer, whatever is asked: the window paints and answers all the while."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from lundock.app.flows.connect import Step
from lundock.app.ui.connect_dialog import ConnectDialog
from lundock.app.ui.preferences import Preferences
from lundock.helper.api import names
from lundock.helper.api.contract import interfaces
from lundock.helper.api.objects import Call
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QMessageBox, QWidget
from support.fake_helper import ANYONE, IQN
from support.window import Bench

#: Seconds that no call is answered.
STALL = 10.0
#: Every method that the service has; the agent's are the app's own.
METHODS = {
    (interface.name, method)
    for interface in interfaces().values()
    for method in interface.methods
    if interface.name != names.SECRET_AGENT
}
#: What the window never asks for, or only at its start.
BY_PROGRAMS = {
    (names.MANAGER, "SetInitiatorAlias"), (names.MANAGER, "RegisterSecretAgent"),
    (names.MANAGER, "UnregisterSecretAgent"), (names.SESSION, "Logout"), (names.LUN, "OpenNbd"),
    (names.MANAGER, "GetEvents"), (names.TARGET, "Probe"),
}  # fmt: skip


class Gate:
    """Stands before every method of the service, and before reading properties: closed, no call goes on."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, str]] = []
        self.gone_on = 0
        self._opened: asyncio.Event | None = None

    def close(self, helper: Any) -> None:
        self._opened = asyncio.Event()
        helper.server._authorize = self

    def open(self, _helper: Any) -> None:
        assert self._opened is not None
        self._opened.set()

    async def __call__(self, call: Call, *_what: object) -> None:
        assert self._opened is not None
        if not self._opened.is_set():
            self.waiting.append((call.interface, call.member))
            await self._opened.wait()
            self.gone_on += 1


class Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        self.count += event.type() is QEvent.Type.Paint
        return False


class Person:
    """Uses the window, and looks whether it does what it is told to."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.window = bench.window
        self._turns = 0
        self._timer = QTimer()
        self._timer.timeout.connect(self._turn)
        self._timer.start(5)

    def _turn(self) -> None:
        self._turns += 1

    def sees(self, widget: QWidget) -> None:
        """It paints what it is told to, and its loop turns."""
        paints, before = Paints(widget), self._turns
        widget.update()
        self.bench.until(lambda: paints.count and self._turns > before + 3)

    def choose(self, path: str) -> None:
        self.window.list.choose(path)
        target = self.bench.bus.snapshot_now.targets[path]
        assert target.title in self.bench.words(self.window.header)

    def turns_a_page(self) -> None:
        bar = self.window.tabs.tabBar()
        wanted = (bar.currentIndex() + 1) % bar.count()
        self.bench.qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(wanted).center())
        assert self.window.tabs.currentIndex() == wanted
        self.sees(self.window.tabs.currentWidget())

    def goes_down_the_list(self) -> None:
        before, rows = self.window.target, self.window.list
        self.bench.qtbot.keyClick(rows, Qt.Key.Key_Down)
        if self.window.target is before:
            self.bench.qtbot.keyClick(rows, Qt.Key.Key_Home)
        assert self.window.target is not None
        assert self.window.target is not before
        assert self.window.target.title in self.bench.words(self.window.header)
        self.sees(rows.viewport())

    def types(self) -> None:
        dialog = self.window.connect_to_target()
        dialog.address.address.clear()
        for n, letter in enumerate("nas", 1):
            self.bench.qtbot.keyClicks(dialog.address.address, letter)
            assert dialog.address.address.text() == "nas"[:n]
            self.sees(dialog.address.address)
        assert dialog._go.isEnabled()
        self.bench.qtbot.keyClick(dialog, Qt.Key.Key_Escape)
        self.bench.until(lambda: not self.bench.window.findChildren(ConnectDialog))


@pytest.fixture
def person(bench: Bench) -> Iterator[Person]:
    made = Person(bench)
    yield made
    made._timer.stop()


def furnish(bench: Bench) -> dict[str, str]:
    """Fill the service; returns paths by name."""
    paths = {name: bench.fake.add(name, name.capitalize()) for name in ("media", "backup", "photos", "music", "old")}
    bench.attached(paths["media"])
    bench.fake.connect(paths["music"])
    for address in ("one.local", "two.local", "three.local"):
        paths[address] = str(bench.fake.do(lambda helper, a=address: helper.add_portal(ANYONE, a, {})))
    bench.until(lambda: len(bench.bus.snapshot_now.portals) == 3 and len(bench.bus.snapshot_now.luns) == 4)
    return paths


def ask_everything(person: Person, paths: dict[str, str]) -> Iterator[QWidget]:
    """Ask for everything that the window can ask for; gives what is to be looked at after each."""
    bench, window = person.bench, person.window
    # the wizard, which was looking when the service began to stand still
    wizard = window.connect_to_target()
    wizard.back()  # Job.Cancel
    assert wizard.flow.step is Step.ADDRESS
    yield wizard
    bench.go_from_address(wizard, "nas.local")
    assert wizard.flow.step is Step.LOOKING
    yield wizard
    wizard.back()
    wizard.start_with("nas.local", IQN + "new")
    bench.click(wizard._go)
    assert wizard.flow.step is Step.ASKING
    yield wizard
    bench.click(wizard._cancel)
    # the window
    person.choose(paths["media"])
    disks = window.disks
    for row, control in ((0, disks._eject), (1, disks._attach)):
        disks._table.selectRow(row)
        bench.click(control)
        yield disks
    window._on_header("rescan")
    yield window
    person.choose(paths["music"])
    bench.click(window.header._main)  # disconnect
    yield window
    person.choose(paths["backup"])
    bench.click(window.header._main)  # connect
    yield window
    person.choose(paths["photos"])
    why = window.actions_on.diagnose(bench.bus.snapshot_now.targets[paths["photos"]])
    yield why
    why.reject()
    window.tabs.setCurrentWidget(window.settings)
    window.settings._controls["alias"].widget.setText("Pictures")
    bench.click(window.settings._save)
    yield window.settings
    person.choose(paths["old"])
    window._on_header("forget")
    answer(bench, window)
    yield window
    window.tabs.setCurrentWidget(window.events)
    yield window.events
    preferences = Preferences(bench.bus, None, window)
    preferences.open()
    preferences._name.setText("iqn.2026-01.org.example:other")
    bench.click(preferences._save)
    yield preferences
    preferences.close()
    yield from ask_portals(person)


def ask_portals(person: Person) -> Iterator[QWidget]:
    bench = person.bench
    dialog = person.window.show_portals()
    new = dialog.add()
    new.address.setText("four.local")
    bench.click(new._go)
    yield new
    new.reject()
    dialog.list.setCurrentRow(0)  # one.local
    bench.click(dialog._look)
    yield dialog
    dialog.list.setCurrentRow(1)  # three.local
    edit = dialog.change()
    assert edit is not None
    bench.click(edit._go)
    yield edit
    edit.reject()
    dialog.list.setCurrentRow(2)
    bench.click(dialog._forget)
    answer(bench, dialog)
    yield dialog
    dialog._find_out_why()
    yield dialog
    dialog.close()


def answer(bench: Bench, parent: QWidget) -> None:
    """Forget it indeed."""
    (box,) = (one for one in parent.findChildren(QMessageBox) if one.isVisible())
    bench.click(bench.shown_button(box, "Forget"))


def ask_the_rest(bench: Bench) -> None:
    """What programs ask for, on the window's own connection."""
    now = bench.bus.snapshot_now
    path_of = {
        names.MANAGER: names.ROOT_PATH, names.SESSION: next(iter(now.sessions)), names.LUN: next(iter(now.luns)),
        names.TARGET: next(iter(now.targets)),
    }  # fmt: skip
    first: Mapping[str, list[Any]] = {"SetInitiatorAlias": ["other"], "RegisterSecretAgent": ["/a"], "GetEvents": [0]}
    for interface, method in BY_PROGRAMS:
        arguments = [*first.get(method, []), {}]
        bench.bus.run(lambda client, i=interface, m=method, a=arguments: client.call(path_of[i], i, m, *a))


def test_the_window_paints_and_answers_while_every_method_stalls_for_10_s(bench: Bench, person: Person) -> None:
    """Nothing that is clicked, typed or chosen waits for an answer; all of it happens when the service is back."""
    paths, gate = furnish(bench), Gate()
    wizard = bench.window.connect_to_target()
    bench.go_from_address(wizard, "slow.local")
    bench.until(lambda: wizard.steps.reached == "answer")
    bench.fake.do(gate.close)
    began = time.monotonic()
    for shown in ask_everything(person, paths):
        person.sees(shown)
    ask_the_rest(bench)
    bench.until(lambda: set(gate.waiting) >= METHODS)
    for does in itertools.cycle((person.turns_a_page, person.goes_down_the_list, person.types)):
        does()
        assert bench.bus.snapshot_now.ready, "a slow service is not one that is away"
        if time.monotonic() - began >= STALL:
            break
    assert gate.gone_on == 0, "no call was answered all this time"
    bench.fake.do(gate.open)
    bench.until(lambda: bench.state(paths["backup"]) == "connected")
    bench.until(lambda: bench.state(paths["music"]) == "disconnected")
    bench.until(lambda: bench.bus.snapshot_now.targets[paths["photos"]].alias == "Pictures")
    bench.until(lambda: paths["old"] not in bench.bus.snapshot_now.targets)
    bench.until(lambda: bench.fake.helper.initiator_name == "iqn.2026-01.org.example:other")
    bench.until(lambda: [p.address for p in bench.bus.snapshot_now.portals.values()][-1] == "four.local")
    bench.until(lambda: all(job.finished for job in bench.fake.helper.jobs.values()))
