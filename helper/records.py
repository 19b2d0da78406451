# SPDX-License-Identifier: Apache-2.0
"""Between what callers give and what is saved or handed to the supervisor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from . import checks
from .api.errors import Problem
from .api.settings import Value, check_all, table
from .store import PortalRecord, TargetRecord
from .supervision import DiscoverRequest, Secrets, SessionSpec


def portal_rows(portals: Sequence[Any]) -> list[dict[str, Any]]:
    """Return portals as the bus shows them."""
    return [{"address": p.address, "port": p.port, "portal-group": p.portal_group} for p in portals]


def sign_in_fields(options: Mapping[str, Any], base: TargetRecord | None = None, interface: str = "") -> dict[str, Any]:
    """Return the fields of a spec that say how to sign in: the options', else the record's."""
    sign_in = options.get("sign-in", base.sign_in if base else "none")
    ours = options.get("chap-name", base.chap_name if base else "")
    theirs = options.get("target-chap-name", base.target_chap_name if base else "")
    return {
        "interface": base.interface if base else interface,
        "sign_in": checks.sign_in(sign_in),
        "chap_name": checks.chap_name("chap-name", ours),
        "target_chap_name": checks.chap_name("target-chap-name", theirs),
    }


def hints(name: str, spec: DiscoverRequest | SessionSpec) -> dict[str, Any]:
    """Return what an agent is told about what is needed."""
    wants = ["secret", "target-secret"] if spec.sign_in == "mutual" else ["secret"]
    return {
        "target-name": name,
        "chap-name": spec.chap_name,
        "target-chap-name": spec.target_chap_name,
        "wants": wants,
    }


def enough(secrets: Secrets, sign_in: str, asked: Mapping[str, Any]) -> Secrets:
    """Return the secrets if all are there that `sign_in` needs. Raises Problem("SecretsUnavailable")."""
    if sign_in == "mutual" and not secrets.target_secret:
        detail = "The target's own secret is missing."
        raise Problem("SecretsUnavailable", target=str(asked["target-name"]), detail=detail)
    return secrets


#: Option of a call to field of the record, and what checks and brings it to one form.
Changes = Mapping[str, tuple[str, Callable[[Any], Any]]]

_SIGN_IN: Changes = {
    "interface": ("interface", checks.interface),
    "sign-in": ("sign_in", checks.sign_in),
    "chap-name": ("chap_name", partial(checks.chap_name, "chap-name")),
    "target-chap-name": ("target_chap_name", partial(checks.chap_name, "target-chap-name")),
}
TARGET_CHANGES: Changes = {
    **_SIGN_IN,
    "alias": ("alias", checks.alias),
    "startup": ("startup", checks.startup),
    "portals": ("portals", checks.portals),
}
PORTAL_CHANGES: Changes = {**_SIGN_IN, "interval": ("interval", checks.interval)}

Record = TypeVar("Record", TargetRecord, PortalRecord)


def apply_changes(record: Record, changes: Mapping[str, Any], table: Changes) -> Record:
    """Return the record with those changes that are in the table, all checked."""
    fields = {table[name][0]: table[name][1](value) for name, value in changes.items() if name in table}
    return replace(record, **fields)


def changed(record: TargetRecord, changes: Mapping[str, Any]) -> TargetRecord:
    """Return a target's record with the changes, all checked.

    Who names other portals takes the record out of discovery's hands.
    """
    record = apply_changes(record, changes, TARGET_CHANGES)
    if "portals" in changes:
        record = replace(record, source=0, vanished=False)
    if "settings" in changes:
        record = replace(record, settings=_merged(record.settings, changes["settings"]))
    return record


def _merged(old: Mapping[str, Value], changes: Mapping[str, Any]) -> dict[str, Value]:
    """Return the settings of a target's own after `changes`; an empty string gives one back."""
    back = {name for name, value in changes.items() if value == "" and name in table()}
    new = check_all({name: value for name, value in changes.items() if name not in back})
    return {name: value for name, value in {**old, **new}.items() if name not in back}
