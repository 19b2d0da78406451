# SPDX-License-Identifier: Apache-2.0
"""What outlives the helper: targets, this computer's name, the timeline. SQLite, in a thread of its own.

No secrets are in it.
"""

from .database import Store
from .rows import Event, TargetRecord

__all__ = ["Event", "Store", "TargetRecord"]
