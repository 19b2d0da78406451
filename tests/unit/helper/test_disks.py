# SPDX-License-Identifier: Apache-2.0
"""The disks of a session, without a kernel."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path
from typing import Any, cast

import pytest
from lundock.helper.api.errors import Problem
from lundock.helper.attach.base import Attachment
from lundock.helper.disks import Disks
from lundock.helper.supervision import LunRecord

LUN = "0001000000000000"


class Owner:
    """A session whose worker writes down what it is asked."""

    state = "connected"

    def __init__(self, wwn: str) -> None:
        self.luns = (LunRecord(LUN, 1, "disk", "", "", "", "", wwn, 1 << 20, 512, 512, False, False),)
        self.asked: list[str] = []

    def worker(self) -> Owner:
        return self

    async def request(self, message: str, fields: dict[str, Any], descriptors: dict[str, int]) -> None:
        self.asked.append(message)


def disks(owner: Owner) -> Disks:
    made = Disks(cast("Any", None), Path("/nowhere"), cast("Any", owner))
    kept = Attachment(LUN, "fuse", 1, Path("/nowhere/disk"), False, "", descriptor=1 << 20, wwn="naa.6001405aaa")
    made._attachments[LUN] = kept
    return made


def test_a_new_worker_goes_on_with_the_same_disk() -> None:
    owner = Owner("naa.6001405aaa")
    asyncio.run(disks(owner).resume())
    assert owner.asked == ["attach"]


def test_another_disk_at_the_same_place_is_never_swapped_in() -> None:
    owner = Owner("naa.6001405bbb")
    with pytest.raises(Problem) as changed:
        asyncio.run(disks(owner).resume())
    assert changed.value.code == "IdentityChanged"
    assert changed.value.attrs == {"lun": LUN, "found": "naa.6001405bbb", "expected": "naa.6001405aaa"}
    assert owner.asked == []


def test_a_size_that_changes_without_end_is_set_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    async def set_size(_attachment: Attachment, _nursery: object, size: int) -> None:
        await asyncio.sleep(0)
        sizes.append(size)

    monkeypatch.setattr("lundock.helper.attach.set_size", set_size)

    async def main() -> None:
        owner = Owner("naa.6001405aaa")
        made = disks(owner)
        made._attachments[LUN].method = "file"
        for number in range(1, 101):
            owner.luns = (dataclasses.replace(owner.luns[0], size=number << 20),)
            made.look_at_sizes()
        for _ in range(10):
            await asyncio.sleep(0)
        owner.luns = (dataclasses.replace(owner.luns[0], size=7 << 20),)
        made.look_at_sizes()
        for _ in range(10):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert sizes == [100 << 20, 7 << 20]


def test_an_nbd_client_that_stays_keeps_its_number() -> None:
    """A number that is given twice is more than the worker takes: it would end."""
    owner = Owner("naa.6001405aaa")
    made = disks(owner)

    async def open_one() -> int:
        os.close(await made.open_nbd(LUN, True))
        return made._front

    async def main() -> None:
        first = await open_one()
        others = [await open_one() for _ in range(3)]
        made.front_ended(others[0])
        made._front = 0
        assert [first, *others] == [2, 3, 4, 5]
        assert [await open_one(), await open_one()] == [3, 6]

    asyncio.run(main())
