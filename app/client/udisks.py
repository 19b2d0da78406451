# SPDX-License-Identifier: Apache-2.0
"""UDisks2 on the system bus: what is on an attached disk, mounting and unmounting it, formatting an empty one.

The helper never mounts. UDisks2 asks the person for a password where the system wants it (polkit).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...helper.api.bus import BusError, Connection
from ...helper.api.errors import Problem
from ..words import tr

_NAME = "org.freedesktop.UDisks2"
_ROOT = "/org/freedesktop/UDisks2"
_MANAGER = f"{_NAME}.Manager"
_BLOCK = f"{_NAME}.Block"
_FILESYSTEM = f"{_NAME}.Filesystem"
_PARTITION = f"{_NAME}.Partition"
_TABLE = f"{_NAME}.PartitionTable"
#: A person may be asked for a password meanwhile.
_PATIENCE = 300.0
#: Writing a file system's tables to a large disk at the far end of a slow network.
_FORMAT_PATIENCE = 3600.0
#: Looks for a device that was just made: udev may be a moment behind.
_LOOKS, _PAUSE = 30, 0.1

Objects = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Volume:
    """What is on a disk, or on one of its partitions. `usage`: "filesystem", "crypto", "raid", "other" or ""."""

    path: str
    device: str
    usage: str = ""
    kind: str = ""
    label: str = ""
    size: int = 0
    mounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """A disk as UDisks2 sees it; `table` is the partition table's kind, or empty."""

    whole: Volume
    parts: tuple[Volume, ...] = ()
    table: str = ""
    read_only: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing that is known is on it."""
        return not (self.whole.usage or self.whole.kind or self.parts or self.table)

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """The whole disk, or its partitions when there are any."""
        return self.parts or (self.whole,)

    @property
    def mountable(self) -> tuple[Volume, ...]:
        """The file systems on it."""
        return tuple(volume for volume in self.volumes if volume.usage == "filesystem")


async def available(bus: str = "system") -> bool:
    """Whether UDisks2 runs, or can be started."""
    try:
        connection = await Connection.open(bus)
    except (Problem, OSError):
        return False
    try:
        if await connection.name_owner(_NAME):
            return True
        (names,) = await connection.call_raw(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListActivatableNames"
        )
    except (Problem, BusError):
        return False
    else:
        return _NAME in names
    finally:
        connection.close()


async def contents(device: str, bus: str = "system") -> Contents:
    """Return what is on a device. Raises Problem."""
    async with _Udisks.open(device, bus) as udisks:
        return await udisks.contents()


async def mount(device: str, bus: str = "system") -> str:
    """Mount every file system on a device; returns where the first one is. Raises Problem."""
    async with _Udisks.open(device, bus) as udisks:
        found = (await udisks.contents()).mountable
        if not found:
            what, detail = tr("mounting {device}").format(device=device), tr("There is no file system on it.")
            raise Problem("NotSupported", what=what, detail=detail)
        places = [v.mounts[0] if v.mounts else str(await udisks.call(v.path, _FILESYSTEM, "Mount")) for v in found]
        return places[0]


async def mount_if_any(device: str, bus: str = "system", *, patience: float = 1.0) -> str:
    """As `mount`, but a device without a file system is left alone; returns "" then.

    One that was just attached is looked at for `patience` seconds: udev may not have seen yet what is on it.
    """
    async with _Udisks.open(device, bus) as udisks:
        for _ in range(round(patience / _PAUSE)):
            if (await udisks.contents()).mountable:
                return await mount(device, bus)
            await asyncio.sleep(_PAUSE)
    return ""


async def unmount(device: str, bus: str = "system") -> None:
    """Unmount everything on a device, wherever it is mounted. Raises Problem; what was done until then stays done."""
    async with _Udisks.open(device, bus) as udisks:
        for _ in range(16):  # a file system may be mounted at several places
            mounted = [v for v in (await udisks.contents()).volumes if v.mounts]
            if not mounted:
                return
            for volume in mounted:
                await udisks.call(volume.path, _FILESYSTEM, "Unmount")


async def format_empty(device: str, kind: str = "ext4", label: str = "", bus: str = "system") -> None:
    """Make a file system on a device that is empty; anything else is refused. Raises Problem."""
    async with _Udisks.open(device, bus) as udisks:
        now = await udisks.contents()
        if not now.empty or now.read_only:
            detail = tr("It can only be read.") if now.read_only else tr("It is not empty any more.")
            raise Problem("NotSupported", what=tr("formatting {device}").format(device=device), detail=detail)
        options = {"label": label, "take-ownership": True, "update-partition-type": True}
        await udisks.call(now.whole.path, _BLOCK, "Format", "sa{sv}", (kind, options), timeout=_FORMAT_PATIENCE)


class _Udisks:
    """One device, seen through UDisks2."""

    def __init__(self, connection: Connection, device: str) -> None:
        self._connection = connection
        self._device = device

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, device: str, bus: str) -> AsyncIterator[_Udisks]:
        """Connect for a piece of work; UDisks2's errors become Problems."""
        try:
            connection = await Connection.open(bus)
        except (Problem, OSError):
            raise _not_running() from None
        try:
            yield cls(connection, device)
        except BusError as error:
            raise _problem(error, device) from error
        finally:
            connection.close()

    async def call(
        self,
        path: str,
        interface: str,
        method: str,
        signature: str = "a{sv}",
        args: tuple[Any, ...] = ({},),
        *,
        timeout: float = _PATIENCE,  # noqa: ASYNC109 - handed on to the bus
    ) -> Any:
        """Call a method; returns its first result."""
        result = await self._connection.call_raw(
            _NAME, path, interface, method, signature, args, timeout=timeout, interactive=True
        )
        return result[0] if result else ""

    async def contents(self) -> Contents:
        """Look at it, as it is since it was attached."""
        own = await self._resolve()
        for _ in range(_LOOKS):
            objects: Objects = await self._connection.get_managed_objects(_NAME, _ROOT)
            there = objects.get(own, {})
            if _size_now(self._device) in {there.get(_BLOCK, {}).get("Size"), None}:
                break
            await asyncio.sleep(_PAUSE)
        parts = [path for path, one in objects.items() if one.get(_PARTITION, {}).get("Table") == own]
        volumes = sorted((_volume(path, objects[path]) for path in parts), key=lambda volume: volume.device)
        table = str(there.get(_TABLE, {}).get("Type", ""))
        read_only = bool(there.get(_BLOCK, {}).get("ReadOnly", False))
        return Contents(_volume(own, there), tuple(volumes), table, read_only)

    async def _resolve(self) -> str:
        for _ in range(_LOOKS):
            found: Sequence[str] = await self.call(
                f"{_ROOT}/Manager", _MANAGER, "ResolveDevice", "a{sv}a{sv}", ({"path": self._device}, {})
            )
            if found:
                return str(found[0])
            await asyncio.sleep(_PAUSE)
        raise Problem("NotSupported", what=_using(self._device), detail=tr("UDisks2 does not know the device."))


def _size_now(device: str) -> int | None:
    """Return the device's size as the kernel has it; UDisks2 has the one of before, such as 0, until udev is done."""
    try:
        return int(Path("/sys/class/block", Path(device).resolve().name, "size").read_text()) * 512
    except (OSError, ValueError):
        return None


def _volume(path: str, there: Mapping[str, Mapping[str, Any]]) -> Volume:
    block = there.get(_BLOCK, {})
    places = there.get(_FILESYSTEM, {}).get("MountPoints", ())
    size = block.get("Size", 0)
    return Volume(
        path=path,
        device=_bytes_text(block.get("Device", b"")),
        usage=str(block.get("IdUsage", "")),
        kind=str(block.get("IdType", "")),
        label=str(block.get("IdLabel", "")),
        size=size if isinstance(size, int) else 0,
        mounts=tuple(_bytes_text(place) for place in places),
    )


def _bytes_text(value: Any) -> str:
    """Return a path as UDisks2 sends it: bytes with a zero at the end."""
    return bytes(value).rstrip(b"\0").decode("utf-8", "replace") if isinstance(value, bytes | list) else str(value)


def _using(device: str) -> str:
    return tr("using {device}").format(device=device)


def _not_running() -> Problem:
    return Problem("NotSupported", what=tr("mounting"), detail=tr("UDisks2 is not running."))


def _problem(error: BusError, device: str) -> Problem:
    """Return UDisks2's error as ours; it has the three ways of not being authorized that we have."""
    word = error.name.rsplit(".", 1)[-1]
    if word in {"NotAuthorized", "NotAuthorizedCanObtain", "NotAuthorizedDismissed"}:
        return Problem(word)
    if word == "DeviceBusy":
        return Problem("DeviceBusy", holders=device)
    if word in {"ServiceUnknown", "NameHasNoOwner"}:
        return _not_running()
    return Problem("NotSupported", what=_using(device), detail=error.text[:300])
