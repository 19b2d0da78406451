# SPDX-License-Identifier: Apache-2.0
"""What the next helper has to know of a session to go on with its worker: one small file each in the run folder.

No secrets: those stay in the worker, and are handed over by it. A file is replaced as a whole, and read with the same
distrust as a message.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .api import control
from .api.control import ControlError
from .attach import Attachment
from .supervision import SIGN_INS, ConnectionRecord, Portal, SessionSpec

log = logging.getLogger(__name__)

_VERSION = 1
_MAX_FILE = 1 << 20
_SUFFIX = ".session"
_KEY = re.compile(r"[A-Za-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True)
class KeptDisk:
    """An attachment without its descriptor. Not `ready`: it was being made."""

    lun: str
    method: str
    front: int
    path: str
    read_only: bool
    reason: str
    lock: bool = False
    device: str = ""
    connection: int = 0
    wwn: str = ""
    ready: bool = False

    @classmethod
    def of(cls, one: Attachment) -> KeptDisk:
        """Return what is kept of an attachment."""
        return cls(
            one.lun, one.method, one.front, str(one.path), one.read_only, one.reason, one.lock, one.device,
            one.connection, one.wwn, ready=True,
        )  # fmt: skip

    def attachment(self, descriptor: int) -> Attachment:
        """Return the attachment with its descriptor (-1: there is none any more)."""
        return Attachment(
            self.lun, self.method, self.front, Path(self.path), self.read_only, self.reason, self.lock, self.device,
            descriptor, self.connection, self.wwn,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """A session. `portals` and `numbers` are the addresses that names were resolved to."""

    spec: SessionSpec
    portals: tuple[Portal, ...]
    numbers: Mapping[str, tuple[str, ...]]
    pid: int
    started: int
    since: int
    reconnects: int
    last_error: str
    connections: tuple[ConnectionRecord, ...]
    disks: tuple[KeptDisk, ...]


_text = control.text(control.TEXT_LENGTH)
_count = control.integer(0, 2**63 - 1)
_portal = control.record(address=_text, port=control.integer(1, 65535), portal_group=control.integer(-1, 65535))


def _path(value: Any) -> Any:
    if not isinstance(value, str) or len(value) > 4096 or "\0" in value:
        raise ControlError("not a path")
    return value


def _numbers(value: Any) -> Any:
    """Names with the addresses that they have."""
    if not isinstance(value, dict) or len(value) > 256:
        raise ControlError("not an object within its bounds")
    return {_text(name): control.many(_text, 64, 1)(found) for name, found in value.items()}


_spec = control.record(
    key=_text,
    target_name=control.text(control.NAME_LENGTH),
    portals=control.many(_portal, 64, 1),
    initiator_name=control.text(control.NAME_LENGTH),
    initiator_alias=_text,
    isid=control.digits(12),
    interface=_text,
    sign_in=control.one_of(*SIGN_INS),
    chap_name=_text,
    target_chap_name=_text,
    settings=control.settings,
)
_disk = control.record(
    lun=control.digits(16),
    method=control.text(16),
    front=control.integer(1, 65535),
    path=_path,
    read_only=control.boolean,
    reason=control.text(500),
    lock=control.boolean,
    device=_path,
    connection=_count,
    wwn=_text,
    ready=control.boolean,
)
_kept = control.record(
    version=control.integer(_VERSION, _VERSION),
    spec=_spec,
    portals=control.many(_portal, 64, 1),
    numbers=_numbers,
    pid=control.integer(1, 2**31 - 1),
    started=_count,
    since=_count,
    reconnects=_count,
    last_error=control.text(64),
    connections=control.many(control.record(id=_count, local=_text, remote=_text, interface=_text), 64),
    disks=control.many(_disk, control.MAX_LUNS),
)


def _place(run_dir: Path, key: str) -> Path:
    return run_dir / f"{key}{_SUFFIX}"


def _portal_rows(portals: Sequence[Portal]) -> list[dict[str, Any]]:
    return [{"address": p.address, "port": p.port, "portal_group": p.portal_group} for p in portals]


def _fields(value: Any) -> dict[str, Any]:
    """Return a flat dataclass with slots as a dictionary."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def save(run_dir: Path, kept: Kept) -> None:
    """Write the file anew. A failure is only logged: the session goes on without being found again."""
    spec = _fields(kept.spec)
    del spec["secrets"]
    spec |= {"isid": kept.spec.isid.hex(), "portals": _portal_rows(kept.spec.portals)}
    spec |= {"settings": dict(kept.spec.settings)}
    whole = _fields(kept) | {
        "version": _VERSION,
        "spec": spec,
        "portals": _portal_rows(kept.portals),
        "numbers": {name: list(found) for name, found in kept.numbers.items()},
        "connections": [_fields(one) for one in kept.connections],
        "disks": [_fields(one) for one in kept.disks],
    }
    place = _place(run_dir, kept.spec.key)
    draft = place.with_suffix(".new")
    try:
        number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(whole, file)
        draft.replace(place)
    except OSError as error:
        log.error("%s could not be noted for the next helper: %s", kept.spec.key, error)  # noqa: TRY400 - says it all


def forget(run_dir: Path, key: str) -> None:
    """Remove the file, if there is one."""
    for place in (_place(run_dir, key), _place(run_dir, key).with_suffix(".new")):
        place.unlink(missing_ok=True)


def load_all(run_dir: Path) -> list[Kept]:
    """Return what earlier helpers have kept. What is not readable is logged, and left where it is."""
    found = []
    for place in sorted(run_dir.glob(f"*{_SUFFIX}")):
        try:
            found.append(_load(place))
        except (OSError, ValueError, RecursionError, ControlError) as error:
            log.error("%s is not usable: %s", place, error)  # noqa: TRY400 - says it all
    return found


def _load(place: Path) -> Kept:
    number = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(number, "rb") as file:
        data = file.read(_MAX_FILE + 1)
    if len(data) > _MAX_FILE:
        raise ControlError("too long")
    found = _kept(json.loads(data))
    spec = found["spec"]
    if not _KEY.fullmatch(spec["key"]) or place.name != spec["key"] + _SUFFIX:
        raise ControlError("another session's")
    spec |= {"isid": bytes.fromhex(spec["isid"]), "portals": tuple(Portal(**one) for one in spec["portals"])}
    del found["version"]
    return Kept(
        **found
        | {
            "spec": SessionSpec(**spec),
            "portals": tuple(Portal(**one) for one in found["portals"]),
            "numbers": {name: tuple(known) for name, known in found["numbers"].items()},
            "connections": tuple(ConnectionRecord(**one) for one in found["connections"]),
            "disks": tuple(KeptDisk(**one) for one in found["disks"]),
        }
    )
