# SPDX-License-Identifier: Apache-2.0
"""The client on a real bus, against a service with the contract's face."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lundock.app.client import connecting, operations
from lundock.app.client.client import Client
from lundock.app.client.link import Where
from lundock.app.client.mirror import Link
from lundock.app.client.objects import Job
from lundock.app.client.operations import Secrets, SignIn
from lundock.helper.api.errors import Problem
from lundock.helper.api.names import BUS_NAME
from support.buses import session_bus
from support.fake_helper import IQN, SECRETS, RunningFake, eventually, running_fake


@pytest.fixture
def fake() -> Iterator[RunningFake]:
    with running_fake() as running:
        yield running


def use(fake: RunningFake, work: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with Client(Where("address", fake.address)) as client:
            return await work(client)

    return asyncio.run(run())


def code_of(fake: RunningFake, work: Callable[[Client], Awaitable[Any]]) -> str:
    with pytest.raises(Problem) as caught:
        use(fake, work)
    return caught.value.code


def test_targets_are_found(fake: RunningFake) -> None:
    found = use(fake, lambda c: operations.discover(c, "nas.local"))
    assert [f.name for f in found][:2] == [IQN + "backup", IQN + "media"]
    assert found[0].portals[0]["address"] == "192.0.2.5"


def test_a_job_that_fails_raises_its_problem_with_its_attributes(fake: RunningFake) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(Problem) as caught:
            await operations.discover(client, "refused.example")
        assert (caught.value.code, caught.value.attrs) == (
            "ConnectionRefused",
            {"address": "refused.example", "port": 3260},
        )

    use(fake, work)


def test_a_record_is_added_changed_and_removed(fake: RunningFake) -> None:
    async def work(client: Client) -> None:
        portals = [operations.parse_portal("nas:3261")]
        path = await operations.add_target(client, IQN + "x", portals, alias="X", settings={"ping_interval": 7})
        await operations.update_target(client, path, {"alias": "Y", "settings": {"read_only": True}})
        await operations.events(client)  # a later call: the signals before it have arrived
        target = client.snapshot.targets[path]
        assert (target.alias, target.address) == ("Y", "nas:3261")
        assert (target.settings["ping_interval"], target.settings["read_only"]) == (7, True)
        await operations.remove_target(client, path)
        await operations.events(client)
        assert path not in client.snapshot.targets

    use(fake, work)


def test_adding_twice_is_an_error_of_the_call_itself(fake: RunningFake) -> None:
    fake.add("x")
    assert code_of(fake, lambda c: operations.add_target(c, IQN + "x", [])) == "AlreadyExists"


def test_signing_in_with_secrets_through_a_descriptor(fake: RunningFake) -> None:
    path = fake.add("mutual-vault")

    async def login(client: Client, secrets: Secrets) -> Any:
        return await operations.login(client, path, sign_in=SignIn("mutual", "me", ""), secrets=secrets)

    assert code_of(fake, lambda c: operations.login(c, path)) == "AuthenticationRequired"
    assert code_of(fake, lambda c: login(c, Secrets("wrong"))) == "AuthenticationFailed"
    assert code_of(fake, lambda c: login(c, Secrets(SECRETS[0], "wrong"))) == "TargetNotAuthenticated"
    session, luns = use(fake, lambda c: login(c, Secrets(*SECRETS)))
    assert session.endswith("/sessions/1")
    assert len(luns) == 2


def test_a_disk_is_attached_and_ejected(fake: RunningFake) -> None:
    fake.connect(fake.add("backup"))

    async def work(client: Client) -> None:
        lun = operations.find_lun(client.snapshot.luns, client.snapshot.targets, "backup/0")
        attached = await operations.attach(client, lun.path)
        assert (attached.device, attached.method) == ("/dev/loop7", "fuse")
        assert client.snapshot.luns[lun.path].device == "/dev/loop7"
        await operations.eject(client, lun.path)
        assert client.snapshot.luns[lun.path].device == ""
        with pytest.raises(Problem, match="not attached"):
            await operations.eject(client, lun.path)

    use(fake, work)


def test_cancelling_the_wait_cancels_the_job(fake: RunningFake) -> None:
    async def work(client: Client) -> None:
        begun = asyncio.Event()

        def on_step(job: Job) -> None:
            if job.step == "answer":
                begun.set()

        task = asyncio.ensure_future(operations.discover(client, "slow.example", on_step=on_step))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    use(fake, work)
    (job,) = fake.helper.jobs.values()
    assert job.finished
    assert job.error.endswith(".Cancelled")


def test_cancelling_before_the_job_is_known_cancels_it_too(fake: RunningFake) -> None:
    async def work(client: Client) -> None:
        task = asyncio.ensure_future(operations.discover(client, "slow.example"))
        await asyncio.sleep(0)  # the call is on its way, and no answer can have come
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: any(job.finished for job in client.snapshot.jobs.values()))

    use(fake, work)
    (job,) = fake.helper.jobs.values()
    assert job.error.endswith(".Cancelled")


def test_the_mirror_follows_and_events_arrive(fake: RunningFake) -> None:
    async def work() -> None:
        changes, events = asyncio.Event(), []
        client = Client(Where("address", fake.address), on_change=changes.set, on_event=events.append)
        async with client:
            path = fake.add("media")
            while path not in client.snapshot.targets:
                await asyncio.wait_for(changes.wait(), 10)
                changes.clear()
            await asyncio.to_thread(fake.connect, path)
            await eventually(lambda: events)
            assert events[0]["kind"] == "connected"
            assert client.snapshot.targets[path].state == "connected"

    asyncio.run(work())


def test_statistics_come_by_path(fake: RunningFake) -> None:
    fake.connect(fake.add("media"))
    found = use(fake, operations.statistics)
    assert sum("read-bytes" in values for values in found.values()) == 2
    assert all(isinstance(values["time"], int) for values in found.values())


def test_no_helper_on_the_bus_is_said() -> None:
    with session_bus() as address:

        async def work() -> None:
            async with Client(Where("address", address)):
                pass

        with pytest.raises(Problem) as caught:
            asyncio.run(work())
    assert caught.value.code == "HelperUnavailable"


def test_no_bus_is_said(tmp_path: Path) -> None:
    async def work() -> None:
        async with Client(Where("address", f"unix:path={tmp_path}/nothing")):
            pass

    with pytest.raises(Problem) as caught:
        asyncio.run(work())
    assert caught.value.code == "HelperUnavailable"


def test_a_helper_that_goes_fails_its_jobs_and_is_taken_up_again_when_it_is_back(fake: RunningFake) -> None:
    async def work() -> None:
        changes = asyncio.Event()
        client = Client(Where("address", fake.address), on_change=changes.set)

        async def until(link: Link) -> None:
            while client.snapshot.link is not link:
                await asyncio.wait_for(changes.wait(), 10)
                changes.clear()

        async with client:
            path = fake.add("backup")
            task = asyncio.ensure_future(operations.discover(client, "slow.example"))
            await eventually(lambda: client.snapshot.jobs)
            await asyncio.to_thread(fake.stop)
            with pytest.raises(Problem) as caught:
                await task
            assert caught.value.code == "HelperUnavailable"
            await until(Link.NO_HELPER)
            assert path in client.snapshot.targets, "what was known is kept"
            again = RunningFake(fake.address, 0)
            await asyncio.to_thread(again.start)
            try:
                await until(Link.READY)
                assert client.snapshot.targets == {}
            finally:
                await asyncio.to_thread(again.stop)

    asyncio.run(work())


def test_connecting_is_all_or_nothing_for_the_record(fake: RunningFake) -> None:
    portals = ({"address": "nas.local", "port": 3260, "portal-group": 1},)

    async def connect(client: Client, secret: str) -> connecting.Connected:
        how, secrets = SignIn("chap", "me"), Secrets(secret)
        return await connecting.connect(
            client, IQN + "chap-vault", portals, sign_in=how, secrets=secrets, options=connecting.Options()
        )  # fmt: skip

    assert code_of(fake, lambda c: connect(c, "wrong")) == "AuthenticationFailed"
    assert fake.helper.targets == {}
    done = use(fake, lambda c: connect(c, SECRETS[0]))
    (target,) = fake.helper.targets.values()
    assert (target.sign_in, target.chap_name) == ("chap", "me")
    assert all(fake.helper.luns[path].device for path in done.luns)
    assert done.problems == {}


def test_signals_that_are_not_of_the_contract_do_no_harm(fake: RunningFake) -> None:
    path = fake.add("backup")

    async def work(client: Client) -> None:
        def bad(helper: Any) -> None:
            connection = helper.server._connection
            properties, manager = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"
            connection.emit(path, properties, "PropertiesChanged", "s", ["x"])
            connection.emit(path, manager, "InterfacesAdded", "ss", ["x", "y"])
            connection.emit(path, f"{BUS_NAME}.Job", "Completed", "t", [1])

        await asyncio.to_thread(fake.do, bad)
        await operations.events(client)
        assert client.snapshot.ready
        assert client.snapshot.targets[path].name == IQN + "backup"

    use(fake, work)


def test_an_answer_does_not_undo_what_came_after_it(fake: RunningFake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer and signal come in one piece: the signal is handled before who waits for the answer goes on."""
    path = fake.add("media", "Media")

    async def work(client: Client) -> None:
        real = client.connection.get_managed_objects

        async def answer() -> Any:
            objects = await real()
            fake.do(lambda helper: helper.targets[path].set_state("connecting"))
            await eventually(lambda: client.snapshot.targets[path].state == "connecting")
            return objects

        monkeypatch.setattr(client.connection, "get_managed_objects", answer)
        await client.look_again()
        assert client.snapshot.targets[path].state == "connecting"

    use(fake, work)
