# SPDX-License-Identifier: Apache-2.0
"""Who has the attached disks, kept up to date.

A mount in this computer's mount namespace is told by the kernel at once (proc(5): mountinfo can be polled). What
nothing tells, programs that open a device and mounts in other namespaces, is seen by a look every LOOK_INTERVAL
seconds, while something is attached. Looks are done in a child.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .api.errors import Problem
from .attach.operations import holders_of

if TYPE_CHECKING:
    from .nursery import Nursery
    from .worker_session import WorkerSession

log = logging.getLogger(__name__)

LOOK_INTERVAL = 5.0
#: A mount is seldom alone: wait so long for the next one, and look no more often than this.
_SETTLE, _PAUSE = 0.05, 0.5


@contextlib.contextmanager
def watch_mounts(changed: Callable[[], None]) -> Iterator[None]:
    """Have `changed` called by the running loop whenever something was mounted or unmounted."""
    with contextlib.ExitStack() as stack:
        table = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, table)
        # The loop asks for readability, which a file of /proc always has; a poll object in between asks for the rest.
        poll = stack.enter_context(select.epoll())
        poll.register(table, select.EPOLLPRI | select.EPOLLERR)

        def ready() -> None:
            poll.poll(0)  # the kernel forgets a change when it has been asked for once, by the loop or by us
            changed()

        loop = asyncio.get_running_loop()
        loop.add_reader(poll.fileno(), ready)
        stack.callback(loop.remove_reader, poll.fileno())
        yield


class HolderWatch:
    """Looks while a session has a disk attached. `look_soon` starts it; it ends by itself."""

    def __init__(self, nursery: Nursery, sessions: Callable[[], list[WorkerSession]]) -> None:
        self._nursery = nursery
        self._sessions = sessions
        self._task: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()

    def look_soon(self) -> None:
        """Look: something was attached, or is expected to be different."""
        self._soon.set()
        if self._task is None and self._attached():
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop looking."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _attached(self) -> dict[str, tuple[WorkerSession, str]]:
        """Return every attached disk by the path of its device or file."""
        return {
            one.device: (session, lun) for session in self._sessions() for lun, one in session.attached.items()
        }  # fmt: skip

    async def _run(self) -> None:
        try:
            with watch_mounts(self._soon.set):
                while self._attached():
                    self._soon.clear()
                    began = time.monotonic()
                    await self._look()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_INTERVAL):
                            await self._soon.wait()
                    await asyncio.sleep(max(_SETTLE, began + _PAUSE - time.monotonic()))
        except Exception:
            log.exception("Who has the disks is not looked at any more")
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    async def _look(self) -> None:
        try:
            found = await holders_of(self._nursery, list(self._attached()))
        except Problem as problem:
            log.info("Who has the disks cannot be seen now: %s", problem.code)
            return
        for path, (session, lun) in self._attached().items():
            if path in found:
                session.note_holders(lun, found[path])
