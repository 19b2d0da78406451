# SPDX-License-Identifier: Apache-2.0
"""The table of fuzz targets: every parser of what others send."""

from __future__ import annotations

from . import contract, fronts, sessions, streams, texts, units
from .harness import Target

TARGETS: dict[str, Target] = {
    target.name: target for module in (streams, sessions, units, texts, contract, fronts) for target in module.TARGETS
}
