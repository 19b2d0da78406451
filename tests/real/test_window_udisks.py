# SPDX-License-Identifier: Apache-2.0
"""What is on a disk, mounting, unmounting and formatting it through a real UDisks2."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from lundock.app.client import udisks
from lundock.helper.api.errors import Problem
from support import need, procs
from support.helper import HelperProcess
from support.tgtd import LunSpec, Tgtd
from support.udisks import Udisks, running_udisks


@pytest.fixture(scope="module")
def service() -> Iterator[Udisks]:
    with running_udisks() as running:
        yield running


@pytest.fixture
def device(service: Udisks, tmp_path: Path) -> Iterator[str]:
    """An empty disk that UDisks2 sees."""
    need.loop()
    with (tmp_path / "disk").open("wb") as stream:
        stream.truncate(64 << 20)
    name = procs.run("losetup", "-f", "--show", tmp_path / "disk").strip()
    try:
        service.show(name)
        yield name
    finally:
        service.inside("rm", name)
        procs.run("losetup", "-d", name)


def test_it_is_seen_where_it_runs_and_not_where_it_does_not(service: Udisks, bus: str) -> None:
    assert asyncio.run(udisks.available(service.bus))
    assert not asyncio.run(udisks.available(bus))
    assert not asyncio.run(udisks.available("unix:path=/nonexistent"))
    with pytest.raises(Problem) as caught:
        asyncio.run(udisks.mount("/dev/loop0", bus))
    assert caught.value.code == "NotSupported"


def test_an_empty_disk_is_formatted_mounted_and_unmounted(service: Udisks, device: str) -> None:
    async def work() -> None:
        assert (await udisks.contents(device, service.bus)).empty
        await udisks.format_empty(device, "ext4", "my disk", service.bus)
        found = await udisks.contents(device, service.bus)
        assert (found.whole.kind, found.whole.label, found.empty) == ("ext4", "my disk", False)
        place = await udisks.mount(device, service.bus)
        assert place in service.inside("cat", "/proc/self/mounts").replace("\\040", " ")
        assert await udisks.mount(device, service.bus) == place, "what is mounted stays where it is"
        assert (await udisks.contents(device, service.bus)).whole.mounts == (place,)
        await udisks.unmount(device, service.bus)
        await udisks.unmount(device, service.bus)
        assert (await udisks.contents(device, service.bus)).whole.mounts == ()

    asyncio.run(work())


def test_a_disk_with_something_on_it_is_never_formatted(service: Udisks, device: str) -> None:
    procs.run("mkfs.ext4", "-q", device)
    service.inside("udevadm", "trigger", "--settle", device)
    with pytest.raises(Problem) as caught:
        asyncio.run(udisks.format_empty(device, bus=service.bus))
    assert "not empty" in str(caught.value.attrs["detail"])


def test_a_mounted_disk_that_is_used_says_busy(service: Udisks, device: str) -> None:
    async def work() -> None:
        await udisks.format_empty(device, "ext4", "", service.bus)
        place = await udisks.mount(device, service.bus)
        enter = [need.program("nsenter"), "-t", str(service.process.pid), "-m", "tail", "-f", f"{place}/used"]
        service.inside("touch", f"{place}/used")
        user = procs.start(enter)
        try:
            await asyncio.to_thread(
                procs.wait_for,
                "the file to be open",
                lambda: any("used" in path for path in procs.open_files(user.pid)),
            )
            with pytest.raises(Problem) as caught:
                await udisks.unmount(device, service.bus)
            assert caught.value.code == "DeviceBusy"
        finally:
            procs.stop(user)
        await udisks.unmount(device, service.bus)

    asyncio.run(work())


def test_nothing_to_mount_is_said(service: Udisks, device: str) -> None:
    with pytest.raises(Problem) as caught:
        asyncio.run(udisks.mount(device, service.bus))
    assert "no file system" in str(caught.value.attrs["detail"])


def test_from_the_wizard_to_a_formatted_mounted_disk_and_back(
    service: Udisks,
    helper: HelperProcess,
    tgtd: Tgtd,
    target_name: str,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The whole way in the window, with the real helper, target and UDisks2."""
    pytest.importorskip("PySide6")
    from lundock.app.client.link import Where
    from lundock.app.flows.connect import Step
    from lundock.app.model.bridge import Bus
    from lundock.app.ui.eject_dialog import EjectDialog
    from lundock.app.ui.format_dialog import FormatDialog
    from lundock.app.ui.window import Window
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QLabel

    need.loop()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", service.bus)
    target = tgtd.add_target(target_name, [LunSpec(64 << 20)])
    bus = Bus(Where("address", helper.bus))
    window = Window(bus)
    qtbot.addWidget(window)

    def until(check: Any) -> None:
        qtbot.waitUntil(lambda: bool(check()), timeout=20_000)

    def click(button: Any) -> None:
        until(button.isEnabled)
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    window.show()
    bus.start()
    try:
        until(lambda: bus.snapshot_now.ready)
        dialog = window.connect_to_target()
        dialog.start_with(target.portal, target.name)
        click(dialog._go)
        until(lambda: dialog.flow.step is Step.OPTIONS)
        dialog.options.mount.setChecked(False)  # the device has to be shown to this test's udisksd first
        click(dialog._go)
        until(lambda: dialog.flow.step is Step.DONE)
        (lun,) = [lun for lun in bus.snapshot_now.luns.values() if lun.device]
        service.show(lun.device)
        (card,) = dialog.done_page.cards
        until(lambda: card.what == "format")
        click(card._do)
        question = card.findChild(FormatDialog)
        click(question._go)
        click(question._go)
        until(lambda: card.what == "udisks")
        click(card._do)
        until(lambda: card.what == "open")
        click(dialog._go)
        until(lambda: bus.snapshot_now.luns[lun.path].mounts)
        window.tabs.setCurrentWidget(window.disks)
        click(window.disks._eject)
        until(lambda: window.findChild(EjectDialog) is not None)
        asks = window.findChild(EjectDialog)
        assert asks._go.text() == "Unmount and eject"
        click(asks._go)
        until(lambda: "safe to unplug" in " ".join(label.text() for label in asks.findChildren(QLabel)))
        click(asks._go)
        click(window.header._main)
        until(lambda: window.target is not None and window.target.state == "disconnected")
    finally:
        window.close()
        bus.stop()
        service.inside("rm", "-f", lun.device)
