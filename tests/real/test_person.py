# SPDX-License-Identifier: Apache-2.0
"""As a person would: `lundock-gui` for the first time, with pointer and keyboard, to a mounted disk and back.

Everything is real: the program is a process of its own, the helper has root's rights, the target is tgtd, UDisks2
formats and mounts. What is on the screen is read as a screen reader does (AT-SPI), and as pixels where it is a picture.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("PySide6")

from support import need, procs
from support.atspi import accessibility
from support.helper import HelperProcess
from support.person import Person
from support.tgtd import LunSpec, Tgtd
from support.udisks import Kernel, Udisks, running_udisks
from support.xvfb import display, pixels

from tools import traces

WORDS = b"written by a person on an iSCSI disk\n"


@contextlib.contextmanager
def writing(udisks: Udisks, place: str) -> Iterator[None]:
    """Write to a file below `place`, over and over, as a program that works there does."""
    script = 'while :; do dd if=/dev/zero of="$1/file" bs=64k count=200 oflag=direct conv=notrunc; done'
    enter = [need.program("nsenter"), "-t", str(udisks.process.pid), "-m", "sh", "-c", script, "sh", place]
    program = procs.start(enter, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        procs.kill_group(program)


def rates(me: Person) -> set[str]:
    """What the window says is read and written just now."""
    return {node.name for node in me.tree.find("MB/s", "label")}


@pytest.fixture
def udisks(helper: HelperProcess) -> Iterator[Udisks]:
    with running_udisks() as running:
        yield running


def test_from_a_first_start_to_a_mounted_disk_and_back(
    helper: HelperProcess, udisks: Udisks, tgtd: Tgtd, target_name: str, tmp_path: Path
) -> None:
    need.loop()
    target = tgtd.add_target(target_name, [LunSpec(64 << 20)])
    (tmp_path / "run").mkdir(mode=0o700)
    with (
        display(folder=tmp_path) as screen,
        accessibility() as tree,
        Kernel(udisks, helper) as kernel,
        (tmp_path / "gui.log").open("wb") as log,
    ):
        environ = helper.environ | tree.environ | {
            "DISPLAY": screen, "QT_QPA_PLATFORM": "xcb", "DBUS_SYSTEM_BUS_ADDRESS": udisks.bus, "HOME": str(tmp_path),
            "XDG_RUNTIME_DIR": str(tmp_path / "run"), "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }  # fmt: skip
        program = procs.start(
            [sys.executable, "-m", "lundock.app", "--session"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        me = Person(tree, screen)
        try:
            # The first start says what to do, and the wizard takes me from there with the keyboard alone.
            me.sees("No targets yet")
            me.click("Connect to a target")
            me.sees("Where is the storage device?")
            me.types(target.portal)
            me.presses("Return")
            me.sees("The device offers these")
            me.chooses(target_name)
            me.presses("Return")
            me.sees("How to connect", "Mount what is on them")
            me.presses("Return")

            # The disk is new. Formatting it is asked twice.
            me.sees("Nothing is on it yet.")
            me.click("Format")
            me.sees("Name of the disk")
            me.types("nas")
            me.click("Format")
            me.click("Format")
            me.click("Mount")
            me.sees("Mounted on ")
            place = me.reads("Mounted on ")
            me.click("Done")
            udisks.inside("mountpoint", "-q", place)
            udisks.inside("sh", "-c", f'printf %s "$1" > "{place}/words" && sync "{place}/words"', "sh", WORDS.decode())

            # What a program does there is to be seen.
            me.click("Activity", "page tab")
            plot = me.finds("Throughput", "filler")
            before = pixels(tmp_path, plot.box)
            with writing(udisks, place):
                me.waits_for("what is written to be told", lambda: rates(me) - {"0.0 MB/s"})
                me.waits_for("the plot to move", lambda: pixels(tmp_path, plot.box) != before)
                then = pixels(tmp_path, plot.box)
                me.waits_for("the plot to go on moving", lambda: pixels(tmp_path, plot.box) not in (before, then))

            # It is in use, so the window offers to unmount it.
            me.click("Disks", "page tab")
            me.click("Eject")
            me.click("Unmount and eject")
            me.sees("safe to unplug")
            assert len(kernel.shown) == 1
            assert not [*traces.loops([helper.run_dir])]  # its number may be another's by now
            assert WORDS in target.luns[0].file.read_bytes()
        finally:
            procs.stop(program)
    assert "Traceback" not in (tmp_path / "gui.log").read_text("utf-8", "replace")
