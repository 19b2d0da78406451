# SPDX-License-Identifier: Apache-2.0
"""The disks of one session: which are attached, attaching and ejecting them, and who has them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from . import attach as attaching
from .api.control import close_all
from .api.errors import Problem
from .attach import Attachment, Wish
from .attach.operations import holders_of
from .keeping import KeptDisk
from .supervision import Attached, Holder, LunRecord, SessionSpec, Step, in_use

if TYPE_CHECKING:
    from .nursery import Nursery
    from .worker_process import WorkerProcess

log = logging.getLogger(__name__)

#: How long a worker has for an answer that needs no target.
ASK_SECONDS = 5.0
#: How long the orderly way is tried before a disk is taken away by force.
FORCE_PATIENCE = 5.0


class DisksOwner(Protocol):
    """The session, as far as its disks need it."""

    spec: SessionSpec
    state: str
    luns: tuple[LunRecord, ...]

    def worker(self) -> WorkerProcess:
        """Return the worker. Raises Problem("NotConnected")."""

    async def until_lost(self) -> None:
        """Return as soon as the target is away."""

    def save(self) -> None:
        """Note for the next helper what there is (`kept`)."""

    def disks_changed(self) -> None:
        """A disk was attached, ejected or lost."""

    def tell(self, kind: str, attrs: dict[str, Any]) -> None:
        """Something for the timeline."""

    def tell_holders(self, lun: str, holders: tuple[Holder, ...]) -> None:
        """Somebody else has a disk."""


class Disks:
    """The attached disks by address. It is attach.Fronts for the methods."""

    def __init__(self, nursery: Nursery, folder: Path, owner: DisksOwner) -> None:
        self._nursery = nursery
        self._folder = folder
        self._owner = owner
        self._attachments: dict[str, Attachment] = {}
        self._making: dict[str, KeptDisk] = {}
        self._held: dict[str, tuple[Holder, ...]] = {}
        self._expected: set[int] = set()
        self._busy: set[str] = set()
        self._resizing: set[str] = set()
        #: Numbers of NBD clients' fronts: the worker has them until it says that they ended.
        self._nbd: set[int] = set()
        self._front = 0

    @property
    def attached(self) -> dict[str, Attached]:
        """What others are told, by address."""
        return {lun: one.shown for lun, one in self._attachments.items()}

    def __bool__(self) -> bool:
        return bool(self._attachments)

    # ---- attaching and ejecting ------------------------------------------------------------------------------

    async def attach(self, lun: str, method: str, read_only: bool, step: Step) -> Attached:
        """Make a disk a device. Raises Problem; nothing is left behind then."""
        record = self._usable(lun)
        if lun in self._attachments or lun in self._busy:
            device = self._attachments[lun].shown.device if lun in self._attachments else lun
            raise Problem("AlreadyAttached", device=device)
        chosen = attaching.choose(method)
        key = self._owner.spec.key
        wish = Wish(
            nursery=self._nursery,
            fronts=self,
            folder=self._folder,
            name=f"{key}-{record.number}" if record.number < 16384 else f"{key}-{lun}",
            lun=lun,
            front=self._next_front(),
            read_only=self._read_only(record, read_only),
            block_size=record.block_size,
            size=record.size,
            step=step,
        )
        with self._working(lun), self._noted(wish, chosen.name):
            made = await chosen.attach(wish)
        made.wwn = record.wwn
        self._attachments[lun] = made
        self._owner.tell("attached", {"lun": lun, "device": made.shown.device, "method": made.method})
        self._owner.disks_changed()
        return made.shown

    async def eject(self, lun: str, step: Step, *, force: bool = False) -> None:
        """Take a device away.

        Raises Problem: NotAttached, and with nothing changed DeviceBusy, DataPending (the target is away and has not
        got everything), IoError, Timeout. With `force` only NotAttached: who uses it gets I/O errors, and what cannot
        be written within a few seconds is given up.
        """
        attachment = self._attachments.get(lun)
        if attachment is None or lun in self._busy:
            raise Problem("NotAttached")
        with self._working(lun), self._expecting(attachment):
            try:
                async with asyncio.timeout(FORCE_PATIENCE if force else None):
                    await self._let_go(attachment, step)
            except (Problem, TimeoutError) as error:
                if not force:
                    raise
                log.warning("%s of %s is taken away by force: %r", lun, self._owner.spec.key, error)
                await attaching.force(attachment, self._nursery)
        self._forget(attachment)
        self._owner.tell("ejected", {"lun": lun, "device": attachment.shown.device})
        await self._end_front(attachment, force=force)

    async def _let_go(self, attachment: Attachment, step: Step) -> None:
        """Write out what is pending, and take the device away; the front is left."""
        if await self._unwritten(attachment):
            step("flush")
            await self._while_target_is_there(attaching.flush(attachment, self._nursery))
        step("detach")
        await attaching.method(attachment.method).detach(attachment, self._nursery)

    async def _unwritten(self, attachment: Attachment) -> bool:
        """Whether something was written and not flushed. A worker that does not answer leaves it open: then so."""
        try:
            await self._owner.worker().request("settled", {"front": attachment.front}, seconds=ASK_SECONDS)
        except Problem as problem:
            return problem.code != "NotAttached"
        return False

    async def _while_target_is_there(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what needs the target. Raises Problem("DataPending") as soon as it is known to be away."""
        working, away = asyncio.ensure_future(work), asyncio.ensure_future(self._owner.until_lost())
        try:
            await asyncio.wait({working, away}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                seconds = int(str(self._owner.spec.settings["recovery_timeout"]))
                patience = f"until {seconds} seconds have passed" if seconds >= 0 else "however long that takes"
                raise Problem("DataPending", target=self._owner.spec.target_name, patience=f"programs wait {patience}")
        finally:
            away.cancel()
            if not working.done():
                working.cancel()  # the child that flushes hangs in the kernel until the target is back
        await working

    async def _end_front(self, attachment: Attachment, *, force: bool) -> None:
        """Let the worker forget a front whose device is gone; a dead one has."""
        try:
            async with asyncio.timeout(ASK_SECONDS if force else None):
                await self.detach_front(attachment.front)
        except (Problem, TimeoutError) as error:
            gone = isinstance(error, Problem) and error.code in {"EngineDied", "NotConnected", "NotAttached"}
            if not gone and not force:
                raise

    async def eject_all(self, *, force: bool = False) -> None:
        """Eject every disk. Raises as `eject`; DeviceBusy of any of them comes before anything is changed."""
        for lun in () if force else self._attachments:
            if found := await self.holders(lun):
                raise in_use(found)
        for lun in list(self._attachments):
            await self.eject(lun, lambda _name: None, force=force)

    async def force_all(self) -> None:
        """Take everything away, whoever uses it: they get I/O errors."""
        for attachment in list(self._attachments.values()):
            await attaching.force(attachment, self._nursery)
        self._attachments.clear()
        self._held.clear()

    @contextlib.contextmanager
    def _noted(self, wish: Wish, method: str) -> Iterator[None]:
        """Let the next helper know what is being made, so that half of it is not left for ever."""
        path = str(wish.folder / wish.name)
        self._making[wish.lun] = KeptDisk(wish.lun, method, wish.front, path, wish.read_only, "")
        self._owner.save()
        try:
            yield
        except BaseException:
            del self._making[wish.lun]
            self._owner.save()
            raise
        del self._making[wish.lun]

    @contextlib.contextmanager
    def _working(self, lun: str) -> Iterator[None]:
        self._busy.add(lun)
        try:
            yield
        finally:
            self._busy.discard(lun)

    @contextlib.contextmanager
    def _expecting(self, attachment: Attachment) -> Iterator[None]:
        """Until it failed, the end of this front is our own doing."""
        self._expected.add(attachment.front)
        try:
            yield
        except BaseException:
            self._expected.discard(attachment.front)
            raise

    def _forget(self, attachment: Attachment) -> None:
        attachment.close()
        self._attachments.pop(attachment.lun, None)
        self._held.pop(attachment.lun, None)
        self._expected.discard(attachment.front)
        self._owner.disks_changed()

    async def open_nbd(self, lun: str, read_only: bool) -> int:
        """Return one end of a socket that speaks NBD; the caller owns the descriptor."""
        record = self._usable(lun)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with ours, theirs:
            front = self._next_front()
            fields = _attach_fields(front, lun, "nbd", read_only=self._read_only(record, read_only))
            self._nbd.add(front)
            try:
                await self._owner.worker().request("attach", fields, {"device": theirs.fileno()})
            except Problem:
                self._nbd.discard(front)
                raise
            return ours.detach()

    def _read_only(self, record: LunRecord, wanted: bool) -> bool:
        return wanted or record.read_only or bool(self._owner.spec.settings["read_only"])

    def _next_front(self) -> int:
        """Return a number that no front has; those of long gone NBD clients come again."""
        used = self._nbd | {one.front for one in self._attachments.values()}
        while True:
            self._front = self._front % 65535 + 1
            if self._front not in used:
                return self._front

    def _lun(self, lun: str) -> LunRecord:
        for record in self._owner.luns:
            if record.address == lun:
                return record
        raise Problem("NoSuchLun", lun=lun)

    def _usable(self, lun: str) -> LunRecord:
        record = self._lun(lun)
        if self._owner.state not in {"connected", "lost"}:
            raise Problem("NotConnected", target=self._owner.spec.target_name)
        if record.kind != "disk":
            raise Problem("NotADisk", lun=str(record.number), kind=record.kind)
        if record.problem:
            raise Problem(record.problem, lun=str(record.number), detail="", kind=record.kind, lba=0)
        if record.size <= 0 or record.block_size <= 0:
            raise Problem("NotReady", lun=str(record.number), detail="")
        return record

    def look_at_sizes(self) -> None:
        """The disks are others than before: files are as large as theirs."""
        for lun, one in self._attachments.items():
            if one.method == attaching.File.name and lun not in self._resizing:
                self._resizing.add(lun)
                asyncio.create_task(self._resize(one))  # noqa: RUF006 - it ends by itself

    async def _resize(self, one: Attachment) -> None:
        """Give a file its disk's size, one after the other when it changes meanwhile."""
        told = -1
        try:
            while self._attachments.get(one.lun) is one and (size := self._lun(one.lun).size) != told:
                told = size
                await attaching.set_size(one, self._nursery, size)
        except Problem:  # it is not shown any more
            pass
        finally:
            self._resizing.discard(one.lun)

    # ---- from one helper to the next -------------------------------------------------------------------------

    @property
    def kept(self) -> tuple[KeptDisk, ...]:
        """What the next helper has to know."""
        return (*map(KeptDisk.of, self._attachments.values()), *self._making.values())

    async def adopt(self, kept: Sequence[KeptDisk], descriptors: Mapping[int, int], last_front: int) -> list[KeptDisk]:
        """Go on with an earlier helper's disks, with the fronts' descriptors; returns those that are no more.

        What is not whole, because it was being made or taken away when that helper ended, is taken away. The
        descriptors become ours.
        """
        self._front = last_front
        lost = []
        for one in kept:
            attachment = one.attachment(descriptors.get(one.front, -1))
            if one.ready and attachment.descriptor >= 0 and await attaching.whole(attachment, self._nursery):
                self._attachments[one.lun] = attachment
                if attachment.lock:
                    self._nursery.stay_in_memory()
            else:
                lost.append(one)
                await attaching.force(attachment, self._nursery)
                await self._end_front(attachment, force=True)
        known = {one.front for one in kept}
        close_all(number for front, number in descriptors.items() if front not in known)
        return lost

    def leave(self) -> None:
        """Close our descriptors; the worker has its own."""
        for attachment in self._attachments.values():
            attachment.close()

    # ---- who has them ----------------------------------------------------------------------------------------

    async def holders(self, lun: str) -> list[Holder]:
        """Return who has the disk's device now."""
        attachment = self._attachments.get(lun)
        if attachment is None:
            return []
        path = attachment.shown.device
        return list((await holders_of(self._nursery, [path])).get(path, ()))

    def note_holders(self, lun: str, holders: tuple[Holder, ...]) -> None:
        """Take the result of a look at an attached disk."""
        if lun in self._attachments and self._held.get(lun, ()) != holders:
            self._held[lun] = holders
            self._owner.tell_holders(lun, holders)

    # ---- fronts ----------------------------------------------------------------------------------------------

    async def attach_front(
        self, front: int, lun: str, descriptor: int, *, read_only: bool, resume: bool, lock: bool
    ) -> None:
        """Let the worker serve a disk on a /dev/fuse descriptor."""
        if lock:
            self._nursery.stay_in_memory()
        fields = _attach_fields(front, lun, "fuse", read_only=read_only) | {"resume": resume, "lock": lock}
        fields["cached"] = not lock  # over a block device's file the kernel's cache is the device's own
        await self._owner.worker().request("attach", fields, {"device": descriptor})

    async def detach_front(self, front: int) -> None:
        """Let the worker flush and end a front."""
        await self._owner.worker().request("detach", {"front": front}, seconds=90.0)

    async def resume(self) -> None:
        """Let a new worker go on with what a dead one served. Raises Problem("IdentityChanged")."""
        self._nbd.clear()
        for one in list(self._attachments.values()):
            if one.descriptor < 0:
                continue  # it is being taken away
            self._check_identity(one)
            await self.attach_front(
                one.front, one.lun, one.descriptor, read_only=one.read_only, resume=True, lock=one.lock
            )

    def _check_identity(self, attachment: Attachment) -> None:
        """Make sure that the disk is the same one: no other is swapped in under an open device."""
        found = self._lun(attachment.lun).wwn
        if attachment.wwn and found != attachment.wwn:
            raise Problem("IdentityChanged", lun=attachment.lun, found=found, expected=attachment.wwn)

    def front_ended(self, front: int) -> None:
        """Note that a front ended by itself: an NBD client that left, or a device that somebody unmounted."""
        self._nbd.discard(front)
        gone = [one for one in self._attachments.values() if one.front == front]
        if gone and front not in self._expected:
            log.warning("The device of %s %s was taken away by somebody else", self._owner.spec.key, gone[0].lun)
            self._forget(gone[0])
            asyncio.create_task(attaching.force(gone[0], self._nursery))  # noqa: RUF006 - it ends by itself
            self._owner.tell("detached", {"lun": gone[0].lun, "device": gone[0].shown.device})


def _attach_fields(front: int, lun: str, kind: str, *, read_only: bool) -> dict[str, Any]:
    fields = {"front": front, "lun": lun, "kind": kind, "read_only": read_only}
    # One socket is what the user of an NBD front gets: it must not try to make more connections.
    return fields | {"handshake": True, "alone": True, "resume": False, "lock": False, "cached": False}
