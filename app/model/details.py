# SPDX-License-Identifier: Apache-2.0
"""The Details page as rows: connection, identity, what was agreed at login with what it means. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import text
from ..client.mirror import Snapshot
from ..client.objects import Lun, Session, Target, portal_text
from ..client.operations import portals_text
from ..words import mark, tr


@dataclass(frozen=True, slots=True)
class Detail:
    """One line: a section's heading when `name` is empty."""

    section: str
    name: str = ""
    value: str = ""
    meaning: str = ""


def _yes(value: Any) -> str:
    return tr("yes") if value in (True, "Yes", 1) else tr("no")


def _bytes(value: Any) -> str:
    return text.size_binary(value) if isinstance(value, int) else str(value)


def _seconds(value: Any) -> str:
    return tr("{number} s", "seconds").format(number=value)


#: Keys of RFC 7143 in the order shown: the value's form, and what it means to a person.
PARAMETERS: Mapping[str, tuple[Callable[[Any], str], str]] = {
    "HeaderDigest": (str, mark("Checksums over message headers")),
    "DataDigest": (str, mark("Checksums over the data")),
    "MaxRecvDataSegmentLength": (_bytes, mark("Largest piece of data in one message")),
    "TargetMaxRecvDataSegmentLength": (_bytes, mark("The same, as the target wants it")),
    "MaxBurstLength": (_bytes, mark("Most data the target asks for, or sends, in one go")),
    "FirstBurstLength": (_bytes, mark("Most data of a write that is sent unasked")),
    "ImmediateData": (_yes, mark("Small writes travel in one message with the command")),
    "InitialR2T": (_yes, mark("Writes wait for the target's word before sending data")),
    "MaxOutstandingR2T": (str, mark("Pieces of one write that the target asks for at once")),
    "DefaultTime2Wait": (_seconds, mark("Pause before connecting again after a loss")),
    "DefaultTime2Retain": (_seconds, mark("How long the target keeps unfinished work after a loss")),
    "MaxConnections": (str, mark("Connections in this session")),
    "ErrorRecoveryLevel": (str, mark("How much is repaired without a new login")),
    "TaskReporting": (str, mark("How the target reports tasks that were aborted")),
    "DataPDUInOrder": (_yes, mark("Data of a sequence comes in order")),
    "DataSequenceInOrder": (_yes, mark("Sequences of data come in order")),
}


def rows(snapshot: Snapshot, target: Target, now: float | None = None) -> list[Detail]:
    """Return every line of the page."""
    session = snapshot.session_of(target)
    found = [Detail(tr("Target")), *_target(target)]
    if session is not None:
        found += [Detail(tr("Connection")), *_connection(session, now)]
    if session is not None and (luns := snapshot.shown_luns(target)):
        found += [Detail(tr("Data path")), *map(_data_path, luns)]
    found += [Detail(tr("This computer")), *_computer(snapshot)]
    if session is not None and session.parameters:
        found += [Detail(tr("Agreed at login")), *_parameters(session)]
    return found


def _target(target: Target) -> list[Detail]:
    sign_in = {
        "none": tr("no sign-in"),
        "chap": tr("CHAP: this computer proves itself"),
        "mutual": tr("CHAP, both sides"),
    }
    lines = [
        (tr("Name"), target.name, ""),
        (tr("Reached at"), portals_text(target.portals), ""),
        (tr("Sign-in"), sign_in.get(target.sign_in, target.sign_in), ""),
        (tr("CHAP name"), target.chap_name, tr("The name this computer signs in with")),
        (tr("Target's CHAP name"), target.target_chap_name, tr("The name the target proves itself with")),
        (tr("Network interface"), target.interface or tr("the system's choice"), ""),
        (tr("Start-up"), text.startup(target.startup), ""),
    ]
    return [Detail(tr("Target"), *line) for line in lines if line[1]]


def _connection(session: Session, now: float | None) -> list[Detail]:
    lines = [
        (tr("Connected at"), portal_text(session.portal) if session.portal else "", ""),
        (tr("Since"), f"{text.exact(session.since)} ({text.ago(session.since, now)})" if session.since else "", ""),
        (tr("Lost and came back"), tr("%n time(s)", "", session.reconnects), ""),
    ]
    for connection in session.connections:
        interface = connection.get("interface", "")
        value = f"{connection.get('local', '?')} → {connection.get('remote', '?')}"
        lines.append((tr("TCP connection"), f"{value} ({interface})" if interface else value, ""))
    return [Detail(tr("Connection"), *line) for line in lines if line[1]]


def _data_path(lun: Lun) -> Detail:
    """How a disk is to be used on this computer, and why in this way."""
    way = tr("as {method}").format(method=lun.attach_method)
    value = f"{lun.device} · {way}" if lun.device else tr("Not attached")
    return Detail(tr("Data path"), f"LUN {lun.lun}", value, text.attach_reason(lun.attach_reason))


def _computer(snapshot: Snapshot) -> list[Detail]:
    manager = snapshot.manager
    lines = [
        (
            tr("iSCSI name"),
            manager.initiator_name,
            tr("Targets that keep a list of allowed computers want this name on it"),
        ),
        (tr("Alias"), manager.initiator_alias, tr("A readable name that is sent along")),
    ]
    return [Detail(tr("This computer"), *line) for line in lines if line[1]]


def _parameters(session: Session) -> list[Detail]:
    lines = []
    for name, value in session.parameters.items():
        if name not in PARAMETERS and value != "":
            lines.append(Detail(tr("Agreed at login"), name, str(value)))
    known = [
        Detail(tr("Agreed at login"), name, show(session.parameters[name]), tr(meaning))
        for name, (show, meaning) in PARAMETERS.items()
        if name in session.parameters
    ]
    return known + lines


def as_text(details: list[Detail]) -> str:
    """Return the page as plain text, to copy."""
    return "\n".join(f"\n{d.section}" if not d.name else f"  {d.name}: {d.value}" for d in details).strip() + "\n"
