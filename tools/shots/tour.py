# SPDX-License-Identifier: Apache-2.0
"""Goes through everything as a person would, and takes a picture at each stop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lundock.app.client import operations
from lundock.app.client.client import Client
from lundock.app.client.link import Where
from lundock.app.client.objects import Lun
from lundock.app.client.operations import Secrets, SignIn
from lundock.app.model.bridge import Bus
from lundock.app.secrets import Keyring
from lundock.app.ui.application import make_application
from lundock.app.ui.desk import Desk
from lundock.app.ui.diagnosis_dialog import DiagnosisDialog
from lundock.app.ui.eject_dialog import EjectDialog
from lundock.app.ui.kinds import KINDS
from lundock.app.ui.portal_edit import PortalEdit
from lundock.app.ui.preferences import Preferences
from lundock.app.ui.shots import Camera, pump
from lundock.app.ui.sign_in import SignInDialog
from lundock.app.ui.tray import icon_for
from lundock.app.ui.window import Window
from lundock.app.words import tr
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QDialog, QLabel, QMessageBox, QWidget

from .. import traces
from ..demo import pictures
from ..demo.filesystem import mounted
from ..demo.scene import CHAP_NAME, Scene, scene
from .disks import DisksTour
from .wizard import WizardTour

NAME = "iqn.2026-01.io.github.lundock:"
PATIENCE = 30.0


class NoKeyring:
    """A computer without a keyring: the tour asks nobody's."""

    def get_password(self, _service: str, _username: str) -> str | None:
        """Nothing is kept."""
        return None

    def set_password(self, _service: str, _username: str, _password: str) -> None:
        """Refuse."""
        raise OSError

    def delete_password(self, _service: str, _username: str) -> None:
        """Refuse."""
        raise OSError


def draw(out: Path, suffix: str, scheme: str, watch: float, *, rtl: bool, language: str) -> int:
    """Draw everything in one scheme and scale; prints the paths."""
    app = make_application(scheme, language or None)
    if rtl:
        app.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    camera = Camera(out, suffix)
    folders: list[Path] = []
    with tempfile.TemporaryDirectory(prefix=traces.PREFIX) as name:
        folder = Path(name)
        with scene(more_targets(folder)) as stage:
            folders.append(stage.folder)
            tour = Tour(stage, camera, folder, watch)
            try:
                tour.run()
            finally:
                tour.close()
    for path in camera.paths:
        sys.stdout.write(f"{path}\n")
    left = traces.left(folders)
    sys.stderr.write("".join(f"left behind: {one}\n" for one in left))
    return 1 if left else 0


def more_targets(folder: Path) -> list[dict[str, Any]]:
    """Two further targets: one without a sign-in and with two disks, and one that proves itself, too."""
    disks = []
    for number, size in enumerate((2_000_000_000_000, 64 << 20)):
        file = folder / f"disk{number}"
        with file.open("wb") as stream:
            stream.truncate(size)
        disks.append({"file": str(file), "serial": f"MEDIA-{number}"})
    account, back = {"name": "anna", "secret": "ours-for-the-vault"}, {"name": "vault", "secret": "theirs-for-us-16"}
    return [
        {"name": f"{NAME}media", "alias": "Media", "disks": disks},
        {"name": f"{NAME}vault", "alias": "Vault", "chap": account, "mutual": back, "disks": disks[1:]},
    ]


class Tour:
    """One window on one scene."""

    def __init__(self, stage: Scene, camera: Camera, folder: Path, watch: float) -> None:
        self.stage = stage
        self.camera = camera
        self.watch = watch
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = stage.bus
        self.settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
        self.bus = Bus(Where("address", stage.bus), keyring=Keyring(NoKeyring()))
        self.window = Window(self.bus, self.settings)
        self.window.show()
        self.shoot("window-loading")
        self.bus.start()
        self.desk = Desk(self.bus, self.window, self.settings, stage.bus)

    def close(self) -> None:
        """End it."""
        self.window.before_close = lambda: True
        self.window.close()
        self.settings.sync()  # at its own end it would make the folder anew
        self.bus.stop()

    def run(self) -> None:
        """Everything, in an order in which each thing comes about by itself."""
        self.without_service()
        self.until(lambda: self.bus.snapshot_now.ready)
        self.shoot("window-empty")
        self.preferences()
        self.portals()
        DisksTour(self).run()
        WizardTour(self).run()
        lun = self.disk()
        self.others()
        with mounted(Path(lun.device), self.stage.folder / "mnt"), self.work():
            self.pages()
            self.eject_in_use()
        self.eject_free(lun)
        self.dialogs()
        self.tray()
        self.trouble()

    # ---- small things

    def until(self, condition: Callable[[], object]) -> None:
        """Wait; what does not come is an error."""
        if not pump(PATIENCE, lambda: bool(condition())):
            raise AssertionError(f"{condition} did not come; {self.stage.log()}")

    def shoot(self, name: str, widget: QWidget | None = None) -> None:
        """Draw a widget, the window when none is named, after it has come to rest."""
        pump(0.15)
        self.camera.shoot(widget or self.window, name)

    def opened(self, kind: type[QWidget]) -> Any:
        """Return the dialog of a kind that is open."""
        self.until(lambda: [one for one in self.window.findChildren(kind) if one.isVisible()])
        return next(one for one in self.window.findChildren(kind) if one.isVisible())

    def shoot_dialog(self, dialog: QDialog | QMessageBox, name: str) -> None:
        """Show a dialog, draw it, and put it away."""
        dialog.open()
        self.shoot(name, dialog)
        dialog.done(0)
        pump(0.05)

    # ---- the stops

    def without_service(self) -> None:
        """A window whose bus is not there; that without a helper comes at the end."""
        self._without("unix:path=/nonexistent/bus", "window-no-bus")

    def _without(self, address: str, name: str) -> None:
        bus = Bus(Where("address", address), keyring=Keyring(NoKeyring()))
        window = Window(bus)
        window.show()
        bus.start()
        self.until(lambda: window.right.currentIndex() == 2)
        self.shoot(name, window)
        window.close()
        bus.stop()

    def preferences(self) -> None:
        """As they are, and with another name that is not one."""
        dialog = Preferences(self.bus, self.settings, self.window)
        dialog.open()
        self.shoot("preferences", dialog)
        dialog._name.setText("iqn.wrong")
        self.shoot("preferences-name", dialog)
        dialog.done(0)

    def portals(self) -> None:
        """Kept addresses: none, a new one, one that does not answer; and nothing is left of them."""
        dialog = self.window.show_portals()
        self.shoot("portals-empty", dialog)
        edit = dialog.add()
        self.shoot("portals-add", edit)
        edit.asks.setChecked(True)
        self.shoot("portals-add-sign-in", edit)
        edit.asks.setChecked(False)
        for address in (self.stage.address, "127.0.0.1:9"):
            edit.address.setText(address)
            edit.go()
            self.until(functools.partial(self._looked_at, address))
            edit = dialog.add()
        edit.reject()
        dialog.list.setCurrentRow(1)
        self.shoot("portals-failed", dialog)
        dialog.list.setCurrentRow(0)
        self.shoot("portals", dialog)
        dialog.forget()
        self._shoot_box("portals-forget")
        dialog.change()
        self.shoot("portals-change", self.opened(PortalEdit))
        for path in self.bus.snapshot_now.portals:
            self.bus.run(functools.partial(operations.remove_portal, portal=path, forget_targets=True))
        self.until(lambda: not self.bus.snapshot_now.portals and not self.bus.snapshot_now.targets)
        dialog.close()
        pump(0.1)

    def _looked_at(self, address: str) -> bool:
        return any(p.address == address and p.last_look for p in self.bus.snapshot_now.portals.values())

    def diagnosis(self, name: str) -> None:
        """What the dialog that has just been opened found."""
        dialog: DiagnosisDialog = self.opened(DiagnosisDialog)
        self.until(lambda: dialog.found)
        self.shoot(name, dialog)
        dialog.reject()
        pump(0.05)

    def others(self) -> None:
        """Two more targets in the list: one connected, one saved."""
        portal = dict(operations.parse_portal(self.stage.address))

        async def work(client: Client) -> None:
            for name in ("media", "vault"):
                path = await operations.add_target(client, NAME + name, [portal])
                if name == "media":
                    await operations.login(client, path)

        done: list[None] = []
        self.bus.run(work, done.append)
        self.until(lambda: done and len(self.bus.snapshot_now.sessions) == 2)

    def forget(self, name: str) -> None:
        """Log out of a target, and keep nothing of it."""
        path = next(t.path for t in self.bus.snapshot_now.targets.values() if t.name == name)
        done: list[None] = []

        async def work(client: Client) -> None:
            await operations.logout(client, path)
            await operations.remove_target(client, path)

        self.bus.run(work, done.append)
        self.until(lambda: done and not any(t.name == name for t in self.bus.snapshot_now.targets.values()))
        pump(0.1)

    def disk(self) -> Lun:
        """Return the disk of the demo's target, attached."""
        found: list[Lun] = []

        def there() -> bool:
            found[:] = [lun for lun in self.bus.snapshot_now.luns.values() if lun.device]
            return bool(found)

        self.until(there)
        return found[0]

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        """Have the mounted disk read and written."""
        stop = threading.Event()
        place = self.stage.folder / "mnt"
        worker = threading.Thread(target=lambda: asyncio.run(pictures.use(place, stop)))
        worker.start()
        try:
            yield
        finally:
            stop.set()
            worker.join()

    def pages(self) -> None:
        """Each page of a target at work."""
        window = self.window
        self.until(lambda: any(lun.holders for lun in self.bus.snapshot_now.luns.values()))
        pump(1.0)
        self.shoot("page-disks")
        window.tabs.setCurrentWidget(window.activity)
        pump(self.watch)
        for number, kind in enumerate(KINDS):
            window.activity._kind.setCurrentIndex(number)
            pump(0.4)
            window.activity.plot.point_at(-3)
            self.shoot(f"page-activity-{kind}")
        window.activity._kind.setCurrentIndex(0)
        window.activity._range.setCurrentIndex(1)
        self.shoot("page-activity-hour")
        window.activity._range.setCurrentIndex(0)
        self._pages("page", {"details": window.details, "events": window.events, "settings": window.settings})
        window.resize(window.minimumSize())
        self._pages("small", {"disks": window.disks, "activity": window.activity, "settings": window.settings})
        window.resize(1080, 700)
        window.tabs.setCurrentWidget(window.disks)
        window.header._diagnose.trigger()
        self.diagnosis("diagnosis-good")
        for menu, name in ((window.header._menu_button.menu(), "target"), (window._menu.menu(), "window")):
            menu.popup(window.mapToGlobal(window.rect().center()))
            self.shoot(f"menu-{name}", menu)
            menu.close()

    def _pages(self, prefix: str, pages: Mapping[str, QWidget]) -> None:
        for name, page in pages.items():
            self.window.tabs.setCurrentWidget(page)
            self.shoot(f"{prefix}-{name}")

    def eject_in_use(self) -> None:
        """The disk is mounted: who has it, and the second question."""
        self.window.disks._eject.click()
        dialog: EjectDialog = self.opened(EjectDialog)
        self.shoot("eject-in-use", dialog)
        dialog._ask_force()
        self.shoot("eject-force", dialog)
        dialog._on_cancel()
        dialog.done(0)
        pump(0.1)

    def eject_free(self, lun: Lun) -> None:
        """Nobody has it any more: ejected, said to be safe."""
        self.until(lambda: not self.bus.snapshot_now.luns[lun.path].holders)
        self.window.disks._eject.click()
        self.until(lambda: not self.bus.snapshot_now.luns[lun.path].device)
        pump(0.2)
        self.shoot("page-disks-ejected")

    def dialogs(self) -> None:
        """Questions."""
        target = self.window.target
        assert target is not None
        dialog = self.window.actions_on.sign_in(target, tr("The name or the secret was refused."))
        dialog.form.fill(SignIn("mutual", CHAP_NAME, "target"), self.bus.snapshot_now.manager.initiator_name)
        self.shoot("sign-in", dialog)
        dialog.reject()
        self.window.actions_on.forget(target)
        self._shoot_box("forget")
        self.desk.quit()
        self._shoot_box("quit")

    def _shoot_box(self, name: str) -> None:
        box: QMessageBox = self.opened(QMessageBox)
        self.shoot(name, box)
        box.reject()
        pump(0.1)

    def tray(self) -> None:
        """The menu, and the icon's states."""
        self.desk.tray.refresh()
        self.desk.tray.menu.popup(self.window.pos())
        self.shoot("tray-menu", self.desk.tray.menu)
        self.desk.tray.menu.close()
        states, ratio = ("away", "idle", "connected", "busy", "trouble"), self.window.devicePixelRatioF()
        strip = QPixmap(round(5 * 80 * ratio), round(80 * ratio))
        strip.setDevicePixelRatio(ratio)
        strip.fill(self.window.palette().window().color())
        painter = QPainter(strip)
        painter.setPen(self.window.palette().windowText().color())
        for number, state in enumerate(states):
            icon_for(state).paint(painter, number * 80 + 8, 8, 64, 40)
            painter.drawText(number * 80, 55, 80, 20, Qt.AlignmentFlag.AlignCenter, state)
        painter.end()
        label = QLabel()
        label.setPixmap(strip)
        label.show()
        self.shoot("tray-icons", label)
        label.close()

    def trouble(self) -> None:
        """Lost, refused, and without the service."""
        window = self.window
        lun = next(iter(self.bus.snapshot_now.luns.values()))
        window.actions_on.attach(lun)
        self.until(lambda: self.bus.snapshot_now.luns[lun.path].device)
        os.kill(self.stage.target.pid, signal.SIGKILL)
        self.until(lambda: window.target is not None and window.target.state == "lost")
        pump(0.3)
        self.shoot("trouble-lost")
        window.tabs.setCurrentWidget(window.events)
        self.shoot("trouble-lost-events")
        window.tabs.setCurrentWidget(window.disks)
        target = window.target
        assert target is not None
        window.actions_on.disconnect_target(target)
        self.until(lambda: window.target is not None and window.target.state == "disconnected")
        self.shoot("page-disks-not-connected")
        window.actions_on.connect_target(target)
        asked: SignInDialog = self.opened(SignInDialog)
        self.shoot("sign-in-asked", asked)
        asked.reject()
        self.until(lambda: not window.actions_on.busy(target.path))
        window.actions_on.connect_target(target, secrets=Secrets(self.stage.secret))
        self.until(window.banner.isVisible)
        window.banner._details.click()
        self.shoot("trouble-refused")
        os.kill(self.stage.helper.pid, signal.SIGTERM)
        self.until(lambda: not self.bus.snapshot_now.ready)
        pump(0.2)
        self.shoot("trouble-service-away")
        self._without(self.stage.bus, "window-no-service")
