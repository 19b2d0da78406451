# SPDX-License-Identifier: Apache-2.0
"""iscsi:// URLs as libiscsi writes them, with any setting of settings.toml as a query parameter.

    iscsi://[user[%secret]@]host[:port][/target[/lun]][?target_user=…&target_password=…&header_digest=crc32c…]

Nothing in front of the “@” is percent-decoded (the “%” there parts user and secret); target and parameters are. Secrets
come from LIBISCSI_CHAP_PASSWORD and the like too, and never go into an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from ..api import settings as settings_table
from ..api.errors import Problem
from ..api.settings import Value
from .login import ChapSecrets
from .names import Portal, check_target_name, parse_portal
from .scsi import luns
from .secret import Secret

SCHEME = "iscsi://"
MAX_URL = 4096
_MAX_PARAMETERS = 64

#: libiscsi's “auth” parameter: its names of the algorithms.
_AUTH = {"md5": "MD5", "sha1": "SHA-1", "sha-256": "SHA-256", "sha3-256": "SHA3-256"}


@dataclass(frozen=True, slots=True)
class IscsiUrl:
    """What a URL says; `target` is empty and `lun` None where it stops before them. `lun` is the field of 8 bytes."""

    portal: Portal
    target: str = ""
    lun: int | None = None
    user: str = ""
    target_user: str = ""
    secrets: ChapSecrets | None = None
    settings: Mapping[str, Value] = field(default_factory=dict)

    @property
    def sign_in(self) -> str:
        """How to sign in: "none", "chap", or "mutual" when the target has to prove itself."""
        if not self.user and self.secrets is None:
            return "none"
        return "mutual" if self.secrets is not None and self.secrets.target_secret is not None else "chap"


def parse(url: str, environ: Mapping[str, str] | None = None) -> IscsiUrl:
    """Read a URL; `environ` is the process's own when not given.

    Raises Problem("AddressInvalid") for its host, Problem("InvalidArgument") for everything else.
    """
    if not url.startswith(SCHEME) or len(url) > MAX_URL:
        raise _bad("It begins with iscsi:// and is not longer than 4096 characters.")
    place, _, query = url.removeprefix(SCHEME).partition("?")
    account, _, path = place.rpartition("@")
    host, _, rest = path.partition("/")
    portal = parse_portal(host)
    parameters = _parameters(query)
    environ = os.environ if environ is None else environ
    user, secret = _account(account)
    user = user or environ.get("LIBISCSI_CHAP_USERNAME", "")
    secret = secret or environ.get("LIBISCSI_CHAP_PASSWORD", "")
    target_user = parameters.pop("target_user", "") or environ.get("LIBISCSI_CHAP_TARGET_USERNAME", "")
    target_secret = parameters.pop("target_password", "") or environ.get("LIBISCSI_CHAP_TARGET_PASSWORD", "")
    if target_secret and not secret:
        raise _bad("A target proves itself only to somebody who signs in: a name and a secret are missing.")
    target, lun = _target(rest)
    return IscsiUrl(
        portal=portal,
        target=target,
        lun=lun,
        user=user,
        target_user=target_user,
        secrets=ChapSecrets(Secret(secret), Secret(target_secret) if target_secret else None) if secret else None,
        settings=_settings(parameters),
    )


def _bad(detail: str) -> Problem:
    return Problem("InvalidArgument", argument="URL", detail=detail)


def _account(text: str) -> tuple[str, str]:
    """Part user and secret at the first “%”, or as elsewhere at “:”, whichever comes first."""
    user, *secret = re.split("[%:]", text, maxsplit=1)
    return user, "".join(secret)


def _target(path: str) -> tuple[str, int | None]:
    name, _, lun = path.partition("/")
    if not name:
        if lun:
            raise _bad("The target's name is missing.")
        return "", None
    return check_target_name(unquote(name), "target"), _lun(lun.removesuffix("/")) if lun else None


def _lun(text: str) -> int | None:
    """Read a LUN: a decimal number, or its 16 hexadecimal digits."""
    if not text:
        return None
    if re.fullmatch(r"(0x)?[0-9a-fA-F]{16}", text):
        return int(text, 16)
    if re.fullmatch(r"[0-9]{1,5}", text) and int(text) <= 0x3FFF:
        return luns.from_number(int(text))
    raise Problem("InvalidArgument", argument="LUN", detail="It is a number up to 16383, or 16 hexadecimal digits.")


def _parameters(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in query.split("&", _MAX_PARAMETERS) if query else ():
        name, equals, value = part.partition("=")
        if not equals or name in found:
            raise _bad("What stands behind the “?” is of the form name=value&name=value, each name once.")
        found[name] = unquote(value)  # a “+” stays what it is: secrets have it
    return found


def _settings(parameters: dict[str, str]) -> dict[str, Value]:
    auth = parameters.pop("auth", "")
    if auth:
        if auth.lower() not in _AUTH:
            raise Problem("InvalidArgument", argument="auth", detail="It is one of: " + ", ".join(_AUTH) + ".")
        parameters.setdefault("chap_algorithms", _AUTH[auth.lower()])
    return settings_table.check_all(parameters)
