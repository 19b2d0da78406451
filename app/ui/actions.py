# SPDX-License-Identifier: Apache-2.0
"""What a person asks for of targets and disks, from window or tray, and what came of it. Draws nothing itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from ...helper.api.errors import Problem
from ..client import operations, udisks
from ..client.client import Client
from ..client.mirror import Snapshot
from ..client.objects import Lun, Target
from ..client.operations import Secrets, SignIn
from ..client.thread import Work
from ..flows import eject as ejecting
from ..model.bridge import Bus
from ..words import tr
from .diagnosis_dialog import DiagnosisDialog
from .eject_dialog import EjectDialog, Wanted
from .sign_in import SignInDialog
from .widgets import dress_question

#: Refusals that the eject dialog explains and offers ways out of.
_IN_USE = frozenset({"DeviceBusy", "DataPending"})


class Actions(QObject):
    """Keeps the work that is under way and the problem of each target. `changed` names the target."""

    changed = Signal(str)
    told = Signal(str)  # good news, in words
    needs_window = Signal()  # a question is about to be asked: show it to the person

    def __init__(self, bus: Bus, window: QWidget) -> None:
        super().__init__(window)
        self._bus = bus
        self._window = window
        self._work: dict[str, Work] = {}
        self.by_hand: set[str] = set()  # disks that a person attached: mounted when that person says so
        self.problems: dict[str, Problem] = {}
        self.udisks = False
        bus.changed.connect(self._forget_gone)
        self._attached = -1
        self._look_for_udisks(bus.snapshot_now)
        bus.changed.connect(self._look_for_udisks)

    def busy(self, path: str) -> bool:
        """Whether something that was asked for here is under way on a target or disk."""
        return path in self._work

    def done_with(self, path: str) -> None:
        """Forget a target's problem."""
        if self.problems.pop(path, None) is not None:
            self.changed.emit(path)

    def _look_for_udisks(self, snapshot: Snapshot) -> None:
        """Look whether it runs, at first and whenever there is a disk more or less."""
        attached = sum(1 for lun in snapshot.luns.values() if lun.device)
        if attached != self._attached:
            self._attached = attached
            self._bus.run_alone(udisks.available, self._on_udisks)

    def _on_udisks(self, there: object) -> None:
        if self.udisks != bool(there):
            self.udisks = bool(there)
            self.changed.emit("")

    def _forget_gone(self, snapshot: Snapshot) -> None:
        for path in [path for path in self.problems if path not in snapshot.targets]:
            del self.problems[path]

    # ---- targets

    def connect_target(self, target: Target, how: SignIn | None = None, secrets: Secrets | None = None) -> None:
        """Connect a saved target; the helper asks our agent for secrets when the record says that it signs in."""
        self._begin(target.path, lambda client: operations.login(client, target.path, sign_in=how, secrets=secrets))

    def cancel(self, target: Target) -> None:
        """Stop connecting."""
        work = self._work.get(target.path)
        if work is not None:
            work.cancel()
            return
        job = self._bus.snapshot_now.job_on(target.path, "login")
        if job is not None:
            self._bus.run(lambda client: operations.cancel(client, job.path))

    def rescan(self, target: Target) -> None:
        """Ask for its disks again."""
        self._begin(target.path, lambda client: operations.rescan(client, target.session))

    def disconnect_target(self, target: Target) -> None:
        """Eject its disks and log out; a disk in use is asked about."""
        wanted = Wanted(target.path, "", target.title)
        if not ejecting.plan(wanted.luns(self._bus.snapshot_now), udisks=self.udisks).programs_only:
            self._ask_about(wanted)
            return
        self._begin(
            target.path,
            lambda client: operations.logout(client, target.path),
            lambda: self.told.emit(tr("“{target}” is disconnected.").format(target=target.title)),
            lambda _problem: self._ask_about(wanted),
        )

    def sign_in(self, target: Target, why: str) -> SignInDialog:
        """Ask for name and secret, then connect with them."""
        self.needs_window.emit()
        how = SignIn(target.sign_in, target.chap_name, target.target_chap_name)
        dialog = SignInDialog(target.title, why, how, self._bus.snapshot_now.manager.initiator_name, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._signed_in(target, dialog))
        dialog.open()
        return dialog

    def _signed_in(self, target: Target, dialog: SignInDialog) -> None:
        how, secrets, keep = dialog.form.how(), dialog.form.secrets(), dialog.form.keep.isChecked()
        dialog.form.clear()

        async def work(client: Client) -> None:
            await operations.login(client, target.path, sign_in=how, secrets=secrets)
            await operations.update_target(client, target.path, how.options())

        def done() -> None:
            if keep:
                self._bus.later(self._bus.keyring.store(target.name, secrets), lambda _none: None, self._not_kept)

        self._begin(target.path, work, done)

    def _not_kept(self, problem: Problem) -> None:
        self.told.emit(tr("The secret was not kept: {why}").format(why=problem.attrs.get("detail", "")))

    def diagnose(self, target: Target) -> DiagnosisDialog:
        """Look at every step of the way to it."""
        how = SignIn(target.sign_in, target.chap_name, target.target_chap_name)
        dialog = DiagnosisDialog(
            self._bus,
            target.title,
            lambda client, on_step: operations.diagnose(client, target.path, sign_in=how, on_step=on_step),
            self._window,
        )
        dialog.open()
        return dialog

    def forget(self, target: Target) -> None:
        """Remove a record and its secrets, after a question."""
        self.needs_window.emit()
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(tr("Forget this target?"))
        box.setText(tr("Forget “{target}”?").format(target=target.title))
        box.setInformativeText(
            tr("Its settings and its secrets in the keyring are removed here. Nothing changes on the target.")
        )
        forget = box.addButton(tr("Forget"), QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(cancel)
        dress_question(box, "forget")
        box.buttonClicked.connect(lambda clicked: self._forgotten(target) if clicked is forget else None)
        box.open()

    def _forgotten(self, target: Target) -> None:
        self._begin(
            target.path,
            lambda client: operations.remove_target(client, target.path),
            lambda: self._bus.keyring.forget(target.name),
        )

    # ---- disks

    def attach(self, lun: Lun) -> None:
        """Make a disk a device."""
        self.by_hand.add(lun.path)
        self._on_disk(lun, lambda client: operations.attach(client, lun.path))

    def mount(self, lun: Lun) -> None:
        """Mount what is on a disk."""
        self._on_disk(lun, lambda _client: udisks.mount(lun.device))

    def mount_if_any(self, lun: Lun) -> None:
        """Mount what is on a disk that came by itself, which may be nothing; nobody waits for it."""
        self._on_disk(lun, lambda _client: udisks.mount_if_any(lun.device, patience=10.0))

    def unmount(self, lun: Lun) -> None:
        """Unmount what is on a disk."""
        self._on_disk(lun, lambda _client: udisks.unmount(lun.device))

    def eject(self, lun: Lun) -> None:
        """Take a disk's device away; when it is in use that is said, and asked about."""
        wanted = Wanted(lun.target, lun.path, lun.title)
        if not ejecting.plan((lun,), udisks=self.udisks).programs_only:
            self._ask_about(wanted)
            return
        self._on_disk(
            lun,
            lambda client: operations.eject(client, lun.path),
            lambda: self.told.emit(tr("“{disk}” was ejected. It is safe to unplug.").format(disk=lun.title)),
            lambda _problem: self._ask_about(wanted),
        )

    def _ask_about(self, wanted: Wanted) -> None:
        self.needs_window.emit()
        dialog = EjectDialog(self._bus, wanted, udisks_there=self.udisks, parent=self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # ---- doing it

    def _on_disk(
        self,
        lun: Lun,
        work: Callable[[Client], Awaitable[object]],
        done: Callable[[], object] | None = None,
        in_use: Callable[[Problem], object] | None = None,
    ) -> None:
        self._begin(lun.target, work, done, in_use, path=lun.path)

    def _begin(
        self,
        target: str,
        work: Callable[[Client], Awaitable[object]],
        done: Callable[[], object] | None = None,
        in_use: Callable[[Problem], object] | None = None,
        path: str = "",
    ) -> None:
        """Do `work` on the object at `path`; a problem becomes the target's."""
        key = path or target
        self.problems.pop(target, None)

        def success(_result: object) -> None:
            self._work.pop(key, None)
            if done is not None:
                done()
            self.changed.emit(target)

        def failure(problem: Problem) -> None:
            self._work.pop(key, None)
            if in_use is not None and problem.code in _IN_USE:
                in_use(problem)
            elif problem.code != "Cancelled":
                self.problems[target] = problem
            self.changed.emit(target)

        self._work[key] = self._bus.run(work, success, failure)
        self.changed.emit(target)
