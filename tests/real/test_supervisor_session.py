# SPDX-License-Identifier: Apache-2.0
"""Sessions through real workers to a real tgtd: discovery, login, devices, and what happens when a worker dies."""
# ruff: noqa: ASYNC230 - a test's loop has nothing else to do

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from pathlib import Path

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.nursery import Child
from lundock.helper.supervisor import DiscoverRequest, Secrets, SessionSpec, Supervisor, WorkerSession, make_isid
from support import need, procs
from support.fronts import Relay
from support.supervised import ME, Recorder, disk, no_step, program, spec, supervisor
from support.tgtd import LunSpec, Tgtd, TgtTarget

from tools import traces

pytestmark = pytest.mark.usefixtures("_root")

SECRET = ("alice", "secret-of-alice")


@pytest.fixture
def _root() -> None:
    need.root()


@pytest.fixture
def target(tgtd: Tgtd, target_name: str) -> TgtTarget:
    return tgtd.add_target(target_name, [LunSpec(64 << 20)], chap=SECRET)


def run(coroutine: Coroutine[object, object, None]) -> None:
    asyncio.run(coroutine)


@contextlib.asynccontextmanager
async def session_to(target: TgtTarget, **values: object) -> AsyncIterator[tuple[WorkerSession, Recorder]]:
    async with supervisor() as (boss, run_dir):
        recorder = Recorder()
        session = await boss.open_session(spec(target, **values), recorder, no_step)
        yield session, recorder
        if session.state != "ended":
            await session.logout()
        assert list(run_dir.glob("*.sock")) == []


async def refused(boss: Supervisor, wanted: DiscoverRequest | SessionSpec) -> Problem:
    asked: Awaitable[object]
    if isinstance(wanted, DiscoverRequest):
        asked = boss.discover(wanted, no_step)
    else:
        asked = boss.open_session(wanted, Recorder(), no_step)
    with pytest.raises(Problem) as caught:
        await asked
    return caught.value


# ---- discovery and login -----------------------------------------------------------------------------------------


def test_discovery_names_the_target_and_tells_its_steps(target: TgtTarget) -> None:
    async def body() -> None:
        async with supervisor() as (boss, run_dir):
            steps: list[str] = []
            found = await boss.discover(DiscoverRequest(target.portal, ME), steps.append)
            assert target.name in {one.name for one in found}
            assert steps == ["resolve", "route", "connect", "login", "answer"]
            assert list(run_dir.iterdir()) == []

    run(body())


def test_discovery_by_name(target: TgtTarget) -> None:
    async def body() -> None:
        async with supervisor() as (boss, _):
            found = await boss.discover(DiscoverRequest("localhost:" + target.portal.rpartition(":")[2], ME), no_step)
            assert target.name in {one.name for one in found}

    run(body())


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("no such host", "AddressInvalid"),
        ("[::1", "AddressInvalid"),
        ("nosuchhost.invalid", "NameNotFound"),
        ("127.0.0.1:1", "ConnectionRefused"),
        ("[::1]:1", "ConnectionRefused"),
    ],
)
def test_a_wrong_address_has_its_name(address: str, code: str) -> None:
    async def body() -> None:
        async with supervisor() as (boss, _):
            assert (await refused(boss, DiscoverRequest(address, ME))).code == code

    run(body())


def test_an_interface_that_is_not_there(target: TgtTarget) -> None:
    async def body() -> None:
        async with supervisor() as (boss, _):
            problem = await refused(boss, DiscoverRequest(target.portal, ME, interface="nosuch0"))
            assert (problem.code, problem.attrs["interface"]) == ("InterfaceNotFound", "nosuch0")

    run(body())


def test_something_else_than_iscsi() -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n" * 4)
        writer.close()

    async def body() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, supervisor() as (boss, _):
            assert (await refused(boss, DiscoverRequest(f"127.0.0.1:{port}", ME))).code == "NotIscsi"

    run(body())


def test_a_login_finds_the_disk(target: TgtTarget) -> None:
    async def body() -> None:
        async with session_to(target) as (session, _):
            assert session.state == "connected"
            assert session.connections[0].remote == target.portal
            assert session.parameters["HeaderDigest"] == "None"
            found = next(lun for lun in session.luns if lun.address == disk(session))
            assert (found.number, found.size, found.block_size) == (1, 64 << 20, 512)

    run(body())


def test_mutual_chap(tgtd: Tgtd, target_name: str) -> None:
    made = tgtd.add_target(target_name, [LunSpec(8 << 20)], chap=SECRET, mutual=("target", "secret-of-target"))

    async def body() -> None:
        async with session_to(made) as (session, _):
            assert session.state == "connected"
        async with supervisor() as (boss, _):
            wrong = spec(made, secrets=Secrets(SECRET[1], "not-the-targets-secret"))
            assert (await refused(boss, wrong)).code == "TargetNotAuthenticated"

    run(body())


def test_a_wrong_secret_and_a_wrong_name_leave_nothing(target: TgtTarget) -> None:
    async def body() -> None:
        async with supervisor() as (boss, run_dir):
            wrong = spec(target, secrets=Secrets("not-the-secret"))
            assert (await refused(boss, wrong)).code == "AuthenticationFailed"
            missing = dataclasses.replace(spec(target), target_name=target.name + ".not-there")
            assert (await refused(boss, missing)).code == "TargetNotFound"
            assert boss.sessions == []
            assert list(run_dir.iterdir()) == []

    run(body())


def test_a_cancelled_login_leaves_nothing() -> None:
    """A target that accepts the connection and then is silent; who waits goes away."""

    async def body() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            async with supervisor() as (boss, run_dir):
                logging_in = asyncio.Event()

                def step(name: str) -> None:
                    if name == "login":
                        logging_in.set()

                task = asyncio.create_task(boss.discover(DiscoverRequest(f"127.0.0.1:{port}", ME), step))
                await asyncio.wait_for(logging_in.wait(), 30)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert list(run_dir.iterdir()) == []

    run(body())


# ---- devices -----------------------------------------------------------------------------------------------------


def needs_device() -> None:
    need.fuse()
    need.loop()
    need.program("mkfs.ext4")


@contextlib.asynccontextmanager
async def mounted(device: str, folder: Path) -> AsyncIterator[Path]:
    folder.mkdir(exist_ok=True)
    await program("mount", device, folder)
    try:
        yield folder
    finally:
        await program("umount", folder)


def test_a_block_device_holds_a_file_system(target: TgtTarget, tmp_path: Path) -> None:
    needs_device()
    data = os.urandom(9 << 20)

    async def write() -> None:
        async with session_to(target) as (session, recorder):
            lun = disk(session)
            made = await session.attach(lun, "auto", False, no_step)
            assert made.method == "fuse"
            assert made.reason
            await program("mkfs.ext4", "-q", made.device)
            async with mounted(made.device, tmp_path / "m") as folder:
                await asyncio.to_thread((folder / "file").write_bytes, data)
            await session.eject(lun, no_step)
            assert session.attached == {}
            assert list(traces.loops([session._run_dir])) == []
            assert {"attached", "ejected"} <= set(recorder.kinds)
            counters = session.statistics()[1][lun]
            assert isinstance(counters["write-bytes"], int)
            assert counters["write-bytes"] >= len(data)

    async def read() -> None:
        async with session_to(target) as (session, _):
            made = await session.attach(disk(session), "fuse", True, no_step)
            async with mounted(made.device, tmp_path / "m") as folder:
                assert await asyncio.to_thread((folder / "file").read_bytes) == data
            await session.logout()  # ejects by itself

    run(write())
    run(read())


def test_eject_of_a_mounted_disk_says_where_and_changes_nothing(target: TgtTarget, tmp_path: Path) -> None:
    needs_device()

    async def body() -> None:
        async with session_to(target) as (session, _):
            lun = disk(session)
            made = await session.attach(lun, "fuse", False, no_step)
            await program("mkfs.ext4", "-q", made.device)
            async with mounted(made.device, tmp_path / "m") as folder:
                for what in (session.eject(lun, no_step), session.logout()):
                    with pytest.raises(Problem) as caught:
                        await what
                    assert caught.value.code == "DeviceBusy"
                    assert str(folder) in str(caught.value.attrs["holders"])
                assert ("mount", str(folder)) in {(one.kind, one.name) for one in await session.holders(lun)}
                (folder / "still").write_text("works")
                assert lun in session.attached
                assert session.state == "connected"

    run(body())


def test_a_process_that_has_the_device_open_is_named(target: TgtTarget) -> None:
    needs_device()

    async def body() -> None:
        async with session_to(target) as (session, _):
            lun = disk(session)
            made = await session.attach(lun, "fuse", False, no_step)
            with Path(made.device).open("rb"):
                with pytest.raises(Problem) as caught:
                    await session.eject(lun, no_step)
                assert f"({os.getpid()})" in str(caught.value.attrs["holders"])
                assert os.getpid() in {one.pid for one in await session.holders(lun)}
            await session.eject(lun, no_step)

    run(body())


def test_a_disk_is_attached_once_and_only_when_it_is_one(target: TgtTarget) -> None:
    needs_device()

    async def body() -> None:
        async with session_to(target) as (session, _):
            lun = disk(session)
            made = await session.attach(lun, "fuse", False, no_step)
            for address, method, code in (
                (lun, "fuse", "AlreadyAttached"),
                ("0000000000000000", "fuse", "NotADisk"),
                ("0055000000000000", "fuse", "NoSuchLun"),
            ):
                with pytest.raises(Problem) as caught:
                    await session.attach(address, method, False, no_step)
                assert caught.value.code == code
            assert session.attached[lun] == made
            await session.eject(lun, no_step)
            with pytest.raises(Problem) as caught:
                await session.eject(lun, no_step)
            assert caught.value.code == "NotAttached"

    run(body())


@pytest.mark.parametrize("step", [1, 2])
def test_an_attach_that_is_cancelled_half_way_leaves_nothing(target: TgtTarget, step: int) -> None:
    """Cancelled while a child mounts (1), or makes the loop device (2)."""
    needs_device()

    async def body() -> None:
        async with session_to(target) as (session, _):
            nursery, begun, children = session._nursery, asyncio.Event(), 0
            spawn = nursery.spawn

            async def counting(kind: str, descriptors: Sequence[int]) -> Child:
                nonlocal children
                child = await spawn(kind, descriptors)
                children += 1
                if children == step:
                    begun.set()
                return child

            nursery.spawn = counting  # type: ignore[method-assign]
            attaching = asyncio.create_task(session.attach(disk(session), "fuse", False, no_step))
            await begun.wait()
            attaching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await attaching
            folder = session._run_dir
            assert list(traces.loops([folder])) == list(traces.mounts([folder])) == []
            assert list((folder / "disks").iterdir()) == []
            await session.attach(disk(session), "fuse", False, no_step)

    run(body())


def test_read_only_means_it(target: TgtTarget) -> None:
    needs_device()

    async def body() -> None:
        async with session_to(target) as (session, _):
            made = await session.attach(disk(session), "fuse", True, no_step)
            assert made.read_only
            assert Path(f"/sys/block/{Path(made.device).name}/ro").read_text().strip() == "1"
            number = os.open(made.device, os.O_RDWR)  # which a block device allows
            try:
                with pytest.raises(PermissionError):
                    os.write(number, bytes(512))
            finally:
                os.close(number)

    run(body())


def test_a_socket_that_speaks_nbd(target: TgtTarget, tmp_path: Path) -> None:
    need.program("nbdinfo")
    data = os.urandom(1 << 20) * 64
    (tmp_path / "image").write_bytes(data)

    async def body() -> None:
        async with session_to(target) as (session, _):
            for words, output in (
                (["nbdinfo", "--size"], "67108864\n"),
                (["nbdinfo", "--can", "multi-conn"], None),
                (["nbdcopy", tmp_path / "image"], ""),  # which makes several connections where it may
            ):
                with Relay(await session.open_nbd(disk(session), False), tmp_path / "nbd.sock") as relay:
                    if output is None:
                        with pytest.raises(AssertionError, match="ended with 2"):
                            await program(*words, relay.uri)
                    else:
                        assert await program(*words, relay.uri) == output
                (tmp_path / "nbd.sock").unlink()

    run(body())
    assert target.luns[0].file.read_bytes() == data


# ---- workers that die --------------------------------------------------------------------------------------------


def kill_worker(session: WorkerSession) -> int:
    process = session._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    return process.pid


def test_a_worker_that_is_killed_comes_back(target: TgtTarget) -> None:
    async def body() -> None:
        async with session_to(target) as (session, recorder):
            before = kill_worker(session)
            await recorder.until(lambda: "restored" in recorder.kinds)
            assert session.state == "connected"
            assert session.reconnects == 1
            assert session.last_error == "EngineDied"
            assert session._process is not None
            assert session._process.pid != before
            await session.rescan()

    run(body())


def test_a_worker_killed_in_mid_write_loses_nothing(target: TgtTarget, tmp_path: Path) -> None:
    """Programs on a mounted disk only wait: twice killed while fio writes, then everything is read and compared."""
    needs_device()
    need.program("fio")
    if tuple(map(int, os.uname().release.split(".")[:2])) < (6, 9):
        pytest.skip("this kernel cannot send FUSE requests again (6.9 and newer can)")

    async def body() -> None:
        async with session_to(target) as (session, recorder):
            lun = disk(session)
            made = await session.attach(lun, "fuse", False, no_step)
            await program("mkfs.ext4", "-q", made.device)
            async with mounted(made.device, tmp_path / "m") as folder:
                fio = f"fio --name=x --filename={folder}/f --size=24M --bs=4k --direct=1 --ioengine=libaio --iodepth=16"
                fio += " --verify=crc32c --verify_state_save=0"
                words = [*fio.split(), "--rw=randwrite", "--do_verify=0", "--rate_iops=3000"]
                writing = asyncio.create_task(program(*words))
                for kills in (1, 2):
                    written = session.statistics()[1][lun]["writes"]
                    while session.statistics()[1][lun]["writes"] < written + 300:  # type: ignore[operator]
                        await asyncio.sleep(0.01)
                    assert not writing.done()
                    kill_worker(session)
                    await recorder.until(lambda kills=kills: recorder.kinds.count("restored") == kills)  # type: ignore[misc]
                await writing
                await program(*fio.split(), "--rw=randread")
            await session.eject(lun, no_step)
            assert recorder.ends == []

    run(body())


def test_a_worker_that_dies_over_and_over_is_given_up(target: TgtTarget) -> None:
    async def body() -> None:
        async with session_to(target) as (session, recorder):
            for _ in range(10):
                if session.state == "ended":
                    break
                deaths = recorder.kinds.count("worker-died")
                with contextlib.suppress(ProcessLookupError):
                    kill_worker(session)
                await recorder.until(
                    lambda n=deaths: recorder.kinds.count("restored") > n or recorder.ends  # type: ignore[misc]
                )
            await recorder.until(lambda: recorder.ends)
            assert session.state == "ended"
            assert recorder.ends[0] is not None
            assert recorder.ends[0].code == "EngineDied"

    run(body())


def test_a_target_that_goes_away_comes_back(own_tgtd: Tgtd, target_name: str) -> None:
    made = own_tgtd.add_target(target_name, [LunSpec(8 << 20)])

    async def body() -> None:
        async with session_to(made) as (session, recorder):
            await asyncio.to_thread(own_tgtd.cut_connections, made)
            await recorder.until(lambda: "lost" in recorder.states and session.state == "connected")
            assert session.reconnects == 1
            assert "worker-died" not in recorder.kinds

    run(body())


_LEAVE = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
from lundock.helper.nursery import Nursery
nursery = Nursery.start()
from lundock.helper.supervisor import Portal, SessionSpec, Supervisor, make_isid
from pathlib import Path
from support.supervised import ME, Recorder, disk, no_step

async def main(folder, target, portal, attach):
    address, _, port = portal.rpartition(":")
    spec = SessionSpec("left", target, (Portal(address, int(port)),), ME, make_isid("left", ME))
    session = await Supervisor(Path(folder), nursery).open_session(spec, Recorder(), no_step)
    if attach == "attach":
        made = await session.attach(disk(session), "file", False, no_step)
        print(made.device, flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main(*sys.argv[1:]))
"""


def _mentioned(text: str) -> bool:
    """Whether a process (a fork of the dead helper's) has this in its command line."""
    found = [entry for entry in Path("/proc").glob("[0-9]*/cmdline") if entry.parent.name != str(os.getpid())]
    return any(text.encode() in _read(entry) for entry in found)


def _read(entry: Path) -> bytes:
    try:
        return entry.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("attach", ["", "attach"])
def test_what_a_dead_helper_left(tgtd: Tgtd, target_name: str, attach: str) -> None:
    """A worker with nothing attached makes way; one with a disk goes on serving it, and is not pushed out."""
    need.fuse()
    made = tgtd.add_target(target_name, [LunSpec(8 << 20)])

    async def body() -> None:
        async with supervisor() as (boss, run_dir):
            source = _LEAVE.format(tests=str(Path(__file__).parents[1]))
            ended = procs.try_run(sys.executable, "-c", source, run_dir, made.name, made.portal, attach)
            assert ended.returncode == -signal.SIGKILL, ended.stderr
            mine = dataclasses.replace(spec(made), key="left", isid=make_isid("left", ME))
            if not attach:
                session = await boss.open_session(mine, Recorder(), no_step)
                await session.logout()
                return
            device = Path(ended.stdout.strip())
            try:
                assert (await refused(boss, mine)).code == "AlreadyConnected"
                assert len(await asyncio.to_thread(device.read_bytes)) == 8 << 20  # it serves on, without a helper
            finally:
                await program("umount", device)
            session = await boss.open_session(mine, Recorder(), no_step)  # now that it serves nobody
            await session.logout()
            await asyncio.to_thread(procs.wait_for, "the left worker's end", lambda: not _mentioned(str(run_dir)))

    run(body())
