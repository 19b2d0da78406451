# SPDX-License-Identifier: Apache-2.0
"""Frozen views of the objects on the bus, made from their properties.

The contract is helper/api/interfaces/*.xml: a view's field is the property's name in small letters with underscores. A
property of another type than the contract says keeps its default: a window must not break on what another program
exports under our name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Self

from ...helper.api.names import JOB, LUN, MANAGER, PORTAL, SESSION, TARGET

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@cache
def _field_of(prop: str) -> str:
    return _WORD.sub("_", prop).lower()


@dataclass(frozen=True, slots=True)
class _View:
    path: str

    @classmethod
    def from_properties(cls, path: str, properties: Mapping[str, Any]) -> Self:
        """Return the view of the object at `path`."""
        known = {f.name: f for f in fields(cls)}
        values: dict[str, Any] = {}
        blank = cls(path)
        for prop, value in properties.items():
            name = _field_of(prop)
            if name in known and name != "path":
                usable = _fit(value, getattr(blank, name))
                if usable is not None:
                    values[name] = usable
        return cls(path, **values)

    @property
    def number(self) -> int:
        """The number at the end of the object's path, as people give it on the command line."""
        tail = self.path.rsplit("/", 1)[-1]
        return int(tail) if tail.isascii() and tail.isdigit() else 0


def _fit(value: Any, default: Any) -> Any:
    """Return `value` as the type of `default`, None when it is of another type."""
    if isinstance(default, tuple):
        return tuple(value) if isinstance(value, list | tuple) else None
    if isinstance(default, bool) or isinstance(value, bool):
        return value if isinstance(value, bool) and isinstance(default, bool) else None
    if isinstance(default, float):
        return float(value) if isinstance(value, int | float) else None
    return value if isinstance(value, type(default)) else None


@dataclass(frozen=True, slots=True)
class Manager(_View):
    """The service itself."""

    version: str = ""
    initiator_name: str = ""
    initiator_alias: str = ""
    initiator_name_warning: str = ""
    attach_methods: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Target(_View):
    """A saved target."""

    name: str = ""
    alias: str = ""
    portals: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    settings_origin: Mapping[str, Any] = field(default_factory=dict)
    startup: str = "manual"
    owner: int = 0
    source: str = "/"
    vanished: bool = False
    interface: str = ""
    sign_in: str = "none"
    chap_name: str = ""
    target_chap_name: str = ""
    state: str = "disconnected"
    session: str = "/"
    last_error: str = ""
    last_error_facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What a person calls it: its alias, else the readable end of its name."""
        return self.alias or short_name(self.name)

    @property
    def address(self) -> str:
        """Its first portal as a person writes it."""
        return portal_text(self.portals[0]) if self.portals else ""

    @property
    def connected(self) -> bool:
        """Whether there is a session, be it lost for the moment."""
        return self.state in {"connected", "lost", "disconnecting"}


@dataclass(frozen=True, slots=True)
class Portal(_View):
    """An address that is kept and looked at."""

    address: str = ""
    method: str = ""
    interval: int = 0
    owner: int = 0
    interface: str = ""
    sign_in: str = "none"
    chap_name: str = ""
    target_chap_name: str = ""
    last_result: str = ""
    last_result_facts: Mapping[str, Any] = field(default_factory=dict)
    last_look: int = 0
    last_seen: int = 0


@dataclass(frozen=True, slots=True)
class Session(_View):
    """A live login to a target."""

    target: str = ""
    state: str = ""
    portal: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    connections: tuple[Mapping[str, Any], ...] = ()
    since: int = 0
    reconnects: int = 0
    last_error: str = ""
    last_error_facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lun(_View):
    """A logical unit: a disk that the target shows."""

    session: str = ""
    target: str = ""
    address: str = ""
    lun: int = 0
    kind: str = "disk"
    vendor: str = ""
    model: str = ""
    serial: str = ""
    wwn: str = ""
    size: int = 0
    block_size: int = 0
    physical_block_size: int = 0
    read_only: bool = False
    thin: bool = False
    attach_method: str = ""
    attach_reason: str = ""
    device: str = ""
    holders: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_properties(cls, path: str, properties: Mapping[str, Any]) -> Self:
        """Return the view; the property Number, which people know as LUN, is `lun`."""
        renamed = {("Lun" if prop == "Number" else prop): value for prop, value in properties.items()}
        return super(Lun, cls).from_properties(path, renamed)

    @property
    def title(self) -> str:
        """What the disk calls itself."""
        return " ".join(part for part in (self.vendor.strip(), self.model.strip()) if part) or f"LUN {self.lun}"

    @property
    def usable(self) -> bool:
        """Whether it is a disk that can become a device now."""
        return self.kind == "disk" and self.size > 0

    @property
    def is_file(self) -> bool:
        """Whether it is attached as a file, and not as a device."""
        return self.attach_method == "file"

    @property
    def mounts(self) -> tuple[str, ...]:
        """Where it is mounted."""
        return tuple(str(h.get("name", "")) for h in self.holders if h.get("kind") == "mount")


@dataclass(frozen=True, slots=True)
class Job(_View):
    """Work that takes a while."""

    kind: str = ""
    step: str = ""
    progress: float = 0.0
    progress_valid: bool = False
    objects: tuple[str, ...] = ()
    started_by: int = 0
    finished: bool = False
    error: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


#: The view of each interface.
VIEWS: Mapping[str, type[_View]] = {
    MANAGER: Manager,
    PORTAL: Portal,
    TARGET: Target,
    SESSION: Session,
    LUN: Lun,
    JOB: Job,
}


def short_name(name: str) -> str:
    """Return the readable end of an iSCSI name: what stands behind the naming authority (RFC 7143, 4.2.7.4)."""
    if name.startswith("iqn.") and ":" in name:
        return name.split(":", 1)[1] or name
    return name


def portal_text(portal: Mapping[str, Any]) -> str:
    """Return a portal as a person writes it: the port only when it is not 3260, IPv6 in brackets."""
    address = str(portal.get("address", ""))
    port = portal.get("port", 3260)
    host = f"[{address}]" if ":" in address and not address.startswith("[") else address
    return host if port == 3260 else f"{host}:{port}"
