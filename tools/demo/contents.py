# SPDX-License-Identifier: Apache-2.0
"""The demo disk: an ext4 file system with a few files, and their checksums."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

DISK_SIZE = 256 << 20
_CHUNK = 1 << 20


def make(folder: Path) -> tuple[Path, Mapping[str, str]]:
    """Make the disk's image in `folder`; returns it and the SHA-256 of each file on it, by its name."""
    source = folder / "files"
    _write_files(source)
    sums = {str(file.relative_to(source)): checksum(file) for file in sorted(source.rglob("*")) if file.is_file()}
    image = folder / "disk.ext4"
    with image.open("wb") as disk:
        disk.truncate(DISK_SIZE)
    owner = f"root_owner={os.getuid()}:{os.getgid()},lazy_itable_init=0,lazy_journal_init=0"
    subprocess.run(
        ["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-L", "lundock-demo", "-E", owner, "-d", source, image],
        check=True,
        env={**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"},
    )
    return image, sums


def _write_files(source: Path) -> None:
    (source / "letters").mkdir(parents=True)
    (source / "Welcome.txt").write_text("This file lies on an iSCSI disk.\n", "utf-8")
    (source / "letters" / "Äpfel und Öl.txt").write_text("Names with umlauts are fine.\n", "utf-8")
    (source / "numbers.csv").write_text("".join(f"{n},{n * n}\n" for n in range(50_000)), "utf-8")
    (source / "noise.bin").write_bytes(random.Random(7143).randbytes(8 << 20))


def checksum(file: Path) -> str:
    """Return a file's SHA-256."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


async def write_noise(file: Path, size: int) -> str:
    """Write so many random bytes until they are on the disk; returns their SHA-256. Cancelled, it has let go of it."""
    stop = threading.Event()
    work = asyncio.ensure_future(asyncio.to_thread(_write_noise, file, size, stop))
    try:
        return await asyncio.shield(work)
    finally:
        stop.set()
        await asyncio.wait({work})


def _write_noise(file: Path, size: int, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    with file.open("wb", buffering=0) as stream:
        for _ in range(size // _CHUNK):
            if stop.is_set():
                break
            chunk = os.urandom(_CHUNK)
            digest.update(chunk)
            stream.write(chunk)
        os.fsync(stream.fileno())
    return digest.hexdigest()
