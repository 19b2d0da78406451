# SPDX-License-Identifier: Apache-2.0
"""The object tree as it stands on the bus, kept by the ObjectManager's signals. No bus in here: it is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

from ...helper.api.names import JOB, LUN, MANAGER, PORTAL, ROOT_PATH, SESSION, TARGET
from .objects import VIEWS, Job, Lun, Manager, Portal, Session, Target

#: A bus neighbour that exports more than this is not our helper; the rest is not kept.
MAX_OBJECTS = 100_000


class Link(Enum):
    """How we stand with the helper."""

    CONNECTING = "connecting"
    READY = "ready"
    NO_HELPER = "no-helper"
    NO_BUS = "no-bus"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything known at one moment; shared between threads, so nothing in it is ever changed.

    When `link` is not READY the objects are those of the last time that it was: they may be shown, greyed.
    """

    link: Link = Link.CONNECTING
    manager: Manager = field(default_factory=lambda: Manager(ROOT_PATH))
    portals: Mapping[str, Portal] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    sessions: Mapping[str, Session] = field(default_factory=dict)
    luns: Mapping[str, Lun] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    bus: str = ""

    @property
    def ready(self) -> bool:
        """Whether the helper answers."""
        return self.link is Link.READY

    def without(self, names: Collection[str]) -> Snapshot:
        """Return it without the targets of these iSCSI names."""
        if not names:
            return self
        return replace(self, targets={p: t for p, t in self.targets.items() if t.name not in names})

    def session_of(self, target: Target) -> Session | None:
        """Return the target's live session."""
        return self.sessions.get(target.session)

    def luns_of(self, target: Target) -> tuple[Lun, ...]:
        """Return the disks seen through the target's session, by number."""
        found = [lun for lun in self.luns.values() if lun.session == target.session]
        return tuple(sorted(found, key=lambda lun: lun.address))

    def shown_luns(self, target: Target) -> tuple[Lun, ...]:
        """Return those that a person may want to see: not a storage device's own controllers and enclosures."""
        return tuple(lun for lun in self.luns_of(target) if lun.kind in {"disk", "cdrom", "tape"})

    def job_on(self, path: str, *kinds: str) -> Job | None:
        """Return the unfinished job that works on the object at `path`."""
        for job in self.jobs.values():
            if not job.finished and path in job.objects and (not kinds or job.kind in kinds):
                return job
        return None


class Mirror:
    """Interfaces and properties of each object, and views of them made when asked."""

    def __init__(self) -> None:
        self._tree: dict[str, dict[str, dict[str, Any]]] = {}
        self._views: dict[tuple[str, str], Any] = {}

    def replace(self, objects: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Take the whole tree anew (GetManagedObjects)."""
        self._tree.clear()
        self._views.clear()
        for path, interfaces in objects.items():
            self.added(path, interfaces)

    def added(self, path: str, interfaces: Mapping[str, Mapping[str, Any]]) -> None:
        """Take in InterfacesAdded."""
        ours = {name: dict(props) for name, props in interfaces.items() if name in VIEWS}
        if ours and (path in self._tree or len(self._tree) < MAX_OBJECTS):
            self._tree.setdefault(path, {}).update(ours)
            self._forget(path, ours)

    def removed(self, path: str, interfaces: Iterable[str]) -> None:
        """Take in InterfacesRemoved."""
        names = list(interfaces)
        here = self._tree.get(path, {})
        for name in names:
            here.pop(name, None)
        self._forget(path, names)
        if not here:
            self._tree.pop(path, None)

    def changed(self, path: str, interface: str, values: Mapping[str, Any]) -> None:
        """Take in PropertiesChanged; of an object that is not known it is ignored."""
        props = self._tree.get(path, {}).get(interface)
        if props is not None:
            props.update(values)
            self._forget(path, (interface,))

    def get(self, path: str, interface: str) -> Any:
        """Return the view of one interface of the object at `path`, or None."""
        props = self._tree.get(path, {}).get(interface)
        if props is None:
            return None
        view = self._views.get((path, interface))
        if view is None:
            view = self._views[path, interface] = VIEWS[interface].from_properties(path, props)
        return view

    def snapshot(self, link: Link, *, bus: str) -> Snapshot:
        """Return everything as it stands now."""
        return Snapshot(
            link=link,
            manager=self.get(ROOT_PATH, MANAGER) or Manager(ROOT_PATH),
            portals=self._all(PORTAL),
            targets=self._all(TARGET),
            sessions=self._all(SESSION),
            luns=self._all(LUN),
            jobs=self._all(JOB),
            bus=bus,
        )

    def _all(self, interface: str) -> Mapping[str, Any]:
        return MappingProxyType({p: self.get(p, interface) for p, there in self._tree.items() if interface in there})

    def _forget(self, path: str, interfaces: Iterable[str]) -> None:
        for name in interfaces:
            self._views.pop((path, name), None)
