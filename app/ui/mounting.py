# SPDX-License-Identifier: Apache-2.0
"""Mounts the disks of targets that connect by themselves, where their settings say so: once each time they come.

The service attaches them; mounting is the person's, through UDisks2.
"""

from __future__ import annotations

import os

from PySide6.QtCore import QObject

from ..client.mirror import Snapshot
from ..client.objects import Lun, Target
from ..model.bridge import Bus
from .actions import Actions


def wanted(target: Target) -> bool:
    """Whether what comes of a target is to be mounted by this person's window."""
    mine = target.owner == os.getuid()
    return mine and target.startup != "manual" and target.settings.get("startup_disks") == "mount"


class Mounting(QObject):
    """Watches for devices that come. What a person attached, or unmounted again, is left alone."""

    def __init__(self, bus: Bus, actions: Actions) -> None:
        super().__init__(actions)
        self._bus = bus
        self._actions = actions
        self._seen: set[tuple[str, str]] = set()
        bus.changed.connect(self._look)
        actions.changed.connect(lambda _path: self._look(bus.snapshot_now))

    def _look(self, snapshot: Snapshot) -> None:
        if not snapshot.ready or not self._actions.udisks:
            return
        there = {(lun.path, lun.device): lun for lun in self._devices(self._bus.shown)}
        new = [lun for key, lun in there.items() if key not in self._seen]
        self._seen = set(there)
        for lun in new:
            if not lun.mounts and lun.path not in self._actions.by_hand:
                self._actions.mount_if_any(lun)

    @staticmethod
    def _devices(snapshot: Snapshot) -> list[Lun]:
        targets = [target for target in snapshot.targets.values() if target.connected and wanted(target)]
        return [lun for target in targets for lun in snapshot.luns_of(target) if lun.device.startswith("/dev/")]
