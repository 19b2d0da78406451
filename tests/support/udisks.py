# SPDX-License-Identifier: Apache-2.0
"""A real udisksd, with a real udevd, that see one device only: a mount namespace with a /dev of its own.

In a network namespace of its own, too: every udevd tells its network namespace what it found of a device, and another
one that runs meanwhile, without the device's node, finds nothing on it; udisksd would believe that.

The machine's /dev, /run/udev and mounts are not touched, and other devices are not even opened: they have no node
there. What udisksd mounts, it mounts in that namespace.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools import traces
from tools.private_bus import private_bus

from . import buses, mountns, need, procs
from .helper import HelperProcess

UDISKSD = Path("/usr/libexec/udisks2/udisksd")
UDEVD = Path("/lib/systemd/systemd-udevd")
NAME = "org.freedesktop.UDisks2"

SETUP = """
mount -t tmpfs -o mode=755 none "$1/dev"
for node in null zero full random urandom; do cp -a "/dev/$node" "$1/dev/$node"; done
mkdir "$1/dev/mapper" "$1/dev/shm"
cp -a /dev/mapper/control "$1/dev/mapper/" 2>/dev/null || true
mount --move "$1/dev" /dev
mount -t tmpfs none /run
mkdir /run/udev /run/media
mount -t tmpfs none /var/lib/udisks2
mount -t tmpfs none /media
"$2" &
exec "$3" --no-debug
"""


@dataclass
class Udisks:
    """Where it is: `bus` is the address of what it takes for the system bus."""

    bus: str
    process: subprocess.Popen[bytes]

    def inside(self, *argv: str) -> str:
        """Run a program in its namespace."""
        return procs.run(need.program("nsenter"), "-t", str(self.process.pid), "-m", "-n", *argv)

    def show(self, device: str) -> None:
        """Let it see a block device."""
        number = Path(device).stat().st_rdev
        major, minor = str(os.major(number)), str(os.minor(number))
        self.inside("mknod", device, "b", major, minor)
        self.inside("udevadm", "trigger", "--settle", "--action=add", f"/sys/dev/block/{major}:{minor}")

    @property
    def environ(self) -> dict[str, str]:
        """An environment in which programs find it on the system bus."""
        return {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.bus}


class Kernel:
    """Shows udisksd each device of this helper's as soon as it is there: its /dev is its own, and has no others."""

    def __init__(self, udisks: Udisks, helper: HelperProcess) -> None:
        self._udisks = udisks
        self._mark = str(helper.run_dir)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.shown: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for device in self.shown:
            self._udisks.inside("rm", "-f", device)

    def _run(self) -> None:
        while not self._over.wait(0.05):
            for file in Path("/sys/block").glob("loop*/loop/backing_file"):
                device = f"/dev/{file.parts[3]}"
                with contextlib.suppress(OSError):
                    if self._mark in file.read_text() and device not in self.shown:
                        self._udisks.show(device)
                        self.shown.append(device)


@contextlib.contextmanager
def running_udisks() -> Iterator[Udisks]:
    """Run both; for root, where the package udisks2 is installed."""
    need.root()
    if not UDISKSD.exists() or not UDEVD.exists():
        need.missing("udisks2", "udisksd or udevd is not installed")
    Path("/var/lib/udisks2").mkdir(exist_ok=True)
    with private_bus(need.program("dbus-daemon")) as address:
        folder = Path(tempfile.mkdtemp(prefix=traces.PREFIX))
        (folder / "dev").mkdir()
        (folder / "log").touch()
        with (folder / "log").open("wb") as log:
            process = procs.start(
                [*mountns.own(SETUP, network=True), str(folder), str(UDEVD), str(UDISKSD)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": address},
            )  # fmt: skip
        try:
            procs.wait_for("udisksd", lambda: process.poll() is not None or buses.has_owner(address, NAME))
            assert process.poll() is None, (folder / "log").read_text("utf-8", "replace")
            yield Udisks(address, process)
        finally:
            procs.kill_group(process)
            (folder / "log").unlink()
            (folder / "dev").rmdir()
            folder.rmdir()
