# SPDX-License-Identifier: Apache-2.0
"""What stands between a target's disk and fio: NBD servers, and block devices."""

from __future__ import annotations

import contextlib
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import process
from .bench import Bench
from .build import ROOT, find
from .process import CannotMeasureError
from .service import service
from .targets import Target

LUNDOCK_ISCSI = str(Path(sys.executable).parent / "lundock-iscsi")


@dataclass(frozen=True, slots=True)
class Server:
    """`place`: a Unix socket, or a device. `pids`: the processes that do the work, by role."""

    place: Path
    pids: dict[str, tuple[int, ...]]


def _is_socket(path: Path) -> bool:
    return path.exists() and stat.S_ISSOCK(path.stat().st_mode)


@contextlib.contextmanager
def lundock_serve(bench: Bench, target: Target) -> Iterator[Server]:
    """Run `lundock-iscsi serve`."""
    path = bench.folder / "lundock.sock"
    with process.running([LUNDOCK_ISCSI, "serve", target.url, "--unix", path], bench.log, cwd=ROOT) as running:
        process.wait_for("lundock-iscsi serve", lambda: running.poll() is not None or _is_socket(path))
        if running.poll() is not None:
            raise CannotMeasureError(f"lundock-iscsi serve ended: {_last_words(bench)}")
        yield Server(path, {"server": (running.pid,)})


@contextlib.contextmanager
def qemu_nbd(bench: Bench, target: Target, *, name: str = "qemu.sock") -> Iterator[Server]:
    """Run qemu-nbd, as it serves fastest: without a cache of its own."""
    path = bench.folder / name
    words: list[str | Path] = [
        find("qemu-nbd") or "qemu-nbd",
        "-t",
        "-e",
        "16",
        "-f",
        "raw",
        "--cache=none",
        "-k",
        path,
        target.url,
    ]
    with process.running(words, bench.log) as running:
        process.wait_for("qemu-nbd", lambda: running.poll() is not None or _is_socket(path))
        if running.poll() is not None:
            raise CannotMeasureError(f"qemu-nbd ended: {_last_words(bench)}")
        yield Server(path, {"server": (running.pid,)})


def _last_words(bench: Bench) -> str:
    return bench.log.read_text("utf-8", "replace").strip()[-300:]


@contextlib.contextmanager
def nbdfuse_loop(bench: Bench, target: Target) -> Iterator[Server]:
    """qemu-nbd, nbdfuse over it, a loop device over that, with direct I/O as ours has it."""
    _need_loop()
    mount = bench.folder / "nbdfuse"
    mount.mkdir(exist_ok=True)
    with qemu_nbd(bench, target, name="qemu-fuse.sock") as qemu, contextlib.ExitStack() as stack:
        words: list[str | Path] = [find("nbdfuse") or "nbdfuse", mount / "disk", "--unix", qemu.place]
        running = stack.enter_context(process.running(words, bench.log))
        stack.callback(_unmount, mount)
        process.wait_for("nbdfuse", lambda: running.poll() is not None or (mount / "disk").exists())
        if running.poll() is not None:
            raise CannotMeasureError(f"nbdfuse ended: {_last_words(bench)}")
        device = process.run(["losetup", "--find", "--show", "--direct-io=on", mount / "disk"]).strip()
        stack.callback(process.run, ["losetup", "--detach", device])
        yield Server(Path(device), {"server": (*qemu.pids["server"], running.pid)})


def _unmount(mount: Path) -> None:
    with contextlib.suppress(CannotMeasureError):
        process.run(["fusermount3", "-u", "-z", mount])


def _need_loop() -> None:
    if not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        raise CannotMeasureError("this kernel has no FUSE or no loop devices, or the container hides them")


@contextlib.contextmanager
def fuse_device(bench: Bench, target: Target) -> Iterator[Server]:
    """Our service's own block device, by the method "fuse"."""
    _need_loop()
    with service(bench, "device") as running, running.attached(target, method="fuse") as device:
        yield Server(Path(device), {"server": tuple(running.workers())})
