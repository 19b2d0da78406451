# SPDX-License-Identifier: Apache-2.0
"""What every way of making a disk a device has in common."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """A row of Manager.AttachMethods: `reason` says why not, or what for."""

    name: str
    available: bool
    reason: str
