# SPDX-License-Identifier: Apache-2.0
"""What the service does, without a bus: targets, sessions, disks, jobs, the timeline.

Callers hand in who they are (jobs.Caller) and plain values whose types were checked; everything else is checked here.
What goes wrong is a Problem. Work that takes a while is a Job that is returned at once.

Things are named by references (Ref), which the bus turns into object paths: "targets/3", "sessions/1",
"sessions/1/luns/0001000000000000", "jobs/7".
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import checks
from .agents import Agents
from .api.errors import Problem
from .api.settings import Value
from .api.values import Descriptor
from .attach.base import MethodInfo
from .background import Background, Notes, Timeline, error_detail, to_the_end
from .defaults import Defaults
from .diagnosis import Diagnosis
from .identity import Identity
from .jobs import Caller, Job, Jobs
from .listener import Listener
from .luns import Luns
from .netwatch import NetworkWatch
from .observer import Observer
from .portals import Portals
from .records import changed, hints, sign_in_fields
from .signing import Question, signed_in
from .startup import Startup
from .store import Store, TargetRecord
from .supervision import Secrets, SessionSpec, Step, in_use, make_isid
from .supervisor import Supervisor
from .takeover import session_key, take_over
from .things import Lun, Ref, Session, Target
from .worker_session import WorkerSession

log = logging.getLogger(__name__)

#: Seconds that a session may take to log out when the service stops.
STOP_TIMEOUT = 10.0
NO_DEFAULTS = Defaults()
MAX_TARGETS = 1000


class Service:
    """The service. `start` it before anything else, `stop` it at the end."""

    def __init__(
        self,
        store: Store,
        supervisor: Supervisor,
        methods: Sequence[MethodInfo],
        listener: Listener,
        *,
        defaults: Defaults = NO_DEFAULTS,
        machine: str = "",
    ) -> None:
        self.store = store
        self.supervisor = supervisor
        self.listener = listener
        self._numbers = itertools.count(1)
        self._background = Background()
        self.timeline = Timeline(store, listener, self._background)
        self.methods = tuple(methods)
        self.agents = Agents(lambda caller: self.startup.agent_came(caller.uid))
        self.jobs = Jobs(listener)
        self.portals = Portals(self)
        self.startup = Startup(self)
        self.diagnosis = Diagnosis(self)
        self.luns = Luns(self)
        self._network = NetworkWatch(self._network_changed)
        #: What is new and what is not is decided with this held.
        self.records = asyncio.Lock()
        self.max_targets = MAX_TARGETS
        self.targets: dict[int, Target] = {}
        self.sessions: dict[int, Session] = {}
        self.identity = Identity(store, machine)
        self.defaults = defaults

    async def start(self) -> None:
        """Read what is saved, and find the sessions that an earlier service left running."""
        await self.identity.start()
        for record in await self.store.targets():
            self.add(Target(record))
        await take_over(self)
        await self.portals.start()
        self.startup.start()
        self._network.start()
        if self.store.damaged is not None:
            self.note("store-damaged", "", {"path": str(self.store.damaged)})
        if self.identity.warning:
            self.note(self.identity.warning, "", {"name": self.identity.name})
        self._note_refused()

    async def stop(self, *, log_out: bool) -> None:
        """End jobs, and the sessions without attached disks; with `log_out` all whose disks nobody uses.

        The others are the supervisor's.
        """
        self._network.close()
        self.startup.stop()
        self.portals.stop()
        await self.jobs.close()
        leaving = [one for one in self.sessions.values() if log_out or not one.live.attached]
        await asyncio.gather(*map(self._leave, leaving))
        await self.timeline.written(STOP_TIMEOUT)
        await self._background.stop()

    @property
    def in_use(self) -> bool:
        """There is a session, a running job, something to be kept up, or somebody who waits to be asked for secrets."""
        running = any(not job.finished for job in self.jobs.all.values())
        kept = self.startup.any or self.portals.any
        return bool(self.sessions) or running or kept or not self.agents.empty

    def _network_changed(self) -> None:
        log.info("the network has changed")
        self.portals.network_changed()
        self.startup.network_changed()

    async def _leave(self, session: Session) -> None:
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._logout(session, lambda _step: None)
        except (Problem, TimeoutError) as error:
            code = error.code if isinstance(error, Problem) else "Timeout"
            log.warning("%s stays connected: %s", session.target.record.name, code)

    def caller_left(self, key: str) -> None:
        """Forget a connection that ended: its agent, and its jobs that nobody wants any more."""
        self.agents.caller_left(key)
        self.jobs.caller_left(key)

    # ---- targets -----------------------------------------------------------------------------------------------------

    async def add_target(
        self, caller: Caller, name: str, portals: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Target:
        """Save a target. Raises Problem("AlreadyExists") among others."""
        blank = TargetRecord(0, checks.target_name(name), checks.portals(portals), caller.uid)
        return await to_the_end(self._add_target(changed(blank, options)))

    async def _add_target(self, record: TargetRecord) -> Target:
        async with self.records:
            if len(self.targets) >= self.max_targets:
                raise Problem("NotSupported", what="more targets", detail=f"There are {self.max_targets} already.")
            target = Target(await self.store.add_target(record))
            self.add(target)
        self.startup.consider(target)
        return target

    async def update_target(self, target: Target, changes: Mapping[str, Any]) -> None:
        """Change a record, all or nothing."""
        await to_the_end(self._update_target(target, changes))

    async def _update_target(self, target: Target, changes: Mapping[str, Any]) -> None:
        async with self.records:
            self.must_exist(target)
            record = changed(target.record, changes)
            await self.store.update_target(record)
            target.record = record
            self.listener.changed(target)
        self.startup.consider(target)

    async def remove_target(self, target: Target) -> None:
        """Forget a record. Raises Problem("StillConnected")."""
        await to_the_end(self._remove_target(target))

    async def _remove_target(self, target: Target) -> None:
        async with self.records:
            self.must_exist(target)
            if target.state != "disconnected":
                raise Problem("StillConnected", target=target.record.name)
            del self.targets[target.record.id]  # from here on nobody connects it any more
            try:
                await self.store.remove_target(target.record.id)
            except BaseException:
                self.targets[target.record.id] = target
                raise
            self.listener.removed(target)
        self.startup.consider(target)

    async def set_initiator_name(self, name: str) -> None:
        """Change this computer's name, for an empty one to a new one; sessions that are up keep the old one."""
        await to_the_end(self.identity.set_name(name))
        self.listener.initiator_changed()

    async def set_initiator_alias(self, alias: str) -> None:
        """Change this computer's alias, for an empty one to the host's name."""
        await to_the_end(self.identity.set_alias(alias))
        self.listener.initiator_changed()

    def add(self, target: Target) -> None:
        """Take a target that is saved among ours."""
        self.targets[target.record.id] = target
        self.listener.added(target)

    def complete(self, values: Mapping[str, object]) -> dict[str, Value]:
        """Return every setting: `values` checked, for the rest the system-wide ones, and defaults."""
        return self.defaults.complete(values)

    def set_defaults(self, defaults: Defaults) -> None:
        """Take other system-wide settings; sessions that are up take them at their next login."""
        self.defaults = defaults
        for target in self.targets.values():
            self.listener.changed(target)
        self._note_refused()

    def _note_refused(self) -> None:
        for path, why in self.defaults.refused.items():
            self.note("settings-refused", "", {"path": path, "detail": why})

    def must_exist(self, target: Target) -> None:
        """Raise Problem("NotFound") when it was removed."""
        if self.targets.get(target.record.id) is not target:
            raise Problem("NotFound", what=target.record.name)

    # ---- sessions ----------------------------------------------------------------------------------------------------

    def login(
        self,
        caller: Caller,
        target: Target,
        options: Mapping[str, Any],
        secrets: Descriptor | None,
        *,
        background: bool = False,
    ) -> Job:
        """Connect. `secrets` becomes ours; `background`: nobody asked for it. Details: session, luns."""
        overrides = sign_in_fields(options, base=target.record)
        more_hints = {"background": True} if background else {}

        async def work(job: Job) -> dict[str, Any]:
            self._claim(target)
            before = target.last_error if background else ""
            try:
                session = await self._login(job, caller, target, overrides, secrets, more_hints)
            except asyncio.CancelledError:
                self._refused(target, Problem("Cancelled"), before)
                raise
            except Problem as problem:
                self._refused(target, problem, before)
                raise
            except BaseException:
                self._refused(target, Problem("Internal"), before)
                raise
            if not background:
                self.startup.wanted(target, wanted=True)
            return {"session": session.ref, "luns": [lun.ref for lun in session.luns.values()]}

        return self.jobs.start("login", (target.ref,), caller, work)

    async def _login(
        self,
        job: Job,
        caller: Caller,
        target: Target,
        overrides: Mapping[str, Any],
        secrets: Descriptor | None,
        more_hints: Mapping[str, Any],
    ) -> Session:
        spec = await self.supervisor.reachable_first(self.spec(target.record, overrides))
        session = self.new_session(target)

        async def once(used: Secrets | None) -> WorkerSession:
            observer = Observer(self, session)
            return await self.supervisor.open_session(replace(spec, secrets=used), observer, self.stepper(job))

        asked = {**hints(target.record.name, spec), **more_hints}
        question = Question(target.ref, "session", spec.sign_in, asked)
        worker = await signed_in(self.agents, caller, question, secrets, once)
        self._begin(session, worker)
        return session

    def _claim(self, target: Target) -> None:
        """From here to its end, this login is the only one."""
        self.must_exist(target)
        if target.connecting or target.session is not None:
            raise Problem("AlreadyConnected", target=target.record.name)
        target.connecting = True
        self.listener.changed(target)

    def _refused(self, target: Target, problem: Problem, before: str) -> None:
        """Note a failure; in the timeline unless it is the one of `before`."""
        target.settle(problem)
        self.listener.changed(target)
        if problem.code not in ("Cancelled", before):
            self.note("refused", target.record.name, error_detail(problem))

    def spec(self, record: TargetRecord, overrides: Mapping[str, Any]) -> SessionSpec:
        """Return what a login to this target takes."""
        return SessionSpec(
            key=session_key(record),
            target_name=record.name,
            portals=record.portals,
            initiator_name=self.identity.name,
            initiator_alias=self.identity.alias,
            isid=make_isid(record.name, self.identity.name),
            settings=self.complete(record.settings),
            **overrides,
        )

    def new_session(self, target: Target) -> Session:
        """Return a session with a number of its own, that nobody knows of yet."""
        return Session(next(self._numbers), target, Notes(self.timeline, target.record.name))

    def _begin(self, session: Session, worker: WorkerSession) -> None:
        session.worker = worker
        self.show(session)
        portal = worker.portal
        self.note("connected", session.target.record.name, {"address": portal.address, "port": portal.port})

    def show(self, session: Session) -> None:
        """Take a session that is up: from here on it is one of ours."""
        target = session.target
        target.settle()
        target.session = session
        self.sessions[session.number] = session
        self.listener.added(session)
        self.luns.sync(session)
        self.listener.changed(target)

    def logout(self, caller: Caller, target: Target, *, force: bool = False) -> Job:
        """Eject the disks and disconnect; with `force` also those that are in use, or not written out."""

        async def work(job: Job) -> dict[str, Any]:
            session = target.session
            if session is None:
                raise Problem("NotConnected", target=target.record.name)
            await self._logout(session, self.stepper(job), force=force)
            self.startup.wanted(target, wanted=False)
            return {}

        return self.jobs.start("logout", (target.ref,), caller, work)

    async def _logout(self, session: Session, step: Step, *, force: bool = False) -> None:
        async with session.lock:
            worker = session.live
            if not force:
                await self._nobody_uses(session)
            for lun in list(worker.attached):
                await worker.eject(lun, step, force=force)
            step("logout")
            await worker.logout(force=force)
        self.session_ended(session, None)

    async def _nobody_uses(self, session: Session) -> None:
        worker = session.live
        found = [holder for lun in worker.attached for holder in await worker.holders(lun)]
        if found:
            raise in_use(found)

    def rescan(self, caller: Caller, session: Session) -> Job:
        """Ask for the disks again. Details: luns."""

        async def work(job: Job) -> dict[str, Any]:
            self.jobs.step(job, "scan")
            try:
                await session.live.rescan()
            except Problem:
                if session.state == "disconnecting":  # by somebody else, meanwhile
                    raise Problem("NotConnected", target=session.target.record.name) from None
                raise
            self.luns.sync(session)
            return {"luns": [lun.ref for lun in session.luns.values()]}

        return self.jobs.start("rescan", (session.ref,), caller, work)

    # ---- what the supervisor tells -----------------------------------------------------------------------------------

    def session_changed(self, session: Session) -> None:
        """Tell who listens that anything about the session may be different."""
        if session.number in self.sessions:
            self._note_state(session)
            self.listener.changed(session)
            self.listener.changed(session.target)
            for lun in session.luns.values():
                self.listener.changed(lun)

    def _note_state(self, session: Session) -> None:
        before, session.noted_state = session.noted_state, session.state
        kind = {("connected", "lost"): "lost", ("lost", "connected"): "restored"}.get((before, session.state))
        if kind is not None:
            problem = session.live.last_problem if kind == "lost" else None
            session.notes.note(kind, error_detail(problem))

    def luns_changed(self, session: Session) -> None:
        """The target shows other disks."""
        if session.number in self.sessions:
            self.luns.sync(session)

    def session_ended(self, session: Session, problem: Problem | None) -> None:
        """Take the session away; a second time does nothing."""
        if self.sessions.pop(session.number, None) is None:
            return
        for lun in session.luns.values():
            self.listener.removed(lun)
        session.luns.clear()
        session.worker = None
        self.listener.removed(session)
        session.target.session = None
        session.target.settle(problem)
        self.listener.changed(session.target)
        self.note("disconnected", session.target.record.name, error_detail(problem))
        self.startup.ended(session.target)

    # ---- figures and the timeline ------------------------------------------------------------------------------------

    def statistics(self) -> dict[str, dict[str, Any]]:
        """Return every counter: reference to counters, of sessions and of disks."""
        found: dict[str, dict[str, Any]] = {}
        for session in self.sessions.values():
            try:
                whole, disks = session.live.statistics()
            except Problem as problem:
                log.warning("%s: no figures: %s", session.ref, problem.code)
                continue
            found[session.ref] = dict(whole)
            found |= {session.luns[lun].ref: dict(figures) for lun, figures in disks.items() if lun in session.luns}
        return found

    def note(self, kind: str, target: str, detail: Mapping[str, str | int]) -> None:
        """Add to the timeline."""
        self.timeline.note(kind, target, detail)

    def stepper(self, job: Job) -> Step:
        """Return what tells a job's steps."""
        return lambda word: self.jobs.step(job, word)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it in the background, until the service ends."""
        return self._background.spawn(coroutine)


__all__ = ["Listener", "Lun", "Ref", "Service", "Session", "Target"]
