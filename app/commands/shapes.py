# SPDX-License-Identifier: Apache-2.0
"""What `--json` prints, as data: docs/command-line.md is made from it, and tests hold every output against it.

A shape is a type, a list of one shape, a dictionary of shapes by member, a Record, or Maybe(shape). `object` is a
dictionary whose members are not listed here. Shapes are stable: members are only added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..client.mirror import Snapshot
    from ..client.objects import Job, Lun, Portal, Session, Target


@dataclass(frozen=True, slots=True)
class Record:
    """A dictionary that several commands print. What a member is says `own`, else the bus's property of that name."""

    name: str
    about: str
    members: Mapping[str, Any]
    interface: str = ""
    own: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Maybe:
    """The shape, or null."""

    shape: Any


PORTAL = Record(
    "PORTAL", "where a target is reached", {"address": str, "port": int, "portal_group": int},
    own={"address": "Name or number.", "port": "3260 is usual.", "portal_group": "Its tag; -1: any."},
)  # fmt: skip
FOUND = Record(
    "FOUND", "a target that an address offers", {"name": str, "portals": [PORTAL]},
    own={"name": "Its iSCSI name.", "portals": "Where it is reached."},
)  # fmt: skip
TARGET = Record(
    "TARGET",
    "a saved target",
    {
        "path": str, "number": int, "name": str, "alias": str, "portals": [PORTAL], "startup": str, "owner": int,
        "source": str, "vanished": bool, "interface": str, "sign_in": str, "chap_name": str, "target_chap_name": str,
        "state": str, "session": str, "last_error": str, "last_error_facts": object, "settings": object,
        "settings_origin": object,
    },
    "Target",
    {
        "path": "Its object on the bus.",
        "number": "As `lundock` takes it for TARGET.",
        "session": "The path of its session; empty when there is none.",
        "source": "The path of the kept address that found it; empty when a person saved it.",
        "settings": "Each setting (docs/settings.md) with its value.",
        "settings_origin": "Where each value comes from: `default`, `target`, or a system-wide file.",
    },
)  # fmt: skip
SESSION = Record(
    "SESSION",
    "a live login",
    {
        "path": str, "number": int, "target": str, "target_name": str, "state": str, "portal": object,
        "parameters": object, "connections": [object], "since": int, "reconnects": int, "last_error": str,
        "last_error_facts": object,
    },
    "Session",
    {
        "path": "Its object on the bus.", "number": "At the end of the path.", "target": "The target's path.",
        "target_name": "The target's iSCSI name.", "portal": "Where it is connected: a PORTAL.",
    },
)  # fmt: skip
LUN = Record(
    "LUN",
    "a disk, or what else a target shows",
    {
        "path": str, "target": str, "target_name": str, "session": str, "lun": int, "address": str, "kind": str,
        "vendor": str, "model": str, "serial": str, "wwn": str, "size": int, "block_size": int,
        "physical_block_size": int, "read_only": bool, "thin": bool, "attach_method": str, "attach_reason": str,
        "device": str, "holders": [object],
    },
    "Lun",
    {
        "path": "Its object on the bus.", "target": "The target's path.", "target_name": "The target's iSCSI name.",
        "session": "The session's path.", "lun": "Its number as people write it.",
    },
)  # fmt: skip
ADDRESS = Record(
    "ADDRESS",
    "an address that is kept and looked at",
    {
        "path": str, "number": int, "address": str, "method": str, "interval": int, "owner": int, "interface": str,
        "sign_in": str, "chap_name": str, "target_chap_name": str, "last_result": str, "last_result_facts": object,
        "last_look": int, "last_seen": int,
    },
    "Portal",
    {"path": "Its object on the bus.", "number": "As `lundock portal` takes it."},
)  # fmt: skip
JOB = Record(
    "JOB",
    "work that is being done",
    {
        "path": str, "number": int, "kind": str, "step": str, "progress": Maybe(float), "objects": [str],
        "started_by": int, "finished": bool, "error": str,
    },
    "Job",
    {
        "path": "Its object on the bus.", "number": "As `lundock cancel` takes it.",
        "progress": "0 to 1; null where it is not known.",
    },
)  # fmt: skip
EVENT = Record(
    "EVENT",
    "an entry of the timeline",
    {"id": int, "time": int, "kind": str, "target": str, "detail": object},
    own={
        "id": "Its number, for `--since`.", "time": "When.", "kind": "As in Manager.GetEvents.",
        "target": "The target's iSCSI name, or empty.", "detail": "As in Manager.GetEvents.",
    },
)  # fmt: skip
FIGURES = Record(
    "FIGURES",
    "counters and rates at one moment",
    {"time": int, "sessions": [object], "luns": [object]},
    own={
        "time": "When it was looked.",
        "sessions": "Of each session path, target (its name), the counters of Manager.GetStatistics, read_rate and"
        " write_rate.",
        "luns": "Of each disk path, target, lun (its number), and the same.",
    },
)
STEP = Record(
    "STEP",
    "a step of a diagnosis",
    {
        "name": str, "portal": str, "address": str, "number": str, "verdict": str, "time": int, "cause": str,
        "facts": object, "summary": str, "action": str, "detail": object,
    },
    own={
        "name": "As in Manager.Diagnose.", "portal": "Which of several it is about, in words.",
        "address": "The same without words: the portal.", "number": "Which of its numbers, where it has a name.",
        "verdict": "`ok`, `warning`, `failed` or `skipped`.", "time": "How long it took, microseconds.",
        "cause": "Code of the error.", "facts": "What its sentences mention.",
        "summary": "What was found, in words.", "action": "What to do.",
        "detail": "What was found.",
    },
)  # fmt: skip
FAILURE = Record(
    "FAILURE",
    "what went wrong",
    {"code": str, "name": str, "exit": int, "summary": str, "meaning": str, "action": str, "attributes": object},
    own={
        "code": "Stands for the error for ever.", "name": "The D-Bus error name.", "exit": "The exit code.",
        "summary": "What happened.", "meaning": "What it means.", "action": "What to do.",
        "attributes": "What the sentences mention.",
    },
)  # fmt: skip
RECORDS = (PORTAL, FOUND, TARGET, SESSION, LUN, ADDRESS, JOB, EVENT, FIGURES, STEP, FAILURE)

_CONNECTED = {"target": TARGET, "session": Maybe(SESSION), "luns": [LUN]}
#: What each command prints when it goes well.
OUTPUT: Mapping[str, Any] = {
    "connect": _CONNECTED,
    "discover": {"address": str, "targets": [FOUND]},
    "targets": {"targets": [TARGET]},
    "add": {"target": TARGET},
    "show": {"target": TARGET},
    "set": {"target": TARGET},
    "forget": {"forgotten": str},
    "portal list": {"portals": [ADDRESS]},
    "portal add": {"portal": ADDRESS},
    "portal refresh": {"portal": ADDRESS, "found": [TARGET], "new": [str]},
    "portal login": {"targets": [TARGET], "failed": [{"name": str, "error": FAILURE}]},
    "portal set": {"portal": ADDRESS},
    "portal remove": {"removed": str},
    "login": _CONNECTED,
    "logout": {"target": TARGET},
    "sessions": {"sessions": [SESSION]},
    "rescan": {"luns": [LUN]},
    "probe": {"target": TARGET, "sign_in": str},
    "luns": {"luns": [LUN]},
    "attach": {"lun": LUN, "device": str, "method": str, "reason": str},
    "eject": {"lun": LUN},
    "mount": {"lun": LUN, "mounted": str},
    "unmount": {"lun": LUN},
    "format": {"lun": LUN, "kind": str, "label": str},
    "nbd": {"lun": LUN, "uri": str},
    "watch": FIGURES,
    "stats": FIGURES,
    "events": {"events": [EVENT]},
    "diagnose": {
        "address": str, "verdict": str, "cause": str, "facts": object, "summary": str, "meaning": str, "action": str,
        "initiator_name": str, "steps": [STEP], "report": str,
    },
    "status": {
        "link": str, "bus": str, "version": str, "initiator_name": str, "initiator_alias": str,
        "initiator_name_warning": str, "attach_methods": [object], "targets": int, "connected": int,
    },
    "name": {"initiator_name": str, "initiator_alias": str, "warning": str},
    "jobs": {"jobs": [JOB]},
    "cancel": {"cancelled": str},
    "agent": {"agent": str},
    "completion": {"shell": str, "script": str},
}  # fmt: skip
#: Commands that go on printing: one object a line.
LINES: Mapping[str, str] = {
    "watch": "one FIGURES a look",
    "stats": "with --watch or --count: one FIGURES a look",
    "events": "with --follow: then one EVENT a line as {\"event\": EVENT}",
    "nbd": "one line as soon as the socket is there",
    "agent": "one line as soon as it is registered",
}  # fmt: skip


def keys(values: Any) -> Any:
    """Return the same with underscores in the keys of dictionaries, all the way down."""
    if isinstance(values, Mapping):
        return {str(key).replace("-", "_"): keys(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [keys(value) for value in values]
    return values


def _own(view: Any) -> dict[str, Any]:
    found = {f.name: getattr(view, f.name) for f in fields(view)}
    return {name: (value if name == "parameters" else keys(value)) for name, value in found.items()}


def _path(path: str) -> str:
    return "" if path == "/" else path


def target(view: Target) -> dict[str, Any]:
    """Return TARGET."""
    return _own(view) | {"number": view.number, "session": _path(view.session), "source": _path(view.source)}


def session(view: Session, snapshot: Snapshot) -> dict[str, Any]:
    """Return SESSION."""
    record = snapshot.targets.get(view.target)
    return _own(view) | {"number": view.number, "target_name": record.name if record else ""}


def lun(view: Lun, snapshot: Snapshot) -> dict[str, Any]:
    """Return LUN."""
    record = snapshot.targets.get(view.target)
    return _own(view) | {"target_name": record.name if record else ""}


def address(view: Portal) -> dict[str, Any]:
    """Return ADDRESS."""
    return _own(view) | {"number": view.number}


def job(view: Job) -> dict[str, Any]:
    """Return JOB."""
    found = _own(view)
    del found["details"], found["progress_valid"]
    return found | {"number": view.number, "progress": view.progress if view.progress_valid else None}
