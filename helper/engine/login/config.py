# SPDX-License-Identifier: Apache-2.0
"""What a login needs, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...api.settings import Value
from ..keys import Parameters
from ..names import NO_PORTAL_GROUP, Portal
from ..pdu import Stage
from ..secret import Secret


@dataclass(frozen=True, slots=True)
class ChapSecrets:
    """`secret` proves us to the target; `target_secret` is what the target must know (mutual)."""

    secret: Secret
    target_secret: Secret | None = None

    def wipe(self) -> None:
        """Overwrite both."""
        self.secret.wipe()
        if self.target_secret is not None:
            self.target_secret.wipe()


@dataclass(frozen=True, slots=True)
class LoginConfig:
    """Who logs in where, and how.

    `settings`: names of settings.toml; what is missing has its default. `sign_in`: "none", "chap" or "mutual".
    `tsih` and `cid` as 11.12.6 and 11.12.7; `portal_group` as discovery named it, or -1. `portal` is where the
    connection goes: discovery gives it to targets that name no address; `address` is what errors call it. `stages` are
    those that are asked for (6.3): some targets want the security stage passed for a later reinstatement to work.
    `ask_method`: without a sign-in, CHAP is offered behind None, to learn from its choice that the target wants it.
    """

    initiator_name: str
    initiator_alias: str = ""
    target_name: str = ""
    isid: bytes = b"\x80\0\0\0\0\0"
    settings: Mapping[str, Value] = field(default_factory=dict)
    sign_in: str = "none"
    chap_name: str = ""
    target_chap_name: str = ""
    secrets: ChapSecrets | None = None
    tsih: int = 0
    cid: int = 0
    portal_group: int = NO_PORTAL_GROUP
    address: str = ""
    portal: Portal | None = None
    session_type: str = "Normal"
    cmd_sn: int = 1
    stages: tuple[int, ...] = (Stage.SECURITY, Stage.OPERATIONAL, Stage.FULL_FEATURE)
    ask_method: bool = False


@dataclass(frozen=True, slots=True)
class LoginResult:
    """The state with which full feature phase begins.

    `cmd_sn` is the next to use; `exp_stat_sn` the next expected. `leftover` came behind the last login PDU.
    `short_secret`: a secret has less than 96 bits, which RFC 7143, 9.2.1 wants a person to know.
    """

    parameters: Parameters
    tsih: int
    isid: bytes
    cmd_sn: int
    exp_stat_sn: int
    exp_cmd_sn: int
    max_cmd_sn: int
    target_alias: str = ""
    portal_group: int = NO_PORTAL_GROUP
    leftover: bytes = b""
    short_secret: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """The target is elsewhere (11.13.5, 0101 and 0102); `address` may be a name."""

    address: str
    port: int
    permanent: bool
