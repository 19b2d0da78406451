# SPDX-License-Identifier: Apache-2.0
"""What is done with the disks of sessions: made devices and taken away, who uses them, what the target shows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .api.errors import Problem
from .jobs import Caller, Job
from .supervision import Holder
from .things import Lun, Session

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger(__name__)


class Luns:
    """The disks of a service's sessions."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def attach(self, caller: Caller, lun: Lun, method: str, *, read_only: bool) -> Job:
        """Make a disk a device. Details: device, method, reason."""
        if method != "auto" and method not in {m.name for m in self._service.methods}:
            names = ", ".join(m.name for m in self._service.methods)
            raise Problem("InvalidArgument", argument="method", detail=f"It is auto, or one of: {names}.")

        async def work(job: Job) -> dict[str, Any]:
            session = lun.session
            async with session.lock:
                chosen, only_read = self._attach_choice(lun, method, read_only)
                attached = await session.live.attach(lun.address, chosen, only_read, self._service.stepper(job))
            self._service.note("attached", session.target.record.name, {"lun": lun.address, "device": attached.device})
            self._service.spawn(self._look(lun))
            return {"device": attached.device, "method": attached.method, "reason": attached.reason}

        return self._service.jobs.start("attach", (lun.ref,), caller, work)

    def _attach_choice(self, lun: Lun, method: str, read_only: bool) -> tuple[str, bool]:
        settings = self._service.complete(lun.session.target.record.settings)
        chosen = str(settings["attach_method"]) if method == "auto" else method
        info = next((m for m in self._service.methods if m.name == chosen), None)
        if info is not None and not info.available:
            raise Problem("AttachMethodUnavailable", method=chosen, reason=info.reason)
        return chosen, read_only or bool(settings["read_only"])

    def eject(self, caller: Caller, lun: Lun, *, force: bool = False) -> Job:
        """Take a disk's device away; with `force` also when it is in use, or not written out."""

        async def work(job: Job) -> dict[str, Any]:
            session = lun.session
            async with session.lock:
                try:
                    await session.live.eject(lun.address, self._service.stepper(job), force=force)
                except Problem as problem:
                    if problem.code == "DeviceBusy":
                        await self._look(lun)
                    raise
            lun.holders = ()
            self._service.listener.changed(lun)
            self._service.note("ejected", session.target.record.name, {"lun": lun.address})
            return {}

        return self._service.jobs.start("eject", (lun.ref,), caller, work)

    async def open_nbd(self, lun: Lun, *, read_only: bool) -> int:
        """Return a connected socket that speaks NBD; the caller owns it."""
        settings = self._service.complete(lun.session.target.record.settings)
        return await lun.session.live.open_nbd(lun.address, read_only or bool(settings["read_only"]))

    async def _look(self, lun: Lun) -> None:
        """See who has the disk's device."""
        worker = lun.session.worker
        if worker is None or lun.address not in worker.attached:
            found: tuple[Holder, ...] = ()
        else:
            try:
                found = tuple(await worker.holders(lun.address))
            except Problem as problem:
                log.info("%s: who has it cannot be seen now: %s", lun.ref, problem.code)
                return
        self.holders_changed(lun.session, lun.address, found)

    def holders_changed(self, session: Session, address: str, holders: tuple[Holder, ...]) -> None:
        """Somebody else has a disk."""
        lun = session.luns.get(address)
        if lun is not None and lun.holders != holders:
            lun.holders = holders
            self._service.listener.changed(lun)

    def sync(self, session: Session) -> None:
        """Show those that the target shows now."""
        found = {record.address: record for record in session.live.luns}
        for address in [a for a in session.luns if a not in found]:
            self._service.listener.removed(session.luns.pop(address))
        for address, record in found.items():
            lun = session.luns.get(address)
            if lun is None:
                session.luns[address] = lun = Lun(session, record)
                self._service.listener.added(lun)
                continue
            if lun.record.size != record.size:
                detail: dict[str, str | int] = {"lun": address, "old-size": lun.record.size, "new-size": record.size}
                session.notes.note("resized", detail)
            lun.record = record
            self._service.listener.changed(lun)
