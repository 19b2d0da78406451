# SPDX-License-Identifier: Apache-2.0
"""iscsi:// links, as a person clicks or pastes them. A link with a password in it is refused: links are kept and shown.

iscsi://[name@]host[:port][/target[/lun]]
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from ...helper.api.errors import Problem
from ..client.operations import parse_portal
from ..words import tr

SCHEME = "iscsi://"
MAX_LINK = 2048
MAX_NAME = 223


@dataclass(frozen=True, slots=True)
class Link:
    """Where to go: an address, a target there (or ""), and the name to sign in with (or "")."""

    address: str
    target: str = ""
    user: str = ""


def is_link(words: str) -> bool:
    """Whether it is meant as a link."""
    return words.strip().lower().startswith(SCHEME)


def parse_link(words: str) -> Link:
    """Read a link. Raises Problem: AddressInvalid for its host, LinkInvalid otherwise, without what it says."""
    words = words.strip()
    if not is_link(words) or len(words) > MAX_LINK or not words.isprintable():
        raise _bad(tr("It begins with iscsi:// and has at most 2048 characters."))
    place, _, query = words[len(SCHEME) :].partition("?")
    account, at, path = place.rpartition("@")
    has_password = at and ("%" in account or ":" in account)
    if has_password or "password" in query.lower() or "secret" in query.lower():
        raise _bad(tr("There is a password in it, and links are kept and shown: it was not used, and is forgotten."))
    host, _, rest = path.partition("/")
    parse_portal(host)
    target = unquote(rest.partition("/")[0])
    if len(target.encode()) > MAX_NAME or not target.isprintable():
        raise _bad(tr("The target's name in it is not usable."))
    return Link(host, target, account)


def _bad(detail: str) -> Problem:
    return Problem("LinkInvalid", detail=detail)
