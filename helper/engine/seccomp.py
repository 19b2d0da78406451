# SPDX-License-Identifier: Apache-2.0
"""System-call filters: a table of calls by name, a small assembler for classic BPF (linux/filter.h, linux/seccomp.h).

A filter lists either what is allowed (`WORKER`) or what is not (`RESOLVER`). What is refused fails with EPERM;
a call of another architecture's or the x32 table ends the process.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct

PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
RET_KILL_PROCESS = 0x80000000
RET_ERRNO_EPERM = 0x00050001
RET_ALLOW = 0x7FFF0000

_INSTRUCTION = Struct("=HBBI")
_LD_ABS = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JEQ = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JGE = 0x35
_JSET = 0x45
_RET = 0x06
#: struct seccomp_data: int nr, u32 arch, u64 instruction pointer, u64 args[6]; the arguments' low halves.
_NR, _ARCH, _ARGS = 0, 4, 16
_X32_BIT = 0x40000000

PROT_EXEC = 4
FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, SIOCOUTQ = 0x541B, 0x5421, 0x5450, 0x5451, 0x5411


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture: its AUDIT_ARCH number, which column of `_NUMBERS` is its."""

    audit: int
    column: int


MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}

#: name x86_64 aarch64 (asm/unistd_64.h, asm-generic/unistd.h); "-" where there is no such call.
_NUMBERS = """
read 0 63|write 1 64|close 3 57|fstat 5 80|poll 7 -|lseek 8 62|mmap 9 222|mprotect 10 226|munmap 11 215
brk 12 214|rt_sigaction 13 134|rt_sigprocmask 14 135|rt_sigreturn 15 139|ioctl 16 29|pread64 17 67
pwrite64 18 68|readv 19 65|writev 20 66|select 23 -|sched_yield 24 124|mremap 25 216|madvise 28 233|dup 32 23
dup2 33 -|nanosleep 35 101|getpid 39 172|socket 41 198|connect 42 203|accept 43 202|sendto 44 206
recvfrom 45 207|sendmsg 46 211|recvmsg 47 212|shutdown 48 210|getsockname 51 204|getpeername 52 205
setsockopt 54 208|getsockopt 55 209|clone 56 220|fork 57 -|vfork 58 -|execve 59 221|exit 60 93|kill 62 129
fcntl 72 25|gettimeofday 96 169|getrusage 98 165|ptrace 101 117|getuid 102 174|getgid 104 176|geteuid 107 175
getegid 108 177|sigaltstack 131 132|personality 135 92|mlock 149 228|munlock 150 229|mlockall 151 230
pivot_root 155 41|chroot 161 51|mount 165 40|umount2 166 39|swapon 167 224|swapoff 168 225|reboot 169 142
init_module 175 105|delete_module 176 106|gettid 186 178|tkill 200 130|time 201 -|futex 202 98
restart_syscall 219 128|clock_gettime 228 113|clock_getres 229 114|clock_nanosleep 230 115|exit_group 231 94
epoll_wait 232 -|epoll_ctl 233 21|tgkill 234 131|kexec_load 246 104|add_key 248 217|request_key 249 218
keyctl 250 219|newfstatat 262 79|pselect6 270 72|ppoll 271 73|unshare 272 97|splice 275 76|tee 276 77
epoll_pwait 281 22|timerfd_create 283 85|timerfd_settime 286 86|accept4 288 242|eventfd2 290 19
epoll_create1 291 20|dup3 292 24|pipe2 293 59|perf_event_open 298 241|setns 308 268|open_by_handle_at 304 265
process_vm_readv 310 270|process_vm_writev 311 271|finit_module 313 273|getrandom 318 278|bpf 321 280
execveat 322 281|userfaultfd 323 282|membarrier 324 283|mlock2 325 284|rseq 334 293|io_uring_setup 425 425
pidfd_send_signal 424 424|open_tree 428 428|move_mount 429 429|fsopen 430 430|clone3 435 435
pidfd_open 434 434|pidfd_getfd 438 438
"""


def numbers(machine: Machine) -> dict[str, int]:
    """Return every known call of an architecture by its name."""
    rows = (row.split() for row in _NUMBERS.replace("\n", "|").split("|") if row)
    return {row[0]: int(row[1 + machine.column]) for row in rows if row[1 + machine.column] != "-"}


@dataclass(frozen=True, slots=True)
class Call:
    """A system call of a filter.

    `argument`, when not negative, is looked at: no bit of `none_of` may be set in it, or it has to be one of `one_of`.
    """

    name: str
    argument: int = -1
    none_of: int = 0
    one_of: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter: with `allow` the calls are all that may be done, without it they are what may not."""

    calls: tuple[Call, ...]
    allow: bool


def _plain(names: str) -> tuple[Call, ...]:
    return tuple(Call(name) for name in names.split())


#: What a worker needs, by need. It opens nothing, makes no socket, starts nobody and signals nobody.
WORKER = Filter(
    _plain("poll ppoll recvfrom sendto recvmsg sendmsg read write readv writev splice tee")  # the data path
    + _plain("clock_gettime futex madvise munmap mremap brk")  # memory and time
    + (Call("mmap", 2, none_of=PROT_EXEC), Call("mprotect", 2, none_of=PROT_EXEC))  # and no new code
    + _plain(
        "close dup dup2 dup3 fcntl fstat newfstatat lseek pread64 pwrite64 pipe2 eventfd2 shutdown accept4"
    )  # descriptors
    + _plain("getsockopt setsockopt getsockname getpeername")  # the sockets that it was given
    + (Call("ioctl", 1, one_of=(FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, SIOCOUTQ)),)
    + _plain("select pselect6 epoll_wait epoll_pwait epoll_ctl epoll_create1 nanosleep clock_nanosleep")  # waiting
    + _plain("mlockall mlock mlock2 munlock membarrier")  # under a mounted disk
    + _plain("getpid gettid getuid geteuid getgid getegid getrusage gettimeofday time clock_getres getrandom")  # asking
    + _plain("rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack sched_yield restart_syscall rseq")  # the C library
    + _plain("exit exit_group"),
    allow=True,
)

#: What a child that asks the name servers has no business with. The C library loads modules there (nsswitch.conf), so
#: that a list of what it needs cannot be given.
RESOLVER = Filter(
    _plain("execve execveat ptrace process_vm_readv process_vm_writev kill tkill tgkill pidfd_send_signal pidfd_open")
    + _plain("pidfd_getfd mount umount2 pivot_root chroot unshare setns open_tree move_mount fsopen open_by_handle_at")
    + _plain("bpf perf_event_open userfaultfd io_uring_setup init_module finit_module delete_module kexec_load reboot")
    + _plain("keyctl add_key request_key swapon swapoff personality fork vfork"),
    allow=False,
)


def assemble(rules: Filter, machine: Machine) -> bytes:
    """Return the filter as BPF instructions."""
    known = numbers(machine)
    hit = RET_ALLOW if rules.allow else RET_ERRNO_EPERM
    miss = RET_ERRNO_EPERM if rules.allow else RET_ALLOW
    program = [
        (_LD_ABS, 0, 0, _ARCH),
        (_JEQ, 1, 0, machine.audit),
        (_RET, 0, 0, RET_KILL_PROCESS),
        (_LD_ABS, 0, 0, _NR),
        (_JGE, 0, 1, _X32_BIT),
        (_RET, 0, 0, RET_KILL_PROCESS),
    ]
    for call in rules.calls:
        if call.name in known:
            body = _body(call, hit, miss)
            program += [(_JEQ, 0, len(body), known[call.name]), *body]
    program.append((_RET, 0, 0, miss))
    return b"".join(_INSTRUCTION.pack(*line) for line in program)


def _body(call: Call, hit: int, miss: int) -> list[tuple[int, int, int, int]]:
    """Return what follows when the number fits; every way through it ends with a return."""
    if call.argument < 0:
        return [(_RET, 0, 0, hit)]
    load = (_LD_ABS, 0, 0, _ARGS + 8 * call.argument)
    if call.none_of:
        return [load, (_JSET, 1, 0, call.none_of), (_RET, 0, 0, hit), (_RET, 0, 0, miss)]
    tests = [(_JEQ, len(call.one_of) - i, 0, value) for i, value in enumerate(call.one_of)]
    return [load, *tests, (_RET, 0, 0, miss), (_RET, 0, 0, hit)]


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def prepare(filters: Iterable[Filter]) -> dict[Filter, bytes]:
    """Assemble filters beforehand (in the preloaded parent); empty on an architecture that is not in the table."""
    machine = MACHINES.get(platform.machine())
    return {rules: assemble(rules, machine) for rules in filters} if machine else {}


def install(code: bytes) -> None:
    """Put this thread under a filter for ever; needs no-new-privileges set. Raises OSError."""
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // _INSTRUCTION.size, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
