# SPDX-License-Identifier: Apache-2.0
"""What is on a disk, mounting, unmounting and formatting it through a real UDisks2."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from lundock.app.client import udisks
from lundock.helper.api.errors import Problem
from support import need, procs
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
                lambda: any("used" in str(fd.readlink()) for fd in Path(f"/proc/{user.pid}/fd").iterdir()),
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
