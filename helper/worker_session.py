# SPDX-License-Identifier: Apache-2.0
"""A session from the helper's side: one worker process, its control channel, its disks."""

from __future__ import annotations

from .api.errors import Problem
from .supervision import Attached, ConnectionRecord, Holder, LunRecord, Portal, SessionSpec, Step


class WorkerSession:
    """A live login. Made by `Supervisor.open_session`."""

    spec: SessionSpec
    state: str  # "connecting", "connected", "lost", "disconnecting", "ended"
    parameters: dict[str, str | int | bool]
    portal: Portal
    connections: tuple[ConnectionRecord, ...]
    luns: tuple[LunRecord, ...]
    since: int  # microseconds since 1970, of the first login
    reconnects: int
    last_error: str
    initiator_name: str
    attached: dict[str, Attached]

    async def rescan(self) -> None:
        raise Problem("NotSupported", what="rescan", detail="")

    async def logout(self) -> None:
        """Log out and end the worker. Raises Problem("DeviceBusy") while disks are attached."""
        raise Problem("NotSupported", what="logout", detail="")

    async def abort(self) -> None:
        """End the worker without a word to the target; devices answer with errors from now on and are taken away."""
        raise Problem("NotSupported", what="abort", detail="")

    async def attach(self, lun: str, method: str, read_only: bool, step: Step) -> Attached:
        raise Problem("NotSupported", what="attach", detail="")

    async def eject(self, lun: str, step: Step) -> None:
        raise Problem("NotSupported", what="eject", detail="")

    async def open_nbd(self, lun: str, read_only: bool) -> int:
        """Return a descriptor that the caller owns."""
        raise Problem("NotSupported", what="open_nbd", detail="")

    async def holders(self, lun: str) -> list[Holder]:
        raise Problem("NotSupported", what="holders", detail="")

    def statistics(self) -> tuple[dict[str, object], dict[str, dict[str, object]]]:
        """Return the session's counters, and those of each disk by its address."""
        return {}, {}
