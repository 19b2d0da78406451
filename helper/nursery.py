# SPDX-License-Identifier: Apache-2.0
"""The preloaded parent of all workers."""

from __future__ import annotations


class Nursery:
    """The helper's end. `Nursery.start()` forks: call it first, before asyncio, threads and the bus."""

    @classmethod
    def start(cls) -> Nursery:
        return cls()

    async def open(self) -> None:
        """Begin to listen for answers in the running loop."""

    async def close(self) -> None:
        """End the nursery; workers live on."""
