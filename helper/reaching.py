# SPDX-License-Identifier: Apache-2.0
"""Which of a target's portals answers: all are tried at once, so that nobody waits for one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import connector, resolver
from .api.errors import Problem
from .connector import STAGGER
from .supervision import Portal

if TYPE_CHECKING:
    from .nursery import Nursery


async def reachable_first(
    nursery: Nursery, portals: Sequence[Portal], interface: str, seconds: float
) -> tuple[Portal, ...]:
    """Return the portals with the one that answers first (in order of preference, RFC 8305's stagger) in front.

    With a single one, or when none answers, they are as they were: who connects then says why it does not work.
    """
    if len(portals) < 2:
        return tuple(portals)
    tasks = {
        asyncio.create_task(_try(nursery, portal, interface, seconds, place * STAGGER)): portal
        for place, portal in enumerate(portals)
    }
    try:
        for done in asyncio.as_completed(tasks, timeout=seconds + len(portals) * STAGGER):
            first = await done
            if first is not None:
                return (first, *(portal for portal in portals if portal != first))
    except TimeoutError:
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return tuple(portals)


async def _try(nursery: Nursery, portal: Portal, interface: str, seconds: float, wait: float) -> Portal | None:
    await asyncio.sleep(wait)
    try:
        numbers = await resolver.resolve(nursery, portal.address)
        sock = await connector.connect(numbers, portal.port, interface=interface, seconds=seconds)
    except Problem:
        return None
    sock.close()
    return portal
