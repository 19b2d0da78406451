# SPDX-License-Identifier: Apache-2.0
"""The window on a real screen (Xvfb), with parts of a desktop around it: trays of both kinds, notifications, links."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6")

from lundock.app.client.notifications import Notification, Notifier
from support import need, procs
from support.desktop import DARK, LIGHT, Desktop, eventually
from support.fake_helper import RunningFake, running_fake

#: Takes a picture of the screen, and prints how light the place is where a window without targets has nothing.
_LIGHTNESS = """
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
picture = app.primaryScreen().grabWindow(0).toImage()
print(picture.pixelColor(600, 60).lightness())
"""
Driver = Callable[[Desktop], Coroutine[Any, Any, None]]


@pytest.fixture
def service() -> Iterator[RunningFake]:
    with running_fake() as running:
        yield running


class Stage:
    """A screen, a desktop's bus, and programs on them."""

    def __init__(self, service: RunningFake, display: str, folder: Path) -> None:
        self.service = service
        self.environ = os.environ | {
            "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "DBUS_SESSION_BUS_ADDRESS": service.address,
            "XDG_CONFIG_HOME": str(folder / "config"), "XDG_RUNTIME_DIR": str(folder / "run"), "HOME": str(folder),
            "XDG_CURRENT_DESKTOP": "KDE",
        }  # fmt: skip
        (folder / "run").mkdir(mode=0o700)

    @contextlib.contextmanager
    def program(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the window's program."""
        argv = [sys.executable, "-m", "lundock.app", "--session", *arguments]
        process = procs.start(argv, env=self.environ, stdin=subprocess.DEVNULL)
        try:
            yield process
        finally:
            procs.stop(process)

    def windows(self, *words: str) -> list[str]:
        """Return the windows that can be seen and fit, as X knows them."""
        return procs.try_run("xdotool", "search", "--onlyvisible", *words, env=self.environ).stdout.split()

    def lightness(self) -> int:
        """Return how light the window's middle is, of 255, as it is on the screen."""
        return int(procs.run(sys.executable, "-c", _LIGHTNESS, env=self.environ))

    def drive(self, driver: Driver) -> None:
        """Serve a desktop and run a coroutine with it."""

        async def whole() -> None:
            desktop = await Desktop.serve(self.service.address)
            try:
                await driver(desktop)
            finally:
                desktop.close()

        asyncio.run(whole())

    async def until_state(self, path: str, wanted: str) -> None:
        """Wait until a target is in a state."""
        await eventually(lambda: self.service.helper.targets[path].state == wanted)


@pytest.fixture
def stage(service: RunningFake, xvfb: str, tmp_path: Path) -> Stage:
    need.program("xdotool")
    return Stage(service, xvfb, tmp_path)


async def has(desktop: Desktop, words: str) -> bool:
    return words in await desktop.menu()


async def tip_has(desktop: Desktop, words: str) -> bool:
    return words in str(await desktop.item("ToolTip"))


def test_the_tray_of_the_bus(service: RunningFake, stage: Stage) -> None:
    """StatusNotifierItem: a tip, a menu that works, quitting."""
    path = service.add("backup", "Backup")

    async def driver(desktop: Desktop) -> None:
        with stage.program() as running:
            await eventually(lambda: desktop.items)
            await eventually(lambda: has(desktop, "Connect “Backup”"))
            await desktop.choose("Connect “Backup”")
            await stage.until_state(path, "connected")
            await eventually(lambda: has(desktop, "Eject “Backup”"))
            await eventually(lambda: tip_has(desktop, "Backup: ↓"))
            await desktop.choose("Eject “Backup”")
            await stage.until_state(path, "disconnected")
            await desktop.choose("Quit")
            await eventually(lambda: running.poll() is not None)
            assert running.returncode == 0

    stage.drive(driver)


def test_told_to_end_by_a_signal_it_leaves_nothing(stage: Stage) -> None:
    """As when the desktop's session ends: the socket by which a second start finds the first is gone."""
    folder = Path(stage.environ["XDG_RUNTIME_DIR"])
    with stage.program() as running:
        procs.wait_for("the window", lambda: stage.windows("--name", "^Lundock$"))
        assert list(folder.glob("lundock-*.sock"))
        running.terminate()
        assert running.wait(procs.PATIENCE) == 0
    assert not list(folder.glob("lundock-*.sock"))


def test_the_tray_of_x(stage: Stage) -> None:
    """XEmbed: the icon sits in a real panel; closing the window leaves it there, a click brings the window back."""
    panel = procs.start([need.program("trayer"), "--edge", "top"], env=stage.environ, stdin=subprocess.DEVNULL)
    try:
        procs.wait_for("the panel", lambda: stage.windows("--class", "trayer"))
        with stage.program() as running:
            procs.wait_for("the window", lambda: stage.windows("--name", "^Lundock$"))

            def icons() -> str:
                """Give what is in each of the panel's windows; one that goes while it is looked at ends that look."""
                panels = stage.windows("--class", "trayer")
                looks = [procs.try_run("xwininfo", "-tree", "-id", one, env=stage.environ) for one in panels]
                return "".join(one.stdout for one in looks)

            procs.wait_for("the icon in the panel", lambda: "lundock" in icons().lower())
            assert running.poll() is None
    finally:
        procs.stop(panel)


def test_a_loss_is_told_and_its_action_opens_the_window(service: RunningFake, stage: Stage) -> None:
    path = service.add("backup", "Backup")
    service.connect(path)

    async def driver(desktop: Desktop) -> None:
        with stage.program("--background"):
            await eventually(lambda: desktop.items)
            await eventually(lambda: has(desktop, "Eject “Backup”"))
            assert not stage.windows("--name", "^Lundock$")
            service.do(lambda h: h.event("lost", h.targets[path].name, {"error": "ConnectionLost"}))
            (told,) = await eventually(lambda: desktop.shown)
            assert "“Backup” was lost" in told["summary"]
            await desktop.act(told["id"], "default")
            await eventually(lambda: stage.windows("--name", "^Lundock$"))

    stage.drive(driver)


def test_the_desktop_turns_dark_and_the_window_with_it(stage: Stage) -> None:
    """By the portal's setting, as GNOME, Xfce and others tell it (KDE has a file of its own, which Qt watches)."""
    stage.environ["XDG_CURRENT_DESKTOP"] = "XFCE"

    def is_dark() -> bool:
        return stage.lightness() < 90

    async def driver(desktop: Desktop) -> None:
        with stage.program():
            await eventually(lambda: stage.windows("--name", "^Lundock$"))
            await eventually(lambda: stage.lightness() > 180)
            await desktop.turn(DARK)
            await eventually(is_dark)
            await desktop.turn(LIGHT)
            await eventually(lambda: stage.lightness() > 180)

    stage.drive(driver)


def test_a_second_start_raises_the_first_with_its_link(stage: Stage) -> None:
    async def driver(desktop: Desktop) -> None:
        with stage.program("--background") as first:
            await eventually(lambda: desktop.items)
            with stage.program("iscsi://nas.local/iqn.2026-01.a:b") as second:
                await eventually(lambda: second.poll() is not None)
                assert second.returncode == 0
            await eventually(lambda: stage.windows("--name", "^Connect to a target$"))
            assert first.poll() is None

    stage.drive(driver)


def test_notifications_have_actions_and_no_markup(bus: str) -> None:
    async def work() -> None:
        desktop = await Desktop.serve(bus)
        acted: list[tuple[str, str]] = []
        notifier = Notifier(lambda key, token: acted.append((key, token)), bus)
        first = Notification("t1", "Lost <b>x</b>", "a < b & c", {"default": "Open", "connect": "Connect"}, urgent=True)
        assert await notifier.show(first)
        assert await notifier.show(Notification("t1", "Back"))
        assert await notifier.show(Notification("t2", "Other"))
        lost, back, other = desktop.shown
        assert lost["body"] == "a &lt; b &amp; c"
        assert lost["actions"] == ["default", "Open", "connect", "Connect"]
        assert (back["old"], other["old"]) == (lost["id"], 0), "the same key takes its place"
        assert lost["hints"]["urgency"].value == 1
        await desktop.act(99, "connect")
        await desktop.act(lost["id"], "connect")
        await eventually(lambda: acted)
        assert acted == [("t1", "connect")]
        notifier.close()
        desktop.close()

    asyncio.run(work())


def test_without_a_notification_server_nothing_breaks(bus: str) -> None:
    async def work() -> None:
        for address in (bus, "unix:path=/nonexistent"):
            notifier = Notifier(lambda *_: None, address)
            assert not await notifier.show(Notification("k", "Words"))
            await notifier.withdraw("k")
            notifier.close()

    asyncio.run(work())
