# SPDX-License-Identifier: Apache-2.0
"""The preloaded parent of all workers and short-lived children.

The helper forks it first of all, before there are threads, a loop or a bus. It loads what its children need, once, and
then only waits: for requests to fork, and for children that end. A fork of it takes about a millisecond, and a child
opens no file to start, so that it can be made while the disk with the program on it hangs.

    nursery = Nursery.start()                      # first line of the program
    child = await nursery.spawn("worker", [listener, log])
    status = await child.exited                    # as os.waitpid gives it

What it keeps its rights for: as root it makes namespaces and changes to the workers' user (in children that then have
no rights), and its "device" children mount, open and set up loop devices. It reads nothing but requests of the helper.
The capabilities that nothing of this needs are given up.

Children:
    worker      speaks iSCSI; no rights (`engine.sandbox`). Lives on when helper and nursery end.
    resolver    asks for a name's addresses; an own user, a deny-list of system calls
    device      one operation on devices, mounts or /proc that may hang, with the helper's rights (`attach.operations`)
"""

from __future__ import annotations

import contextlib
import errno
import gc
import itertools
import json
import logging
import os
import select
import signal
import socket
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from .api import control, errors, settings
from .api.errors import Problem

if TYPE_CHECKING:
    import asyncio  # where it is used it is imported late: whatever is forked here has no need of it

log = logging.getLogger(__name__)

#: chown, dac_override, dac_read_search, fowner, kill, setgid, setuid, setpcap, sys_chroot (where / is no mount),
#: sys_ptrace (whose descriptors are open), sys_admin, sys_resource, mknod.
_CAPABILITIES = (0, 1, 2, 3, 5, 6, 7, 8, 18, 19, 21, 24, 27)
#: Asking a nursery that has too much to do: how often, and the pause.
_TRIES, _PAUSE = 1000, 0.01


# ---- the helper's side -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Child:
    """A child of the nursery, or of an earlier one. `exited` becomes its wait status, None when that is not known."""

    pid: int
    exited: asyncio.Future[int | None]
    _kill: Callable[[int], None]

    def kill(self) -> None:
        """End it. Done by the nursery, which knows whether the number is still its child's."""
        self._kill(self.pid)


class Nursery:
    """The helper's end. `Nursery.start()` forks: call it first, before asyncio, threads and the bus."""

    def __init__(self, pid: int, sock: socket.socket) -> None:
        self.pid = pid
        self._sock = sock
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Child]] = {}
        self._children: dict[int, asyncio.Future[int | None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stays = False

    @classmethod
    def start(cls) -> Nursery:
        """Fork the nursery."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            ours.close()
            _serve(theirs)
        theirs.close()
        ours.setblocking(False)
        return cls(pid, ours)

    async def spawn(self, kind: str, descriptors: Sequence[int]) -> Child:
        """Start a child with these descriptors (the caller closes its own); Problem("Internal") when it can't."""
        import asyncio

        loop = self._attach()
        number = next(self._ids)
        answer: asyncio.Future[Child] = loop.create_future()
        self._asked[number] = answer
        try:
            await self._send_soon({"do": "spawn", "id": number, "kind": kind}, descriptors)
        except OSError as error:
            del self._asked[number]
            log.error("The nursery cannot be asked: %s", error)  # noqa: TRY400 - the traceback tells nothing more
            raise Problem("Internal", log_id="nursery") from None
        except asyncio.CancelledError:
            del self._asked[number]
            raise
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            answer.add_done_callback(self._unwanted)
            raise

    def stay_in_memory(self) -> None:
        """Lock the helper's memory and the nursery's, from now on: a block device whose session is lost waits for both.

        Whatever it is that fills the memory may be waiting to be written to that device.
        """
        if self._stays:
            return
        from .engine import sandbox

        self._stays = True
        if not sandbox.lock_memory(as_used=True):
            log.info("The service's memory could not be locked")
        with contextlib.suppress(OSError):
            self._send({"do": "stay"})

    def _unwanted(self, answer: asyncio.Future[Child]) -> None:
        """End a child that nobody waits for any more."""
        if answer.exception() is None:
            self._kill(answer.result().pid)

    async def close(self) -> None:
        """End the nursery; workers live on."""
        import asyncio

        if self._asked:  # a child whose asking was cancelled must not be left behind
            await asyncio.wait(self._asked.values(), timeout=5)
            await asyncio.sleep(0)
        if self._loop is not None:
            self._loop.remove_reader(self._sock)
        self._sock.close()
        with contextlib.suppress(ChildProcessError):
            await asyncio.to_thread(os.waitpid, self.pid, 0)

    def _attach(self) -> asyncio.AbstractEventLoop:
        import asyncio

        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._sock, self._read)
        return self._loop

    def _send(self, request: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        control.send(self._sock, json.dumps(request).encode(), descriptors)

    async def _send_soon(self, request: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Send when there is room: hundreds may ask at once. Raises OSError, also when there is none for long."""
        import asyncio

        for _ in range(_TRIES):
            try:
                return self._send(request, descriptors)
            except BlockingIOError:
                await asyncio.sleep(_PAUSE)
        raise BlockingIOError(errno.EAGAIN, "it does not read")

    def _kill(self, pid: int) -> None:
        try:
            self._send({"do": "kill", "pid": pid})
        except BlockingIOError:
            self._attach().call_later(_PAUSE, self._kill, pid)
        except OSError:
            pass  # it has ended, or was closed

    def _read(self) -> None:
        try:
            packet = control.receive_raw(self._sock)
        except BlockingIOError:
            return
        except (OSError, control.ControlError):
            packet = None
        if packet is None:
            self._lost()
        else:
            self._handle(json.loads(packet[0]))

    def _handle(self, answer: dict[str, int]) -> None:
        if "exit" in answer:
            exited = self._children.pop(answer["exit"], None)
            if exited is not None and not exited.done():
                exited.set_result(answer["status"])
            return
        pid = answer["pid"]
        asked = self._asked.pop(answer["id"])
        if pid:
            self._children[pid] = exited = asked.get_loop().create_future()
            asked.set_result(Child(pid, exited, self._kill))
        else:
            asked.set_exception(Problem("Internal", log_id="nursery-spawn"))

    def _lost(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._sock)
        log.error("The nursery ended; no workers can be started until the helper is started again")
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(Problem("Internal", log_id="nursery-lost"))


# ---- the nursery itself ------------------------------------------------------------------------------------------


def _serve(sock: socket.socket) -> NoReturn:
    try:
        _Server(sock).run()
    except BaseException:  # noqa: BLE001 - nothing may return into the helper's code
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


class _Server:
    """Waits for requests and for children."""

    def __init__(self, sock: socket.socket) -> None:
        from .engine import sandbox

        os.setsid()
        sandbox.close_others((sock.fileno(),))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._sock = sock
        self._kinds = _preload()
        self._children: set[int] = set()
        self._wake, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._wake_write = wake_write
        sandbox.set_name("lundock-nursery")
        sandbox.become_subreaper()
        if os.geteuid() == 0:
            sandbox.spare_from_oom()  # the helper, which is refused the same, tells
            sandbox.harden()
            sandbox.keep_capabilities(_CAPABILITIES)
        gc.collect()
        gc.freeze()

    def run(self) -> None:
        """Serve until the helper is gone."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            for number, _ in poll.poll():
                if number == self._wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake, 4096)
                elif not self._serve_one():
                    return
            self._reap()

    def _serve_one(self) -> bool:
        try:
            packet = control.receive_raw(self._sock)
        except ConnectionResetError:  # it ended without reading what we told it
            packet = None
        if packet is None:
            return False
        data, descriptors = packet
        request = json.loads(data)
        if request["do"] == "kill":
            if request["pid"] in self._children:
                os.kill(request["pid"], signal.SIGKILL)
        elif request["do"] == "stay":
            self._stay()
        else:
            self._answer({"id": request["id"], "pid": self._spawn(request["kind"], descriptors)})
        control.close_all(descriptors)
        return True

    @staticmethod
    def _stay() -> None:
        from .engine import sandbox

        sandbox.lock_memory(as_used=True)

    def _answer(self, answer: dict[str, int]) -> None:
        with contextlib.suppress(ConnectionError):
            self._sock.sendall(json.dumps(answer).encode())

    def _spawn(self, kind: str, descriptors: list[int]) -> int:
        start = self._kinds.get(kind)
        if start is None:
            return 0
        try:
            pid = self._fork_worker(start, descriptors) if kind == "worker" else self._fork(start, descriptors, [])
        except OSError:
            traceback.print_exc()
            return 0
        if pid:
            self._children.add(pid)
        return pid

    def _fork(self, start: Start, descriptors: list[int], missing: list[str]) -> int:
        pid = os.fork()
        if pid == 0:
            self._become_child(start, descriptors, missing)
        return pid

    def _fork_worker(self, start: Start, descriptors: list[int]) -> int:
        """Fork a process in between that leaves the namespaces: a process namespace begins with the next child."""
        read, write = os.pipe2(os.O_CLOEXEC)
        between = os.fork()
        if between == 0:
            try:
                from .engine import sandbox

                missing = sandbox.spare_from_oom() + sandbox.isolate()
                os.write(write, str(self._fork(start, descriptors, missing)).encode())
            except BaseException:  # noqa: BLE001 - nothing may return from here
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(write)
        with open(read, "rb") as answer:  # noqa: PTH123 - it has no path
            pid = int(answer.read() or b"0")
        os.waitpid(between, 0)
        return pid

    def _become_child(self, start: Start, descriptors: list[int], missing: list[str]) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            from .engine import sandbox

            sandbox.close_others(tuple(descriptors), null=False)
            start(descriptors, missing)
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may return into the nursery's loop
            traceback.print_exc()
        finally:
            os._exit(code)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._children:
                self._children.discard(pid)
                self._answer({"exit": pid, "status": status})


Start = Callable[[list[int], list[str]], None]


def _preload() -> dict[str, Start]:
    """Load what children need; return how each kind is begun."""
    import encodings.idna  # noqa: F401 - names of hosts; codecs are loaded when they are first used

    from . import resolver
    from .attach import operations
    from .engine import front_fuse, sandbox, secret, worker  # noqa: F401 - the engine imports fronts when they are needed

    sandbox.preload()
    secret.preload()
    errors.catalogue()  # read from files, which a worker cannot open
    settings.table()

    def start_worker(descriptors: list[int], missing: list[str]) -> None:
        sandbox.set_name("lundock-engine")
        missing = missing + sandbox.harden() + sandbox.give_up(sandbox.WORKER)
        worker.run(*descriptors, missing=missing)

    def start_resolver(descriptors: list[int], missing: list[str]) -> None:  # noqa: ARG001 - all kinds alike
        sandbox.set_name("lundock-resolver")
        sandbox.give_up(sandbox.RESOLVER)
        resolver.serve(*descriptors)

    def start_device(descriptors: list[int], missing: list[str]) -> None:  # noqa: ARG001 - all kinds alike
        sandbox.set_name("lundock-device")
        operations.serve(*descriptors)

    return {"worker": start_worker, "resolver": start_resolver, "device": start_device}
