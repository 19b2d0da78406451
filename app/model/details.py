# SPDX-License-Identifier: Apache-2.0
"""The Details page as rows: connection, identity, what was agreed at login with what it means. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import text
from ..client.mirror import Snapshot
from ..client.objects import Session, Target, portal_text
from ..client.operations import portals_text


@dataclass(frozen=True, slots=True)
class Detail:
    """One line: a section's heading when `name` is empty."""

    section: str
    name: str = ""
    value: str = ""
    meaning: str = ""


def _yes(value: Any) -> str:
    return "yes" if value in (True, "Yes", 1) else "no"


def _bytes(value: Any) -> str:
    return text.size_binary(value) if isinstance(value, int) else str(value)


def _seconds(value: Any) -> str:
    return f"{value} s"


#: Keys of RFC 7143 in the order shown: the value's form, and what it means to a person.
PARAMETERS: Mapping[str, tuple[Callable[[Any], str], str]] = {
    "HeaderDigest": (str, "Checksums over message headers"),
    "DataDigest": (str, "Checksums over the data"),
    "MaxRecvDataSegmentLength": (_bytes, "Largest piece of data in one message"),
    "TargetMaxRecvDataSegmentLength": (_bytes, "The same, as the target wants it"),
    "MaxBurstLength": (_bytes, "Most data the target asks for, or sends, in one go"),
    "FirstBurstLength": (_bytes, "Most data of a write that is sent unasked"),
    "ImmediateData": (_yes, "Small writes travel in one message with the command"),
    "InitialR2T": (_yes, "Writes wait for the target's word before sending data"),
    "MaxOutstandingR2T": (str, "Pieces of one write that the target asks for at once"),
    "DefaultTime2Wait": (_seconds, "Pause before connecting again after a loss"),
    "DefaultTime2Retain": (_seconds, "How long the target keeps unfinished work after a loss"),
    "MaxConnections": (str, "Connections in this session"),
    "ErrorRecoveryLevel": (str, "How much is repaired without a new login"),
    "TaskReporting": (str, "How the target reports tasks that were aborted"),
    "DataPDUInOrder": (_yes, "Data of a sequence comes in order"),
    "DataSequenceInOrder": (_yes, "Sequences of data come in order"),
}


def rows(snapshot: Snapshot, target: Target, now: float | None = None) -> list[Detail]:
    """Return every line of the page."""
    session = snapshot.session_of(target)
    found = [Detail("Target"), *_target(target)]
    if session is not None:
        found += [Detail("Connection"), *_connection(session, now)]
    found += [Detail("This computer"), *_computer(snapshot)]
    if session is not None and session.parameters:
        found += [Detail("Agreed at login"), *_parameters(session)]
    return found


def _target(target: Target) -> list[Detail]:
    sign_in = {"none": "no sign-in", "chap": "CHAP: this computer proves itself", "mutual": "CHAP, both sides"}
    lines = [
        ("Name", target.name, ""),
        ("Reached at", portals_text(target.portals), ""),
        ("Sign-in", sign_in.get(target.sign_in, target.sign_in), ""),
        ("CHAP name", target.chap_name, "The name this computer signs in with"),
        ("Target's CHAP name", target.target_chap_name, "The name the target proves itself with"),
        ("Network interface", target.interface or "the system's choice", ""),
        ("Start-up", {"manual": "by hand"}.get(target.startup, target.startup), ""),
    ]
    return [Detail("Target", *line) for line in lines if line[1]]


def _connection(session: Session, now: float | None) -> list[Detail]:
    lines = [
        ("Connected at", portal_text(session.portal) if session.portal else "", ""),
        ("Since", f"{text.exact(session.since)} ({text.ago(session.since, now)})" if session.since else "", ""),
        ("Lost and came back", f"{session.reconnects} times" if session.reconnects != 1 else "once", ""),
    ]
    for connection in session.connections:
        interface = connection.get("interface", "")
        value = f"{connection.get('local', '?')} → {connection.get('remote', '?')}"
        lines.append(("TCP connection", f"{value} ({interface})" if interface else value, ""))
    return [Detail("Connection", *line) for line in lines if line[1]]


def _computer(snapshot: Snapshot) -> list[Detail]:
    manager = snapshot.manager
    lines = [
        ("iSCSI name", manager.initiator_name, "Targets that keep a list of allowed computers want this name on it"),
        ("Alias", manager.initiator_alias, "A readable name that is sent along"),
    ]
    return [Detail("This computer", *line) for line in lines if line[1]]


def _parameters(session: Session) -> list[Detail]:
    lines = []
    for name, value in session.parameters.items():
        if name not in PARAMETERS and value != "":
            lines.append(Detail("Agreed at login", name, str(value)))
    known = [
        Detail("Agreed at login", name, show(session.parameters[name]), meaning)
        for name, (show, meaning) in PARAMETERS.items()
        if name in session.parameters
    ]
    return known + lines


def as_text(details: list[Detail]) -> str:
    """Return the page as plain text, to copy."""
    return "\n".join(f"\n{d.section}" if not d.name else f"  {d.name}: {d.value}" for d in details).strip() + "\n"
