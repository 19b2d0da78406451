# SPDX-License-Identifier: Apache-2.0
"""Login status to error (RFC 7143, 11.13.5), and redirects. The codes themselves are in errors.toml (`rfc`)."""

from __future__ import annotations

from collections.abc import Mapping

from ...api.errors import Problem, catalogue
from .. import text
from ..names import parse_target_address
from .config import LoginConfig, Redirect

SUCCESS = 0
REDIRECTION = 1
_MOVED_TEMPORARILY = 0x0101
_MOVED_PERMANENTLY = 0x0102

CODES: Mapping[int, str] = {int(info.rfc, 16): code for code, info in catalogue().items() if info.rfc}


def problem(config: LoginConfig, status: int) -> Problem:
    """Return the error for a status (class and detail in one number) of class 2 and 3, or one that nobody knows."""
    code = CODES.get(status, "UnknownLoginStatus")
    if code == "AuthenticationFailed" and config.sign_in == "none":
        code = "AuthenticationRequired"
    return Problem(
        code,
        status=f"{status:04x}",
        target=config.target_name,
        initiator_name=config.initiator_name,
        address=config.address,
    )


def redirect(status: int, data: bytes) -> Redirect | None:
    """Return where a status of class 1 sends us, None when its detail is not in the standard.

    The first TargetAddress that can be read is taken; a portal group tag, which must not be there (13.8), is passed
    over. Raises Problem("ProtocolError") when there is none (11.13.5).
    """
    if status not in (_MOVED_TEMPORARILY, _MOVED_PERMANENTLY):
        return None
    try:
        values = [value for key, value in text.decode(data) if key == "TargetAddress"]
    except ValueError as error:
        raise Problem("ProtocolError", detail=f"A redirect cannot be read: {error} (6.1).") from None
    for value in values:
        try:
            portal = parse_target_address(value)
        except ValueError:
            continue
        return Redirect(portal.address, portal.port, permanent=status == _MOVED_PERMANENTLY)
    raise Problem("ProtocolError", detail="A redirect names no address (11.13.5).")
