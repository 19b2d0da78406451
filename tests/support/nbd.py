# SPDX-License-Identifier: Apache-2.0
"""`lundock-iscsi serve` as a fixture's process, and an NBD client that may misbehave."""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from . import procs

CLI = [sys.executable, "-m", "lundock.helper.engine.cli"]
READ, WRITE, DISC, FLUSH, TRIM, CACHE, ZEROES = range(7)


def cli(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run lundock-iscsi to its end."""
    return procs.try_run(*CLI, *words, **options)


@contextlib.contextmanager
def serving(url: str, path: Path, *words: str) -> Iterator[str]:
    """Serve `url` on the socket `path`; gives its NBD URI. Ends by SIGTERM, and looks that it ended well."""
    process = procs.start([*CLI, "serve", url, "--unix", str(path), *words], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline(), "it did not begin to serve"
        yield f"nbd+unix:///?socket={path}"
    finally:
        code = procs.stop(process, 20)
    assert code == 0
    assert not path.exists()


class NbdClient:
    """Speaks the transmission phase by hand."""

    def __init__(self, server: Path | socket.socket) -> None:
        self.sock = socket.socket(socket.AF_UNIX) if isinstance(server, Path) else server
        self.sock.settimeout(30)
        if isinstance(server, Path):
            self.sock.connect(str(server))
        self.take(18)
        self.sock.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 1, 0))
        self.size, self.flags = struct.unpack(">QH", self.take(10))

    def take(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            piece = self.sock.recv(n - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def ask(
        self, kind: int, offset: int, length: int, data: bytes = b"", *, handle: int = 1, flags: int = 0,
        magic: int = 0x25609513,
    ) -> None:  # fmt: skip
        self.sock.sendall(struct.pack(">IHHQQI", magic, flags, kind, handle, offset, length) + data)

    def answer(self) -> tuple[int, int]:
        """Return handle and errno of the next reply's header."""
        magic, error, handle = struct.unpack(">IIQ", self.take(16))
        assert magic == 0x67446698
        return handle, error

    def do(self, kind: int, offset: int, length: int, data: bytes = b"", *, flags: int = 0) -> int:
        """Ask for something without data in the answer; returns its errno."""
        self.ask(kind, offset, length, data, handle=77, flags=flags)
        handle, error = self.answer()
        assert handle == 77
        return error

    def read(self, offset: int, length: int) -> bytes:
        assert self.do(READ, offset, length) == 0
        return self.take(length)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.sock.close()
