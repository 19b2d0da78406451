# SPDX-License-Identifier: Apache-2.0
"""What callers give, checked and brought to one form. All raise Problem."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from .api.errors import Problem
from .engine.names import parse_portal
from .supervision import MAX_PORTALS, SIGN_INS, Portal

#: RFC 7143, 4.2.7.2: names have at most 223 bytes in UTF-8.
MAX_NAME = 223
MAX_ADDRESS = 300
MAX_ALIAS = 255
STARTUPS = ("manual", "login")
#: Seconds between two looks at a portal: a target is not to be worn out, and is to be seen within a month.
MIN_INTERVAL, MAX_INTERVAL = 5, 30 * 86400
#: RFC 7143, 6.1: a text value has at most 255 bytes unless its key says otherwise.
MAX_CHAP_NAME = 255

_IQN = re.compile(r"iqn\.\d{4}-(0[1-9]|1[0-2])\.[^\s:]+(:\S*)?")
_EUI = re.compile(r"eui\.[0-9a-f]{16}")
_NAA = re.compile(r"naa\.([0-9a-f]{16}|[0-9a-f]{32})")
_STRICT = re.compile(r"[-.:0-9a-z\u0080-\U0010ffff]+")
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_INTERFACE = re.compile(r"[^\s/:]{1,15}")


def _invalid(argument: str, detail: str) -> Problem:
    return Problem("InvalidArgument", argument=argument, detail=detail)


def text(argument: str, value: str, limit: int) -> str:
    """Return a text of at most `limit` bytes in UTF-8 that can be printed: workers take no other."""
    if len(value.encode("utf-8", "replace")) > limit:
        raise _invalid(argument, f"It has at most {limit} bytes.")
    if not value.isprintable():
        raise _invalid(argument, "It has no control characters, and no blanks but the usual one.")
    return value


def target_name(value: str) -> str:
    """Return a target's name as its device writes it: real ones use capitals and underscores; only the form counts."""
    value = text("name", value.strip(), MAX_NAME)
    lower = value.lower()
    if not any(form.fullmatch(lower) for form in (_IQN, _EUI, _NAA)):
        raise _invalid("name", "It has the form iqn.YYYY-MM.…, eui.… or naa.…")
    return value


def initiator_name(value: str) -> str:
    """Return our own name in the form of RFC 3722: normalized lower case; letters, digits, "-", "." and ":"."""
    value = text("name", unicodedata.normalize("NFKC", value.strip()).lower(), MAX_NAME)
    if not _STRICT.fullmatch(value):
        raise _invalid("name", "It has letters, digits, “-”, “.” and “:” only.")
    return target_name(value)


def host(value: str) -> str:
    """Return a host's name or number without brackets. Raises Problem("AddressInvalid")."""
    value = value.strip()
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if len(value) > MAX_ADDRESS or not bare:
        raise Problem("AddressInvalid", address=value[:MAX_ADDRESS])
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        labels = bare.removesuffix(".").split(".")
        numeric = labels[-1].isdigit()  # "1.2.3" is a number that was typed wrongly, not a name
        if len(bare) > 253 or numeric or not all(_HOST.fullmatch(label) for label in labels):
            raise Problem("AddressInvalid", address=value) from None
    return bare


def discovery_address(value: str) -> str:
    """Return where to look as a person types it, without blanks around. Raises Problem("AddressInvalid")."""
    value = value.strip()
    if not value or len(value) > MAX_ADDRESS:
        raise Problem("AddressInvalid", address=value)
    parse_portal(value)
    return value


def interval(value: int) -> int:
    """Return how many seconds lie between two looks; 0 is none."""
    if value and not MIN_INTERVAL <= value <= MAX_INTERVAL:
        raise _invalid("interval", f"It is 0, or a number of seconds from {MIN_INTERVAL} to {MAX_INTERVAL}.")
    return value


def portals(values: Sequence[Mapping[str, Any]]) -> tuple[Portal, ...]:
    """Return the portals of a record: 1 to 16, in order, each once."""
    if not 1 <= len(values) <= MAX_PORTALS:
        raise _invalid("portals", f"There are 1 to {MAX_PORTALS} of them.")
    found = [_portal(value) for value in values]
    return tuple(dict.fromkeys(found))


def _portal(value: Mapping[str, Any]) -> Portal:
    if "address" not in value:
        raise _invalid("portals", "Each has an address.")
    port, group = value.get("port", 3260), value.get("portal-group", -1)
    if not 1 <= port <= 65535:
        raise _invalid("port", "It is a number from 1 to 65535.")
    if not -1 <= group <= 65535:  # RFC 7143, 13.9: a 16-bit tag
        raise _invalid("portal-group", "It is a number from 0 to 65535, or -1 for any.")
    return Portal(host(value["address"]), port, group)


def interface(value: str) -> str:
    """Return a network interface's name; empty is none. Whether it is there shows when it is used."""
    if value and (not _INTERFACE.fullmatch(value) or value in (".", "..")):
        raise _invalid("interface", "It is a network interface's name, at most 15 characters.")
    return text("interface", value, 15)


def sign_in(value: str) -> str:
    """Return one of none, chap, mutual."""
    if value not in SIGN_INS:
        raise _invalid("sign-in", "It is one of: " + ", ".join(SIGN_INS) + ".")
    return value


def chap_name(argument: str, value: str) -> str:
    """Return a name for CHAP."""
    return text(argument, value, MAX_CHAP_NAME)


def startup(value: str) -> str:
    """Return when to connect."""
    if value not in STARTUPS:
        raise _invalid("startup", "It is one of: " + ", ".join(STARTUPS) + ".")
    return value


def alias(value: str) -> str:
    """Return a name for people; their other blanks, as between Japanese words, become the usual one."""
    usual = "".join(" " if unicodedata.category(c) == "Zs" else c for c in value)
    return text("alias", usual.strip(), MAX_ALIAS)
