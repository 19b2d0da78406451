# SPDX-License-Identifier: Apache-2.0
"""Text keys and how their values are agreed upon (RFC 7143, sections 6 and 13), from the responder's side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Pairs = list[tuple[str, str]]


class BadText(ValueError):  # noqa: N818 - named for what it is
    """A text that is not a row of key=value."""


def parse(text: bytes) -> Pairs:
    """Return the pairs of a text in their order (6.1)."""
    if not text:
        return []
    if text[-1]:
        raise BadText("no NUL at the end")
    pairs: Pairs = []
    for item in text[:-1].split(b"\0"):
        key, equals, value = item.decode("utf-8", "strict").partition("=")
        if not equals or not key:
            raise BadText("no key=value")
        pairs.append((key, value))
    return pairs


def pack(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return the text of these pairs."""
    return b"".join(f"{key}={value}".encode() + b"\0" for key, value in pairs)


# -- result functions: (what we support, what was proposed) to the answer, and so to the result ---------------------
def _choose(ours: str, theirs: str) -> str:
    """The first of their list that we support (6.2.1)."""
    supported = ours.split(",")
    return next((word for word in theirs.split(",") if word in supported), "Reject")


def _minimum(ours: str, theirs: str) -> str:
    return str(min(int(ours), int(theirs, 0)))


def _maximum(ours: str, theirs: str) -> str:
    return str(max(int(ours), int(theirs, 0)))


def _and(ours: str, theirs: str) -> str:
    return "Yes" if ours == theirs == "Yes" else "No"


def _or(ours: str, theirs: str) -> str:
    return "Yes" if "Yes" in {ours, theirs} else "No"


@dataclass(frozen=True, slots=True)
class Key:
    """A key: what holds when nobody names it, what this target supports unless told otherwise, the result function."""

    default: str
    ours: str
    result: Callable[[str, str], str] | None = None  # None: each side declares its own
    normal_only: bool = False  # Irrelevant in a discovery session
    low: int = 0
    high: int = 0


_MAX_LENGTH = (1 << 24) - 1

#: Section 13. `ours` can be replaced by a target's own parameters.
KEYS: Mapping[str, Key] = {
    "HeaderDigest": Key("None", "CRC32C,None", _choose),
    "DataDigest": Key("None", "CRC32C,None", _choose),
    "MaxConnections": Key("1", "1", _minimum, normal_only=True, low=1, high=65535),
    "InitialR2T": Key("Yes", "No", _or, normal_only=True),
    "ImmediateData": Key("Yes", "Yes", _and, normal_only=True),
    "MaxRecvDataSegmentLength": Key("8192", "262144", None, low=512, high=_MAX_LENGTH),
    "MaxBurstLength": Key("262144", "1048576", _minimum, normal_only=True, low=512, high=_MAX_LENGTH),
    "FirstBurstLength": Key("65536", "262144", _minimum, normal_only=True, low=512, high=_MAX_LENGTH),
    "DefaultTime2Wait": Key("2", "0", _maximum, high=3600),
    "DefaultTime2Retain": Key("20", "0", _minimum, high=3600),
    "MaxOutstandingR2T": Key("1", "16", _minimum, normal_only=True, low=1, high=65535),
    "DataPDUInOrder": Key("Yes", "Yes", _or, normal_only=True),
    "DataSequenceInOrder": Key("Yes", "Yes", _or, normal_only=True),
    "ErrorRecoveryLevel": Key("0", "0", _minimum, high=2),
    "TaskReporting": Key("RFC3720", "RFC3720", _choose, normal_only=True),
    "iSCSIProtocolLevel": Key("1", "1", _minimum, high=31),
}
#: Declared by the initiator and not answered.
DECLARED = frozenset({"InitiatorName", "InitiatorAlias", "TargetName", "SessionType"})
#: Obsolete; the answers that 13.25 wants.
OBSOLETE: Mapping[str, str] = {"IFMarker": "No", "OFMarker": "No", "IFMarkInt": "Reject", "OFMarkInt": "Reject"}


def answer(key: str, theirs: str, parameters: Mapping[str, str], *, discovery: bool) -> str | None:
    """Return our answer to one proposed operational key, or None where none is due."""
    if key in DECLARED or theirs in {"NotUnderstood", "Irrelevant", "Reject"}:
        return None
    if key in OBSOLETE:
        return OBSOLETE[key]
    row = KEYS.get(key)
    if row is None:
        return "NotUnderstood"
    if discovery and row.normal_only:
        return "Irrelevant"
    return _result(row, parameters.get(key, row.ours), theirs)


def _result(row: Key, ours: str, theirs: str) -> str:
    if row.high:
        try:
            number = int(theirs, 0)
        except ValueError:
            return "Reject"
        if not row.low <= number <= row.high:
            return "Reject"
    elif row.result in {_and, _or} and theirs not in {"Yes", "No"}:
        return "Reject"
    return ours if row.result is None else row.result(ours, theirs)


@dataclass(slots=True)
class Agreed:
    """What holds on a session after login. Lengths in bytes."""

    values: dict[str, str]
    their_mrdsl: int = 8192

    @classmethod
    def defaults(cls) -> Agreed:
        """Return what holds when nothing is negotiated."""
        return cls({name: key.default for name, key in KEYS.items()})

    def number(self, key: str) -> int:
        """Return a numeric value."""
        return int(self.values[key])

    def yes(self, key: str) -> bool:
        """Return a boolean value."""
        return self.values[key] == "Yes"

    def crc(self, key: str) -> bool:
        """Return whether this digest is on."""
        return self.values[key] == "CRC32C"
