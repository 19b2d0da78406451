# SPDX-License-Identifier: Apache-2.0
"""What is done in "device" children: one operation each, which may hang without anybody else hanging with it.

The helper's side is `perform`: it sends name and arguments, waits for at most so long, and gets the result and perhaps
a descriptor. The child's side is `serve`. An operation raises Problem or OSError; both arrive as a Problem.
"""

from __future__ import annotations

import array
import contextlib
import errno
import json
import logging
import os
import socket
import subprocess
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api import control
from ..api.errors import Problem, from_wire
from ..engine import sandbox
from ..supervision import Holder, in_use
from . import devices, linux

if TYPE_CHECKING:
    import asyncio

    from ..nursery import Child, Nursery

log = logging.getLogger(__name__)

Result = dict[str, Any]
#: An operation returns what is told, and a descriptor that is handed over (closed here afterwards) or None.
Answer = tuple[Result, int | None]

#: DESIGN: a long discard delays what comes behind it; loop hands on nothing while one runs.
_DISCARD_MAX = 64 << 20
#: What a child tells of holders, in characters of JSON, and about so many devices at once.
_MAX_TOLD, _AT_ONCE = 100_000, 16
_QUEUE = {"discard_max_bytes": str(_DISCARD_MAX), "scheduler": "none", "read_ahead_kb": "1024"}


# ---- the helper's side -------------------------------------------------------------------------------------------


async def perform(
    nursery: Nursery, name: str, args: dict[str, Any], *, seconds: float = 20.0
) -> tuple[Result, int | None]:
    """Do one operation in a child; returns its result and a descriptor or None.

    Raises the operation's Problem, or Problem("Timeout") when it hangs: then the child is killed, as far as the kernel
    lets it be.
    """
    import asyncio

    ours, theirs = control.pair()
    child = None
    try:
        with theirs:
            child = await nursery.spawn("device", [theirs.fileno()])
        control.send(ours, json.dumps({"name": name, "args": args}).encode())
        async with asyncio.timeout(seconds):
            return _unpack(await _packet(ours))
    except TimeoutError:
        raise Problem("Timeout", what=name, seconds=int(seconds)) from None
    except OSError as error:
        detail = f"{name} ended without an answer ({await _how(child) or error})"
        log.error("%s", detail)  # noqa: TRY400 - the traceback tells nothing more
        raise Problem("AttachFailed", detail=detail) from None
    finally:
        ours.close()
        if child is not None:
            child.kill()


async def _how(child: Child | None) -> str:
    """Tell how a child has ended, when it has."""
    import asyncio

    try:
        async with asyncio.timeout(1.0):
            return f"status {await asyncio.shield(child.exited)}" if child is not None else ""
    except TimeoutError:
        return "it still runs"


async def perform_whole(nursery: Nursery, name: str, args: dict[str, Any]) -> tuple[Result, int | None]:
    """Do one operation that makes something, as `perform`; who is cancelled meanwhile is told at its end, so that what
    was made can be taken back.
    """
    import asyncio

    work = asyncio.ensure_future(perform(nursery, name, args))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        if work.exception() is None and (descriptor := work.result()[1]) is not None:
            os.close(descriptor)
        raise


async def _packet(sock: socket.socket) -> tuple[bytes, list[int]]:
    import asyncio

    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(sock)
    packet = control.receive_raw(sock)
    if packet is None:
        raise ConnectionResetError
    return packet


def _unpack(packet: tuple[bytes, list[int]]) -> tuple[Result, int | None]:
    answer = json.loads(packet[0])
    descriptors = packet[1]
    if "code" in answer:
        control.close_all(descriptors)
        raise from_wire(answer["code"], answer["attrs"])
    return answer["result"], descriptors[0] if descriptors else None


async def holders_of(nursery: Nursery, paths: Sequence[str]) -> dict[str, tuple[Holder, ...]]:
    """Return who holds devices and files, by their paths; those that are gone are left out. Raises Problem."""
    found: dict[str, tuple[Holder, ...]] = {}
    for start in range(0, len(paths), _AT_ONCE):
        result, _ = await perform(nursery, "holders", {"paths": list(paths[start : start + _AT_ONCE])})
        found |= {path: tuple(Holder(**row) for row in rows) for path, rows in result["holders"].items()}
    return found


# ---- the child's side --------------------------------------------------------------------------------------------


def serve(descriptor: int) -> None:
    """Do what is asked, once."""
    with socket.socket(fileno=descriptor) as sock:
        sock.setblocking(True)
        packet = control.receive_raw(sock)
        if packet is None:
            return
        request = json.loads(packet[0])
        passed = None
        try:
            result, passed = OPERATIONS[request["name"]](**request["args"])
            answer: dict[str, Any] = {"result": result}
        except Problem as problem:
            answer = {"code": problem.code, "attrs": problem.attrs}
        except OSError as error:
            detail = f"{request['name']}: {error.strerror or error}"
            answer = {"code": "AttachFailed", "attrs": {"detail": detail}}
        except Exception:  # noqa: BLE001 - who asked is told, whatever it was
            traceback.print_exc()
            answer = {"code": "Internal", "attrs": {"log_id": request["name"]}}
        rights = [] if passed is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [passed]))]
        with contextlib.suppress(ConnectionError):  # who asked does not wait any more
            sock.sendmsg([json.dumps(answer).encode()], rights)


def _mount_fuse(path: str, *, read_only: bool, max_read: int) -> Answer:
    """Make a file and mount FUSE over it; hands over the FUSE descriptor. `connection`: its number, for `_abort`."""
    target = Path(path)
    target.parent.mkdir(mode=0o700, exist_ok=True)
    target.touch(mode=0o600)
    descriptor = linux.mount_fuse(target, read_only=read_only, max_read=max_read)
    return {"connection": _connection(path)}, descriptor


def _mount_file(path: str, *, read_only: bool, max_read: int) -> Answer:
    """The same without rights, by fusermount3, which hands the descriptor over on a socket (fuse(8), _FUSE_COMMFD)."""
    target = Path(path)
    target.parent.mkdir(mode=0o700, exist_ok=True)
    target.touch(mode=0o600)
    options = f"nosuid,nodev,fsname=lundock,subtype=lundock,max_read={max_read}" + (",ro" if read_only else "")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.run(
            ["fusermount3", "-o", options, "--", path],
            env={"PATH": os.environ.get("PATH", os.defpath), "_FUSE_COMMFD": str(theirs.fileno())},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            detail = done.stderr.decode("utf-8", "replace").strip()
            raise Problem("AttachFailed", detail=control.clean(detail, 200))
        descriptors = socket.recv_fds(ours, 16, 1)[1]
    if not descriptors:
        raise Problem("AttachFailed", detail="fusermount3 handed nothing over")
    os.set_inheritable(descriptors[0], False)
    os.set_blocking(descriptors[0], False)
    return {"connection": _connection(path)}, descriptors[0]


def _connection(path: str) -> int:
    """Return the number of a FUSE connection: its mount's minor device number."""
    for line in Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines():
        words = line.split()
        if words[4] == path.replace(" ", "\\040"):
            return int(words[2].partition(":")[2])
    return 0


def _set_size(path: str, size: int) -> Answer:
    """Tell the kernel how large a FUSE file is: where it holds back writes, it believes nobody else."""
    os.truncate(path, size)
    return {}, None


def _make_loop(path: str, *, block_size: int, read_only: bool) -> Answer:
    device = linux.make_loop(Path(path), block_size=block_size, read_only=read_only)
    linux.tune(device, _QUEUE)
    return {"device": device}, None


def _flush(device: str, path: str) -> Answer:
    """Write out what is held back for a disk that nobody holds. Raises Problem: DeviceBusy, IoError."""
    if device and linux.loop_backing(device) != path:
        return {}, None  # it is gone, or somebody else's by now
    if holders := devices.holders_of_device(device) if device else devices.holders_of_file(path):
        raise in_use(holders)
    try:
        linux.flush(device or path)
    except OSError as error:
        raise Problem("IoError", detail=error.strerror or "") from None
    return {}, None


def _remove_loop(device: str, path: str) -> Answer:
    """Free a loop device that nobody holds. Raises Problem("DeviceBusy") with nothing changed."""
    if linux.loop_backing(device) != path:
        return {}, None  # it is gone, or somebody else's by now
    if holders := devices.holders_of_device(device):
        raise in_use(holders)
    if not linux.clear_loop(device):
        raise in_use(devices.holders_of_device(device, on_their_way=True))
    return {}, None


def _unmount_fuse(path: str) -> Answer:
    return _unmounted(path, lambda: linux.unmount(path, linux.UMOUNT_NOFOLLOW))


def _unmount_file(path: str) -> Answer:
    def unmount() -> None:
        errors = b""
        for program in (["fusermount3", "-u"], ["umount"]):  # without /etc/mtab, fusermount3 unmounts nothing
            with contextlib.suppress(FileNotFoundError):
                done = subprocess.run([*program, "--", path], capture_output=True, check=False)
                if not done.returncode:
                    return
                errors += done.stderr
        if b"busy" in errors:
            raise OSError(errno.EBUSY, "the file is in use")
        raise OSError(
            errno.EIO if _connection(path) else errno.EINVAL, control.clean(errors.decode("utf-8", "replace"), 200)
        )

    return _unmounted(path, unmount)


def _unmounted(path: str, unmount: Callable[[], None]) -> Answer:
    """Take the file away when nobody has it open."""
    if holders := devices.holders_of_file(path):
        raise in_use(holders)
    try:
        unmount()
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise in_use(devices.holders_of_file(path)) from None
        if error.errno != errno.EINVAL:  # not mounted any more
            raise
    with contextlib.suppress(OSError):
        Path(path).unlink()
    return {}, None


def _whole(path: str, device: str) -> Answer:
    """Tell whether an attachment is all there: the FUSE file, and the loop device over it where there is one."""
    return {"whole": _connection(path) > 0 and (not device or linux.loop_backing(device) == path)}, None


def _force(path: str, connection: int) -> Answer:
    """Take everything away, whoever uses it: they get I/O errors. What cannot be done now is done when they let go."""
    with contextlib.suppress(OSError):
        _abort(connection or _connection(path))
    for name in devices.loops_over(path):
        with contextlib.suppress(OSError):
            linux.force_clear_loop(f"/dev/{name}")
    for unmount in (
        lambda: linux.unmount(path, linux.UMOUNT_NOFOLLOW | linux.MNT_FORCE | linux.MNT_DETACH),
        lambda: subprocess.run(["fusermount3", "-u", "-z", "--", path], capture_output=True, check=False),
    ):
        with contextlib.suppress(OSError):
            unmount()
    with contextlib.suppress(OSError):
        Path(path).unlink()
    return {}, None


def _abort(connection: int) -> None:
    """Abort a FUSE connection: every request on it ends with an error, now (fusectl, mounted where it is not)."""
    if connection <= 0:
        return
    abort = Path(f"/sys/fs/fuse/connections/{connection}/abort")
    if abort.exists() or os.geteuid() != 0:
        abort.write_text("1")
        return
    with sandbox.detached("fusectl") as folder:
        number = os.open(f"{connection}/abort", os.O_WRONLY | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.write(number, b"1")
        finally:
            os.close(number)


def _holders(paths: list[str]) -> Answer:
    """Tell who holds each of them, as many as fit into an answer; those that are gone are left out."""
    found = {path: [asdict(one) for one in held] for path, held in devices.holders_of(paths).items()}
    limit = devices.MAX_HOLDERS
    while len(json.dumps(found)) > _MAX_TOLD and limit > 1:
        limit //= 2
        found = {path: rows[:limit] for path, rows in found.items()}
    return {"holders": found}, None


OPERATIONS: dict[str, Callable[..., Answer]] = {
    "mount-fuse": _mount_fuse,
    "mount-file": _mount_file,
    "set-size": _set_size,
    "make-loop": _make_loop,
    "flush": _flush,
    "remove-loop": _remove_loop,
    "unmount-fuse": _unmount_fuse,
    "unmount-file": _unmount_file,
    "whole": _whole,
    "force": _force,
    "holders": _holders,
}
