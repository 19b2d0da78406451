# SPDX-License-Identifier: Apache-2.0
"""Giving up rights: what a process that reads the network is left with.

Each step reports what could not be had instead of failing, as it depends on kernel, container and user:

    missing = isolate()             in a process whose next child is to be the worker: namespaces, an empty file system
    missing += harden()             in the worker, while it has rights: what a worker under a mounted disk needs
    missing += give_up(WORKER)      the rest: limits, user, capabilities, no-new-privileges, the system-call filter

As root all of it holds everywhere but in containers that forbid some of it. Without root, `isolate` needs user
namespaces. Whatever holds or not, the filter lets a worker open no file, make no socket, start no program and signal
nobody.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import socket
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from struct import Struct

from . import seccomp
from .seccomp import RESOLVER, WORKER, Filter

__all__ = ["RESOLVER", "WORKER", "Filter", "close_others", "give_up", "harden", "isolate", "lock_memory", "preload"]

#: The one place where the workers' user is chosen: an own one where the package made it, else an id that nobody uses.
WORKER_USER = "lundock"
FALLBACK_ID = 65533

#: sched.h, mount.h, prctl.h, mman.h, capability.h
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x04000000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x4000, 0x40000
MNT_DETACH = 2
PR_SET_DUMPABLE, PR_SET_NAME, PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_SET_IO_FLUSHER = 4, 15, 24, 47, 57
PR_CAP_AMBIENT_CLEAR_ALL = 4
PR_SET_CHILD_SUBREAPER = 36
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63

#: No children, no files, no core dump with secrets in it; 1,024 sockets and fronts.
_LIMITS = {
    resource.RLIMIT_NOFILE: 1024,
    resource.RLIMIT_NPROC: 0,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
}
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432  # the same everywhere
_NAMESPACES = {
    "mount-namespace": CLONE_NEWNS,
    "process-namespace": CLONE_NEWPID,
    "network-namespace": CLONE_NEWNET,
    "ipc-namespace": CLONE_NEWIPC,
    "host-name-namespace": CLONE_NEWUTS,
}


class _Limits:
    """What `harden` achieved; it can't be asked for later, under the filter."""

    lockable = False


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


@cache
def _filters() -> dict[Filter, bytes]:
    return seccomp.prepare((WORKER, RESOLVER))


@cache
def worker_ids() -> tuple[int, int]:
    """Return user and group of processes without rights."""
    try:
        entry = pwd.getpwnam(WORKER_USER)
    except KeyError:
        return FALLBACK_ID, FALLBACK_ID
    return entry.pw_uid, entry.pw_gid


def preload() -> None:
    """Do all that opens files or loads code, once in the parent."""
    _libc()
    _filters()
    worker_ids()


def _call(name: str, *args: object) -> None:
    """Call the C library; OSError when it returns -1."""
    ctypes.set_errno(0)
    if getattr(_libc(), name)(*args) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _try(what: str, action: Callable[[], object], missing: list[str]) -> None:
    try:
        action()
    except OSError as error:
        missing.append(f"{what}: {error.strerror or error}"[:100])


# ---- namespaces and the file system ------------------------------------------------------------------------------


def isolate() -> list[str]:
    """Leave the system's namespaces. The process namespace begins with the next child; only one child may be made."""
    missing: list[str] = []
    if os.geteuid() != 0:
        _try("user-namespace", _own_user_namespace, missing)
        if missing:
            return [*missing, *_NAMESPACES]
    chroot = not _root_is_mounted()
    for name, flag in _NAMESPACES.items():
        if not (chroot and flag == CLONE_NEWNS):
            _try(name, lambda flag=flag: _call("unshare", flag), missing)  # type: ignore[misc]
    if chroot:
        _try("empty-file-system", _enter_empty_root, missing)
    elif "mount-namespace" not in {line.split(":")[0] for line in missing}:
        _try("empty-file-system", _empty_root, missing)
    if "host-name-namespace" not in {line.split(":")[0] for line in missing}:
        _try("host-name", lambda: socket.sethostname("worker"), missing)
    return missing


def _own_user_namespace() -> None:
    """Become the only user of a new namespace: the same numbers, and rights over what is made in it."""
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", CLONE_NEWUSER)
    proc = Path("/proc/self")
    proc.joinpath("setgroups").write_text("deny")
    proc.joinpath("uid_map").write_text(f"{uid} {uid} 1")
    proc.joinpath("gid_map").write_text(f"{gid} {gid} 1")


def _empty_root() -> None:
    """Make an empty, read-only folder the root, and let go of every mount (so that none is kept busy by a worker)."""
    _private_mounts()
    options = b"size=4k,nr_inodes=1,mode=0555"
    _call("mount", b"none", b"/tmp", b"tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
    os.chdir("/tmp")  # noqa: S108 - what was mounted over it
    # pivot_root(2), "NOTES": with both arguments "." the old root lies on top of the new one, and is taken off.
    _call("syscall", ctypes.c_long(_PIVOT_ROOT[os.uname().machine]), b".", b".")
    _call("umount2", b".", MNT_DETACH)
    os.chdir("/")


def _root_is_mounted() -> bool:
    """Whether / is a mount. In a chroot it may be a mere folder: then a mount namespace of our own could not be taken
    apart, and would keep every mount busy that was there when it was made.
    """
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return True
    return any(line.split()[4] == "/" for line in lines)


def _enter_empty_root() -> None:
    """Make an empty, read-only folder the root that is mounted nowhere; who has no rights does not come out."""
    with detached("tmpfs", size="4k", nr_inodes="1", mode="0555") as folder:
        os.fchdir(folder)
        os.chroot(".")
        os.chdir("/")


@contextlib.contextmanager
def detached(kind: str, **options: str) -> Iterator[int]:
    """Give a descriptor of a new mount that is mounted nowhere (fsopen(2), fsmount(2)): nobody else sees it."""
    context = _number(_FSOPEN, kind.encode(), 1)  # FSOPEN_CLOEXEC
    try:
        for key, value in options.items():
            _number(_FSCONFIG, context, 1, key.encode(), value.encode(), 0)  # FSCONFIG_SET_STRING
        _number(_FSCONFIG, context, 6, None, None, 0)  # FSCONFIG_CMD_CREATE
        place = _number(_FSMOUNT, context, 1, MS_NOSUID | MS_NODEV | MS_NOEXEC)  # as MOUNT_ATTR_... are numbered, too
    finally:
        os.close(context)
    try:
        yield place
    finally:
        os.close(place)


def _number(call: int, *args: object) -> int:
    """Make a system call that the C library may have no name for."""
    ctypes.set_errno(0)
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in args]
    result = int(_libc().syscall(ctypes.c_long(call), *words))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _private_mounts() -> None:
    _call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)


# ---- while there are rights --------------------------------------------------------------------------------------


def spare_from_oom() -> list[str]:
    """Ask not to be chosen when memory runs out; inherited by children. Needs /proc and CAP_SYS_RESOURCE."""
    missing: list[str] = []
    _try("oom-score", lambda: Path("/proc/self/oom_score_adj").write_text("-1000"), missing)
    return missing


def harden() -> list[str]:
    """Ask for what a process under a mounted disk needs and only a process with rights gets.

    PR_SET_IO_FLUSHER: its own memory allocations start no writing to the disk it serves. RLIMIT_MEMLOCK: so that
    `lock_memory` can be used later.
    """
    missing: list[str] = []
    _try("io-flusher", lambda: _call("prctl", PR_SET_IO_FLUSHER, 1, 0, 0, 0), missing)
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, unlimited)
        _Limits.lockable = True
    except (OSError, ValueError):
        missing.append("memory-lock: the limit cannot be raised")
    return missing


def lock_memory(*, as_used: bool = False) -> bool:
    """Lock all memory, now and later. False when the limit does not allow it (then nothing is locked).

    With `as_used` only what has been touched stays, and what will be: for processes that a reconnect needs, but no
    request of a disk. The worker's is done when the first block device is attached and not before: it ends the sharing
    with the parent (1.4 MB of private memory become 17), and a worker that no file system waits for may be paged out.
    """
    if not _Limits.lockable:
        return False  # locked with a limit, a later mmap would fail
    try:
        _call("mlockall", MCL_CURRENT | MCL_FUTURE | (MCL_ONFAULT if as_used else 0))
    except OSError:
        return False
    return True


def no_core_dumps() -> None:
    """Let nothing of our memory, in which secrets come by, get into a file when we crash."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.geteuid() == 0:  # others could not open their own /proc/self any more
        _call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)


# ---- giving up ---------------------------------------------------------------------------------------------------


def give_up(rules: Filter) -> list[str]:
    """Give up everything that is left, for ever. Raises OSError when a step fails that never does."""
    missing: list[str] = []
    _limit()
    os.umask(0o077)
    _drop_user()
    _call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)
    _call("prctl", seccomp.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    code = _filters().get(rules)
    if code is None:
        missing.append("system-call-filter: not known for this architecture")
    else:
        _try("system-call-filter", lambda: seccomp.install(code), missing)
    return missing


def _limit() -> None:
    for which, wanted in _LIMITS.items():
        hard = resource.getrlimit(which)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (value, value))


def _drop_user() -> None:
    if os.geteuid() == 0:
        for capability in range(_LAST_CAPABILITY + 1):
            with contextlib.suppress(OSError):  # beyond the last one that this kernel has
                _call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)
        uid, gid = worker_ids()
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    with contextlib.suppress(OSError):
        _call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = Struct("=Ii").pack(_CAPABILITY_VERSION_3, 0)
    _call("capset", header, bytes(24))


# ---- descriptors -------------------------------------------------------------------------------------------------


def close_others(keep: tuple[int, ...], *, null: bool = True) -> None:
    """Close every descriptor but 0 to 2 and these; 0 and 1 become /dev/null while that can be opened."""
    if null:
        for number in (0, 1):
            os.dup2(os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC), number)
    start = 3
    for number in sorted(keep):
        os.closerange(start, number)
        start = number + 1
    os.closerange(start, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def quiet() -> None:
    """Let nothing that is printed go anywhere: standard error becomes what standard output is."""
    os.dup2(1, 2)


def become_subreaper() -> None:
    """Become the parent of descendants whose own parent ends."""
    _call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def set_name(name: str) -> None:
    """Set what ps shows, at most 15 characters."""
    _call("prctl", PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def keep_capabilities(keep: tuple[int, ...]) -> None:
    """Give up every capability but these (numbers of linux/capability.h), as far as they are there. For root only."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    mask = int(status["CapPrm"], 16) & sum(1 << number for number in keep)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = Struct("=Ii").pack(_CAPABILITY_VERSION_3, 0)
    _call("capset", header, Struct("=6I").pack(low, low, 0, high, high, 0))
