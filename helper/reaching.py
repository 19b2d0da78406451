# SPDX-License-Identifier: Apache-2.0
"""Which of a target's portals answers: all are tried at once, so that nobody waits for one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from . import connector, resolver
from .api.errors import Problem
from .connector import STAGGER
from .supervision import Portal

if TYPE_CHECKING:
    from .nursery import Nursery


#: What a person who looks at a list waits for, and how many addresses are tried for it.
PATIENCE, MAX_TRIED = 1.0, 64


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


async def answering(
    nursery: Nursery, portals: Iterable[Portal], interface: str, seconds: float = PATIENCE
) -> dict[tuple[str, int], bool]:
    """Return which addresses and ports take a connection within `seconds`; all are tried at once.

    Of more than MAX_TRIED those after it are not tried, and not in the answer.
    """
    places = list(dict.fromkeys((portal.address, portal.port) for portal in portals))[:MAX_TRIED]

    async def one(portal: Portal) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await _try(nursery, portal, interface, seconds, 0) is not None
        except TimeoutError:
            return False

    return dict(zip(places, await asyncio.gather(*(one(Portal(*place)) for place in places)), strict=True))


async def _try(nursery: Nursery, portal: Portal, interface: str, seconds: float, wait: float) -> Portal | None:
    await asyncio.sleep(wait)
    try:
        numbers = await resolver.resolve(nursery, portal.address)
        sock = await connector.connect(numbers, portal.port, interface=interface, seconds=seconds)
    except Problem:
        return None
    sock.close()
    return portal
