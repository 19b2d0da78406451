# SPDX-License-Identifier: Apache-2.0
"""Who this computer is to targets: its iSCSI name and alias, and whether the name is its own.

A computer that was cloned has the name of the one that it was cloned from, and targets take the two for one: they end
each other's sessions. So it is kept with the name for which machine (machine-id(5)) it was made.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
from pathlib import Path

from . import checks
from .api.errors import Problem
from .store import Store

MACHINE_ID = Path("/etc/machine-id")
#: What machine-id(5) asks for: the id itself is confidential, a keyed hash of it is not.
_KEY = b"io.github.lundock.Initiator1"
#: The value of Manager.InitiatorNameWarning, and the kind of the event.
MACHINE_CHANGED = "machine-changed"


def machine_mark(file: Path = MACHINE_ID) -> str:
    """Return what is kept of the machine's id; empty where it has none."""
    try:
        number = file.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
    if not number or number == "uninitialized":
        return ""
    return hmac.new(_KEY, number.encode(), hashlib.sha256).hexdigest()[:32]


class Identity:
    """The name, the alias, and what is wrong with them."""

    def __init__(self, store: Store, machine: str) -> None:
        self._store = store
        self._machine = machine
        self.name = ""
        self.alias = ""
        self.warning = ""

    async def start(self) -> None:
        """Read them; the name is made at the first start."""
        found = await self._store.initiator(self._machine)
        self.name = found.name
        self.alias = _sent(found.alias) or _host()
        known = bool(self._machine) and bool(found.machine)
        self.warning = MACHINE_CHANGED if known and found.machine != self._machine else ""

    async def set_name(self, name: str) -> None:
        """Take another name, or for an empty one a new one: it is this machine's from now on."""
        self.name = await self._store.set_initiator_name(checks.initiator_name(name) if name else "", self._machine)
        self.warning = ""

    async def set_alias(self, alias: str) -> None:
        """Take another alias; for an empty one the host's name."""
        alias = checks.alias(alias)
        await self._store.set_initiator_alias(alias)
        self.alias = alias or _host()


def _host() -> str:
    return _sent(socket.gethostname())


def _sent(alias: str) -> str:
    """Return an alias that can be sent; none for what earlier versions let pass, or a host is called by mistake."""
    try:
        return checks.alias(alias)
    except Problem:
        return ""
