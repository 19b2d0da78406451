# SPDX-License-Identifier: Apache-2.0
"""Names that both halves use: bus, paths, interfaces, actions, application id."""

from __future__ import annotations

BUS_NAME = "io.github.lundock.Initiator1"
ROOT_PATH = "/io/github/lundock/Initiator1"
APP_ID = "io.github.lundock.Lundock"

MANAGER = f"{BUS_NAME}.Manager"
PORTAL = f"{BUS_NAME}.Portal"
TARGET = f"{BUS_NAME}.Target"
SESSION = f"{BUS_NAME}.Session"
LUN = f"{BUS_NAME}.Lun"
JOB = f"{BUS_NAME}.Job"
SECRET_AGENT = f"{BUS_NAME}.SecretAgent"

#: polkit actions are ACTION_PREFIX + one of ACTIONS.
ACTION_PREFIX = "io.github.lundock.initiator1."
ACTIONS = ("view", "connect-own", "discover", "connect", "configure", "secrets", "eject-force")
