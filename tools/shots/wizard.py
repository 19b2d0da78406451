# SPDX-License-Identifier: Apache-2.0
"""The wizard, in every state: each comes about by what a device does, as it would for a person."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from lundock.app.client import operations
from lundock.app.flows.connect import Step
from lundock.app.ui.connect_dialog import ConnectDialog
from lundock.app.ui.diagnosis_dialog import DiagnosisDialog
from lundock.app.ui.shots import pump
from lundock.helper.target.chap import Account
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.server import Server

from ..demo.scene import CHAP_NAME, TARGET_NAME

if TYPE_CHECKING:
    from .tour import Tour

NAME = "iqn.2026-01.io.github.lundock:"
MIB = 1 << 20
OURS = Account("anna", "our-secret-of-16")


def _target(name: str, *disks: DiskConfig, chap: Account | None = None) -> TargetConfig:
    return TargetConfig(NAME + name, disks, chap=chap)


class WizardTour:
    """One wizard; the demo's target stays connected at the end."""

    def __init__(self, tour: Tour) -> None:
        self.tour = tour
        self.dialog: ConnectDialog = tour.window.connect_to_target()

    def run(self) -> None:
        """Every step, what goes wrong in it, and what there is at the end."""
        self.address()
        self.silent()
        self.nothing_there()
        self.choice()
        self.device_asks()
        self.ends()
        self.demo()

    # ---- small things

    def shoot(self, name: str) -> None:
        """Draw the wizard as it stands."""
        self.tour.shoot(f"wizard-{name}", self.dialog)

    def at(self, address: str, target: str = "") -> None:
        """Go on from an address."""
        self.dialog.start_with(address, target)
        self.dialog.go()

    def until(self, step: Step, more: Callable[[], object] = lambda: True) -> None:
        """Wait for a step."""
        self.tour.until(lambda: self.dialog.flow.step is step and more())

    def choose(self, name: str) -> None:
        """Take a target of the list."""
        self.until(Step.CHOOSE)
        row = next(n for n, found in enumerate(self.dialog.flow.found) if found.name == name)
        self.dialog.choose.list.setCurrentRow(row)
        self.dialog.go()
        self.tour.until(lambda: self.dialog.flow.step is not Step.ASKING)

    # ---- the stops

    def address(self) -> None:
        """Where is it; and the name of a target that is not listed."""
        self.shoot("1-address")
        self.dialog.address.by_name.setChecked(True)
        self.shoot("1-address-by-name")
        self.dialog.address.by_name.setChecked(False)
        self.at("my nas")
        self.shoot("1-no-address")
        self.at("iscsi://anna%password@nas.local/iqn.2026-01.org.example:disk/0")
        self.shoot("1-password-in-link")

    def silent(self) -> None:
        """A device that takes the connection and never answers: looking, asking, and finding out why."""
        with _silent() as silent:
            self.at(silent)
            self.until(Step.LOOKING, lambda: self.dialog.steps.reached == "login")
            self.shoot("2-looking")
            self.dialog.back()
            self.at(silent, f"{NAME}silent")
            self.until(Step.ASKING, lambda: self.dialog.steps.reached == "login")
            self.shoot("2-asking")
            self.dialog.back()
            asked = DiagnosisDialog(
                self.tour.bus,
                "nas.local",
                lambda client, step: operations.diagnose(client, silent, on_step=step),
                self.dialog,
            )
            asked.open()
            self.tour.until(lambda: asked.steps.reached == "login")
            self.tour.shoot("diagnosis-working", asked)
            asked.reject()

    def nothing_there(self) -> None:
        """No such name; nothing listens; something else listens; no target."""
        self.at("no-such-nas.invalid")
        self.until(Step.ADDRESS, lambda: self.dialog.flow.problem)
        self.shoot("1-name-not-found")
        self.at("127.0.0.1:9")
        self.until(Step.ADDRESS, lambda: self.dialog.flow.problem)
        self.shoot("1-refused")
        self.dialog._banner._details.click()
        self.shoot("1-refused-details")
        self.dialog._banner._why.click()
        self.tour.diagnosis("diagnosis-refused")
        with _empty() as address:
            self.at(address)
            self.until(Step.ADDRESS, lambda: self.dialog.flow.problem)
            self.shoot("1-no-targets")
            self.dialog._banner._why.click()
            self.tour.diagnosis("diagnosis-no-targets")

    def choice(self) -> None:
        """Fifty, some of which cannot be reached, or only by one of their ways."""
        with socket.create_server(("127.0.0.1", 0)) as held:
            dead = held.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
        targets = tuple(_target(f"disk-{n:02}", DiskConfig(MIB)) for n in range(50))
        announced = (f"127.0.0.1:{dead},1", f"127.0.0.1:{port},1")
        with Server(ServerConfig(targets, listen=(("127.0.0.1", port),), announce=announced)) as server:
            self.at(server.address)
            self.until(Step.CHOOSE)
            self.shoot("3-choose-fifty")
            self.dialog.choose.search.setText("disk-3")
            self.shoot("3-choose-search")
            self.dialog.choose.search.setText("nothing like it")
            self.shoot("3-choose-search-nothing")
            self.dialog.back()
        with Server(ServerConfig(targets[:3], announce=(f"127.0.0.1:{dead},1",))) as server:
            self.at(server.address)
            self.until(Step.CHOOSE)
            self.shoot("3-choose-away")
            self.choose(targets[0].name)
            self.shoot("3-choose-away-refused")
            self.dialog.back()

    def device_asks(self) -> None:
        """A device that wants a secret before it says what it offers, and does not take the first one."""
        target = _target("behind", DiskConfig(MIB))
        with Server(ServerConfig((target,), discovery_chap=OURS)) as server:
            self.at(server.address)
            self.until(Step.SIGN_IN)
            self.shoot("4-device-asks")
            self.dialog.form.name.setText(OURS.name)
            self.dialog.form.secret.field.setText("not-the-secret-1")
            self.dialog.go()
            self.until(Step.SIGN_IN, lambda: self.dialog.flow.problem)
            self.shoot("4-device-asks-refused")
            self.dialog.form.secret.field.setText(OURS.secret)
            self.dialog.go()
            self.until(Step.CHOOSE)
            self.dialog.back()

    def ends(self) -> None:
        """What there may be at the end: no disk, disks that are read-only or have large blocks."""
        disks = (
            DiskConfig(64 * MIB, serial="WHOLE"),
            DiskConfig(64 * MIB, lun=1, read_only=True, model="Read-only disk"),
            DiskConfig(64 * MIB, lun=2, block_size=4096, model="Disk of 4096-byte blocks"),
        )
        with Server(ServerConfig((_target("bare"), _target("several", *disks)))) as server:
            for name in ("bare", "several"):
                self.at(server.address)
                self.choose(NAME + name)
                self.dialog.go()
                self.until(Step.DONE)
                self.shoot(f"7-done-{name}")
                self.dialog.go()
                self.tour.forget(NAME + name)
                self.dialog = self.tour.window.connect_to_target()

    def demo(self) -> None:
        """The demo's target, which asks for a secret: wrong, then right."""
        dialog = self.dialog
        self.at(self.tour.stage.address)
        self.until(Step.CHOOSE)
        self.shoot("3-choose")
        self.choose(TARGET_NAME)
        self.shoot("4-sign-in")
        dialog.form.name.setText(CHAP_NAME)
        dialog.form.mutual.setChecked(True)
        dialog.form.secret.field.setText("short")
        dialog.form.target_secret.field.setText("short")
        self.shoot("4-sign-in-mutual")
        dialog.form.mutual.setChecked(False)
        dialog.form.secret.field.setText("not the secret of this disk")
        dialog.go()
        self.shoot("5-options")
        self.options()
        dialog.go()
        self.tour.camera.shoot(dialog, "wizard-6-connecting")
        self.until(Step.SIGN_IN, lambda: dialog.flow.problem)
        self.shoot("4-sign-in-refused")
        dialog.form.secret.field.setText(self.tour.stage.secret)
        dialog.go()
        dialog.go()
        self.until(Step.DONE)
        self.shoot("7-done")
        dialog.go()
        pump(0.1)

    def options(self) -> None:
        """With the log-in's further question; and with nothing to be attached. All as it was at the end."""
        page = self.dialog.options
        page.startup.setCurrentIndex(page.startup.findData("login"))
        self.shoot("5-options-login")
        page.attach.setChecked(False)
        self.shoot("5-options-not-attached")
        page.attach.setChecked(True)
        page.startup.setCurrentIndex(page.startup.findData("manual"))


@contextlib.contextmanager
def _silent() -> Iterator[str]:
    """Something that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@contextlib.contextmanager
def _empty() -> Iterator[str]:
    """A device that has no target for us."""
    with Server(ServerConfig(())) as server:
        yield server.address
