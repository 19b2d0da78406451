# SPDX-License-Identifier: Apache-2.0
"""Names and addresses: iSCSI node names, TargetAddress, ISIDs (RFC 7143, 4.2.7, 13.8, 11.12.5; RFC 3722)."""

from __future__ import annotations

import encodings.idna  # a worker has no files any more when it first meets an international name
import ipaddress
import re
import secrets
import stringprep
import unicodedata
from dataclasses import dataclass

from ..api.errors import Problem

#: 15, 4.1: the port that IANA gave to iSCSI targets.
DEFAULT_PORT = 3260
#: 4.2.7.1: the longest node name, in bytes of UTF-8.
MAX_NAME = 223
#: 13.9: a portal group tag has 16 bits; -1 stands for "not known".
NO_PORTAL_GROUP = -1
#: The longest host name of DNS, and room for brackets and an IPv6 zone.
_MAX_HOST = 255
#: Longest text that is looked at as an address.
MAX_ADDRESS = 300

#: 4.2.7.4: the month in which the naming authority owned its domain, and the domain reversed.
NAME_AUTHORITY = "iqn.2025-01.io.github.lundock"


@dataclass(frozen=True, slots=True)
class Portal:
    """An address of a target: host name or IP number (IPv6 without brackets), TCP port, portal group tag or -1."""

    address: str
    port: int = DEFAULT_PORT
    portal_group: int = NO_PORTAL_GROUP

    def __str__(self) -> str:
        return format_address(self.address, self.port)


def format_address(address: str, port: int) -> str:
    """Return `address:port`, IPv6 in brackets (13.8)."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def format_target_address(portal: Portal) -> str:
    """Return the value of a TargetAddress key (13.8)."""
    tag = "" if portal.portal_group == NO_PORTAL_GROUP else f",{portal.portal_group}"
    return str(portal) + tag


def parse_portal(text: str, default_port: int = DEFAULT_PORT) -> Portal:
    """Read an address as a person writes it: host, host:port, [IPv6], [IPv6]:port, or a bare IPv6 number.

    Raises Problem("AddressInvalid", address=...).
    """
    text = text.strip()
    problem = Problem("AddressInvalid", address=text)
    if len(text) > MAX_ADDRESS:
        raise problem
    if _is_ipv6(text):
        return Portal(text, default_port)
    try:
        address, port, rest = _split(text, default_port)
    except ValueError:
        raise problem from None
    if rest:
        raise problem
    return Portal(address, port)


def parse_target_address(value: str) -> Portal:
    """Read the value of a TargetAddress key: domainname[:port][,portal-group-tag] (13.8).

    Raises ValueError: whose fault it is, the caller knows.
    """
    if len(value) > MAX_ADDRESS:
        raise ValueError("too long")
    address, port, rest = _split(value, DEFAULT_PORT)
    if not rest:
        return Portal(address, port)
    return Portal(address, port, _number(rest[1:], 0, 0xFFFF))


def _split(text: str, default_port: int) -> tuple[str, int, str]:
    """Return host, port, and what follows from the comma on."""
    text, comma, tag = text.partition(",")
    if text.startswith("["):
        address, bracket, tail = text[1:].partition("]")
        if not bracket or not _is_ipv6(address):
            raise ValueError("not an IPv6 number in brackets")
    else:
        address, colon, tail = text.partition(":")
        tail = colon + tail
        _check_host(address)
    if tail and not tail.startswith(":"):
        raise ValueError("something behind the address")
    port = _number(tail[1:], 1, 65535) if tail else default_port
    return address, port, comma + tag


def _number(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and low <= int(text) <= high):
        raise ValueError("not a number in range")
    return int(text)


def _is_ipv6(text: str) -> bool:
    if ":" not in text or len(text) > _MAX_HOST:
        return False
    number, percent, zone = text.partition("%")
    if percent and not re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", zone):
        return False
    try:
        ipaddress.IPv6Address(number)
    except ValueError:
        return False
    return True


_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def _check_host(text: str) -> None:
    """Accept an IPv4 number, or a name that DNS or the hosts file could know (an international one as such)."""
    if not text or len(text) > _MAX_HOST:
        raise ValueError("no host")
    if re.fullmatch(r"[0-9.]+", text):
        ipaddress.IPv4Address(text)
        return
    try:
        plain = (
            text
            if text.isascii()
            else b".".join(map(encodings.idna.ToASCII, text.removesuffix(".").split("."))).decode("ascii")
        )
    except UnicodeError:
        raise ValueError("not a name") from None
    if not all(_LABEL.fullmatch(label) for label in plain.removesuffix(".").split(".")):
        raise ValueError("not a name")


# ---- node names --------------------------------------------------------------------------------------------------

#: 4.2.7.4: iqn.YYYY-MM.reversed domain[:anything].
_IQN = re.compile(r"iqn\.\d{4}-(0[1-9]|1[0-2])\.[^:]+(:.*)?", re.DOTALL)
#: 4.2.7.5 and 4.2.7.6: 16 hexadecimal digits; 16 or 32.
_EUI = re.compile(r"eui\.[0-9a-f]{16}")
_NAA = re.compile(r"naa\.([0-9a-f]{16}|[0-9a-f]{32})")


def normalize_name(text: str) -> str:
    """Return `text` as it goes on the wire: mapped and normalized by the iSCSI stringprep profile (RFC 3722)."""
    mapped = "".join(stringprep.map_table_b2(c) for c in text.strip() if not stringprep.in_table_b1(c))
    return unicodedata.ucd_3_2_0.normalize("NFKC", mapped)


def is_name(text: str) -> bool:
    """Whether `text` is an iSCSI node name in normal form (4.2.7)."""
    if not text or len(text.encode("utf-8", "replace")) > MAX_NAME or text != normalize_name(text):
        return False
    if not all(_allowed(c) for c in text):
        return False
    return any(form.fullmatch(text) for form in (_IQN, _EUI, _NAA))


def is_target_name(text: str) -> bool:
    """Whether `text` may name a target: names in use are not always normal (capital letters, underscores).

    What matters is that it is of a known type, bounded, and one word.
    """
    if (
        not text.startswith(("iqn.", "eui.", "naa."))
        or len(text) < 5
        or len(text.encode("utf-8", "replace")) > MAX_NAME
    ):
        return False
    return all(unicodedata.category(c)[0] not in "CZ" for c in text)


def check_target_name(text: str, argument: str = "target") -> str:
    """Return a target's name as it was given, which is how the target knows it; raises Problem("InvalidArgument")."""
    name = text.strip()
    if not is_target_name(name):
        detail = (
            "A target's name looks like iqn.2001-04.com.example:disk, eui.0123456789abcdef or naa.0123456789abcdef."
        )
        raise Problem("InvalidArgument", argument=argument, detail=detail)
    return name


def check_name(text: str, argument: str = "name") -> str:
    """Return the node name in normal form; raises Problem("InvalidArgument", argument=...)."""
    name = normalize_name(text) if len(text) <= 4 * MAX_NAME else ""
    if not is_name(name):
        detail = "A name looks like iqn.2001-04.com.example:disk, eui.0123456789abcdef or naa.0123456789abcdef."
        raise Problem("InvalidArgument", argument=argument, detail=detail)
    return name


#: RFC 3722, 5: what stringprep prohibits, and what is not assigned in its version of Unicode (RFC 3454, 7).
_PROHIBITED = (
    stringprep.in_table_a1,
    stringprep.in_table_c11_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def _allowed(c: str) -> bool:
    """RFC 3722, 3 and 5: of ASCII only letters, digits, dash, dot and colon; of the rest nothing prohibited."""
    if c.isascii():
        return c.isalnum() or c in "-.:"
    return c != "\u3002" and not any(prohibited(c) for prohibited in _PROHIBITED)


def generate_initiator_name() -> str:
    """Return a new node name for this computer (4.2.7.4: one for a node, kept for ever)."""
    return f"{NAME_AUTHORITY}:{secrets.token_hex(6)}"


def generate_isid() -> bytes:
    """Return a random ISID (11.12.5, T = 10b): to be kept with the target's record (10.1.1)."""
    return b"\x80" + secrets.token_bytes(3) + b"\0\0"
