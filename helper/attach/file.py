# SPDX-License-Identifier: Apache-2.0
"""A file instead of a device: for a person without rights, and where there are no loop devices.

mkfs, dd, qemu and fuse2fs work on it. Without root it is mounted by fusermount3, and even root cannot open it then.
The kernel holds back what they write, as with any file, until they close or synchronize it: they write block by block,
and each would be a round trip to the target.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from ..api.errors import Problem
from .base import Attachment, MethodInfo, Wish
from .fuse_loop import mount, undo
from .operations import perform, perform_whole

if TYPE_CHECKING:
    from ..nursery import Nursery


class File:
    """Method "file"."""

    name = "file"

    def available(self) -> MethodInfo:
        """FUSE, and fusermount3 for those who are not root."""
        why = _why_not()
        return MethodInfo(self.name, not why, why or _what_for())

    async def attach(self, wish: Wish) -> Attachment:
        """Mount and serve."""
        wish.step("attach")
        made = await mount(wish, f"mount-{_kind()}", self.name, _what_for(), lock=False)
        try:
            if not made.read_only:
                await perform_whole(wish.nursery, "set-size", {"path": str(made.path), "size": wish.size})
        except BaseException:
            await undo(made, wish.nursery, wish.fronts)
            raise
        return made

    async def detach(self, attachment: Attachment, nursery: Nursery) -> None:
        """Take the file away."""
        await perform(nursery, f"unmount-{_kind()}", {"path": str(attachment.path)})


async def set_size(attachment: Attachment, nursery: Nursery, size: int) -> None:
    """Give the file the size that its disk has now; never raises a Problem."""
    with contextlib.suppress(Problem):
        if not attachment.read_only:
            await perform(nursery, "set-size", {"path": str(attachment.path), "size": size})


def _kind() -> str:
    return "fuse" if os.geteuid() == 0 else "file"


def _what_for() -> str:
    if os.geteuid() == 0:
        return "a file, for programs that work on disk images"
    return "a file and no block device, because the service runs without root rights"


def _why_not() -> str:
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "This kernel has no FUSE, or the container hides it."
    if os.geteuid() != 0 and shutil.which("fusermount3") is None:
        return "The program fusermount3 (package fuse3) is missing."
    return ""
