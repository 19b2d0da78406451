# SPDX-License-Identifier: Apache-2.0
"""What `--json` prints: one object a command, its shape stable; members are only added.

    discover   {"address", "targets": [{"name", "portals": [PORTAL]}]}
    targets    {"targets": [TARGET]}
    add, show, set    {"target": TARGET}
    forget     {"forgotten": name}
    login      {"target": TARGET, "session": SESSION, "luns": [LUN]}
    logout     {"target": TARGET}
    sessions   {"sessions": [SESSION]}
    luns       {"luns": [LUN]}
    attach     {"lun": LUN, "device", "method", "reason"}
    eject      {"lun": LUN}
    stats      {"time", "sessions": [{"path", "target", COUNTERS, "read_rate", "write_rate"}],
                "luns": [{"path", "target", "lun", COUNTERS, "read_rate", "write_rate"}]}    (--watch: one line a look)
    rescan     {"luns": [LUN]}
    events     {"events": [{"id", "time", "kind", "target", "detail"}]}
    status     {"link", "bus", "version", "initiator_name", "initiator_alias", "attach_methods", "targets", "connected"}
    failure    {"error": {"code", "name", "exit", "summary", "meaning", "action", "attributes"}}

    PORTAL     {"address", "port", "portal_group"}
    TARGET     {"path", "number", "name", "alias", "portals", "startup", "owner", "interface", "sign_in", "chap_name",
                "target_chap_name", "state", "session", "last_error", "settings"}
    SESSION    {"path", "number", "target", "target_name", "state", "portal", "parameters", "connections", "since",
                "reconnects", "last_error"}
    LUN        {"path", "target", "target_name", "session", "lun", "address", "kind", "vendor", "model", "serial",
                "wwn", "size", "block_size", "physical_block_size", "read_only", "thin", "attach_method",
                "attach_reason", "device", "holders"}

Times are microseconds since 1970, sizes bytes, rates bytes a second (null where there is no earlier figure to compare
with), counters as in Manager.GetStatistics with underscores. A session or path that is not there is "".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ...helper.api.errors import Problem
from ..client.mirror import Snapshot
from ..client.objects import Lun, Session, Target
from ..text import explain


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


def target(view: Target) -> dict[str, Any]:
    """Return TARGET."""
    return _own(view) | {"number": view.number, "session": "" if view.session == "/" else view.session}


def session(view: Session, snapshot: Snapshot) -> dict[str, Any]:
    """Return SESSION."""
    record = snapshot.targets.get(view.target)
    return _own(view) | {"number": view.number, "target_name": record.name if record else ""}


def lun(view: Lun, snapshot: Snapshot) -> dict[str, Any]:
    """Return LUN."""
    record = snapshot.targets.get(view.target)
    return _own(view) | {"target_name": record.name if record else ""}


def failure(problem: Problem) -> dict[str, Any]:
    """Return what stands under "error"."""
    info = explain(problem)
    return {
        "code": problem.code,
        "name": problem.dbus_name,
        "exit": problem.exit_code,
        "summary": info.summary,
        "meaning": info.meaning,
        "action": info.action,
        "attributes": dict(problem.attrs),
    }
