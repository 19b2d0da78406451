# SPDX-License-Identifier: Apache-2.0
"""A disk that is there whenever the person has logged in: the service connects and attaches it, the program that the
desktop starts has the real UDisks2 mount it. It is there again when the network, the target or the service was away.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6")

from lundock.app import desktop
from support import need, netns, procs
from support.helper import HelperProcess, running_helper
from support.netns import End
from support.udisks import Kernel, Udisks, running_udisks
from support.xvfb import display

NAME = "iqn.2026-01.io.github.lundock.test:login-disk"
#: A loss is noticed soon.
SOON = ("--set", "ping_interval=1", "--set", "ping_timeout=1", "--set", "reconnect_delay=1")
WORDS = "always there\n"


class Storage:
    """The storage device at the other end of the wire, with one disk that has a file system."""

    def __init__(self, there: End, folder: Path) -> None:
        self._there = there
        self._disk = folder / "disk"
        with self._disk.open("wb") as stream:
            stream.truncate(64 << 20)
        (folder / "content").mkdir()
        (folder / "content" / "words").write_text(WORDS)
        procs.run(need.program("mkfs.ext4"), "-q", "-d", folder / "content", "-L", "login", self._disk)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return self._there.address

    def on(self) -> None:
        """Switch it on."""
        words = ["--listen", f"{self.address}:3260", "--target", NAME, "--disk", str(self._disk)]
        argv = [*self._there.prefix, sys.executable, "-m", "lundock.helper.target", *words]
        self._process = procs.start(argv, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline()

    def off(self) -> None:
        """Switch it off, without a word to anybody."""
        if self._process is not None:
            self._process.kill()
            procs.stop(self._process)
            self._process = None


class Login:
    """The person's session: the command line, the program that the desktop starts, and what is mounted."""

    def __init__(self, helper: HelperProcess, udisks: Udisks, folder: Path, screen: str) -> None:
        self._udisks = udisks
        self._log = folder / "gui.log"
        (folder / "run").mkdir(mode=0o700)
        self.environ = helper.environ | {
            "DISPLAY": screen, "QT_QPA_PLATFORM": "xcb", "DBUS_SYSTEM_BUS_ADDRESS": udisks.bus, "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder / "run"), "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }  # fmt: skip

    def lundock(self, *words: str) -> Any:
        argv = [sys.executable, "-m", "lundock.app.cli", "--json", "--session", *words]
        return json.loads(procs.run(*argv, env=self.environ))

    def state(self) -> str:
        (target,) = self.lundock("targets")["targets"]
        return str(target["state"])

    @contextlib.contextmanager
    def desktop(self) -> Iterator[None]:
        """Start what the person chose to have started at log-in, as its entry says."""
        desktop.start_with_desktop(True, self.environ)
        entry = (Path(self.environ["XDG_CONFIG_HOME"]) / "autostart" / f"{desktop.APP_ID}.desktop").read_text()
        (command,) = [line.removeprefix("Exec=") for line in entry.splitlines() if line.startswith("Exec=")]
        program, *words = command.split()
        argv = [str(Path(sys.executable).with_name(program)), "--session", *words]
        with self._log.open("ab") as log:
            process = procs.start(argv, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield
        finally:
            procs.stop(process)
        assert "Traceback" not in self._log.read_text("utf-8", "replace")

    def mounts(self) -> Mapping[str, str]:
        """Return what UDisks2 has mounted for people: device to place."""
        lines = [line.split() for line in self._udisks.inside("cat", "/proc/self/mounts").splitlines()]
        return {line[0]: line[1] for line in lines if line[0].startswith("/dev/loop") and "/media/" in line[1]}

    def mounted(self) -> str:
        """Wait for the disk, and return where it is."""
        procs.wait_for("the mounted disk", self.mounts, 60)
        ((_device, place),) = self.mounts().items()
        return place

    def read(self, file: str) -> str:
        return self._udisks.inside("cat", file)

    @contextlib.contextmanager
    def writing(self, file: str) -> Iterator[None]:
        """Write a file over and over; it must not be told of an error."""
        script = 'while dd if=/dev/zero of="$1" bs=64k count=20 oflag=direct conv=notrunc,fsync 2>/dev/null; do :; done'
        enter = [need.program("nsenter"), "-t", str(self._udisks.process.pid), "-m", "sh", "-c", script, "sh", file]
        program = procs.start(enter, stdin=subprocess.DEVNULL)
        try:
            yield
            assert program.poll() is None, "writing failed"
        finally:
            procs.kill_group(program)


def test_a_disk_of_the_log_in_is_mounted_and_stays_while_things_go_away_and_come_back(tmp_path: Path) -> None:
    need.loop()
    need.fuse()
    with (
        netns.wire() as (here, there),
        running_helper(tmp_path, prefix=tuple(here.prefix)) as helper,
        running_udisks() as udisks,
        display(folder=tmp_path) as screen,
        Kernel(udisks, helper),
    ):
        storage, me = Storage(there, tmp_path), Login(helper, udisks, tmp_path, screen)
        storage.on()
        try:
            options = ("--startup", "login", "--set", "startup_disks=mount", *SOON)
            me.lundock("add", NAME, "--portal", storage.address, *options)
            procs.wait_for("the disk", lambda: [lun for lun in me.lundock("luns")["luns"] if lun["device"]], 60)
            assert not me.mounts(), "nobody is logged in yet"

            with me.desktop():
                place = me.mounted()
                assert me.read(f"{place}/words") == WORDS
                for away, back in (
                    (partial(here.link, up=False), partial(here.link, up=True)),
                    (storage.off, storage.on),
                ):
                    with me.writing(f"{place}/file"):
                        away()
                        procs.wait_for("the loss", lambda: me.state() == "lost", 60)
                        back()
                        procs.wait_for("the way back", lambda: me.state() == "connected", 60)
                    assert me.mounts() == {device_of(me): place}, "it is the same disk at the same place"
                    assert me.read(f"{place}/words") == WORDS

                # Taken away by the person it stays so; when the service starts again it comes again.
                me.lundock("unmount", NAME)
                me.lundock("logout", NAME)
                assert helper.stop() == 0
                assert not me.mounts()
                helper.start()
                assert me.read(f"{me.mounted()}/words") == WORDS
            assert me.mounts(), "who logs out leaves it; the service takes care of it"
            me.lundock("unmount", NAME)
            me.lundock("logout", NAME)
        finally:
            storage.off()


def device_of(me: Login) -> str:
    (lun,) = [lun for lun in me.lundock("luns")["luns"] if lun["device"]]
    return str(lun["device"])
