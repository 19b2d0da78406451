# SPDX-License-Identifier: Apache-2.0
"""What goes into the supervisor and comes out of it: plain, frozen records, and the observer of a session.

They are the helper's own, not the engine's: what a worker reports is checked by `api.control` and turned into these, so
that no code that parses the network is loaded into a process with rights (`Portal` comes from a module that only knows
names and addresses).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from .api.errors import Problem
from .api.settings import Value, defaults
from .engine.names import Portal

if TYPE_CHECKING:
    from .worker_session import WorkerSession

__all__ = [
    "Attached",
    "ConnectionRecord",
    "DiscoverRequest",
    "FoundTarget",
    "Holder",
    "LunRecord",
    "Portal",
    "Secrets",
    "SessionObserver",
    "SessionSpec",
    "Step",
    "make_isid",
    "once",
]

#: Told the name of the step that begins: "resolve", "route", "connect", "login", "answer", "scan", "attach", "flush",
#: "detach", "logout".
Step = Callable[[str], None]

SIGN_INS = ("none", "chap", "mutual")
MAX_SECRETS = 4096
MAX_PORTALS = 16
#: More are not named when they keep a device from being taken away.
MAX_HOLDERS = 8


@dataclass(frozen=True, slots=True)
class FoundTarget:
    """A target that discovery named."""

    name: str
    portals: tuple[Portal, ...]


@dataclass(frozen=True, slots=True)
class Secrets:
    """CHAP secrets; never shown. `target_secret` is empty when the target need not prove itself."""

    secret: str = field(repr=False)
    target_secret: str = field(default="", repr=False)

    @staticmethod
    def parse(data: bytes) -> Secrets:
        """Read ``{"secret": "…", "target-secret": "…"}``; or Problem("InvalidArgument") that quotes none of it."""
        bad = Problem("InvalidArgument", argument="secrets", detail="It is JSON with secret and target-secret.")
        if len(data) > MAX_SECRETS:
            raise bad
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise bad from None
        if not isinstance(found, dict) or not set(found) <= {"secret", "target-secret"}:
            raise bad
        secret, target_secret = found.get("secret", ""), found.get("target-secret", "")
        if not isinstance(secret, str) or not isinstance(target_secret, str) or not secret:
            raise bad
        return Secrets(secret, target_secret)


@dataclass(frozen=True, slots=True)
class DiscoverRequest:
    """Which address to ask for its targets, and as whom. `address` is as a person types it: name[:port], [v6]:port."""

    address: str
    initiator_name: str
    initiator_alias: str = ""
    interface: str = ""
    sign_in: str = "none"
    chap_name: str = ""
    target_chap_name: str = ""
    secrets: Secrets | None = None
    settings: Mapping[str, Value] = field(default_factory=defaults)


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """All that a session needs; `settings` is complete (`api.settings.complete`).

    `isid` has 6 bytes and stays the same for a record and an initiator name (`make_isid`): logging in again with it
    ends whatever an earlier process of ours left at the target (RFC 7143, 6.3.5). `key` names the record in the run
    folder; it is of letters, digits and hyphens, at most 40.
    """

    key: str
    target_name: str
    portals: tuple[Portal, ...]
    initiator_name: str
    isid: bytes
    initiator_alias: str = ""
    interface: str = ""
    sign_in: str = "none"
    chap_name: str = ""
    target_chap_name: str = ""
    secrets: Secrets | None = None
    settings: Mapping[str, Value] = field(default_factory=defaults)


@dataclass(frozen=True, slots=True)
class LunRecord:
    """A logical unit as the worker reported it. `address`: 16 hexadecimal digits; `problem`: a code when unusable."""

    address: str
    number: int
    kind: str
    vendor: str
    model: str
    revision: str
    serial: str
    wwn: str
    size: int
    block_size: int
    physical_block_size: int
    read_only: bool
    thin: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """One TCP connection; `local` and `remote` are "address:port"."""

    id: int
    local: str
    remote: str
    interface: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a device: kind is "mount", "swap", "device" or "process"; pid is 0 where it is no process."""

    kind: str
    name: str
    pid: int = 0

    def __str__(self) -> str:
        return f"{self.name} ({self.pid or self.kind})"


def in_use(holders: Iterable[Holder]) -> Problem:
    """Return the error that tells who has a device, or several."""
    words = list(dict.fromkeys(map(str, holders)))
    more = " …" if len(words) > MAX_HOLDERS else ""
    return Problem("DeviceBusy", holders=", ".join(words[:MAX_HOLDERS]) + more or "a process that cannot be seen")


@dataclass(frozen=True, slots=True)
class Attached:
    """A disk's device (or file), how it is attached, and why this way (words)."""

    device: str
    method: str
    reason: str
    read_only: bool = False


class SessionObserver(Protocol):
    """Who wants to know; called in the helper's loop, must not block."""

    def changed(self, session: WorkerSession) -> None:
        """Some of state, parameters, portal, connections, reconnects, last_error or attached has another value."""

    def luns_changed(self, session: WorkerSession) -> None:
        """`session.luns` has another value."""

    def holders_changed(self, session: WorkerSession, lun: str, holders: tuple[Holder, ...]) -> None:
        """Somebody else than before has an attached disk's device, as of the last look."""

    def event(self, session: WorkerSession, kind: str, attrs: Mapping[str, str | int]) -> None:
        """Something for the timeline: `kind` is a token such as "lost", "restored", "attached", "worker-died"."""

    def ended(self, session: WorkerSession, problem: Problem | None) -> None:
        """The session is over and will not come back; `problem` says why when nobody asked for it."""


def once(step: Step) -> Step:
    """Return a step that is told only when it is another than the last: a login may take several connections."""
    last = ""

    def told(name: str) -> None:
        nonlocal last
        if name != last:
            last = name
            step(name)

    return told


def make_isid(record: str, initiator_name: str) -> bytes:
    """Return the ISID of a record: T=10b, "Random" (RFC 7143, 11.12.5), its 24+16 free bits derived by hash.

    The same record and name give the same ISID on every start, so that a new login takes the place of what a crashed
    process left; two records differ, as sessions of one initiator port to one portal group must.
    """
    digest = hashlib.sha256(f"{initiator_name}\0{record}".encode()).digest()
    return bytes([0x80]) + digest[:5]
