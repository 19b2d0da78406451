# SPDX-License-Identifier: Apache-2.0
"""The operational keys of login as data (RFC 7143, chapter 13), and what was agreed.

Each row of KEYS says what chapter 13 says: who may use it when, its type, default and range, the function that yields
the result, and which of our settings feeds it; what is no setting stands in NOT_SETTINGS, with the reason. What a
peer's value may be follows from the row alone: `accept` checks an answer to what we offered, `respond` answers what
the target offers. Both raise ValueError for what the row forbids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum

from ..api import settings as settings_table
from ..api.settings import Value
from . import text

Agreed = bool | int | str


class Kind(Enum):
    """Type of a key's value (6.1)."""

    NUMBER = "numerical-value"
    BOOLEAN = "boolean-value"
    LIST = "list-of-values"
    TEXT = "text"


class Result(Enum):
    """How two values become one (13): checks of the responder's selection."""

    MINIMUM = "Minimum"
    MAXIMUM = "Maximum"
    AND = "AND"
    OR = "OR"
    FIRST = "first of the list"  # 6.2.1
    DECLARED = "declarative"


@dataclass(frozen=True, slots=True)
class Key:
    """A row: `use` as in chapter 13 (IO, LO, ALL), `scope` SW or CO; `setting` feeds our offer, `fixed` replaces it.

    `parameter` is where the result goes in Parameters. `newer`: than RFC 3720; targets from then answer NotUnderstood
    (4.2.2.3.4), and it is proposed only when something else is wanted than what holds anyway.
    """

    name: str
    rfc: str
    use: str
    scope: str
    kind: Kind
    result: Result
    default: Agreed
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()
    irrelevant_in_discovery: bool = False
    setting: str = ""
    fixed: Agreed | None = None
    parameter: str = ""
    newer: bool = False


_LONGEST = 2**24 - 1
#: Read when this is imported: later a worker has no files any more.
DEFAULTS: Mapping[str, Value] = settings_table.defaults()
_DIGESTS = ("None", "CRC32C")


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key(
            "HeaderDigest", "13.1", "IO", "CO", Kind.LIST, Result.FIRST, "None",
            choices=_DIGESTS, setting="header_digest", parameter="header_digest",
        ),
        Key(
            "DataDigest", "13.1", "IO", "CO", Kind.LIST, Result.FIRST, "None",
            choices=_DIGESTS, setting="data_digest", parameter="data_digest",
        ),
        Key(
            "MaxConnections", "13.2", "LO", "SW", Kind.NUMBER, Result.MINIMUM, 1, low=1, high=65535,
            irrelevant_in_discovery=True, setting="max_connections", parameter="max_connections",
        ),
        Key(
            "InitialR2T", "13.10", "LO", "SW", Kind.BOOLEAN, Result.OR, True,
            irrelevant_in_discovery=True, setting="initial_r2t", parameter="initial_r2t",
        ),
        Key(
            "ImmediateData", "13.11", "LO", "SW", Kind.BOOLEAN, Result.AND, True,
            irrelevant_in_discovery=True, setting="immediate_data", parameter="immediate_data",
        ),
        Key(
            "MaxRecvDataSegmentLength", "13.12", "ALL", "CO", Kind.NUMBER, Result.DECLARED, 8192,
            low=512, high=_LONGEST, setting="max_recv_data_segment_length", parameter="max_send",
        ),
        Key(
            "MaxBurstLength", "13.13", "LO", "SW", Kind.NUMBER, Result.MINIMUM, 262144, low=512, high=_LONGEST,
            irrelevant_in_discovery=True, setting="max_burst_length", parameter="max_burst_length",
        ),
        Key(
            "FirstBurstLength", "13.14", "LO", "SW", Kind.NUMBER, Result.MINIMUM, 65536, low=512, high=_LONGEST,
            irrelevant_in_discovery=True, setting="first_burst_length", parameter="first_burst_length",
        ),
        Key(
            "DefaultTime2Wait", "13.15", "LO", "SW", Kind.NUMBER, Result.MAXIMUM, 2, high=3600,
            setting="default_time2wait", parameter="default_time2wait",
        ),
        Key(
            "DefaultTime2Retain", "13.16", "LO", "SW", Kind.NUMBER, Result.MINIMUM, 20, high=3600,
            setting="default_time2retain", parameter="default_time2retain",
        ),
        Key(
            "MaxOutstandingR2T", "13.17", "LO", "SW", Kind.NUMBER, Result.MINIMUM, 1, low=1, high=65535,
            irrelevant_in_discovery=True, setting="max_outstanding_r2t", parameter="max_outstanding_r2t",
        ),
        Key(
            "DataPDUInOrder", "13.18", "LO", "SW", Kind.BOOLEAN, Result.OR, True,
            irrelevant_in_discovery=True, setting="data_pdu_in_order", parameter="data_pdu_in_order",
        ),
        Key(
            "DataSequenceInOrder", "13.19", "LO", "SW", Kind.BOOLEAN, Result.OR, True,
            irrelevant_in_discovery=True, setting="data_sequence_in_order", parameter="data_sequence_in_order",
        ),
        # 7.4.1: a discovery session need not negotiate it, and answers 0 where the target does.
        Key(
            "ErrorRecoveryLevel", "13.20", "LO", "SW", Kind.NUMBER, Result.MINIMUM, 0, high=2,
            irrelevant_in_discovery=True, setting="error_recovery_level", parameter="error_recovery_level",
        ),
        Key(
            "TaskReporting", "13.23", "LO", "SW", Kind.LIST, Result.FIRST, "RFC3720",
            choices=("RFC3720", "ResponseFence"), irrelevant_in_discovery=True, setting="task_reporting",
            parameter="task_reporting", newer=True,
        ),
        Key(
            "iSCSIProtocolLevel", "13.24", "LO", "SW", Kind.NUMBER, Result.MINIMUM, 1, high=31, fixed=1, newer=True,
        ),
    )
}  # fmt: skip

#: What chapters 12 and 13 define beside, and why no setting has it.
NOT_SETTINGS: Mapping[str, str] = {
    "iSCSIProtocolLevel": "13.24: who keeps to RFC 7143 says 1, asking or answering.",
    "SendTargets": "13.3: what a discovery session asks; it is nothing that a session agrees on.",
    "TargetName": "13.4: whom a record or a URL names.",
    "InitiatorName": "13.5: who we are, for all targets (SetInitiatorName).",
    "TargetAlias": "13.6: the target says it.",
    "InitiatorAlias": "13.7: who we are, as InitiatorName.",
    "TargetAddress": "13.8: the target says it.",
    "TargetPortalGroupTag": "13.9: the target says it; a record has it with each address.",
    "SessionType": "13.21: discovery, or a session with the record's target.",
    "IFMarker": "13.25: obsolete, answered Reject.",
    "OFMarker": "13.25: obsolete, answered Reject.",
    "IFMarkInt": "13.25: obsolete, answered Reject.",
    "OFMarkInt": "13.25: obsolete, answered Reject.",
    "X#NodeArchitecture": "13.26: nothing is told of this computer (9.4).",
    "AuthMethod": "12.1: the sign-in of a record; secrets in a URL.",
    "CHAP_I": "12.1.3: a number for each challenge.",
    "CHAP_C": "12.1.3: made for each login.",
    "CHAP_N": "12.1.3: the name of a record's sign-in, the user of a URL.",
    "CHAP_R": "12.1.3: made of the secret, which is no setting.",
}
#: 13.25: asked for by old targets, answered Reject.
OBSOLETE = frozenset({"IFMarker", "OFMarker", "IFMarkInt", "OFMarkInt"})
#: 13, Any-Stage: may come in the security stage too. X#NodeArchitecture is passed over in silence (13.26.2).
ANY_STAGE = frozenset({"TargetAlias", "TargetAddress", "TargetPortalGroupTag", "X#NodeArchitecture"})
#: May be said more than once in a login (6.3).
REPEATABLE = frozenset({"TargetAddress"})
#: Only the initiator may say these (13.4, 13.5, 13.7, 13.21; SendTargets is for full feature phase).
INITIATOR_ONLY = frozenset({"InitiatorName", "InitiatorAlias", "TargetName", "SessionType", "SendTargets"})


@dataclass(frozen=True, slots=True)
class Parameters:
    """What holds for a connection after login; the defaults are those of chapter 13.

    `max_send` is the target's MaxRecvDataSegmentLength, `max_recv` ours (13.12: declared, for each direction).
    """

    header_digest: bool = False
    data_digest: bool = False
    max_connections: int = 1
    initial_r2t: bool = True
    immediate_data: bool = True
    max_send: int = 8192
    max_recv: int = 8192
    max_burst_length: int = 262144
    first_burst_length: int = 65536
    default_time2wait: int = 2
    default_time2retain: int = 20
    max_outstanding_r2t: int = 1
    data_pdu_in_order: bool = True
    data_sequence_in_order: bool = True
    error_recovery_level: int = 0
    task_reporting: str = "RFC3720"

    def as_dict(self) -> dict[str, str | int | bool]:
        """Return what was agreed by the keys' names in the RFC; the two directions of 13.12 are told apart."""
        values: dict[str, str | int | bool] = {}
        for key in KEYS.values():
            if key.parameter and key.name != "MaxRecvDataSegmentLength":
                values[key.name] = getattr(self, key.parameter)
        for name in ("HeaderDigest", "DataDigest"):
            values[name] = "CRC32C" if values[name] else "None"
        values["MaxRecvDataSegmentLength"] = self.max_recv
        values["TargetMaxRecvDataSegmentLength"] = self.max_send
        return values


def make_parameters(agreed: Mapping[str, Agreed], max_recv: int) -> Parameters:
    """Return Parameters from results by key name; what is not in `agreed` has its default.

    13.14: FirstBurstLength does not exceed MaxBurstLength; a target that breaks this is held to the smaller one.
    """
    values: dict[str, Agreed] = {}
    known = {field.name for field in fields(Parameters)}
    for name, value in agreed.items():
        parameter = KEYS[name].parameter
        if parameter in known:
            values[parameter] = value == "CRC32C" if name in ("HeaderDigest", "DataDigest") else value
    found = Parameters(max_recv=max_recv, **values)  # type: ignore[arg-type]
    if found.first_burst_length <= found.max_burst_length:
        return found
    values["first_burst_length"] = found.max_burst_length
    return Parameters(max_recv=max_recv, **values)  # type: ignore[arg-type]


# ---- offers ------------------------------------------------------------------------------------------------------


def our_value(key: Key, settings: Mapping[str, Value]) -> Value:
    """Return what we want for `key`: fixed, or the setting."""
    if key.fixed is not None:
        return key.fixed
    value = settings.get(key.setting, DEFAULTS[key.setting])
    if key.name == "FirstBurstLength":  # 13.14: never more than MaxBurstLength
        limit = settings.get("max_burst_length", DEFAULTS["max_burst_length"])
        return min(int(value), int(limit))  # type: ignore[arg-type]
    if key.kind is Kind.LIST and isinstance(value, str):  # 13.23: all have to be offered; the wanted one first
        return (value, *(choice for choice in key.choices if choice != value))
    return value


def offers(settings: Mapping[str, Value], *, discovery: bool, leading: bool) -> dict[str, Value]:
    """Return what we propose, by key name in the table's order.

    Not in a discovery session what is irrelevant there; on a connection that is not the first of its session only
    what is the connection's (13: LO).
    """
    wanted = {
        key: our_value(key, settings)
        for key in KEYS.values()
        if not (discovery and key.irrelevant_in_discovery) and (leading or key.use != "LO")
    }
    return {key.name: value for key, value in wanted.items() if not (key.newer and _default_wanted(key, value))}


def _default_wanted(key: Key, value: Value) -> bool:
    return (value[0] if isinstance(value, tuple) else value) == key.default


def to_text(value: Value) -> str:
    """Return `value` as it stands on the wire (6.1)."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


# ---- the target's values -----------------------------------------------------------------------------------------


def accept(key: Key, offered: Value, answer: str) -> Agreed:
    """Return the result of `key` after the target answered `answer` to our `offered`."""
    if answer in text.RESERVED:
        return _refused(key, offered, answer)
    value = _read(key, answer)
    if not _SELECTION[key.result](offered, value):
        raise ValueError(f"{_short(answer)} does not follow from {to_text(offered)} ({key.result.value})")
    return value


def decides(key: Key, offered: Value) -> bool:
    """Whether a proposal is the outcome by itself, so that no answer is due: No for AND, Yes for OR (6.2.2)."""
    return (key.result is Result.AND and offered is False) or (key.result is Result.OR and offered is True)


def _refused(key: Key, offered: Value, answer: str) -> Agreed:
    """6.2: Irrelevant and Reject leave the default in force; NotUnderstood is no answer to a key of RFC 3720."""
    if (answer == text.NOT_UNDERSTOOD and not key.newer) or key.result is Result.DECLARED:
        raise ValueError(f"it answered {answer}")
    if key.kind is Kind.LIST and isinstance(offered, tuple) and key.default not in offered:
        raise ValueError(f"it answered {answer}, and only {to_text(offered)} will do")
    return key.default


def respond(key: Key, ours: Value, offer: str) -> tuple[str, Agreed]:
    """Return our answer to a key that the target offers, and the result."""
    if offer in text.RESERVED:
        raise ValueError(f"nobody may propose {offer}")
    if key.kind is Kind.LIST:
        return _select(key, ours, offer)
    theirs = _read(key, offer)
    if key.result is Result.DECLARED:
        return "", theirs
    value = _COMBINE[key.result](ours, theirs)
    return to_text(value), value


def _select(key: Key, ours: Value, offer: str) -> tuple[str, Agreed]:
    """6.2.1: the first of the target's list that we support and are allowed to use."""
    allowed = ours if isinstance(ours, tuple) else key.choices
    for word in offer.split(","):
        if word in allowed:
            return word, word
    if key.default in allowed:
        return text.REJECT, key.default
    raise ValueError(f"none of {_short(offer)} will do")


def _read(key: Key, value: str) -> Agreed:
    """Return `value` as the key's type, in its range."""
    if key.kind is Kind.BOOLEAN:
        if value not in ("Yes", "No"):
            raise ValueError(f"{_short(value)} is neither Yes nor No")
        return value == "Yes"
    if key.kind is Kind.LIST:
        if value not in key.choices:
            raise ValueError(f"{_short(value)} was not offered")
        return value
    found = text.number(value)
    if not key.low <= found <= key.high:
        raise ValueError(f"{found} is not from {key.low} to {key.high}")
    return found


def _short(value: str) -> str:
    return value if len(value) <= 60 else value[:60] + "…"


#: Whether a responder may select `value` after `offered` (13).
_SELECTION: Mapping[Result, Callable[[Value, Agreed], bool]] = {
    Result.MINIMUM: lambda offered, value: int(value) <= int(offered),  # type: ignore[arg-type]
    Result.MAXIMUM: lambda offered, value: int(value) >= int(offered),  # type: ignore[arg-type]
    Result.AND: lambda offered, value: bool(offered) or not value,
    Result.OR: lambda offered, value: not offered or bool(value),
    Result.FIRST: lambda offered, value: isinstance(offered, tuple) and value in offered,
    Result.DECLARED: lambda _offered, _value: True,
}

#: What a responder selects when it wants `ours` and is offered `theirs` (13).
_COMBINE: Mapping[Result, Callable[[Value, Agreed], Agreed]] = {
    Result.MINIMUM: lambda ours, theirs: min(int(ours), int(theirs)),  # type: ignore[arg-type]
    Result.MAXIMUM: lambda ours, theirs: max(int(ours), int(theirs)),  # type: ignore[arg-type]
    Result.AND: lambda ours, theirs: bool(ours) and bool(theirs),
    Result.OR: lambda ours, theirs: bool(ours) or bool(theirs),
}
