# SPDX-License-Identifier: Apache-2.0
"""How fast the disk is just now, from Manager.GetStatistics."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from lundock.app.client import operations
from lundock.app.client.client import Client

from .report import Failed, Report, size_text

T = TypeVar("T")
TICK = 0.2


class Watch:
    """Tells a disk's rates while something else goes on; `total` afterwards."""

    def __init__(self, client: Client, lun: str, report: Report) -> None:
        self._client = client
        self._lun = lun
        self._report = report
        self._first: Mapping[str, Any] = {}
        self._last: Mapping[str, Any] = {}
        self._told = 0

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end and return what it returns."""
        self._first = self._last = await self._figures()
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=TICK)
                self._tell(await self._figures())
        finally:
            if not task.done():  # what comes next unmounts what it works on
                task.cancel()
                await asyncio.wait({task})
        self._report.end_live()
        if not self._told:
            raise Failed("the figures did not move while data was written")
        return task.result()

    def total(self, counter: str) -> int:
        """Return by how much a counter has grown."""
        return int(self._last[counter]) - int(self._first[counter])

    async def _figures(self) -> Mapping[str, Any]:
        return (await operations.statistics(self._client))[self._lun]

    def _tell(self, now: Mapping[str, Any]) -> None:
        seconds = (int(now["time"]) - int(self._last["time"])) / 1e6
        grown = int(now["write-bytes"]) - int(self._last["write-bytes"])
        self._last = now
        if not grown or seconds <= 0:
            return
        self._told += 1
        p99 = now.get("write-latency", {}).get("p99", 0)
        self._report.live(
            f"{size_text(grown / seconds):>9}/s   {size_text(self.total('write-bytes')):>8} written   "
            f"{now['in-flight']:>3} in flight   99 % within {p99 / 1000:.1f} ms"
        )
