# SPDX-License-Identifier: Apache-2.0
"""A block device on any kernel with FUSE and loop: one FUSE file that the worker serves, a loop device over it.

The loop device does direct I/O in the disk's own block size, so that nothing is cached twice. The file is the helper's
own; no one else can open it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..api.errors import Problem
from .base import MAX_TRANSFER, Attachment, Fronts, MethodInfo, Wish
from .operations import perform, perform_whole

if TYPE_CHECKING:
    from ..nursery import Nursery

#: Flushing through a slow network takes its time.
FLUSH_SECONDS = 90.0


class FuseLoop:
    """Method "fuse"."""

    name = "fuse"

    def available(self) -> MethodInfo:
        """Root, with /dev/fuse and loop devices."""
        why = _why_not()
        return MethodInfo(
            self.name, not why, why or "A block device, for file systems. Works on every kernel with FUSE."
        )

    async def attach(self, wish: Wish) -> Attachment:
        """Mount, serve, put the loop device over it."""
        wish.step("attach")
        made = await mount(
            wish, "mount-fuse", self.name, "a block device that any kernel with FUSE can have", lock=True
        )
        try:
            args = {"path": str(made.path), "block_size": wish.block_size, "read_only": wish.read_only}
            result, _ = await perform_whole(wish.nursery, "make-loop", args)
            made.device = str(result["device"])
        except BaseException:
            await undo(made, wish.nursery, wish.fronts)
            raise
        return made

    async def detach(self, attachment: Attachment, nursery: Nursery) -> None:
        """Take the loop device away, then the file."""
        await perform(nursery, "remove-loop", {"device": attachment.device, "path": str(attachment.path)})
        await perform(nursery, "unmount-fuse", {"path": str(attachment.path)})


def _why_not() -> str:
    if os.geteuid() != 0:
        return "The service runs without root rights."
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "This kernel has no FUSE, or the container hides it."
    if not Path("/dev/loop-control").exists():
        return "This kernel has no loop devices, or the container hides them."
    return ""


async def mount(wish: Wish, operation: str, method: str, reason: str, *, lock: bool) -> Attachment:
    """Mount a FUSE file and let the worker serve it; on failure nothing is left."""
    path = wish.folder / wish.name
    made = Attachment(wish.lun, method, wish.front, path, wish.read_only, reason, lock)
    args = {"path": str(path), "read_only": wish.read_only, "max_read": MAX_TRANSFER}
    try:
        result, descriptor = await perform_whole(wish.nursery, operation, args)
        made.descriptor, made.connection = _given(descriptor), int(result["connection"])
        await wish.fronts.attach_front(
            made.front, made.lun, made.descriptor, read_only=made.read_only, resume=False, lock=lock
        )
    except BaseException:
        await force(made, wish.nursery)
        raise
    return made


def _given(descriptor: int | None) -> int:
    if descriptor is None:
        raise Problem("AttachFailed", detail="no FUSE descriptor")
    return descriptor


async def flush(attachment: Attachment, nursery: Nursery) -> None:
    """Write out everything, as far as the target's medium. Raises Problem: DeviceBusy before anything was written,
    IoError, Timeout.
    """
    args = {"device": attachment.device, "path": str(attachment.path)}
    await perform(nursery, "flush", args, seconds=FLUSH_SECONDS)


async def whole(attachment: Attachment, nursery: Nursery) -> bool:
    """Whether file and device are still there; so also when that cannot be seen."""
    try:
        args = {"path": str(attachment.path), "device": attachment.device}
        return bool((await perform(nursery, "whole", args))[0]["whole"])
    except Problem:
        return True


async def undo(attachment: Attachment, nursery: Nursery, fronts: Fronts) -> None:
    """Take back what was begun; never raises a Problem."""
    await force(attachment, nursery)
    try:
        await fronts.detach_front(attachment.front)
    except Problem:
        return


async def force(attachment: Attachment, nursery: Nursery) -> None:
    """Take everything away, whoever uses it: they get I/O errors. Never raises a Problem."""
    attachment.close()
    args = {"path": str(attachment.path), "connection": attachment.connection}
    try:
        await perform(nursery, "force", args)
    except Problem:
        return
