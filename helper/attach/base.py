# SPDX-License-Identifier: Apache-2.0
"""What every way of making a disk a device has in common."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..supervision import Attached, Step

if TYPE_CHECKING:
    from ..nursery import Nursery

#: The most that the kernel asks for or hands over at once; the worker answers FUSE's INIT with the same.
MAX_TRANSFER = 1 << 20


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """A row of Manager.AttachMethods: `reason` says why not, or what for."""

    name: str
    available: bool
    reason: str


class Fronts(Protocol):
    """The worker of a session, as far as a method needs it."""

    async def attach_front(
        self, front: int, lun: str, descriptor: int, *, read_only: bool, resume: bool, lock: bool
    ) -> None:
        """Let the worker serve a disk on a /dev/fuse descriptor (the caller keeps its own). Raises Problem."""

    async def detach_front(self, front: int) -> None:
        """Let the worker flush and end a front; fine when it has ended."""


@dataclass(slots=True)
class Attachment:
    """A disk that is attached. `descriptor` is kept so that a new worker can go on where a dead one stopped."""

    lun: str
    method: str
    front: int
    path: Path
    read_only: bool
    reason: str
    lock: bool = False
    device: str = ""
    descriptor: int = -1
    connection: int = 0
    wwn: str = ""

    @property
    def shown(self) -> Attached:
        """What others are told."""
        return Attached(self.device or str(self.path), self.method, self.reason, self.read_only)

    def close(self) -> None:
        """Close our descriptor. When the worker has none either, the kernel answers everything with errors."""
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self.descriptor)
            self.descriptor = -1


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be attached, where, and for whom."""

    nursery: Nursery
    fronts: Fronts
    folder: Path
    name: str
    lun: str
    front: int
    read_only: bool
    block_size: int
    size: int
    step: Step


class Method(Protocol):
    """A way of attaching. All waiting for devices is done in children (`operations`)."""

    name: str

    def available(self) -> MethodInfo:
        """Whether this computer can do it, and why not or what for."""

    async def attach(self, wish: Wish) -> Attachment:
        """Make the device. On any failure nothing is left behind."""

    async def detach(self, attachment: Attachment, nursery: Nursery) -> None:
        """Take away the device, whose data is flushed. Asks nothing of the target. Problem("DeviceBusy"): nothing was
        changed.
        """
