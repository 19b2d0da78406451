# SPDX-License-Identifier: Apache-2.0
"""Finding out why a target, or an address, does not work: from its name to its disks, with the time of each step.

What can be tried without harm is tried: a session that is up is left alone and looked at, else a login is made under an
ISID of its own, so that it takes the place of no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from . import checks, connector, routes
from .api.errors import Problem
from .api.values import Descriptor
from .engine.names import format_address, parse_portal
from .findings import About, Finding, job_details
from .jobs import Caller, Job
from .probing import Probed, own_isid
from .records import hints, sign_in_fields
from .resolver import is_numeric
from .signing import Question, signed_in
from .supervision import DiscoverRequest, LunRecord, Portal, Secrets, SessionSpec, Step
from .things import Target
from .worker_session import WorkerSession

if TYPE_CHECKING:
    from .service import Service

#: So many numbers of a name are tried.
MAX_NUMBERS = 4
#: linux/tcp.h, struct tcp_info: tcpi_snd_mss, tcpi_rtt (microseconds).
_TCP_INFO_SIZE, _SND_MSS_AT, _RTT_AT = 104, 16, 68


class _Place(NamedTuple):
    """A portal, and the one of its numbers, where it is not that itself."""

    portal: str
    number: str


class _Nobody:
    """Wants to hear nothing of a session that is over at once (supervision.SessionObserver)."""

    def changed(self, session: WorkerSession) -> None:
        """Nothing."""

    def luns_changed(self, session: WorkerSession) -> None:
        """Nothing."""

    def holders_changed(self, session: WorkerSession, lun: str, holders: Any) -> None:
        """Nothing."""

    def event(self, session: WorkerSession, kind: str, attrs: Mapping[str, str | int]) -> None:
        """Nothing."""

    def ended(self, session: WorkerSession, problem: Problem | None) -> None:
        """Nothing."""


class Diagnosis:
    """A part of the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._numbers = itertools.count(1)

    def address(self, caller: Caller, address: str, options: Mapping[str, Any], secrets: Descriptor | None) -> Job:
        """Look at an address. `secrets` becomes ours. Details: see Manager.Diagnose."""
        address = checks.discovery_address(address)
        fields = sign_in_fields(options, interface=checks.interface(options.get("interface", "")))
        portal = parse_portal(address)
        spec = self._spec("", (portal,), fields)

        async def work(job: Job) -> Mapping[str, Any]:
            question = Question("/", "discovery", spec.sign_in, hints(address, spec))
            with _closing(secrets):
                asked = _Run(self._service, job, caller, spec, question, secrets)
                await asked.reach()
                if await asked.log_in():
                    await asked.list_targets(address)
            return job_details(self._about(address), asked.findings, time.time())

        return self._service.jobs.start("diagnose", (), caller, work)

    def target(self, caller: Caller, target: Target, options: Mapping[str, Any], secrets: Descriptor | None) -> Job:
        """Look at a target. `secrets` becomes ours. Details: see Target.Diagnose."""
        record = target.record
        spec = self._spec(record.name, record.portals, sign_in_fields(options, base=record))
        spec = replace(spec, settings=self._service.complete(record.settings))

        async def work(job: Job) -> Mapping[str, Any]:
            question = Question(target.ref, "session", spec.sign_in, hints(record.name, spec))
            with _closing(secrets):
                asked = _Run(self._service, job, caller, spec, question, secrets)
                await asked.reach()
                if target.session is not None:
                    asked.look_at_session(target)
                elif await asked.log_in():
                    await asked.list_disks(f"diagnosis-{next(self._numbers)}")
            asked.look_at_attachments(target)
            return job_details(self._about(record.name), asked.findings, time.time())

        return self._service.jobs.start("diagnose", (target.ref,), caller, work)

    def probe(self, caller: Caller, target: Target) -> Job:
        """Learn which sign-in the target asks for. Details: sign-in."""

        async def work(job: Job) -> dict[str, Any]:
            self._service.must_exist(target)
            supervisor, record = self._service.supervisor, target.record
            spec = await supervisor.reachable_first(self._service.spec(record, sign_in_fields({}, record)))
            found = await supervisor.probe(spec, spec.portals[0], self._service.stepper(job), asking=True)
            if found.problem is not None:
                raise found.problem
            return {"sign-in": found.sign_in}

        return self._service.jobs.start("probe", (target.ref,), caller, work)

    def _spec(self, name: str, portals: tuple[Portal, ...], fields: Mapping[str, Any]) -> SessionSpec:
        return SessionSpec(
            key="diagnosis",
            target_name=name,
            portals=portals,
            initiator_name=self._service.identity.name,
            initiator_alias=self._service.identity.alias,
            isid=own_isid(),
            settings=self._service.complete({}),
            **fields,
        )

    def _about(self, subject: str) -> About:
        return About(subject, self._service.identity.name, metadata.version("lundock"))


class _Run:
    """One diagnosis."""

    def __init__(
        self,
        service: Service,
        job: Job,
        caller: Caller,
        spec: SessionSpec,
        question: Question,
        given: Descriptor | None,
    ) -> None:
        self.findings: list[Finding] = []
        self._service = service
        self._step: Step = service.stepper(job)
        self._caller = caller
        self._spec = spec
        self._question = question
        self._given = given
        self._secrets: Secrets | None = None
        self._reached: list[Portal] = []

    # ---- the network ---------------------------------------------------------------------------------------------

    async def reach(self) -> None:
        """Try every portal, all at once; the steps stand in the portals' order."""
        for findings, reached in await asyncio.gather(*(self._explore(portal) for portal in self._spec.portals)):
            self.findings += findings
            self._reached += reached

    async def _explore(self, portal: Portal) -> tuple[list[Finding], list[Portal]]:
        self._step("resolve")
        finding, numbers = await self._resolve(portal)
        self._step("connect")
        tried = await asyncio.gather(*(self._reach(portal, number) for number in numbers))
        there = [Portal(n, portal.port) for n, steps in zip(numbers, tried, strict=True) if steps[-1].verdict == "ok"]
        return [finding, *itertools.chain(*tried)], there

    async def _resolve(self, portal: Portal) -> tuple[Finding, tuple[str, ...]]:
        finding = Finding("name", str(portal))
        if is_numeric(portal.address):
            return finding.end("skipped"), (portal.address,)
        try:
            numbers = await self._service.supervisor.resolve(portal.address)
        except Problem as problem:
            return finding.end(problem=problem), ()
        return finding.end(addresses=", ".join(numbers)), numbers[:MAX_NUMBERS]

    async def _reach(self, portal: Portal, number: str) -> list[Finding]:
        """Route, interface, port and connection of one number; the first failure ends it."""
        shown = _Place(str(portal), "" if portal.address == number else number)
        wanted = self._spec.interface
        route = Finding("route", *shown)
        try:
            way = routes.route(number, wanted)
        except Problem as problem:
            if problem.code == "NotSupported":  # it says nothing of the way
                return [route.end("skipped"), *await self._connect(portal, number, shown)]
            return [route.end(problem=problem)]
        route.end(source=way.source, gateway=way.gateway or "none")
        interface = _interface(shown, wanted or way.interface)
        if interface.verdict == "failed":
            return [route, interface]
        return [route, interface, *await self._connect(portal, number, shown)]

    async def _connect(self, portal: Portal, number: str, shown: _Place) -> list[Finding]:
        port = Finding("port", *shown)
        seconds = float(str(self._spec.settings["connect_timeout"]))
        try:
            sock = await connector.connect(
                [number], portal.port, interface=self._spec.interface, seconds=seconds, shown=portal.address
            )
        except Problem as problem:
            return [port.end(problem=problem, port=portal.port)]
        with sock:
            port.end(port=portal.port)
            return [port, _connection(shown, sock)]

    # ---- the login -----------------------------------------------------------------------------------------------

    async def log_in(self) -> bool:
        """Try a login at the first portal that answered; True when it went all the way."""
        if not self._reached:
            self.findings.append(Finding("login").end("skipped"))
            return False
        portal = self._reached[0]
        asking = not await self._find_secrets()
        spec = replace(self._spec, secrets=self._secrets)
        probed = await self._service.supervisor.probe(spec, portal, self._step, asking=asking)
        self._stages(probed, str(portal))
        return probed.problem is None and not asking

    async def _find_secrets(self) -> bool:
        """Have the secrets; False when they cannot be had: then only what the target wants is asked."""
        finding = Finding("secrets")

        async def keep(secrets: Secrets | None) -> None:
            self._secrets = secrets

        try:
            await signed_in(self._service.agents, self._caller, self._question, self._given, keep)
        except Problem as problem:
            self.findings.append(finding.end(problem=problem))
            return False
        if self._question.sign_in != "none":
            self.findings.append(finding.end())
        return True

    def _stages(self, probed: Probed, shown: str) -> None:
        """Make steps of the stages: each lasts until the next one begins."""
        found: list[Finding] = []
        ends = [*(stage.time for stage in probed.stages[1:]), probed.ended]
        for stage, end in zip(probed.stages, ends, strict=False):
            if stage.name == "connected" and found:  # sent elsewhere, or asked to sign in with another algorithm
                found[-1].detail["then"] = "a new connection"
            elif stage.name != "connected":
                found.append(Finding(stage.name, duration=max(0, end - stage.time), detail=dict(stage.attrs)))
        problem = probed.problem
        if problem is not None:
            last = found[-1] if found else Finding("login")
            last.verdict, last.problem = "failed", problem
            if "status" in problem.attrs:
                last.detail["status"] = problem.attrs["status"]
            found = found or [last]
        if found:
            found[0].detail["at"] = shown
        self.findings += found

    # ---- what is behind it ---------------------------------------------------------------------------------------

    async def list_targets(self, address: str) -> None:
        """Ask for the list of targets."""
        self._step("login")
        finding = Finding("targets")
        spec = self._spec
        request = DiscoverRequest(
            address, spec.initiator_name, spec.initiator_alias, spec.interface, spec.sign_in, spec.chap_name,
            spec.target_chap_name, self._secrets, spec.settings,
        )  # fmt: skip
        try:
            found = await self._service.supervisor.discover(request, lambda _step: None)
        except Problem as problem:
            self.findings.append(finding.end(problem=problem))
            return
        names = ", ".join(one.name for one in found[:8])
        none = None if found else Problem("NoTargets", address=address, initiator_name=spec.initiator_name)
        self.findings.append(finding.end("ok" if found else "warning", none, count=len(found), names=names))

    async def list_disks(self, key: str) -> None:
        """Log in once more, as a session, and ask for the disks."""
        self._step("scan")
        finding = Finding("disks")
        spec = replace(self._spec, key=key, portals=(self._reached[0],), secrets=self._secrets)
        try:
            session = await self._service.supervisor.open_session(spec, _Nobody(), lambda _step: None)
        except Problem as problem:
            self.findings.append(finding.end(problem=problem))
            return
        try:
            self._disks(finding, session.luns)
        finally:
            with contextlib.suppress(Problem):
                await session.logout()

    def look_at_session(self, target: Target) -> None:
        """Show the session that is up instead of making another one."""
        session = target.session
        if session is None or session.worker is None:
            return
        worker = session.worker
        finding = Finding("session", detail={"state": session.state, "portal": str(worker.portal)})
        finding.detail |= {"reconnects": worker.reconnects}
        lost = session.state != "connected"
        problem = (worker.last_problem or Problem(worker.last_error)) if worker.last_error and lost else None
        self.findings.append(finding.end("failed" if lost else "ok", problem))
        if not lost:
            self._disks(Finding("disks"), worker.luns)

    def _disks(self, finding: Finding, luns: Sequence[LunRecord]) -> None:
        disks = [lun for lun in luns if lun.kind == "disk"]
        self.findings.append(finding.end("ok" if disks else "warning", count=len(disks)))
        for lun in luns:
            one = Finding("unit", detail={"lun": lun.number, "kind": lun.kind, "size": lun.size})
            one.detail |= {"model": f"{lun.vendor} {lun.model}".strip()}
            if lun.kind != "disk":
                one.verdict = "skipped"
            elif lun.problem:
                one.verdict, one.problem = "warning", Problem(lun.problem, lun=lun.number, detail="")
            self.findings.append(one)

    def look_at_attachments(self, target: Target) -> None:
        """Show what is attached, else how it would be."""
        attached = [lun.attached for lun in target.session.luns.values()] if target.session else []
        found = [one for one in attached if one is not None]
        for one in found:
            self.findings.append(Finding("attachment", detail={"device": one.device, "method": one.method}).end())
        if not found:
            possible = [method.name for method in self._service.methods if method.available]
            problem = None if possible else Problem("AttachMethodUnavailable", method="auto", reason="There is none.")
            self.findings.append(Finding("attachment", detail={"possible": ", ".join(possible)}).end(problem=problem))


@contextlib.contextmanager
def _closing(given: Descriptor | None) -> Iterator[None]:
    try:
        yield
    finally:
        if given is not None:
            given.close()


def _interface(shown: _Place, name: str) -> Finding:
    finding = Finding("interface", *shown, detail={"interface": name})
    try:
        link = routes.link(name)
    except Problem as problem:
        return finding.end(problem=problem)
    works = link.up and link.carrier
    state = "up" if works else "without a link" if link.up else "off"
    return finding.end(
        problem=None if works else Problem("NetworkUnreachable", address=shown.portal), state=state, mtu=link.mtu
    )


def _connection(shown: _Place, sock: socket.socket) -> Finding:
    """Return how the connection is: the way to the target and back, and what fits into a packet."""
    finding = Finding("tcp", *shown)
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        mss, rtt = struct.unpack_from("=I", info, _SND_MSS_AT)[0], struct.unpack_from("=I", info, _RTT_AT)[0]
        local = sock.getsockname()
    except (OSError, struct.error):
        return finding.end()
    return finding.end(local=format_address(local[0], local[1]), round_trip_us=rtt, segment_bytes=mss)
