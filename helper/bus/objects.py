# SPDX-License-Identifier: Apache-2.0
"""The service's things as D-Bus objects. Each converts and delegates; what it does is in service.py.

Members are named by the contract (api/objects.py). `owner_id` and `prompt` are for the authorization: whose thing it
is, and what the question for a password tells.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import metadata
from typing import Any

from ..api import names
from ..api.objects import Call
from ..api.values import Descriptor, ObjectPath
from ..jobs import Caller, Job
from ..records import portal_rows
from ..service import Service
from ..store import Event
from ..things import KeptPortal, Lun, Ref, Session, Target
from .agent import BusAgent

Options = Mapping[str, Any]
WhoIs = Callable[[str], Awaitable[Caller]]

NOTHING = ObjectPath("/")


def path(ref: str) -> ObjectPath:
    """Return the object path of a thing."""
    return ObjectPath(f"{names.ROOT_PATH}/{ref}")


def outward(value: Any) -> Any:
    """Return a value with every reference in it turned into an object path."""
    if isinstance(value, Ref):
        return path(value)
    if isinstance(value, Mapping):
        return {key: outward(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [outward(item) for item in value]
    return value


def event_row(event: Event) -> dict[str, Any]:
    """Return an entry of the timeline as the bus shows it."""
    detail = dict(event.detail)
    return {"id": event.id, "time": event.time, "kind": event.kind, "target": event.target, "detail": detail}


def _secrets(options: Options) -> Descriptor | None:
    """Take the descriptor out of the call, which would close it."""
    given = options.get("secrets")
    return Descriptor(given.take()) if given is not None else None


class ManagerObject:
    """Manager."""

    owner_id = None

    def __init__(self, service: Service, who_is: WhoIs, agent: Callable[[str, str], BusAgent]) -> None:
        self._service = service
        self._who_is = who_is
        self._agent = agent
        self.version = metadata.version("lundock")

    @property
    def initiator_name(self) -> str:  # noqa: D102 - the contract tells
        return self._service.identity.name

    @property
    def initiator_alias(self) -> str:  # noqa: D102
        return self._service.identity.alias

    @property
    def initiator_name_warning(self) -> str:  # noqa: D102
        return self._service.identity.warning

    @property
    def attach_methods(self) -> list[dict[str, Any]]:  # noqa: D102
        return [{"name": m.name, "available": m.available, "reason": m.reason} for m in self._service.methods]

    def prompt(self, member: str, args: tuple[Any, ...]) -> dict[str, str]:
        """Return what the question for a password tells."""
        names = {"Discover": "address", "Diagnose": "address", "AddPortal": "address", "AddTarget": "target"}
        return {names[member]: str(args[0])} if member in names else {}

    async def discover(self, call: Call, address: str, options: Options) -> ObjectPath:  # noqa: D102
        caller = await self._who_is(call.sender)
        return started(self._service.portals.discover(caller, address, options, _secrets(options)), options)

    async def add_target(  # noqa: D102
        self, call: Call, name: str, portals: list[Options], options: Options
    ) -> ObjectPath:
        target = await self._service.add_target(await self._who_is(call.sender), name, portals, options)
        return path(target.ref)

    async def diagnose(self, call: Call, address: str, options: Options) -> ObjectPath:  # noqa: D102
        caller = await self._who_is(call.sender)
        return started(self._service.diagnosis.address(caller, address, options, _secrets(options)), options)

    async def add_portal(self, call: Call, address: str, options: Options) -> ObjectPath:  # noqa: D102
        portal = await self._service.portals.add(await self._who_is(call.sender), address, options)
        return path(portal.ref)

    async def set_initiator_name(self, _call: Call, name: str, _options: Options) -> None:  # noqa: D102
        await self._service.set_initiator_name(name)

    async def set_initiator_alias(self, _call: Call, alias: str, _options: Options) -> None:  # noqa: D102
        await self._service.set_initiator_alias(alias)

    async def register_secret_agent(self, call: Call, agent: str, _options: Options) -> None:  # noqa: D102
        caller = await self._who_is(call.sender)
        self._service.agents.register(caller, self._agent(call.sender, agent))

    async def unregister_secret_agent(self, call: Call, _options: Options) -> None:  # noqa: D102
        self._service.agents.unregister(await self._who_is(call.sender))

    async def get_statistics(self, _call: Call, _options: Options) -> dict[ObjectPath, Any]:  # noqa: D102
        return {path(ref): figures for ref, figures in self._service.statistics().items()}

    async def get_events(self, _call: Call, since: int, options: Options) -> list[dict[str, Any]]:  # noqa: D102
        return [event_row(event) for event in await self._service.timeline.events(since, options.get("limit", 1000))]


def _asked_for(target: Target) -> dict[str, str]:
    """Return what a question for a password tells: the name that a person gave it, not one that it gives itself."""
    record = target.record
    name = f"“{record.alias}”" if record.alias else record.name
    return {"target": " at ".join([name, *(portal.address for portal in record.portals[:1])])}


class TargetObject:
    """Target."""

    def __init__(self, service: Service, who_is: WhoIs, target: Target) -> None:
        self._service = service
        self._who_is = who_is
        self._target = target

    @property
    def owner_id(self) -> int:
        """Whose it is."""
        return self._target.record.owner

    def prompt(self, _member: str, _args: tuple[Any, ...]) -> dict[str, str]:
        """Return what the question for a password tells."""
        return _asked_for(self._target)

    def __getattr__(self, name: str) -> Any:
        """The properties that are the record's fields under the same name."""
        if name in ("name", "startup", "owner", "interface", "sign_in", "chap_name", "target_chap_name", "vanished"):
            return getattr(self._target.record, name)
        if name in ("alias", "state", "last_error", "last_error_facts"):
            return getattr(self._target, name)
        raise AttributeError(name)

    @property
    def portals(self) -> list[dict[str, Any]]:  # noqa: D102
        return portal_rows(self._target.record.portals)

    @property
    def settings(self) -> dict[str, Any]:  # noqa: D102
        return self._service.complete(self._target.record.settings)

    @property
    def settings_origin(self) -> dict[str, str]:  # noqa: D102
        return self._service.defaults.origins(self._target.record.settings)

    @property
    def source(self) -> ObjectPath:  # noqa: D102
        portal = self._service.portals.all.get(self._target.record.source)
        return path(portal.ref) if portal else NOTHING

    @property
    def session(self) -> ObjectPath:  # noqa: D102
        return path(self._target.session.ref) if self._target.session else NOTHING

    async def login(self, call: Call, options: Options) -> ObjectPath:  # noqa: D102
        caller = await self._who_is(call.sender)
        return started(self._service.login(caller, self._target, options, _secrets(options)), options)

    async def diagnose(self, call: Call, options: Options) -> ObjectPath:  # noqa: D102
        caller = await self._who_is(call.sender)
        return started(self._service.diagnosis.target(caller, self._target, options, _secrets(options)), options)

    async def probe(self, call: Call, options: Options) -> ObjectPath:  # noqa: D102
        return started(self._service.diagnosis.probe(await self._who_is(call.sender), self._target), options)

    async def logout(self, call: Call, options: Options) -> ObjectPath:  # noqa: D102
        caller = await self._who_is(call.sender)
        return path(job_ref(self._service.logout(caller, self._target, force=options.get("force", False))))

    async def update(self, _call: Call, changes: Options, _options: Options) -> None:  # noqa: D102
        await self._service.update_target(self._target, changes)

    async def remove(self, _call: Call, _options: Options) -> None:  # noqa: D102
        await self._service.remove_target(self._target)


class PortalObject:
    """Portal."""

    def __init__(self, service: Service, who_is: WhoIs, portal: KeptPortal) -> None:
        self._service = service
        self._who_is = who_is
        self._portal = portal

    @property
    def owner_id(self) -> int:
        """Whose it is."""
        return self._portal.record.owner

    def prompt(self, _member: str, _args: tuple[Any, ...]) -> dict[str, str]:
        """Return what the question for a password tells."""
        return {"address": self._portal.record.address, "target": self._portal.record.address}

    def __getattr__(self, name: str) -> Any:
        """The properties that are the record's fields under the same name."""
        if name in (
            "address", "method", "interval", "owner", "interface", "sign_in", "chap_name", "target_chap_name",
            "last_result", "last_look", "last_seen",
        ):  # fmt: skip
            return getattr(self._portal.record, name)
        raise AttributeError(name)

    @property
    def last_result_facts(self) -> dict[str, Any]:  # noqa: D102
        return dict(self._portal.facts)

    async def refresh(self, call: Call, options: Options) -> ObjectPath:  # noqa: D102
        caller = await self._who_is(call.sender)
        return started(self._service.portals.refresh(caller, self._portal, _secrets(options)), options)

    async def update(self, _call: Call, changes: Options, _options: Options) -> None:  # noqa: D102
        await self._service.portals.update(self._portal, changes)

    async def remove(self, _call: Call, options: Options) -> None:  # noqa: D102
        await self._service.portals.remove(self._portal, with_targets=options.get("forget-targets", False))


class SessionObject:
    """Session."""

    def __init__(self, service: Service, who_is: WhoIs, session: Session) -> None:
        self._service = service
        self._who_is = who_is
        self._session = session

    @property
    def owner_id(self) -> int:
        """Whose it is."""
        return self._session.target.record.owner

    def prompt(self, _member: str, _args: tuple[Any, ...]) -> dict[str, str]:
        """Return what the question for a password tells."""
        return _asked_for(self._session.target)

    @property
    def target(self) -> ObjectPath:  # noqa: D102
        return path(self._session.target.ref)

    @property
    def state(self) -> str:  # noqa: D102
        return self._session.state

    @property
    def portal(self) -> dict[str, Any]:  # noqa: D102
        worker = self._session.worker
        return portal_rows([worker.portal])[0] if worker else {}

    @property
    def parameters(self) -> dict[str, Any]:  # noqa: D102
        return dict(self._session.worker.parameters) if self._session.worker else {}

    @property
    def connections(self) -> list[dict[str, Any]]:  # noqa: D102
        worker = self._session.worker
        found = worker.connections if worker else ()
        return [{"id": c.id, "local": c.local, "remote": c.remote, "interface": c.interface} for c in found]

    @property
    def since(self) -> int:  # noqa: D102
        return self._session.worker.since if self._session.worker else 0

    @property
    def reconnects(self) -> int:  # noqa: D102
        return self._session.worker.reconnects if self._session.worker else 0

    @property
    def last_error(self) -> str:  # noqa: D102
        return self._session.worker.last_error if self._session.worker else ""

    @property
    def last_error_facts(self) -> dict[str, Any]:  # noqa: D102
        worker = self._session.worker
        problem = worker.last_problem if worker is not None else None
        return dict(problem.attrs) if worker is not None and problem is not None and worker.last_error else {}

    async def rescan(self, call: Call, options: Options) -> ObjectPath:  # noqa: D102
        return started(self._service.rescan(await self._who_is(call.sender), self._session), options)

    async def logout(self, call: Call, options: Options) -> ObjectPath:  # noqa: D102
        caller, target = await self._who_is(call.sender), self._session.target
        return path(job_ref(self._service.logout(caller, target, force=options.get("force", False))))


class LunObject:
    """Lun."""

    def __init__(self, service: Service, who_is: WhoIs, lun: Lun) -> None:
        self._service = service
        self._who_is = who_is
        self._lun = lun

    @property
    def owner_id(self) -> int:
        """Whose it is."""
        return self._lun.session.target.record.owner

    def prompt(self, _member: str, _args: tuple[Any, ...]) -> dict[str, str]:
        """Return what the question for a password tells."""
        return _asked_for(self._lun.session.target)

    def __getattr__(self, name: str) -> Any:
        """The properties that are the record's fields under the same name."""
        if name in (
            "address", "number", "kind", "vendor", "model", "serial", "wwn",
            "size", "block_size", "physical_block_size", "thin",
        ):  # fmt: skip
            return getattr(self._lun.record, name)
        raise AttributeError(name)

    @property
    def session(self) -> ObjectPath:  # noqa: D102
        return path(self._lun.session.ref)

    @property
    def target(self) -> ObjectPath:  # noqa: D102
        return path(self._lun.session.target.ref)

    @property
    def read_only(self) -> bool:  # noqa: D102
        settings = self._lun.session.target.record.settings
        return self._lun.record.read_only or bool(self._service.defaults.one(settings, "read_only"))

    @property
    def attach_method(self) -> str:  # noqa: D102
        return self._lun.attached.method if self._lun.attached else ""

    @property
    def attach_reason(self) -> str:  # noqa: D102
        return self._lun.attached.reason if self._lun.attached else ""

    @property
    def device(self) -> str:  # noqa: D102
        return self._lun.attached.device if self._lun.attached else ""

    @property
    def holders(self) -> list[dict[str, Any]]:  # noqa: D102
        return [{"kind": h.kind, "name": h.name} | ({"pid": h.pid} if h.pid else {}) for h in self._lun.holders]

    async def attach(self, call: Call, options: Options) -> ObjectPath:  # noqa: D102
        caller = await self._who_is(call.sender)
        read_only = bool(options.get("read-only", False))
        job = self._service.luns.attach(caller, self._lun, options.get("method", "auto"), read_only=read_only)
        return started(job, options)

    async def eject(self, call: Call, options: Options) -> ObjectPath:  # noqa: D102
        caller = await self._who_is(call.sender)
        return path(job_ref(self._service.luns.eject(caller, self._lun, force=options.get("force", False))))

    async def open_nbd(self, _call: Call, options: Options) -> Descriptor:  # noqa: D102
        return Descriptor(await self._service.luns.open_nbd(self._lun, read_only=bool(options.get("read-only", False))))


class JobObject:
    """Job."""

    progress = 0.0
    progress_valid = False

    def __init__(self, job: Job) -> None:
        self._job = job

    @property
    def owner_id(self) -> int:
        """Who started it."""
        return self._job.caller.uid

    @property
    def kind(self) -> str:  # noqa: D102
        return self._job.kind

    @property
    def step(self) -> str:  # noqa: D102
        return self._job.step

    @property
    def objects(self) -> list[ObjectPath]:  # noqa: D102
        return [path(ref) for ref in self._job.objects]

    @property
    def started_by(self) -> int:  # noqa: D102
        return self._job.caller.uid

    @property
    def finished(self) -> bool:  # noqa: D102
        return self._job.finished

    @property
    def error(self) -> str:  # noqa: D102
        return self._job.problem.dbus_name if self._job.problem else ""

    @property
    def details(self) -> dict[str, Any]:  # noqa: D102
        return dict(outward(self._job.details))

    async def cancel(self, _call: Call, _options: Options) -> None:  # noqa: D102
        self._job.cancel()


def job_ref(job: Job) -> Ref:
    """Return a job's name."""
    return Ref(f"jobs/{job.number}")


def started(job: Job, options: Options) -> ObjectPath:
    """Return where a job that was just started is; with `keep` it goes on without its caller."""
    job.keep = options.get("keep", False)
    return path(job_ref(job))
