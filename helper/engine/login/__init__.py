# SPDX-License-Identifier: Apache-2.0
"""The login phase (RFC 7143, 6.3): a machine without sockets and clocks."""

from __future__ import annotations

from ..keys import Parameters
from ..secret import Secret
from .config import ChapSecrets, LoginConfig, LoginResult, Redirect
from .machine import Login

__all__ = ["ChapSecrets", "Login", "LoginConfig", "LoginResult", "Parameters", "Redirect", "Secret"]
