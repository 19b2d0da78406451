# SPDX-License-Identifier: Apache-2.0
"""The filters, run by a small interpreter of classic BPF: what they say about a call, on both architectures."""

from __future__ import annotations

from struct import Struct, unpack_from

import pytest
from lundock.helper.engine.seccomp import MACHINES, RESOLVER, WORKER, Call, Filter, Machine, assemble, numbers

ALLOWED, REFUSED, KILLED = 0x7FFF0000, 0x00050001, 0x80000000
_DATA = Struct("<iIQ6Q")


def judge(rules: Filter, machine: Machine, number: int, *args: int, audit: int | None = None) -> int:
    """Run the program on a struct seccomp_data."""
    code = assemble(rules, machine)
    data = _DATA.pack(number, audit or machine.audit, 0, *(list(args) + [0] * 6)[:6])
    at, value = 0, 0
    while True:
        operation, true, false, k = unpack_from("=HBBI", code, 8 * at)
        at += 1
        if operation == 0x06:
            return int(k)
        if operation == 0x20:
            value = unpack_from("<I", data, k)[0]
            continue
        fits = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[operation]
        at += true if fits else false


@pytest.fixture(params=sorted(MACHINES))
def machine(request: pytest.FixtureRequest) -> Machine:
    return MACHINES[request.param]


@pytest.mark.parametrize("name", ["recvmsg", "sendmsg", "splice", "ppoll", "exit_group", "futex", "accept4"])
def test_a_worker_may(machine: Machine, name: str) -> None:
    assert judge(WORKER, machine, numbers(machine)[name]) == ALLOWED


@pytest.mark.parametrize(
    "name", ["socket", "connect", "execve", "execveat", "clone", "clone3", "kill", "tkill", "tgkill", "ptrace", "mount",
             "unshare", "setns", "bpf", "keyctl", "io_uring_setup", "process_vm_readv", "pidfd_getfd"]
)  # fmt: skip
def test_a_worker_may_not(machine: Machine, name: str) -> None:
    assert judge(WORKER, machine, numbers(machine)[name]) == REFUSED


@pytest.mark.parametrize("number", [56, 257, 437])  # openat on either machine, openat2
def test_a_worker_opens_nothing(number: int) -> None:
    machine = MACHINES["aarch64" if number == 56 else "x86_64"]
    assert judge(WORKER, machine, number) == REFUSED


def test_no_new_code(machine: Machine) -> None:
    for name in ("mmap", "mprotect"):
        assert judge(WORKER, machine, numbers(machine)[name], 0, 4096, 3) == ALLOWED
        assert judge(WORKER, machine, numbers(machine)[name], 0, 4096, 7) == REFUSED


def test_few_ioctls(machine: Machine) -> None:
    ioctl = numbers(machine)["ioctl"]
    assert judge(WORKER, machine, ioctl, 3, 0x5421) == ALLOWED  # FIONBIO
    assert judge(WORKER, machine, ioctl, 3, 0x5411) == ALLOWED  # SIOCOUTQ, the last of the list
    assert judge(WORKER, machine, ioctl, 3, 0x4C01) == REFUSED  # LOOP_CLR_FD
    assert judge(WORKER, machine, ioctl, 3, 0x5412) == REFUSED  # TIOCSTI


def test_another_architecture_is_the_end(machine: Machine) -> None:
    assert judge(WORKER, machine, 0, audit=0x40000003) == KILLED  # i386
    assert judge(WORKER, machine, 0x40000000 | 1) == KILLED  # x32


def test_a_resolver_may_open_and_connect_but_start_nothing(machine: Machine) -> None:
    known = numbers(machine)
    assert judge(RESOLVER, machine, known["connect"]) == ALLOWED
    assert judge(RESOLVER, machine, 9999) == ALLOWED
    for name in ("execve", "ptrace", "mount", "kill", "unshare"):
        assert judge(RESOLVER, machine, known[name]) == REFUSED


def test_every_rule_names_a_known_call() -> None:
    known = set(numbers(MACHINES["x86_64"]))
    assert {call.name for rules in (WORKER, RESOLVER) for call in rules.calls} <= known


def test_an_argument_may_be_one_of_one() -> None:
    rules = Filter((Call("ioctl", 1, one_of=(5,)),), allow=True)
    machine = MACHINES["x86_64"]
    assert judge(rules, machine, 16, 0, 5) == ALLOWED
    assert judge(rules, machine, 16, 0, 6) == REFUSED
