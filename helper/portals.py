# SPDX-License-Identifier: Apache-2.0
"""Looking for targets: once, or again and again at the addresses that are kept (portals).

What a kept portal names becomes a record with the portal as its source: new ones are announced, those that it names no
more are marked. A record that a person saved, or whose addresses a person changed, is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import checks
from .api.errors import Problem, catalogue
from .api.values import Descriptor
from .background import to_the_end
from .jobs import Caller, Job
from .records import PORTAL_CHANGES, apply_changes, hints, portal_rows, sign_in_fields
from .signing import Question, signed_in
from .store import PortalRecord, Seen, TargetRecord
from .supervision import MAX_PORTALS, DiscoverRequest, FoundTarget, Portal, Secrets, Step
from .things import KeptPortal, Target

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger(__name__)

MAX_KEPT = 64
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class _Changes:
    """What a look showed, held against the records."""

    new: tuple[TargetRecord, ...]
    changed: tuple[tuple[Target, TargetRecord], ...]


class Portals:
    """The portals that are kept, by number; a part of the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.all: dict[int, KeptPortal] = {}

    async def start(self) -> None:
        """Read what is saved, and begin to look."""
        for record in await self._service.store.portals():
            self._begin(KeptPortal(record))

    @property
    def any(self) -> bool:
        """There is one that is looked at by itself."""
        return any(portal.record.interval for portal in self.all.values())

    def stop(self) -> None:
        """Look no more."""
        for portal in self.all.values():
            portal.stop()

    def network_changed(self) -> None:
        """Look again where the network kept us from looking."""
        for portal in self.all.values():
            code = portal.record.last_result
            if code and catalogue()[code].side == "network" and portal.record.interval:
                portal.hurry.set()

    # ---- once --------------------------------------------------------------------------------------------------------

    def discover(self, caller: Caller, address: str, options: Mapping[str, Any], secrets: Descriptor | None) -> Job:
        """Ask an address for its targets. `secrets` becomes ours. Details: targets."""
        request = self._request(checks.discovery_address(address), options)

        async def work(job: Job) -> dict[str, Any]:
            step = self._service.stepper(job)
            found = await self._ask(caller, "/", request, secrets, step, {})
            rows = [{"name": target.name, "portals": portal_rows(target.portals[:MAX_PORTALS])} for target in found]
            if options.get("reach"):
                step("reach")
                await self._try_all(found, rows, request.interface)
            return {"targets": rows}

        return self._service.jobs.start("discover", (), caller, work)

    async def _try_all(self, found: Sequence[FoundTarget], rows: Sequence[Mapping[str, Any]], interface: str) -> None:
        """Put into each portal's row whether it is reachable, when that was tried."""
        every = [portal for target in found for portal in target.portals]
        answers = await self._service.supervisor.answering(every, interface)
        for row in (portal for target in rows for portal in target["portals"]):
            place = row["address"], row["port"]
            if place in answers:
                row["reachable"] = answers[place]

    def _request(self, address: str, options: Mapping[str, Any]) -> DiscoverRequest:
        return DiscoverRequest(
            address=address,
            initiator_name=self._service.identity.name,
            initiator_alias=self._service.identity.alias,
            settings=self._service.complete(options.get("settings", {})),
            **sign_in_fields(options, interface=checks.interface(options.get("interface", ""))),
        )

    async def _ask(
        self,
        caller: Caller,
        thing: str,
        request: DiscoverRequest,
        secrets: Descriptor | None,
        step: Step,
        more_hints: Mapping[str, Any],
    ) -> list[FoundTarget]:
        async def once(used: Secrets | None) -> list[FoundTarget]:
            return await self._service.supervisor.discover(replace(request, secrets=used), step)

        asked = {**hints(request.address, request), **more_hints}
        question = Question(thing, "discovery", request.sign_in, asked)
        return await signed_in(self._service.agents, caller, question, secrets, once)

    # ---- records -----------------------------------------------------------------------------------------------------

    async def add(self, caller: Caller, address: str, options: Mapping[str, Any]) -> KeptPortal:
        """Keep an address. Raises Problem("AlreadyExists") among others."""
        return await to_the_end(self._add(caller, address, options))

    async def _add(self, caller: Caller, address: str, options: Mapping[str, Any]) -> KeptPortal:
        async with self._service.records:
            if len(self.all) >= MAX_KEPT:
                raise Problem("NotSupported", what="more addresses", detail=f"There are {MAX_KEPT} already.")
            blank = PortalRecord(0, checks.discovery_address(address), caller.uid)
            portal = KeptPortal(await self._service.store.add_portal(apply_changes(blank, options, PORTAL_CHANGES)))
            self._begin(portal)
        return portal

    async def update(self, portal: KeptPortal, changes: Mapping[str, Any]) -> None:
        """Change a record, all or nothing."""
        await to_the_end(self._update(portal, changes))

    async def _update(self, portal: KeptPortal, changes: Mapping[str, Any]) -> None:
        async with self._service.records:  # not portal.lock: a look may wait for minutes, for a person or the network
            self._must_exist(portal)
            record = apply_changes(portal.record, changes, PORTAL_CHANGES)
            await self._service.store.update_portal(record)
            portal.record = record
            self._service.listener.changed(portal)
        portal.changed.set()

    async def remove(self, portal: KeptPortal, *, with_targets: bool) -> None:
        """Stop keeping an address; `with_targets`: forget those that it named, too, unless they are connected."""
        await to_the_end(self._remove(portal, with_targets=with_targets))

    async def _remove(self, portal: KeptPortal, *, with_targets: bool) -> None:
        async with self._service.records:
            self._must_exist(portal)
            await self._service.store.remove_portal(portal.record.id)
            del self.all[portal.record.id]
            portal.stop()
            self._service.listener.removed(portal)
        for target in self._named_by(portal):
            await self._let_go(target, forget=with_targets)

    async def _let_go(self, target: Target, *, forget: bool) -> None:
        target.record = replace(target.record, source=0, vanished=False)  # as the store did with the portal
        self._service.listener.changed(target)
        if forget:
            with contextlib.suppress(Problem):  # it is connected, or was removed meanwhile
                await self._service.remove_target(target)

    def _named_by(self, portal: KeptPortal) -> list[Target]:
        return [t for t in self._service.targets.values() if t.record.source == portal.record.id]

    def _must_exist(self, portal: KeptPortal) -> None:
        if self.all.get(portal.record.id) is not portal:
            raise Problem("NotFound", what=portal.record.address)

    def _begin(self, portal: KeptPortal) -> None:
        self.all[portal.record.id] = portal
        self._service.listener.added(portal)
        portal.task = self._service.spawn(self._keep(portal))

    # ---- looking -----------------------------------------------------------------------------------------------------

    def refresh(self, caller: Caller, portal: KeptPortal, secrets: Descriptor | None) -> Job:
        """Look now. `secrets` becomes ours. Details: found, new."""

        async def work(job: Job) -> dict[str, Any]:
            named, new = await self._look(portal, caller, secrets, self._service.stepper(job), {})
            return {"found": [t.ref for t in named], "new": [t.ref for t in new]}

        return self._service.jobs.start("refresh", (portal.ref,), caller, work)

    async def _keep(self, portal: KeptPortal) -> None:
        """Look on the interval, for as long as the portal is there."""
        nobody = Caller(portal.ref, portal.record.owner)
        while True:
            if not await self._due(portal):
                continue
            try:
                await self._look(portal, nobody, None, lambda _step: None, {"background": True})
            except Problem as problem:
                log.info("%s: %s", portal.record.address, problem.code)

    async def _due(self, portal: KeptPortal) -> bool:
        """Wait for the next time; False when the record changed meanwhile."""
        portal.changed.clear()
        portal.hurry.clear()
        record = portal.record
        wait = max(0.0, record.interval + (record.last_look - _now()) / _SECOND) if record.interval else None
        waiting = [asyncio.ensure_future(event.wait()) for event in (portal.changed, portal.hurry)]
        try:
            await asyncio.wait(waiting, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()
        return not portal.changed.is_set()

    async def _look(
        self,
        portal: KeptPortal,
        caller: Caller,
        secrets: Descriptor | None,
        step: Step,
        more_hints: Mapping[str, Any],
    ) -> tuple[list[Target], list[Target]]:
        """Ask the portal and keep what it says; returns the targets it names, and those of them that are new."""
        async with portal.lock:
            self._must_exist(portal)
            record = portal.record
            options = {"sign-in": record.sign_in, "chap-name": record.chap_name, "interface": record.interface}
            options["target-chap-name"] = record.target_chap_name
            request = self._request(record.address, options)
            try:
                found = await self._ask(caller, portal.ref, request, secrets, step, more_hints)
            except Problem as problem:
                if problem.code != "Cancelled":
                    await to_the_end(self._failed(portal, problem))
                raise
            return await to_the_end(self._succeeded(portal, found))

    async def _failed(self, portal: KeptPortal, problem: Problem) -> None:
        async with self._service.records:
            self._must_exist(portal)
            before, code = portal.record.last_result, problem.code
            record = replace(portal.record, last_result=code, last_look=_now())
            await self._service.store.update_portal(record)
            portal.record, portal.facts = record, problem.attrs
        self._service.listener.changed(portal)
        if code != before:
            self._service.note("discovery-failed", "", {"address": record.address, "error": code})
        portal.changed.set()

    async def _succeeded(self, portal: KeptPortal, found: Sequence[FoundTarget]) -> tuple[list[Target], list[Target]]:
        now = _now()
        async with self._service.records:
            self._must_exist(portal)
            record = replace(portal.record, last_result="", last_look=now, last_seen=now)
            changes = self._compare(portal, found)
            seen = Seen(record, changes.new, tuple(after for _, after in changes.changed))
            added = [Target(new) for new in await self._service.store.seen(seen)]
            portal.record, portal.facts = record, {}
            for target, after in changes.changed:
                self._tell_change(portal, target, after)
        for target in added:
            self._service.add(target)
            self._service.note("target-found", target.record.name, {"address": record.address})
        self._service.listener.changed(portal)
        portal.changed.set()
        names = {one.name for one in found}
        return [t for t in self._service.targets.values() if t.record.name in names], added

    def _tell_change(self, portal: KeptPortal, target: Target, after: TargetRecord) -> None:
        before, target.record = target.record, after
        self._service.listener.changed(target)
        if before.vanished != after.vanished:
            kind = "target-vanished" if after.vanished else "target-returned"
            self._service.note(kind, after.name, {"address": portal.record.address})

    def _compare(self, portal: KeptPortal, found: Sequence[FoundTarget]) -> _Changes:
        """Hold what was named against the records."""
        known = {target.record.name: target for target in self._service.targets.values()}
        new: list[TargetRecord] = []
        changed: list[tuple[Target, TargetRecord]] = []
        named = {one.name: _usable(one.portals) for one in found}
        for name, portals in named.items():
            target = known.get(name)
            if target is None:
                new += self._fresh(portal, name, portals)
            elif self._may_change(portal, target.record):
                after = replace(target.record, source=portal.record.id, vanished=False)
                after = replace(after, portals=portals) if portals else after
                changed += [(target, after)] if after != target.record else []
        for target in self._named_by(portal):
            if target.record.name not in named and not target.record.vanished:
                changed.append((target, replace(target.record, vanished=True)))
        room = max(0, self._service.max_targets - len(known))
        if len(new) > room:
            log.warning("%s: %d targets more than can be kept", portal.record.address, len(new) - room)
        return _Changes(tuple(new[:room]), tuple(changed))

    @staticmethod
    def _may_change(portal: KeptPortal, record: TargetRecord) -> bool:
        """Whether it is this portal's, or was another's that does not name it any more."""
        return record.source == portal.record.id or (record.source != 0 and record.vanished)

    @staticmethod
    def _fresh(portal: KeptPortal, name: str, portals: tuple[Portal, ...]) -> list[TargetRecord]:
        """Return the record of a new target; none when it has no name or address that can be used."""
        try:
            name = checks.target_name(name)
        except Problem:
            return []
        if not portals:
            return []
        kept = portal.record
        return [TargetRecord(0, name, portals, kept.owner, interface=kept.interface, source=kept.id)]


def _usable(portals: Sequence[Portal]) -> tuple[Portal, ...]:
    """Return those that a record may have, at most MAX_PORTALS: a target names what it likes."""
    found: list[Portal] = []
    for portal in portals:
        try:
            found += checks.portals(portal_rows([portal]))
        except Problem:
            continue
    return tuple(dict.fromkeys(found))[:MAX_PORTALS]


def _now() -> int:
    return time.time_ns() // 1000
