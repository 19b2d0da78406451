# SPDX-License-Identifier: Apache-2.0
"""What outlives the helper: targets, portals, this computer's name, the timeline. SQLite, in a thread of its own.

No secrets are in it.
"""

from .database import Store
from .records import Seen
from .rows import Event, Initiator, PortalRecord, TargetRecord

__all__ = ["Event", "Initiator", "PortalRecord", "Seen", "Store", "TargetRecord"]
