# SPDX-License-Identifier: Apache-2.0
"""What Python lacks of mount(2), loop devices and FUSE: structures and numbers (linux/loop.h, linux/fs.h, sys/mount.h).

Everything here may hang in the kernel when a server is silent: only "device" children call it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MS_RDONLY, MS_NOSUID, MS_NODEV = 1, 2, 4
MNT_FORCE, MNT_DETACH, UMOUNT_NOFOLLOW = 1, 2, 8

LOOP_CLR_FD, LOOP_SET_STATUS64, LOOP_GET_STATUS64, LOOP_CONFIGURE, LOOP_CTL_GET_FREE = (
    0x4C01,
    0x4C04,
    0x4C05,
    0x4C0A,
    0x4C82,
)
LO_FLAGS_READ_ONLY, LO_FLAGS_AUTOCLEAR, LO_FLAGS_DIRECT_IO = 1, 4, 16
LOOP_MAJOR = 7
#: struct loop_info64: five u64, then number, encrypt type and key size, flags; names and keys follow.
_LOOP_INFO = Struct("=5Q4I64s64s32s2Q")
#: struct loop_config: descriptor, block size, the above, eight reserved u64.
_LOOP_CONFIG = Struct(f"=II{_LOOP_INFO.size}s64x")
_FLAGS_AT = 5 * 8 + 3 * 4

#: A device that was asked to go: how long until it is seen to be gone.
GONE_SECONDS = 5.0


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    """mount(2)."""
    words = [word.encode() for word in (source, target, kind)]
    _check(_libc().mount(*words, ctypes.c_ulong(flags), options.encode()), "mount")


def unmount(target: str, flags: int) -> None:
    """umount2(2)."""
    _check(_libc().umount2(target.encode(), flags), "umount")


def mount_fuse(path: Path, *, read_only: bool, max_read: int) -> int:
    """Mount FUSE over a regular file; returns the descriptor that is to be served (close-on-exec, non-blocking)."""
    descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        options = f"fd={descriptor},rootmode=100000,user_id={os.getuid()},group_id={os.getgid()},max_read={max_read}"
        flags = MS_NOSUID | MS_NODEV | (MS_RDONLY if read_only else 0)
        mount("lundock", str(path), "fuse.lundock", flags, options)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


# ---- loop devices ------------------------------------------------------------------------------------------------


def make_loop(path: Path, *, block_size: int, read_only: bool) -> str:
    """Put a loop device over a file; returns its path. Direct I/O, no partition scan, not cleared by itself.

    Kernels before 6.15 do not ask the file for its size, but take what they know: of a FUSE file that nobody has
    asked for it yet, that it is empty.
    """
    backing = os.open(path, (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC)
    try:
        size = os.fstat(backing).st_size
        flags = LO_FLAGS_DIRECT_IO | (LO_FLAGS_READ_ONLY if read_only else 0)
        name = os.fsencode(path)[:63]
        info = _LOOP_INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, flags, name, b"", b"", 0, 0)
        device = _configure(_LOOP_CONFIG.pack(backing, block_size, info))
    finally:
        os.close(backing)
    found = 512 * int(Path(f"/sys/block/{Path(device).name}/size").read_text())
    if found != size // 512 * 512:
        force_clear_loop(device)
        raise OSError(errno.EIO, f"the loop device has {found} bytes instead of {size}")
    return device


def _configure(config: bytes) -> str:
    """Take a free device; somebody else may take the same one first."""
    for _ in range(32):
        control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
        try:
            number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
        finally:
            os.close(control)
        device = _node(number)
        loop = os.open(device, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(loop, LOOP_CONFIGURE, config)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        else:
            return device
        finally:
            os.close(loop)
    raise OSError(errno.EBUSY, "no free loop device")


def _node(number: int) -> str:
    """Return the device's path; makes the node where no udev does."""
    path = f"/dev/loop{number}"
    deadline = time.monotonic() + 1.0
    while not Path(path).exists():
        if time.monotonic() > deadline:
            os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(LOOP_MAJOR, number))
            break
        time.sleep(0.02)
    return path


def loop_backing(device: str) -> str:
    """Return the path of the file behind a loop device as the kernel names it; empty when there is none."""
    try:
        return Path(f"/sys/block/{Path(device).name}/loop/backing_file").read_text("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""


def clear_loop(device: str) -> bool:
    """Take the file away from a loop device that nobody else has open. False: somebody has, and it stays."""
    try:
        loop = os.open(device, os.O_RDONLY | os.O_CLOEXEC | os.O_EXCL)
    except OSError as error:
        if error.errno == errno.EBUSY:
            return False
        raise
    try:
        _clear(loop)
    finally:
        os.close(loop)
    if wait_until(lambda: not loop_backing(device)):
        return True
    # Somebody opened it meanwhile, and the kernel put the end off until they close it: take that back.
    with _opened(device) as loop:
        _set_autoclear(loop, False)
    return not loop_backing(device)


def force_clear_loop(device: str) -> None:
    """Take the file away as soon as the last user is gone."""
    with _opened(device) as loop:
        _clear(loop)


def _clear(loop: int) -> None:
    try:
        fcntl.ioctl(loop, LOOP_CLR_FD)
    except OSError as error:
        if error.errno != errno.ENXIO:  # it has none
            raise


def _set_autoclear(loop: int, on: bool) -> None:
    info = bytearray(_LOOP_INFO.size)
    with suppress(OSError):
        fcntl.ioctl(loop, LOOP_GET_STATUS64, info)
        flags = int.from_bytes(info[_FLAGS_AT : _FLAGS_AT + 4], "little") & ~LO_FLAGS_AUTOCLEAR
        flags |= LO_FLAGS_AUTOCLEAR if on else 0
        info[_FLAGS_AT : _FLAGS_AT + 4] = flags.to_bytes(4, "little")
        fcntl.ioctl(loop, LOOP_SET_STATUS64, bytes(info))


@contextmanager
def _opened(device: str) -> Iterator[int]:
    number = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield number
    finally:
        os.close(number)


def tune(device: str, values: dict[str, str]) -> None:
    """Write files of /sys/block/NAME/queue, as far as they can be written."""
    for name, value in values.items():
        with suppress(OSError):
            Path(f"/sys/block/{Path(device).name}/queue/{name}").write_text(value)


def flush(device: str) -> None:
    """Write out what the kernel holds back for a device or file, and wait. Raises OSError."""
    with _opened(device) as number:
        os.fsync(number)


def wait_until(check: object, seconds: float = GONE_SECONDS) -> bool:
    """Look until it is so, or the time is over. For children only."""
    deadline = time.monotonic() + seconds
    while not check():  # type: ignore[operator]
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
