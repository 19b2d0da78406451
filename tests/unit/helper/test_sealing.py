# SPDX-License-Identifier: Apache-2.0
"""What a worker can do with the secrets that it gets, and that nothing of them is left when nobody needs them."""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path

import pytest
from lundock.helper.api import sealed
from lundock.helper.sealing import SEALS, SealedSecrets, for_a_worker, is_sealed
from lundock.helper.supervision import Secrets
from support import need

SECRETS = Secrets("correct horse b", "target battery s")
PACKED = sealed.pack(SECRETS.secret, SECRETS.target_secret)


def read(fd: int) -> bytes:
    return os.pread(fd, sealed.SIZE, 0).rstrip(b"\0")


def test_a_worker_can_read_them_and_nothing_else() -> None:
    made = SealedSecrets.of(SECRETS)
    fd = os.dup(made.fd)
    assert read(fd) == PACKED.rstrip(b"\0")
    assert is_sealed(fd)
    for change in (lambda: os.pwrite(fd, b"x", 0), lambda: os.ftruncate(fd, 1), lambda: os.ftruncate(fd, 1 << 20)):
        with pytest.raises(OSError, match=r"Bad file descriptor|Invalid argument"):
            change()
    with pytest.raises(PermissionError):
        mmap.mmap(fd, sealed.SIZE, mmap.MAP_SHARED, mmap.PROT_WRITE)
    with pytest.raises(PermissionError):
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)  # it could not be overwritten any more
    assert not os.get_inheritable(made.fd)
    assert os.fstat(fd).st_mode & 0o777 == 0o600
    made.close()
    os.close(fd)


def test_at_the_end_they_are_overwritten_whoever_still_has_a_descriptor() -> None:
    made = SealedSecrets.of(SECRETS)
    workers = os.dup(made.fd)
    made.close()
    made.close()
    assert read(workers) == b""
    os.close(workers)


def test_who_leaves_leaves_them_and_the_next_one_overwrites_them() -> None:
    made = SealedSecrets.of(SECRETS)
    handed = os.dup(made.fd)
    made.leave()
    assert read(handed).startswith(PACKED[:20])
    workers = os.dup(handed)
    SealedSecrets(handed).close()
    assert read(workers) == b""
    os.close(workers)


def test_what_an_earlier_version_sealed_for_ever_is_closed() -> None:
    fd = os.memfd_create("old", os.MFD_ALLOW_SEALING)
    os.write(fd, PACKED)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS | fcntl.F_SEAL_WRITE)
    other = os.dup(fd)
    made = SealedSecrets(fd)
    assert read(made.fd) == PACKED.rstrip(b"\0")
    made.close()
    os.close(other)


def test_they_stay_in_memory_and_in_no_core_dump() -> None:
    need.root()  # others may lock little, or nothing
    made = SealedSecrets.of(SECRETS)
    lines = Path("/proc/self/smaps").read_text("utf-8", "replace").splitlines()
    at = next(number for number, line in enumerate(lines) if "memfd:lundock-secrets" in line)
    flags = next(line for line in lines[at:] if line.startswith("VmFlags:")).split()
    assert {"lo", "dd", "sh"} <= set(flags)
    made.close()
    assert "memfd:lundock-secrets" not in Path("/proc/self/smaps").read_text("utf-8", "replace")


def test_for_one_question_they_are_there_as_long_as_it_takes_to_ask() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with for_a_worker(SECRETS, "chap") as given:
        workers = os.dup(given["secrets"])
        assert read(workers) == PACKED.rstrip(b"\0")
    assert read(workers) == b""
    os.close(workers)
    for secrets, sign_in in ((None, "chap"), (SECRETS, "none")):
        with for_a_worker(secrets, sign_in) as given:
            assert given == {}
    assert len(list(Path("/proc/self/fd").iterdir())) == before
