# SPDX-License-Identifier: Apache-2.0
"""The service with its real store, and a supervisor that plays the targets."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from lundock.helper.api.errors import Problem
from lundock.helper.api.values import Descriptor
from lundock.helper.attach.base import MethodInfo
from lundock.helper.jobs import Caller, Job
from lundock.helper.probing import Probed
from lundock.helper.service import Service
from lundock.helper.store import Event, Store
from lundock.helper.supervision import Attached, FoundTarget, Holder, LunRecord, Portal, Secrets, SessionSpec
from lundock.helper.things import Lun, Target

PATIENCE = 20.0
ALICE = Caller(":1.1", 1000)
NAME = "iqn.2026-01.org.example:disk"
PORTALS = [{"address": "192.0.2.1", "port": 3261}]
METHODS = (MethodInfo("fuse", True, ""), MethodInfo("nbd", False, "There is no nbd here."))
SECRET = "correct horse b"


def lun_record(number: int, size: int = 1 << 20) -> LunRecord:
    return LunRecord(
        f"{number:04x}000000000000", number, "disk", "IET", "VIRTUAL", "1", "s1", "naa.1", size, 512, 4096, False, True
    )


class FakeSession:
    """A session without a worker behind it."""

    def __init__(self, spec: SessionSpec, observer: Any) -> None:
        self.spec = spec
        self.observer = observer
        self.state = "connected"
        self.last_error = ""
        self.last_problem: Problem | None = None
        self.parameters: dict[str, Any] = {"TargetAlias": "the shelf"}
        self.portal = spec.portals[0]
        self.luns = (lun_record(1), lun_record(2))
        self.attached: dict[str, Attached] = {}
        self.used: dict[str, list[Holder]] = {}
        self.log: list[tuple[Any, ...]] = []

    async def rescan(self) -> None:
        self.luns = (lun_record(1, 2 << 20), lun_record(3))

    async def logout(self, *, force: bool = False) -> None:
        self.log.append(("logout",))
        self.state = "ended"
        self.observer.ended(self, None)

    async def attach(self, lun: str, method: str, read_only: bool, step: Callable[[str], None]) -> Attached:
        step("attach")
        self.log.append(("attach", lun, method, read_only))
        self.attached[lun] = Attached("/dev/loop7", "fuse", "the only one", read_only)
        self.observer.changed(self)
        return self.attached[lun]

    async def eject(self, lun: str, step: Callable[[str], None], *, force: bool = False) -> None:
        if self.used.get(lun) and not force:
            raise Problem("DeviceBusy", holders="somebody")
        if lun not in self.attached:
            raise Problem("NotAttached")
        del self.attached[lun]
        self.log.append(("eject", lun))

    async def holders(self, lun: str) -> list[Holder]:
        return self.used.get(lun, [])

    def statistics(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"bytes-sent": 7}, {lun.address: {"reads": lun.number} for lun in self.luns}


class FakeSupervisor:
    """Answers as told: `problem` fails the next attempts, `wanted` is the secret that lets one in."""

    def __init__(self) -> None:
        self.sessions: list[FakeSession] = []
        self.left: list[FakeSession] = []
        self.specs: list[Any] = []
        self.problem: Problem | None = None
        self.wanted = ""
        self.silent = False
        self.found = [FoundTarget(NAME, (Portal("192.0.2.1", 3260, 1),))]

    async def _try(self, spec: Any, step: Callable[[str], None]) -> None:
        self.specs.append(spec)
        step("connect")
        if self.silent:
            await asyncio.Event().wait()
        if self.problem:
            raise self.problem
        if self.wanted and (spec.secrets is None or spec.secrets.secret != self.wanted):
            raise Problem("AuthenticationFailed", initiator_name=spec.initiator_name)

    async def adopt(self, observer_for: Callable[[Any], Any]) -> list[FakeSession]:
        for one in self.left:
            one.observer = observer_for(one)
        return [one for one in self.left if one.observer is not None]

    async def open_session(self, spec: SessionSpec, observer: Any, step: Callable[[str], None]) -> FakeSession:
        await self._try(spec, step)
        self.sessions.append(FakeSession(spec, observer))
        return self.sessions[-1]

    async def reachable_first(self, spec: SessionSpec) -> SessionSpec:
        return spec

    async def probe(self, spec: SessionSpec, portal: Portal, step: Callable[[str], None], *, asking: bool) -> Probed:
        self.specs.append(spec)
        return Probed("" if self.problem else "chap" if self.wanted else "none", problem=self.problem)

    async def discover(self, request: Any, step: Callable[[str], None]) -> list[FoundTarget]:
        await self._try(request, step)
        return self.found


class Told:
    """Writes down what a listener is told."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []
        self.events: list[Event] = []

    def added(self, thing: Any) -> None:
        self.log.append(("added", thing.ref))

    def changed(self, thing: Any) -> None:
        self.log.append(("changed", thing.ref))

    def removed(self, thing: Any) -> None:
        self.log.append(("removed", thing.ref))

    def initiator_changed(self) -> None:
        self.log.append(("initiator", ""))

    def event(self, event: Event) -> None:
        self.events.append(event)

    def job_added(self, job: Job) -> None:
        pass

    job_changed = job_completed = job_removed = job_added


class Bench:
    """A service under test."""

    def __init__(self, store: Store) -> None:
        self.supervisor = FakeSupervisor()
        self.told = Told()
        self.service = Service(store, self.supervisor, METHODS, self.told)  # type: ignore[arg-type]

    async def add(self, **options: Any) -> Target:
        named = {name.replace("_", "-"): value for name, value in options.items()}
        return await self.service.add_target(ALICE, NAME, PORTALS, named)

    async def done(self, job: Job) -> dict[str, Any]:
        """Wait for a job that goes well."""
        assert job.task is not None
        await asyncio.wait([job.task])
        await asyncio.sleep(0)
        assert job.problem is None, job.problem
        return dict(job.details)

    async def fails(self, job: Job) -> Problem:
        """Wait for a job that goes wrong."""
        assert job.task is not None
        await asyncio.wait([job.task])
        await asyncio.sleep(0)
        assert job.problem is not None
        return job.problem

    async def connect(self, target: Target) -> FakeSession:
        await self.done(self.service.login(ALICE, target, {}, None))
        return self.supervisor.sessions[-1]

    def lun(self, target: Target, number: int = 1) -> Lun:
        assert target.session is not None
        return target.session.luns[lun_record(number).address]

    async def timeline(self) -> None:
        """Wait until everything that happened is in the timeline."""
        await self.service.timeline.written(PATIENCE)

    async def until(self, check: Callable[[], object]) -> None:
        """Wait until something that happens in the background makes the check true."""
        async with asyncio.timeout(PATIENCE):
            while not check():
                await asyncio.sleep(0.005)

    async def kinds(self) -> list[str]:
        return [event.kind for event in await self.service.timeline.events(0, 100)]


def run(folder: Path, steps: Callable[[Bench], Awaitable[None]]) -> Bench:
    async def whole() -> Bench:
        store = await Store.open(folder)
        bench = Bench(store)
        try:
            await bench.service.start()
            await steps(bench)
        finally:
            await bench.service.stop(log_out=True)
            await store.close()
        return bench

    return asyncio.run(whole())


def memfd(**secrets: str) -> Descriptor:
    fd = os.memfd_create("secrets")
    os.write(fd, json.dumps({name.replace("_", "-"): value for name, value in secrets.items()}).encode())
    return Descriptor(fd)


class Agent:
    """Gives what it has, in turn."""

    def __init__(self, *answers: Secrets | Problem) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    async def get_secrets(self, target: str, scope: str, hints: Mapping[str, Any]) -> Secrets:
        self.asked.append({"target": target, "scope": scope, **hints})
        answer = self.answers.pop(0)
        if isinstance(answer, Problem):
            raise answer
        return answer
