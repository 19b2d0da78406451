# SPDX-License-Identifier: Apache-2.0
"""What one sees of disks where UDisks2 runs: a real one, that of the tests, with a /dev of its own. For root only."""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lundock.app.client.objects import Lun
from lundock.app.flows.connect import Step
from lundock.app.ui.disk_card import DiskCard
from lundock.app.ui.eject_dialog import EjectDialog
from lundock.app.ui.format_dialog import FormatDialog
from lundock.helper.target.config import DiskConfig, ServerConfig, TargetConfig
from lundock.helper.target.server import Server

from .wizard import MIB, NAME

if TYPE_CHECKING:
    from .tour import Tour

TESTS = Path(__file__).parents[2] / "tests"
TARGET = f"{NAME}photos"


class DisksTour:
    """From the wizard's options to a disk that may be unplugged; nothing of it is left."""

    def __init__(self, tour: Tour) -> None:
        self.tour = tour
        self.photos = tour.stage.folder / "photos"

    def run(self) -> None:
        """An empty disk, one with files, one that can only be read."""
        with _udisks(self.tour.stage.folder / "run") as there:
            if not there:
                sys.stderr.write("no pictures with UDisks2: it is not installed, or we are not root\n")
                return
            with Server(ServerConfig((TargetConfig(TARGET, self._disks()),))) as server:
                self._connect(server.address)
                self._eject()
                self.tour.forget(TARGET)

    def _disks(self) -> tuple[DiskConfig, ...]:
        with self.photos.open("wb") as stream:
            stream.truncate(64 * MIB)
        path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
        subprocess.run(
            ["mke2fs", "-q", "-F", "-t", "ext4", "-L", "Photos", self.photos],
            check=True,
            env=os.environ | {"PATH": path},
        )
        return (
            DiskConfig(64 * MIB, model="New disk"),
            DiskConfig(file=self.photos, lun=1, model="Disk with files"),
            DiskConfig(64 * MIB, lun=2, read_only=True, model="Read-only disk"),
        )

    def _connect(self, address: str) -> None:
        dialog = self.tour.window.connect_to_target()
        dialog.start_with(address, TARGET)
        self.tour.until(lambda: dialog._udisks)
        dialog.go()
        self.tour.until(lambda: dialog.flow.step is Step.OPTIONS)
        self.tour.shoot("wizard-5-options-udisks", dialog)
        dialog.options.mount.setChecked(False)  # each is done by hand below
        dialog.go()
        self.tour.until(lambda: dialog.flow.step is Step.DONE)
        empty, full, _read_only = dialog.done_page.cards
        self._is(empty, "format")
        self._is(full, "udisks")
        self.tour.shoot("wizard-7-done-udisks", dialog)
        full._do.click()
        self._is(full, "open")
        self._format(empty)
        self._is(empty, "udisks")
        self.tour.shoot("wizard-7-done-udisks-mounted", dialog)
        dialog.go()

    def _is(self, card: DiskCard, what: str) -> None:
        self.tour.until(lambda: card._contents is not None and card.what == what and card._do.isEnabled())

    def _format(self, card: DiskCard) -> None:
        card._do.click()
        asks = card.findChild(FormatDialog)
        assert asks is not None
        self.tour.shoot("format", asks)
        asks._go.click()
        self.tour.shoot("format-sure", asks)
        over: list[bool] = []
        asks.formatted.connect(lambda: over.append(True))
        asks._go.click()
        self.tour.camera.shoot(asks, "format-working")
        self.tour.until(lambda: over)

    def _eject(self) -> None:
        tour, window = self.tour, self.tour.window
        lun = self._mounted()
        window.list.choose(lun.target)
        window.tabs.setCurrentWidget(window.disks)
        window.disks._table.selectRow(lun.lun)
        tour.shoot("page-disks-udisks")
        window.disks._eject.click()
        asks: EjectDialog = tour.opened(EjectDialog)
        tour.shoot("eject-unmount", asks)
        asks._go.click()
        tour.until(lambda: not tour.bus.snapshot_now.luns[lun.path].device)
        tour.shoot("eject-done", asks)
        asks._go.click()

    def _mounted(self) -> Lun:
        found: list[Lun] = []

        def there() -> bool:
            found[:] = [lun for lun in self.tour.bus.snapshot_now.luns.values() if lun.mounts]
            return bool(found)

        self.tour.until(there)
        return found[0]


@contextlib.contextmanager
def _udisks(run_dir: Path) -> Iterator[bool]:
    """Run it as the system bus's, where that can be done; it is shown the devices of the helper with that folder."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    support: Any = importlib.import_module("support.udisks")
    if os.geteuid() or not (support.UDISKSD.exists() and support.UDEVD.exists()):
        yield False
        return
    before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
    with support.running_udisks() as running:
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = running.bus
        try:
            with support.Kernel(running, SimpleNamespace(run_dir=run_dir)):
                yield True
        finally:
            del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
            if before is not None:
                os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before
