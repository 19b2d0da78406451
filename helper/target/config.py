# SPDX-License-Identifier: Apache-2.0
"""What a server offers: targets, disks, accounts; and reading it from TOML or JSON."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .chap import ALGORITHMS, Account
from .keys import KEYS


@dataclass(frozen=True, slots=True)
class DiskConfig:
    """A logical unit. Without `file` it lies in memory and is gone with the server. Sizes in bytes."""

    size: int = 0
    file: Path | None = None
    lun: int = 0
    block_size: int = 512
    physical_block_size: int = 0  # 0: as block_size
    read_only: bool = False
    thin: bool = True
    serial: str = ""  # made from the target's name and the LUN unless given
    vendor: str = "Lundock"
    model: str = "Software disk"
    max_transfer: int = 8 << 20
    removable: bool = False


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """A target. `parameters` replaces what it supports (keys.KEYS), by the keys' own names."""

    name: str
    disks: tuple[DiskConfig, ...] = ()
    alias: str = ""
    chap: Account | None = None
    mutual: Account | None = None
    algorithms: tuple[int, ...] = (8, 7, 6, 5)
    initiators: tuple[str, ...] = ()  # who may sign in; empty: everybody
    portal_group: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)
    redirect: str = ""  # TargetAddress to send everybody to
    redirect_permanent: bool = False
    queue_depth: int = 128
    first_attention: bool = True  # a new session finds a unit attention "power on"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """A server. `announce` replaces the portals that SendTargets tells: "address:port,group"."""

    targets: tuple[TargetConfig, ...] = ()
    listen: tuple[tuple[str, int], ...] = (("127.0.0.1", 0),)
    discovery_chap: Account | None = None
    discovery_mutual: Account | None = None
    announce: tuple[str, ...] = ()
    login_timeout: float = 15.0


def parse_address(text: str) -> tuple[str, int]:
    """Split "127.0.0.1:3260" or "[::1]:0"."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def load(path: Path) -> ServerConfig:
    """Read a server's configuration; ValueError with the place when something in it is wrong."""
    raw = path.read_bytes()
    data = json.loads(raw) if path.suffix == ".json" else tomllib.loads(raw.decode("utf-8"))
    return from_data(data)


def from_data(data: Mapping[str, Any]) -> ServerConfig:
    """Build a configuration from what a file of either kind holds."""
    known = dict(data)
    values: dict[str, Any] = {
        "targets": tuple(_target(item) for item in known.pop("targets", ())),
        "discovery_chap": _account(known.pop("discovery_chap", None)),
        "discovery_mutual": _account(known.pop("discovery_mutual", None)),
        "announce": tuple(known.pop("announce", ())),
    }
    if "listen" in known:
        values["listen"] = tuple(parse_address(text) for text in known.pop("listen"))
    config: ServerConfig = _build(ServerConfig, {**values, **known}, "server")
    return config


def _target(data: Mapping[str, Any]) -> TargetConfig:
    known = dict(data)
    values: dict[str, Any] = {
        "disks": tuple(_disk(item) for item in known.pop("disks", ())),
        "chap": _account(known.pop("chap", None)),
        "mutual": _account(known.pop("mutual", None)),
        "initiators": tuple(known.pop("initiators", ())),
    }
    if "algorithms" in known:
        values["algorithms"] = tuple(_algorithm(name) for name in known.pop("algorithms"))
    target: TargetConfig = _build(TargetConfig, {**values, **known}, "target")
    unknown = set(target.parameters) - set(KEYS)
    if unknown:
        raise ValueError(f"target {target.name}: no such parameter: {', '.join(sorted(unknown))}")
    return target


def _disk(data: Mapping[str, Any]) -> DiskConfig:
    values = dict(data)
    if values.get("file"):
        values["file"] = Path(values["file"])
    disk: DiskConfig = _build(DiskConfig, values, "disk")
    if disk.file is None and disk.size <= 0:
        raise ValueError("disk: neither file nor size")
    return disk


def _account(data: Mapping[str, str] | None) -> Account | None:
    return None if data is None else Account(data["name"], data["secret"])


def _algorithm(name: str) -> int:
    plain = name.lower().replace("-", "").replace("_", "")
    for number, known in ALGORITHMS.items():
        if known.replace("_", "") == plain:
            return number
    raise ValueError(f"no such CHAP algorithm: {name}")


def _build(kind: Any, values: Mapping[str, Any], what: str) -> Any:
    try:
        return kind(**values)
    except TypeError as err:
        raise ValueError(f"{what}: {err}") from None
