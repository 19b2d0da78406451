# SPDX-License-Identifier: Apache-2.0
"""A service with the contract's face and nothing behind it: for the app's own tests.

What an address or a target does is in its name: `refused.example` refuses, `slow.example` never answers, `half.example`
names a portal that cannot be reached before one that can, and of "backup" only such a one; targets whose
name has "chap" want the secret of SECRETS, "mutual" both; "empty" has no disks. Run as a program it fills itself with a
scene for looking at the window: ``python fake_helper.py ADDRESS``.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import math
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from lundock.helper.api import names
from lundock.helper.api.bus import Connection
from lundock.helper.api.errors import Problem, describe
from lundock.helper.api.objects import Call
from lundock.helper.api.settings import defaults
from lundock.helper.api.values import ObjectPath
from support import buses
from support.fake_portals import FakePortal
from support.whole import WholeServer

ANYONE = Call("", "", "", "", interactive=False)
NOTHING = ObjectPath("/")
SECRETS = ("correct horse b", "target battery s")
IQN = "iqn.2026-01.org.example.nas:"
OFFERS = ("backup", "media", "chap-vault", "mutual-vault", "empty")


def _now() -> int:
    return int(time.time() * 1e6)


@dataclass
class FakeJob:
    service: FakeHelper
    path: ObjectPath
    kind: str
    objects: list[ObjectPath]
    step: str = ""
    progress: float = 0.0
    progress_valid: bool = False
    started_by: int = 0
    finished: bool = False
    error: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None

    async def cancel(self, _call: Call, _options: dict[str, Any]) -> None:
        if self.task is not None:
            self.task.cancel()

    def go(self, step: str) -> None:
        self.step = step
        self.service.server.refresh(self.path)

    async def work(self, work: Any) -> None:
        try:
            self.details = await work(self)
        except Problem as problem:
            self._failed(problem)
        except asyncio.CancelledError:
            self._failed(Problem("Cancelled"))
        self.finished = True
        self.service.server.refresh(self.path)
        self.service.server.emit(self.path, names.JOB, "Completed", not self.error, self.error, self.details)

    def _failed(self, problem: Problem) -> None:
        info = describe(problem.code, problem.attrs)
        texts = {"summary": info.summary, "meaning": info.meaning, "action": info.action}
        self.error, self.details = problem.dbus_name, {**problem.attrs, **texts}


@dataclass
class FakeTarget:
    service: FakeHelper
    path: ObjectPath
    name: str
    portals: list[dict[str, Any]]
    alias: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    startup: str = "manual"
    owner: int = 0
    source: ObjectPath = NOTHING
    vanished: bool = False
    interface: str = ""
    sign_in: str = "none"
    chap_name: str = ""
    target_chap_name: str = ""
    state: str = "disconnected"
    session: ObjectPath = NOTHING
    last_error: str = ""

    async def probe(self, _call: Call, _options: dict[str, Any]) -> ObjectPath:
        return self.service.start("probe", [self.path], self._probe)

    async def _probe(self, job: FakeJob) -> dict[str, Any]:
        for step in ("resolve", "connect", "login"):
            job.go(step)
            await asyncio.sleep(self.service.pace)
        await self._reach()
        return {"sign-in": "chap" if "chap" in self.name or "mutual" in self.name else "none"}

    async def diagnose(self, _call: Call, _options: dict[str, Any]) -> ObjectPath:
        where = self.portals[0]["address"]
        return self.service.start("diagnose", [self.path], lambda job: self.service._diagnose(job, where))

    async def login(self, _call: Call, options: dict[str, Any]) -> ObjectPath:
        given: dict[str, str] = {}
        if "secrets" in options:
            with os.fdopen(options["secrets"].take(), "rb") as stream:
                given = json.load(stream)
        return self.service.start("login", [self.path], lambda job: self._login(job, options, given))

    async def _login(self, job: FakeJob, options: dict[str, Any], given: dict[str, str]) -> dict[str, Any]:
        if self.session != "/":
            raise Problem("AlreadyConnected", target=self.name)
        self.set_state("connecting")
        try:
            for step in ("resolve", "connect", "login"):
                job.go(step)
                await asyncio.sleep(self.service.pace)
            await self._check(options.get("sign-in", self.sign_in), given)
        except (Problem, asyncio.CancelledError) as error:
            self.last_error = error.code if isinstance(error, Problem) else ""
            self.set_state("disconnected")
            raise
        job.go("scan")
        session = self.service.add_session(self)
        self.last_error = ""
        self.set_state("connected")
        self.service.event("connected", self.name, {k: self.portals[0][k] for k in ("address", "port")})
        return {"session": session, "luns": self.service.luns_of(session)}

    async def _reach(self) -> None:
        address = self.portals[0]["address"]
        if address.startswith("slow"):
            await asyncio.sleep(3600)
        if address.startswith("refused"):
            raise Problem("ConnectionRefused", address=address, port=self.portals[0]["port"])

    async def _check(self, sign_in: str, given: dict[str, str]) -> None:
        await self._reach()
        if "chap" in self.name or "mutual" in self.name:
            if sign_in == "none":
                raise Problem("AuthenticationRequired", target=self.name)
            if given.get("secret") != SECRETS[0]:
                raise Problem("AuthenticationFailed", initiator_name=self.service.initiator_name)
        if "mutual" in self.name and given.get("target-secret") != SECRETS[1]:
            raise Problem("TargetNotAuthenticated")

    async def logout(self, _call: Call, options: dict[str, Any]) -> ObjectPath:
        return self.service.start("logout", [self.path], lambda job: self._logout(job, force=options.get("force")))

    async def _logout(self, job: FakeJob, *, force: bool | None = False) -> dict[str, Any]:
        if self.session == "/":
            raise Problem("NotConnected", target=self.name)
        held = [h["name"] for p in self.service.luns_of(self.session) for h in self.service.luns[p].holders]
        if held and not force:
            raise Problem("DeviceBusy", holders=", ".join(held))
        self.set_state("disconnecting")
        job.go("logout")
        await asyncio.sleep(self.service.pace)
        self.service.remove_session(self.session)
        self.session = ObjectPath("/")
        self.set_state("disconnected")
        self.service.event("disconnected", self.name, {})
        return {}

    async def update(self, _call: Call, changes: dict[str, Any], _options: dict[str, Any]) -> None:
        settings = changes.pop("settings", {})
        for key, value in changes.items():
            setattr(self, key.replace("-", "_"), value)
        self.settings = {**self.settings, **{k: (v if v != "" else defaults()[k]) for k, v in settings.items()}}
        self.service.server.refresh(self.path)

    async def remove(self, _call: Call, _options: dict[str, Any]) -> None:
        if self.session != "/":
            raise Problem("StillConnected", target=self.name)
        del self.service.targets[self.path]
        self.service.server.remove(self.path)

    def set_state(self, state: str) -> None:
        self.state = state
        self.service.server.refresh(self.path)


@dataclass
class FakeSession:
    service: FakeHelper
    path: ObjectPath
    target: ObjectPath
    portal: dict[str, Any]
    state: str = "connected"
    since: int = field(default_factory=_now)
    reconnects: int = 0
    last_error: str = ""

    @property
    def connections(self) -> list[dict[str, Any]]:
        remote = f"{self.portal['address']}:{self.portal['port']}"
        return [{"id": 0, "local": "192.0.2.17:51820", "remote": remote, "interface": "enp3s0"}]

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "HeaderDigest": "None", "DataDigest": "None", "MaxRecvDataSegmentLength": 262144, "InitialR2T": False,
            "ImmediateData": True, "MaxBurstLength": 1048576, "FirstBurstLength": 262144, "DefaultTime2Wait": 2,
            "DefaultTime2Retain": 0, "MaxOutstandingR2T": 1, "ErrorRecoveryLevel": 0, "MaxConnections": 1,
            "DataPDUInOrder": True, "DataSequenceInOrder": True,
        }  # fmt: skip

    async def rescan(self, _call: Call, _options: dict[str, Any]) -> ObjectPath:
        async def work(job: FakeJob) -> dict[str, Any]:
            job.go("scan")
            return {"luns": self.service.luns_of(self.path)}

        return self.service.start("rescan", [self.path], work)

    async def logout(self, call: Call, options: dict[str, Any]) -> ObjectPath:
        return await self.service.targets[self.target].logout(call, options)


@dataclass
class FakeLun:
    service: FakeHelper
    path: ObjectPath
    session: ObjectPath
    target: ObjectPath
    number: int
    size: int
    model: str = "VIRTUAL-DISK"
    kind: str = "disk"
    vendor: str = "EXAMPLE"
    block_size: int = 512
    physical_block_size: int = 4096
    read_only: bool = False
    thin: bool = True
    attach_method: str = ""
    attach_reason: str = ""
    device: str = ""
    holders: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.number << 48:016x}"

    @property
    def serial(self) -> str:
        return f"7d2c0{self.number:03d}"

    @property
    def wwn(self) -> str:
        return f"naa.6001405a7d2c0{self.number:03d}0000000000000000"

    async def attach(self, _call: Call, options: dict[str, Any]) -> ObjectPath:
        async def work(job: FakeJob) -> dict[str, Any]:
            if self.device:
                raise Problem("AlreadyAttached", device=self.device)
            method = options.get("method", "auto")
            if method not in {"auto", "fuse"}:
                raise Problem("AttachMethodUnavailable", method=method, reason="It is not there.")
            job.go("attach")
            await asyncio.sleep(self.service.pace)
            self.device, self.attach_method = f"/dev/loop{self.number + 7}", "fuse"
            self.attach_reason = "The kernel has no iSCSI initiator and no NBD here."
            self.service.server.refresh(self.path)
            self.service.event("attached", self.service.targets[self.target].name, {"device": self.device})
            return {"device": self.device, "method": "fuse", "reason": self.attach_reason}

        return self.service.start("attach", [self.path], work)

    async def eject(self, _call: Call, options: dict[str, Any]) -> ObjectPath:
        async def work(job: FakeJob) -> dict[str, Any]:
            if not self.device:
                raise Problem("NotAttached")
            if self.holders and not options.get("force"):
                raise Problem("DeviceBusy", holders=", ".join(f"{h['name']}" for h in self.holders))
            job.go("flush")
            await asyncio.sleep(self.service.pace)
            self.device = self.attach_method = self.attach_reason = ""
            self.holders = []
            self.service.server.refresh(self.path)
            return {}

        return self.service.start("eject", [self.path], work)

    async def open_nbd(self, _call: Call, _options: dict[str, Any]) -> Any:
        raise Problem("NotConnected", target=self.service.targets[self.target].name)


class FakeHelper:
    """The Manager, and everything below it."""

    version = "0.1.0"
    initiator_name = "iqn.2026-01.io.github.lundock:4c1d9ef0a2b7"
    initiator_alias = "workstation"
    attach_methods = (
        {"name": "fuse", "available": True, "reason": "a loop device over one FUSE file"},
        {"name": "file", "available": True, "reason": "a file, for a person without rights"},
    )

    def __init__(self, connection: Connection, *, pace: float = 0.0) -> None:
        self.pace = pace
        self.server = WholeServer(connection, root=names.ROOT_PATH)
        self.jobs: dict[str, FakeJob] = {}
        self.targets: dict[str, FakeTarget] = {}
        self.sessions: dict[str, FakeSession] = {}
        self.luns: dict[str, FakeLun] = {}
        self.portals: dict[str, FakePortal] = {}
        self.agents: dict[str, str] = {}
        self.calls: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.counters: dict[str, dict[str, int]] = {}
        self._numbers = {"jobs": 0, "targets": 0, "sessions": 0, "portals": 0}
        self.server.add(names.ROOT_PATH, {names.MANAGER: self})

    def path(self, kind: str) -> ObjectPath:
        self._numbers[kind] += 1
        return ObjectPath(f"{names.ROOT_PATH}/{kind}/{self._numbers[kind]}")

    def start(self, kind: str, objects: list[ObjectPath], work: Any) -> ObjectPath:
        self.calls.append(kind)
        job = FakeJob(self, self.path("jobs"), kind, objects)
        self.jobs[job.path] = job
        self.server.add(job.path, {names.JOB: job})
        job.task = asyncio.ensure_future(job.work(work))
        return job.path

    def event(self, kind: str, target: str, detail: dict[str, Any], when: int = 0) -> None:
        entry = {"id": len(self.events) + 1, "time": when or _now(), "kind": kind, "target": target, "detail": detail}
        self.events.append(entry)
        self.server.emit(names.ROOT_PATH, names.MANAGER, "Event", entry)

    # ---- Manager

    async def discover(self, _call: Call, address: str, options: dict[str, Any]) -> ObjectPath:
        return self.start("discover", [], lambda job: self._discover(job, address, options))

    async def diagnose(self, _call: Call, address: str, _options: dict[str, Any]) -> ObjectPath:
        return self.start("diagnose", [], lambda job: self._diagnose(job, address))

    async def _diagnose(self, job: FakeJob, where: str) -> dict[str, Any]:
        """What is found out: nothing is wrong, or that it refuses."""
        for step in ("resolve", "connect"):
            job.go(step)
            await asyncio.sleep(self.pace)
        steps = [{"name": "name", "portal": where, "verdict": "ok", "time": 1400, "detail": {"addresses": "192.0.2.5"}}]
        found = {"verdict": "ok", "cause": "", "steps": steps, "report": f"Lundock: diagnosis of {where}\n"}
        if where.startswith("refused"):
            info = describe("ConnectionRefused", {"address": where, "port": 3260})
            texts = {"summary": info.summary, "action": info.action, "facts": {"address": where, "port": 3260}}
            bad = {"name": "port", "portal": where, "verdict": "failed", "time": 85, "cause": info.code, "detail": {}}
            steps.append({**bad, **texts})
            found |= {"verdict": "failed", "cause": info.code, "meaning": info.meaning, **texts}
        return found | {"initiator-name": self.initiator_name}

    async def _discover(self, job: FakeJob, address: str, options: dict[str, Any]) -> dict[str, Any]:
        for step in ("resolve", "route", "connect", "login", "answer"):
            job.go(step)
            await asyncio.sleep(self.pace)
        host, reach = address.partition(":")[0], bool(options.get("reach"))
        if host.startswith("slow"):
            await asyncio.sleep(3600)
        if host.startswith("refused"):
            raise Problem("ConnectionRefused", address=host, port=3260)
        if host.startswith("nobody"):
            raise Problem("NameNotFound", address=host)
        portals = [{"address": "192.0.2.5", "port": 3260, "portal-group": 1, **({"reachable": True} if reach else {})}]
        if host.startswith("half"):
            away = {"address": "10.99.0.5", "port": 3260, "portal-group": 2, **({"reachable": False} if reach else {})}
            return {"targets": [
                {"name": IQN + name, "portals": [away] if name == "backup" else [away, *portals]} for name in OFFERS
            ]}  # fmt: skip
        offers = OFFERS[:1] if host.startswith("one") else OFFERS
        if host.startswith("fifty"):
            offers = tuple(f"disk-{number:02}" for number in range(50))
        return {"targets": [{"name": IQN + name, "portals": portals} for name in offers]}

    async def add_target(
        self, _call: Call, name: str, portals: list[dict[str, Any]], options: dict[str, Any]
    ) -> ObjectPath:
        if any(t.name == name for t in self.targets.values()):
            raise Problem("AlreadyExists", what=name)
        target = FakeTarget(self, self.path("targets"), name, portals, owner=os.getuid())
        settings = options.pop("settings", {})
        for key, value in options.items():
            setattr(target, key.replace("-", "_"), value)
        target.settings = {k: list(v) if isinstance(v, tuple) else v for k, v in (defaults() | settings).items()}
        self.targets[target.path] = target
        self.server.add(target.path, {names.TARGET: target})
        return target.path

    async def add_portal(self, _call: Call, address: str, options: dict[str, Any]) -> ObjectPath:
        if any(portal.address == address for portal in self.portals.values()):
            raise Problem("AlreadyExists", what=address)
        if " " in address:
            raise Problem("AddressInvalid", address=address)
        portal = FakePortal(self, self.path("portals"), address)
        portal.take(options)
        self.portals[portal.path] = portal
        self.server.add(portal.path, {names.PORTAL: portal})
        return portal.path

    async def set_initiator_name(self, _call: Call, name: str, _options: dict[str, Any]) -> None:
        self.initiator_name = name
        self.server.refresh(names.ROOT_PATH)

    async def register_secret_agent(self, call: Call, agent: ObjectPath, _options: dict[str, Any]) -> None:
        if call.sender in self.agents:
            raise Problem("AlreadyExists", what="agent")
        self.agents[call.sender] = agent

    async def unregister_secret_agent(self, call: Call, _options: dict[str, Any]) -> None:
        if self.agents.pop(call.sender, None) is None:
            raise Problem("NotFound", what="agent")

    async def get_statistics(self, _call: Call, _options: dict[str, Any]) -> dict[ObjectPath, dict[str, Any]]:
        now = int(time.monotonic() * 1e6)
        found: dict[ObjectPath, dict[str, Any]] = {}
        for path, lun in self.luns.items():
            latency = {"count": 9, "p50": 180, "p99": 2400}
            counters = self.counters.setdefault(path, dict.fromkeys(COUNTERS, 0))
            found[ObjectPath(path)] = {
                "time": now, **counters, "in-flight": 3 if any(counters.values()) else 0,
                "read-latency": latency, "write-latency": latency,
            }  # fmt: skip
            found.setdefault(lun.session, {"time": now, "bytes-received": 1, "bytes-sent": 1, "reconnects": 0})
        return found

    async def get_events(self, _call: Call, since: int, options: dict[str, Any]) -> list[dict[str, Any]]:
        return [e for e in self.events if e["id"] > since][-options.get("limit", 1000) :]

    # ---- sessions

    def add_session(self, target: FakeTarget) -> ObjectPath:
        path = self.path("sessions")
        self.sessions[path] = FakeSession(self, path, target.path, target.portals[0])
        self.server.add(path, {names.SESSION: self.sessions[path]})
        target.session = path
        sizes = [] if "empty" in target.name else [2_000_398_934_016, 268_435_456]
        for number, size in enumerate(sizes):
            lun = FakeLun(self, ObjectPath(f"{path}/luns/{number << 48:016x}"), path, target.path, number, size)
            self.luns[lun.path] = lun
            self.server.add(lun.path, {names.LUN: lun})
        return path

    def luns_of(self, session: str) -> list[ObjectPath]:
        return [lun.path for lun in self.luns.values() if lun.session == session]

    def remove_session(self, session: str) -> None:
        for path in self.luns_of(session):
            del self.luns[path]
            self.server.remove(path)
        del self.sessions[session]
        self.server.remove(session)


COUNTERS = ("reads", "read-bytes", "writes", "write-bytes", "flushes", "discards", "errors", "retries")


async def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def serving(address: str, *, pace: float = 0.0) -> Any:
    """Serve on the bus at `address` in this loop."""
    connection = await Connection.open(address)
    try:
        helper = FakeHelper(connection, pace=pace)
        assert await connection.request_name(names.BUS_NAME)
        yield helper
    finally:
        connection.close()


class RunningFake:
    """A FakeHelper in a thread of its own; `do` calls something in its loop and waits for it."""

    def __init__(self, address: str, pace: float) -> None:
        self.address = address
        self.pace = pace
        self.helper: FakeHelper
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()))

    async def _run(self) -> None:
        async with serving(self.address, pace=self.pace) as helper:
            self.helper = helper
            self._ready.set()
            await self._stop.wait()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(30), "the service could not start"

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
            self._loop.close()

    def do(self, function: Any) -> Any:
        async def call() -> Any:
            result = function(self.helper)
            return await result if inspect.isawaitable(result) else result

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def add(self, name: str, alias: str = "", address: str = "nas.local", **options: Any) -> str:
        portals = [{"address": address, "port": 3260, "portal-group": 1}]
        return str(self.do(lambda h: h.add_target(ANYONE, IQN + name, portals, {"alias": alias, **options})))

    def connect(self, path: str) -> None:
        """Connect a target, and wait until it is."""

        async def work(helper: FakeHelper) -> None:
            target = helper.targets[path]
            job = helper.jobs[helper.start("login", [target.path], lambda job: target._login(job, {}, {}))]
            assert job.task is not None
            await job.task
            assert not job.error

        self.do(work)


@contextlib.contextmanager
def running_fake(*, pace: float = 0.0) -> Iterator[RunningFake]:
    """Run a private bus with a FakeHelper on it."""
    with buses.session_bus() as address:
        fake = RunningFake(address, pace)
        fake.start()
        try:
            yield fake
        finally:
            fake.stop()


async def _scene(helper: FakeHelper) -> None:
    """A NAS with two connected targets, one lost, two saved; traffic that moves."""
    portal = [{"address": "nas.local", "port": 3260, "portal-group": 1}]
    for name, alias in (("backup", "Backup"), ("media", ""), ("vm-images", "VM images"), ("chap-vault", "Vault")):
        await helper.add_target(ANYONE, IQN + name, [dict(p) for p in portal], {"alias": alias})
    for target in list(helper.targets.values())[:2]:
        helper.start("login", [target.path], lambda job, t=target: t._login(job, {}, {}))
    await asyncio.sleep(0.2)
    lost = list(helper.targets.values())[2]
    lost.last_error = "ConnectionLost"
    lost.set_state("lost")
    first = helper.luns[helper.luns_of(next(iter(helper.sessions)))[0]]
    await first.attach(ANYONE, {})
    await asyncio.sleep(0.2)
    first.holders = [{"kind": "mount", "name": "/media/anna/Backup"}]
    helper.server.refresh(first.path)
    hour = 3600_000_000
    for kind, ago, detail in (
        ("connected", 26, {"address": "nas.local", "port": 3260}),
        ("lost", 5, {"code": "ConnectionLost", "address": "192.0.2.5"}),
        ("restored", 4.98, {}),
        ("capacity-changed", 2, {"lun": "0001000000000000", "size": 268435456}),
    ):
        helper.event(kind, IQN + "backup", detail, _now() - int(ago * hour))
    while True:
        await asyncio.sleep(0.1)
        for n, path in enumerate(helper.luns):
            wave = 60e6 * (1 + math.sin(time.monotonic() / 3 + n)) + random.random() * 2e7
            counters = helper.counters.setdefault(path, dict.fromkeys(COUNTERS, 0))
            counters["read-bytes"] += int(wave / 10)
            counters["reads"] += int(wave / 10 / 65536)
            counters["write-bytes"] += int(wave / 30)
            counters["writes"] += int(wave / 30 / 65536)


async def main() -> None:
    async with serving(sys.argv[1], pace=0.05) as helper:
        await _scene(helper)


if __name__ == "__main__":
    asyncio.run(main())
