# SPDX-License-Identifier: Apache-2.0
"""“Connect to a target”: shows flows.connect and carries its effects out. No step is decided here."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ...helper.api.errors import Problem
from .. import desktop
from ..client import connecting, operations, udisks
from ..client.client import Client, no_step
from ..client.client import Step as ClientStep
from ..client.connecting import Connected, Probed
from ..client.objects import Job
from ..client.operations import Found, Secrets, SignIn
from ..client.thread import Work
from ..flows import connect as flow
from ..flows.connect import WORKING, Connect, Discover, Effect, Flow, Probe, Step
from ..model import diagnosis
from ..model.bridge import Bus
from ..words import mark, tr
from .connect_pages import AddressPage, ChoosePage, DonePage, OptionsPage
from .diagnosis_dialog import DiagnosisDialog
from .sign_in import SignInForm
from .steps import Steps
from .widgets import Banner, Fitting, button, label, name_button, spaced

_HEADINGS = {
    Step.ADDRESS: (mark("Connect to a target"), mark("Where is the storage device?")),
    Step.LOOKING: (mark("Looking for targets"), mark("Asking “{subject}” what it offers.")),
    Step.CHOOSE: (
        mark("Choose a target"),
        mark("The device offers these. Each has one or more disks for a computer."),
    ),
    Step.ASKING: (mark("One moment"), mark("Asking “{subject}” whether one has to sign in.")),
    Step.SIGN_IN: (
        mark("Sign in"),
        mark("“{subject}” asks for a name and a secret: CHAP in the device's iSCSI settings."),
    ),
    Step.OPTIONS: (mark("How to connect"), mark("Leave it as it is when you are not sure.")),
    Step.CONNECTING: (mark("Connecting to “{subject}”"), mark("This takes a moment.")),
    Step.DONE: (mark("Connected"), mark("These are the target's disks.")),
}
_GO = {
    Step.ADDRESS: mark("Look for targets"),
    Step.CHOOSE: mark("Next"),
    Step.SIGN_IN: mark("Next"),
    Step.OPTIONS: mark("Connect"),
    Step.DONE: mark("Done"),
}
#: Where addresses that worked are remembered, and how many.
HISTORY, MAX_HISTORY = "wizard/addresses", 10


class ConnectDialog(QDialog):
    """The dialog. `connected` tells the target's path at the end."""

    connected = Signal(str)

    def __init__(self, bus: Bus, parent: QWidget | None = None, settings: QSettings | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._settings = settings
        self._flow = Flow()
        self._work: Work | None = None
        self._run = 0
        self._made: set[str] = set()  # paths
        self._new: set[str] = set()  # iSCSI names
        self._left = False
        self._signing_into = ""
        self._udisks = False
        self._tried: Effect | None = None
        self._on_job: ClientStep = no_step
        self.setWindowTitle(tr("Connect to a target"))
        self.setAccessibleName(tr("Connect to a target"))
        self.setMinimumSize(600, 480)
        self._heading = label("", "title", wrap=True)
        self._sentence = label("", "muted", wrap=True)
        self._banner = Banner()
        self._pages = QStackedWidget()
        self.address = AddressPage(self._history())
        self.choose = ChoosePage()
        self.form = SignInForm()
        self.options = OptionsPage()
        self.steps = Steps()
        self.done_page = DonePage(bus)
        working = self.steps
        self._page_of: dict[Step, QWidget] = {
            Step.ADDRESS: self.address, Step.LOOKING: working, Step.CHOOSE: self.choose, Step.ASKING: working,
            Step.SIGN_IN: self._filled(self.form), Step.OPTIONS: self.options, Step.CONNECTING: working,
            Step.DONE: self.done_page,
        }  # fmt: skip
        self._back = button(tr("Back"), self.back)
        self._cancel = button(tr("Cancel"), self.reject)
        self._go = button(tr("Look for targets"), self.go, primary=True)
        self._go.setDefault(True)
        self._build()
        Fitting(self)
        bus.run_alone(udisks.available, self._on_udisks)
        self._show()

    def _filled(self, form: QWidget) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        spaced(layout, 0, 0)
        layout.addWidget(form)
        layout.addStretch()
        return page

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        spaced(layout, 24, 10)
        layout.addWidget(self._heading)
        layout.addWidget(self._sentence)
        layout.addWidget(self._banner)
        self._banner.asked_why.connect(self._find_out_why)
        self._banner.dismissed.connect(lambda: self._banner.show_problem(None))
        layout.addSpacing(6)
        for page in dict.fromkeys(self._page_of.values()):
            self._pages.addWidget(page)
        layout.addWidget(self._pages, 1)
        row = QHBoxLayout()
        row.addWidget(self._back)
        row.addStretch()
        row.addWidget(self._cancel)
        row.addWidget(self._go)
        layout.addLayout(row)
        self.address.changed.connect(self._refresh_go)
        self.address.entered.connect(self.go)
        self.form.changed.connect(self._refresh_go)
        self.choose.changed.connect(self._refresh_go)
        # Queued: the list hands the same Enter on to the dialog, which must not take it for the next step's.
        self.choose.activated.connect(self.go, Qt.ConnectionType.QueuedConnection)
        self.choose.not_listed.connect(self._on_not_listed)

    def _on_udisks(self, there: object) -> None:
        self._udisks = bool(there)

    # ---- the flow

    @property
    def flow(self) -> Flow:
        """Where the person stands."""
        return self._flow

    def show_problem(self, problem: Problem) -> None:
        """Show what is wrong with what was handed over."""
        self._banner.show_problem(problem)

    def start_with(self, address: str, target_name: str = "", user: str = "") -> None:
        """Fill the first page in, and show it."""
        self._stop_work()
        how = replace(self._flow.sign_in, chap_name=user) if user else self._flow.sign_in
        self._take(replace(self._flow, step=Step.ADDRESS, problem=None, effect=None, sign_in=how))
        self.address.fill(address, target_name)

    def go(self) -> None:
        """Do what the main button does."""
        if not self._go.isEnabled() or not self._go.isVisible():
            return
        does: dict[Step, Callable[[], object]] = {
            Step.ADDRESS: self._go_address,
            Step.CHOOSE: self._go_choose,
            Step.SIGN_IN: self._go_sign_in,
            Step.OPTIONS: lambda: self._take(flow.set_options(self._flow, self.options.options())),
            Step.DONE: self.accept,
        }
        does[self._flow.step]()

    def _go_address(self) -> None:
        new = flow.submit_address(self._flow, self.address.address.text(), self.address.target_name)
        self.address.fill(new.address, new.target_name)
        self._take(new)

    def _go_choose(self) -> None:
        chosen: Found | None = self.choose.chosen
        if chosen is not None:
            self._take(flow.choose(self._flow, chosen))

    def _go_sign_in(self) -> None:
        keep = self.form.keep.isChecked()
        self._take(flow.sign_in(self._flow, self.form.how(), self.form.secrets(), keep=keep))

    def back(self) -> None:
        """Go one step back, with everything that was typed."""
        self._stop_work()
        now = self._flow
        if now.step is Step.SIGN_IN:
            now = replace(now, sign_in=self.form.how())
        elif now.step is Step.OPTIONS:
            now = replace(now, options=self.options.options())
        self._take(flow.back(now))

    def _on_not_listed(self) -> None:
        self._take(flow.by_name(self._flow))
        self.address.by_name.setChecked(True)
        self.address.enter()

    def _take(self, new: Flow) -> None:
        self._flow = new
        self._show()
        effect, self._flow = new.effect, replace(new, effect=None)
        self._tried = effect or self._tried
        if isinstance(effect, Probe | Connect):
            self._hide(effect.name)
        if isinstance(effect, Discover):
            self._begin(lambda client: self._discover(client, effect), lambda found: self._on_found(effect, found))
        elif isinstance(effect, Probe):
            self._begin(lambda client: self._probe(client, effect), self._on_probed)
        elif isinstance(effect, Connect):
            self._begin(lambda client: self._connect(client, effect), lambda done: self._on_connected(effect, done))

    def _hide(self, name: str) -> None:
        """A target that is new is shown beside the wizard when it is connected, not before."""
        if all(target.name != name for target in self._bus.snapshot_now.targets.values()):
            self._new.add(name)
            self._bus.set_up(name)

    def _settle(self, _ended: object = None) -> None:
        names, self._new = self._new, set()
        self._bus.settled(names)

    def _begin(self, work: Callable[[Client], Awaitable[object]], success: Callable[[object], None]) -> None:
        self._run += 1
        run = self._run
        self._on_job = self._bus.steps(lambda job: self._on_step(job) if run == self._run else None)

        def ended(go_on: Callable[[], object]) -> None:
            if run == self._run:
                self._work = None
                go_on()
            elif self._left:
                self._settle()

        self._work = self._bus.run(
            work,
            lambda result: ended(lambda: success(result)),
            lambda problem: ended(lambda: self._take(flow.failed(self._flow, problem))),
        )

    def _stop_work(self) -> None:
        self._run += 1
        if self._work is not None:
            self._work.cancel()
            self._work = None

    async def _discover(self, client: Client, effect: Discover) -> object:
        return await operations.discover(
            client,
            effect.address,
            sign_in=effect.sign_in,
            secrets=effect.secrets,
            reach=True,
            to_save=True,
            on_step=self._on_job,
        )

    async def _probe(self, client: Client, effect: Probe) -> object:
        probed = await connecting.probe(client, effect.name, effect.portals, on_step=self._on_job)
        if probed.made:
            # Kept here, in the bus thread: an answer that comes after somebody went back must be cleared away, too.
            self._made.add(probed.target)
            if self._left:
                await _remove(client, {probed.target})
        return probed

    async def _connect(self, client: Client, effect: Connect) -> object:
        return await connecting.connect(
            client,
            effect.name,
            effect.portals,
            sign_in=effect.sign_in,
            secrets=effect.secrets,
            options=effect.options,
            mount=udisks.mount_if_any,
            on_step=self._on_job,
        )

    def _find_out_why(self) -> None:
        tried = self._tried
        if tried is not None:
            DiagnosisDialog(self._bus, flow.subject(tried), lambda *with_: _diagnose(tried, *with_), self).open()

    def _on_step(self, job: Job) -> None:
        self.steps.reach(job.step, job.progress if job.progress_valid else None)

    def _on_found(self, effect: Discover, found: object) -> None:
        if self._flow.keep and effect.secrets:
            self._bus.later(self._bus.keyring.store(effect.address, effect.secrets), lambda _none: None, self._not_kept)
        self._remember(self._flow.address)
        name = self._bus.snapshot_now.manager.initiator_name
        self._take(flow.found(self._flow, found, name))  # type: ignore[arg-type]

    def _on_probed(self, probed: object) -> None:
        if isinstance(probed, Probed):
            record = self._bus.snapshot_now.targets.get(probed.target)
            saved = operations.SignIn(record.sign_in, record.chap_name, record.target_chap_name) if record else None
            self._take(flow.probed(self._flow, probed.sign_in, saved))

    def _on_connected(self, effect: Connect, done: object) -> None:
        if not isinstance(done, Connected):
            return
        self._tried = None  # there may be secrets in it
        self._made.discard(done.target)
        self._new.discard(effect.name)
        self._bus.settled({effect.name})
        self._remember(self._flow.address)
        if effect.keep and effect.secrets:
            self._bus.later(self._bus.keyring.store(effect.name, effect.secrets), lambda _none: None, self._not_kept)
        if self.options.starts:
            with contextlib.suppress(OSError):  # the preferences say what is so
                desktop.start_with_desktop(True)
        self.form.clear()
        self.done_page.fill(done, udisks=self._udisks)
        self._take(flow.connected(self._flow, done.luns))
        if not self.done_page.cards:
            self._sentence.setText(tr("You are signed in, but there is no disk to use yet."))
        self.connected.emit(done.target)

    def _not_kept(self, problem: Problem) -> None:
        why = problem.attrs.get("detail", "")
        self._sentence.setText(tr("The secret was not kept, and will be asked for again: {why}").format(why=why))

    # ---- what is shown

    def _show(self) -> None:
        step = self._flow.step
        heading, sentence = _HEADINGS[step]
        subject = flow.subject_of(self._flow)
        self._heading.setText(tr(heading).format(subject=subject))
        self._sentence.setText(tr(sentence).format(subject=subject))
        self._pages.setCurrentWidget(self._page_of[step])
        problem = self._flow.problem
        why = problem is not None and self._tried is not None and diagnosis.worth_it(problem)
        self._banner.show_problem(problem, why=why)
        self._back.setVisible(step not in {Step.ADDRESS, Step.DONE})
        self._cancel.setVisible(step is not Step.DONE)
        self._go.setVisible(step in _GO)
        name_button(self._go, tr(_GO[step]) if step in _GO else tr("Next"))
        self._enter(step)
        self._refresh_go()

    def _enter(self, step: Step) -> None:
        if step in WORKING:
            steps = [(word, tr(words)) for word, words in flow.PROGRESS[step]]
            if step is Step.CONNECTING and not self._flow.options.attach:
                steps = steps[:-1]
            self.steps.set_steps(steps)
            self.steps.setFocus()  # not a button: an Enter that is still on its way would press it
        elif step is Step.ADDRESS:
            self.address.enter()
        elif step is Step.CHOOSE:
            self.choose.fill(self._flow.found, self._flow.chosen)
        elif step is Step.SIGN_IN:
            self._enter_sign_in()
        elif step is Step.OPTIONS:
            self.options.fill(self._flow.options, self._bus.snapshot_now, udisks=self._udisks)
        elif step is Step.DONE:
            self._go.setFocus()

    def _enter_sign_in(self) -> None:
        asks_device = self._flow.for_discovery or self._flow.chosen is None
        key = self._flow.address if asks_device or self._flow.chosen is None else self._flow.chosen.name
        if key != self._signing_into:
            self.form.clear()
            self._signing_into = key
            self._bus.later(self._bus.keyring.get(key), lambda kept: self._on_kept(key, kept), self.form.no_keyring)
        self.form.fill(self._flow.sign_in, self._bus.snapshot_now.manager.initiator_name)
        self.form.enter()

    def _on_kept(self, target: str, kept: Secrets | None) -> None:
        """The keyring knows the secrets already: nobody has to type them."""
        if kept is not None and self._signing_into == target and not self.form.secrets():
            self.form.put(kept)

    def _refresh_go(self) -> None:
        if not hasattr(self, "_go"):
            return
        ready = {
            Step.ADDRESS: self.address.ready, Step.SIGN_IN: self.form.ready,
            Step.CHOOSE: self.choose.chosen is not None,
        }  # fmt: skip
        self._go.setEnabled(ready.get(self._flow.step, True))

    # ---- remembered

    def _history(self) -> list[str]:
        value = self._settings.value(HISTORY) if self._settings is not None else None
        values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [str(one) for one in values][:MAX_HISTORY]

    def _remember(self, address: str) -> None:
        if self._settings is not None and address:
            known = [one for one in self._history() if one != address]
            self._settings.setValue(HISTORY, [address, *known][:MAX_HISTORY])

    # ---- leaving

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes one step back; from the first one it leaves."""
        if event.key() == Qt.Key.Key_Escape and self._back.isVisible():
            self.back()
            event.accept()
            return
        super().keyPressEvent(event)

    def done(self, result: int) -> None:
        """Leave, in whatever way: nothing stays under way, and no record that came to nothing."""
        self._left, under_way, self._tried = True, self._work is not None, None
        self._stop_work()
        self.form.clear()
        made, self._made = self._made, set()
        if made:
            self._bus.run(lambda client: _remove(client, made), self._settle, self._settle)
        elif not under_way:
            self._settle()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """As Cancel."""
        self.done(QDialog.DialogCode.Rejected)
        super().closeEvent(event)


async def _diagnose(tried: Effect, client: Client, on_step: ClientStep) -> Mapping[str, Any]:
    if isinstance(tried, Discover):
        return await operations.diagnose(
            client, tried.address, sign_in=tried.sign_in, secrets=tried.secrets, on_step=on_step
        )
    how, secrets = (tried.sign_in, tried.secrets) if isinstance(tried, Connect) else (SignIn(), None)
    return await connecting.diagnose(client, tried.name, tried.portals, sign_in=how, secrets=secrets, on_step=on_step)


async def _remove(client: Client, made: set[str]) -> None:
    for path in made:
        record = client.snapshot.targets.get(path)
        if record is not None and not record.connected:
            await operations.remove_target(client, path)
