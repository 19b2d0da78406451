# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.jobs import MAX_ENDED, MAX_OF_USER, MAX_RUNNING, Caller, Job, Jobs

ALICE = Caller(":1.1", 1000)
BOB = Caller(":1.2", 1001)


class Told:
    """Writes down what a listener is told."""

    def __init__(self) -> None:
        self.log: list[tuple[str, int, str]] = []
        self.ended = asyncio.Event()

    def job_added(self, job: Job) -> None:
        self.log.append(("added", job.number, job.kind))

    def job_changed(self, job: Job) -> None:
        self.log.append(("changed", job.number, job.step))

    def job_completed(self, job: Job) -> None:
        self.log.append(("completed", job.number, job.problem.code if job.problem else ""))
        self.ended.set()

    def job_removed(self, job: Job) -> None:
        self.log.append(("removed", job.number, ""))


def run(steps: Callable[[Jobs, Told], Awaitable[None]], keep: float = 30.0) -> None:
    async def whole() -> None:
        told = Told()
        jobs = Jobs(told, keep)
        await steps(jobs, told)
        await jobs.close()

    asyncio.run(whole())


async def forever(_job: Job) -> dict[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


async def at_once(_job: Job) -> dict[str, Any]:
    return {"answer": 42}


def test_a_job_tells_its_steps_and_its_end() -> None:
    async def steps(jobs: Jobs, told: Told) -> None:
        async def work(job: Job) -> dict[str, Any]:
            jobs.step(job, "connect")
            jobs.step(job, "connect")
            jobs.step(job, "login")
            return {"answer": 42}

        job = jobs.start("login", ("targets/1",), ALICE, work)
        await told.ended.wait()
        assert (job.finished, job.problem, job.details, job.step) == (True, None, {"answer": 42}, "login")
        assert told.log == [
            ("added", 1, "login"), ("changed", 1, "connect"), ("changed", 1, "login"), ("completed", 1, ""),
        ]  # fmt: skip

    run(steps)


def test_a_failure_explains_itself() -> None:
    async def steps(jobs: Jobs, told: Told) -> None:
        async def work(_job: Job) -> dict[str, Any]:
            raise Problem("ConnectionRefused", address="192.0.2.1", port=3260)

        job = jobs.start("login", (), ALICE, work)
        await told.ended.wait()
        assert job.details["port"] == 3260
        assert job.details["summary"] == "192.0.2.1 refuses connections on port 3260."
        assert {"meaning", "action"} <= set(job.details)

    run(steps)


def test_what_nobody_foresaw_gives_a_number_and_no_text(caplog: pytest.LogCaptureFixture) -> None:
    async def steps(jobs: Jobs, told: Told) -> None:
        async def work(_job: Job) -> dict[str, Any]:
            raise RuntimeError("the secret is xyzzy")

        job = jobs.start("login", (), ALICE, work)
        await told.ended.wait()
        assert job.problem is not None
        assert job.problem.code == "Internal"
        assert "xyzzy" not in repr(dict(job.details))
        assert str(job.details["log_id"]) in caplog.text

    with caplog.at_level(logging.ERROR):
        run(steps)


@pytest.mark.parametrize("begun", [False, True])
def test_cancelling(begun: bool) -> None:
    async def steps(jobs: Jobs, told: Told) -> None:
        job = jobs.start("login", (), ALICE, forever)
        if begun:
            await asyncio.sleep(0)
        job.cancel()
        await told.ended.wait()
        assert job.problem is not None
        assert job.problem.code == "Cancelled"
        job.cancel()  # nothing more happens

    run(steps)


def test_who_leaves_takes_along_what_nobody_wants_any_more() -> None:
    async def steps(jobs: Jobs, told: Told) -> None:
        login = jobs.start("login", (), ALICE, forever)
        eject = jobs.start("eject", (), ALICE, forever)
        kept = jobs.start("login", (), ALICE, forever)
        kept.keep = True
        others = jobs.start("login", (), BOB, forever)
        jobs.caller_left(ALICE.key)
        await told.ended.wait()
        assert (login.finished, eject.finished, kept.finished, others.finished) == (True, False, False, False)

    run(steps)


def test_a_user_has_no_more_jobs_with_many_connections() -> None:
    async def steps(jobs: Jobs, _told: Told) -> None:
        for number in range(MAX_OF_USER):
            jobs.start("login", (), Caller(f":9.{number // MAX_RUNNING}", 1000), forever)
        with pytest.raises(Problem) as busy:
            jobs.start("login", (), Caller(":1.99", 1000), forever)
        assert busy.value.code == "Busy"
        jobs.start("login", (), BOB, forever)

    run(steps)


def test_a_job_can_be_read_for_a_while_and_is_then_forgotten() -> None:
    async def steps(jobs: Jobs, told: Told) -> None:
        gone = asyncio.Event()
        told.job_removed = lambda _job: gone.set()  # type: ignore[method-assign]
        job = jobs.start("login", (), ALICE, at_once)
        await told.ended.wait()
        assert jobs.all == {job.number: job}
        await gone.wait()
        assert jobs.all == {}

    run(steps, keep=0.01)


def test_of_a_user_s_ended_jobs_the_newest_are_kept() -> None:
    async def steps(jobs: Jobs, told: Told) -> None:
        go_on = asyncio.Event()

        async def slow(_job: Job) -> dict[str, Any]:
            await go_on.wait()
            return {}

        others = jobs.start("login", (), BOB, at_once)
        long = jobs.start("login", (), ALICE, slow)
        for number in range(MAX_ENDED + 5):
            job = jobs.start("discover", (), Caller(f":9.{number}", ALICE.uid), at_once)
            assert job.task is not None
            await job.task
        go_on.set()
        assert long.task is not None
        await long.task
        await asyncio.sleep(0)
        assert {others.number, long.number, job.number} <= jobs.all.keys()
        assert len(jobs.all) == 1 + MAX_ENDED
        assert [kind for kind, _, _ in told.log].count("removed") == 6

    run(steps)


def test_of_jobs_that_found_much_fewer_are_kept() -> None:
    async def steps(jobs: Jobs, _told: Told) -> None:
        async def much(_job: Job) -> dict[str, Any]:
            return {"targets": [{"name": str(number)} for number in range(4096)]}

        for work in (at_once, much, much, much, at_once, much):
            job = jobs.start("discover", (), ALICE, work)
            assert job.task is not None
            await job.task
            await asyncio.sleep(0)
        assert list(jobs.all) == [3, 4, 5, 6]

    run(steps)


def test_one_caller_does_not_fill_the_service() -> None:
    async def steps(jobs: Jobs, told: Told) -> None:
        for _ in range(MAX_RUNNING):
            jobs.start("discover", (), ALICE, forever)
        with pytest.raises(Problem) as refused:
            jobs.start("discover", (), ALICE, forever)
        assert refused.value.code == "Busy"
        jobs.start("discover", (), BOB, forever)

    run(steps)
