# SPDX-License-Identifier: Apache-2.0
"""Arguments that name a target, a disk or an address, and completing them: what there is, asked of the service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from .options import Run

if TYPE_CHECKING:
    from ..client.mirror import Snapshot

if TYPE_CHECKING:
    _ParamType = click.ParamType[str]
else:
    _ParamType = click.ParamType  # generic in newer versions only

#: A person who pressed Tab waits no longer.
PATIENCE = 2.0

#: A word that can stand there, and what is said beside it (by shells that show it).
Words = Iterable[tuple[str, str]]


class Known(_ParamType):
    """A word that the service knows."""

    def __init__(self, name: str, words: Callable[[Snapshot], Words]) -> None:
        self.name = name
        self._words = words

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Return what fits; nothing when the service does not answer."""
        try:
            snapshot = asyncio.run(_snapshot(ctx.ensure_object(Run)))
        except Exception:  # noqa: BLE001 - a traceback in the middle of somebody's command line helps nobody
            return []
        begun = incomplete.casefold()
        found = [(word, note) for word, note in self._words(snapshot) if word.casefold().startswith(begun)]
        return [CompletionItem(word, help=note) for word, note in found]


async def _snapshot(run: Run) -> Any:
    from ..client.client import Client

    async with asyncio.timeout(PATIENCE):
        client = Client(run.where)
        try:
            await client.open(start=False)
            return client.snapshot
        finally:
            await client.close()


def _targets(snapshot: Snapshot) -> Words:
    for target in sorted(snapshot.targets.values(), key=lambda t: t.number):
        if target.alias:
            yield target.alias, target.name
        yield target.name, target.state


def _disks(snapshot: Snapshot) -> Words:
    for lun in sorted(snapshot.luns.values(), key=lambda x: (x.target, x.address)):
        if lun.kind == "disk" and lun.target in snapshot.targets:
            target = snapshot.targets[lun.target]
            yield f"{target.alias or target.name}/{lun.lun}", lun.title
            if lun.device:
                yield lun.device, lun.title


def _methods(snapshot: Snapshot) -> Words:
    yield "auto", "the first that is possible"
    for method in snapshot.manager.attach_methods:
        yield str(method.get("name", "")), str(method.get("reason", ""))


def _settings(_snapshot: Snapshot) -> Words:
    from ...helper.api.settings import table

    return [(f"{name}=", setting.help) for name, setting in table().items()]


TARGET = Known("target", _targets)
DISK = Known("disk", _disks)
ADDRESS = Known("address", lambda snapshot: [(p.address, "") for p in snapshot.portals.values()])
JOB = Known("job", lambda snapshot: [(str(j.number), j.kind) for j in snapshot.jobs.values() if not j.finished])
METHOD = Known("method", _methods)
SETTING = Known("setting", _settings)


class InterfaceName(_ParamType):
    """A network interface of this computer."""

    name = "interface"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Return the interfaces that fit."""
        import socket

        return [CompletionItem(name) for _, name in socket.if_nameindex() if name.startswith(incomplete)]


INTERFACE = InterfaceName()
