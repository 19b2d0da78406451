# SPDX-License-Identifier: Apache-2.0
"""Requests of many commands, whoever asked for them."""

from __future__ import annotations

import errno
import random

from lundock.helper.engine.front import Front, Job
from lundock.helper.engine.task import Task
from support.served import Served
from support.wire import CHECK, sense

MIB = 1 << 20
NOISE = random.Random(8).randbytes(2 * MIB)


class User(Front):
    """Notes how its jobs end."""

    def __init__(self, served: Served) -> None:
        super().__init__(served.fronts, 1, served.wire.unit, read_only=False)
        self.ends: list[tuple[int, int]] = []
        served.fronts.add(self, None)

    def job_done(self, job: Job) -> None:
        self.ends.append((job.cookie, job.error))

    def read_ready(self, task: Task, view: memoryview, start: int, end: int) -> None: ...

    def done(self, task: Task, error: int) -> None: ...

    def go_on(self) -> None: ...

    def close(self) -> None: ...

    def fileno(self) -> int:
        return -1


def test_what_a_write_has_not_sent_yet_stays_as_it_is() -> None:
    """The target may answer before it took all the data that it asked for."""
    served = Served(initial_r2t=True, immediate_data=False, max_burst_length=MIB)
    user, wire, pool = User(served), served.wire, served.session.pool
    pooled = pool.get(2 * MIB)
    data = pooled.payload(2 * MIB)
    data[:] = NOISE
    user.write_job(7, 0, data, pooled, fua=False)
    commands = wire.sent()
    wire.sink.room = 0
    wire.give(*(wire.r2t(pdu.itt, 0, MIB) for pdu in commands))
    wire.give(*(wire.response(pdu.itt, CHECK, sense(3, 0x0C, 0)) for pdu in commands))
    assert user.ends == [(7, errno.EIO)]
    pool.get(2 * MIB).payload(2 * MIB)[:] = bytes(2 * MIB)  # somebody else's
    wire.sink.room = 1 << 40
    assert b"".join(pdu.data for pdu in wire.sent()) == NOISE


def test_what_was_read_into_is_used_again_at_once() -> None:
    served = Served()
    user, pool = User(served), served.session.pool
    user.read_job(7, 0, 2 * MIB)
    served.settle()
    assert user.ends == [(7, 0)]
    assert pool._idle == 2 * MIB
