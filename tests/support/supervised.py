# SPDX-License-Identifier: Apache-2.0
"""A supervisor with a nursery of its own, an observer that remembers, and what a session needs."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import lundock.helper.engine.front_fuse
import lundock.helper.engine.worker  # noqa: F401 - loaded before the nursery is forked
from lundock.helper.api.errors import Problem
from lundock.helper.api.settings import complete
from lundock.helper.nursery import Nursery
from lundock.helper.supervisor import Holder, Portal, Secrets, SessionSpec, Supervisor, WorkerSession, make_isid

from tools import traces

from .tgtd import TgtTarget

ME = "iqn.2026-01.io.github.lundock.test:me"
PATIENCE = 30.0


def no_step(_name: str) -> None:
    """Hear of a step and do nothing."""


class Recorder:
    """A SessionObserver that keeps what it was told."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.events: list[tuple[str, dict[str, str | int]]] = []
        self.holders: list[tuple[Holder, ...]] = []
        self.ends: list[Problem | None] = []
        self._something = asyncio.Event()

    def changed(self, session: WorkerSession) -> None:
        self.states.append(session.state)
        self._something.set()

    def luns_changed(self, session: WorkerSession) -> None:
        self._something.set()

    def holders_changed(self, session: WorkerSession, lun: str, holders: tuple[Holder, ...]) -> None:
        self.holders.append(holders)
        self._something.set()

    def event(self, session: WorkerSession, kind: str, attrs: Mapping[str, str | int]) -> None:
        self.events.append((kind, dict(attrs)))
        self._something.set()

    def ended(self, session: WorkerSession, problem: Problem | None) -> None:
        self.ends.append(problem)
        self._something.set()

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    async def until(self, check: Callable[[], object]) -> None:
        """Wait until something that was told makes the check true."""
        async with asyncio.timeout(PATIENCE):
            while not check():
                self._something.clear()
                await self._something.wait()


@contextlib.asynccontextmanager
async def supervisor() -> AsyncIterator[tuple[Supervisor, Path]]:
    """Give a supervisor and its run folder; sessions that are left are ended afterwards."""
    nursery = Nursery.start()
    with tempfile.TemporaryDirectory(prefix=traces.PREFIX) as folder:
        made = Supervisor(Path(folder) / "run", nursery)
        try:
            yield made, Path(folder) / "run"
        finally:
            for session in made.sessions:
                await session.abort()
            await nursery.close()


def spec(target: TgtTarget, key: str = "t1", **values: object) -> SessionSpec:
    """What a login to this target takes; `settings` as a person writes them."""
    address, _, port = target.portal.rpartition(":")
    settings = complete(values.pop("settings", {}))  # type: ignore[arg-type]
    if target.chap is not None:
        mutual = target.mutual or ("", "")
        values.setdefault("sign_in", "mutual" if target.mutual else "chap")
        values.setdefault("chap_name", target.chap[0])
        values.setdefault("secrets", Secrets(target.chap[1], mutual[1]))
    return SessionSpec(
        key=key,
        target_name=target.name,
        portals=(Portal(address, int(port)),),
        initiator_name=ME,
        isid=make_isid(key, ME),
        settings=settings,
        **values,  # type: ignore[arg-type]
    )


def disk(session: WorkerSession) -> str:
    """Return the address of the first disk."""
    return next(lun.address for lun in session.luns if lun.kind == "disk")


async def program(*words: str | Path) -> str:
    """Run a program without stopping the loop; AssertionError when it fails."""
    process = await asyncio.create_subprocess_exec(
        *map(str, words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said = (await process.communicate())[0].decode("utf-8", "replace")
    assert process.returncode == 0, f"{words} ended with {process.returncode}:\n{said}"
    return said
