# SPDX-License-Identifier: Apache-2.0
"""All fronts of a session on the loop: their descriptors, their shares, and the end of a round, where everything is
sent.
"""

from __future__ import annotations

from collections.abc import Callable

from ..api.errors import Problem
from .front import Front
from .loop import READ, Loop
from .memory import Memory
from .pipes import Pipes
from .session import Session
from .task import Unit


class Fronts:
    """The Driver of the fronts. `over(number, problem)` is called when a front ends by itself, `send` at a round's
    end.
    """

    def __init__(
        self,
        session: Session,
        loop: Loop,
        memory: int,
        over: Callable[[int, Problem | None], None],
        send: Callable[[], None],
    ) -> None:
        self.session = session
        self.dirty: list[Front] = []
        self.blocked: list[Front] = []
        self._loop = loop
        self.memory = Memory(memory, session.pool)
        self.pipes = Pipes()
        self._over = over
        self._send = send
        self._fronts: dict[int, Front] = {}
        self._waking = False

    def unit(self, lun: int) -> Unit:
        """Return a unit that a front can serve; raises Problem when there is none, or it is no such disk."""
        unit = self.session.units.get(lun)
        name = f"{lun:016x}"
        if unit is None or unit.info is None:
            raise Problem("NoSuchLun", lun=name)
        info = unit.info
        if info.kind != "disk":
            raise Problem("NotADisk", lun=name, kind=info.kind)
        if info.problem or not info.size:
            raise Problem(info.problem or "NotReady", lun=name)
        if info.block_size & (info.block_size - 1) or not 512 <= info.block_size <= 65536:
            raise Problem(
                "NotSupported", what=f"blocks of {info.block_size} bytes", detail="They are not a power of two."
            )
        return unit

    def use(self, unit: Unit) -> bool:
        """Whether a front serves the unit."""
        return any(front.unit is unit for front in self._fronts.values())

    def add(self, front: Front, ready: Callable[[int], None] | None) -> None:
        """Serve a front; `ready` is called when its descriptor is, if it has one. Raises Problem("Busy")."""
        self.memory.join(front)
        self._fronts[front.number] = front
        self._share()
        if ready is not None:

            def on_event(events: int) -> None:
                self.session.now = self._loop.now
                ready(events)
                self.wake()

            self._loop.register(front.fileno(), READ, on_event)
        self.wake()

    def unwritten(self, number: int) -> bool:
        """Whether something may have been written on a front that was not flushed since. Raises NotAttached."""
        front = self._fronts.get(number)
        if front is None:
            raise Problem("NotAttached")
        return front.unwritten

    def detach(self, number: int, done: Callable[[], None]) -> None:
        """Answer what was asked, flush the unit's cache if it may hold something, close the descriptor."""
        front = self._fronts.get(number)
        if front is None:
            raise Problem("NotAttached")

        def idle() -> None:
            if not front.unwritten or self._fronts.get(number) is not front:
                closed()
            else:
                front.flush_job(0, closed)

        def closed() -> None:
            self._remove(front)
            done()

        front.closing = idle
        front.check_idle()
        self.wake()

    def close(self) -> None:
        """End all fronts at once."""
        for front in list(self._fronts.values()):
            self.front_over(front, None)
        self.pipes.close()

    # -- for the fronts ----------------------------------------------------------------------------------------
    def wake(self) -> None:
        """Flush, resume and send at the end of this round."""
        if not self._waking:
            self._waking = True
            self._loop.at_round_end(self._round_end)

    def watch(self, fd: int, events: int) -> None:
        """Change what poll looks for."""
        self._loop.modify(fd, events)

    def lend(self, front: Front, total: int) -> bool:
        """As in Driver."""
        return self.memory.lend(front, total)

    def front_over(self, front: Front, problem: Problem | None) -> None:
        """A front's user left, or broke the rules."""
        if self._fronts.get(front.number) is not front:
            return
        closing = front.closing
        self._remove(front)
        if closing is not None:
            closing()  # it was to be detached anyway
        else:
            self._over(front.number, problem)

    def flush(self) -> None:
        """Send the answers that fronts have put together."""
        while self.dirty:
            dirty, self.dirty = self.dirty, []
            for front in dirty:
                front.flush()

    # -- inside ------------------------------------------------------------------------------------------------
    def _remove(self, front: Front) -> None:
        if self._fronts.get(front.number) is front:
            del self._fronts[front.number]
            self._loop.unregister(front.fileno())
            front.closing = None
            front.close()
            self.memory.leave(front)
            self._share()

    def _share(self) -> None:
        """Divide the slots between the fronts: none can take what another one needs."""
        number = max(len(self._fronts), 1)
        for front in self._fronts.values():
            front.max_used = max(self.session.depth // number, 1)

    def _round_end(self) -> None:
        """Everything of this round was taken in: send what came of it."""
        self._waking = False
        memory = self.memory
        if self.dirty:
            self.flush()
        if memory.lends:
            memory.settle()
        if self.blocked:
            self._resume()
        if self.dirty:
            self.flush()
        if memory.lends:
            memory.all_asked()
            if memory.settle():
                self.wake()  # somebody else may go on now, and nothing more may ever happen
        self._send()

    def _resume(self) -> None:
        """Let those go on that wanted to be called again."""
        blocked, self.blocked = self.blocked, []
        for front in blocked:
            if self._fronts.get(front.number) is front:
                try:
                    front.resume()
                except Problem as problem:
                    self.front_over(front, problem)
