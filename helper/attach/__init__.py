# SPDX-License-Identifier: Apache-2.0
"""Ways of making a disk a device: one module a method. `methods` says what this computer can do."""

from __future__ import annotations

import os
from pathlib import Path

from .base import MethodInfo

__all__ = ["MethodInfo", "methods"]


def methods() -> list[MethodInfo]:
    """Return the methods in the order in which "auto" tries them."""
    fuse = os.access("/dev/fuse", os.R_OK | os.W_OK)
    loop = os.geteuid() == 0 and Path("/dev/loop-control").exists()
    return [
        MethodInfo("fuse", fuse and loop, "A block device, for mounting."),
        MethodInfo("file", fuse, "A file, for a person without rights."),
    ]
