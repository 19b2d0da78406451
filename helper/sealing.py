# SPDX-License-Identifier: Apache-2.0
"""A session's secrets between its login and its end: in memory, for its worker, and for the one that takes its place.

They lie in a file in memory of fixed size. We alone can write it, because a worker gets a descriptor that only reads;
we hold it in memory (mlock), and overwrite it when nobody needs it any more. A helper that takes over gets the worker's
descriptor and does the same: it is root, or the same user, and may open the file for writing.

Not memfd_secret(2), which even the kernel does not see: while there is one, the computer cannot hibernate.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
from collections.abc import Iterator

from .api import sealed
from .engine.secret import lock
from .supervision import Secrets

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW


class SealedSecrets:
    """Owns the descriptor `fd`, which a worker may have. Ended by `close`, or, when a worker goes on, by `leave`."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._area = _mapped(fd)

    @classmethod
    def of(cls, secrets: Secrets) -> SealedSecrets:
        """Put them there."""
        data = bytearray(sealed.pack(secrets.secret, secrets.target_secret))
        number = os.memfd_create("lundock-secrets", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.fchmod(number, 0o600)
            os.ftruncate(number, sealed.SIZE)
            fcntl.fcntl(number, fcntl.F_ADD_SEALS, SEALS | fcntl.F_SEAL_SEAL)
            os.pwrite(number, data, 0)
            return cls(os.open(f"/proc/self/fd/{number}", os.O_RDONLY | os.O_CLOEXEC))
        finally:
            data[:] = bytes(len(data))
            os.close(number)

    def leave(self) -> None:
        """Let go of them; a worker has them still, for the next helper."""
        if self._area is not None:
            self._area.close()
            self._area = None
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def close(self) -> None:
        """Overwrite them, whoever has a descriptor; a second time does nothing."""
        if self._area is not None:
            self._area[:] = bytes(len(self._area))
        self.leave()


def _mapped(fd: int) -> mmap.mmap | None:
    """Return the file's memory, locked and in no core dump; None where an earlier version forbade writing for ever."""
    try:
        own = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        area = mmap.mmap(own, os.fstat(own).st_size, mmap.MAP_SHARED)
    except (OSError, ValueError):
        return None
    finally:
        os.close(own)
    lock(area)
    return area


@contextlib.contextmanager
def for_a_worker(secrets: Secrets | None, sign_in: str) -> Iterator[dict[str, int]]:
    """Give the descriptors with which a worker is started that asks one question; overwritten behind it."""
    made = sealed_for(secrets, sign_in)
    try:
        yield descriptors(made)
    finally:
        if made is not None:
            made.close()


def sealed_for(secrets: Secrets | None, sign_in: str) -> SealedSecrets | None:
    """Return them sealed, when there are any and the sign-in needs some."""
    return SealedSecrets.of(secrets) if secrets is not None and sign_in != "none" else None


def descriptors(made: SealedSecrets | None) -> dict[str, int]:
    """Return what a worker is started with."""
    return {} if made is None else {"secrets": made.fd}


def is_sealed(number: int, seals: int = SEALS) -> bool:
    """Whether it is a memfd with these seals: reading it never waits, and its size stays."""
    try:
        return fcntl.fcntl(number, fcntl.F_GET_SEALS) & seals == seals
    except OSError:
        return False
