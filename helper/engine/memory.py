# SPDX-License-Identifier: Apache-2.0
"""Who may have how much of a session's memory: `memory_limit`, and never more, whatever the fronts' users do.

A sixteenth stands for each part: 2 for receive buffers that a front keeps, 3 for shares, 9 to be lent, 2 for what
rounding up costs. Every front has a share that nobody can take from it; what it needs beyond that for what is on its
way it borrows, and gives back when less is on its way. Who was refused is served next, in the order of asking. A
front whose user may leave answers unread (and so keep what it borrowed) leaves one sixteenth to those that cannot: a
disk under a file system never waits for a program that has stopped reading.

What lies idle in the pool is memory that nobody has borrowed.
"""

from __future__ import annotations

import itertools
from typing import Protocol

from ..api.errors import Problem
from .buffers import Pool

#: Each front has slots of its own, and a share.
MAX_FRONTS = 64
#: More is borrowed at once than is asked for, so that it is asked for seldom.
_STEP = 1 << 20


class Borrower(Protocol):
    """A front, as far as its memory goes."""

    #: Bytes of requests on their way, and bytes of answers that its user has not read.
    held: int
    kept: int
    #: `held` and `kept` stay within this; set here.
    max_held: int
    #: Bytes of buffers that it has all the time.
    fixed: int
    #: Whether its user can leave answers unread.
    patient: bool


class Memory:
    """The shares and the loans of one session's fronts."""

    def __init__(self, limit: int, pool: Pool) -> None:
        part = limit // 16
        self._pool = pool
        self._fixed = 2 * part
        self._lendable = 9 * part
        self._reserve = part
        self.share = 3 * part // MAX_FRONTS
        #: The most that one front can have: no request may be larger.
        self.most = 8 * part
        self._number = 0
        self._debtors: dict[int, Borrower] = {}
        self._refused: list[Borrower] = []
        self._asked: set[int] = set()
        self._keep()

    @property
    def lends(self) -> bool:
        """Whether somebody has something that is to be given back, or was refused."""
        return bool(self._debtors or self._refused)

    @property
    def lent(self) -> int:
        """How much fronts have beyond their shares."""
        return sum(front.max_held - self.share for front in self._debtors.values())

    def join(self, front: Borrower) -> None:
        """Give a front its share; raises Problem("Busy") when there are too many."""
        if self._number >= MAX_FRONTS or front.fixed > self._fixed:
            raise Problem("Busy")
        self._number += 1
        self._fixed -= front.fixed
        front.max_held = self.share

    def leave(self, front: Borrower) -> None:
        """Take everything back from a front that has ended."""
        self._number -= 1
        self._fixed += front.fixed
        self._debtors.pop(id(front), None)
        if front in self._refused:
            self._refused.remove(front)
        self._keep()

    def lend(self, front: Borrower, total: int) -> bool:
        """Raise `front.max_held` to `total` or a little more; False when it has to wait for others."""
        more, left = total - front.max_held, self._left(front)
        if more > left:
            if front not in self._refused:
                self._refused.append(front)
            self._asked.add(id(front))
            return False
        if front in self._refused:
            self._refused.remove(front)
        front.max_held += max(more, min(_STEP, left))
        self._debtors[id(front)] = front
        self._keep()
        return True

    def _left(self, front: Borrower) -> int:
        """Return how much it may borrow now. Who was refused comes first; but a patient one that waits, maybe for
        others that are patient, leaves the reserve to the rest.
        """
        left = self._lendable - self.lent - (self._reserve if front.patient else 0)
        before = list(itertools.takewhile(lambda other: other is not front, self._refused))
        if not before:
            return left
        if front.patient or not all(other.patient for other in before):
            return -1
        others = sum(other.max_held - self.share for other in self._debtors.values() if not other.patient)
        return min(left, self._reserve - others)

    def settle(self) -> bool:
        """Take back what fronts do not need any more; True when somebody who was refused should ask again."""
        if not self._debtors:
            return False
        changed = False
        for key, front in list(self._debtors.items()):
            needed = max(front.held + front.kept, self.share)
            if needed < front.max_held:
                changed = True
                front.max_held = needed
                if needed == self.share:
                    del self._debtors[key]
        if changed:
            self._keep()
        return changed and bool(self._refused)

    def all_asked(self) -> None:
        """Everybody who was refused has asked again since the last call: who has not wants nothing any more."""
        if self._refused:
            self._refused = [front for front in self._refused if id(front) in self._asked]
            self._asked.clear()

    def _keep(self) -> None:
        self._pool.keep(self._lendable - self.lent)
