# SPDX-License-Identifier: Apache-2.0
"""A session from the helper's side: one worker process, its control channel, its disks.

When the worker dies the session comes back by itself: a new worker logs in with the same ISID (which ends what the
target still has of the old session, RFC 7143, 6.3.5), and goes on with the FUSE descriptors that were kept here; what
was asked of the dead one is asked again by the kernel, and programs only wait.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import keeping
from .adopting import HandedOver
from .api import statistics as statistics_page
from .api.control import MAX_LUNS, Message
from .api.errors import Problem
from .dialing import Answerer, Dialer
from .disks import Disks
from .keeping import Kept
from .sealing import SealedSecrets, descriptors, sealed_for
from .supervision import (
    Attached,
    ConnectionRecord,
    Holder,
    LunRecord,
    Portal,
    SessionObserver,
    SessionSpec,
    Step,
    once,
)
from .worker_process import WorkerProcess, close_descriptors, start_fields

if TYPE_CHECKING:
    from .nursery import Nursery

log = logging.getLogger(__name__)

#: A worker that died so often within so many seconds is not started again.
MAX_DEATHS, DEATH_WINDOW = 5, 120.0
#: How long a session that is being brought back is waited for when the helper ends.
LEAVE_SECONDS = 30.0
#: The longest pause before a worker is started again.
MAX_PAUSE = 5.0
_LUN_FIELDS = tuple(field.name for field in dataclass_fields(LunRecord))


class WorkerSession:
    """A live login. Made by `Supervisor.open_session`; tells its observer when something changes.

    A worker's own states count only once it is up: until then the session is "connecting", or "lost" when it is a new
    worker in the place of one that died.

    state: "connecting", "connected", "lost", "disconnecting", "ended". since: first login, microseconds since 1970.
    """

    def __init__(
        self, nursery: Nursery, run_dir: Path, spec: SessionSpec, look_soon: Callable[[], None] = lambda: None
    ) -> None:
        self.spec = replace(spec, secrets=None)  # from here on they lie in the sealed descriptor only
        self.initiator_name = spec.initiator_name
        self._lost = asyncio.Event()
        self.state = "connecting"
        self.parameters: dict[str, str | int | bool] = {}
        self.portal = spec.portals[0]
        self.connections: tuple[ConnectionRecord, ...] = ()
        self.luns: tuple[LunRecord, ...] = ()
        self.since = 0
        self.reconnects = 0
        self.last_error = ""
        self.last_problem: Problem | None = None
        self._nursery = nursery
        self._run_dir = run_dir
        self._observer: SessionObserver | None = None
        self._process: WorkerProcess | None = None
        self._dialer = Dialer(nursery, spec.interface, float(str(spec.settings["connect_timeout"])))
        self._answerer = Answerer(self._dialer, self._connected_socket)
        self._portals: tuple[Portal, ...] = ()
        self._secrets = sealed_for(spec.secrets, spec.sign_in)
        self._page = statistics_page.create()
        self._reader = statistics_page.Reader(self._page)
        self._disks = Disks(nursery, run_dir / "disks", self)
        self._look_soon = look_soon
        self._handing: HandedOver | None = None
        self._heard = False
        self._pending: list[LunRecord] = []
        self._ready: asyncio.Future[None] | None = None
        self._step: Step = lambda _name: None
        self._deaths: list[float] = []
        self._restart: asyncio.Task[None] | None = None
        self._closing = False
        self._over = False

    @property
    def state(self) -> str:
        """As told above."""
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        self._state = state
        if state == "lost":
            self._lost.set()
        else:
            self._lost.clear()

    # ---- opening ---------------------------------------------------------------------------------------------

    async def open(self, observer: SessionObserver, step: Step) -> None:
        """Log in and find the disks; any failure is raised here and leaves nothing."""
        self._step = once(step)
        try:
            step("resolve")
            self._portals = await self._dialer.numeric(self.spec.portals)
            step("connect")
            await self._start_worker()
        except BaseException:
            await self._finish(None)
            raise
        self.state = "connected"
        self.since = time.time_ns() // 1000
        self._step = lambda _name: None
        self._observer = observer
        self.save()

    async def _start_worker(self) -> None:
        """Start a process and wait until it is logged in and has found the disks."""
        self._ready = asyncio.get_running_loop().create_future()
        self._pending, self._heard = [], False
        process = WorkerProcess(self._nursery, self._run_dir, self.spec.key, self)
        self._process = process
        await process.start()
        self.save()
        given = {"statistics": self._page, **descriptors(self._secrets)}
        await process.request("start", start_fields(self.spec, self._portals), given)
        await self._ready

    # ---- from one helper to the next -------------------------------------------------------------------------

    def save(self) -> None:
        """Note for the next helper what there is, once the session is open."""
        if not self.since or self._over or self._handing is not None or self._process is None:
            return
        keeping.save(
            self._run_dir,
            Kept(
                self.spec,
                self._portals,
                self._dialer.known,
                self._process.pid,
                self._process.started,
                self.since,
                self.reconnects,
                self.last_error,
                self.connections,
                self._disks.kept,
            ),
        )

    async def adopt(self, kept: Kept, observer: SessionObserver) -> bool:
        """Go on with an earlier helper's worker. False: there is one, and it cannot be gone on with; it is left alone.

        When it is there no more, what is left of its disks is taken away, and the session has ended.
        """
        self._portals, self.since, self.reconnects = kept.portals, kept.since, kept.reconnects
        self.last_error, self.connections = kept.last_error, kept.connections
        self._dialer.learn(kept.numbers)
        handing = self._handing = HandedOver()
        process = self._process = WorkerProcess(self._nursery, self._run_dir, self.spec.key, self)
        problem: Problem | None = None
        try:
            await process.find(kept.pid, kept.started)
            handing.check(wants_secrets=self.spec.sign_in != "none")
        except Problem as caught:
            log.error("The worker of %s: %s", self.spec.key, caught.code)  # noqa: TRY400 - says it all
            if process.alive:
                handing.close()
                self._abandon()
                return False
            problem = caught
        lost = await self._disks.adopt(kept.disks, handing.fronts, handing.last_front)
        self._handing = None
        if problem is not None or self.state not in {"connected", "lost"}:
            close_descriptors([handing.page])
            self._secrets = SealedSecrets(handing.secrets) if handing.secrets >= 0 else None
            await self._finish(problem or Problem("EngineDied"))
            return True
        close_descriptors([self._page])
        self._page = handing.page
        self._secrets = SealedSecrets(handing.secrets) if handing.secrets >= 0 else None
        self._reader = statistics_page.Reader(self._page)
        self._observer = observer
        for disk in lost:
            self.tell("detached", {"lun": disk.lun, "device": disk.device or disk.path})
        self.disks_changed()
        if process.over:
            self.died()  # meanwhile
        return True

    # ---- what the worker says --------------------------------------------------------------------------------

    def message(self, message: Message) -> None:
        """Take a message of the worker's."""
        handler = _HANDLERS.get(message.type)
        if handler is not None:
            handler(self, message)

    def _hello(self, message: Message) -> None:
        if self._handing is not None:
            self._handing.hello(message)
        if message["missing"] and not self._heard:
            log.info("Worker of %s runs without: %s", self.spec.key, "; ".join(message["missing"]))
        self._heard = True

    def _handed(self, message: Message) -> None:
        if self._handing is not None:
            self._handing.take(message)

    def _want_connection(self, message: Message) -> None:
        if self._process is not None and not self._closing:
            self._answerer.wanted(self._process, message)

    def _connected_socket(self, sock: socket.socket) -> None:
        try:
            local, remote = _shown(sock.getsockname()), _shown(sock.getpeername())
        except OSError:
            return
        self.connections = (ConnectionRecord(0, local, remote, self.spec.interface),)
        self.save()
        self._step("login")

    def _state_message(self, message: Message) -> None:
        state, problem = message["state"], message.problem
        if problem is not None:
            self.last_error, self.last_problem = problem.code, problem
        if state in {"lost", "ended"}:
            self.connections = ()
        if state == "ended":
            self._worker_gave_up(problem)
        elif self._ready is not None and not self._ready.done():
            if state == "connected":
                self._ready.set_result(None)
        else:
            self.reconnects += state == "connected" and self.state == "lost"
            self.state = state
            self._changed()

    def _worker_gave_up(self, problem: Problem | None) -> None:
        """Take the engine's own end of the session: it can't be had back, or it was asked for."""
        if self._handing is not None:
            self.state = "ended"
        elif self._ready is not None and not self._ready.done():
            self._ready.set_exception(problem or Problem("ConnectionLost", address=self.portal.address))
        elif not self._closing and self._restart is None:
            self._restart = asyncio.create_task(self._finish(problem or Problem("EngineDied")))

    def _parameters_message(self, message: Message) -> None:
        self.parameters = message["values"]
        self.portal = Portal(**message["portal"])
        self._step("scan")
        self._changed()

    def _luns_message(self, message: Message) -> None:
        self._pending += [LunRecord(**{name: row[name] for name in _LUN_FIELDS}) for row in message["luns"]]
        del self._pending[MAX_LUNS:]
        if message["more"]:
            return
        found, self._pending = tuple(self._pending), []
        different, self.luns = found != self.luns, found
        if different:
            self._disks.look_at_sizes()
        if different and self._observer is not None:
            self._observer.luns_changed(self)

    def _front_message(self, message: Message) -> None:
        self._disks.front_ended(message["front"])

    def _event_message(self, message: Message) -> None:
        self.tell(message["kind"], message["attrs"])

    def _changed(self) -> None:
        self.save()
        if self._observer is not None:
            self._observer.changed(self)

    # ---- a worker that dies ----------------------------------------------------------------------------------

    def died(self) -> None:
        """Start a new worker, unless this one was to end."""
        self._answerer.stop()
        if self._handing is not None:
            return  # who takes it over is told by what it asks for
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(Problem("EngineDied"))
        elif not self._closing and self._restart is None:
            self._restart = asyncio.create_task(self._come_back())

    async def _come_back(self) -> None:
        """Start new workers until one holds, or it is too often."""
        self.state, self.last_error, self.connections = "lost", "EngineDied", ()
        self.last_problem = Problem("EngineDied")
        self.tell("worker-died", {})
        self._changed()
        try:
            while not await self._try_again():
                pass
        except Problem as problem:
            await self._finish(problem)
        except Exception:
            log.exception("A session could not be brought back")
            await self._finish(Problem("EngineDied"))
        finally:
            self._restart = None

    async def _try_again(self) -> bool:
        now = time.monotonic()
        self._deaths = [one for one in self._deaths if now - one < DEATH_WINDOW] + [now]
        if len(self._deaths) > MAX_DEATHS:
            raise Problem("EngineDied")
        await asyncio.sleep(min(0.1 * 2 ** (len(self._deaths) - 1) - 0.1, MAX_PAUSE))
        if self._process is not None:
            await self._process.end()  # waits: after this its connection to the target is closed
        try:
            await self._start_worker()
            await self._disks.resume()
        except Problem as problem:
            log.warning("A new worker for %s: %s (%s)", self.spec.key, problem.code, problem)
            if problem.code == "EngineDied" or self._patient():
                return False
            raise
        self.state = "connected"
        self.reconnects += 1
        self.tell("restored", {})
        self._changed()
        return True

    def _patient(self) -> bool:
        """Whether the target's policy lets I/O wait longer than the new worker's first attempt."""
        policy = int(str(self.spec.settings["recovery_timeout"]))
        return bool(self._disks) and (policy < 0 or time.monotonic() - self._deaths[0] < policy)

    # ---- disks -----------------------------------------------------------------------------------------------

    @property
    def attached(self) -> dict[str, Attached]:
        """The attached disks by address."""
        return self._disks.attached

    async def attach(self, lun: str, method: str, read_only: bool, step: Step) -> Attached:
        """Make a disk a device. Raises Problem; nothing is left behind then."""
        return await self._disks.attach(lun, method, read_only, step)

    async def eject(self, lun: str, step: Step, *, force: bool = False) -> None:
        """Take a device away; see `Disks.eject`."""
        await self._disks.eject(lun, step, force=force)

    async def open_nbd(self, lun: str, read_only: bool) -> int:
        """Return one end of a socket that speaks NBD; the caller owns the descriptor."""
        return await self._disks.open_nbd(lun, read_only)

    async def holders(self, lun: str) -> list[Holder]:
        """Return who has the disk's device now."""
        return await self._disks.holders(lun)

    def note_holders(self, lun: str, holders: tuple[Holder, ...]) -> None:
        """Take the result of a look (`HolderWatch`)."""
        self._disks.note_holders(lun, holders)

    # ---- DisksOwner ------------------------------------------------------------------------------------------

    def worker(self) -> WorkerProcess:
        """Return the worker. Raises Problem("NotConnected")."""
        if self._process is None or self._over:
            raise Problem("NotConnected", target=self.spec.target_name)
        return self._process

    async def until_lost(self) -> None:
        """Return as soon as the target is away."""
        await self._lost.wait()

    def disks_changed(self) -> None:
        """A disk was attached, ejected or lost."""
        self._look_soon()
        self._changed()

    def tell(self, kind: str, attrs: dict[str, Any]) -> None:
        """Something for the timeline."""
        if self._observer is not None:
            self._observer.event(self, kind, attrs)

    def tell_holders(self, lun: str, holders: tuple[Holder, ...]) -> None:
        """Somebody else has a disk."""
        if self._observer is not None:
            self._observer.holders_changed(self, lun, holders)

    # ---- the rest --------------------------------------------------------------------------------------------

    async def rescan(self) -> None:
        """Ask the target for its disks again; `luns` is new when this returns."""
        await self.worker().request("rescan", {}, seconds=120.0)

    def statistics(self) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Return the session's counters, and those of each disk by its address."""
        if self._over:
            return {}, {}
        return self._reader.session(), {f"{lun:016x}": row for lun, row in self._reader.disks().items()}

    async def logout(self, *, force: bool = False) -> None:
        """Eject every disk, log out, end the worker. Problem("DeviceBusy"): nothing was changed. Others as `eject`.

        A target that does not answer ends it all the same; `force` is for the disks.
        """
        if self._over:
            raise Problem("NotConnected", target=self.spec.target_name)
        await self._disks.eject_all(force=force)
        self._closing = True
        self.state = "disconnecting"
        self._changed()
        seconds = float(str(self.spec.settings["logout_timeout"]))
        try:
            await self.worker().request("logout", {}, seconds=seconds + 5.0)
        except Problem as problem:
            log.warning("Logging out of %s: %s", self.spec.target_name, problem.code)
        await self._finish(None)

    async def leave(self) -> None:
        """Let the worker go on without us, for the next helper to find; the observer is told nothing."""
        if self._restart is not None:  # a new worker has to have the descriptors before we end
            await asyncio.wait([self._restart], timeout=LEAVE_SECONDS)
        self.save()
        self._abandon()
        self._disks.leave()

    def _abandon(self) -> None:
        self._closing = self._over = True
        self._answerer.stop()
        if self._process is not None:
            self._process.leave()
        if self._secrets is not None:
            self._secrets.leave()
        close_descriptors([self._page])
        self.state = "ended"

    async def abort(self) -> None:
        """End it without a word to the target: devices answer with errors from now on and are taken away."""
        await self._finish(None)

    async def _finish(self, problem: Problem | None) -> None:
        """End everything, once."""
        if self._over:
            return
        self._closing = self._over = True
        self._answerer.stop()
        if self._restart is not None and self._restart is not asyncio.current_task():
            self._restart.cancel()
        if self._process is not None:
            await self._process.end()
        await self._disks.force_all()
        keeping.forget(self._run_dir, self.spec.key)
        if self._secrets is not None:
            self._secrets.close()
        close_descriptors([self._page])
        self.state, self.connections = "ended", ()
        if problem is not None:
            self.last_error = problem.code
        if self._observer is not None:
            self._observer.ended(self, problem)


_HANDLERS: dict[str, Callable[[WorkerSession, Message], None]] = {
    "hello": WorkerSession._hello,  # noqa: SLF001 - the table of this class
    "handed": WorkerSession._handed,  # noqa: SLF001
    "want_connection": WorkerSession._want_connection,  # noqa: SLF001
    "state": WorkerSession._state_message,  # noqa: SLF001
    "parameters": WorkerSession._parameters_message,  # noqa: SLF001
    "luns": WorkerSession._luns_message,  # noqa: SLF001
    "front": WorkerSession._front_message,  # noqa: SLF001
    "event": WorkerSession._event_message,  # noqa: SLF001
}


def _shown(name: Any) -> str:
    address, port = name[0], name[1]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
