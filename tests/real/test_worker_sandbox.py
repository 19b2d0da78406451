# SPDX-License-Identifier: Apache-2.0
"""A worker from the nursery: what it is left with, and what it can no longer do."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from support import mountns, need, procs, unprivileged

#: Starts a nursery whose workers run `body` instead of the engine; prints what it says, and what /proc shows of it.
_PROGRAM = """
import asyncio, json, os, socket, sys
from lundock.helper.engine import worker

def body(listener, log, *, missing=()):
    {body}

worker.run = body
from lundock.helper.nursery import Nursery
nursery = Nursery.start()

async def main():
    ours, theirs = socket.socketpair()
    read, write = os.pipe()
    child = await nursery.spawn("worker", [theirs.fileno(), write])
    theirs.close()
    ours.setblocking(False)
    said = await asyncio.get_running_loop().sock_recv(ours, 65536)
    place = f"/proc/{{child.pid}}/"
    status = dict(line.split(":\\t", 1) for line in open(place + "status").read().splitlines() if ":\\t" in line)
    names = os.listdir(place + "ns") if os.geteuid() == 0 else []
    links = {{name: os.readlink(place + "ns/" + name) for name in names}}
    own = {{name: os.readlink("/proc/self/ns/" + name) for name in links}}
    score = open(place + "oom_score_adj").read().strip()
    limits = open(place + "limits").read()
    seen = os.listdir(place + "root") if os.geteuid() == 0 else None
    ours.close()
    code = await child.exited
    print(json.dumps([json.loads(said), status, links, own, score, limits, code, seen]))
    await nursery.close()

asyncio.run(main())
"""

_TRY_ALL = """
    import errno, ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    found = {"missing": list(missing), "uid": os.getuid(), "pid": os.getpid()}
    attempts = {
        "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "open-proc": lambda: os.open("/proc/self/status", os.O_RDONLY),
        "write": lambda: os.open("/x", os.O_WRONLY | os.O_CREAT),
        "list": lambda: os.listdir("/"),
        "socket": lambda: socket.socket(),
        "connect": lambda: socket.create_connection(("127.0.0.1", 1)),
        "exec": lambda: os.execv("/bin/true", ["true"]),
        "fork": lambda: os.fork(),
        "kill-others": lambda: os.kill(PARENT, 9),
        "kill-all": lambda: os.kill(-1, 9),
        "setuid": lambda: os.setuid(0),
        "memfd": lambda: os.memfd_create("x"),
        "chdir": lambda: os.chdir("/"),
        "umount": lambda: libc.umount2(b"/", 2) and (_ for _ in ()).throw(OSError(ctypes.get_errno(), "")),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
            found[name] = "DONE"
        except OSError as error:
            found[name] = errno.errorcode[error.errno]
    sock = socket.socket(fileno=listener)
    sock.sendall(json.dumps(found).encode())
    sock.recv(1)
"""


def run(body: str, *prefix: str) -> list[object]:
    source = _PROGRAM.format(body=body.strip().replace("PARENT", str(os.getpid())))
    return json.loads(procs.run(*prefix, sys.executable, "-c", source))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def as_root() -> list[object]:
    need.root()
    return run(_TRY_ALL)


REFUSED = ["open", "open-proc", "write", "list", "socket", "connect", "exec", "fork", "kill-others", "kill-all",
           "setuid", "memfd", "chdir", "umount"]  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_it_cannot(as_root: list[dict[str, str]], what: str) -> None:
    assert as_root[0][what] == "EPERM"


def test_it_is_nobody(as_root: list[dict[str, str]]) -> None:
    said, status = as_root[0], as_root[1]
    assert said["uid"] != 0
    assert len(set(status["Uid"].split())) == 1
    assert len(set(status["Gid"].split())) == 1
    assert status["Groups"].split() == []
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert status["Umask"] == "0077"


def test_it_is_alone(as_root: list[dict[str, str]]) -> None:
    said, _, links, own = as_root[:4]
    assert said["pid"] == 1  # of its process namespace
    missing = {line.split(":")[0] for line in said["missing"]}
    for name, what in {"mnt": "mount", "pid": "process", "net": "network", "ipc": "ipc", "uts": "host-name"}.items():
        if f"{what}-namespace" not in missing:  # a container may forbid it
            assert links[name] != own[name]


def test_it_sees_an_empty_folder(as_root: list[object]) -> None:
    assert as_root[7] == []


def test_in_a_chroot_too_and_keeps_no_mount_busy(tmp_path: Path) -> None:
    need.root()
    lines = [f"cd {tmp_path}"]
    for one in Path("/").iterdir():
        made = f"cp -P /{one.name} ." if one.is_symlink() else f"mkdir {one.name}; mount --rbind /{one.name} {one.name}"
        lines += [made] if one.is_symlink() or one.is_dir() else []
    script = "\n".join([*lines, 'exec chroot . "$@"'])
    found = run(_TRY_ALL, *mountns.own(script))
    said, _, links, own = found[:4]
    assert "empty-file-system" not in {line.split(":")[0] for line in said["missing"]}, said["missing"]
    assert found[7] == []
    assert links["mnt"] == own["mnt"]  # its root is no mount there: a copy of all mounts could not be let go of


def test_what_it_lacks_is_only_what_the_machine_forbids(as_root: list[dict[str, object]]) -> None:
    """Everything the kernel lets root do was done; CAP_SYS_RESOURCE is the one that containers take away."""
    missing = {line.split(":")[0] for line in as_root[0]["missing"]}  # type: ignore[attr-defined]
    rights = int(
        next(line for line in Path("/proc/self/status").read_text().splitlines() if "CapEff" in line).split()[1], 16
    )
    allowed = set() if rights >> 24 & 1 else {"oom-score", "io-flusher", "memory-lock"}
    if rights >> 21 & 1:
        assert missing <= allowed


def test_its_limits(as_root: list[str]) -> None:
    limits = {line[:26].strip(): line[26:47].strip() for line in as_root[5].splitlines()}
    assert limits["Max processes"] == "0"
    assert limits["Max core file size"] == "0"
    assert limits["Max file size"] == "0"
    assert int(limits["Max open files"]) <= 1024


def test_it_ended_by_itself(as_root: list[int]) -> None:
    assert as_root[6] == 0


def test_without_root_the_filter_holds_all_the_same() -> None:
    need.root()
    said = run(_TRY_ALL, *unprivileged.prefix())[0]
    assert isinstance(said, dict)
    for what in REFUSED:
        assert said[what] == "EPERM", what
