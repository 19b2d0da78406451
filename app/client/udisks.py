# SPDX-License-Identifier: Apache-2.0
"""UDisks2 on the system bus: mounting and unmounting what is on an attached disk. The helper never mounts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ...helper.api.bus import BusError, Connection
from ...helper.api.errors import Problem

_NAME = "org.freedesktop.UDisks2"
_ROOT = "/org/freedesktop/UDisks2"
_MANAGER = f"{_NAME}.Manager"
_FILESYSTEM = f"{_NAME}.Filesystem"
#: A person may be asked for a password meanwhile.
_PATIENCE = 300.0


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


async def mount(device: str, bus: str = "system") -> str:
    """Mount the file system on a device, or on its only partition; returns where. Raises Problem."""
    return str(await _on_filesystem(device, "Mount", bus))


async def unmount(device: str, bus: str = "system") -> None:
    """Unmount it. Raises Problem."""
    await _on_filesystem(device, "Unmount", bus)


async def _on_filesystem(device: str, method: str, bus: str) -> Any:
    try:
        connection = await Connection.open(bus)
    except (Problem, OSError):
        raise Problem("NotSupported", what="mounting", detail="UDisks2 is not running.") from None
    try:
        return await _try_each(connection, device, method)
    except BusError as error:
        raise _problem(error, device) from error
    finally:
        connection.close()


async def _try_each(connection: Connection, device: str, method: str) -> Any:
    """Call the method on the first of the device's block objects that is a file system."""
    last: BusError | None = None
    for path in await _blocks(connection, device):
        try:
            result = await connection.call_raw(
                _NAME, path, _FILESYSTEM, method, "a{sv}", ({},), timeout=_PATIENCE, interactive=True
            )
        except BusError as error:
            if not error.name.endswith((".UnknownMethod", ".UnknownInterface")):
                raise
            last = error
        else:
            return result[0] if result else ""
    raise Problem("NotSupported", what=f"mounting {device}", detail="There is no file system on it.") from last


async def _blocks(connection: Connection, device: str) -> Sequence[str]:
    """Return the device's block object and those of its partitions; udev may be a moment behind a new device."""
    for _ in range(20):
        (found,) = await connection.call_raw(_NAME, f"{_ROOT}/Manager", _MANAGER, "ResolveDevice", "a{sv}a{sv}",
                                             ({"path": device}, {}))  # fmt: skip
        if found:
            break
        await asyncio.sleep(0.1)
    else:
        raise Problem("NotSupported", what=f"mounting {device}", detail="UDisks2 does not know the device.")
    objects = await connection.get_managed_objects(_NAME, _ROOT)
    partitions = [
        path for path, there in objects.items() if there.get(f"{_NAME}.Partition", {}).get("Table", "") in found
    ]
    return [*found, *sorted(partitions)]


def _problem(error: BusError, device: str) -> Problem:
    """Return UDisks2's error as ours; it has the three ways of not being authorized that we have."""
    word = error.name.rsplit(".", 1)[-1]
    if word in {"NotAuthorized", "NotAuthorizedCanObtain", "NotAuthorizedDismissed"}:
        return Problem(word)
    if word == "DeviceBusy":
        return Problem("DeviceBusy", holders=device)
    if word in {"ServiceUnknown", "NameHasNoOwner"}:
        return Problem("NotSupported", what="mounting", detail="UDisks2 is not running.")
    return Problem("NotSupported", what=f"mounting {device}", detail=error.text[:300])
